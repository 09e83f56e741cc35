/** CANCEL (RFC 3261 9, 16.10): of an INVITE transaction, from the caller or because another branch won. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { fake, forgetRequest, stopRetransmission } from './client.ts';
import { answer } from './server.ts';
import type { Tm } from './state.ts';
import { TimerNode } from './timer.ts';
import type { Branch, Transaction } from './transaction.ts';

/** Cancels one branch, by cancel_b_method when it never answered. */
export function cancelBranch(tm: Tm, branch: Branch, reason: ByteStr): void {
  if (branch.done || branch.cancelSent || branch.silent) return;
  if (branch.code >= 100) {
    sendCancel(tm, branch, reason);
    return;
  }
  switch (tm.params.cancel_b_method) {
    case 0:
      forgetRequest(tm, branch);
      branch.faked = true;
      branch.code = 487;
      break;
    case 1:
      branch.cancelWanted = true;
      // as Kamailio: what is cancelled later has the cause alone
      branch.cancelReason = reason.replace(/;text="Call completed elsewhere"/, '');
      break;
    default:
      stopRetransmission(tm, branch);
      sendCancel(tm, branch, reason);
  }
}

/** Sends the CANCEL of a branch and goes on until an answer to it comes. */
export function sendCancel(tm: Tm, branch: Branch, reason: ByteStr): void {
  branch.cancelWanted = false;
  if (branch.cancelSent || !branch.block) return;
  branch.cancelSent = true;
  const { core } = tm.host;
  const { x } = core;
  const text = reason ? core.lua.malloc(reason.length + L.SLACK) : 0;
  if (text) core.mem.putStr(text, reason);
  const { extraHeaders } = tm;
  const length: number = x.tmHop(
    branch.block,
    branch.length,
    0,
    text,
    text ? reason.length : 0,
    extraHeaders.at,
    extraHeaders.length,
  );
  if (text) core.lua.free(text);
  const block: number = length > 0 ? x.tmKeep(length) : 0;
  if (!block) {
    tm.host.log.error({}, 'Cannot cancel a branch: no memory is left');
    return;
  }
  branch.cancelBlock = block;
  branch.cancelLength = length;
  tm.send(block, length, branch.to);
  const { times } = branch.tx;
  const now = tm.host.monotonic();
  branch.cancelTimer = new TimerNode(branch);
  branch.cancelEndAt = now + times.fr;
  // RFC 3261 17.1.2.2: not sent again over a connection
  branch.cancelInterval = branch.to.proto === 'udp' ? times.retr1 : times.fr;
  branch.cancelRetransmitAt = now + branch.cancelInterval;
  tm.wheel.start(branch.cancelTimer, branch.cancelInterval);
}

/** An answer to our CANCEL came: it is not sent again. */
export function cancelAnswered(tm: Tm, branch: Branch): void {
  if (branch.cancelTimer) tm.wheel.stop(branch.cancelTimer);
  tm.host.core.x.tmDrop(branch.cancelBlock);
  branch.cancelBlock = 0;
  // RFC 3261 9.1: a peer that never ends the INVITE is given 64 * T1, then it counts as cancelled.
  const now = tm.host.monotonic();
  if (!branch.done && branch.endAt > now + branch.tx.times.fr) {
    branch.endAt = now + branch.tx.times.fr;
    branch.retransmitAt = 0;
    tm.wheel.start(branch.timer, branch.tx.times.fr);
  }
}

/** A CANCEL of the caller. @returns whether something was pending that it could cancel */
export function cancelTransaction(tm: Tm, tx: Transaction, reason: ByteStr): boolean {
  if (!tx.isInvite) return true;
  if (tx.status >= 200) return false;
  tx.canceled = true;
  let pending = false;
  for (const branch of tx.branches) {
    if (branch.done || branch.silent) continue;
    if (branch === tx.suspendBranch) {
      forgetRequest(tm, branch);
      branch.dropped = true;
      tx.suspendBranch = undefined;
      continue;
    }
    pending = true;
    cancelBranch(tm, branch, reason);
  }
  const faked = tx.branches.find(b => b.faked && b.code === 487 && !b.reply && !b.dropped);
  if (tx.branches.some(b => !b.done && !b.silent)) return true;
  // Nothing is pending that could answer: the request ends here.
  if (pending && faked) fake(tm, faked, 487);
  else if (tx.routes === 0) answer(tm, tx, 487, 'Request canceled');
  return pending;
}
