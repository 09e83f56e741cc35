/**
 * One set of core, engine, modules and state: datagrams come in through receive(), bytes go out through options.send. No globals, no I/O of its own:
 * the same runtime is a server, a test double with a fake clock, and an edge handler.
 * Above 500 lines: it is the public class with the manual of its methods; what they do is in the files beside it.
 */

import { Extension } from '../components/extension.ts';
import type { Component } from '../components/instance.ts';
import { type Core, loadCore } from '../core/load.ts';
import { type Logger, silentLogger } from '../core/log.ts';
import { type ByteStr, utf8Of } from '../core/memory.ts';
import { type Diagnostic, KemiError, RpcError, ScriptError } from '../errors.ts';
import { CommandRunner } from '../interp/cfg/command-runner.ts';
import { NativeInterpreter } from '../interp/cfg/native.ts';
import type { Interpreter, Program } from '../interp/interpreter.ts';
import { lintLua } from '../interp/lua/lint.ts';
import { LuaInterpreter } from '../interp/lua/lua.ts';
import { Bridge, type LoadedModule, loadedModule } from '../kemi/bridge.ts';
import type { ClosedConnection, ConnectionRef, Socket } from '../kemi/host.ts';
import type { HttpExchange, HttpRequest } from '../kemi/http.ts';
import { createStatistics, ReplyCounters, type StatisticsStore } from '../kemi/statistics.ts';
import { closest } from '../kemi/suggest.ts';
import type { AnyModule } from '../kemi/table.ts';
import { Targets } from '../kemi/targets.ts';
import { acceptAlias } from '../modules/core/api.ts';
import { MODULES } from '../modules/index.ts';
import { Rpc } from '../rpc/commands.ts';
import type { ComponentInfo } from '../rpc/modules.ts';
import { VERSION } from '../version.ts';
import { modulesFor } from './chosen-modules.ts';
import { prefixedLogger } from './log-prefix.ts';
import { LuaBeside } from './lua-beside.ts';
import { type MadeRouteParts, routeHttp } from './made-routes.ts';
import { Messages } from './messages.ts';
import { RuntimeHost } from './module-host.ts';
import {
  type Callbacks,
  checkLimits,
  type Limits,
  type RuntimeOptions,
  type Source,
  type StartTimer,
  sendsOf,
} from './options.ts';
import { Owners } from './owners.ts';
import { paramValues } from './params.ts';
import { RuntimePvs } from './pvs.ts';
import { Router, type Verdict } from './router.ts';
import type { Hook } from './router-parts.ts';
import { SelfAddresses } from './self.ts';
import { configureCore, defineStatistics } from './setup.ts';

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

/** A script that is loaded and does not run yet. */
export interface Prepared {
  /** From now on it routes. */
  commit(): Running;
  /** It never will. */
  drop(): void;
}

/** What routes messages: functions of a script, or blocks of a config. */
const FUNCTIONS: Callbacks = { request: 'ksr_request_route', reply: 'ksr_reply_route', onsend: 'ksr_onsend_route' };
const BLOCKS: Callbacks = { request: 'request_route', reply: 'reply_route', onsend: 'onsend_route' };

