/** CANCEL (RFC 3261 9, 16.10): of an INVITE transaction, from the caller or because another branch won. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { fake, forgetRequest, stopRetransmission } from './client.ts';
import { answer } from './server.ts';
import type { Tm } from './state.ts';
import { type Branch, Cancelling, type Transaction } from './transaction.ts';

/** Cancels one branch, by cancel_b_method when it never answered. */
export function cancelBranch(tm: Tm, branch: Branch, reason: ByteStr): void {
  if (branch.done || branch.cancel?.sent || branch.silent) return;
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
    case 1: {
      branch.cancel ??= new Cancelling(branch);
      branch.cancel.wanted = true;
      // as Kamailio: what is cancelled later has the cause alone
      branch.cancel.reason = reason.replace(/;text="Call completed elsewhere"/, '');
      break;
    }
    default:
      stopRetransmission(tm, branch);
      sendCancel(tm, branch, reason);
  }
}

/** Sends the CANCEL of a branch and goes on until an answer to it comes. */
export function sendCancel(tm: Tm, branch: Branch, reason: ByteStr): void {
  if (branch.cancel) branch.cancel.wanted = false;
  if (branch.cancel?.sent || !branch.block) return;
  const cancel = (branch.cancel ??= new Cancelling(branch));
  cancel.sent = true;
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
  cancel.block = block;
  cancel.length = length;
  tm.send(block, length, branch.to);
  const { times } = branch.tx;
  const now = tm.monotonic();
  cancel.endAt = now + times.fr;
  // RFC 3261 17.1.2.2: not sent again over a connection
  cancel.interval = branch.to.proto === 'udp' ? times.retr1 : times.fr;
  tm.wheel.start(cancel, cancel.interval, now);
}

/** An answer to our CANCEL came: it is not sent again. */
export function cancelAnswered(tm: Tm, branch: Branch): void {
  const { cancel } = branch;
  if (cancel) {
    tm.wheel.stop(cancel);
    tm.host.core.x.tmDrop(cancel.block);
    cancel.block = 0;
  }
  // RFC 3261 9.1: a peer that never ends the INVITE is given 64 * T1, then it counts as cancelled.
  const now = tm.monotonic();
  if (!branch.done && branch.endAt > now + branch.tx.times.fr) {
    branch.endAt = now + branch.tx.times.fr;
    branch.retransmitAt = 0;
    tm.wheel.start(branch, branch.tx.times.fr, now);
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
    if (branch === tx.rare?.suspendBranch) {
      forgetRequest(tm, branch);
      branch.dropped = true;
      tx.rare.suspendBranch = undefined;
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
