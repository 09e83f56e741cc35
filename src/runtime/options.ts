/** What a runtime is given from outside: it does no I/O of its own. */

import type { ConfigHost } from '../cfg/config.ts';
import type { ComponentOptions } from '../components/module.ts';
import type { Logger } from '../core/log.ts';
import type { ByteStr, ByteText } from '../core/memory.ts';
import { KemiError } from '../errors.ts';
import type { OpenDatabase } from '../kemi/db.ts';
import type { Connections, Resolver, SendHow, Socket, TlsControl } from '../kemi/host.ts';
import type { Shared } from '../kemi/shared/shared.ts';
import type { AnyModule } from '../kemi/table.ts';
import type { WebSocketLinks } from '../kemi/web-socket.ts';
import type { LogPrefix } from './log-prefix.ts';

/** Where a message came from. */
export interface Source {
  /** address as text, no brackets */
  readonly ip: string;
  /** 1..65535 */
  readonly port: number;
  /** 4 or 6 */
  readonly family?: 4 | 6;
  /** id of the connection, 1..0xffffffff; absent for a datagram */
  readonly connection?: number;
  /** the bytes are only the start of a message that is longer than the limit: it is answered with 513 */
  readonly tooLong?: boolean;
  /** another runtime of this server got it and gave it to this one: it stays here */
  readonly handedOver?: boolean;
}

export interface Limits {
  /** Lua instructions per route, counted in thousands of VM instructions' granularity; 0 is off (trusted scripts) */
  readonly instructions: number;
  /** Lua instructions of a script's top level when it loads; 0 is off */
  readonly loadInstructions: number;
  /** pages of 64 KiB of the one linear memory, 256..65536 */
  readonly memoryPages: number;
  /** bytes of one message, 64..65535; a longer one is answered with 513 */
  readonly messageBytes: number;
  /** messages alive at once (a suspended route keeps its own), 1..60000; above it requests get 503 */
  readonly messages: number;
  /** transactions at once, 1..1000000; above it t_relay() and t_newtran() fail, and the request gets 503 */
  readonly transactions: number;
  /** milliseconds that a suspended call may wait before its route is abandoned with 500 */
  readonly waitMs: number;
  /** MiB of the memory that several workers share, 1..1024: it holds registrations, htables and the like, and takes what is in use */
  readonly sharedMiB: number;
}

export const DEFAULT_LIMITS: Limits = {
  instructions: 0,
  loadInstructions: 500_000_000,
  memoryPages: 4096,
  messageBytes: 65535,
  messages: 16384,
  transactions: 65536,
  waitMs: 30_000,
  sharedMiB: 256,
};

export interface ModParamSetting {
  readonly module: string;
  readonly name: string;
  readonly value: number | ByteStr;
}

/** Sends by one socket: RuntimeOptions.send without the socket; `how` may be there for datagrams, too. */
export type SocketSend = (data: Uint8Array, ip: string, port: number, how?: SendHow) => boolean;

/** @returns how to send, by index of the socket */
export function sendsOf(send: RuntimeOptions['send'], sockets: readonly Socket[]): readonly SocketSend[] {
  return sockets.map(socket => {
    if (typeof send === 'object') return send.by(socket);
    if (socket.proto === 'udp') return (data, ip, port) => send(socket, data, ip, port);
    return (data, ip, port, how) => send(socket, data, ip, port, how);
  });
}

/** Starts fn after or every `ms` milliseconds; the result stops it. */
export type StartTimer = (ms: number, fn: () => void) => () => void;

/** Names of the script's callbacks (kemi.request_route_callback and its like). '' or 'none' turns one off. */
export interface Callbacks {
  readonly request: string;
  readonly reply: string;
  /** runs before a message that is passed on is sent */
  readonly onsend: string;
}

