/**
 * Failure routes. They see the request as it was when it was relayed: what the request route changed behind t_relay() and what an earlier failure route changed is
 * not in it. What they change is in the branches that they start.
 */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { deliver, pick } from './choose.ts';
import { forgetRequest, schedule } from './client.ts';
import { errorAnswer, wants100 } from './forward.ts';
import { conclude } from './replies.ts';
import { answer } from './server.ts';
import { Snapshot } from './snapshot.ts';
import type { Tm } from './state.ts';
import { Branch, NOWHERE, type Transaction } from './transaction.ts';

/** Runs a route of the transaction with its request, as it was relayed. @returns a promise when it waits */
function runWithRequest(
  tm: Tm,
  tx: Transaction,
  kind: number,
  name: ByteStr,
  branch: Branch,
  arg: ByteStr | undefined,
  then: () => void,
): Promise<void> | undefined {
  const { host } = tm;
  const { mem } = host.core;
  const at = tx.msg;
  const outside = new Snapshot(mem, at);
  tx.relayed?.restore(mem, at);
  const before = new Snapshot(mem, at);
  const outerFlags = mem.u32(at + L.M_SFLAGS);
  mem.setU32(at + L.M_SFLAGS, tx.flags);
  mem.setU32(at + L.M_BFLAGS, branch.flags);
  mem.setU32(at + L.M_MFLAGS, mem.u32(at + L.M_MFLAGS) & ~(L.MFL_FINAL_REPLY | L.MFL_DELAYED_REPLY));
  const outerBranch = mem.u8[at + L.M_TBRANCH]!;
  mem.u8[at + L.M_TBRANCH] = branch.index + 1;
  const rare = tx.makeRare();
  const outerFailing = rare.failing;
  const outerStart = rare.routeStart;
  rare.failing = branch;
  rare.routeStart = before;
  tx.routes++;
  const after = () => {
    tx.routes--;
    rare.failing = outerFailing;
    rare.routeStart = outerStart;
    const { mem: now } = host.core;
    now.u8[at + L.M_TBRANCH] = outerBranch;
    tx.flags = now.u32(at + L.M_SFLAGS);
    now.setU32(at + L.M_SFLAGS, outerFlags);
    outside.restore(now, at);
    then();
    if (tx.status >= 200) tm.release(tx);
  };
  const end = host.runRouteOn(at, kind, name, arg);
  if (end instanceof Promise) return end.then(after);
  after();
  return undefined;
}

/** The failure route of a transaction all of whose branches failed. */
export function runFailure(tm: Tm, tx: Transaction, best: Branch, name: ByteStr): void {
  const count = tx.branches.length;
  const step = tx.step;
  if (tx.rare) tx.rare.dropMode = '';
  void runWithRequest(tm, tx, L.RK_FAILURE, name, best, undefined, () => {
    if (tx.status >= 200 || tx.ended) return;
    const grown = tx.branches.some((b, i) => i >= count && !b.dropped);
    if (grown) dropReplies(tm, tx, step, count);
    if (tx.pending) return;
    // Branches that the route started may have failed already.
    if (grown) conclude(tm, tx);
    else deliver(tm, tx, pick(tm, tx) ?? best);
  });
}

/** Answers of earlier steps that do not count any more: failure_reply_mode, or what the script said with t_drop_replies(). */
function dropReplies(tm: Tm, tx: Transaction, step: number, count: number): void {
  const mode = tx.rare?.dropMode || ['n', 'a', 'l', 'a'][tm.params.failure_reply_mode]!;
  if (mode === 'n') return;
  for (let i = mode === 'l' ? step : 0; i < count; i++) {
    const branch = tx.branches[i]!;
    branch.dropped = true;
    tm.dropReply(branch);
  }
}

/** The branch failure route. @returns a promise when it waits */
export function runBranchFailure(tm: Tm, tx: Transaction, branch: Branch, name: ByteStr): Promise<void> | undefined {
  if (!tm.host.hasRoute(name, L.RK_BRANCH_FAILURE)) return undefined;
  return runWithRequest(tm, tx, L.RK_BRANCH_FAILURE, name, branch, undefined, () => {});
}

/** The request waits for resume(): a branch that sends nothing keeps the transaction open until fr_timer ends. */
export function suspend(tm: Tm, tx: Transaction): void {
  const rare = tx.makeRare();
  if (rare.suspendBranch) return;
  if (tx.isInvite && tx.status === 0 && wants100(tm, tx)) answer(tm, tx, 100, tm.params.auto_inv_100_reason ?? '');
  rare.neverRelayed = tx.branches.length === 0;
  const branch = blind(tx);
  rare.suspendBranch = branch;
  tx.saveRequest(tm.host.at(tx.msg));
  const now = tm.monotonic();
  branch.endAt = Math.min(now + tx.times.fr, tx.createdMs + tx.times.life);
  schedule(tm, branch, now);
}

/** A branch that sends nothing. */
function blind(tx: Transaction): Branch {
  const branch = new Branch(tx, tx.branches.length, '', NOWHERE, false);
  tx.add(branch);
  return branch;
}

/** Goes on with a suspended request: the route runs as a failure route does. */
export function resume(tm: Tm, tx: Transaction, route: ByteStr): void {
  const rare = tx.rare!;
  const branch = rare.suspendBranch!;
  rare.suspendBranch = undefined;
  forgetRequest(tm, branch);
  branch.dropped = true;
  // Kamailio numbers another one here
  const second = blind(tx);
  second.done = second.dropped = true;
  void runWithRequest(tm, tx, L.RK_FAILURE, route, branch, undefined, () => {
    if (tx.status >= 200 || tx.ended || tx.pending) return;
    if (tx.errorCode) answer(tm, tx, ...errorAnswer(tx.errorCode));
    else if (pick(tm, tx)) conclude(tm, tx);
    else answer(tm, tx, ...errorAnswer(-1));
  });
}
