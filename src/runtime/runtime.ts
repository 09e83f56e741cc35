/**
 * One set of core, engine, modules and state: datagrams come in through receive(), bytes go out through options.send. No globals, no I/O of its own:
 * the same runtime is a server, a test double with a fake clock, and an edge handler.
 */
import * as L from '../core/gen/layout.gen.ts';
import { type Core, loadCore } from '../core/load.ts';
import { silentLogger, type Logger } from '../core/log.ts';
import { byteStrOf, utf8Of, type ByteStr } from '../core/memory.ts';
import { KemiError, RpcError, ScriptError } from '../errors.ts';
import { Bridge, type LoadedModule, loadedModule } from '../kemi/bridge.ts';
import type { Socket } from '../kemi/host.ts';
import { StatisticsStore } from '../kemi/statistics.ts';
import { closest } from '../kemi/suggest.ts';
import type { ModuleDefinition, RpcCommand } from '../kemi/table.ts';
import type { Interpreter, Program, RunResult } from '../interp/interpreter.ts';
import { createLuaInterpreter } from '../interp/lua/index.ts';
import { forwardReply } from '../modules/core/forward.ts';
import { MODULES } from '../modules/index.ts';
import { VERSION } from '../version.ts';
import { Messages } from './messages.ts';
import { RuntimeHost } from './module-host.ts';
import { type Callbacks, checkLimits, type Limits, type RuntimeOptions, type Source, type StartTimer } from './options.ts';
import { paramValues } from './params.ts';
import { RuntimePvs } from './pvs.ts';
import { SelfAddresses } from './self.ts';

/** What became of a datagram: routed to its end; waiting in a suspended route; bad bytes (answered where SIP allows); nothing to route (keep-alive, filtered ACK, over a limit). */
export type Verdict = 'routed' | 'suspended' | 'bad' | 'ignored';

/** A script as the runtime gets it: the name shows in errors, and `require` looks in its folder. */
export interface Script {
  readonly name: string;
  readonly source: Uint8Array;
}

/** What runs now. */
export interface Running {
  readonly name: string;
  /** counts loads from 1 */
  readonly version: number;
  readonly loadedMs: number;
}

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

const globalEvery: StartTimer = (ms, fn) => {
  const timer = setInterval(fn, ms);
  (timer as { unref?: () => void }).unref?.();
  return () => clearInterval(timer);
};
const globalAfter: StartTimer = (ms, fn) => {
  const timer = setTimeout(fn, ms);
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer);
};

export class Runtime {
  readonly core: Core;
  readonly host: RuntimeHost;
  readonly bridge: Bridge;
  readonly pvs: RuntimePvs;
  readonly limits: Limits;
  readonly log: Logger;
  readonly sockets: readonly Socket[];
  readonly stats: StatisticsStore;
  readonly startedMs: number;
  readonly #options: RuntimeOptions;
  readonly #modules: LoadedModule[] = [];
  readonly #messages: Messages;
  readonly #interpreter: Interpreter;
  readonly #callbacks: Callbacks;
  readonly #rpc = new Map<string, (params: unknown[]) => unknown>();
  readonly #now: () => number;
  /** suspended runs: how to give each up */
  readonly #waiting = new Set<NonNullable<RunResult['abandon']>>();
  #program: Program | undefined;
  #script: Script | undefined;
  #loadedMs = 0;
  #nextId = 1;
  #closed = false;
  #drained: (() => void) | undefined;
  // counters of the receive path: plain numbers, read by the statistics
  readonly counters = {
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
  };

