/**
 * The fixed areas of one core instance, inside the window of Lua's heap that scripts/build.ts reserves. No managed objects anywhere in wasm/.
 */

/** Result area of a target that returns xval: i32 payload or address at 0, length at 4. */
export const RET: usize = memory.data(16, 16);
/** Argument words of a call that goes through memory: 12 i32 words, then spare bytes. */
export const ARGS: usize = memory.data(128, 16);
/** Export descriptors (DS_*), by export number. */
export const DESCS: usize = memory.data(65536, 16);
/** Small scratch for text a target builds (ports, numbers, addresses): BORROWED until the next target runs. */
export const SCRATCH: usize = memory.data(4096, 16);

/** struct SipMsg of the message that is being routed; 0 outside of a route. */
export let MSG: usize = 0;

/** Makes a message the current one. @param msg its struct, 0 for none  @returns the one before, to be put back */
export function setMsg(msg: usize): usize {
  const before = MSG;
  MSG = msg;
  return before;
}

/** @returns the struct of the current message, 0 outside of a route */
export function currentMsg(): usize {
  return MSG;
}

/** @returns address of RET: 8 bytes. BORROWED until the next call */
export function retArea(): usize {
  return RET;
}

/** @returns address of ARGS: 12 i32 words. BORROWED until the next call */
export function argsArea(): usize {
  return ARGS;
}

/** @returns address of the descriptor table: MAX_EXPORTS records of DESC_SIZE bytes, filled once by the bridge */
export function descsArea(): usize {
  return DESCS;
}

/** @returns address of SCRATCH: 4096 bytes. BORROWED until the next call */
export function scratchArea(): usize {
  return SCRATCH;
}

/** @returns address behind the last static byte of the core: it must lie in the window */
export function staticEnd(): usize {
  return __heap_base;
}
