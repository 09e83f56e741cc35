/** The runtime as modules see it (src/kemi/host.ts). */
import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { Logger } from '../core/log.ts';
import { type ByteStr, byteStr, byteStrOf } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import { KemiError } from '../errors.ts';
import type { Database } from '../kemi/db.ts';
import type {
  Connections,
  Destination,
  ModuleHost,
  Resolver,
  Sending,
  Socket,
  Statistics,
  Text,
  Timer,
  TlsControl,
} from '../kemi/host.ts';
import type { Pv } from '../kemi/pv-types.ts';
import type { Shared } from '../kemi/shared/shared.ts';
import type { Targets } from '../kemi/targets.ts';
import type { WebSocketLinks } from '../kemi/web-socket.ts';
import type { Messages } from './messages.ts';
import type { RuntimeOptions, SocketSend, StartTimer } from './options.ts';
import type { SelfAddresses } from './self.ts';

/** What the host needs of the runtime that owns it. */
export interface HostParts {
  readonly core: Core;
  readonly log: Logger;
  readonly options: RuntimeOptions;
  readonly sockets: readonly Socket[];
  /** how each of them sends */
  readonly sends: readonly SocketSend[];
  readonly targets: Targets;
  readonly self: SelfAddresses;
  readonly messages: Messages;
  readonly stats: Statistics;
  readonly version: string;
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly random: () => number;
  readonly every: StartTimer;
  readonly after: StartTimer;
  readonly states: ReadonlyMap<string, unknown>;
  readonly pv: (spec: ByteStr) => Pv | undefined;
  readonly format: (text: ByteStr) => ByteStr | undefined;
  readonly parses: (text: ByteStr) => boolean;
  readonly runRoute: (name: ByteStr, arg?: ByteStr) => boolean;
  readonly runRouteOn: ModuleHost['runRouteOn'];
  readonly hasRoute: ModuleHost['hasRoute'];
  readonly callRpc: (method: string, params?: unknown) => unknown;
  readonly limits: ModuleHost['limits'];
  readonly secret: Uint8Array;
  /** Runs the onsend route. @returns whether the message may go */
  readonly onSend: (at: number) => boolean;
}