  /** @throws KemiError KEMI_ERR_CONFIG, KEMI_ERR_WASM */
  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.limits = checkLimits(options.limits);
    this.log = options.log ?? silentLogger;
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    this.startedMs = this.#now();
    this.#callbacks = { request: 'ksr_request_route', reply: 'ksr_reply_route', ...options.callbacks };
    this.sockets = options.sockets.map((s, index) => ({ ...s, index }));
    if (this.sockets.length === 0) throw new KemiError('KEMI_ERR_CONFIG', 'Cannot start without a socket: give at least one to listen on');
    const core = loadCore({
      ...options.wasm,
      maxPages: this.limits.memoryPages,
      print: options.print ?? (line => this.log.info({ script: this.#script?.name }, line)),
      now: this.#now,
    });
    this.core = core;
    this.#messages = new Messages(core);
    this.stats = new StatisticsStore();
    const self = new SelfAddresses(this.sockets, options.aliases ?? []);
    const states = new Map<string, unknown>();
    const definitions = chosenModules(options.modules);
    this.host = new RuntimeHost({
      core,
      log: this.log,
      options,
      sockets: this.sockets,
      self,
      messages: this.#messages,
      stats: this.stats,
      version: VERSION,
      now: this.#now,
      monotonic: options.monotonic ?? (() => performance.now()),
      random: options.random ?? Math.random,
      every: options.every ?? globalEvery,
      after: options.after ?? globalAfter,
      states,
      pv: spec => this.pvs.compile(spec),
      format: text => this.pvs.format(text),
      runRoute: (name, arg) => this.#runNamed(name, arg),
      hasRoute: name => this.#program?.has(name) ?? false,
    });
    this.#configureCore(self);
    this.#defineStatistics();
    for (const definition of definitions) {
      const state = definition.create(this.host, paramValues(definition, options.modparams ?? []));
      states.set(definition.name, state);
      this.#modules.push(loadedModule(definition, state, this.host));
      for (const command of definition.rpc ?? []) this.defineRpc(command.name, params => command.run({ state, host: this.host }, params));
    }
    const unknown = options.modparams?.find(p => !definitions.some(d => d.name === p.module));
    if (unknown) {
      const near = closest(unknown.module, definitions.map(d => d.name));
      throw new KemiError('KEMI_ERR_CONFIG', `Cannot set modparam ${unknown.module}.${unknown.name}: module ${unknown.module} is not loaded${near ? `, did you mean ${near}` : ''}`);
    }
    this.bridge = new Bridge(core, this.#modules, this.log);
    this.pvs = new RuntimePvs(core, this.#modules, this.bridge, this.host, text => this.log.error({}, text));
    this.#interpreter = createLuaInterpreter({
      core,
      tree: {
        entries: this.bridge.entries,
        unavailable: path => this.bridge.unavailable(path.replace(/^KSR\./, '').split('.')),
        suggest: path => this.bridge.suggest(path.replace(/^KSR\./, '').split('.')),
      },
      version: VERSION,
      ...(options.readFile && { readFile: options.readFile }),
      print: line => (options.print ?? ((text: string) => this.log.info({ script: this.#script?.name }, text)))(utf8Of(line)),
      limits: { ...(this.limits.instructions && { instructions: this.limits.instructions }), load: this.limits.loadInstructions },
      takeWait: () => this.bridge.takePending()?.promise,
      lane: options.lane ?? 'auto',
    });
  }

  /** module names in load order */
  get modules(): string[] {
    return this.#modules.map(m => m.definition.name);
  }

  /** What runs now; undefined before the first load(). */
  get running(): Running | undefined {
    return this.#program && { name: this.#program.name, version: this.#program.version, loadedMs: this.#loadedMs };
  }

  /** messages alive: routed now, or kept by suspended routes */
  get liveMessages(): number {
    return this.#messages.count;
  }

  /** bytes of the one linear memory */
  get memoryBytes(): number {
    return this.core.mem.memory.buffer.byteLength;
  }

  /**
   * Loads a script beside the one that runs, checks it (it parses, its top level runs, the request callback exists), and swaps between two messages.
   * Routes in flight finish on the old one. On an error nothing changes.
   * @throws {ScriptError} with file, line and traceback of each diagnostic
   * @throws {KemiError} KEMI_ERR_CLOSED
   */
  load(script: Script): Running {
    this.#assertOpen();
    const program = this.#interpreter.load(script.source, script.name);
    const { request } = this.#callbacks;
    if (!program.has(request)) {
      program.dispose();
      throw new ScriptError([{ severity: 'error', file: script.name, line: 0, column: 0, message: `it defines no function ${request}(): nothing would route requests` }]);
    }
    const old = this.#program;
    this.#program = program;
    this.#script = script;
    this.#loadedMs = this.#now();
    old?.dispose();
    return this.running!;
  }

  /**
   * Loads the script again: the given bytes, or what readFile gives for its name, or the bytes of the last load.
   * @throws as load()
   */
  reload(source?: Uint8Array): Running {
    const script = this.#script;
    if (!script) throw new KemiError('KEMI_ERR_SCRIPT', 'Cannot reload: no script is loaded');
    return this.load({ name: script.name, source: source ?? this.#options.readFile?.(script.name) ?? script.source });
  }

  /**
   * Routes one received message. COPIED: `bytes` may be reused as soon as this returns.
   * @param bytes one whole SIP message; stream transports frame first (RFC 3261 18.3)
   * @param socket index of the receiving socket
   * @returns what became of it; unreadable bytes are counted and answered where a Via allows it, never thrown
   * @throws {KemiError} KEMI_ERR_CLOSED after close()
   */
  receive(bytes: Uint8Array, from: Source, socket = 0): Verdict {
    this.#assertOpen();
    const { core, counters } = this;
    const { x, mem } = core;
    const tooBig = bytes.length > this.limits.messageBytes;
    if (tooBig) counters.tooBig++;
    const length = tooBig ? this.limits.messageBytes : bytes.length;
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
      this.#messages.release(at);
      return 'ignored';
    }
    if (tooBig) return this.#refuse(at, 513, 'the message is longer than the limit');
    const status: number = indexed || x.msgCheck(at);
    if (status < 0) {
      counters.bad++;
      return this.#refuse(at, x.statusToReply(-status), L.STATUS_NAMES[-status] ?? String(status));
    }
    if (this.#messages.count > this.limits.messages) {
      counters.overload++;
      return this.#refuse(at, 503, 'as many messages are alive as the limit allows');
    }
    return mem.u8[at + L.M_KIND] === 1 ? this.#request(at) : this.#reply(at);
  }

  /** Adds an RPC command. */
  defineRpc(name: string, run: (params: unknown[]) => unknown): void {
    this.#rpc.set(name, run);
  }

  rpcMethods(): string[] {
    return [...this.#rpc.keys()].sort();
  }

  /**
   * Runs an RPC command.
   * @param params JSON values
   * @throws {RpcError} -32601 for an unknown method; the command's own codes
   */
  async rpc(method: string, params: unknown[] = []): Promise<unknown> {
    this.#assertOpen();
    const run = this.#rpc.get(method);
    if (!run) {
      const near = closest(method, this.#rpc.keys());
      throw new RpcError(-32601, `Cannot run "${method}": no such method${near ? `, did you mean ${near}` : ''}; system.listMethods lists all`);
    }
    return run(params);
  }

  /**
   * Ends the runtime: no message is taken any more; suspended routes may finish for `drainMs`, then they are abandoned.
   * @param drainMs milliseconds, 0 or more
   */
  async close(drainMs = 5000): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiting.size > 0) {
      const stop = (this.#options.after ?? globalAfter)(drainMs, () => {
        for (const abandon of [...this.#waiting]) abandon('the server is shutting down');
      });
      await new Promise<void>(resolve => {
        this.#drained = resolve;
      });
      stop();
    }
    this.#program?.dispose();
    for (const { definition, state } of this.#modules) definition.dispose?.(state);
    this.host.close();
  }

  // ---- the way of one message

  #request(at: number): Verdict {
    const { x } = this.core;
    this.counters.requests++;
    if (x.slIsOwnAck(at)) {
      this.counters.filteredAcks++;
      this.#messages.release(at);
      return 'ignored';
    }
    return this.#run(at, this.#callbacks.request, undefined);
  }

  #reply(at: number): Verdict {
    this.counters.replies++;
    const { reply } = this.#callbacks;
    const off = !reply || reply === 'none';
    if (off || !this.#program?.has(reply)) {
      this.#forwardReply(at);
      this.#messages.release(at);
      return 'routed';
    }
    const { mem } = this.core;
    mem.setU32(at + L.M_MFLAGS, mem.u32(at + L.M_MFLAGS) | L.MFL_CAN_DROP);
    return this.#run(at, reply, () => {
      if (!(mem.u32(at + L.M_MFLAGS) & L.MFL_DROP)) this.#forwardReply(at);
    });
  }

  #run(at: number, route: string, after: (() => void) | undefined): Verdict {
    const program = this.#program;
    if (!program) {
      this.#messages.release(at);
      return 'ignored';
    }
    const result = program.run(route, at);
    if (result.state !== 'suspended') {
      this.#end(at, route, result, after);
      return 'routed';
    }
    this.counters.suspended++;
    const { abandon } = result;
    const stop = (this.#options.after ?? globalAfter)(this.limits.waitMs, () => {
      this.counters.abandoned++;
      abandon?.(`the call did not return within ${this.limits.waitMs} ms`);
    });
    if (abandon) this.#waiting.add(abandon);
    void result.settled?.then(end => {
      stop();
      if (abandon) this.#waiting.delete(abandon);
      this.#end(at, route, end, after);
      if (this.#waiting.size === 0) this.#drained?.();
    });
    return 'suspended';
  }

  #end(at: number, route: string, result: RunResult, after: (() => void) | undefined): void {
    try {
      if (result.error) this.#scriptError(at, route, result.error);
      if (after) this.#within(at, after);
    } catch (error) {
      this.log.error({ err: error, route }, 'Cannot finish a message');
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
    this.log.error({ route, file: error.file, line: error.line, traceback: error.traceback, ...(error.limit && { limit: error.limit }) }, `error from Lua: ${error.message}`);
    // Kamailio leaves the request unanswered; a request that hit a limit of ours gets an answer (docs/differences.md).
    const { mem } = this.core;
    const answered = mem.u32(at + L.M_MFLAGS) & L.MFL_FINAL_REPLY;
    if (error.limit && !answered && mem.u8[at + L.M_KIND] === 1) this.#answer(at, 500);
  }

  #forwardReply(at: number): void {
    this.#within(at, () => forwardReply(this.host, this.#messages.at(at).msg));
  }

  /** Runs fn with the message as the current one. */
  #within(at: number, fn: () => void): void {
    const { x } = this.core;
    const before = x.currentMsg();
    x.setMsg(at);
    try {
      fn();
    } finally {
      x.setMsg(before);
    }
  }

  #runNamed(name: ByteStr, arg?: ByteStr): boolean {
    const program = this.#program;
    if (!program?.has(name)) return false;
    const at: number = this.core.x.currentMsg();
    const result = program.run(name, at, arg);
    if (result.error) this.#scriptError(at, name, result.error);
    else if (result.state === 'suspended') {
      result.abandon?.('a nested route cannot wait');
      this.log.error({ route: name }, 'Cannot wait in a nested route');
    }
    return true;
  }

  /** Fills in where the message came from. */
  #describe(at: number, from: Source, socket: number): void {
    const { mem } = this.core;
    const { u8, view } = mem;
    const { ip } = from;
    const text = at + L.M_SRCTEXT;
    const length = Math.min(ip.length, 64);
    for (let i = 0; i < length; i++) u8[text + i] = ip.charCodeAt(i);
    view.setUint32(at + L.M_SRCIP, text, true);
    view.setUint32(at + L.M_SRCIP + 4, length, true);
    view.setUint16(at + L.M_SRCPORT, from.port, true);
    u8[at + L.M_PROTO] = L.PROTO_UDP;
    u8[at + L.M_AF] = from.family ?? (ip.includes(':') ? 6 : 4);
    view.setUint16(at + L.M_SOCK, socket, true);
    view.setUint32(at + L.M_ID, this.#nextId++, true);
    view.setFloat64(at + L.M_RECVMS, this.#now(), true);
  }

  /** Answers a request that never reaches the script, where SIP allows an answer, and lets it go. */
  #refuse(at: number, code: number, why: string): Verdict {
    const { mem } = this.core;
    const isRequest = mem.u8[at + L.M_KIND] === 1;
    this.log.debug({ status: why, offset: mem.u16(at + L.M_ERROFF), from: this.#messages.at(at).msg.srcIp }, 'Cannot route a message');
    if (isRequest && code) this.#answer(at, code);
    this.#messages.release(at);
    return code === 503 || code === 513 ? 'ignored' : 'bad';
  }

  #answer(at: number, code: number): void {
    const { x, mem } = this.core;
    if (mem.u8[at + L.M_METHOD] === L.METHOD_ACK) return;
    const reason = REASONS[code] ?? 'Bad Request';
    const text = x.scratchArea();
    mem.putStr(text, reason);
    this.#within(at, () => {
      const length: number = x.replyBuild(at, code, text, reason.length);
      if (length > 0) this.#sendReply(x.outArea(), length);
    });
  }

