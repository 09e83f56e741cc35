/**
 * The way of one message: from the bytes of a datagram through the core's checks, the script's route and what follows it, to its release.
 */
import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { Logger } from '../core/log.ts';
import type { ByteStr } from '../core/memory.ts';
import type { Program, RunResult } from '../interp/interpreter.ts';
import type { Socket } from '../kemi/host.ts';
import { defaultPort, replyHow } from '../modules/core/api.ts';
import type { Messages } from './messages.ts';
import type { Callbacks, Limits, RuntimeOptions, Source, StartTimer } from './options.ts';
import type { Owners } from './owners.ts';
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

/** Names of the blocks that stand for a kind of route; an event's callback has its whole name. */
const BLOCK_KINDS: Readonly<Record<number, (name: ByteStr) => ByteStr>> = {
  [L.RK_BRANCH]: name => `branch_route[${name}]`,
  [L.RK_FAILURE]: name => `failure_route[${name}]`,
  [L.RK_ONREPLY]: name => (name.startsWith('event_route[') ? name : `onreply_route[${name}]`),
  [L.RK_BRANCH_FAILURE]: name => `event_route[tm:branch-failure:${name}]`,
};

/** What became of a datagram: routed to its end; waiting in a suspended route; bad bytes (answered where SIP allows); nothing to route (keep-alive, filtered ACK, over a limit, another runtime's). */
export type Verdict = 'routed' | 'suspended' | 'bad' | 'ignored';

/** Counters of the receive path: plain numbers, read by the statistics. */
function newCounters() {
  return {
    requests: 0,
    replies: 0,
    bad: 0,
    keepalives: 0,
    filteredAcks: 0,
    tooBig: 0,
    overload: 0,
    scriptErrors: 0,
    traps: 0,
    instructionLimits: 0,
    memoryLimits: 0,
    sendErrors: 0,
    sent: 0,
    suspended: 0,
    abandoned: 0,
    handedOver: 0,
  };
}

/** @returns whether the message is taken */
export type Hook = (at: number) => boolean;

/** What the router needs of the runtime that owns it. */
export interface RouterParts {
  readonly core: Core;
  readonly log: Logger;
  readonly limits: Limits;
  readonly messages: Messages;
  readonly sockets: readonly Socket[];
  readonly callbacks: Callbacks;
  readonly send: RuntimeOptions['send'];
  readonly now: () => number;
  readonly after: StartTimer;
  /** replies go to the source port, whatever the Via says */
  readonly forceRport: boolean;
  /** counts a reply by status and method */
  readonly onReply: (at: number) => void;
  /** whether module sl is there, whose filter absorbs ACKs to our own stateless replies */
  readonly filtersAcks: () => boolean;
  /** who has the transactions, where several runtimes serve the same addresses */
  readonly owners: Owners | undefined;
  /** modules that take requests before the script */
  readonly onRequest: readonly Hook[];
  /** modules that take replies behind the reply route */
  readonly onReplyIn: readonly Hook[];
  /** modules that want to know when the route of a request with a transaction has ended */
  readonly afterRoute: readonly ((at: number) => void)[];
  /** modules that want to know of request routes that wait */
  readonly onWait: readonly ((at: number, waits: boolean) => void)[];
  /** answers through the current message's transaction */
  readonly answer: (code: number, reason: ByteStr) => boolean;
  /** the script that runs now */
  readonly program: () => Program | undefined;
  /** forwards the current message, a reply, by its second Via */
  readonly forwardReply: (at: number) => void;
}

export class Router {
  readonly counters = newCounters();
  /** requests by method id */
  readonly requestsByMethod = new Float64Array(L.METHODS.length);
  readonly #parts: RouterParts;
  /** suspended runs: how to give each up */
  readonly #waiting = new Set<NonNullable<RunResult['abandon']>>();
  /** PROTO_* of each socket */
  readonly #protocols: readonly number[];
  #nextId = 1;
  #drained: (() => void) | undefined;

