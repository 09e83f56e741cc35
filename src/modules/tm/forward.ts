/** Relaying a request: branches are made of the request URI and of what append_branch() added, each is written, and sent (RFC 3261 16.6). */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { branchZeroOf, type Branch as Contact, MAX_BRANCHES, takeBranches } from '../../kemi/branches.ts';
import { NoTarget, type Target } from '../../kemi/targets.ts';
import { hostTarget, nextHopsOf, prefixFor, socketFor } from '../core/api.ts';
import {
  destined,
  E_BAD_URI,
  E_CANCELED,
  E_DROPPED,
  E_NO_SOCKET,
  E_RESOLVE,
  E_SEND,
  E_UNSPEC,
  fake,
  forgetRequest,
  schedule,
  startBranch,
} from './client.ts';
import { answer, tellsAnswers } from './server.ts';
import { Snapshot } from './snapshot.ts';
import type { Tm } from './state.ts';
import { Branch, type BranchContact, NOWHERE, type Transaction } from './transaction.ts';

/** Where and how a request goes, when the script says so. */
export interface RelayOptions {
  /** a fixed next hop instead of the URI's */
  readonly target?: Target | NoTarget | Promise<Target | NoTarget> | undefined;
  /** bits of t_relay_to(): 1 no 100, 2 no answer of ours on errors, 4 no DNS failover */
  readonly flags: number;
  /** answers are of no interest: t_replicate() */
  readonly silent?: boolean;
}

export const NO_OPTIONS: RelayOptions = { flags: 0 };

/** what a branch was made of, before it is sent */
type Made = Branch | number;

/** The branches that one call of forward() makes. */
interface Step {
  readonly options: RelayOptions;
  /** the request as it was in front of them */
  readonly start: Snapshot;
  /** number of the first of them */
  readonly first: number;
  readonly contacts: readonly Contact[];
  readonly made: Made[];
}

/**
 * Makes and sends the branches of the request at hand.
 * @returns 1 when at least one went out; negative when none did (E_*)
 */
export function forward(tm: Tm, tx: Transaction, msg: SipMsg, options: RelayOptions): number | Promise<number> {
  const { host } = tm;
  const { mem } = host.core;
  const at = msg.at;
  if (tx.status >= 200 || tx.ended) return E_UNSPEC;
  if (tx.canceled) {
    host.log.debug({}, 'Cannot relay: the transaction was cancelled');
    return E_CANCELED;
  }
  const start = new Snapshot(mem, at);
  const { rare } = tx;
  const known = rare?.routeStart ?? tx.relayed;
  const mainIsNew = known === undefined || rare?.neverRelayed || known.moved(mem, at);
  if (rare) rare.neverRelayed = false;
  const contacts = takeBranches(host, at);
  if (!mainIsNew && !contacts.length) {
    host.log.error({}, 'Cannot relay: there are no branches to forward to');
    return E_UNSPEC;
  }
  const first = tx.branches.length;
  let said100 = false;
  if (tx.isInvite && tx.status === 0 && !rare?.routeStart && !(options.flags & 1) && wants100(tm, tx))
    said100 = answer(tm, tx, 100, tm.params.auto_inv_100_reason ?? '');
  if (!mainIsNew) return makeRest(tm, tx, msg, { options, start, first, contacts, made: [] }, 0);
  // an event route of the 100 may have changed the request
  const changed = said100 && tellsAnswers(tm);
  const main = make(tm, tx, msg, options, undefined, changed ? undefined : start);
  if (contacts.length || main instanceof Promise)
    return makeMore(tm, tx, msg, main, { options, start, first, contacts, made: [] });
  if (changed) start.restoreTarget(host.core.mem, at);
  return sendStep(tm, tx, msg, options, start, first, [main]);
}

/** The request URI's branch is made, or will be: others follow it. */
function makeMore(
  tm: Tm,
  tx: Transaction,
  msg: SipMsg,
  main: Made | Promise<Made>,
  step: Step,
): number | Promise<number> {
  return main instanceof Promise
    ? main.then(value => goOn(tm, tx, msg, step, value, 0))
    : goOn(tm, tx, msg, step, main, 0);
}

/** A branch was made: the next ones start from the same request. */
function goOn(tm: Tm, tx: Transaction, msg: SipMsg, step: Step, made: Made, next: number): number | Promise<number> {
  step.start.restoreTarget(tm.host.core.mem, msg.at);
  step.made.push(made);
  return makeRest(tm, tx, msg, step, next);
}

