/** Rows of KSR.tmx. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { setBranchZero } from '../../kemi/branches.ts';
import { type Call, exportsOf } from '../../kemi/table.ts';
import type { Transaction } from '../tm/api.ts';
import type { TmxState } from './index.ts';
import { goOn, suspend } from './suspend.ts';

type C = Call<TmxState>;
const kemi = exportsOf<TmxState>();

const current = ({ state: { tm }, msg }: C): Transaction | undefined => tm.of(msg.at);

function cancelBranches(call: C, which: ByteStr): number {
  const tx = current(call);
  if (!tx?.isInvite) return -1;
  const here = call.msg.mem.u8[call.msg.at + L.M_TBRANCH]! - 1;
  const { tm } = call.state;
  for (const branch of tx.branches) {
    const mine = branch.index === here;
    if (which === 'all' || (which === 'others' && !mine) || (which === 'this' && mine)) tm.cancelBranch(branch, '');
  }
  return which === 'all' || which === 'others' || which === 'this' ? 1 : -1;
}

/** The transaction of a request that is not answered yet. */
function byCallId({ state: { tm }, host }: C, callId: ByteStr, cseq: ByteStr, inviteOnly: boolean) {
  const number = /^\d{1,10}$/.test(cseq) ? Number(cseq) : -1;
  for (const tx of tm.table) {
    if (!tx?.msg || tx.status >= 200 || (inviteOnly && !tx.isInvite)) continue;
    const msg: SipMsg = host.at(tx.msg);
    if (msg.callId === callId && msg.cseq?.number === number) return tx;
  }
  if (host.shared) host.log.warn({ callId }, 'Cannot find a transaction: only those of this worker are looked at');
  return undefined;
}

function cancelCallId(call: C, callId: ByteStr, cseq: ByteStr, flag: number, code: number): number {
  const tx = byCallId(call, callId, cseq, true);
  if (!tx) return -1;
  if (flag > 0 && flag < 32) tx.flags |= 1 << flag;
  call.state.tm.cancelTransaction(tx, code >= 100 && code < 700 ? `Reason: SIP;cause=${code}\r\n` : '');
  return 1;
}

/** Ends the transaction; nobody is answered. */
function drop(call: C, code: number): number {
  const tx = current(call);
  if (!tx) return -1;
  call.state.tm.drop(tx, code);
  return 0;
}

/** The branch that failed becomes the destination again. */
function reuseBranch(call: C): number {
  const { msg, host } = call;
  const branch = current(call)?.rare?.failing;
  if (!branch || host.route !== L.RK_BRANCH_FAILURE) {
    host.log.error({}, 'Cannot use a branch again: this is not a branch failure route');
    return -1;
  }
  msg.ruri = branch.uri;
  msg.dstUri = branch.dstUri;
  msg.setU16(L.M_FSOCK, branch.socket);
  msg.setU32(L.M_BFLAGS, branch.flags);
  setBranchZero(host, {
    path: branch.contact?.path,
    ruid: branch.contact?.ruid,
    instance: branch.contact?.instance,
    locationUa: branch.contact?.userAgent,
  });
  return 1;
}

