/**
 * The way of one message: from the bytes of a datagram through the core's checks, the script's route and what follows it, to its release.
 */
import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { ByteStr } from '../core/memory.ts';
import type { Program, RunResult } from '../interp/interpreter.ts';
import type { ModuleHost } from '../kemi/host.ts';
import { forwardReply, replyHow } from '../modules/core/api.ts';
import type { Messages } from './messages.ts';
import type { Source } from './options.ts';
import { newCounters, type RouterParts } from './router-parts.ts';
import { protoId } from './self.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  483: 'Too Many Hops',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  505: 'Version Not Supported',
  513: 'Message Too Large',
};

/** Why a message that could be routed is refused. */
const LIMITS: Readonly<Record<number, string>> = {
  [L.ST_TOO_BIG]: 'the message is longer than the limit',
  [L.ST_NO_SLOT]: 'as many messages are alive as the limit allows',
};

/** Names of the blocks that stand for a kind of route; an event's callback has its whole name. */
const BLOCK_KINDS: Readonly<Record<number, (name: ByteStr) => ByteStr>> = {
  [L.RK_BRANCH]: name => `branch_route[${name}]`,
  [L.RK_FAILURE]: name => `failure_route[${name}]`,
  [L.RK_ONREPLY]: name => (name.startsWith('event_route[') ? name : `onreply_route[${name}]`),
  [L.RK_BRANCH_FAILURE]: name => `event_route[tm:branch-failure:${name}]`,
};

/** What became of a datagram: routed to its end; waiting in a suspended route; bad bytes (answered where SIP allows); nothing to route (keep-alive, filtered ACK, over a limit, another runtime's). */
export type Verdict = 'routed' | 'suspended' | 'bad' | 'ignored';