/** Makes the branches of the contacts from that number on, then sends all. */
function makeRest(tm: Tm, tx: Transaction, msg: SipMsg, step: Step, from: number): number | Promise<number> {
  const { options, start, contacts, made } = step;
  for (let i = from; i < contacts.length; i++) {
    setContact(msg, contacts[i]!);
    const branch = make(tm, tx, msg, options, contacts[i]!, undefined);
    if (branch instanceof Promise) {
      start.restoreTarget(tm.host.core.mem, msg.at);
      return branch.then(value => goOn(tm, tx, msg, step, value, i + 1));
    }
    start.restoreTarget(tm.host.core.mem, msg.at);
    made.push(branch);
  }
  return sendStep(tm, tx, msg, options, start, step.first, made);
}

/** All branches of a step are made. */
function sendStep(
  tm: Tm,
  tx: Transaction,
  msg: SipMsg,
  options: RelayOptions,
  start: Snapshot,
  first: number,
  made: readonly Made[],
): number {
  const { mem } = tm.host.core;
  tx.flags = mem.u32(msg.at + L.M_SFLAGS);
  if (!options.silent) {
    tx.step = first;
    // What the script changes from here on is not in later branches.
    if (tx.rare?.routeStart) tx.rare.routeStart = new Snapshot(mem, msg.at);
    else tx.relayed = start;
  }
  return sendAll(tm, tx, msg, made, options);
}

export const wants100 = (tm: Tm, tx: Transaction): boolean =>
  tx.rare?.settings?.auto100 ?? tm.params.auto_inv_100 !== 0;

/** An added branch becomes the request's URI, destination, socket and flags for as long as it is made. */
function setContact(msg: SipMsg, contact: Contact): void {
  msg.ruri = contact.uri;
  msg.dstUri = contact.dstUri;
  msg.setU16(L.M_FSOCK, contact.socket);
  msg.setU32(L.M_BFLAGS, contact.flags);
}

/** Runs the branch route, finds the target, writes the request. @param unchanged the request as it is, when that is known  @returns the branch, or E_* */
function make(
  tm: Tm,
  tx: Transaction,
  msg: SipMsg,
  options: RelayOptions,
  contact: Contact | undefined,
  unchanged: Snapshot | undefined,
): Made | Promise<Made> {
  const { host } = tm;
  const { mem } = host.core;
  const { at } = msg;
  const index = tx.branches.length;
  if (index >= MAX_BRANCHES + 1) {
    host.log.error({}, `Cannot add a branch: a transaction has at most ${MAX_BRANCHES + 1}`);
    return E_UNSPEC;
  }
  // the place is taken at once: a branch that waits for DNS keeps its number
  const branch = new Branch(tx, index, msg.ruri, NOWHERE, options.silent === true);
  branch.done = true;
  branch.dropped = true;
  tx.add(branch);
  // of the request URI what lookup() left beside it
  const known = contact ?? branchZeroOf(host, at);
  if (known) branch.contact = contactOf(known);
  const route = options.silent ? '' : tm.nameOf(tx.onBranch);
  if (!route || !host.hasRoute(route, L.RK_BRANCH)) return resolve(tm, branch, msg, options, undefined);
  const before = unchanged ?? new Snapshot(mem, at);
  const outer = mem.u8[at + L.M_TBRANCH]!;
  mem.u8[at + L.M_TBRANCH] = index + 1;
  tx.routes++;
  const end = host.runRouteOn(at, L.RK_BRANCH, route, undefined);
  return end instanceof Promise
    ? routedLater(tm, branch, msg, options, before, outer, end)
    : routed(tm, branch, msg, options, before, outer, end);
}

/** A function of its own, as others with a closure are: V8 makes room for what a closure uses whenever the function around it is called. */
const routedLater = (
  tm: Tm,
  branch: Branch,
  msg: SipMsg,
  options: RelayOptions,
  before: Snapshot,
  outer: number,
  end: Promise<number>,
): Promise<Made> => end.then(bits => routed(tm, branch, msg, options, before, outer, bits));

/** The branch route has ended. @param end bits of runRouteOn() */
function routed(
  tm: Tm,
  branch: Branch,
  msg: SipMsg,
  options: RelayOptions,
  before: Snapshot,
  outer: number,
  end: number,
): Made | Promise<Made> {
  const { mem } = tm.host.core;
  branch.tx.routes--;
  mem.u8[msg.at + L.M_TBRANCH] = outer;
  if (!(end & 2)) return resolve(tm, branch, msg, options, before);
  before.restore(mem, msg.at);
  return E_DROPPED;
}

const contactOf = ({ ruid, instance, path, locationUa, otcpid }: Contact): BranchContact => ({
  ruid,
  instance,
  path,
  userAgent: locationUa,
  otcpid,
});

