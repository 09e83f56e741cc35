/** A runtime with its connections: what a Durable Object owns, or one request without one. It opens nothing: sockets are given to it, and time comes from events. */
import type { Logger } from '../../core/log.ts';
import type { OpenDatabase } from '../../kemi/db.ts';
import { openMemoryDatabase } from '../../kemi/db-memory.ts';
import type { Socket } from '../../kemi/host.ts';
import { jsonRpcHandler } from '../../rpc/json-rpc.ts';
import type { Source } from '../../runtime/options.ts';
import { createRuntime, type Runtime } from '../../runtime/runtime.ts';
import { VERSION } from '../../version.ts';
import { type Connection, WebSocketConnections } from './connections.ts';
import { EdgeConnections, EdgeLinks } from './links.ts';
import { consoleLine, type LogLine, lineLogger } from './log.ts';
import type { Setup, WorkerOptions } from './options.ts';
import type { ServerSocket } from './platform.ts';
import { createTimers, type Timers } from './timers.ts';

/** Something that was sent. The bytes are a copy. */
export interface Sent {
  readonly proto: Socket['proto'];
  readonly ip: string;
  readonly port: number;
  /** whether it left */
  readonly sent: boolean;
  readonly bytes: Uint8Array;
}

/** Who wants to know what happens. */
export interface Witness {
  sent(what: Sent): void;
  log(line: LogLine): void;
}

export interface ServiceParts {
  readonly options: WorkerOptions;
  readonly setup: Setup;
  /** sockets without index */
  readonly sockets: readonly Omit<Socket, 'index'>[];
  /** what goes to no connection counts as sent: there is no network, and somebody looks at it */
  readonly sendElsewhere?: boolean;
  /** timers that tidy up wait for events */
  readonly patient: boolean;
  /** database behind db_url; absent: memory:// only */
  readonly database?: { readonly open: OpenDatabase; readonly url: string };
}

export class Service {
  readonly connections: WebSocketConnections;
  readonly log: Logger;
  readonly #parts: ServiceParts;
  readonly #witnesses = new Set<Witness>();
  readonly #now: () => number;
  readonly #links: EdgeLinks;
  #runtime: Runtime | undefined;
  #timers: Timers | undefined;
  /** the runtime trapped: what is left of it is not used any more */
  #broken = false;

  constructor(parts: ServiceParts) {
    const { options } = parts;
    this.#parts = parts;
    // workerd's clock stands still while a request is served and may step back between two
    let last = 0;
    this.#now = () => {
      last = Math.max(last, Date.now());
      return last;
    };
    const write = options.log ?? consoleLine;
    this.log = lineLogger(
      options.logLevel ?? 'info',
      line => {
        for (const witness of this.#witnesses) witness.log(line);
        write(line);
      },
      this.#now,
    );
    const messageBytes = parts.setup.options.limits?.messageBytes;
    this.connections = new WebSocketConnections(
      { ...(messageBytes !== undefined && { messageBytes }), ...options.connections },
      this.log,
      Math.random,
      this.#now,
    );
    this.#links = new EdgeLinks(this.connections);
    this.connections.listen(
      parts.sockets
        .filter(s => s.proto === 'ws')
        .map(({ proto, ip, port, advertisedIp, advertisedPort }) => ({
          proto,
          host: ip,
          port,
          ...(advertisedIp !== undefined && {
            advertise: { host: advertisedIp, port: advertisedPort ?? port },
          }),
        })),
    );
    this.connections.start(
      (bytes, from, socket) => this.receive(bytes, from, socket),
      closed => this.#runtime?.connectionClosed(closed.id, closed),
    );
  }

