/** Stateless replies that modules send by themselves. */
import type { ByteStr } from '../core/memory.ts';
import type { Call } from './table.ts';

/**
 * Sends a stateless reply to the request at hand, as KSR.sl.sl_send_reply does: it is counted with them, and an ACK to it is filtered.
 * @param code 100..699  @param reason not empty
 * @returns 1 sent; -1 not a request, an ACK (RFC 3261 17: never answered), or it could not be built or sent; -2 the request gets no reply
 */
export function sendReply({ msg, host }: Call<unknown>, code: number, reason: ByteStr): number {
  const { x } = host.core;
  const at = msg.store(reason);
  if (!at) return -1;
  const before: number = x.currentMsg();
  x.setMsg(msg.at);
  try {
    return x.slSendReply(code, at, reason.length);
  } finally {
    x.setMsg(before);
  }
}
