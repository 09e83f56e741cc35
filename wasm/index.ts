/**
 * The ABI: the only file that exports to JavaScript. Integers only: offsets, lengths, ids, status codes. Groups by the room they come from.
 */
// ---- fixed areas (mem/)
export { argsArea, currentMsg, descsArea, retArea, scratchArea, setMsg } from './mem/state';
// ---- SIP core (sip/, hash/)
// ---- Lua dispatcher and entry (lua/)
// ---- KEMI modules of the hot path (modules/)