export const rows = [
  /**
   * KSR.tmx.t_is_request_route(): whether this is the request route.
   * @returns 1 yes; -1 no
   * Kamailio 6.x manual, module tmx, t_is_request_route; deviations: none
   */
  kemi('t_is_request_route', { params: [], returns: 'int', wasm: 'tmIsRequestRoute' }),
  /**
   * KSR.tmx.t_is_failure_route(): whether this is a failure route.
   * @returns 1 yes; -1 no
   * Kamailio 6.x manual, module tmx, t_is_failure_route; deviations: none
   */
  kemi('t_is_failure_route', { params: [], returns: 'int', wasm: 'tmIsFailureRoute' }),
  /**
   * KSR.tmx.t_is_branch_route(): whether this is a branch route.
   * @returns 1 yes; -1 no
   * Kamailio 6.x manual, module tmx, t_is_branch_route; deviations: none
   */
  kemi('t_is_branch_route', { params: [], returns: 'int', wasm: 'tmIsBranchRoute' }),
  /**
   * KSR.tmx.t_is_reply_route(): whether this is a reply route: the core's, or a transaction's.
   * @returns 1 yes; -1 no
   * Kamailio 6.x manual, module tmx, t_is_reply_route; deviations: none
   */
  kemi('t_is_reply_route', { params: [], returns: 'int', wasm: 'tmIsReplyRoute' }),
  /**
   * KSR.tmx.t_precheck_trans(): whether the same request is being routed already: its route waits, and there is no transaction yet.
   * @returns 1 yes; -1 no; -2 ACK or CANCEL, which are not looked at
   * Kamailio 6.x manual, module tmx, t_precheck_trans; deviations: none
   */
  kemi('t_precheck_trans', {
    native: { routes: ['request', 'event'] },
    params: [],
    returns: 'int',
    wasm: 'tmPrecheck',
  }),
  /**
   * KSR.tmx.t_suspend(): the request waits in its transaction, which is made when there is none, until t_continue(). `$T(id_index)` and `$T(id_label)` name it.
   * When fr_timer ends before, the failure route runs.
   * @returns 1; -1 not a request, it came before, or it is answered
   * Kamailio 6.x manual, module tmx, t_suspend; deviations: replies cannot be suspended
   */
  kemi('t_suspend', { params: [], returns: 'int', run: suspend }),
  /**
   * KSR.tmx.t_continue(index, label, route): go on with a suspended request: the route runs as a failure route does.
   * @param index $T(id_index)
   * @param label $T(id_label)
   * @param route name of a function of the script
   * @returns 1; -1 there is no such suspended transaction, or no such function. Another worker that has the transaction is told: then it is 1 in any case
   * Kamailio 6.x manual, module tmx, t_continue; deviations: none
   */
  kemi('t_continue', { params: ['int', 'int', 'str'], returns: 'int', anytime: true, run: goOn }),
  /**
   * KSR.tmx.t_cancel_branches(which): cancel branches of the INVITE.
   * @param which all, others (than the reply's), this (the reply's)
   * @returns 1; -1 there is no INVITE transaction, or another word
   * Kamailio 6.x manual, module tmx, t_cancel_branches; deviations: none
   */
  kemi('t_cancel_branches', {
    native: { routes: ['onreply', 'reply'] },
    params: ['str'],
    returns: 'int',
    run: cancelBranches,
  }),
  /**
   * KSR.tmx.t_cancel_callid(callid, cseq, flag): cancel an INVITE as its caller would.
   * @param callid Call-ID
   * @param cseq CSeq number
   * @param flag message flag of the INVITE that is set, 1..31; 0 none
   * @returns 1; -1 there is no such INVITE without a final answer
   * Kamailio 6.x manual, module tmx, t_cancel_callid; deviations: none
   */
  kemi('t_cancel_callid', {
    params: ['str', 'str', 'int'],
    returns: 'int',
    anytime: true,
    run: (call, callId, cseq, flag) => cancelCallId(call, callId, cseq, flag, 0),
  }),
  /**
   * KSR.tmx.t_cancel_callid_reason(callid, cseq, flag, code): as t_cancel_callid(), with a Reason in the CANCELs.
   * @param callid Call-ID
   * @param cseq CSeq number
   * @param flag message flag of the INVITE that is set, 1..31; 0 none
   * @param code cause, 100..699
   * @returns 1; -1 there is no such INVITE without a final answer
   * Kamailio 6.x manual, module tmx, t_cancel_callid; deviations: none
   */
  kemi('t_cancel_callid_reason', {
    native: { name: 't_cancel_callid' },
    params: ['str', 'str', 'int', 'int'],
    returns: 'int',
    anytime: true,
    run: cancelCallId,
  }),
  /**
   * KSR.tmx.t_reply_callid(callid, cseq, code, reason): answer a request.
   * @param callid Call-ID
   * @param cseq CSeq number
   * @param code 100..699
   * @param reason phrase
   * @returns 1; -1 there is no such request without a final answer
   * Kamailio 6.x manual, module tmx, t_reply_callid; deviations: none
   */
  kemi('t_reply_callid', {
    params: ['str', 'str', 'int', 'str'],
    returns: 'int',
    anytime: true,
    run: (call, callId, cseq, code, reason) => {
      const tx = byCallId(call, callId, cseq, false);
      return tx && call.state.tm.answer(tx, code, reason) ? 1 : -1;
    },
  }),
  /**
   * KSR.tmx.t_flush_flags(): the transaction gets the message flags as they are now.
   * @returns 1; -1 there is no transaction
   * Kamailio 6.x manual, module tmx, t_flush_flags; deviations: none
   */
  kemi('t_flush_flags', {
    params: [],
    returns: 'int',
    run: call => {
      const tx = current(call);
      if (!tx) return -1;
      tx.flags = call.msg.u32(L.M_SFLAGS);
      return 1;
    },
  }),
  /**
   * KSR.tmx.t_flush_xflags(): the transaction gets the extended flags as they are now. It always has them.
   * @returns 1; -1 there is no transaction
   * Kamailio 6.x manual, module tmx, t_flush_xflags; deviations: none
   */
  kemi('t_flush_xflags', { params: [], returns: 'int', run: call => (current(call) ? 1 : -1) }),
  /**
   * KSR.tmx.t_drop(): end the transaction; nobody is answered. Its status is 500.
   * @returns 0; -1 there is no transaction
   * Kamailio 6.x manual, module tmx, t_drop; deviations: none
   */
  kemi('t_drop', { params: [], returns: 'int', run: call => drop(call, 500) }),
  /**
   * KSR.tmx.t_drop_rcode(code): as t_drop(), with another status.
   * @param code status of the transaction
   * @returns 0; -1 there is no transaction
   * Kamailio 6.x manual, module tmx, t_drop; deviations: none
   */
  kemi('t_drop_rcode', { native: { name: 't_drop' }, params: ['int'], returns: 'int', run: drop }),
  /**
   * KSR.tmx.t_reuse_branch(): in a branch failure route: the failed branch's URI, destination, flags and contact become the destination again.
   * @returns 1; -1 another route
   * Kamailio 6.x manual, module tmx, t_reuse_branch; deviations: none
   */
  kemi('t_reuse_branch', { params: [], returns: 'int', run: reuseBranch }),
];
