/**
 * What a transaction and its branches are. The request's slot is kept only until the final answer is out; then this is all that stays, for seconds: what few of
 * them need is in objects of its own, and times are whole milliseconds, which need no object.
 */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Destination } from '../../kemi/host.ts';
import type { Target } from '../../kemi/targets.ts';
import { Snapshot } from './snapshot.ts';
import { TimerNode } from './timer.ts';

/** What the transactions' timers ask of the module. */
export interface Machine {
  /** a request is due again or has waited too long */
  branchTimer(branch: Branch): void;
  /** the CANCEL of one */
  cancelTimer(branch: Branch): void;
  /** our answer is due again, or the transaction's end */
  transactionTimer(tx: Transaction): void;
}

const NO_TARGETS: readonly Target[] = [];

/** where a branch goes before that is known */
export const NOWHERE: Destination = { socket: 0, proto: 'udp', ip: '', port: 0 };

/** What is known of the contact that a branch goes to, beside its URI. */
export interface BranchContact {
  readonly ruid: ByteStr | undefined;
  readonly instance: ByteStr | undefined;
  readonly path: ByteStr | undefined;
  readonly userAgent: ByteStr | undefined;
  /** connection that it came in by, 0 none */
  readonly otcpid: number;
}

/** The CANCEL of a branch. */
export class Cancelling extends TimerNode<Machine> {
  readonly branch: Branch;
  /** to be sent as soon as the branch answers */
  wanted = false;
  /** Reason header lines for that */
  reason: ByteStr = '';
  sent = false;
  /** it as sent; 0 none */
  block = 0;
  length = 0;
  /** milliseconds to the next retransmission */
  interval = 0;
  endAt = 0;

  constructor(branch: Branch) {
    super();
    this.branch = branch;
  }

  onTimer(machine: Machine): void {
    machine.cancelTimer(this.branch);
  }
}

/** A request that was sent and what came back: a client transaction. */
export class Branch extends TimerNode<Machine> {
  readonly tx: Transaction;
  readonly index: number;
  /** request URI it went to */
  readonly uri: ByteStr;
  to: Destination;
  /** the request as sent: an INVITE as long as the transaction lives, because each negative answer needs an ACK made of it; 0 none */
  block = 0;
  length = 0;
  /** further addresses of its destination, tried when this one does not answer */
  rest: readonly Target[] = NO_TARGETS;
  /** last status that came, or that we made up; 0 none */
  code = 0;
  /** the final status is ours: a timeout, a failed sending, a cancelled branch */
  faked = false;
  timedOut = false;
  /** an answer came, before the one at hand */
  replied = false;
  /** a final answer is here, or will never be */
  done = false;
  /** its answer does not count any more: an earlier step of serial forking, or the script dropped it */
  dropped = false;
  cancel: Cancelling | undefined = undefined;
  /** its negative answer, kept until the transaction's is chosen; 0 none */
  reply = 0;
  /** milliseconds to the next retransmission after the next one, 0 none */
  interval = 0;
  retransmitAt = 0;
  endAt = 0;
  flags = 0;
  contact: BranchContact | undefined = undefined;
  dstUri: ByteStr | undefined = undefined;
  /** index + 1 of the forced socket */
  socket = 0;
  /** replicated: its answers are of no interest */
  readonly silent: boolean;

  constructor(tx: Transaction, index: number, uri: ByteStr, to: Destination, silent: boolean) {
    super();
    this.tx = tx;
    this.index = index;
    this.uri = uri;
    this.to = to;
    this.silent = silent;
  }

  onTimer(machine: Machine): void {
    machine.branchTimer(this);
  }
}

/** Times of one transaction, milliseconds. */
export interface Times {
  fr: number;
  frInv: number;
  retr1: number;
  retr2: number;
  /** longest life, of this method */
  life: number;
}

/** What a script set before there was a transaction, or for one. undefined: the modparam's. */
export interface Settings {
  fr?: number | undefined;
  frInv?: number | undefined;
  retr1?: number | undefined;
  retr2?: number | undefined;
  lifeInv?: number | undefined;
  lifeNonInv?: number | undefined;
  auto100?: boolean | undefined;
  disable6xx?: boolean | undefined;
  disableFailover?: boolean | undefined;
  disableInternalReply?: boolean | undefined;
  noE2eCancelReason?: boolean | undefined;
  uacHeaders?: boolean | undefined;
}

