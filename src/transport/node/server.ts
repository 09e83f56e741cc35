/** A runtime with sockets, files, the control socket and a watcher around it: what `kemi-wasm run` starts. */
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { ConfigHost } from '../../cfg/config.ts';
import type { ConfigOptions } from '../../cfg/resolve.ts';
import type { Grant } from '../../components/capabilities.ts';
import { type Logger, silentLogger } from '../../core/log.ts';
import { KemiError, ScriptError } from '../../errors.ts';
import type { Resolver, Socket } from '../../kemi/host.ts';
import type { RpcCall } from '../../rpc/json-rpc.ts';
import { checkLimits, type Limits, type ModParamSetting } from '../../runtime/options.ts';
import { createRuntime, type Running, type Runtime } from '../../runtime/runtime.ts';
import { parseListenAddress } from '../listen-address.ts';
import type { ListenAddress } from '../transport.ts';
import { BASIC_CONFIG, BASIC_SCRIPT, loadWasm } from './assets.ts';
import { type ComponentFile, readComponents } from './components.ts';
import { configured, readConfigFile, usableConfig } from './config-file.ts';
import { type CtlServer, listenCtl } from './ctl.ts';
import { nodeResolver } from './resolver.ts';
import { listenRpcHttp, parseRpcHttp, type RpcHttpAddress, type RpcHttpServer } from './rpc-http.ts';
import { ConfigSource, type ProgramSource, ScriptSource } from './script-source.ts';
import { openSqlite } from './sqlite.ts';
import { tcpLimits } from './tcp-options.ts';
import { type TlsFiles, tlsIdle, tlsSource } from './tls-options.ts';
import { type MakeUdp, NodeTransports } from './transports.ts';
import { type Watcher, watchFiles } from './watch.ts';
import { MAX_WORKERS, WorkerGroup } from './workers/group.ts';
import type { PlainOptions, WorkerInit } from './workers/protocol.ts';

/** How long routes in flight may go on when the server closes, milliseconds. */
export const DRAIN_MS = 5000;

export interface ServerOptions {
  /** path of the script; that of the config when absent. With neither, the built-in registrar and proxy runs */
  readonly script?: string;
  /**
   * A kamailio.cfg: its path, or what readConfigFile() made of it. Options that are given beside it win over it; modparams and aliases are added.
   * With a path, `defines` are defined before it is read.
   */
  readonly config?: string | ConfigOptions;
  /** 'udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060', 'tls:127.0.0.1:5061' and the like; default: what the config says, else each IPv4 address of the machine, UDP port 5060 */
  readonly listen?: readonly (string | ListenAddress)[];
  readonly log?: Logger;
  /** path of the control socket, true for the default one; absent or false: none */
  readonly ctl?: string | boolean;
  /** `[HOST:]PORT` of JSON-RPC over HTTP, without a password: a loopback address unless HOST says otherwise; absent: none */
  readonly rpcHttp?: string | RpcHttpAddress;
  /** origins of pages that may open a WebSocket on a `ws:` or `wss:` listener, `*` for all; absent: pages of the same host and of this machine */
  readonly origins?: readonly string[];
  /** reload when the script or a file it required changes */
  readonly watch?: boolean;
  readonly limits?: Partial<Limits>;
  readonly modparams?: readonly ModParamSetting[];
  /** modules to load, by name; all there are when absent */
  readonly modules?: readonly string[];
  /** extension modules, besides those that the config loads */
  readonly components?: readonly ComponentFile[];
  /** what components may use besides message and log, by their names */
  readonly grants?: Readonly<Record<string, readonly Grant[]>>;
  /** names for the script and the config, as -A sets them */
  readonly defines?: Readonly<Record<string, string>>;
  /** host, host:port or proto:host:port that count as ourselves */
  readonly aliases?: readonly string[];
  /** environment variables that scripts may read; none when absent */
  readonly env?: Readonly<Record<string, string>>;
  /** how names are resolved; the machine's way when absent */
  readonly resolver?: Resolver;
  /** text of the Server header; '' sends none */
  readonly serverHeader?: string;
  /** PEM files for TLS: the certificate with its chain, its key when that is in another file, CAs that peers' certificates must lead to */
  readonly tls?: TlsFiles;
  /** an SQLite file (made when it is not there), or a sqlite:// URL: the db_url of all modules that have one and were given none */
  readonly db?: string;
  /** threads that route, 1..64: with more than one they share the UDP ports, registrations, htables and the like. Default: 1 */
  readonly workers?: number;
  /** what carries datagrams; node:dgram when absent. The servers of Bun and Deno bring their own */
  readonly udp?: MakeUdp;
}

