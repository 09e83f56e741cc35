/** The runtime as modules see it (src/kemi/host.ts). */
import type { Core } from '../core/load.ts';
import type { Logger } from '../core/log.ts';
import { type ByteStr, byteStrOf } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import { KemiError } from '../errors.ts';
import type { Database } from '../kemi/db.ts';
import type { Destination, ModuleHost, Resolver, Socket, Statistics, Timer } from '../kemi/host.ts';
import type { Pv } from '../kemi/pv-types.ts';
import type { Messages } from './messages.ts';
import type { RuntimeOptions, StartTimer } from './options.ts';
import type { SelfAddresses } from './self.ts';

/** What the host needs of the runtime that owns it. */
export interface HostParts {
  readonly core: Core;
  readonly log: Logger;
  readonly options: RuntimeOptions;
  readonly sockets: readonly Socket[];
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
  readonly runRoute: (name: ByteStr, arg?: ByteStr) => boolean;
  readonly hasRoute: (name: ByteStr) => boolean;
}

export class RuntimeHost implements ModuleHost {
  readonly core: Core;
  readonly log: Logger;
  readonly sockets: readonly Socket[];
  readonly stats: Statistics;
  readonly version: string;
  readonly defines: ReadonlyMap<string, ByteStr>;
  readonly env: ReadonlyMap<string, ByteStr>;
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly random: () => number;
  readonly pv: (spec: ByteStr) => Pv | undefined;
  readonly format: (text: ByteStr) => ByteStr | undefined;
  readonly runRoute: (name: ByteStr, arg?: ByteStr) => boolean;
  readonly hasRoute: (name: ByteStr) => boolean;
  readonly resolver?: Resolver;
  readonly readFile?: (path: string) => Uint8Array | undefined;
  readonly writeFile?: (path: string, data: Uint8Array) => boolean;
  readonly #parts: HostParts;
  readonly #timers = new Set<() => void>();
  readonly #databases = new Map<string, Database>();

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.core = parts.core;
    this.log = parts.log;
    this.sockets = parts.sockets;
    this.stats = parts.stats;
    this.version = parts.version;
    this.now = parts.now;
    this.monotonic = parts.monotonic;
    this.random = parts.random;
    this.pv = parts.pv;
    this.format = parts.format;
    this.runRoute = parts.runRoute;
    this.hasRoute = parts.hasRoute;
    const byteMap = (given: Readonly<Record<string, string>> = {}) =>
      new Map(Object.entries(given).map(([k, v]) => [k, byteStrOf(v)]));
    this.defines = byteMap(parts.options.defines);
    this.env = byteMap(parts.options.env);
    if (parts.options.resolver) this.resolver = parts.options.resolver;
    if (parts.options.readFile) this.readFile = parts.options.readFile;
    if (parts.options.writeFile) this.writeFile = parts.options.writeFile;
  }

  get message(): SipMsg | undefined {
    return this.#parts.messages.current;
  }

  get perMessage(): Map<unknown, unknown> {
    return this.#parts.messages.perMessage;
  }

  isMyself(host: ByteStr, port: number, proto: number): boolean {
    return this.#parts.self.has(host, port, proto);
  }

  send(data: Uint8Array, to: Destination): boolean {
    const socket = this.sockets[to.socket];
    return socket !== undefined && this.#parts.options.send(socket, data, to.ip, to.port);
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
