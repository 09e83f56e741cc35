/** Sets of methods as Kamailio numbers them. The core reads them (wasm/modules/methods.ts). */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';

/** The set that a comma-separated list stands for. @returns no method when the memory of the message is full */
export function methodSet(msg: SipMsg, text: ByteStr): number {
  const at = msg.store(text);
  return at === 0 ? 0 : msg.core.x.methodSet(at, text.length);
}
