/** What lookup() asks of a message, and what it does to it. The contacts themselves are with src/modules/usrloc. */
import {
  D_NURI,
  M_BFLAGS,
  M_CSEQ,
  M_DONE,
  M_DSTURI,
  M_FSOCK,
  M_KIND,
  M_METHOD,
  M_NEWURI,
  M_TO,
} from '../gen/layout.gen';
import { arenaAlloc } from '../mem/arena';
import { CSEQ_METHOD_ID, parseCseq } from '../sip/cseq';
import { ADDR_TAG, parseTo } from '../sip/name-addr';
import { AOR_READ, aorAt, aorOfRequest } from './aor';
import { methodBit } from './methods';
import { REQUEST } from './value';

/** bit of `wants` beside those of aor.ts */
const METHOD_FILTERING: i32 = 4;

/**
 * Reads whom a request is for.
 * @param at URI in place of the request URI, with its length; 0 the request URI as the script left it
 * @param wants bits: 1 users of different case are different, 2 an address of record has a domain, 4 contacts are chosen by their methods
 * @returns address of AOR_READ with 16 the bit of the method that contacts must have, 0 any: BORROWED until the next call; AOR_* when there is no address of record
 */
export function lookupRead(msg: usize, at: usize, length: i32, wants: i32): usize {
  const wrong = at ? aorAt(at, length, wants) : aorOfRequest(msg, wants);
  if (wrong) return wrong;
  store<i32>(AOR_READ, wants & METHOD_FILTERING ? neededMethod(msg) : 0, 16);
  return AOR_READ;
}

/** Only what begins a dialog, or is outside of any, is filtered. */
function neededMethod(msg: usize): i32 {
  if (parseTo(msg) || load<u16>(msg + M_TO + ADDR_TAG + 2)) return 0;
  if (load<u8>(msg + M_KIND) == REQUEST) return methodBit(<i32>load<u8>(msg + M_METHOD));
  return methodBit(parseCseq(msg) ? 0 : load<i32>(msg + M_CSEQ + CSEQ_METHOD_ID));
}

/**
 * The request goes to a contact: makes room for its URIs in the message, and sets all but their bytes, which the caller writes at once.
 * @param uriLength of the new request URI  @param dstLength of the destination URI, -1 none
 * @param flags branch flags that are set too  @param socket index + 1 of the socket to send from, 0 leaves it as it is
 * @returns where the bytes of both belong, the request URI first; 0 when the message's memory is full: nothing is changed then
 */
export function lookupTarget(msg: usize, uriLength: i32, dstLength: i32, flags: u32, socket: i32): usize {
  if (uriLength < 0 || dstLength < -1) return 0;
  const at = arenaAlloc(msg, uriLength + max(dstLength, 0));
  if (!at) return 0;
  store<u32>(msg + M_NEWURI, <u32>at);
  store<i32>(msg + M_NEWURI, uriLength, 4);
  store<u32>(msg + M_DONE, load<u32>(msg + M_DONE) & ~D_NURI);
  store<u32>(msg + M_DSTURI, dstLength < 0 ? 0 : <u32>(at + <usize>uriLength));
  store<i32>(msg + M_DSTURI, max(dstLength, 0), 4);
  store<u32>(msg + M_BFLAGS, load<u32>(msg + M_BFLAGS) | flags);
  if (socket) store<u16>(msg + M_FSOCK, <u16>socket);
  return at;
}
