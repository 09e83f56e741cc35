/** t_relay() and its kin: what they do depends on the method, on the route, and on whether the request came before. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { forwardRequest } from '../core/api.ts';
import { cancelTransaction } from './cancel.ts';
import { E_SCRIPT, E_UNSPEC } from './client.ts';
import { forward, type RelayOptions } from './forward.ts';
import { acknowledge, answer, repeatAnswer } from './server.ts';
import type { Tm } from './state.ts';
import type { Transaction } from './transaction.ts';

const OVERLOADED = 'Service Unavailable';

/** Looks for the transaction of the request at hand, once. @returns it, when the request came before */
export function lookup(tm: Tm, at: number): Transaction | undefined {
  const own = tm.of(at);
  if (own) return own;
  const number: number = tm.host.core.x.tmFind(at);
  const tx = number ? tm.table[number] : undefined;
  if (!tx) return undefined;
  tm.bind(at, tx);
  const { mem } = tm.host.core;
  mem.setU32(at + L.M_TMFLAGS, mem.u32(at + L.M_TMFLAGS) | L.TMF_RETRANSMISSION);
  return tx;
}

const isRepeat = (msg: SipMsg): boolean => (msg.u32(L.M_TMFLAGS) & L.TMF_RETRANSMISSION) !== 0;

/**
 * t_newtran()
 * @returns 1 made; 0 the request came before and was answered again; -10 it has one already; -1 there are too many
 */
export function newTransaction(tm: Tm, msg: SipMsg): number {
  if (!msg.isRequest) return E_UNSPEC;
  if (tm.of(msg.at)) return E_SCRIPT;
  if (msg.methodId === L.METHOD_ACK) {
    absorbAck(tm, msg);
    return tm.of(msg.at) ? 0 : E_UNSPEC;
  }
  const before = lookup(tm, msg.at);
  if (before) {
    repeatAnswer(tm, before);
    return 0;
  }
  return create(tm, msg) ? 1 : tm.elsewhere ? 0 : E_UNSPEC;
}

/** A transaction for the request at hand; when there are too many it is answered with 503. */
export function create(tm: Tm, msg: SipMsg): Transaction | undefined {
  const tx = tm.create(msg.at);
  if (tx || tm.elsewhere) return tx;
  tm.host.log.warn({ transactions: tm.live }, 'Cannot make a transaction: there are as many as the limit allows');
  if (!(msg.u32(L.M_MFLAGS) & L.MFL_FINAL_REPLY)) {
    const text = msg.store(OVERLOADED);
    if (text) tm.host.core.x.slSendReply(503, text, OVERLOADED.length);
  }
  return undefined;
}

/** An ACK: whether it ends the retransmission of a negative answer, or of a 2xx of our own. */
export function absorbAck(tm: Tm, msg: SipMsg): boolean {
  const { at } = msg;
  const own = tm.of(at);
  if (own) return (msg.u32(L.M_TMFLAGS) & L.TMF_ABSORBED) !== 0;
  const { x } = tm.host.core;
  let number: number = x.tmFind(at);
  let tx = number ? tm.table[number] : undefined;
  if (tx && tx.status >= 300) {
    tm.bind(at, tx);
    msg.setU32(L.M_TMFLAGS, msg.u32(L.M_TMFLAGS) | L.TMF_ABSORBED);
    acknowledge(tm, tx);
    return true;
  }
  number = x.tmFindDialog(at);
  tx = number ? tm.table[number] : undefined;
  if (!tx || tx.status < 200 || tx.status >= 300) return false;
  const toTag = tx.rare?.toTag;
  if (toTag === undefined || toTag === msg.to?.tag) tm.bind(at, tx);
  if (tx.branches.some(b => b.code >= 200 && b.code < 300)) {
    if (tm.handlers['e2e-ack']) tm.emit('e2e-ack', { tx, request: msg });
    return false;
  }
  if (toTag !== msg.to?.tag) return false;
  msg.setU32(L.M_TMFLAGS, msg.u32(L.M_TMFLAGS) | L.TMF_ABSORBED);
  acknowledge(tm, tx);
  return true;
}

