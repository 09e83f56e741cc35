/** The server side of a transaction: answers to the caller, their retransmission, the ACK, and the end (RFC 3261 17.2, RFC 6026). */

import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { eventRoute } from '../../kemi/event-route.ts';
import { cancelBranch } from './cancel.ts';
import { forgetRequest } from './client.ts';
import { conclude } from './replies.ts';
import type { Tm } from './state.ts';
import type { Branch, Transaction } from './transaction.ts';

/** transaction.phase */
export const PHASE_NONE = 0;
export const PHASE_RETRANSMIT = 1;
export const PHASE_WAIT = 2;
/** the word behind tmFound() that has the block of tmAnswer() and tmRelay() */
const FOUND_BLOCK = 16;

/**
 * Answers the request ourselves.
 * @param code 100..699; a final one ends the transaction
 * @returns whether it was sent: false when a final answer is out already, or it cannot be built
 */
export function answer(tm: Tm, tx: Transaction, code: number, reason: ByteStr, branch?: Branch): boolean {
  if (!tx.msg || !tx.dst || tx.status >= 200) return false;
  if (code >= 300 && code < 400) redirect(tm, tx.msg);
  const length = build(tm, tx, code, reason);
  if (length < 0) {
    tm.host.log.error({ code }, `Cannot answer with ${code}: ${L.STATUS_NAMES[-length]}`);
    return false;
  }
  const sent = tm.send(kept(tm, tx, length), length, tm.answerTo(tx)!);
  tm.counters.generated++;
  if (sent) tm.counters.sent++;
  tm.setStatus(tx, code);
  if (tm.handlers['response-out']) tm.emitReply('response-out', tx, code, 0, reason, branch);
  if (tellsAnswers(tm)) localResponse(tm, tx);
  if (code >= 200) finish(tm, tx, true, code);
  return true;
}

/** Puts the phrase where the core finds it. @returns as tmAnswer() */
function build(tm: Tm, tx: Transaction, code: number, reason: ByteStr): number {
  const { core } = tm.host;
  const { x, mem } = core;
  const { length } = reason;
  if (length <= MAX_SCRATCH_REASON) {
    mem.putStr(tm.scratch, reason);
    return x.tmAnswer(tx.msg, code, tm.scratch, length, tx.block);
  }
  const text = core.lua.malloc(length + L.SLACK);
  if (!text) return -L.ST_NO_MEMORY;
  mem.putStr(text, reason);
  const built: number = x.tmAnswer(tx.msg, code, text, length, tx.block);
  core.lua.free(text);
  return built;
}
/** longer phrases do not go into the core's scratch area */
const MAX_SCRATCH_REASON = 1024;

/** What the core kept is the transaction's answer now. @returns where its bytes are */
function kept(tm: Tm, tx: Transaction, length: number): number {
  const { mem, x } = tm.host.core;
  const block = mem.u32(tm.found + FOUND_BLOCK);
  tx.block = block;
  tx.length = block ? length : 0;
  return block || x.outArea();
}

/** A redirection of ours has the destination set in its Contact. */
function redirect(tm: Tm, at: number): void {
  const { x } = tm.host.core;
  const before: number = x.currentMsg();
  x.setMsg(at);
  x.slRedirect();
  x.setMsg(before);
}

/** Whether a route of the script may run behind an answer of ours. */
export const tellsAnswers = (tm: Tm): boolean => !!tm.params.event_callback_lres_sent || tm.host.native === true;

/** event "tm:local-response" */
function localResponse(tm: Tm, tx: Transaction): void {
  const name = eventRoute(tm.host, tm.params.event_callback_lres_sent, 'tm:local-response');
  if (!name || !tx.msg) return;
  tx.routes++;
  const end = tm.host.runRouteOn(tx.msg, L.RK_EVENT, name, 'tm:local-response');
  const after = () => {
    tx.routes--;
    if (tx.status >= 200) tm.release(tx);
  };
  if (end instanceof Promise) void end.then(after);
  else after();
}

/**
 * Passes a reply of a branch on to the caller.
 * @param reply address of it  @returns whether it could be sent
 */
export function relay(tm: Tm, tx: Transaction, branch: Branch, reply: number): boolean {
  if (!tx.dst) return false;
  const { x, mem } = tm.host.core;
  // a request that comes again is answered with this; what comes behind a final answer is only passed on
  const late = tx.status >= 200;
  const length: number = late ? x.msgReplyForward(reply) : x.tmRelay(reply, tx.block);
  const code = mem.u16(reply + L.M_NEWSTATUS) || mem.u16(reply + L.M_STATUS);
  if (length < 0) {
    tm.host.log.error({ code }, `Cannot pass on a ${code}: ${L.STATUS_NAMES[-length]}`);
    return false;
  }
  const at: number = late ? x.outArea() : kept(tm, tx, length);
  const sent = tm.sendFor(reply, at, length, tm.answerTo(tx)!);
  tm.counters.relayed++;
  if (sent) tm.counters.sent++;
  if (!late) tm.setStatus(tx, code);
  if (tm.handlers['response-out']) tm.emitReply('response-out', tx, code, reply, '', branch);
  if (!late && code >= 200) finish(tm, tx, false, code);
  return sent;
}

