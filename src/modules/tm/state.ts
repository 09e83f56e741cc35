/** State of tm in one runtime: the transactions by number, names of routes, counters, and what every part of the module does with them. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Destination, ModuleHost, Text } from '../../kemi/host.ts';
import { RegexCache } from '../../kemi/posix-regex.ts';
import { VARS } from '../../kemi/stores.ts';
import { KnownTarget } from '../../kemi/targets.ts';
import { replyHow } from '../core/api.ts';
import { Answered } from './answered.ts';
import type { TmEvents } from './api.ts';
import { cancelTimer, retransmitRequest } from './client.ts';
import { Ownership } from './ownership.ts';
import type { TmParams } from './params.ts';
import { match } from './replies.ts';
import { retransmitAnswer, WATCH_MS } from './server.ts';
import { TimerWheel } from './timer.ts';
import { type Branch, type Machine, type Settings, type Times, Transaction } from './transaction.ts';
import { Waiting } from './waiting.ts';

const SETTINGS = Symbol('tm settings');
/** a label is a small integer of V8, which needs no object */
const LABEL_BITS = 0x7fffffff;
/** transactions of one worker have numbers below this (wasm/modules/tm.ts) */
const WORKER_NUMBERS = 2 ** 24;

/** Counters of tm.stats and of the statistics of tmx. */
function newCounters() {
  return {
    created: 0,
    createdLocal: 0,
    freed: 0,
    delayedFree: 0,
    received: 0,
    relayed: 0,
    generated: 0,
    sent: 0,
    completed: [0, 0, 0, 0, 0, 0, 0],
    refused: 0,
  };
}

/** Who hears of an event, see TmApi.on(). */
export interface Handler<D> {
  readonly fn: (event: D) => void;
  readonly flags: number;
  readonly from: number;
}

export class Tm implements Machine {
  readonly host: ModuleHost;
  readonly params: TmParams;
  readonly wheel: TimerWheel<Machine>;
  readonly counters = newCounters();
  /** transactions at once, RuntimeOptions.limits.transactions */
  readonly limit: number;
  readonly #names: ByteStr[] = [];
  readonly table: (Transaction | undefined)[] = [undefined];
  readonly #free: number[] = [];
  /** requests that wait in a suspended route and have no transaction */
  readonly waiting: Waiting;
  live = 0;
  /** transactions without a final answer */
  active = 0;
  #label: number;
  /** modparam ac_extra_hdrs */
  readonly extraHeaders: Text;
  readonly handlers: { [E in keyof TmEvents]?: Handler<TmEvents[E]>[] } = {};
  readonly defaultTimes: { inv: Times; other: Times };
  readonly seed: Uint8Array;
  readonly regexes = new RegexCache();
  /** core's counters of forwarded and lost requests */
  readonly forwarded: { value: number };
  readonly lost: { value: number };
  /** who has which transaction, where several runtimes serve the same addresses */
  readonly #ownership: Ownership | undefined;
  readonly #firstId: number;
  /** core.x.tmFound() and core.x.scratchArea() */
  readonly found: number;
  readonly scratch: number;
  /** the last create() failed because another runtime made this transaction at the same moment: it answers */
  elsewhere = false;

  constructor(host: ModuleHost, params: TmParams) {
    this.host = host;
    this.params = params;
    this.wheel = new TimerWheel(host, this);
    this.waiting = new Waiting(host);
    if (host.shared) this.#ownership = new Ownership(host, host.shared);
    this.#firstId = (host.shared?.worker ?? 0) * WORKER_NUMBERS;
    this.forwarded = host.stats.counter('core', 'fwd_requests');
    this.lost = host.stats.counter('core', 'drop_requests');
    this.limit = host.limits.transactions;
    this.#label = Math.floor(host.random() * LABEL_BITS);
    const times = {
      fr: params.fr_timer,
      frInv: params.fr_inv_timer,
      retr1: params.retr_timer1,
      retr2: params.retr_timer2,
    };
    this.defaultTimes = {
      inv: { ...times, life: params.max_inv_lifetime },
      other: { ...times, life: params.max_noninv_lifetime },
    };
    const { core } = host;
    this.seed = host.secret('tm');
    const at = core.lua.malloc(16);
    core.mem.u8.set(this.seed.subarray(0, 16), at);
    const bits =
      (params.ruri_matching ? 2 : 0) | (params.via1_matching ? 4 : 0) | (params.callid_cseq_matching ? 8 : 0);
    core.x.tmSetup(at, bits, host.shared?.worker ?? 0);
    core.lua.free(at);
    this.found = core.x.tmFound();
    this.scratch = core.x.scratchArea();
    this.extraHeaders = host.lasting('tm.ac_extra_hdrs', () => params.ac_extra_hdrs ?? '');
  }

