/** Rows of KSR.tm that ask for the state of the transaction, or set how it behaves. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { type Call, exportsOf } from '../../kemi/table.ts';
import { schedule } from './client.ts';
import type { Tm } from './state.ts';
import type { Branch, Settings, Transaction } from './transaction.ts';

type C = Call<Tm>;
const kemi = exportsOf<Tm>();
const truth = (is: boolean): number => (is ? 1 : -1);

/** Settings of the transaction, and what they mean for branches that run already. */
function change(call: C, settings: Settings): number {
  const tx = call.state.set(call.msg, settings);
  if (tx) retime(call.state, tx, settings);
  return 1;
}

function retime(tm: Tm, tx: Transaction, settings: Settings): void {
  const now = tm.monotonic();
  for (const branch of tx.branches) {
    if (branch.done || !branch.block) continue;
    if ('fr' in settings || 'frInv' in settings) {
      const ms = tx.isInvite && branch.code >= 100 ? tx.times.frInv : tx.times.fr;
      branch.endAt = Math.min(now + ms, tx.createdMs + tx.times.life);
    } else if ('lifeInv' in settings || 'lifeNonInv' in settings)
      branch.endAt = Math.min(branch.endAt, tx.createdMs + tx.times.life);
    if ('retr1' in settings || 'retr2' in settings)
      branch.interval =
        branch.interval && branch.interval >= tx.times.retr2 ? tx.times.retr2 : branch.interval && tx.times.retr1;
    schedule(tm, branch, now);
  }
}

const positive = (value: number): number | undefined => (value > 0 ? value : undefined);