  /**
   * The runtime, made when it is needed first, and anew behind one that trapped.
   * @throws KemiError, ScriptError, ConfigError it cannot be made
   */
  get runtime(): Runtime {
    if (this.#broken) this.#retire();
    this.#runtime ??= this.#start();
    return this.#runtime;
  }

  /** Why a WebSocket from this address is not taken; undefined when it is. */
  refusal(ip: string): string | undefined {
    const why = this.#links.enabled ? this.connections.refusal(ip) : 'WebSockets are disabled';
    if (why) this.#links.counters.failed_handshakes++;
    return why;
  }

  /** Takes a WebSocket. @param peer its address; with id and port when it is one of an earlier life */
  accept(socket: ServerSocket, peer: Parameters<WebSocketConnections['accept']>[1]): Connection {
    if (peer.id === undefined) this.#links.counters.successful_handshakes++;
    return this.connections.accept(socket, peer);
  }

  /** Routes one message. A trap or an error of ours costs this message and the runtime: the next one gets a new runtime. @returns the verdict, or 'failed' */
  receive(bytes: Uint8Array, from: Source, socket: number): ReturnType<Runtime['receive']> | 'failed' {
    try {
      const { runtime } = this;
      this.#timers?.runDue();
      return runtime.receive(bytes, from, socket);
    } catch (error) {
      this.#fail(error, 'Cannot route a message: internal error');
      return 'failed';
    }
  }

  /** Runs what tidies up. */
  tick(): void {
    try {
      void this.runtime;
      this.#timers?.runAll();
    } catch (error) {
      this.#fail(error, 'Cannot run a timer: internal error');
    }
  }

  /** Lets somebody see what is sent and logged. @returns what ends it */
  watch(witness: Witness): () => void {
    this.#witnesses.add(witness);
    return () => this.#witnesses.delete(witness);
  }

  /** Answers one JSON-RPC text. */
  rpc(text: string): Promise<string | undefined> {
    return jsonRpcHandler((method, params) => this.runtime.rpc.call(method, params))(text);
  }

  health(detailed: boolean): Record<string, unknown> {
    const { runtime } = this;
    const { running } = runtime;
    return {
      status: 'ok',
      version: VERSION,
      ...(detailed && {
        script: running && { name: running.name, version: running.version },
        uptimeSec: Math.floor((this.#now() - runtime.startedMs) / 1000),
        connections: this.connections.connections,
        memoryBytes: runtime.memoryBytes,
        liveMessages: runtime.liveMessages,
        timers: this.#timers?.pending ?? 0,
        counters: { ...runtime.counters },
      }),
    };
  }

  async close(): Promise<void> {
    await this.connections.close();
    const runtime = this.#runtime;
    this.#runtime = undefined;
    await runtime?.close(0);
    this.#timers?.stop();
  }

  #start(): Runtime {
    const { setup, sockets, sendElsewhere, patient, database } = this.#parts;
    const timers = createTimers(this.#now, patient);
    const { connections } = this;
    try {
      const runtime = createRuntime({
        ...setup.options,
        sockets,
        send: (socket, bytes, ip, port, how) => {
          const to = connections.lookup(ip, port, how);
          const sent = to ? connections.send(socket.index, bytes, ip, port, how) : sendElsewhere === true;
          for (const witness of this.#witnesses)
            witness.sent({
              proto: socket.proto,
              ip,
              port: to?.port ?? port,
              sent,
              bytes: bytes.slice(),
            });
          return sent;
        },
        log: this.log,
        now: this.#now,
        monotonic: this.#now,
        every: timers.every,
        after: timers.after,
        webSockets: this.#links,
        connections: new EdgeConnections(connections),
        openDatabase: database?.open ?? openMemoryDatabase,
        ...(database && { db: database.url }),
      });
      runtime.load(setup.script);
      this.#timers = timers;
      return runtime;
    } catch (error) {
      timers.stop();
      throw error;
    }
  }

  #fail(error: unknown, what: string): void {
    // what a script does wrong does not come here
    this.#broken = this.#runtime !== undefined;
    this.log.fatal({ err: error }, what);
  }

  /** Gives up a runtime that trapped. */
  #retire(): void {
    this.#broken = false;
    this.#timers?.stop();
    this.#timers = undefined;
    const broken = this.#runtime;
    this.#runtime = undefined;
    void broken?.close(0).catch(error => this.log.error({ err: error }, 'Cannot close a runtime that failed'));
  }
}
