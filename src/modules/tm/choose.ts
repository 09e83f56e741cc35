/** Which of several negative answers the caller gets (RFC 3261 16.7 step 6), and sending it. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { answer, relay } from './server.ts';
import type { Tm } from './state.ts';
import type { Branch, Transaction } from './transaction.ts';

/** What a reply of ours says for a branch that got none. */
const FAKED_REASONS: Readonly<Record<number, ByteStr>> = {
  408: 'Request Timeout',
  477: 'Send failed',
  487: 'Request Terminated',
  500: 'Server Internal Error',
};

/** 4xx that tell the caller how to do better come first (RFC 3261 16.7 step 6). */
const HELPFUL = [401, 407, 415, 420, 484];

/** Rank of a final answer: the lowest goes to the caller. 6xx, then the classes in order; in 4xx the helpful ones, then by code. */
export function rank(code: number): number {
  const rest = code % 100;
  if (code >= 600) return rest;
  if (code >= 500) return 8000 + (code === 503 ? 900 : rest);
  if (code >= 400) {
    const helpful = HELPFUL.indexOf(code);
    if (helpful >= 0) return 5000 + helpful;
    return 6000 + rest;
  }
  return 4000 + rest;
}

/** The best of the answers that count. */
export function pick(tm: Tm, tx: Transaction): Branch | undefined {
  let best: Branch | undefined;
  let bestRank = 0;
  for (const branch of tx.branches) {
    if (!branch.done || branch.dropped || branch.silent || branch.code < 300) continue;
    const r = rank(branch.code) + (branch.faked ? tm.params.faked_reply_prio : 0);
    if (!best || r < bestRank) {
      best = branch;
      bestRank = r;
    }
  }
  return best;
}

/** Sends the chosen answer to the caller. */
export function deliver(tm: Tm, tx: Transaction, best: Branch): void {
  const at = best.reply;
  if (!at) {
    answer(tm, tx, best.code, FAKED_REASONS[best.code] ?? 'Server Internal Error', best);
    return;
  }
  if ((best.code === 401 || best.code === 407) && tm.params.aggregate_challenges && challenged(tx) > 1) {
    aggregate(tm, tx, best);
    return;
  }
  // RFC 3261 16.7 step 6: a 503 would tell the caller to avoid this proxy, which is well
  if (best.code === 503 && tm.params.remap_503_500) {
    answer(tm, tx, 500, 'Service Unavailable', best);
    return;
  }
  if (!relay(tm, tx, best, at) && tx.status < 200) answer(tm, tx, 500, 'Server Internal Error', best);
}

const isChallenge = (branch: Branch) => branch.reply && !branch.dropped && (branch.code === 401 || branch.code === 407);

function challenged(tx: Transaction): number {
  let n = 0;
  for (const branch of tx.branches) if (isChallenge(branch)) n++;
  return n;
}

/** RFC 3261 16.7 step 7: the answer carries the challenges of all branches. */
function aggregate(tm: Tm, tx: Transaction, best: Branch): void {
  const request = tm.host.at(tx.msg);
  for (const branch of tx.branches) {
    if (!isChallenge(branch)) continue;
    const reply = tm.host.at(branch.reply);
    for (const header of reply.headers())
      if (header.id === L.HDR_WWW_AUTHENTICATE || header.id === L.HDR_PROXY_AUTHENTICATE)
        request.addReplyHeader(`${header.name}: ${header.body}\r\n`);
  }
  answer(tm, tx, best.code, best.code === 401 ? 'Unauthorized' : 'Proxy Authentication Required', best);
}