/** A final answer is out. */
function finish(tm: Tm, tx: Transaction, local: boolean, code: number): void {
  const { branches } = tx;
  // by index, as all that runs for each answer: an iterator is three objects
  for (let i = 0; i < branches.length; i++) {
    const branch = branches[i]!;
    if (branch.done) continue;
    if (!tx.isInvite || branch.silent) forgetRequest(tm, branch);
    else cancelBranch(tm, branch, tm.params.local_cancel_reason ? cancelReason(code) : '');
  }
  if (tx.isInvite) {
    if (code >= 300 || local) {
      // RFC 3261 17.2.1 timers G and H; a 2xx of our own goes on until its ACK comes (13.3.1.4)
      if (code < 300 && tx.msg) {
        tm.insertDialog(tx);
        tx.makeRare().toTag = ownTag(tm, tx.msg);
      }
      const now = tm.monotonic();
      tx.phase = PHASE_RETRANSMIT;
      tx.endAt = now + tx.times.fr;
      // over a connection nothing is lost on the way; a 2xx may have to cross what is no connection behind the next hop (RFC 3261 13.3.1.4)
      tx.interval = code >= 300 && tx.dst && tx.dst.proto !== 'udp' ? 0 : tx.times.retr1;
      tx.retransmitAt = tx.interval ? now + tx.interval : tx.endAt;
      tm.wheel.start(tx, Math.min(tx.interval || tx.times.fr, tx.times.fr), now);
    } else {
      if (tm.handlers['e2e-ack'] && tx.msg) tm.insertDialog(tx);
      wait(tm, tx);
    }
  } else wait(tm, tx);
  for (let i = 0; i < branches.length; i++) if (branches[i]!.reply) tm.dropReply(branches[i]!);
  tm.release(tx);
}

/** The To tag of an answer of ours: the request's, or the one we gave it. */
function ownTag(tm: Tm, at: number): ByteStr {
  const { x, mem } = tm.host.core;
  return tm.host.at(at).to?.tag || mem.str(x.tmToTag(at), TAG_LENGTH);
}
const TAG_LENGTH = 41;

/** Reason header of the CANCELs that a final answer causes (RFC 3326). */
function cancelReason(code: number): ByteStr {
  return code < 300 ? 'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n' : `Reason: SIP;cause=${code}\r\n`;
}

/** The transaction is done; it absorbs what comes late for wt_timer. */
export function wait(tm: Tm, tx: Transaction): void {
  tx.phase = PHASE_WAIT;
  tm.wheel.start(tx, tm.params.wt_timer);
}

/** The request came again: the last answer goes out again. @returns whether there is one */
export function repeatAnswer(tm: Tm, tx: Transaction): boolean {
  if (!tx.block || !tx.dst) return false;
  tm.send(tx.block, tx.length, tx.dst);
  return true;
}

/** The ACK to our negative answer, or to a 2xx of our own: no more retransmissions. */
export function acknowledge(tm: Tm, tx: Transaction): void {
  if (tx.phase === PHASE_RETRANSMIT) wait(tm, tx);
}

/** The timer of the server side. */
export function retransmitAnswer(tm: Tm, tx: Transaction): void {
  if (tx.phase === PHASE_NONE) {
    watch(tm, tx);
    return;
  }
  if (tx.phase !== PHASE_RETRANSMIT) {
    // A route of it still runs: the end waits for it.
    if (tx.routes > 0) tm.wheel.start(tx, tm.params.wt_timer);
    else tm.destroy(tx);
    return;
  }
  const now = tm.monotonic();
  if (now >= tx.endAt) {
    wait(tm, tx);
    return;
  }
  if (now >= tx.retransmitAt) {
    repeatAnswer(tm, tx);
    tx.interval = Math.min(tx.interval * 2, tx.times.retr2);
    tx.retransmitAt = now + tx.interval;
  }
  tm.wheel.start(tx, Math.min(tx.retransmitAt, tx.endAt) - now, now);
}

/** behind the longest life of a transaction: nothing that works as it should is that old */
export const WATCH_MS = 30_000;

/** A transaction that is too old and has no final answer: it ends, unless something of it still runs. */
function watch(tm: Tm, tx: Transaction): void {
  const busy = tx.pending || tx.routes > 0 || (tx.msg && tm.host.core.mem.u8[tx.msg + L.M_ROUTE] !== L.RK_NONE);
  if (!busy) conclude(tm, tx);
  if (tx.phase !== PHASE_NONE) return;
  if (busy) tm.wheel.start(tx, WATCH_MS);
  else {
    tm.host.log.warn({ method: tx.method }, 'A transaction had nothing left that could end it');
    abandon(tm, tx);
    tm.release(tx);
  }
}

/** Ends a transaction that has no final answer: it stays for wt_timer and is gone then. */
export function abandon(tm: Tm, tx: Transaction): void {
  if (tx.phase !== PHASE_NONE) return;
  tx.ended = true;
  for (const branch of tx.branches) if (!branch.done) forgetRequest(tm, branch);
  wait(tm, tx);
}