export interface RuntimeOptions {
  /** compiled build/lua.wasm and build/core.wasm; byteText: how the host makes byte strings of a buffer, for speed */
  readonly wasm: {
    readonly lua: WebAssembly.Module;
    readonly core: WebAssembly.Module;
    readonly byteText?: (buffer: ArrayBuffer) => ByteText;
  };
  /** what we listen on; the index is the position */
  readonly sockets: readonly Omit<Socket, 'index'>[];
  /**
   * Sends one message. `data` is BORROWED: copy what is kept.
   * @param how what to do about connections; absent for datagrams  @returns false when it cannot be sent
   *
   * Or how each socket sends: asked once for each of them.
   */
  readonly send:
    | ((socket: Socket, data: Uint8Array, ip: string, port: number, how?: SendHow) => boolean)
    | { readonly by: (socket: Socket) => SocketSend };
  /** the WebSockets among the connections, for module websocket */
  readonly webSockets?: WebSocketLinks;
  readonly log?: Logger;
  /** wall clock, milliseconds */
  readonly now?: () => number;
  /** monotonic clock, milliseconds */
  readonly monotonic?: () => number;
  /** 0 <= x < 1 */
  readonly random?: () => number;
  /** names are not resolved without one */
  readonly resolver?: Resolver;
  /** the connections of what `send` sends by, for scripts and RPC that look after them */
  readonly connections?: Connections;
  /** the certificates of it */
  readonly tls?: TlsControl;
  readonly every?: StartTimer;
  readonly after?: StartTimer;
  /** 16 bytes or more from which To-tags are made; random when absent. Give the same to servers that share an address */
  readonly secret?: Uint8Array;
  readonly limits?: Partial<Limits>;
  readonly modparams?: readonly ModParamSetting[];
  /** modules to load, by name; all there are when absent */
  readonly modules?: readonly string[];
  /** modules of your own, loaded behind ours: see defineModule() */
  readonly extraModules?: readonly AnyModule[];
  /** extension modules: WebAssembly components, loaded behind all others */
  readonly components?: readonly ComponentOptions[];
  readonly defines?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** host, host:port or proto:host:port that count as ourselves */
  readonly aliases?: readonly string[];
  /** what this runtime has in common with others that serve the same addresses; absent: it is alone. They need the same `secret` */
  readonly shared?: Shared;
  /** Gives a message to the runtime (Shared.worker) that has its transaction; with `shared`. BORROWED */
  readonly handOver?: (worker: number, bytes: Uint8Array, from: Source, socket: number) => void;
  /** Brings what a module has to say to the same module of another runtime, which takes it with Runtime.told(); with `shared` */
  readonly tell?: (worker: number, module: string, data: unknown) => void;
  /** Runs an RPC command in all runtimes that share, for scripts (KSR.jsonrpcs); with `shared` */
  readonly callAll?: (method: string, params: unknown) => Promise<unknown>;
  /** What the RPC command app_lua.reload does where several runtimes serve: all of them reload, or none */
  readonly reloadAll?: () => Promise<{ readonly name: string; readonly version: number; readonly loadedMs: number }>;
  /** text of the Server header; '' sends none */
  readonly serverHeader?: string;
  readonly callbacks?: Partial<Callbacks>;
  /** what runs scripts: Lua (the default), or 'native' for the routing blocks of a kamailio.cfg */
  readonly engine?: 'lua' | 'native';
  /** how a kamailio.cfg that the native engine runs is read: its includes, #!define, $env(); absent: it includes nothing */
  readonly config?: ConfigHost;
  /** text of the User-Agent header of requests that are made here; default: each module's own */
  readonly userAgent?: string;
  /** text in front of what is logged while a message is routed (Kamailio's log_prefix) */
  readonly logPrefix?: LogPrefix;
  /** every reply goes to the source port, as if the Via had rport (Kamailio's force_rport=yes) */
  readonly forceRport?: boolean;
  /** core parameters of a kamailio.cfg, by name: for modules that have a use for one */
  readonly coreParams?: Readonly<Record<string, number | ByteStr>>;
  /** reads a file for require, dofile and corex.file_read, where granted */
  readonly readFile?: (path: string) => Uint8Array | undefined;
  readonly writeFile?: (path: string, data: Uint8Array) => boolean;
  /** opens what db_url modparams name; without it there is no database */
  readonly openDatabase?: OpenDatabase;
  /** db_url of the modules that have such a modparam and were given none */
  readonly db?: string;
  /** what io.write and print print; default: the log at info */
  readonly print?: (line: string) => void;
  /**
   * 'inplace' reads Lua's values directly, 'api' goes through Lua's C API; 'auto' takes the first when its self-check passes. Of routing blocks 'api' runs every
   * instruction in TypeScript, the others run in the core what they can
   */
  readonly lane?: 'auto' | 'api' | 'inplace';
}

/** @throws KemiError KEMI_ERR_CONFIG naming the limit and its range */
export function checkLimits(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const ranges: Record<keyof Limits, [number, number]> = {
    instructions: [0, Number.MAX_SAFE_INTEGER],
    loadInstructions: [0, Number.MAX_SAFE_INTEGER],
    memoryPages: [256, 65536],
    messageBytes: [64, 65535],
    messages: [1, 60000],
    transactions: [1, 1_000_000],
    waitMs: [1, 3_600_000],
    sharedMiB: [1, 1024],
  };
  for (const [name, [least, most]] of Object.entries(ranges) as [keyof Limits, [number, number]][]) {
    const value = limits[name];
    if (!Number.isInteger(value) || value < least || value > most)
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot use limit ${name}=${value}: it must be a whole number from ${least} to ${most}`,
      );
  }
  return limits;
}