  /** Whole milliseconds of the monotonic clock: a fraction would be an object in each field that keeps a time. */
  monotonic(): number {
    return Math.ceil(this.host.monotonic());
  }

  // ---- routes

  /** Name of a route by its number: the core numbers them; '' for 0. */
  nameOf(number: number): ByteStr {
    if (!number) return '';
    const known = this.#names[number];
    if (known !== undefined) return known;
    const { x, mem } = this.host.core;
    const at: number = x.tmName(number);
    return (this.#names[number] = mem.str(mem.u32(at), mem.u32(at + 4)));
  }

  // ---- transactions

  /** Transaction of the message, undefined when it has none. */
  of(at: number): Transaction | undefined {
    const { mem } = this.host.core;
    const number = mem.u32(at + L.M_TRANS);
    if (!number) return undefined;
    const tx = this.table[number];
    return tx && tx.label === mem.u32(at + L.M_TLABEL) ? tx : undefined;
  }

  /** Transaction of the current message. */
  get here(): Transaction | undefined {
    const at: number = this.host.core.x.currentMsg();
    return at ? this.of(at) : undefined;
  }

  /** Whether a reply belongs to a transaction. */
  matches(at: number): boolean {
    return match(this, at) !== undefined;
  }

  get full(): boolean {
    return this.live >= this.limit;
  }

  /** Makes tx the transaction of a message. */
  bind(at: number, tx: Transaction, branch = 0): void {
    const { mem } = this.host.core;
    mem.setU32(at + L.M_TRANS, tx.number);
    mem.setU32(at + L.M_TLABEL, tx.label);
    mem.u8[at + L.M_TBRANCH] = branch;
  }

  /**
   * Makes the transaction of a request, which must have none yet.
   * @returns undefined when there are as many as the limit allows, or no memory is left
   */
  create(at: number): Transaction | undefined {
    const { core } = this.host;
    const { x, mem } = core;
    this.elsewhere = false;
    if (this.full) {
      this.counters.refused++;
      return undefined;
    }
    const method = mem.u8[at + L.M_METHOD]!;
    const isInvite = method === L.METHOD_INVITE;
    const number = this.#free.pop() ?? this.table.length;
    if (!x.tmInsert(at, number)) {
      this.#putFree(number);
      this.counters.refused++;
      return undefined;
    }
    if (this.#ownership && !this.#ownership.claim(number, 0)) {
      x.tmRemove(number);
      this.#putFree(number);
      this.elsewhere = true;
      return undefined;
    }
    const now = this.monotonic();
    const times = isInvite ? this.defaultTimes.inv : this.defaultTimes.other;
    const tx = new Transaction(
      number,
      (this.#label = (this.#label + 1) & LABEL_BITS),
      method,
      isInvite,
      at,
      this.#answerTo(at),
      times,
      now,
      false,
    );
    this.#enter(tx);
    this.host.keep(at);
    this.bind(at, tx);
    const routes = mem.u32(at + L.M_ONFAIL);
    if (routes) {
      tx.onFailure = routes & 0xff;
      tx.onBranch = (routes >>> 8) & 0xff;
      tx.onReply = (routes >>> 16) & 0xff;
      tx.onBranchFailure = routes >>> 24;
    }
    tx.flags = mem.u32(at + L.M_SFLAGS);
    if (mem.u32(at + L.M_TMFLAGS) & L.TMF_SETTINGS) {
      tx.makeRare().settings = { ...this.settings() };
      this.applySettings(tx);
    }
    if (this.params.fr_timer_avp || this.params.fr_inv_timer_avp) this.#avpTimes(tx);
    this.wheel.start(tx, tx.times.life + WATCH_MS, now);
    this.counters.created++;
    if (this.handlers['request-in']) this.emit('request-in', { tx, request: this.host.at(at) });
    return tx;
  }

  /** Makes the transaction of a request of our own. */
  createLocal(method: number, isInvite: boolean): Transaction | undefined {
    if (this.full) {
      this.counters.refused++;
      return undefined;
    }
    const number = this.#free.pop() ?? this.table.length;
    const times = isInvite ? this.defaultTimes.inv : this.defaultTimes.other;
    this.#label = (this.#label + 1) & LABEL_BITS;
    const tx = new Transaction(number, this.#label, method, isInvite, 0, undefined, times, this.monotonic(), true);
    this.#enter(tx);
    this.counters.createdLocal++;
    return tx;
  }

  #enter(tx: Transaction): void {
    this.table[tx.number] = tx;
    this.live++;
    this.active++;
  }

  /** From now on an ACK to the 2xx of this INVITE finds it. */
  insertDialog(tx: Transaction): void {
    if (tx.msg && this.host.core.x.tmInsertDialog(tx.msg, tx.number)) this.#ownership?.claim(tx.number, 1);
  }

  /** The number of a transaction among those of all workers, as scripts and RPC commands see it. */
  idOf(tx: Transaction): number {
    return tx.number + this.#firstId;
  }

  /** @returns the worker that has the transaction of what idOf() gave; -1 when there is no such worker */
  workerOf(id: number): number {
    const worker = Math.floor(id / WORKER_NUMBERS);
    return worker < (this.host.shared?.workers ?? 1) ? worker : -1;
  }

  /** @returns the number here of what idOf() gave; -1 when it is another worker's */
  numberOf(id: number): number {
    return id >= this.#firstId && id < this.#firstId + WORKER_NUMBERS ? id - this.#firstId : -1;
  }

  #putFree(number: number): void {
    if (number < this.table.length) this.#free.push(number);
  }

  /** Ends a transaction: nothing of it is left. */
  destroy(tx: Transaction): void {
    if (this.table[tx.number] !== tx) return;
    const { x } = this.host.core;
    if (this.handlers.destroy) this.emit('destroy', { tx });
    for (const branch of tx.branches) this.dropBranch(branch);
    this.wheel.stop(tx);
    x.tmDrop(tx.block);
    tx.block = tx.length = 0;
    this.#ownership?.drop(tx.number);
    x.tmRemove(tx.number);
    if (tx.status < 200) this.active--;
    this.release(tx);
    this.table[tx.number] = undefined;
    this.#free.push(tx.number);
    this.live--;
    this.counters.freed++;
  }

  /** Frees all that a branch keeps. */
  dropBranch(branch: Branch): void {
    const { x } = this.host.core;
    this.wheel.stop(branch);
    if (branch.block) x.tmDrop(branch.block);
    branch.block = 0;
    const { cancel } = branch;
    if (cancel) {
      this.wheel.stop(cancel);
      if (cancel.block) x.tmDrop(cancel.block);
      cancel.block = 0;
    }
    if (branch.reply) this.dropReply(branch);
  }

  dropReply(branch: Branch): void {
    const at = branch.reply;
    branch.reply = 0;
    if (at) this.host.release(at);
  }

  /** Lets the request go when no route of the transaction runs. */
  release(tx: Transaction): void {
    const at = tx.msg;
    if (!at || tx.routes > 0) return;
    tx.msg = 0;
    tx.relayed = undefined;
    tx.vars = this.host.storeOf(at)?.get(VARS);
    this.host.release(at);
  }

  /** Records a status that went to the caller. */
  setStatus(tx: Transaction, code: number): void {
    if (code >= 200 && tx.status < 200) {
      this.active--;
      this.counters.completed[(code / 100) | 0]!++;
    }
    tx.status = code;
  }

  // ---- settings

  /** What the script set for the transaction to come, with the current message. */
  settings(): Settings {
    const { perMessage } = this.host;
    let settings = perMessage.get(SETTINGS) as Settings | undefined;
    if (!settings) perMessage.set(SETTINGS, (settings = {}));
    return settings;
  }

  settingsOf(at: number): Settings | undefined {
    return this.host.storeOf(at)?.get(SETTINGS) as Settings | undefined;
  }

  /** Changes settings of the current transaction, or of the one to come. */
  set(msg: SipMsg, change: Settings): Transaction | undefined {
    const tx = this.of(msg.at);
    if (!tx) {
      Object.assign(this.settings(), change);
      msg.setU32(L.M_TMFLAGS, msg.u32(L.M_TMFLAGS) | L.TMF_SETTINGS);
      return undefined;
    }
    const rare = tx.makeRare();
    rare.settings = { ...rare.settings, ...change };
    this.applySettings(tx);
    return tx;
  }

  applySettings(tx: Transaction): void {
    const base = tx.isInvite ? this.defaultTimes.inv : this.defaultTimes.other;
    const s = tx.rare!.settings!;
    tx.times = {
      fr: s.fr ?? base.fr,
      frInv: s.frInv ?? base.frInv,
      retr1: s.retr1 ?? base.retr1,
      retr2: s.retr2 ?? base.retr2,
      life: (tx.isInvite ? s.lifeInv : s.lifeNonInv) ?? base.life,
    };
  }

  /** fr_timer_avp and fr_inv_timer_avp: seconds */
  #avpTimes(tx: Transaction): void {
    const seconds = (name: ByteStr | undefined) => {
      const value = name ? Number(this.host.pv(name)?.get() ?? 0) : 0;
      return value > 0 ? value * 1000 : undefined;
    };
    const fr = seconds(this.params.fr_timer_avp);
    const frInv = seconds(this.params.fr_inv_timer_avp);
    if (fr === undefined && frInv === undefined) return;
    tx.times = { ...tx.times, ...(fr !== undefined && { fr }), ...(frInv !== undefined && { frInv }) };
  }