export class RuntimeHost implements ModuleHost {
  readonly core: Core;
  readonly log: Logger;
  readonly sockets: readonly Socket[];
  readonly targets: Targets;
  readonly stats: Statistics;
  readonly version: string;
  readonly defines: ReadonlyMap<string, ByteStr>;
  readonly env: ReadonlyMap<string, ByteStr>;
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly random: () => number;
  readonly pv: (spec: ByteStr) => Pv | undefined;
  readonly format: (text: ByteStr) => ByteStr | undefined;
  readonly parses: (text: ByteStr) => boolean;
  readonly runRoute: (name: ByteStr, arg?: ByteStr) => boolean;
  readonly runRouteOn: ModuleHost['runRouteOn'];
  readonly webSockets?: WebSocketLinks;
  readonly hasRoute: ModuleHost['hasRoute'];
  readonly callRpc: (method: string, params?: unknown) => unknown;
  readonly limits: ModuleHost['limits'];
  readonly shared?: Shared;
  readonly tell?: (module: string, worker: number, data: unknown) => void;
  readonly resolver?: Resolver;
  readonly connections?: Connections;
  readonly tls?: TlsControl;
  readonly readFile?: (path: string) => Uint8Array | undefined;
  readonly writeFile?: (path: string, data: Uint8Array) => boolean;
  readonly coreParams?: Readonly<Record<string, number | ByteStr>>;
  readonly userAgent?: ByteStr;
  /** whether what runs now has an onsend route, and for replies too */
  onSendRoute: 'no' | 'requests' | 'all' = 'no';
  sending: Sending | undefined;
  readonly native: boolean;
  readonly at: Messages['at'];
  readonly keep: Messages['keep'];
  readonly release: Messages['release'];
  readonly storeOf: Messages['storeOf'];
  readonly makeStore: Messages['makeStore'];
  readonly viaTexts: (Text | undefined)[] = [];
  readonly #parts: HostParts;
  readonly #messages: Messages;
  readonly #sends: readonly SocketSend[];
  readonly #returnCodeAt: number;
  readonly #timers = new Set<() => void>();
  readonly #texts = new Map<string, Text>();
  readonly #databases = new Map<string, Database>();

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#sends = parts.sends;
    const { messages } = parts;
    this.#messages = messages;
    this.at = messages.at;
    this.keep = messages.keep;
    this.release = messages.release;
    this.storeOf = messages.storeOf;
    this.makeStore = messages.makeStore;
    this.native = parts.options.engine === 'native';
    this.core = parts.core;
    this.#returnCodeAt = parts.core.x.cfgState() + L.CS_RC;
    this.log = parts.log;
    this.sockets = parts.sockets;
    this.targets = parts.targets;
    this.stats = parts.stats;
    this.version = parts.version;
    this.now = parts.now;
    this.monotonic = parts.monotonic;
    this.random = parts.random;
    this.pv = parts.pv;
    this.format = parts.format;
    this.parses = parts.parses;
    this.runRoute = parts.runRoute;
    this.runRouteOn = parts.runRouteOn;
    if (parts.options.webSockets) this.webSockets = parts.options.webSockets;
    this.limits = parts.limits;
    this.hasRoute = parts.hasRoute;
    this.callRpc = parts.callRpc;
    const byteMap = (given: Readonly<Record<string, string>> = {}) =>
      new Map(Object.entries(given).map(([k, v]) => [k, byteStrOf(v)]));
    this.defines = byteMap(parts.options.defines);
    this.env = byteMap(parts.options.env);
    const { shared, tell } = parts.options;
    if (shared) this.shared = shared;
    if (tell) this.tell = (module, worker, data) => tell(worker, module, data);
    if (parts.options.resolver) this.resolver = parts.options.resolver;
    if (parts.options.connections) this.connections = parts.options.connections;
    if (parts.options.tls) this.tls = parts.options.tls;
    if (parts.options.readFile) this.readFile = parts.options.readFile;
    if (parts.options.writeFile) this.writeFile = parts.options.writeFile;
    if (parts.options.coreParams) this.coreParams = parts.options.coreParams;
    if (parts.options.userAgent !== undefined) this.userAgent = byteStrOf(parts.options.userAgent);
  }

  /** $rc: in the core's memory, where its part of the native engine sets it. */
  get returnCode(): number {
    return this.core.mem.i32(this.#returnCodeAt);
  }
  set returnCode(code: number) {
    this.core.mem.setU32(this.#returnCodeAt, code);
  }

  get message(): SipMsg | undefined {
    return this.#messages.current;
  }

  get perMessage(): Map<unknown, unknown> {
    return this.#messages.perMessage;
  }

  isMyself(host: ByteStr, port: number, proto: number): boolean {
    return this.#parts.self.has(host, port, proto);
  }

  addMyDomain(text: ByteStr): boolean {
    return this.#parts.self.addDomain(text);
  }

  get route(): number {
    const at: number = this.core.x.currentMsg();
    return at ? this.core.mem.u8[at + L.M_ROUTE]! : L.RK_NONE;
  }

  lasting(key: string, make: () => ByteStr): Text {
    let text = this.#texts.get(key);
    if (!text) {
      const bytes = make();
      const at: number = this.core.lua.malloc(bytes.length + L.SLACK);
      if (!at) throw new KemiError('KEMI_ERR_NO_MEMORY', `Cannot keep "${key}": the linear memory is full`);
      this.core.mem.putStr(at, bytes);
      this.#texts.set(key, (text = { at, length: bytes.length }));
    }
    return text;
  }

  secret(name: string): Uint8Array {
    const hex = this.sha256(`${byteStr(this.#parts.secret)}${name}`);
    return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  }

  send(data: Uint8Array, to: Destination): boolean {
    const send = this.#sends[to.socket];
    return send?.(data, to.ip, to.port, to) ?? false;
  }

  sendFor(at: number, data: Uint8Array, to: Destination): boolean {
    const which = this.onSendRoute;
    if (which === 'no' || this.sending) return this.send(data, to);
    if (which === 'requests' && this.core.mem.u8[at + L.M_KIND] !== 1) return this.send(data, to);
    // the route may write where the bytes lie, and memory may move
    const kept = data.slice();
    this.sending = { data: kept, to };
    let goes: boolean;
    try {
      goes = this.#parts.onSend(at);
    } finally {
      this.sending = undefined;
    }
    return goes && this.send(kept, to);
  }

  every(ms: number, fn: () => void): Timer {
    return this.#timer(this.#parts.every, ms, fn, false);
  }

  after(ms: number, fn: () => void): Timer {
    return this.#timer(this.#parts.after, ms, fn, true);
  }

  module<S>(name: string): S | undefined {
    return this.#parts.states.get(name) as S | undefined;
  }

  md5(data: ByteStr): ByteStr {
    return this.#digest('md5', data, 16);
  }

  sha256(data: ByteStr): ByteStr {
    return this.#digest('sha256', data, 32);
  }

  database(url: string): Database {
    let database = this.#databases.get(url);
    if (!database) {
      const open = this.#parts.options.openDatabase;
      if (!open)
        throw new KemiError('KEMI_ERR_CONFIG', `Cannot open the database ${url}: no database is available here`);
      this.#databases.set(url, (database = open(url)));
    }
    return database;
  }

  /** Stops every timer, closes the databases. */
  async close(): Promise<void> {
    for (const stop of this.#timers) stop();
    this.#timers.clear();
    const open = [...this.#databases.values()];
    this.#databases.clear();
    for (const database of open) await database.close();
  }

  #timer(start: StartTimer, ms: number, fn: () => void, once: boolean): Timer {
    const stop = start(ms, () => {
      if (once) this.#timers.delete(stop);
      try {
        fn();
      } catch (error) {
        this.log.error({ err: error }, 'A timer failed');
      }
    });
    this.#timers.add(stop);
    return {
      cancel: () => {
        this.#timers.delete(stop);
        stop();
      },
    };
  }

  /** Digest in the core, as lower-case hex. */
  #digest(name: 'md5' | 'sha256', data: ByteStr, size: number): ByteStr {
    const { core } = this;
    const at = core.lua.malloc(data.length + 64 + size);
    core.mem.putStr(at + size, data);
    core.x[name](at + size, data.length, at);
    const { u8 } = core.mem;
    let hex = '';
    for (let i = at; i < at + size; i++) hex += HEX[u8[i]!]!;
    core.lua.free(at);
    return hex;
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
