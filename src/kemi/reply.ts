/** Replies that modules send by themselves. */
import type { ByteStr } from '../core/memory.ts';
import type { Call } from './table.ts';

/**
 * Replies to the request at hand as KSR.sl.send_reply does: through its transaction if it has one, else statelessly.
 * @param code 100..699  @param reason not empty  @param stateless past the transaction
 * @returns 1 sent; -1 not a request, an ACK (RFC 3261 17: never answered), or it could not be built or sent; -2 the request gets no reply
 */
export function sendReply({ msg, host }: Call<unknown>, code: number, reason: ByteStr, stateless = false): number {
  const { x } = host.core;
  const at = msg.store(reason);
  if (!at) return -1;
  const before: number = x.currentMsg();
  if (before === msg.at) return (stateless ? x.slSendReply : x.slReplyAny)(code, at, reason.length);
  x.setMsg(msg.at);
  try {
    return (stateless ? x.slSendReply : x.slReplyAny)(code, at, reason.length);
  } finally {
    x.setMsg(before);
  }
}
