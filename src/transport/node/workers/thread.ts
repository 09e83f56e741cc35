/** A worker but the first: a thread with a runtime of its own, and sockets on the same ports. Started by group.ts, which says what is in it. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type Logger, silentLogger, writes } from '../../../core/log.ts';
import { utf8Of } from '../../../core/memory.ts';
import type { Socket } from '../../../kemi/host.ts';
import { SharedMemory } from '../../../kemi/shared/memory.ts';
import { createRuntime, type Prepared, type Runtime } from '../../../runtime/runtime.ts';
import type { ListenAddress } from '../../transport.ts';
import { byteText } from '../assets.ts';
import { configHost } from '../config-file.ts';
import { nodeResolver } from '../resolver.ts';
import { ScriptFiles } from '../script-files.ts';
import { openSqlite } from '../sqlite.ts';
import { UdpTransport } from '../udp.ts';
import { outcomeOf, plainError, Questions } from './ask.ts';
import { Peers } from './peers.ts';
import type { AskName, Asks, FromWorker, LogLevel, ToWorker, WorkerInit } from './protocol.ts';
import { RemoteConnections } from './remote-connections.ts';
import { RemoteStreams } from './remote-streams.ts';
import type { Taker } from './ring.ts';

/** Log lines are written by the first worker. */
function portLogger(port: MessagePort, level: string): Logger {
  const base = { ...silentLogger, level };
  const say = (level: LogLevel) => (fields: object, message: string) => {
    const line: FromWorker = { is: 'log', level, fields, message };
    try {
      port.postMessage(line);
    } catch {
      // a field that cannot be cloned
      port.postMessage({ ...line, fields: {} } satisfies FromWorker);
    }
  };
  const quiet = () => {};
  const at = (one: LogLevel) => (writes(base, one) ? say(one) : quiet);
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    level,
  };
}

/** The address of a socket that the first worker has open. */
function addressOf({ proto, ip, port, advertisedIp, advertisedPort, name }: Socket): ListenAddress {
  return {
    proto,
    host: ip,
    port,
    ...(advertisedIp !== undefined && { advertise: { host: utf8Of(advertisedIp), port: advertisedPort ?? 0 } }),
    ...(name !== undefined && { name: utf8Of(name) }),
  };
}

class Thread {
  readonly #port: MessagePort;
  readonly #init: WorkerInit;
  readonly #log: Logger;
  readonly #udp: UdpTransport;
  readonly #peers: Peers;
  readonly #streams: RemoteStreams;
  readonly #runtime: Runtime;
  readonly #questions = new Questions();
  #prepared: Prepared | undefined;

  constructor(port: MessagePort, init: WorkerInit) {
    this.#port = port;
    this.#init = init;
    this.#log = portLogger(port, init.logLevel);
    this.#udp = new UdpTransport({ log: this.#log, share: 'more' });
    this.#peers = new Peers(this.#log);
    this.#streams = new RemoteStreams(port);
    for (const link of init.peers) this.#peers.join(link);
    port.on('message', (message: ToWorker) => this.#told(message));
    this.#runtime = this.#createRuntime();
  }

  /** The program routes and the sockets are open when this resolves. */
  async start(): Promise<void> {
    const { name, source, sockets } = this.#init;
    this.#runtime.load({ name, source });
    const receive: Taker = (bytes, from, socket) => {
      this.#runtime.receive(bytes, from, socket);
    };
    // before there are sockets: no datagram finds nobody
    this.#udp.start(receive);
    this.#peers.start(receive, (module, data) => this.#runtime.told(module, data));
    await this.#udp.open(sockets.filter(s => s.proto === 'udp').map(addressOf));
    this.#tell({ is: 'ready' });
  }

  #createRuntime(): Runtime {
    const { init, udp, streams, peers } = {
      init: this.#init,
      udp: this.#udp,
      streams: this.#streams,
      peers: this.#peers,
    };
    const { memory, worker, workers, scripts, config, timeOrigin } = init;
    const ahead = performance.timeOrigin - timeOrigin;
    const runtime = createRuntime({
      ...init.options,
      ...(config && { config: configHost(config.defines, config.env ?? process.env) }),
      wasm: { ...init.wasm, byteText },
      sockets: init.sockets,
      send: {
        by: ({ proto, index }) =>
          proto === 'udp' ? udp.sender(index) : (data, ip, port, how) => streams.send(index, data, ip, port, how),
      },
      log: this.#log,
      monotonic: () => performance.now() + ahead,
      secret: init.secret,
      connections: new RemoteConnections(this.#port, this.#log, init.connectionOptions),
      resolver: nodeResolver(),
      readFile: new ScriptFiles(...scripts).read,
      openDatabase: openSqlite,
      shared: new SharedMemory({ buffer: memory, worker, workers, byteText }),
      handOver: (to, bytes, from, socket) => peers.handOver(to, bytes, from, socket),
      tell: (to, module, data) => peers.tell(to, module, data),
      callAll: (method, params) => this.#questions.ask(id => this.#tell({ is: 'call', id, method, params })),
    });
    const { counters } = udp;
    for (const name of Object.keys(counters) as (keyof typeof counters)[])
      runtime.stats.define(
        'udp',
        name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`),
        () => counters[name],
      );
    return runtime;
  }

  #tell(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  #told(message: ToWorker): void {
    switch (message.is) {
      case 'ask':
        void this.#answer(message.id, message.name, message.params);
        break;
      case 'answer':
        this.#questions.answered(message.id, message.outcome);
        break;
      case 'peer':
        this.#peers.join(message.link);
        break;
      case 'left':
        this.#peers.leave(message.worker);
        break;
      case 'lost':
        this.#streams.lost(message.id);
        break;
    }
  }

  async #answer(id: number, name: AskName, params: unknown): Promise<void> {
    const outcome = await outcomeOf(() => this.#do(name, params));
    this.#tell({ is: 'answer', id, outcome });
    if (name !== 'close') return;
    this.#peers.close();
    this.#port.close();
  }

  #do(name: AskName, params: unknown): unknown {
    switch (name) {
      case 'prepare': {
        const { source } = params as Asks['prepare']['params'];
        this.#prepared?.drop();
        this.#prepared = undefined;
        this.#prepared = this.#runtime.prepare({ name: this.#init.name, source });
        return null;
      }
      case 'commit':
        this.#prepared?.commit();
        this.#prepared = undefined;
        return null;
      case 'drop':
        this.#prepared?.drop();
        this.#prepared = undefined;
        return null;
      case 'rpc': {
        const { method, params: given } = params as Asks['rpc']['params'];
        return this.#runtime.rpc.run(method, given);
      }
      case 'publish':
        this.#runtime.stats.publish();
        return null;
      case 'close':
        return this.#close((params as Asks['close']['params']).drainMs);
    }
  }

  async #close(drainMs: number): Promise<void> {
    this.#udp.stop();
    await this.#runtime.close(drainMs);
    await this.#udp.close();
  }
}

if (!parentPort) throw new Error('workers/thread.ts runs in a worker thread');
const port = parentPort;
try {
  await new Thread(port, workerData as WorkerInit).start();
} catch (error) {
  port.postMessage({ is: 'failed', error: plainError(error) } satisfies FromWorker);
  port.close();
}