function resolve(
  tm: Tm,
  branch: Branch,
  msg: SipMsg,
  options: RelayOptions,
  before: Snapshot | undefined,
): Made | Promise<Made> {
  const target = options.target ?? nextHopsOf(tm.host, msg);
  return target instanceof Promise
    ? writeLater(tm, branch, msg, options, before, target)
    : write(tm, branch, msg, options, before, target);
}

const writeLater = (
  tm: Tm,
  branch: Branch,
  msg: SipMsg,
  options: RelayOptions,
  before: Snapshot | undefined,
  target: Promise<Target | readonly Target[] | NoTarget>,
): Promise<Made> => target.then(found => write(tm, branch, msg, options, before, found));

/** Writes the request to the first of the targets that a socket of ours can reach. */
function write(
  tm: Tm,
  branch: Branch,
  msg: SipMsg,
  options: RelayOptions,
  before: Snapshot | undefined,
  found: Target | readonly Target[] | NoTarget,
): Made {
  let target: Target | NoTarget;
  if (found instanceof NoTarget || !isList(found)) target = found;
  else if (found.length === 1) target = found[0]!;
  else {
    const first = firstReached(tm, msg, found);
    target = found[first]!;
    if (!(options.flags & 4) && !branch.tx.rare?.settings?.disableFailover) branch.rest = found.slice(first + 1);
  }
  const made = writeBranch(tm, branch, msg, target);
  before?.restore(tm.host.core.mem, msg.at);
  return made;
}

/** Number of the first target that a socket of ours can reach; 0 when there is none. */
function firstReached(tm: Tm, msg: SipMsg, targets: readonly Target[]): number {
  for (let i = 0; i < targets.length; i++) if (socketFor(tm.host, msg, targets[i]!)) return i;
  return 0;
}

const isList = (found: Target | readonly Target[]): found is readonly Target[] => Array.isArray(found);

/**
 * Tries the next address of a branch's destination: the same request with a branch of its own (RFC 3263 4.3).
 * @returns false when there is none, or nothing is to be tried any more
 */
export function failOver(tm: Tm, branch: Branch): boolean {
  const { tx } = branch;
  const { host } = tm;
  const { x } = host.core;
  for (let i = 0; i < branch.rest.length; i++) {
    if (!branch.block || !tx.msg || tx.canceled || tx.status >= 200 || tx.branches.length > MAX_BRANCHES) return false;
    const target = branch.rest[i]!;
    const msg = host.at(tx.msg);
    const socket = socketFor(host, msg, target);
    const prefix = socket && prefixFor(host, msg, socket);
    if (!socket || !prefix) continue;
    const next = new Branch(tx, tx.branches.length, branch.uri, NOWHERE, branch.silent);
    next.to = destined(tm, next, socket, target, msg);
    const via: number = x.tmVia(tx.msg, prefix.at, prefix.length, tx.number, tx.label, next.index);
    const length: number = x.tmSendElsewhere(branch.block, branch.length, via);
    next.block = length > 0 ? x.tmKeep(length) : 0;
    if (!next.block) return false;
    next.length = length;
    next.rest = branch.rest.slice(i + 1);
    next.flags = branch.flags;
    next.dstUri = branch.dstUri;
    next.socket = branch.socket;
    next.contact = branch.contact;
    tx.add(next);
    if (!tm.sendFor(tx.msg, next.block, next.length, next.to)) {
      next.done = next.dropped = true;
      tm.dropBranch(next);
      continue;
    }
    tm.forwarded.value++;
    forgetRequest(tm, branch);
    branch.dropped = true;
    branch.rest = [];
    startBranch(tm, next);
    return true;
  }
  return false;
}

function writeBranch(tm: Tm, branch: Branch, msg: SipMsg, target: Target | NoTarget): Made {
  const { host } = tm;
  const { core } = host;
  const { x } = core;
  const { tx } = branch;
  if (target instanceof NoTarget) {
    host.log.error({ uri: branch.uri, why: target.why }, `Cannot relay to "${branch.uri}": ${target.why}`);
    return E_RESOLVE;
  }
  const socket = socketFor(host, msg, target);
  if (!socket) {
    host.log.error(
      { uri: branch.uri },
      `Cannot relay to "${branch.uri}": no socket for ${target.proto}, IPv${target.family}`,
    );
    return E_NO_SOCKET;
  }
  if (tx.status >= 200 || tx.ended || tx.canceled) return E_CANCELED;
  const prefix = prefixFor(host, msg, socket);
  if (!prefix) return E_UNSPEC;
  const { contact } = branch;
  const path = contact?.path ? routeLine(msg, contact.path) : undefined;
  const via: number = x.tmVia(msg.at, prefix.at, prefix.length, tx.number, tx.label, branch.index);
  const written: number = x.msgForward(msg.at, x.tmViaLine(), via, socket.index);
  path?.restore(core.mem, msg.at);
  if (written < 0) {
    host.log.error({ uri: branch.uri }, `Cannot relay to "${branch.uri}": ${L.STATUS_NAMES[-written]}`);
    return E_UNSPEC;
  }
  const block: number = x.tmKeep(written);
  if (!block) return E_UNSPEC;
  branch.block = block;
  branch.length = written;
  branch.to = destined(tm, branch, socket, target, msg);
  branch.flags = msg.u32(L.M_BFLAGS);
  branch.dstUri = msg.dstUri;
  branch.socket = msg.mem.u16(msg.at + L.M_FSOCK);
  branch.done = false;
  branch.dropped = false;
  return branch;
}