  /** RFC 3261 18.2.2, as Kamailio does it: to the source address; to its port when rport asks for it, else to the Via's. */
  #sendReply(data: number, length: number): number {
    const { x, mem } = this.core;
    const at: number = x.currentMsg();
    if (!at) return 0;
    const via = at + L.M_VIA;
    const symmetric = mem.u16(via + 34) !== 0 || (mem.u32(at + L.M_MFLAGS) & L.MFL_FORCE_RPORT) !== 0;
    const port = symmetric ? mem.u16(at + L.M_SRCPORT) : mem.u16(via + 28) || 5060;
    const ip = mem.str(mem.u32(at + L.M_SRCIP), mem.u32(at + L.M_SRCIP + 4));
    const socket = this.sockets[mem.u16(at + L.M_SOCK)]!;
    if (this.#options.send(socket, mem.u8.subarray(data, data + length), ip, port)) {
      this.counters.sent++;
      return 1;
    }
    this.counters.sendErrors++;
    return 0;
  }

  #configureCore(self: SelfAddresses): void {
    const { core } = this;
    const { x, mem, hooks } = core;
    const seed = core.lua.malloc(16);
    const secret = this.#options.secret ?? crypto.getRandomValues(new Uint8Array(16));
    if (secret.length < 16) throw new KemiError('KEMI_ERR_CONFIG', 'Cannot use the secret: it needs at least 16 bytes');
    mem.u8.set(secret.subarray(0, 16), seed);
    x.setTagSeed(seed, 16);
    core.lua.free(seed);
    // Kept by the core for the life of the runtime: never freed.
    const header = byteStrOf(this.#options.serverHeader ?? `kemi-wasm/${VERSION}`);
    const at = header ? core.lua.malloc(header.length) : 0;
    if (at) mem.putStr(at, header);
    x.setServerHeader(at, header.length);
    // A few more than the limit: an overload is answered with 503, and that needs a slot.
    x.msgLimit(Math.min(this.limits.messages + 8, 65000));
    hooks.sendReply = (data, length) => this.#sendReply(data, length);
    hooks.isMyself = (host, length, port, proto) => (self.has(mem.str(host, length), port, proto) ? 1 : 0);
    hooks.log = (level, text, length) => logAt(this.log, level, utf8Of(mem.str(text, length)));
    core.onMemoryLimit = () => {
      this.counters.memoryLimits++;
    };
  }

  #defineStatistics(): void {
    const { counters, stats } = this;
    const define = (group: string, name: string, read: () => number) => stats.define(group, name, read);
    define('core', 'rcv_requests', () => counters.requests);
    define('core', 'rcv_replies', () => counters.replies);
    define('core', 'bad_msg_hdr', () => counters.bad);
    define('core', 'err_requests', () => counters.scriptErrors);
    for (const name of Object.keys(counters) as (keyof typeof counters)[]) define('kemi', snake(name), () => counters[name]);
    define('kemi', 'live_messages', () => this.liveMessages);
    define('kemi', 'memory_bytes', () => this.memoryBytes);
  }

  #assertOpen(): void {
    if (this.#closed) throw new KemiError('KEMI_ERR_CLOSED', 'Cannot use the runtime: it is closed');
  }
}

/** Makes a runtime. @throws {KemiError} KEMI_ERR_CONFIG, KEMI_ERR_WASM */
export function createRuntime(options: RuntimeOptions): Runtime {
  return new Runtime(options);
}

function chosenModules(names: readonly string[] | undefined): readonly ModuleDefinition[] {
  if (!names) return MODULES;
  const known = MODULES.map(m => m.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = closest(name, known);
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot load module ${name}: it is not available in this version${near ? `, did you mean ${near}` : ''}`);
  }
  return MODULES.filter(m => m.name === 'core' || names.includes(m.name));
}

/** Kamailio's levels (-5 alert ... 3 debug) on a structured logger. */
function logAt(log: Logger, level: number, text: string): void {
  const line = text.replace(/\s+$/, '');
  if (level <= -2) log.fatal({ kamailioLevel: level }, line);
  else if (level === -1) log.error({}, line);
  else if (level === 0) log.warn({}, line);
  else if (level <= 2) log.info({}, line);
  else log.debug({}, line);
}

const snake = (name: string) => name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`);

export type { RpcCommand };
