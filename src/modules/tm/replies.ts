/** Replies to what we sent: the way of one from the network through the script's routes to the caller (RFC 3261 16.7). */
import * as L from '../../core/gen/layout.gen.ts';
import { cancelAnswered, cancelBranch, sendCancel } from './cancel.ts';
import { deliver, pick } from './choose.ts';
import { forgetRequest, schedule } from './client.ts';
import { runBranchFailure, runFailure } from './failure.ts';
import { failOver } from './forward.ts';
import { localAnswer } from './local.ts';
import { relay, wait } from './server.ts';
import type { Tm } from './state.ts';
import type { Branch, Transaction } from './transaction.ts';

/** The transaction and branch that a reply belongs to; the reply's struct remembers them. @returns undefined when it is none of ours */
export function match(tm: Tm, at: number): Branch | undefined {
  const { x, mem } = tm.host.core;
  const number: number = x.tmMatchReply(at);
  if (!number) return undefined;
  const tx = tm.table[number];
  if (!tx || tx.label !== mem.u32(tm.found)) return undefined;
  const branch = tx.branches[mem.u32(tm.found + FOUND_BRANCH)];
  if (!branch) return undefined;
  if (tm.params.callid_matching && tx.msg && tm.host.at(tx.msg).callId !== tm.host.at(at).callId) return undefined;
  tm.bind(at, tx, branch.index + 1);
  return branch;
}

/** words behind tmFound() */
const FOUND_BRANCH = 4;
const FOUND_METHOD = 8;
const FOUND_NEXT_VIA = 12;

/**
 * Takes a reply behind the script's core reply route.
 * @returns whether it is ours: then nobody else forwards it
 */
export function replyIn(tm: Tm, at: number): boolean {
  const branch = match(tm, at);
  if (!branch) return false;
  const { host } = tm;
  const { mem } = host.core;
  const { tx } = branch;
  const code = mem.u16(at + L.M_STATUS);
  const method = mem.u32(tm.found + FOUND_METHOD);
  if (method !== tx.method) {
    if (method !== L.METHOD_CANCEL || !tx.isInvite) return false;
    tm.counters.received++;
    if (code >= 200) cancelAnswered(tm, branch);
    return true;
  }
  tm.counters.received++;
  if (!tx.local && !mem.u32(tm.found + FOUND_NEXT_VIA)) {
    host.log.debug({}, 'Cannot use a reply: it has no Via below ours');
    return true;
  }
  tx.lastReply = code;
  tx.lastBranch = branch;
  if (tx.isInvite && code >= 300) acknowledgeAnswer(tm, branch, at);
  if (branch.silent) {
    if (code >= 200 && !branch.done) {
      branch.code = code;
      forgetRequest(tm, branch);
    }
    return true;
  }
  if (branch.done) {
    // came twice, or too late: the script sees it, and a 2xx goes on
  } else if (code >= 200) {
    // no more retransmissions while the script looks at it
    branch.retransmitAt = 0;
  } else provisional(tm, branch, code);
  const route = tx.local ? '' : tm.nameOf(tx.onReply);
  if (!route || !host.hasRoute(route, L.RK_ONREPLY)) {
    finalOrNot(tm, branch, at, code);
    return true;
  }
  tx.routes++;
  const own = tm.lendVars(tx, at);
  mem.setU32(at + L.M_SFLAGS, tx.flags);
  mem.setU32(at + L.M_BFLAGS, branch.flags);
  const end = host.runRouteOn(at, L.RK_ONREPLY, route, undefined);
  if (typeof end === 'number') routed(tm, branch, at, code, own, end);
  else routedLater(tm, branch, at, code, own, end);
  return true;
}

function routedLater(tm: Tm, branch: Branch, at: number, code: number, own: unknown, end: Promise<number>): void {
  const { host } = tm;
  host.keep(at);
  void end.then(result => {
    routed(tm, branch, at, code, own, result);
    host.release(at);
  });
}

/** The script's reply route has ended. @param own variables that the reply had @param end bits of runRouteOn() */
function routed(tm: Tm, branch: Branch, at: number, code: number, own: unknown, end: number): void {
  const { tx } = branch;
  const { mem } = tm.host.core;
  tx.routes--;
  tm.takeVars(tx, at, own);
  tx.flags = mem.u32(at + L.M_SFLAGS);
  branch.flags = mem.u32(at + L.M_BFLAGS);
  // A final answer cannot be dropped: the caller would wait for nothing.
  if (end & 2 && code < 200) {
    conclude(tm, tx);
    return;
  }
  finalOrNot(tm, branch, at, code);
  if (tx.status >= 200) tm.release(tx);
  // others may have ended while this route waited
  else conclude(tm, tx);
}