const stateless = (tm: Tm, msg: SipMsg, uri: ByteStr | undefined) => forwardRequest(tm.host, msg, uri);

/**
 * t_relay()
 * @param uri where the options' target lies, for what is forwarded statelessly
 * @returns 1 sent, or nothing to do: an ACK that was absorbed, a request that came before and was answered again; negative: not sent
 */
export function relayRequest(tm: Tm, msg: SipMsg, options: RelayOptions, uri?: ByteStr): number | Promise<number> {
  if (!msg.isRequest) {
    tm.host.log.error({}, 'Cannot relay: the message is not a request');
    return E_UNSPEC;
  }
  const method = msg.methodId;
  const kind = tm.host.route;
  if (method === L.METHOD_ACK) return absorbAck(tm, msg) ? 1 : stateless(tm, msg, uri);
  const current = tm.of(msg.at);
  if (current && (kind === L.RK_FAILURE || kind === L.RK_BRANCH_FAILURE)) return forward(tm, current, msg, options);
  if (kind === L.RK_BRANCH || kind === L.RK_ONREPLY || kind === L.RK_REPLY) {
    tm.host.log.error({}, 'Cannot relay from a branch or reply route');
    return E_UNSPEC;
  }
  if (method === L.METHOD_CANCEL) return relayCancel(tm, msg, options, uri);
  if (current) {
    // t_check_trans() has answered it already
    if (isRepeat(msg)) return 1;
    return forward(tm, current, msg, options);
  }
  const before = lookup(tm, msg.at);
  if (before) {
    repeatAnswer(tm, before);
    return 1;
  }
  const tx = create(tm, msg);
  return tx ? forward(tm, tx, msg, options) : tm.elsewhere ? 1 : E_UNSPEC;
}

/** RFC 3261 16.10: the CANCEL is answered here, and the branches of its INVITE are cancelled. */
function relayCancel(tm: Tm, msg: SipMsg, options: RelayOptions, uri: ByteStr | undefined): number | Promise<number> {
  const before = lookup(tm, msg.at);
  if (before) {
    // 17.2.2: the same CANCEL again gets the same answer
    repeatAnswer(tm, before);
    return 1;
  }
  const number: number = tm.host.core.x.tmFindCanceled(msg.at);
  const invite = number ? tm.table[number] : undefined;
  if (!invite) {
    switch (tm.params.unmatched_cancel) {
      case 1:
        return stateless(tm, msg, uri);
      case 2:
        return 1;
      default: {
        const tx = create(tm, msg);
        return tx ? forward(tm, tx, msg, options) : tm.elsewhere ? 1 : E_UNSPEC;
      }
    }
  }
  const tx = create(tm, msg);
  if (!tx) return tm.elsewhere ? 1 : E_UNSPEC;
  if (tm.handlers['e2e-cancel']) tm.emit('e2e-cancel', { tx: invite, request: msg });
  let reason: ByteStr = '';
  if (tm.params.e2e_cancel_reason && !invite.rare?.settings?.noE2eCancelReason)
    for (const header of msg.headers()) if (header.id === L.HDR_REASON) reason += `Reason: ${header.body}\r\n`;
  const pending = cancelTransaction(tm, invite, reason);
  answer(tm, tx, 200, pending ? 'canceling' : 'ok -- no more pending branches');
  return 1;
}

/** t_check_trans(): see index.ts. */
export function checkTransaction(tm: Tm, msg: SipMsg): number {
  if (msg.isReply) return tm.matches(msg.at) ? 1 : -1;
  const method = msg.methodId;
  if (method === L.METHOD_CANCEL) return tm.host.core.x.tmFindCanceled(msg.at) ? 1 : -1;
  if (method === L.METHOD_ACK) {
    if (absorbAck(tm, msg)) return 0;
    return tm.of(msg.at) ? 1 : -1;
  }
  const own = tm.of(msg.at);
  const tx = own ?? lookup(tm, msg.at);
  if (!tx) return -1;
  if (isRepeat(msg)) repeatAnswer(tm, tx);
  return 0;
}
