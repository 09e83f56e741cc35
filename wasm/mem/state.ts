/** Result area of a target that returns xval: i32 payload or address at 0, length at 4. */
export const RET: usize = memory.data(16, 16);
/** Argument words of a call that goes through memory: 12 i32 words, then 52 spare bytes. */
export const ARGS: usize = memory.data(128, 16);
/** Export descriptors (DS_*), by export number. */
export const DESCS: usize = memory.data(65536, 16);
/** Small scratch for text a target builds (ports, numbers, addresses): BORROWED until the next target runs. */
export const SCRATCH: usize = memory.data(4096, 16);

/** struct SipMsg of the message that is being routed; 0 outside of a route. */
export let MSG: usize = 0;
export function setMsg(msg: usize): void {
  MSG = msg;
}