/** What few transactions have. */
export class Rare {
  settings: Settings | undefined = undefined;
  /** what the failure route that runs is about */
  failing: Branch | undefined = undefined;
  /** t_suspend(): the branch that keeps it open */
  suspendBranch: Branch | undefined = undefined;
  /** suspended before t_relay(): the request URI is a branch yet to be made */
  neverRelayed = false;
  /** t_drop_replies(): which answers the next step leaves out; 'n' none, 'a' all, 'l' the last step's */
  dropMode = '';
  /** the request as the route that runs got it: what it set itself makes a new branch */
  routeStart: Snapshot | undefined = undefined;
  /** To tag of a 2xx of our own to an INVITE: its ACK has it */
  toTag: ByteStr | undefined = undefined;
  /** called with the final answer of a local request */
  callback: ((reply: LocalReply) => void) | undefined = undefined;
  /** answers and deletes pending CANCELs of local requests use it; undefined for received requests */
  callId: ByteStr | undefined = undefined;
  cseq = 0;
}

const NO_BRANCHES: readonly Branch[] = [];

export class Transaction extends TimerNode<Machine> {
  /** its place in the table, from 1 */
  readonly number: number;
  /** 31 bits */
  readonly label: number;
  /** METHOD_* */
  readonly method: number;
  readonly isInvite: boolean;
  /** the request, 0 once it was let go */
  msg: number;
  /** where answers go */
  readonly dst: Destination | undefined;
  /** in the order of their numbers; add() adds one */
  branches: readonly Branch[] = NO_BRANCHES;
  /** first branch of the newest step of serial forking */
  step = 0;
  /** last status sent, or relayed, to the caller; 0 none */
  status = 0;
  /** the bytes of that answer; 0 none */
  block = 0;
  length = 0;
  canceled = false;
  /** status of the reply that came last; 0 none */
  lastReply = 0;
  /** branch of that reply, or of the timeout that came later */
  lastBranch: Branch | undefined = undefined;
  /** made by the proxy itself */
  readonly local: boolean;
  /** numbers of its routes, 0 none */
  onFailure = 0;
  onBranch = 0;
  onReply = 0;
  onBranchFailure = 0;
  times: Times;
  readonly createdMs: number;
  /** message flags, extended flags */
  flags = 0;
  /** failure and other routes of this transaction that run or wait */
  routes = 0;
  /** the error that answers the request when its route ends without an answer; 0 none */
  errorCode = 0;
  /** the request as it was relayed, as long as it is there */
  relayed: Snapshot | undefined = undefined;
  /** no answer went or will go out: t_release(), t_drop(), finished */
  ended = false;
  /** variables of the script that belong to it */
  vars: unknown = undefined;
  interval = 0;
  retransmitAt = 0;
  endAt = 0;
  /** 0 nothing, 1 sends its answer again until an ACK comes, 2 waits for its end */
  phase = 0;
  /** makeRare() makes it */
  rare: Rare | undefined = undefined;

  constructor(
    number: number,
    label: number,
    method: number,
    isInvite: boolean,
    msg: number,
    dst: Destination | undefined,
    times: Times,
    createdMs: number,
    local: boolean,
  ) {
    super();
    this.number = number;
    this.label = label;
    this.method = method;
    this.isInvite = isInvite;
    this.msg = msg;
    this.dst = dst;
    this.times = times;
    this.createdMs = createdMs;
    this.local = local;
  }

  onTimer(machine: Machine): void {
    machine.transactionTimer(this);
  }

  makeRare(): Rare {
    return (this.rare ??= new Rare());
  }

  /** Nearly all have one: an array that grows would have room for seventeen. */
  add(branch: Branch): void {
    if (this.branches.length === 0) this.branches = [branch];
    else (this.branches as Branch[]).push(branch);
  }

  /** What is in the request now is what failure routes start from. */
  saveRequest(msg: SipMsg): void {
    this.relayed = new Snapshot(msg.mem, msg.at);
  }

  /** whether an answer of a branch is still expected */
  get pending(): boolean {
    for (const branch of this.branches) if (!branch.done && !branch.silent) return true;
    return false;
  }

  /** the same, where those of no interest count, too */
  get unfinished(): boolean {
    const { branches } = this;
    for (let i = 0; i < branches.length; i++) if (!branches[i]!.done) return true;
    return false;
  }
}

/** The answer to a request of our own. */
export interface LocalReply {
  readonly code: number;
  readonly reason: ByteStr;
  /** address of the reply, 0 when it is a timeout or could not be sent; BORROWED for the time of the call */
  readonly msg: number;
}
