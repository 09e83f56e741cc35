/** Rows of KSR.tm that make, relay, answer and end transactions. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { type Call, exportsOf } from '../../kemi/table.ts';
import { hostTarget, nextHopOf, targetOf } from '../core/api.ts';
import { loadContacts, nextContactFlow, nextContacts } from './contacts.ts';
import { errorAnswer, forward, NO_OPTIONS, proxyTarget } from './forward.ts';
import { sendLocal } from './local.ts';
import { create, lookup, newTransaction, relayRequest } from './relay.ts';
import { abandon, answer, repeatAnswer } from './server.ts';
import type { Tm } from './state.ts';

type C = Call<Tm>;
const kemi = exportsOf<Tm>();

/** Answers through the transaction of a message. @returns 1, -1 */
export function reply(tm: Tm, msg: SipMsg, code: number, reason: ByteStr): number {
  const tx = tm.of(msg.at);
  if (!tx) {
    tm.host.log.error({ code }, 'Cannot reply statefully: there is no transaction');
    return -1;
  }
  if (msg.isRequest && msg.methodId === L.METHOD_ACK) return -1;
  return answer(tm, tx, code, reason) ? 1 : -1;
}

function sendReply({ state: tm, msg }: C, code: number, reason: ByteStr): number {
  if (!tm.of(msg.at)) {
    if (!msg.isRequest || msg.methodId === L.METHOD_ACK) return -1;
    const before = lookup(tm, msg.at);
    if (before) {
      repeatAnswer(tm, before);
      return -1;
    }
    if (!create(tm, msg)) return -1;
  }
  return reply(tm, msg, code, reason);
}

/** A transaction that goes on without an answer of a branch: the script answers, or it ends. */
function replicate(call: C, uri: ByteStr): number | Promise<number> {
  const { state: tm, msg, host } = call;
  if (!msg.isRequest) return -1;
  const tx = tm.of(msg.at) ?? create(tm, msg);
  if (!tx) return -1;
  const target = uri ? targetOf(host, uri) : nextHopOf(host, msg);
  return forward(tm, tx, msg, { target, flags: 2, silent: true });
}

/** With an address given, a name among the arguments makes the call wait. */
const byAddress = (call: C, protocol: ByteStr, name: ByteStr, port: number) => {
  const proto = /^(udp|tcp|tls|sctp|ws|wss)$/i.test(protocol) ? protocol.toLowerCase() : 'udp';
  const target = hostTarget(call.host, proto as 'udp', name, port);
  return relayRequest(call.state, call.msg, { target, flags: 0 }, `sip:${name}:${port || 5060};transport=${proto}`);
};