export class Server {
  readonly runtime: Runtime;
  readonly sockets: readonly Socket[];
  /** where ctl reaches this server, undefined when it does not */
  readonly ctlPath: string | undefined;
  /** where JSON-RPC over HTTP is served, undefined when it is not */
  readonly rpcHttpUrl: string | undefined;
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  /** @internal createServer() makes it */
  constructor(parts: Parts & { readonly runtime: Runtime }) {
    this.runtime = parts.runtime;
    this.sockets = parts.transport.sockets.filter(s => s.shares === undefined);
    this.ctlPath = parts.ctl?.path;
    this.rpcHttpUrl = parts.rpcHttp?.url;
    this.#parts = parts;
  }

  /** The script that runs. */
  get script(): Running {
    return this.runtime.running!;
  }

  /**
   * Loads the script anew from its file, logs the outcome. For one worker; reloadAll() is for any number.
   * @throws ScriptError it is broken; the old one runs on
   */
  reload(): Running {
    if (this.#parts.group)
      throw new KemiError('KEMI_ERR_CONFIG', 'Cannot reload one worker of several: use reloadAll()');
    return reload(this.runtime, this.#parts);
  }

  /** Reads all components again and swaps in what is sound; logs the outcome, never throws. */
  reloadComponents(): Promise<void> {
    return reloadComponents(this.runtime, this.#parts.log);
  }

  /**
   * The same in all workers, or in none.
   * @throws ScriptError it is broken in one of them; the old one runs on in all
   */
  reloadAll(): Promise<Running> {
    return reloadAll(this.runtime, this.#parts);
  }

  /** workers that route now */
  get workers(): number {
    return this.#parts.group?.ready ?? 1;
  }

  /** the threads of the workers but the first */
  get threads(): readonly Worker[] {
    return this.#parts.group?.threads ?? [];
  }

  /**
   * Runs an RPC command, for all workers.
   * @throws RpcError with Kamailio's code
   */
  call(method: string, params?: unknown): Promise<unknown> {
    return call(this.runtime, this.#parts, method, params);
  }

  /**
   * Takes no more messages, lets routes in flight end, closes everything. Calling it twice is the same as once.
   * @param drainMs how long routes may go on, milliseconds; then they are abandoned
   */
  close(drainMs = DRAIN_MS): Promise<void> {
    this.#closing ??= close(this.#parts, drainMs);
    return this.#closing;
  }
}

/** What has been opened so far, in the order of opening. */
interface Parts {
  readonly log: Logger;
  readonly script: ProgramSource;
  readonly transport: NodeTransports;
  readonly group: WorkerGroup | undefined;
  runtime?: Runtime;
  ctl?: CtlServer;
  rpcHttp?: RpcHttpServer;
  watcher?: Watcher;
  componentWatcher?: Watcher;
}

/**
 * Starts a server. Everything is open and the script runs when this resolves; nothing is left open when it rejects.
 * @throws KemiError KEMI_ERR_LISTEN a socket does not open; KEMI_ERR_CONFIG an option makes no sense; KEMI_ERR_WASM the package was not built
 * @throws ScriptError the script is broken
 * @example
 * const server = await createServer({ script: 'route.lua', listen: ['udp:127.0.0.1:5060'] });
 */
export async function createServer(options: ServerOptions = {}): Promise<Server> {
  const log = options.log ?? silentLogger;
  const config = configOf(options, log);
  const script = sourceOf(options, config);
  const listen = options.listen?.length ? options.listen : config?.listen.length ? config.listen : ['udp:0.0.0.0:5060'];
  const addresses = listen.map(l => (typeof l === 'string' ? parseListenAddress(l) : l));
  const messageBytes = options.limits?.messageBytes ?? config?.messageBytes;
  const tcp = { ...tcpLimits(config?.coreParams), ...(messageBytes !== undefined && { messageBytes }) };
  const group = groupOf(options, log);
  const modparams = [...(config?.modparams ?? []), ...(options.modparams ?? [])];
  // the built-in config lies in the package: nobody names files beside it
  const tls = tlsSource(modparams, options.config === undefined ? undefined : config, options.tls);
  // a script that takes handshakes makes WebSockets of connections: those need sockets of their own
  const loaded = config ? config.modules : options.modules;
  const upgrades = !loaded || ['xhttp', 'websocket'].every(name => loaded.includes(name));
  const { origins } = options;
  const transport = new NodeTransports({
    log,
    tcp: { ...tcp, ...tlsIdle(modparams) },
    tls,
    udp: options.udp,
    upgrades,
    shared: group !== undefined,
    ...(origins && { origins }),
  });
  const parts: Parts = { log, script, group, transport };
  try {
    const { files, name } = script;
    const source = script.read();
    const [wasm, components] = await Promise.all([
      loadWasm(),
      readComponents(options.components ?? [], options.grants, config),
      transport.open(addresses),
    ]);
    const { config: reader, ...fromConfig } = config
      ? configured(config, options.modparams, options.aliases, options.limits)
      : { config: undefined };
    const plain: PlainOptions = {
      ...fromConfig,
      ...(options.db !== undefined && { db: databaseUrl(options.db) }),
      ...pick(options, config ? ['env', 'modules', 'serverHeader'] : CHOICES),
    };
    const runtime: Runtime = createRuntime({
      ...plain,
      ...(reader && { config: reader }),
      ...group?.runtimeOptions(() => group.reload(script.read())),
      wasm,
      components,
      sockets: transport.sockets,
      send: { by: socket => transport.sender(socket.index) },
      webSockets: transport.tcp.webSockets,
      log,
      // app_lua.reload asks for the program by its name: that may be more than the file.
      readFile: path => (path === name ? script.read() : files.read(path)),
      resolver: options.resolver ?? nodeResolver(),
      openDatabase: openSqlite,
      connections: transport.connections,
      tls: transport.tlsControl,
    });
    parts.runtime = runtime;
    defineStatistics(runtime, transport, group);
    runtime.load({ name, source });
    const serve = () =>
      transport.start(
        (bytes, from, socket) => {
          runtime.receive(bytes, from, socket);
        },
        connection => runtime.connectionClosed(connection.id, connection),
        connection => runtime.connectionOpened(connection),
        runtime.servesHttp ? (exchange, from, socket) => runtime.receiveHttp(exchange, from, socket) : undefined,
      );
    // the sockets of the others answer as soon as they are open: what the system gives to this one must not be lost
    if (group) serve();
    if (group)
      await group.start({
        base: {
          wasm: { lua: wasm.lua, core: wasm.core },
          sockets: transport.sockets.map(s => ({ ...s })),
          options: plain,
          config: reader && readBy(reader),
          name,
          scripts: scriptsOf(options, config),
          connectionOptions: { ...transport.connections.options },
        },
        runtime,
        connections: transport.connections,
        source,
        receive: (bytes, from, socket) => void runtime.receive(bytes, from, socket),
        sendStream: (socket, bytes, ip, port, how) => transport.tcp.send(socket, bytes, ip, port, how),
      });
    const commands: RpcCall = (method, params) => call(runtime, parts, method, params);
    if (options.ctl)
      parts.ctl = await listenCtl(commands, typeof options.ctl === 'string' ? { path: options.ctl } : {});
    const { rpcHttp } = options;
    if (rpcHttp !== undefined)
      parts.rpcHttp = await listenRpcHttp(typeof rpcHttp === 'string' ? parseRpcHttp(rpcHttp) : rpcHttp, commands, log);
    if (options.watch && components.length > 0)
      parts.componentWatcher = await watchFiles(
        () => components.map(c => path.resolve(c.file!)),
        () => {
          void reloadComponents(runtime, log);
          parts.componentWatcher?.refresh();
        },
      );
    if (options.watch)
      parts.watcher = await watchFiles(
        () => files.asked,
        () => {
          // A failure is logged. The script that ran runs on until the next change.
          reloadAll(runtime, parts).catch(() => {});
        },
      );
    if (!group) serve();
    return new Server({ ...parts, runtime });
  } catch (error) {
    await close(parts, 0);
    throw error;
  }
}

function defineStatistics({ stats }: Runtime, { udp, tcp }: NodeTransports, group: WorkerGroup | undefined): void {
  if (group) {
    const { shared } = group;
    stats.define('kemi', 'workers', () => group.ready, true);
    // with Kamailio's names
    stats.define('shmem', 'total_size', () => shared.size, true);
    stats.define('shmem', 'used_size', () => shared.used, true);
    stats.define('shmem', 'free_size', () => shared.size - shared.used, true);
    stats.define('shmem', 'max_used_size', () => shared.mostUsed, true);
  }
  for (const [group, counters] of [['udp', udp.counters] as const, ['tcp', tcp.counters] as const])
    for (const name of Object.keys(counters) as (keyof typeof counters)[])
      stats.define(group, snake(name), () => counters[name]);
  const { statistics } = tcp;
  for (const name of Object.keys(statistics) as (keyof typeof statistics)[])
    stats.define('tcp', name, () => statistics[name]);
  stats.define('tcp', 'current_opened_connections', () => tcp.connections);
  stats.define('tcp', 'current_write_queue_size', () => tcp.queuedBytes);
}

/** The db_url of a file; a URL stays as it is. */
export function databaseUrl(file: string): string {
  return /^\w+:\/\//.test(file) ? file : `sqlite://${path.resolve(file)}`;
}

function reload(runtime: Runtime, parts: Parts): Running {
  try {
    const running = runtime.reload(parts.script.read());
    reloaded(parts, running);
    return running;
  } catch (error) {
    notReloaded(parts, error);
    throw error;
  }
}

async function reloadAll(runtime: Runtime, parts: Parts): Promise<Running> {
  const { group, script } = parts;
  if (!group) return reload(runtime, parts);
  return (await logged(parts, async () => group.reload(script.read()))) as Running;
}

function call(runtime: Runtime, parts: Parts, method: string, params: unknown): Promise<unknown> {
  const { group, log } = parts;
  const run = () => (group ? group.call(method, params) : runtime.rpc.call(method, params));
  if (method === 'app_lua.reload') return logged(parts, run);
  return method === 'module.reload' ? loggedComponent(log, run) : run();
}

/** Logs a reload of several workers, or one that came over RPC. */
async function logged(parts: Parts, call: () => Promise<unknown>): Promise<unknown> {
  try {
    const result = await call();
    reloaded(parts, result as Running);
    return result;
  } catch (error) {
    notReloaded(parts, error);
    throw error;
  }
}

async function reloadComponents(runtime: Runtime, log: Logger): Promise<void> {
  for (const { name } of runtime.components)
    await loggedComponent(log, () => runtime.rpc.call('module.reload', [name])).catch(() => {
      // Logged. The one that ran runs on.
    });
}

/** Logs the reload of a component. */
async function loggedComponent(log: Logger, call: () => Promise<unknown>): Promise<unknown> {
  try {
    const result = (await call()) as { name: string; version: number };
    log.info(
      { module: result.name, version: result.version },
      `Reloaded ${result.name}: version ${result.version} runs`,
    );
    return result;
  } catch (error) {
    log.error({ err: error }, `Cannot reload: ${error instanceof Error ? error.message : error}; what ran runs on`);
    throw error;
  }
}

function reloaded(parts: Parts, { name, version }: Running): void {
  parts.log.info({ script: name, version }, `Reloaded ${name}: version ${version} runs`);
  // It may require other files now.
  parts.watcher?.refresh();
}

function notReloaded(parts: Parts, error: unknown): void {
  const version = parts.runtime?.running?.version;
  const message = error instanceof Error ? error.message : String(error);
  const diagnostics = error instanceof ScriptError ? error.diagnostics : undefined;
  parts.log.error({ version, diagnostics }, `Cannot reload: ${message}; version ${version} runs on`);
  parts.watcher?.refresh();
}

async function close(parts: Parts, drainMs: number): Promise<void> {
  parts.transport.stop();
  await Promise.all([
    parts.watcher?.close(),
    parts.componentWatcher?.close(),
    parts.ctl?.close(),
    parts.rpcHttp?.close(),
  ]);
  const started = performance.now();
  await parts.group?.close(drainMs);
  // the last one writes what all of them left to the database
  await parts.runtime?.close(Math.max(0, drainMs - (performance.now() - started)));
  await parts.transport.close();
}

/** @throws KemiError KEMI_ERR_CONFIG */
function groupOf({ workers = 1, limits, resolver, udp }: ServerOptions, log: Logger): WorkerGroup | undefined {
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS)
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot start ${workers} workers: write a number from 1 to ${MAX_WORKERS}`);
  if (workers === 1) return undefined;
  if (resolver)
    throw new KemiError('KEMI_ERR_CONFIG', 'Cannot use a resolver of your own with several workers: use one worker');
  if (udp)
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      'Cannot start several workers here: only Node shares a UDP port among them; use one worker',
    );
  return new WorkerGroup(workers, checkLimits(limits).sharedMiB, log);
}

/** How a config is read, as data. */
function readBy({ defines = {}, env }: ConfigHost): WorkerInit['config'] {
  if (!env || env === process.env) return { defines };
  return {
    defines,
    env: Object.fromEntries(Object.entries(env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]]))),
  };
}

const CHOICES = ['limits', 'modparams', 'modules', 'defines', 'aliases', 'env', 'serverHeader'] as const;

/** @throws ConfigError */
function configOf(
  { config, defines, script, modules, db, listen }: ServerOptions,
  log: Logger,
): ConfigOptions | undefined {
  if (config === undefined && script === undefined && modules === undefined) {
    // The built-in pair: with a database it asks for passwords, with TLS its certificates can be reloaded.
    const given = {
      ...defines,
      ...(db !== undefined && { WITH_DB: '' }),
      ...(listen?.some(l => /^(tls|wss)$/i.test(typeof l === 'string' ? l.split(':')[0]! : l.proto)) && {
        WITH_TLS: '',
      }),
    };
    const { options } = readConfigFile(BASIC_CONFIG, { defines: given, script: BASIC_SCRIPT });
    return options;
  }
  if (typeof config !== 'string') return config;
  return usableConfig(readConfigFile(config, { defines, script }), ({ file, line, column, message }) =>
    log.warn({ file, line, column }, message),
  );
}

function sourceOf(options: ServerOptions, config: ConfigOptions | undefined): ProgramSource {
  const scripts = scriptsOf(options, config);
  return config?.engine === 'native'
    ? new ConfigSource(scripts[0]!, config.files, config.luaScripts)
    : new ScriptSource(scripts);
}

/** @throws KemiError KEMI_ERR_CONFIG when there are two answers */
function scriptsOf({ script }: ServerOptions, config: ConfigOptions | undefined): readonly string[] {
  const configured = config?.scripts ?? [];
  if (script === undefined) return configured.length > 0 ? configured : [BASIC_SCRIPT];
  if (configured.some(c => c !== script))
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot run ${script}: the config says which script runs, ${configured.join(', ')}; give one of the two`,
    );
  return [script];
}

function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter(k => from[k] !== undefined).map(k => [k, from[k]])) as Pick<T, K>;
}

const snake = (name: string) => name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`);