  get core(): Core {
    return this.#parts.core;
  }

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#protocols = parts.sockets.map(socket => protoId(socket.proto));
  }

  /**
   * Routes one received message. COPIED: `bytes` may be reused as soon as this returns.
   * @param bytes one whole SIP message; stream transports frame first (RFC 3261 18.3)
   * @param socket index of the receiving socket
   * @returns what became of it; unreadable bytes are counted and answered where a Via allows it, never thrown
   */
  receive(bytes: Uint8Array, from: Source, socket = 0): Verdict {
    const { counters } = this;
    const { core } = this.#parts;
    const { x, mem } = core;
    const tooBig = bytes.length > this.#parts.limits.messageBytes || from.tooLong === true;
    if (tooBig) counters.tooBig++;
    const length = Math.min(bytes.length, this.#parts.limits.messageBytes);
    const at: number = x.msgAlloc(length);
    if (at < 0) {
      counters.overload++;
      return 'ignored';
    }
    mem.u8.set(tooBig ? bytes.subarray(0, length) : bytes, mem.u32(at + L.M_BUF));
    this.#describe(at, from, socket);
    const indexed: number = x.msgIndex(at);
    if (indexed === -L.ST_EMPTY) {
      counters.keepalives++;
      this.#parts.messages.release(at);
      return 'ignored';
    }
    if (tooBig) return this.#refuse(at, 513, 'the message is longer than the limit');
    if (this.#parts.forceRport) mem.setU32(at + L.M_MFLAGS, mem.u32(at + L.M_MFLAGS) | L.MFL_FORCE_RPORT);
    const status: number = indexed || x.msgCheck(at);
    if (status < 0) {
      counters.bad++;
      return this.#refuse(at, x.statusToReply(-status), L.STATUS_NAMES[-status] ?? String(status));
    }
    if (this.#parts.messages.count > this.#parts.limits.messages) {
      counters.overload++;
      return this.#refuse(at, 503, 'as many messages are alive as the limit allows');
    }
    if (this.#parts.owners?.take(at, bytes, from, socket)) {
      counters.handedOver++;
      this.#parts.messages.release(at);
      return 'ignored';
    }
    return mem.u8[at + L.M_KIND] === 1 ? this.#request(at) : this.#reply(at);
  }

  /**
   * Makes a message for a route that no SIP message starts: indexed, not checked. The caller releases it.
   * @returns its address; 0 when there is no room for one more, it is too long, or its start line or headers do not parse
   */
  make(text: ByteStr, from: Source, socket: number): number {
    const { core, messages, limits } = this.#parts;
    if (text.length > limits.messageBytes || messages.count >= limits.messages) return 0;
    const at: number = core.x.msgAlloc(text.length);
    if (at < 0) return 0;
    core.mem.putStr(core.mem.u32(at + L.M_BUF), text);
    this.#describe(at, from, socket);
    if (core.x.msgIndex(at) === 0) return at;
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

  #request(at: number): Verdict {
    const { x } = this.#parts.core;
    this.counters.requests++;
    this.requestsByMethod[this.#parts.core.mem.u8[at + L.M_METHOD]!]!++;
    if (this.#parts.filtersAcks() && x.slIsOwnAck(at)) {
      this.counters.filteredAcks++;
      this.#parts.messages.release(at);
      return 'ignored';
    }
    for (const hook of this.#parts.onRequest)
      if (this.#within(at, () => hook(at))) {
        this.#parts.messages.release(at);
        return 'routed';
      }
    return this.#run(at, this.#parts.callbacks.request, L.RK_REQUEST);
  }

  #reply(at: number): Verdict {
    this.counters.replies++;
    this.#parts.onReply(at);
    const { reply } = this.#parts.callbacks;
    const off = !reply || reply === 'none';
    if (off || !this.#parts.program()?.has(reply)) {
      this.#forwardReply(at);
      this.#parts.messages.release(at);
      return 'routed';
    }
    const { mem } = this.#parts.core;
    mem.setU32(at + L.M_MFLAGS, mem.u32(at + L.M_MFLAGS) | L.MFL_CAN_DROP);
    return this.#run(at, reply, L.RK_REPLY);
  }

  #run(at: number, route: string, kind: number): Verdict {
    const program = this.#parts.program();
    if (!program) {
      this.#parts.messages.release(at);
      return 'ignored';
    }
    this.#parts.core.mem.u8[at + L.M_ROUTE] = kind;
    const result = program.run(route, at);
    if (result.state !== 'suspended') {
      this.#end(at, route, result, kind);
      return 'routed';
    }
    const { onWait } = this.#parts;
    const tells = kind === L.RK_REQUEST;
    if (tells) for (const fn of onWait) fn(at, true);
    void this.#wait(result, end => {
      if (tells) for (const fn of onWait) fn(at, false);
      this.#end(at, route, end, kind);
    });
    return 'suspended';
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
      const { mem } = this.#parts.core;
      if (kind === L.RK_REPLY) {
        if (!(mem.u32(at + L.M_MFLAGS) & L.MFL_DROP)) this.#forwardReply(at);
      } else if (mem.u32(at + L.M_TRANS)) {
        const { x } = this.#parts.core;
        const before = x.currentMsg();
        x.setMsg(at);
        for (const fn of this.#parts.afterRoute) fn(at);
        x.setMsg(before);
      }
      mem.u8[at + L.M_ROUTE] = L.RK_NONE;
    } catch (error) {
      this.#parts.log.error({ err: error, route }, 'Cannot finish a message');
    } finally {
      this.#parts.messages.release(at);
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
      `error from ${this.#parts.program()?.blocks ? 'the config' : 'Lua'}: ${error.message}`,
    );
    // Kamailio leaves the request unanswered; a request that hit a limit of ours gets an answer (docs/differences.md).
    const { mem } = this.#parts.core;
    const answered = mem.u32(at + L.M_MFLAGS) & L.MFL_FINAL_REPLY;
    if (error.limit && !answered && mem.u8[at + L.M_KIND] === 1) {
      if (!mem.u32(at + L.M_TRANS) || !this.#within(at, () => this.#parts.answer(500, REASONS[500]!)))
        this.#answer(at, 500);
    }
  }

  #forwardReply(at: number): void {
    const { x } = this.#parts.core;
    const before = x.currentMsg();
    x.setMsg(at);
    try {
      for (const hook of this.#parts.onReplyIn) if (hook(at)) return;
      this.#parts.forwardReply(at);
    } finally {
      x.setMsg(before);
    }
  }

  /** Runs fn with the message as the current one. */
  #within<T>(at: number, fn: () => T): T {
    const { x } = this.#parts.core;
    const before = x.currentMsg();
    x.setMsg(at);
    try {
      return fn();
    } finally {
      x.setMsg(before);
    }
  }

  /** What a program calls a route of some kind. Blocks of a config have a namespace for each kind. */
  routeName(name: ByteStr, kind: number = L.RK_NONE): ByteStr {
    const block = BLOCK_KINDS[kind];
    return block && this.#parts.program()?.blocks ? block(name) : name;
  }

  /** Runs a callback with a message as a route of some kind: see ModuleHost.runRouteOn. */
  runOn(at: number, kind: number, plain: ByteStr, arg: ByteStr | undefined): number | Promise<number> {
    const program = this.#parts.program();
    const name = this.routeName(plain, kind);
    if (!program?.has(name)) return 0;
    const { core, messages } = this.#parts;
    const { x } = core;
    const outer = core.mem.u8[at + L.M_ROUTE]!;
    const outerFlags = core.mem.u32(at + L.M_MFLAGS);
    const scriptFlags = core.mem.u32(at + L.M_SCRFLAGS);
    core.mem.setU32(at + L.M_SCRFLAGS, 0);
    core.mem.setU32(at + L.M_MFLAGS, (outerFlags & ~L.MFL_DROP) | L.MFL_CAN_DROP);
    core.mem.u8[at + L.M_ROUTE] = kind;
    const before: number = x.currentMsg();
    x.setMsg(at);
    let result: RunResult;
    try {
      result = program.run(name, at, arg);
    } finally {
      x.setMsg(before);
    }
    if (result.state !== 'suspended') return this.#routeEnd(at, name, result, outer, outerFlags, scriptFlags);
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
    const { mem } = this.#parts.core;
    const flags = mem.u32(at + L.M_MFLAGS);
    const own = L.MFL_DROP | L.MFL_CAN_DROP;
    mem.setU32(at + L.M_MFLAGS, (flags & ~own) | (outer & own));
    mem.setU32(at + L.M_SCRFLAGS, scriptFlags);
    mem.u8[at + L.M_ROUTE] = kind;
    if (end.error) this.#scriptError(at, name, end.error);
    return 1 | (flags & L.MFL_DROP ? 2 : 0) | (end.error ? 4 : 0);
  }

  /** Runs a callback by name with the current message, inside another run. @returns false when the script has none */
  runNamed(name: ByteStr, arg?: ByteStr): boolean {
    const program = this.#parts.program();
    if (!program?.has(name)) return false;
    const at: number = this.#parts.core.x.currentMsg();
    // A callback has script flags of its own, as in Kamailio.
    const { mem } = this.#parts.core;
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
    const program = this.#parts.program();
    if (!name || !program?.has(name)) return true;
    const { core } = this.#parts;
    const { mem, x } = core;
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

  /** Fills in where the message came from. */
  #describe(at: number, from: Source, socket: number): void {
    const { mem } = this.#parts.core;
    const { u8, view } = mem;
    const { ip } = from;
    const text = at + L.M_SRCTEXT;
    const length = Math.min(ip.length, 64);
    for (let i = 0; i < length; i++) u8[text + i] = ip.charCodeAt(i);
    view.setUint32(at + L.M_SRCIP, text, true);
    view.setUint32(at + L.M_SRCIP + 4, length, true);
    view.setUint16(at + L.M_SRCPORT, from.port, true);
    u8[at + L.M_PROTO] = this.#protocols[socket] ?? L.PROTO_UDP;
    u8[at + L.M_AF] = from.family ?? (ip.includes(':') ? 6 : 4);
    view.setUint16(at + L.M_SOCK, socket, true);
    // slots are zeroed: a datagram has none
    if (from.connection !== undefined) view.setUint32(at + L.M_CONID, from.connection, true);
    view.setUint32(at + L.M_ID, this.#nextId++, true);
    view.setFloat64(at + L.M_RECVMS, this.#parts.now(), true);
  }

  /** Answers a request that never reaches the script, where SIP allows an answer, and lets it go. */
  #refuse(at: number, code: number, why: string): Verdict {
    const { mem } = this.#parts.core;
    const isRequest = mem.u8[at + L.M_KIND] === 1;
    this.#parts.log.debug(
      { status: why, offset: mem.u16(at + L.M_ERROFF), from: this.#parts.messages.at(at).msg.srcIp },
      'Cannot route a message',
    );
    if (isRequest && code) this.#answer(at, code);
    this.#parts.messages.release(at);
    return code === 503 || code === 513 ? 'ignored' : 'bad';
  }

  #answer(at: number, code: number): void {
    const { x, mem } = this.#parts.core;
    if (mem.u8[at + L.M_METHOD] === L.METHOD_ACK) return;
    const reason = REASONS[code] ?? 'Bad Request';
    const text = x.scratchArea();
    mem.putStr(text, reason);
    this.#within(at, () => {
      const length: number = x.replyBuild(at, code, text, reason.length);
      if (length > 0) this.sendReply(x.outArea(), length);
    });
  }

  /**
   * RFC 3261 18.2.2, as Kamailio does it: to the source address; to its port when rport asks for it, else to the Via's. Over a connection: by the one that the
   * request came by; when it is gone, by a new one to the Via's port.
   */
  sendReply(data: number, length: number): number {
    const { x, mem } = this.#parts.core;
    const at: number = x.currentMsg();
    if (!at) return 0;
    const via = at + L.M_VIA;
    const flags = mem.u32(at + L.M_MFLAGS);
    const ip = mem.str(mem.u32(at + L.M_SRCIP), mem.u32(at + L.M_SRCIP + 4));
    const socket = this.#parts.sockets[mem.u16(at + L.M_SOCK)]!;
    const bytes = mem.lend(data, length);
    let sent: boolean;
    if (socket.proto === 'udp') {
      const symmetric = mem.u16(via + 34) !== 0 || (flags & L.MFL_FORCE_RPORT) !== 0;
      sent = this.#parts.send(socket, bytes, ip, symmetric ? mem.u16(at + L.M_SRCPORT) : mem.u16(via + 28) || 5060);
    } else {
      const port = mem.u16(via + 28) || defaultPort(socket.proto);
      sent = this.#parts.send(socket, bytes, ip, port, replyHow(mem.u32(at + L.M_CONID), flags));
    }
    if (sent) {
      this.counters.sent++;
      return 1;
    }
    this.counters.sendErrors++;
    return 0;
  }
}