/** Timers behind a provisional answer. */
function provisional(tm: Tm, branch: Branch, code: number): void {
  const { tx } = branch;
  const now = tm.monotonic();
  if (!tx.isInvite) {
    if (branch.interval) branch.interval = tx.times.retr2;
    return;
  }
  const restart = tm.params.restart_fr_on_each_reply || branch.code < 100 || (code >= 180 && code > branch.code);
  if (!branch.retransmitAt && !restart) return;
  branch.retransmitAt = 0;
  if (restart && !branch.cancel?.sent) branch.endAt = Math.min(now + tx.times.frInv, tx.createdMs + tx.times.life);
  schedule(tm, branch, now);
}

/** RFC 3261 17.1.1.3: each negative answer to an INVITE gets an ACK from us, each time that it comes. */
function acknowledgeAnswer(tm: Tm, branch: Branch, at: number): void {
  if (!branch.block) return;
  const { x } = tm.host.core;
  const { extraHeaders } = tm;
  const length: number = x.tmHop(branch.block, branch.length, at, 0, 0, extraHeaders.at, extraHeaders.length);
  if (length > 0) tm.send(x.outArea(), length, branch.to);
}

/** Behind the script's reply route. */
function finalOrNot(tm: Tm, branch: Branch, at: number, code: number): void {
  const { tx } = branch;
  const { host } = tm;
  const again = branch.done;
  const before = branch.code;
  if (!again) {
    branch.replied = before > 0;
    branch.code = code;
    if (code >= 200) forgetRequest(tm, branch);
  }
  if (tm.handlers['response-in']) tm.emitReply('response-in', tx, code, at, '', branch);
  if (tx.local) {
    localAnswer(tm, branch, at, code);
    return;
  }
  if (again && (code < 200 || code >= 300 || !tx.isInvite)) return;
  if (code < 200) {
    const { cancel } = branch;
    if (cancel?.wanted) sendCancel(tm, branch, cancel.reason);
    else if (cancel?.block) tm.send(cancel.block, cancel.length, branch.to);
    // a caller that gave up waits for the end only
    if (tx.status >= 200 || tx.canceled || (code === 100 && !tm.params.relay_100)) return;
    relay(tm, tx, branch, at);
    return;
  }
  if (code < 300) {
    // RFC 3261 16.7 step 5: each 2xx to an INVITE goes to the caller, whatever went before
    if (tx.status < 200 || tx.isInvite) relay(tm, tx, branch, at);
    return;
  }
  if (tx.status >= 200) return;
  // RFC 3263 4.3: a 503 is as good as no answer
  if (code === 503 && failOver(tm, branch)) return;
  host.keep(at);
  branch.reply = at;
  ended(tm, branch);
}

/** A branch has its negative end: the script may try another one for it; when all have ended the caller is answered. */
export function ended(tm: Tm, branch: Branch): void {
  const { tx } = branch;
  if (tx.status >= 200 || tx.ended) return;
  if (tx.local) {
    localAnswer(tm, branch, branch.reply, branch.code);
    return;
  }
  const then = () => {
    if (tx.status >= 200 || tx.ended) return;
    // RFC 3261 16.7 step 5: a 6xx ends the search; the others are cancelled and not waited for
    if (branch.code >= 600 && !sixFree(tm, tx)) {
      cancelOthers(tm, tx, branch);
    }
    conclude(tm, tx);
  };
  const route = tm.nameOf(tx.onBranchFailure);
  if (!route || tx.canceled || !tx.msg) {
    then();
    return;
  }
  const end = runBranchFailure(tm, tx, branch, route);
  if (end) void end.then(then);
  else then();
}

function sixFree(tm: Tm, tx: Transaction): boolean {
  return tx.rare?.settings?.disable6xx ?? tm.params.disable_6xx_block !== 0;
}

function cancelOthers(tm: Tm, tx: Transaction, winner: Branch): void {
  const reason = tm.params.local_cancel_reason ? `Reason: SIP;cause=${winner.code}\r\n` : '';
  for (const other of tx.branches) if (other !== winner && !other.done) cancelBranch(tm, other, reason);
}

/** When nothing is pending, the failure route runs; when that starts nothing new, the best answer goes to the caller. */
export function conclude(tm: Tm, tx: Transaction): void {
  if (tx.status >= 200 || tx.ended || tx.pending || tx.routes > 0) return;
  const best = pick(tm, tx);
  if (!best) return;
  if (!tm.params.noisy_ctimer && isQuiet(tx, best)) {
    tx.ended = true;
    tm.dropReply(best);
    wait(tm, tx);
    tm.release(tx);
    return;
  }
  if (tm.handlers.failure && tx.msg) tm.emitReply('failure', tx, best.code, best.reply, '', best);
  const route = tm.nameOf(tx.onFailure);
  tx.onFailure = 0;
  if (!route || !tx.msg || !tm.host.hasRoute(route, L.RK_FAILURE)) {
    deliver(tm, tx, best);
    return;
  }
  runFailure(tm, tx, best, route);
}

/** noisy_ctimer 0: one branch, no answer at all, nobody who wants to know. */
function isQuiet(tx: Transaction, best: Branch): boolean {
  return tx.isInvite && best.timedOut && !best.replied && tx.branches.length === 1 && !tx.onFailure;
}