export const rows = [
  /**
   * KSR.tm.t_relay(): relay the request statefully to its destination URI or request URI, and to the branches added. An ACK that belongs to a negative
   * answer is absorbed, another is forwarded statelessly; a CANCEL is answered and cancels the branches of its INVITE. A name is resolved while other
   * messages are routed.
   * @returns 1 relayed, or it came before and was answered again; -1 not sent, no branches, too many transactions, or a route that cannot
   *   relay; -6 the branch route dropped it; -7 no socket for the destination; -9 the transaction was cancelled; -478 the destination does not resolve
   * Kamailio 6.x manual, module tm, t_relay; deviations: none
   */
  kemi('t_relay', {
    native: { routes: ['request', 'failure', 'event'] },
    params: [],
    returns: 'int',
    async: true,
    run: call => relayRequest(call.state, call.msg, NO_OPTIONS),
  }),
  /**
   * KSR.tm.t_relay_to_flags(flags): as t_relay().
   * @param flags bits: 1 no 100, 2 no answer of our own when it fails, 4 only the first address of a name
   * @returns as t_relay()
   * Kamailio 6.x manual, module tm, t_relay_to; deviations: none
   */
  kemi('t_relay_to_flags', {
    native: false,
    params: ['int'],
    returns: 'int',
    async: true,
    run: (call, flags) => relayRequest(call.state, call.msg, { flags }),
  }),
  /**
   * KSR.tm.t_relay_to_proxy(proxy): as t_relay(), to a fixed next hop.
   * @param proxy [proto:]host[:port]
   * @returns as t_relay()
   * Kamailio 6.x manual, module tm, t_relay_to; deviations: none
   */
  kemi('t_relay_to_proxy', {
    native: { name: 't_relay_to', routes: ['request', 'failure', 'event'] },
    params: ['str'],
    returns: 'int',
    async: true,
    run: (call, proxy) =>
      // routing blocks may give the flags alone
      call.host.native && /^(0x[\da-f]{1,8}|\d{1,3})$/i.test(proxy)
        ? relayRequest(call.state, call.msg, { flags: Number(proxy) })
        : relayToProxy(call, proxy, 0),
  }),
  /**
   * KSR.tm.t_relay_to_proxy_flags(proxy, flags): as t_relay_to_proxy() with the flags of t_relay_to_flags().
   * @param proxy [proto:]host[:port]
   * @param flags bits
   * @returns as t_relay()
   * Kamailio 6.x manual, module tm, t_relay_to; deviations: none
   */
  kemi('t_relay_to_proxy_flags', {
    native: { name: 't_relay_to', routes: ['request', 'failure', 'event'] },
    params: ['str', 'int'],
    returns: 'int',
    async: true,
    run: (call, proxy, flags) => relayToProxy(call, proxy, flags),
  }),
  /**
   * KSR.tm.t_relay_to_proto(proto): as t_relay(), over a fixed transport.
   * @param proto udp, tcp, tls, sctp, ws or wss
   * @returns as t_relay()
   * Kamailio 6.x manual, module tm, t_relay_to_udp; deviations: none
   */
  kemi('t_relay_to_proto', {
    native: [
      { name: 't_relay_to_udp', params: [], fill: { 0: 'udp' }, routes: ['request', 'failure', 'event'] },
      { name: 't_relay_to_tcp', params: [], fill: { 0: 'tcp' }, routes: ['request', 'failure', 'event'] },
    ],
    params: ['str'],
    returns: 'int',
    async: true,
    run: (call, proto) => {
      const { msg } = call;
      const uri = `${(msg.dstUri ?? msg.ruri).replace(/;transport=[^;?>]*/i, '')};transport=${proto.toLowerCase()}`;
      return relayRequest(call.state, msg, { target: targetOf(call.host, uri), flags: 0 }, uri);
    },
  }),
  /**
   * KSR.tm.t_relay_to_proto_addr(proto, host, port): as t_relay(), to a fixed address over a fixed transport.
   * @param proto udp, tcp, tls, sctp, ws or wss; '' udp
   * @param host name or address
   * @param port 0 the default
   * @returns as t_relay()
   * Kamailio 6.x manual, module tm, t_relay_to_udp; deviations: none
   */
  kemi('t_relay_to_proto_addr', {
    native: [
      {
        name: 't_relay',
        params: ['str', 'int'],
        to: [1, 2],
        routes: ['request', 'failure', 'event'],
      },
      {
        name: 't_relay_to_udp',
        params: ['str', 'int'],
        to: [1, 2],
        fill: { 0: 'udp' },
        routes: ['request', 'failure', 'event'],
      },
      {
        name: 't_relay_to_tcp',
        params: ['str', 'int'],
        to: [1, 2],
        fill: { 0: 'tcp' },
        routes: ['request', 'failure', 'event'],
      },
    ],
    params: ['str', 'str', 'int'],
    returns: 'int',
    async: true,
    run: byAddress,
  }),
  /**
   * KSR.tm.t_replicate(uri): send the request on without interest in its answers; the script answers it.
   * @param uri where to; '' the destination URI or request URI
   * @returns as t_relay()
   * Kamailio 6.x manual, module tm, t_replicate; deviations: none
   */
  kemi('t_replicate', {
    native: { routes: ['request', 'event'] },
    params: ['str'],
    returns: 'int',
    async: true,
    run: replicate,
  }),
  /**
   * KSR.tm.t_newtran(): make a transaction for the request.
   * @returns 1 made; 0 the request came before and was answered again; -10 it has a transaction; -1 not a request, an ACK, or too many transactions
   * Kamailio 6.x manual, module tm, t_newtran; deviations: none
   */
  kemi('t_newtran', {
    native: { routes: ['request', 'event'] },
    params: [],
    returns: 'int',
    run: call => newTransaction(call.state, call.msg),
  }),
  /**
   * KSR.tm.t_check_trans(): whether the message belongs to a transaction.
   * @returns for a CANCEL: 1 its INVITE is there, -1 it is not; for an ACK: 0 it was to a negative answer and is absorbed, 1 it is to a 2xx and its INVITE is
   *   known (only with modules that ask for it), -1 else; for other requests: 0 it came before and was answered again, -1 it is new; for a reply: 1, -1
   * Kamailio 6.x manual, module tm, t_check_trans; deviations: none
   */
  kemi('t_check_trans', {
    native: { routes: ['request', 'branch', 'onreply', 'event', 'reply'] },
    params: [],
    returns: 'int',
    wasm: 'tmCheckTrans',
  }),
  /**
   * KSR.tm.t_lookup_request(): whether there is a transaction for the request.
   * @returns 1 yes; -1 no
   * Kamailio 6.x manual, module tm, t_lookup_request; deviations: none
   */
  kemi('t_lookup_request', {
    native: { routes: ['request', 'event'] },
    params: [],
    returns: 'int',
    run: ({ state: tm, msg }) => (msg.isRequest && lookup(tm, msg.at) ? 1 : -1),
  }),
  /**
   * KSR.tm.t_lookup_cancel(): whether the INVITE of a CANCEL is there.
   * @returns 1 yes; -1 no, or not a CANCEL
   * Kamailio 6.x manual, module tm, t_lookup_cancel; deviations: none
   */
  kemi('t_lookup_cancel', { params: [], returns: 'int', run: call => lookupCancel(call, 0) }),
  /**
   * KSR.tm.t_lookup_cancel_flags(flags): as t_lookup_cancel().
   * @param flags 1 gives the CANCEL the message flags of its INVITE
   * @returns 1 yes; -1 no, or not a CANCEL
   * Kamailio 6.x manual, module tm, t_lookup_cancel; deviations: none
   */
  kemi('t_lookup_cancel_flags', {
    native: { name: 't_lookup_cancel' },
    params: ['int'],
    returns: 'int',
    run: lookupCancel,
  }),
  /**
   * KSR.tm.t_exists(): whether the message has a transaction.
   * @returns 1 yes; -1 no
   * Kamailio 6.x manual, module tm, t_exists; deviations: none
   */
  kemi('t_exists', { params: [], returns: 'int', run: ({ state: tm, msg }) => (tm.of(msg.at) ? 1 : -1) }),
  /**
   * KSR.tm.t_retransmit_reply(): send the last answer of the transaction again.
   * @returns 1 sent; -1 there is no transaction or no answer
   * Kamailio 6.x manual, module tm, t_retransmit_reply; deviations: none
   */
  kemi('t_retransmit_reply', {
    native: { routes: ['request', 'event'] },
    params: [],
    returns: 'int',
    run: ({ state: tm, msg }) => {
      const tx = tm.of(msg.at);
      return tx && repeatAnswer(tm, tx) ? 1 : -1;
    },
  }),
  /**
   * KSR.tm.t_reply(code, reason): answer through the transaction. A code from 300 to 399 gets a Contact with the destination set.
   * @param code 100..699
   * @param reason phrase
   * @returns 1 sent; -1 there is no transaction, or it has its final answer
   * Kamailio 6.x manual, module tm, t_reply; deviations: none
   */
  kemi('t_reply', {
    native: { routes: ['request', 'failure', 'onreply', 'event', 'reply'] },
    params: ['int', 'str'],
    returns: 'int',
    run: (call, code, reason) => reply(call.state, call.msg, code, reason),
  }),
  /**
   * KSR.tm.t_send_reply(code, reason): t_newtran() when there is no transaction, then t_reply().
   * @param code 100..699
   * @param reason phrase
   * @returns 1 sent; -1 as t_reply()
   * Kamailio 6.x manual, module tm, t_send_reply; deviations: none
   */
  kemi('t_send_reply', { native: false, params: ['int', 'str'], returns: 'int', run: sendReply }),
  /**
   * KSR.tm.t_reply_error(): answer with what went wrong when the request was relayed.
   * @returns 1 sent; -1 there is no transaction, or it has its final answer
   * Kamailio 6.x manual, module tm, t_reply_error; deviations: none
   */
  kemi('t_reply_error', {
    params: [],
    returns: 'int',
    run: ({ state: tm, msg }) => {
      const tx = tm.of(msg.at);
      return tx && answer(tm, tx, ...errorAnswer(tx.errorCode || -1)) ? 1 : -1;
    },
  }),
  /**
   * KSR.tm.t_release(): end the transaction; it stays for wt_timer.
   * @returns 1
   * Kamailio 6.x manual, module tm, t_release; deviations: none
   */
  kemi('t_release', {
    native: { routes: ['request', 'event'] },
    params: [],
    returns: 'int',
    run: ({ state: tm, msg }) => {
      const tx = tm.of(msg.at);
      if (tx) abandon(tm, tx);
      return 1;
    },
  }),
  /**
   * KSR.tm.t_save_lumps(): keep the changes made so far for branches that a failure route starts. t_relay() does it.
   * @returns 1; -1 there is no transaction
   * Kamailio 6.x manual, module tm, t_save_lumps; deviations: none
   */
  kemi('t_save_lumps', {
    native: { routes: ['request', 'event'] },
    params: [],
    returns: 'int',
    run: ({ state: tm, msg }) => {
      const tx = tm.of(msg.at);
      if (!tx) return -1;
      tx.saveRequest(msg);
      return 1;
    },
  }),
  /**
   * KSR.tm.t_load_contacts(): move the destination set into the XAVP of modparam contacts_avp, ordered by q: equal ones are tried in parallel.
   * @returns 1; -1 contacts_avp is not set
   * Kamailio 6.x manual, module tm, t_load_contacts; deviations: none
   */
  kemi('t_load_contacts', {
    native: { routes: ['request', 'failure', 'event'] },
    params: [],
    returns: 'int',
    run: call => loadContacts(call, 0),
  }),
  /**
   * KSR.tm.ki_t_load_contacts_mode(mode): as t_load_contacts().
   * @param mode 0 ordered by q, 1 one after the other, drawn by q
   * @returns 1; -1 contacts_avp is not set
   * Kamailio 6.x manual, module tm, t_load_contacts; deviations: none
   */
  kemi('ki_t_load_contacts_mode', {
    native: { name: 't_load_contacts', routes: ['request', 'failure', 'event'] },
    params: ['int'],
    returns: 'int',
    run: loadContacts,
  }),
  /**
   * KSR.tm.t_next_contacts(): make the contacts that are tried next the destination set.
   * @returns 1; -2 there are none left; -1 contacts_avp is not set
   * Kamailio 6.x manual, module tm, t_next_contacts; deviations: none
   */
  kemi('t_next_contacts', {
    native: { routes: ['request', 'failure', 'event'] },
    params: [],
    returns: 'int',
    run: nextContacts,
  }),
  /**
   * KSR.tm.t_next_contact_flow(): in a branch failure route: make the next flow of the failed contact's instance the destination.
   * @returns 1; -2 there is none left; -1 contact_flows_avp is not set
   * Kamailio 6.x manual, module tm, t_next_contact_flow; deviations: none
   */
  kemi('t_next_contact_flow', { params: [], returns: 'int', run: nextContactFlow }),
  /**
   * KSR.tm.t_uac_send(method, ruri, nexthop, socket, headers, body): send a request of our own.
   * @param method not ACK, not CANCEL
   * @param ruri request URI
   * @param nexthop URI where it goes, '' the request URI's or the first Route's
   * @param socket proto:ip:port to send from, '' any
   * @param headers header lines with CRLF; From and To must be there
   * @param body '' none; with a body there must be a Content-Type
   * @returns 1 sent; -1 not: a header is missing, no target, no socket, or too many transactions
   * Kamailio 6.x manual, module tm, t_uac_send; deviations: none
   */
  kemi('t_uac_send', {
    native: false,
    params: ['str', 'str', 'str', 'str', 'str', 'str'],
    returns: 'int',
    anytime: true,
    async: true,
    run: uacSend,
  }),
  /**
   * KSR.tm.t_clean(): end transactions that are far older than they may be. There are none: each has a timer.
   * @returns 1
   * Kamailio 6.x manual, module tm, t_clean; deviations: none
   */
  kemi('t_clean', { params: [], returns: 'int', anytime: true, run: () => 1 }),
];