/** how often the others hear of our readings, milliseconds */
const PUBLISH_MS = 100;

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
  readonly #router: Router;
  readonly #made: MadeRouteParts;
  readonly rpc: Rpc;
  readonly #now: () => number;
  readonly #onRequest: Hook<boolean>[] = [];
  readonly #onReplyIn: Hook<boolean>[] = [];
  readonly #afterRoute: Hook[] = [];
  readonly #onWait: ((at: number, waits: boolean) => void)[] = [];
  /** Lua for lua_run() of routing blocks, made when it is needed */
  #beside: LuaInterpreter | undefined;
  #script: Script | undefined;
  #loadedMs = 0;
  #closed = false;

  /** @throws KemiError KEMI_ERR_CONFIG, KEMI_ERR_WASM */
  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.limits = checkLimits(options.limits);
    const log = options.log ?? silentLogger;
    this.log = options.logPrefix ? prefixedLogger(log, options.logPrefix, () => this.host) : log;
    const { timeOrigin } = performance; // asked once: it costs as much as the time itself
    this.#now = options.now ?? (() => timeOrigin + performance.now());
    this.startedMs = this.#now();
    this.#callbacks = options.engine === 'native' ? BLOCKS : { ...FUNCTIONS, ...options.callbacks };
    this.sockets = options.sockets.map((s, index) => ({ ...s, index }));
    if (this.sockets.length === 0)
      throw new KemiError('KEMI_ERR_CONFIG', 'Cannot start without a socket: give at least one to listen on');
    const core = loadCore({
      ...options.wasm,
      maxPages: this.limits.memoryPages,
      print: line => this.#print(line),
      now: this.#now,
    });
    this.core = core;
    this.#messages = new Messages(core);
    this.stats = createStatistics(options.shared);
    const self = new SelfAddresses(this.sockets, options.aliases ?? []);
    const states = new Map<string, unknown>();
    const secret = options.secret ?? crypto.getRandomValues(new Uint8Array(16));
    const definitions = modulesFor(options, this.log);
    const sends = sendsOf(options.send, this.sockets);
    const targets = new Targets(core);
    const router = new Router({
      core,
      log: this.log,
      limits: this.limits,
      messages: this.#messages,
      sockets: this.sockets,
      callbacks: this.#callbacks,
      sends,
      targets,
      now: this.#now,
      after: options.after ?? globalAfter,
      forceRport: options.forceRport ?? false,
      replies: new ReplyCounters(this.stats),
      filtersAcks: definitions.some(d => d.name === 'sl'),
      owners: options.shared && options.handOver && new Owners(core, options.shared, options.handOver),
      onRequest: this.#onRequest,
      onReplyIn: this.#onReplyIn,
      afterRoute: this.#afterRoute,
      onWait: this.#onWait,
      answer: (code, reason) => {
        const text = core.lua.malloc(reason.length + 64);
        if (!text) return false;
        core.mem.putStr(text, reason);
        const sent = core.hooks.tmReply(code, text, reason.length) > 0;
        core.lua.free(text);
        return sent;
      },
    });
    this.#router = router;
    this.host = new RuntimeHost({
      core,
      log: this.log,
      options,
      sockets: this.sockets,
      sends,
      targets,
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
      parses: text => this.pvs.parses(text),
      runRoute: (name, arg) => router.runNamed(name, arg),
      runRouteOn: router.runOn,
      limits: this.limits,
      secret,
      onSend: at => router.onSend(at),
      hasRoute: router.hasRoute,
      callRpc: (method, params) =>
        options.callAll && this.rpc.inWorkers(method) !== 'one'
          ? options.callAll(method, params)
          : this.rpc.run(method, params),
    });
    router.host = this.host;
    this.#made = {
      router: this.#router,
      messages: this.#messages,
      httpRoute: exchange => this.#httpRoute(exchange.request),
      viaProtocol: socket => this.sockets[socket]?.proto ?? 'tcp',
    };
    configureCore({
      core,
      log: this.log,
      limits: this.limits,
      router: this.#router,
      self,
      secret,
      tmSecret: this.host.secret('tm'),
      worker: options.shared?.worker ?? 0,
      serverHeader: options.serverHeader ?? `kemi-wasm/${VERSION}`,
    });
    defineStatistics(this.stats, this.#router, {
      liveMessages: () => this.liveMessages,
      memoryBytes: () => this.memoryBytes,
    });
    for (const definition of definitions) {
      const state = definition.create(this.host, paramValues(definition, options.modparams ?? [], options.db));
      states.set(definition.name, state);
      this.#modules.push(loadedModule(definition, state, this.host));
      this.#hook(definition, state);
    }
    const unknown = options.modparams?.find(p => !definitions.some(d => d.name === p.module));
    if (unknown) {
      const near = closest(
        unknown.module,
        definitions.map(d => d.name),
      );
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot set modparam ${unknown.module}.${unknown.name}: module ${unknown.module} is not loaded${near ? `, did you mean ${near}` : ''}`,
      );
    }
    if (options.coreParams?.tcp_accept_aliases === 1)
      this.#onRequest.push({
        state: undefined,
        run: (_state, host, msg) => {
          acceptAlias(host, msg);
          return false;
        },
      });
    this.bridge = new Bridge(
      core,
      this.#modules,
      this.log,
      MODULES.map(m => m.name),
    );
    this.pvs = new RuntimePvs(core, this.#modules, this.bridge, this.host, text => this.log.error({}, text));
    this.rpc = this.#commands(options);
    if (options.shared) this.host.every(PUBLISH_MS, () => this.stats.publish());
    this.#interpreter = options.engine === 'native' ? this.#native() : this.#lua();
  }

  #native(): NativeInterpreter {
    const { core, bridge, pvs, host } = this;
    const { config } = this.#options;
    return new NativeInterpreter({
      core,
      bridge,
      pvs: pvs.registry,
      host,
      config: config ?? { readFile: () => undefined },
      limits: this.limits,
      startLua: scripts => {
        this.#beside ??= this.#lua();
        return new LuaBeside(this.#beside, scripts, this.#options.readFile, () => core.x.currentMsg());
      },
      inCore: this.#options.lane !== 'api',
    });
  }

  #lua(): LuaInterpreter {
    const { core } = this;
    const options = this.#options;
    const commands = new CommandRunner({ core, bridge: this.bridge, pvs: this.pvs.registry, host: this.host });
    return new LuaInterpreter({
      core,
      tree: this.bridge,
      version: VERSION,
      ...(options.readFile && { readFile: options.readFile }),
      print: line => this.#print(utf8Of(line)),
      limits: {
        instructions: this.limits.instructions,
        loadInstructions: this.limits.loadInstructions,
        memoryBytes: this.limits.memoryPages * 32768,
      },
      takePending: () => this.bridge.takePending(),
      command: (name, args) => commands.run(name, args),
      wait: promise => this.bridge.wait(promise),
      lane: options.lane ?? 'auto',
    });
  }

  /** What a module wants to hear of messages. */
  #hook({ onRequest, onReply, afterRoute, onWait }: AnyModule, state: unknown): void {
    const { host } = this;
    const messages = this.#messages;
    if (onRequest) this.#onRequest.push({ state, run: onRequest });
    if (onReply) this.#onReplyIn.push({ state, run: onReply });
    if (afterRoute) this.#afterRoute.push({ state, run: afterRoute });
    if (onWait) this.#onWait.push((at, waits) => onWait(state, host, messages.at(at), waits));
  }

  /** module names in load order */
  get modules(): string[] {
    return this.#modules.map(m => m.definition.name);
  }

  /** What runs now; undefined before the first load(). */
  get running(): Running | undefined {
    const { program } = this.#router;
    return program && { name: program.name, version: program.version, loadedMs: this.#loadedMs };
  }

  /** counters of the receive path */
  get counters(): Router['counters'] {
    return this.#router.counters;
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
    return this.prepare(script).commit();
  }

  /**
   * The first half of load(): the script is loaded beside the one that runs and checked. It takes over with commit(), or is dropped: one of the two must be called.
   * @throws as load()
   */
  prepare(script: Script): Prepared {
    this.#assertOpen();
    const program = this.#validated(script);
    return {
      commit: () => {
        this.#assertOpen();
        const old = this.#router.program;
        this.#router.program = program;
        this.#script = script;
        this.#loadedMs = this.#now();
        this.host.onSendRoute = this.#onSendRoute(program);
        old?.dispose();
        return this.running!;
      },
      drop: () => program.dispose(),
    };
  }

  /**
   * What is wrong with a script, without routing with it: syntax, its top level, callbacks, and its uses of KSR.
   * @returns errors and warnings in file order; empty when all is well
   */
  check(script: Script): Diagnostic[] {
    this.#assertOpen();
    if (this.#interpreter instanceof NativeInterpreter) {
      const { diagnostics, lua } = this.#interpreter.check(script.source, script.name, this.#callbacks.request);
      const scripts = lua.map(name => ({ name, source: this.#options.readFile?.(name) }));
      return [...diagnostics, ...scripts.flatMap(s => (s.source ? this.#lint(s.source, s.name) : []))];
    }
    const found = this.#lint(script.source, script.name);
    try {
      this.#validated(script).dispose();
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      found.unshift(...error.diagnostics);
    }
    return found;
  }

  /** Uses of KSR in a Lua script that cannot be right. */
  #lint(source: Uint8Array, name: string): Diagnostic[] {
    const { bridge } = this;
    return lintLua(new TextDecoder().decode(source), name, {
      params: path => bridge.params(path),
      isModule: module => bridge.modules.has(module),
      unavailable: path => bridge.unavailable(path.split('.')),
      suggest: path => bridge.suggest(path.split('.')),
    });
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

  /** The components that are loaded, in load order. */
  get components(): readonly Extension[] {
    return this.#modules.map(m => m.state).filter(s => s instanceof Extension);
  }

  /**
   * Puts another component in the place of one that is loaded, between two messages: the given one, or what its `read` gives. Messages that are being routed
   * stay with the old one.
   * @throws KemiError KEMI_ERR_COMPONENT, KEMI_ERR_CONFIG: it cannot take its place; nothing has changed
   * @throws RpcError there is none of this name, or it cannot be read again
   */
  async reloadComponent(name: string, component?: Component): Promise<void> {
    this.#assertOpen();
    const extension = this.#component(name);
    if (!component && !extension.read)
      throw new RpcError(500, `Cannot reload ${name}: the runtime was not told how to read it again`);
    const next = component ?? (await extension.read!());
    this.#assertOpen();
    extension.reload(next);
  }

  /**
   * Routes one received message. COPIED: `bytes` may be reused as soon as this returns.
   * @param bytes one whole SIP message; stream transports frame first (RFC 3261 18.3)
   * @param socket index of the receiving socket
   * @returns what became of it; unreadable bytes are counted and answered where a Via allows it, never thrown
   * @throws {KemiError} KEMI_ERR_CLOSED after close()
   */
  receive(bytes: Uint8Array, from: Source, socket = 0): Verdict {
    if (this.#closed) this.#assertOpen();
    return this.#router.receive(bytes, from, socket);
  }

  /** Gives a module what the same module of another runtime had to say (RuntimeOptions.tell). */
  told(module: string, data: unknown): void {
    if (this.#closed) return;
    const { definition, state } = this.#modules.find(m => m.definition.name === module) ?? {};
    try {
      definition?.onTold?.(state, this.host, data);
    } catch (error) {
      this.log.error({ err: error, module }, 'Cannot do what another worker asked for');
    }
  }

  /** Whether requests of HTTP are for this runtime: a module takes them. */
  get servesHttp(): boolean {
    return this.#modules.some(m => m.definition.httpRoute);
  }

  /**
   * Routes one request of HTTP, and has it answered: now, or later where the route waits.
   * @param socket index of the socket that the connection belongs to
   * @throws {KemiError} KEMI_ERR_CLOSED after close()
   */
  receiveHttp(exchange: HttpExchange, from: Source, socket: number): void {
    this.#assertOpen();
    routeHttp(this.#made, exchange, from, socket);
  }

  #httpRoute(request: HttpRequest): ByteStr | undefined {
    for (const { definition, state } of this.#modules) {
      const route = definition.httpRoute?.(state, this.host, request);
      if (route !== undefined) return route;
    }
    return undefined;
  }

  /**
   * Asks the modules about a connection that was opened from here, before anything is sent by it.
   * @returns false when one does not want it; a promise where a route waits
   */
  connectionOpened(connection: ConnectionRef): boolean | Promise<boolean> {
    if (this.#closed) return true;
    const answers = this.#modules.map(({ definition, state }) => definition.onOpened?.(state, connection) ?? true);
    if (!answers.some(answer => answer instanceof Promise)) return !answers.includes(false);
    return Promise.all(answers).then(all => !all.includes(false));
  }

  /**
   * Tells the modules that a connection is gone, by the id that its messages came with.
   * @param how what is known of it: without that, no event is run for it
   */
  connectionClosed(id: number, how?: ClosedConnection): void {
    if (this.#closed) return;
    for (const { definition, state } of this.#modules) definition.onClosed?.(state, id, how);
  }

  /**
   * Ends the runtime: no message is taken any more; suspended routes may finish for `drainMs`, then they are abandoned.
   * @param drainMs milliseconds, 0 or more
   */
  async close(drainMs = 5000): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#router.drain(drainMs);
    this.#router.program?.dispose();
    for (const { definition, state } of this.#modules) await definition.dispose?.(state);
    await this.host.close();
  }

  /** Which messages an onsend route is for: blocks see replies only with onsend_route_reply, functions all. */
  #onSendRoute(program: Program): RuntimeHost['onSendRoute'] {
    const { onsend } = this.#callbacks;
    if (!onsend || onsend === 'none' || !program.has(onsend)) return 'no';
    return program.blocks && !this.#options.coreParams?.onsend_route_reply ? 'requests' : 'all';
  }

  /** A program that could run: it parses, its top level ran, the request callback is there. @throws {ScriptError} */
  #validated(script: Script): Program {
    const program = this.#interpreter.load(script.source, script.name);
    const { request } = this.#callbacks;
    if (program.has(request)) return program;
    program.dispose();
    const what = program.blocks ? request : `function ${request}()`;
    const message = `it defines no ${what}: nothing would route requests`;
    throw new ScriptError([{ severity: 'error', file: script.name, line: 0, column: 0, message }]);
  }

  /** What a script prints. */
  #print(line: string): void {
    const { print } = this.#options;
    if (print) print(line);
    else this.log.info({ script: this.#script?.name }, line);
  }

  #commands(options: RuntimeOptions): Rpc {
    const runtime = this;
    const { host, stats, sockets, startedMs } = this;
    return new Rpc({
      version: VERSION,
      startedMs,
      now: this.#now,
      stats,
      sockets,
      aliases: options.aliases ?? [],
      connections: options.connections,
      defines: host.defines,
      modules: this.#modules.map(({ definition, state }) => ({ definition, state, host })),
      get script() {
        return runtime.running;
      },
      reload: async () => (options.reloadAll ? options.reloadAll() : runtime.reload()),
      apiList: () => this.bridge.apiList(),
      components: () => this.components.map(infoOf),
      reloadComponent: async name => {
        await this.reloadComponent(name);
        return this.#component(name).version;
      },
    });
  }

  /** @throws RpcError when there is none of this name */
  #component(name: string): Extension {
    const found = this.components.find(c => c.name === name);
    if (!found) throw new RpcError(400, `There is no component ${name}`);
    return found;
  }

  #assertOpen(): void {
    if (this.#closed) throw new KemiError('KEMI_ERR_CLOSED', 'Cannot use the runtime: it is closed');
  }
}

function infoOf(extension: Extension): ComponentInfo {
  const { name, file, version, granted, memoryBytes, counters, rows } = extension;
  const functions = Object.fromEntries(rows.map(r => [r.name, r.type]));
  return { name, file, version, grants: granted, memoryBytes, counters, functions };
}

/** Makes a runtime. @throws {KemiError} KEMI_ERR_CONFIG, KEMI_ERR_WASM */
export function createRuntime(options: RuntimeOptions): Runtime {
  return new Runtime(options);
}
