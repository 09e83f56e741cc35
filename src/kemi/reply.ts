/** Stateless replies that modules send by themselves. */
import * as L from '../core/gen/layout.gen.ts';
import type { ByteStr } from '../core/memory.ts';
import type { Call } from './table.ts';

/**
 * Sends a stateless reply to the request at hand, as KSR.sl.sl_send_reply does.
 * @param code 100..699  @param reason not empty
 * @returns 1 sent; -1 not a request, an ACK (RFC 3261 17: never answered), or it could not be built or sent; -2 the request gets no reply
 */
export function sendReply(call: Call<unknown>, code: number, reason: ByteStr): number {
  const { msg, host } = call;
  if (!msg.isRequest || msg.methodId === L.METHOD_ACK) return -1;
  if (msg.u32(L.M_MFLAGS) & L.MFL_NO_REPLY) return -2;
  const { core } = host;
  const at = msg.store(reason);
  const length: number = at ? core.x.replyBuild(msg.at, code, at, reason.length) : -1;
  if (length <= 0 || !core.hooks.sendReply(core.x.outArea(), length, code)) return -1;
  if (code >= 200) msg.setU32(L.M_MFLAGS, msg.u32(L.M_MFLAGS) | L.MFL_FINAL_REPLY);
  return 1;
}