  // ---- sending

  /** As the runtime's stateless replies: by the connection while there is one. */
  #answerTo(at: number): Destination {
    const { mem } = this.host.core;
    const socket = mem.u16(at + L.M_SOCK);
    const target = this.host.targets.answer(at);
    const { proto, ip, port } = target;
    if (proto !== 'udp')
      return { socket, proto, ip, port, ...replyHow(mem.u32(at + L.M_CONID), mem.u32(at + L.M_MFLAGS)) };
    return target instanceof KnownTarget ? target.from(socket) : { socket, proto, ip, port };
  }

  /** Where the answer to a received request goes; the script may have said since how the connection is to be treated. */
  answerTo(tx: Transaction): Destination | undefined {
    const { dst, msg } = tx;
    if (!dst || dst.proto === 'udp' || !msg) return dst;
    return { ...dst, ...replyHow(dst.connection ?? 0, this.host.core.mem.u32(msg + L.M_MFLAGS)) };
  }

  /** Sends bytes of the core's memory. */
  send(at: number, length: number, to: Destination): boolean {
    return this.host.send(this.host.core.mem.u8.subarray(at, at + length), to);
  }

  /** Sends what a message that is passed on has become. @param msg address of that message */
  sendFor(msg: number, at: number, length: number, to: Destination): boolean {
    return this.host.sendFor(msg, this.host.core.mem.u8.subarray(at, at + length), to);
  }

  // ---- events

  emit<E extends keyof TmEvents>(event: E, data: TmEvents[E]): void {
    const list = this.handlers[event];
    if (list) for (const handler of list as Handler<TmEvents[E]>[]) this.#tell(event, handler, data);
  }

  /**
   * Tells those of an answer who want to hear of it; nothing is made when nobody does.
   * @param reply address of the reply as it came, 0 when it is ours  @param reason phrase of one of ours
   */
  emitReply(
    event: 'response-in' | 'response-out' | 'failure',
    tx: Transaction,
    code: number,
    reply: number,
    reason: ByteStr,
    branch: Branch | undefined,
  ): void {
    const list = this.handlers[event];
    if (!list) return;
    let answered: Answered | undefined;
    for (let i = 0; i < list.length; i++) {
      const handler = list[i]!;
      if (code < handler.from) continue;
      if (handler.flags && !(tx.msg && this.host.core.mem.u32(tx.msg + L.M_SFLAGS) & handler.flags)) continue;
      answered ??= new Answered(this.host, tx, code, reply, reason, branch);
      this.#tell(event, handler, answered);
    }
  }

  #tell<D>(event: keyof TmEvents, handler: Handler<D>, data: D): void {
    try {
      handler.fn(data);
    } catch (error) {
      this.host.log.error({ err: error, event }, 'A handler of a transaction event failed');
    }
  }

  // ---- variables of the script

  /** Gives a reply the transaction's AVPs and the like for the time of a route. @returns what it had itself */
  lendVars(tx: Transaction, at: number): unknown {
    const { host } = this;
    const own = host.storeOf(at)?.get(VARS);
    const vars = tx.msg ? host.storeOf(tx.msg)?.get(VARS) : tx.vars;
    if (vars !== undefined) host.makeStore(at).set(VARS, vars);
    else if (own !== undefined) host.makeStore(at).delete(VARS);
    return own;
  }

  /** Takes back what the route made of them. */
  takeVars(tx: Transaction, at: number, own: unknown): void {
    const store = this.host.storeOf(at);
    if (!store) return;
    const vars = store.get(VARS);
    tx.vars = vars;
    if (tx.msg && vars !== undefined) this.host.makeStore(tx.msg).set(VARS, vars);
    if (own !== undefined) store.set(VARS, own);
    else store.delete(VARS);
  }

  // ---- Machine

  branchTimer(branch: Branch): void {
    retransmitRequest(this, branch);
  }

  cancelTimer(branch: Branch): void {
    cancelTimer(this, branch);
  }

  transactionTimer(tx: Transaction): void {
    retransmitAnswer(this, tx);
  }

  dispose(): void {
    for (const tx of this.table) if (tx) this.destroy(tx);
    this.wheel.dispose();
  }
}
