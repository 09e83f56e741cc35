/** The client side: a request as sent, its retransmissions and how long it waits (RFC 3261 17.1). */
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Destination, Socket } from '../../kemi/host.ts';
import type { Target } from '../../kemi/targets.ts';
import { destinationOf } from '../core/api.ts';
import { sendCancel } from './cancel.ts';
import { failOver } from './forward.ts';
import { ended } from './replies.ts';
import type { Tm } from './state.ts';
import type { Branch } from './transaction.ts';

/** Kamailio's numbers for what went wrong when a request was relayed, as t_relay() gives them. */
export const E_UNSPEC = -1;
export const E_NO_SOCKET = -7;
export const E_BAD_URI = -4;
export const E_SEND = -477;
export const E_RESOLVE = -478;
/** a branch route dropped the only branch */
export const E_DROPPED = -6;
export const E_CANCELED = -9;
export const E_SCRIPT = -10;

/** A branch was sent: from now on it is sent again (UDP) and its time runs. */
export function startBranch(tm: Tm, branch: Branch): void {
  const { tx } = branch;
  const now = tm.monotonic();
  branch.endAt = Math.min(now + tx.times.fr, tx.createdMs + tx.times.life);
  branch.interval = branch.to.proto === 'udp' ? tx.times.retr1 : 0;
  branch.retransmitAt = branch.interval ? now + branch.interval : 0;
  schedule(tm, branch, now);
}

export function schedule(tm: Tm, branch: Branch, now: number): void {
  const at = branch.retransmitAt ? Math.min(branch.retransmitAt, branch.endAt) : branch.endAt;
  tm.wheel.start(branch, Math.max(0, at - now), now);
}

/** The timer of a branch: it is due again, or nobody answered in time. */
export function retransmitRequest(tm: Tm, branch: Branch): void {
  if (branch.done) return;
  const now = tm.monotonic();
  if (now >= branch.endAt) {
    timeout(tm, branch);
    return;
  }
  if (branch.retransmitAt && now >= branch.retransmitAt) {
    if (branch.block) tm.send(branch.block, branch.length, branch.to);
    branch.interval = Math.min(branch.interval * 2, branch.tx.times.retr2);
    branch.retransmitAt = now + branch.interval;
  }
  schedule(tm, branch, now);
}

export function stopRetransmission(tm: Tm, branch: Branch): void {
  branch.retransmitAt = 0;
  schedule(tm, branch, tm.monotonic());
}

/** Timers B, C and F: nobody answered, or nobody finally. */
function timeout(tm: Tm, branch: Branch): void {
  const { tx } = branch;
  // nobody there: the next address, if there is one
  if (branch.code === 0 && failOver(tm, branch)) return;
  branch.timedOut = true;
  tx.lastBranch = branch;
  if (tx.isInvite && branch.code >= 100 && !branch.cancel?.sent) {
    sendCancel(tm, branch, '');
  }
  fake(tm, branch, tx.canceled ? 487 : 408);
}

/** Where a branch goes by a socket. */
export function destined(tm: Tm, branch: Branch, socket: Socket, target: Target, msg: SipMsg): Destination {
  const lost = target.proto === 'udp' ? undefined : whenLost(tm, branch);
  return destinationOf(tm.host, msg, socket, target, branch.contact?.otcpid, lost);
}

/** A closure, which the many datagrams must not pay for. */
const whenLost = (tm: Tm, branch: Branch) => () => connectionLost(tm, branch);

/** The connection that a branch was to be sent by could not be made: the next address, if there is one. RFC 3261 16.9, with Kamailio's number. */
function connectionLost(tm: Tm, branch: Branch): void {
  const { tx } = branch;
  if (branch.done || branch.code !== 0 || tx.ended || tm.table[tx.number] !== tx) return;
  if (failOver(tm, branch)) return;
  tm.lost.value++;
  tx.lastBranch = branch;
  fake(tm, branch, tx.canceled ? 487 : 477);
}

/** Ends a branch with an answer of our own making. */
export function fake(tm: Tm, branch: Branch, code: number): void {
  branch.faked = true;
  branch.replied = branch.code > 0 && branch.code < 200;
  branch.code = code;
  forgetRequest(tm, branch);
  ended(tm, branch);
}

/** Nothing more is expected of a branch; an INVITE is kept for the ACKs to answers that come late. */
export function forgetRequest(tm: Tm, branch: Branch): void {
  branch.done = true;
  tm.wheel.stop(branch);
  if (branch.tx.isInvite || !branch.block) return;
  tm.host.core.x.tmDrop(branch.block);
  branch.block = 0;
}

/** The timer of a CANCEL. */
export function cancelTimer(tm: Tm, branch: Branch): void {
  const { cancel } = branch;
  if (!cancel) return;
  const now = tm.monotonic();
  if (!cancel.block || now >= cancel.endAt) {
    tm.host.core.x.tmDrop(cancel.block);
    cancel.block = 0;
    return;
  }
  tm.send(cancel.block, cancel.length, branch.to);
  cancel.interval = Math.min(cancel.interval * 2, branch.tx.times.retr2);
  tm.wheel.start(cancel, Math.min(cancel.interval, cancel.endAt - now), now);
}