/** RFC 3327 5.3: the Path of a contact is the Route of what goes there. @returns how to take it away again */
function routeLine(msg: SipMsg, path: ByteStr): Snapshot {
  const before = new Snapshot(msg.mem, msg.at);
  msg.insertHeader(`Route: ${path}\r\n`);
  return before;
}

/** Sends what was made. */
function sendAll(tm: Tm, tx: Transaction, msg: SipMsg, made: readonly Made[], options: RelayOptions): number {
  let sent = 0;
  let error = 0;
  let failed: Branch[] | undefined;
  for (let i = 0; i < made.length; i++) {
    const branch = made[i]!;
    if (typeof branch === 'number') {
      error = branch;
      continue;
    }
    if (tm.sendFor(msg.at, branch.block, branch.length, branch.to)) {
      sent++;
      startBranch(tm, branch);
      tm.forwarded.value++;
      continue;
    }
    if (failOver(tm, branch)) {
      sent++;
      continue;
    }
    error = E_SEND;
    tm.lost.value++;
    (failed ??= []).push(branch);
  }
  if (sent) {
    tx.errorCode = 0;
    // Those that could not be sent lose against any answer that comes.
    if (failed) for (const branch of failed) fake(tm, branch, 477);
    return 1;
  }
  for (const branch of failed ?? []) {
    branch.dropped = true;
    branch.done = true;
    tm.dropBranch(branch);
  }
  if (!error) return E_UNSPEC;
  const lost = tx.branches.at(-1);
  if (tm.params.failure_exec_mode && tx.onFailure && lost && error !== E_CANCELED) {
    lost.done = lost.dropped = false;
    lost.endAt = tm.monotonic();
    schedule(tm, lost, lost.endAt);
    return 1;
  }
  const noted = !options.silent && noteError(tx, msg, error, options);
  // Kamailio tells a failed send by its answer only
  if (error === E_SEND) return E_UNSPEC;
  if (options.silent || noted || error !== E_RESOLVE) return error;
  // as Kamailio, when no answer of our own is wanted
  return E_BAD_URI;
}

/** The request is answered with the error when its route ends and the script did not answer it. @returns false when that is not wanted */
function noteError(tx: Transaction, msg: SipMsg, error: number, options: RelayOptions): boolean {
  if (options.flags & 2 || tx.rare?.settings?.disableInternalReply) return false;
  tx.errorCode = error;
  // Of a failed send Kamailio 5.6.3 does not tell sl_reply_error(): that answers, too.
  if (error !== E_SEND) msg.setU32(L.M_MFLAGS, msg.u32(L.M_MFLAGS) | L.MFL_DELAYED_REPLY);
  return true;
}

/** Status and phrase for an error of t_relay(). */
export function errorAnswer(error: number): [code: number, reason: ByteStr] {
  if (error === E_RESOLVE) return [478, 'Unresolvable destination (478/TM)'];
  if (error === E_SEND) return [477, 'Unfortunately error on sending to next hop occurred (477/TM)'];
  return [500, `I'm terribly sorry, server error occurred (${-error}/TM)`];
}

/** The target of t_relay_to_proxy() and its kin: [proto:]host[:port]. */
export function proxyTarget(tm: Tm, text: ByteStr): Target | NoTarget | Promise<Target | NoTarget> {
  const m = /^(?:(udp|tcp|tls|sctp|ws|wss):)?(\[[0-9a-fA-F:.]+\]|[^:\s[\]]+)(?::(\d{1,5}))?$/i.exec(text);
  if (!m) return new NoTarget(`"${text}" is not proto:host:port`);
  const proto = (m[1]?.toLowerCase() ?? 'udp') as Target['proto'];
  return hostTarget(tm.host, proto, m[2]!, Number(m[3] ?? 0));
}