function relayToProxy(call: C, proxy: ByteStr, flags: number): number | Promise<number> {
  const [, proto = 'udp', hostPort = ''] = /^(?:([a-z]+):(?!\d+$))?(.*)$/i.exec(proxy) ?? [];
  return relayRequest(
    call.state,
    call.msg,
    { target: proxyTarget(call.state, proxy), flags },
    `sip:${hostPort};transport=${proto}`,
  );
}

function lookupCancel({ state: tm, msg, host }: C, flags: number): number {
  if (!msg.isRequest || msg.methodId !== L.METHOD_CANCEL) return -1;
  const number: number = host.core.x.tmFindCanceled(msg.at);
  const invite = number ? tm.table[number] : undefined;
  if (!invite) return -1;
  if (flags & 1) msg.setU32(L.M_SFLAGS, invite.flags);
  return 1;
}

function uacSend(
  { state: tm, host }: C,
  method: ByteStr,
  ruri: ByteStr,
  nexthop: ByteStr,
  socketText: ByteStr,
  headers: ByteStr,
  body: ByteStr,
): number | Promise<number> {
  let socket: number | undefined;
  if (socketText) {
    const found = host.sockets.find(
      s => `${s.proto}:${s.ip}:${s.port}` === socketText.toLowerCase() || `${s.ip}:${s.port}` === socketText,
    );
    if (!found) {
      host.log.error({ socket: socketText }, `Cannot send a request: there is no socket "${socketText}"`);
      return -1;
    }
    socket = found.index;
  }
  const sent = sendLocal(
    tm,
    { method, ruri, headers, ...(nexthop && { dstUri: nexthop }), ...(socket !== undefined && { socket }), body },
    undefined,
  );
  return sent instanceof Promise ? sent.then(ok => (ok ? 1 : -1)) : sent ? 1 : -1;
}