export class Router {
  /** the script that runs now */
  program: Program | undefined;
  /** what modules are called with: there before the first message is */
  host!: ModuleHost;
  readonly counters: ReturnType<typeof newCounters>;
  readonly #parts: RouterParts;
  readonly #core: Core;
  readonly #messages: Messages;
  /** finding them among the core's exports costs as much as their call */
  readonly #take: (
    at: number,
    tooLong: number,
    text: number,
    port: number,
    kind: number,
    connection: number,
    ms: number,
  ) => number;
  readonly #setMsg: (at: number) => number;
  readonly #messageBytes: number;
  /** what the route of every request and every reply is called; '' when replies have none */
  readonly #requestRoute: string;
  readonly #replyRoute: string;
  /** suspended runs: how to give each up */
  readonly #waiting = new Set<NonNullable<RunResult['abandon']>>();
  /** PROTO_* of each socket */
  readonly #protocols: readonly number[];
  /** where the core has the text of the address that messages come from, and what it has there */
  readonly #sourceAt: number;
  #source = '';
  #drained: (() => void) | undefined;

  get core(): Core {
    return this.#core;
  }

  constructor(parts: RouterParts) {
    const { core, limits, callbacks } = parts;
    this.#parts = parts;
    this.#core = core;
    this.#messages = parts.messages;
    this.counters = newCounters(core);
    this.#take = core.x.msgTake;
    this.#setMsg = core.x.setMsg;
    this.#messageBytes = limits.messageBytes;
    this.#requestRoute = callbacks.request;
    this.#replyRoute = callbacks.reply === 'none' ? '' : callbacks.reply;
    this.#protocols = parts.sockets.map(socket => protoId(socket.proto));
    this.#sourceAt = core.x.sourceArea();
    core.x.receiveSetup(
      (parts.forceRport ? L.RX_FORCE_RPORT : 0) |
        (parts.filtersAcks ? L.RX_SL_FILTER : 0) |
        (parts.owners ? L.RX_ASK_OWNERS : 0),
      limits.messages,
    );
  }

  /** requests that came so far. @param method METHOD_* */
  requestsOf(method: number): number {
    const { x, mem } = this.#core;
    return mem.view.getFloat64(x.receivedArea() + 8 * (L.RC_METHODS + method), true);
  }

  /**
   * Routes one received message. COPIED: `bytes` may be reused as soon as this returns.
   * @param bytes one whole SIP message; stream transports frame first (RFC 3261 18.3)
   * @param socket index of the receiving socket
   * @returns what became of it; unreadable bytes are counted and answered where a Via allows it, never thrown
   */
  receive(bytes: Uint8Array, from: Source, socket = 0): Verdict {
    const { x, mem } = this.#core;
    let { length } = bytes;
    let taken = bytes;
    let tooLong = 0;
    if (length > this.#messageBytes || from.tooLong === true) {
      this.counters.tooBig++;
      tooLong = 1;
      length = Math.min(length, this.#messageBytes);
      taken = bytes.subarray(0, length);
    }
    const at: number = x.msgAlloc(length);
    if (at < 0) {
      this.counters.overload++;
      return 'ignored';
    }
    mem.u8.set(taken, at + L.MSG_BYTES);
    const { ip, port, family, connection } = from;
    if (ip !== this.#source) this.#writeSource(ip);
    const kind = (this.#protocols[socket] ?? L.PROTO_UDP) | ((family ?? familyOf(ip)) << 8);
    const ms = this.#parts.now();
    let verdict = this.#take(at, tooLong, ip.length, port | (socket << 16), kind, connection ?? 0, ms);
    if (verdict === L.TAKE_OWNER) {
      if (this.#parts.owners!.take(at, bytes, from, socket)) {
        this.counters.handedOver++;
        this.#messages.release(at);
        return 'ignored';
      }
      verdict = x.msgTaken(at);
    }
    if (verdict === L.TAKE_REQUEST) {
      if (this.#parts.onRequest.length > 0 && this.#isTaken(at)) {
        this.#messages.release(at);
        return 'routed';
      }
      return this.#run(at, this.#requestRoute, L.RK_REQUEST);
    }
    if (verdict === L.TAKE_REPLY) {
      this.#parts.replies.count(mem.u16(at + L.M_STATUS), x.tmCseqMethod(at));
      if (this.#replyRoute) return this.#run(at, this.#replyRoute, L.RK_REPLY);
      this.#forwardReply(at);
      this.#messages.release(at);
      return 'routed';
    }
    return verdict === L.TAKE_NONE ? 'ignored' : this.#refuse(at, -verdict);
  }

  /**
   * Makes a message for a route that no SIP message starts: indexed, not checked. The caller releases it.
   * @returns its address; 0 when there is no room for one more, it is too long, or its start line or headers do not parse
   */
  make(text: ByteStr, from: Source, socket: number): number {
    const { messages, limits } = this.#parts;
    const { x, mem } = this.#core;
    if (text.length > limits.messageBytes || messages.count >= limits.messages) return 0;
    const at: number = x.msgAlloc(text.length);
    if (at < 0) return 0;
    mem.putStr(at + L.MSG_BYTES, text);
    const { ip, port, family, connection } = from;
    this.#writeSource(ip);
    const kind = (this.#protocols[socket] ?? L.PROTO_UDP) | ((family ?? familyOf(ip)) << 8);
    x.msgDescribe(at, ip.length, port | (socket << 16), kind, connection ?? 0, this.#parts.now());
    if (x.msgIndex(at) === 0) return at;
    messages.release(at);
    return 0;
  }

  /** Lets suspended routes finish for `ms` milliseconds, then abandons them. */
  async drain(ms: number): Promise<void> {
    if (this.#waiting.size === 0) return;
    const stop = this.#parts.after(ms, () => {
      for (const abandon of [...this.#waiting]) abandon('the server is shutting down');
    });
    await new Promise<void>(resolve => {
      this.#drained = resolve;
    });
    stop();
  }

  /** Writes the text of the address that messages come from. */
  #writeSource(ip: string): void {
    this.#source = ip;
    this.#core.mem.putStr(this.#sourceAt, ip.slice(0, 64));
  }

  /** Whether a module takes a request before the script. */
  #isTaken(at: number): boolean {
    const { host } = this;
    const { onRequest } = this.#parts;
    const before = this.#setMsg(at);
    try {
      for (const hook of onRequest) if (hook.run(hook.state, host, this.#messages.at(at))) return true;
      return false;
    } finally {
      this.#setMsg(before);
    }
  }

  #run(at: number, route: string, kind: number): Verdict {
    const { program } = this;
    if (!program) {
      if (kind === L.RK_REPLY) this.#forwardReply(at);
      this.#messages.release(at);
      return kind === L.RK_REPLY ? 'routed' : 'ignored';
    }
    this.#core.mem.u8[at + L.M_ROUTE] = kind;
    const result = program.run(route, at);
    if (result.state !== 'suspended') {
      this.#end(at, route, result, kind);
      return 'routed';
    }
    this.#runWaits(at, route, result, kind);
    return 'suspended';
  }

  #runWaits(at: number, route: string, result: RunResult, kind: number): void {
    const { onWait } = this.#parts;
    const tells = kind === L.RK_REQUEST;
    if (tells) for (const fn of onWait) fn(at, true);
    void this.#wait(result, end => {
      if (tells) for (const fn of onWait) fn(at, false);
      this.#end(at, route, end, kind);
    });
  }

  /** A run that waits: it may take limits.waitMs. */
  async #wait(result: RunResult, then: (end: RunResult) => void): Promise<void> {
    this.counters.suspended++;
    const { abandon } = result;
    const stop = this.#parts.after(this.#parts.limits.waitMs, () => {
      this.counters.abandoned++;
      abandon?.(`the call did not return within ${this.#parts.limits.waitMs} ms`);
    });
    if (abandon) this.#waiting.add(abandon);
    const end = await result.settled!;
    stop();
    if (abandon) this.#waiting.delete(abandon);
    then(end);
    if (this.#waiting.size === 0) this.#drained?.();
  }

  #end(at: number, route: string, result: RunResult, kind: number): void {
    try {
      if (result.error) this.#scriptError(at, route, result.error);
      const { mem } = this.#core;
      if (kind === L.RK_REPLY) {
        // a script without a reply route
        if (result.state === 'missing') mem.u8[at + L.M_ROUTE] = L.RK_NONE;
        if (!(mem.u32(at + L.M_MFLAGS) & L.MFL_DROP)) this.#forwardReply(at);
      } else if (mem.u32(at + L.M_TRANS)) {
        const { host } = this;
        const { afterRoute } = this.#parts;
        const before = this.#setMsg(at);
        for (let i = 0; i < afterRoute.length; i++) {
          const hook = afterRoute[i]!;
          hook.run(hook.state, host, this.#messages.at(at));
        }
        this.#setMsg(before);
      }
      mem.u8[at + L.M_ROUTE] = L.RK_NONE;
    } catch (error) {
      this.#parts.log.error({ err: error, route }, 'Cannot finish a message');
    } finally {
      this.#messages.release(at);
    }
  }

  #scriptError(at: number, route: string, error: NonNullable<RunResult['error']>): void {
    const { counters } = this;
    counters.scriptErrors++;
    if (error.trap) counters.traps++;
    if (error.limit === 'instructions') counters.instructionLimits++;
    if (error.limit === 'memory') counters.memoryLimits++;
    this.#parts.log.error(
      {
        route,
        file: error.file,
        line: error.line,
        traceback: error.traceback,
        ...(error.limit && { limit: error.limit }),
      },
      `error from ${this.program?.blocks ? 'the config' : 'Lua'}: ${error.message}`,
    );
    // Kamailio leaves the request unanswered; a request that hit a limit of ours gets an answer (docs/differences.md).
    const { mem } = this.#core;
    const answered = mem.u32(at + L.M_MFLAGS) & L.MFL_FINAL_REPLY;
    if (error.limit && !answered && mem.u8[at + L.M_KIND] === 1) {
      if (!mem.u32(at + L.M_TRANS) || !this.#within(at, () => this.#parts.answer(500, REASONS[500]!)))
        this.#answer(at, 500);
    }
  }

  #forwardReply(at: number): void {
    const { host } = this;
    const { onReplyIn } = this.#parts;
    const msg = this.#messages.at(at);
    const before = this.#setMsg(at);
    try {
      for (let i = 0; i < onReplyIn.length; i++) {
        const hook = onReplyIn[i]!;
        if (hook.run(hook.state, host, msg)) return;
      }
      forwardReply(host, msg);
    } finally {
      this.#setMsg(before);
    }
  }

  /** Runs fn with the message as the current one. */
  #within<T>(at: number, fn: () => T): T {
    const before = this.#setMsg(at);
    try {
      return fn();
    } finally {
      this.#setMsg(before);
    }
  }

  /** What a program calls a route of some kind. Blocks of a config have a namespace for each kind. */
  #routeName(name: ByteStr, kind: number = L.RK_NONE): ByteStr {
    const block = BLOCK_KINDS[kind];
    return block && this.program?.blocks ? block(name) : name;
  }

  /** Whether the program has a route. @param kind RK_* where the names of routes depend on it */
  readonly hasRoute = (name: ByteStr, kind?: number): boolean => {
    const { program } = this;
    if (!program) return false;
    return program.has(program.blocks ? this.#routeName(name, kind) : name);
  };

  /** Runs a callback with a message as a route of some kind: see ModuleHost.runRouteOn. */
  readonly runOn = (at: number, kind: number, plain: ByteStr, arg: ByteStr | undefined): number | Promise<number> => {
    const { program } = this;
    if (!program) return 0;
    const name = program.blocks ? this.#routeName(plain, kind) : plain;
    const { mem } = this.#core;
    const outer = mem.u8[at + L.M_ROUTE]!;
    const outerFlags = mem.u32(at + L.M_MFLAGS);
    const scriptFlags = mem.u32(at + L.M_SCRFLAGS);
    mem.setU32(at + L.M_SCRFLAGS, 0);
    mem.setU32(at + L.M_MFLAGS, (outerFlags & ~L.MFL_DROP) | L.MFL_CAN_DROP);
    mem.u8[at + L.M_ROUTE] = kind;
    const before = this.#setMsg(at);
    let result: RunResult;
    try {
      result = program.run(name, at, arg);
    } finally {
      this.#setMsg(before);
    }
    return result.state === 'suspended'
      ? this.#routeWaits(at, name, result, outer, outerFlags, scriptFlags)
      : this.#routeEnd(at, name, result, outer, outerFlags, scriptFlags);
  };

  #routeWaits(
    at: number,
    name: ByteStr,
    result: RunResult,
    outer: number,
    outerFlags: number,
    scriptFlags: number,
  ): Promise<number> {
    const messages = this.#messages;
    messages.keep(at);
    return new Promise(resolve => {
      void this.#wait(result, end => {
        resolve(this.#routeEnd(at, name, end, outer, outerFlags, scriptFlags));
        // behind what waits for the promise
        void Promise.resolve().then(() => Promise.resolve().then(() => messages.release(at)));
      });
    });
  }

  /** Puts back what runOn() changed. @returns its bits */
  #routeEnd(at: number, name: ByteStr, end: RunResult, kind: number, outer: number, scriptFlags: number): number {
    const { mem } = this.#core;
    const flags = mem.u32(at + L.M_MFLAGS);
    const own = L.MFL_DROP | L.MFL_CAN_DROP;
    mem.setU32(at + L.M_MFLAGS, (flags & ~own) | (outer & own));
    mem.setU32(at + L.M_SCRFLAGS, scriptFlags);
    mem.u8[at + L.M_ROUTE] = kind;
    if (end.state === 'missing') return 0;
    if (end.error) this.#scriptError(at, name, end.error);
    return 1 | (flags & L.MFL_DROP ? 2 : 0) | (end.error ? 4 : 0);
  }

  /** Runs a callback by name with the current message, inside another run. @returns false when the script has none */
  runNamed(name: ByteStr, arg?: ByteStr): boolean {
    const { program } = this;
    if (!program?.has(name)) return false;
    const at: number = this.#core.x.currentMsg();
    // A callback has script flags of its own, as in Kamailio.
    const { mem } = this.#core;
    const flags = at && mem.u32(at + L.M_SCRFLAGS);
    if (at) mem.setU32(at + L.M_SCRFLAGS, 0);
    const result = program.run(name, at, arg);
    if (at) mem.setU32(at + L.M_SCRFLAGS, flags);
    if (result.error) this.#scriptError(at, name, result.error);
    else if (result.state === 'suspended') {
      result.abandon?.('a nested route cannot wait');
      this.#parts.log.error({ route: name }, 'Cannot wait in a nested route');
    }
    return true;
  }

  /** Runs the onsend route. @param at the message that is passed on  @returns whether it may go */
  onSend(at: number): boolean {
    const name = this.#parts.callbacks.onsend;
    const { program } = this;
    if (!name || !program?.has(name)) return true;
    const { mem, x } = this.#core;
    const outer = mem.u8[at + L.M_ROUTE]!;
    const flags = mem.u32(at + L.M_MFLAGS);
    mem.setU32(at + L.M_MFLAGS, (flags & ~L.MFL_DROP) | L.MFL_CAN_DROP);
    mem.u8[at + L.M_ROUTE] = L.RK_ONSEND;
    const before: number = x.currentMsg();
    x.setMsg(at);
    try {
      const result = program.run(name, at);
      if (result.error) this.#scriptError(at, name, result.error);
      else if (result.state === 'suspended') {
        result.abandon?.('an onsend route cannot wait');
        this.#parts.log.error({ route: name }, 'Cannot wait in an onsend route');
      }
    } finally {
      x.setMsg(before);
    }
    const own = L.MFL_DROP | L.MFL_CAN_DROP;
    const after = mem.u32(at + L.M_MFLAGS);
    mem.setU32(at + L.M_MFLAGS, (after & ~own) | (flags & own));
    mem.u8[at + L.M_ROUTE] = outer;
    return !(after & L.MFL_DROP);
  }

  /** Answers a request that never reaches the script, where SIP allows an answer, and lets it go. */
  #refuse(at: number, status: number): Verdict {
    const { x, mem } = this.#core;
    const code: number = x.statusToReply(status);
    const why = LIMITS[status] ?? L.STATUS_NAMES[status] ?? String(status);
    if (status === L.ST_NO_SLOT) this.counters.overload++;
    else if (status !== L.ST_TOO_BIG) this.counters.bad++;
    this.#parts.log.debug(
      { status: why, offset: mem.u16(at + L.M_ERROFF), from: this.#messages.at(at).srcIp },
      'Cannot route a message',
    );
    if (mem.u8[at + L.M_KIND] === 1 && code) this.#answer(at, code);
    this.#messages.release(at);
    return code === 503 || code === 513 ? 'ignored' : 'bad';
  }

  #answer(at: number, code: number): void {
    const { x, mem } = this.#core;
    if (mem.u8[at + L.M_METHOD] === L.METHOD_ACK) return;
    const reason = REASONS[code] ?? 'Bad Request';
    const text = x.scratchArea();
    mem.putStr(text, reason);
    this.#within(at, () => {
      const length: number = x.replyBuild(at, code, text, reason.length);
      if (length > 0) this.sendReply(x.outArea(), length);
    });
  }

  /** To where Targets.answer() says; over a connection by the one that the request came by, or by a new one when it is gone. */
  sendReply(data: number, length: number): number {
    const { x, mem } = this.#core;
    const at: number = x.currentMsg();
    if (!at) return 0;
    const { proto, ip, port } = this.#parts.targets.answer(at);
    const send = this.#parts.sends[mem.u16(at + L.M_SOCK)]!;
    const bytes = mem.lend(data, length);
    const sent =
      proto === 'udp'
        ? send(bytes, ip, port)
        : send(bytes, ip, port, replyHow(mem.u32(at + L.M_CONID), mem.u32(at + L.M_MFLAGS)));
    if (sent) {
      this.counters.sent++;
      return 1;
    }
    this.counters.sendErrors++;
    return 0;
  }
}

const familyOf = (ip: string) => (ip.includes(':') ? 6 : 4);