/** only what is given */
function given(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** What the failure route, or the reply route, is about. */
function code(call: C): number {
  const { state: tm, msg, host } = call;
  if (host.route === L.RK_ONREPLY || host.route === L.RK_REPLY) return msg.isReply ? msg.status : 0;
  const tx = tm.of(msg.at);
  if (!tx) return 0;
  if (host.route === L.RK_FAILURE || host.route === L.RK_BRANCH_FAILURE) return tx.rare?.failing?.code ?? tx.status;
  return tx.status;
}

function checkStatus(call: C, pattern: ByteStr): number {
  const { host } = call;
  const status = code(call);
  const regex = call.state.regexes.get(pattern);
  if (typeof regex !== 'string') return truth(status > 0 && regex.test(String(status)));
  host.log.error({ pattern }, `Cannot check the status: "${pattern}" is not a regular expression: ${regex}`);
  return -1;
}

const failing = ({ state: tm }: C) => tm.here?.rare?.failing;

/** the branch that the route is about: of a failure route the one that failed */
function inFailure(call: C): boolean {
  const { route } = call.host;
  return route === L.RK_FAILURE || route === L.RK_BRANCH_FAILURE;
}

/** branches that had an answer before the one that is looked at */
function anyReplied(call: C): boolean {
  const tx = call.state.here;
  if (!tx) return false;
  return tx.branches.some(branch => replied(call, branch));
}

/** Whether a branch had an answer; of the branch whose answer is at hand one before it. */
function replied({ host }: C, branch: Branch): boolean {
  const { tx } = branch;
  if (branch !== tx.lastBranch) return branch.replied || (branch.code > 0 && !branch.faked);
  return host.route === L.RK_ONREPLY ? branch.code > 0 : branch.replied;
}

export const stateRows = [
  /**
   * KSR.tm.t_on_failure(route): the callback that runs when all branches have failed, before the answer goes out.
   * @param route name of a function of the script, '' for none
   * @returns 1
   * Kamailio 6.x manual, module tm, t_on_failure; deviations: none
   */
  kemi('t_on_failure', {
    native: { routes: ['request', 'failure', 'branch', 'onreply', 'event'] },
    params: ['str'],
    returns: 'int',
    wasm: 'tmOnFailure',
  }),
  /**
   * KSR.tm.t_on_branch(route): the callback that runs for each branch before it is sent; its changes are in that branch only.
   * @param route name of a function of the script, '' for none
   * @returns 1
   * Kamailio 6.x manual, module tm, t_on_branch; deviations: none
   */
  kemi('t_on_branch', {
    native: { routes: ['request', 'failure', 'event'] },
    params: ['str'],
    returns: 'int',
    wasm: 'tmOnBranch',
  }),
  /**
   * KSR.tm.t_on_reply(route): the callback that runs for each reply of the transaction.
   * @param route name of a function of the script, '' for none
   * @returns 1
   * Kamailio 6.x manual, module tm, t_on_reply; deviations: none
   */
  kemi('t_on_reply', {
    native: { routes: ['request', 'failure', 'branch', 'onreply', 'event'] },
    params: ['str'],
    returns: 'int',
    wasm: 'tmOnReply',
  }),
  /**
   * KSR.tm.t_on_branch_failure(route): the callback that runs for each branch that fails.
   * @param route name of a function of the script, '' for none; it gets no argument
   * @returns 1
   * Kamailio 6.x manual, module tm, t_on_branch_failure; deviations: none
   */
  kemi('t_on_branch_failure', { params: ['str'], returns: 'int', wasm: 'tmOnBranchFailure' }),
  /**
   * KSR.tm.t_is_set(target): whether the transaction, or the one to come, has a route.
   * @param target branch_route, failure_route or onreply_route
   * @returns 1 it has; -1 it has not, or another target
   * Kamailio 6.x manual, module tm, t_is_set; deviations: none
   */
  kemi('t_is_set', { native: { params: ['raw'] }, params: ['str'], returns: 'int', wasm: 'tmIsSet' }),
  /**
   * KSR.tm.t_set_fr(inv, other): how long branches wait for a final answer. Those that run already are changed too.
   * @param inv ms, of an INVITE that had a provisional answer; 0 leaves it as it is
   * @param other ms, of the rest; 0 leaves it as it is
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_fr; deviations: none
   */
  kemi('t_set_fr', {
    native: { params: ['int', 'int?'], routes: ['request', 'failure', 'branch', 'onreply', 'event'] },
    params: ['int', 'int'],
    returns: 'int',
    run: (call, inv, other) => change(call, given({ frInv: positive(inv), fr: positive(other) })),
  }),
  /**
   * KSR.tm.t_set_fr_inv(inv): as t_set_fr(inv, 0).
   * @param inv ms
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_fr; deviations: none
   */
  kemi('t_set_fr_inv', {
    native: false,
    params: ['int'],
    returns: 'int',
    run: (call, inv) => change(call, given({ frInv: positive(inv) })),
  }),
  /**
   * KSR.tm.t_reset_fr(): takes t_set_fr() back.
   * @returns 1
   * Kamailio 6.x manual, module tm, t_reset_fr; deviations: none
   */
  kemi('t_reset_fr', {
    native: { routes: ['request', 'failure', 'branch', 'onreply', 'event'] },
    params: [],
    returns: 'int',
    run: call => change(call, { fr: undefined, frInv: undefined }),
  }),
  /**
   * KSR.tm.t_set_retr(t1, t2): intervals of retransmission. Of branches that run already the interval after the next one is changed.
   * @param t1 ms, the first; 0 leaves it as it is
   * @param t2 ms, the longest; 0 leaves it as it is
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_retr; deviations: none
   */
  kemi('t_set_retr', {
    params: ['int', 'int'],
    returns: 'int',
    run: (call, t1, t2) => change(call, given({ retr1: positive(t1), retr2: positive(t2) })),
  }),
  /**
   * KSR.tm.t_reset_retr(): takes t_set_retr() back.
   * @returns 1
   * Kamailio 6.x manual, module tm, t_reset_retr; deviations: none
   */
  kemi('t_reset_retr', {
    params: [],
    returns: 'int',
    run: call => change(call, { retr1: undefined, retr2: undefined }),
  }),
  /**
   * KSR.tm.t_set_max_lifetime(inv, other): how long the transaction may take altogether.
   * @param inv ms, of an INVITE; 0 leaves it as it is
   * @param other ms, of another request; 0 leaves it as it is
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_max_lifetime; deviations: none
   */
  kemi('t_set_max_lifetime', {
    params: ['int', 'int'],
    returns: 'int',
    run: (call, inv, other) => change(call, given({ lifeInv: positive(inv), lifeNonInv: positive(other) })),
  }),
  /**
   * KSR.tm.t_reset_max_lifetime(): takes t_set_max_lifetime() back.
   * @returns 1
   * Kamailio 6.x manual, module tm, t_reset_max_lifetime; deviations: none
   */
  kemi('t_reset_max_lifetime', {
    params: [],
    returns: 'int',
    run: call => change(call, { lifeInv: undefined, lifeNonInv: undefined }),
  }),
  /**
   * KSR.tm.t_set_auto_inv_100(on): whether this INVITE is answered with 100 when it is relayed.
   * @param on 0 no, else yes
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_auto_inv_100; deviations: none
   */
  kemi('t_set_auto_inv_100', {
    params: ['int'],
    returns: 'int',
    run: (call, on) => change(call, { auto100: on !== 0 }),
  }),
  /**
   * KSR.tm.t_set_disable_6xx(on): whether a 6xx is an answer like others for this request.
   * @param on 0 no, else yes
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_disable_6xx; deviations: none
   */
  kemi('t_set_disable_6xx', {
    params: ['int'],
    returns: 'int',
    run: (call, on) => change(call, { disable6xx: on !== 0 }),
  }),
  /**
   * KSR.tm.t_set_disable_failover(on): whether only the first address of a name is tried for this request.
   * @param on 0 no, else yes
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_disable_failover; deviations: none
   */
  kemi('t_set_disable_failover', {
    params: ['int'],
    returns: 'int',
    run: (call, on) => change(call, { disableFailover: on !== 0 }),
  }),
  /**
   * KSR.tm.t_set_disable_internal_reply(on): whether a request that cannot be relayed is left unanswered when its route ends.
   * @param on 0 no, else yes
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_disable_internal_reply; deviations: none
   */
  kemi('t_set_disable_internal_reply', {
    params: ['int'],
    returns: 'int',
    run: (call, on) => change(call, { disableInternalReply: on !== 0 }),
  }),
  /**
   * KSR.tm.t_set_no_e2e_cancel_reason(on): whether the Reason of a CANCEL for this INVITE is kept back.
   * @param on 0 no, else yes
   * @returns 1
   * Kamailio 6.x manual, module tm, t_set_no_e2e_cancel_reason; deviations: none
   */
  kemi('t_set_no_e2e_cancel_reason', {
    params: ['int'],
    returns: 'int',
    run: (call, on) => change(call, { noE2eCancelReason: on !== 0 }),
  }),
  /**
   * KSR.tm.t_use_uac_headers(): From and To of ACK and CANCEL are those of the INVITE as sent. They always are.
   * @returns 1
   * Kamailio 6.x manual, module tm, t_use_uac_headers; deviations: none
   */
  kemi('t_use_uac_headers', { params: [], returns: 'int', run: () => 1 }),
  /**
   * KSR.tm.t_check_status(re): whether the status matches: in a reply route the reply's, in a failure route that of the chosen answer, else that of the last
   * answer sent.
   * @param re POSIX extended regular expression
   * @returns 1 it does; -1 it does not, there is none, or re does not parse
   * Kamailio 6.x manual, module tm, t_check_status; deviations: none
   */
  kemi('t_check_status', {
    native: { routes: ['request', 'failure', 'onreply', 'event', 'reply'] },
    params: ['str'],
    returns: 'int',
    run: checkStatus,
  }),
  /**
   * KSR.tm.t_get_status_code(): the status as t_check_status() sees it.
   * @returns 100..699; -1 there is none
   * Kamailio 6.x manual, module tm, t_get_status_code; deviations: none
   */
  kemi('t_get_status_code', { native: false, params: [], returns: 'int', run: call => code(call) || -1 }),
  /**
   * KSR.tm.t_grep_status(code): whether a branch ended with this status.
   * @param code 100..699
   * @returns 1 one did; -1 none did, or there is no transaction
   * Kamailio 6.x manual, module tm, t_grep_status; deviations: none
   */
  kemi('t_grep_status', {
    params: ['int'],
    returns: 'int',
    run: (call, status) => {
      const tx = call.state.here;
      return truth(tx?.branches.some(b => b.done && !b.dropped && b.code === status) ?? false);
    },
  }),
  /**
   * KSR.tm.t_is_canceled(): whether the caller cancelled.
   * @returns 1 yes; -1 no, or there is no transaction
   * Kamailio 6.x manual, module tm, t_is_canceled; deviations: none
   */
  kemi('t_is_canceled', {
    native: { routes: ['request', 'failure', 'branch', 'onreply', 'event'] },
    params: [],
    returns: 'int',
    run: call => truth(call.state.here?.canceled ?? false),
  }),
  /**
   * KSR.tm.t_is_expired(): whether the transaction has lived for max_inv_lifetime or max_noninv_lifetime.
   * @returns 1 yes; -1 no, or there is no transaction
   * Kamailio 6.x manual, module tm, t_is_expired; deviations: none
   */
  kemi('t_is_expired', {
    params: [],
    returns: 'int',
    run: ({ state: tm }) => {
      const tx = tm.here;
      return truth(tx !== undefined && tm.monotonic() >= tx.createdMs + tx.times.life);
    },
  }),
  /**
   * KSR.tm.t_branch_timeout(): in a failure route: whether the branch at hand got no answer in time.
   * @returns 1 yes; -1 no, or another route
   * Kamailio 6.x manual, module tm, t_branch_timeout; deviations: none
   */
  kemi('t_branch_timeout', {
    native: { routes: ['request', 'failure', 'event'] },
    params: [],
    returns: 'int',
    run: call => truth(inFailure(call) && (failing(call)?.timedOut ?? false)),
  }),
  /**
   * KSR.tm.t_branch_replied(): in a failure route: whether the branch at hand had an answer before its last.
   * @returns 1 yes; -1 no, or another route
   * Kamailio 6.x manual, module tm, t_branch_replied; deviations: none
   */
  kemi('t_branch_replied', {
    params: [],
    returns: 'int',
    run: call => {
      const branch = failing(call);
      return truth(inFailure(call) && branch !== undefined && replied(call, branch));
    },
  }),
  /**
   * KSR.tm.t_any_timeout(): whether a branch got no answer in time.
   * @returns 1 yes; -1 no, or there is no transaction
   * Kamailio 6.x manual, module tm, t_any_timeout; deviations: none
   */
  kemi('t_any_timeout', {
    native: { routes: ['request', 'failure', 'branch', 'onreply', 'event'] },
    params: [],
    returns: 'int',
    run: call => truth(call.state.here?.branches.some(b => b.timedOut) ?? false),
  }),
  /**
   * KSR.tm.t_any_replied(): whether a branch had an answer, the one at hand left out.
   * @returns 1 yes; -1 no, or there is no transaction
   * Kamailio 6.x manual, module tm, t_any_replied; deviations: none
   */
  kemi('t_any_replied', { params: [], returns: 'int', run: call => truth(anyReplied(call)) }),
  /**
   * KSR.tm.t_get_branch_index(): number of the branch that the route is about.
   * @returns 0 and up; 0 also when there is none
   * Kamailio 6.x manual, module tm, t_get_branch_index; deviations: none
   */
  kemi('t_get_branch_index', {
    native: false,
    params: [],
    returns: 'int',
    run: call => Math.max(0, call.msg.mem.u8[call.msg.at + L.M_TBRANCH]! - 1),
  }),
  /**
   * KSR.tm.t_is_retr_async_reply(): whether a reply route of this transaction waits already.
   * @returns 1 yes; -1 no
   * Kamailio 6.x manual, module tm, t_is_retr_async_reply; deviations: none
   */
  kemi('t_is_retr_async_reply', {
    params: [],
    returns: 'int',
    run: call => truth(call.msg.isReply && (call.state.here?.routes ?? 0) > 1),
  }),
  /**
   * KSR.tm.t_drop_replies(mode): which answers do not count any more when the failure route starts a new branch.
   * @param mode a all, l those of the last step, n none
   * @returns 1
   * Kamailio 6.x manual, module tm, t_drop_replies; deviations: none
   */
  kemi('t_drop_replies', {
    native: { routes: ['failure'] },
    params: ['str'],
    returns: 'int',
    run: (call, mode) => dropReplies(call, mode || 'a'),
  }),
  /**
   * KSR.tm.t_drop_replies_all(): as t_drop_replies("a").
   * @returns 1
   * Kamailio 6.x manual, module tm, t_drop_replies; deviations: none
   */
  kemi('t_drop_replies_all', {
    native: { name: 't_drop_replies', routes: ['failure'] },
    params: [],
    returns: 'int',
    run: call => dropReplies(call, 'a'),
  }),
];

function dropReplies(call: C, mode: ByteStr): number {
  const tx = call.state.here;
  if (tx) tx.makeRare().dropMode = mode[0] === 'n' || mode[0] === 'l' ? mode[0] : 'a';
  return 1;
}
