/** The runtime as a module sees it: no I/O, no globals. Implemented by src/runtime.ts, and by a small fake in unit tests. */

import type { Core } from '../core/load.ts';
import type { Logger } from '../core/log.ts';
import type { ByteStr } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import type { Database } from './db.ts';
import type { Pv, TransformationHost } from './pv-types.ts';
import type { Shared } from './shared/shared.ts';
import type { Targets } from './targets.ts';
import type { WebSocketLinks } from './web-socket.ts';

/** One listening socket. */
export interface Socket {
  readonly index: number;
  readonly proto: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | 'sctp';
  /** address as text, no brackets */
  readonly ip: ByteStr;
  readonly port: number;
  readonly advertisedIp?: ByteStr;
  readonly advertisedPort?: number;
  /** name="..." of the listen parameter */
  readonly name?: ByteStr;
  /** It listens on nothing of its own: WebSockets that connections of that socket became. */
  readonly shares?: number;
}

/** What to do about connections; without meaning for datagrams. */
export interface SendHow {
  /** id of the connection to take when it is still open and leads to the same address; 0, absent, or not so: one to the same address and port, else a new one */
  readonly connection?: number;
  /** never opens a connection */
  readonly noConnect?: boolean;
  /** closes the connection behind these bytes */
  readonly close?: boolean;
  /** Called when bytes that were taken did not leave after all: the connection could not be made. Never from inside send(). */
  readonly lost?: () => void;
  /** for a new TLS connection: id of the client profile, and the name that the server is asked for (SNI), in place of the profile's */
  readonly serverId?: string;
  readonly serverName?: string;
}

/** Where bytes go. */
export interface Destination extends SendHow {
  readonly socket: number;
  readonly proto: Socket['proto'];
  readonly ip: ByteStr;
  readonly port: number;
}

/** One connection as it is now. */
export interface ConnectionInfo {
  readonly id: number;
  readonly proto: Socket['proto'];
  /** accepting and connecting: it is being made (a handshake of TLS included); ending: nothing new goes by it */
  readonly state: 'accepting' | 'connecting' | 'open' | 'ending';
  /** the peer opened it */
  readonly incoming: boolean;
  /** address of the peer */
  readonly ip: ByteStr;
  readonly port: number;
  readonly localIp: ByteStr;
  readonly localPort: number;
  /** index of the socket it belongs to */
  readonly socket: number;
  /** milliseconds that it may be without a byte in or out, and what is left of them; Infinity for ever */
  readonly lifetimeMs: number;
  readonly leftMs: number;
  /** bytes that the kernel has not taken */
  readonly queuedBytes: number;
  /** other ports of the peer that lead to it */
  readonly aliases: readonly number[];
}

/** Why a connection is gone: one side closed it; it went silent, or was not served in time; it was reset; nothing went by it for its lifetime. */
export type CloseReason = 'closed' | 'timeout' | 'reset' | 'expired';

/** Which connection something is about. */
export interface ConnectionRef {
  readonly id: number;
  readonly proto: Socket['proto'];
  /** index of its socket */
  readonly socket: number;
  /** address of the peer */
  readonly ip: ByteStr;
  readonly port: number;
}

/** A connection that is gone, or by which nothing comes in any more. */
export interface ClosedConnection extends ConnectionRef {
  readonly reason: CloseReason;
}

/** Probes of an idle connection, in seconds. */
export interface KeepAlive {
  readonly idleSec: number;
  readonly count: number;
  readonly intervalSec: number;
}

/** A certificate as it is written, in Unicode text, and the parts of it that scripts ask for. */
export interface Certificate {
  readonly pem: string;
  /** distinguished names, one `key=value` a line, as OpenSSL names the keys (CN, O, OU, C, ST, L, emailAddress) */
  readonly subject: string;
  readonly issuer: string;
  /** hexadecimal, upper case */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** 1 to 3 */
  readonly version: number;
  /** `DNS:a, URI:sip:b` */
  readonly alternative: string;
}

/** The protection of a connection. */
export interface Security {
  /** TLSv1.3 */
  readonly version: string;
  /** as OpenSSL names it */
  readonly cipher: string;
  readonly bits: number;
  /** the peer has a certificate that leads to a CA of ours */
  readonly verified: boolean;
  /** why not, as OpenSSL names it; undefined when verified, or when there is no certificate */
  readonly verifyError?: string;
  /** name that the client asked for */
  readonly serverName?: string;
  readonly peer?: Certificate;
  readonly own?: Certificate;
}

/** The connections of all transports. Their ids are what messages carry (L.M_CONID). */
export interface Connections {
  /** how many there are, of a protocol */
  count(proto?: Socket['proto']): number;
  get(id: number): ConnectionInfo | undefined;
  list(): ConnectionInfo[];
  /** The connection that a message to that address would take. @param proto any when absent  @returns 0 when there is none */
  find(ip: ByteStr, port: number, proto?: Socket['proto']): number;
  /** Closes it when what waits has left. @returns false when there is none */
  close(id: number): boolean;
  /** How long it may go on without a byte in or out, from now on. @param ms Infinity for ever  @returns false when there is none */
  setLifetime(id: number, ms: number): boolean;
  /** @param how undefined turns probes off  @returns false when there is none */
  setKeepAlive(id: number, how: KeepAlive | undefined): boolean;
  /** From now on what goes to that port of the peer takes this connection. @returns false when there is none, it has enough aliases, or another one has that port */
  addAlias(id: number, port: number): boolean;
  /** undefined where there is none, or the connection is not protected */
  security(id: number): Security | undefined;
  /** limits by their core parameter, for core.tcp_options and tls.info */
  readonly options: Readonly<Record<string, number>>;
}

/** Certificates of the transports. */
export interface TlsControl {
  /** Reads files and certificates anew, for new connections. @throws Error saying what is wrong: the old ones stay then */
  reload(): void;
  /** the profiles in use, by the names of tls.cfg */
  profiles(): readonly Readonly<Record<string, string | number>>[];
}

/** Asks the DNS. A name without such records gives an empty list; a rejected promise is a failure (no server, timeout). Names and results are text. */
export interface Resolver {
  /** A and AAAA records, in the order in which they shall be tried */
  addresses(name: string): Promise<{ ip: string; family: 4 | 6 }[]>;
  srv(name: string): Promise<{ priority: number; weight: number; port: number; target: string }[]>;
  naptr(
    name: string,
  ): Promise<
    { order: number; preference: number; flags: string; services: string; regexp: string; replacement: string }[]
  >;
  /** names of an address */
  ptr(ip: string): Promise<string[]>;
}

/** A message on its way out, while the onsend route looks at it. */
export interface Sending {
  /** BORROWED for the time of the route */
  readonly data: Uint8Array;
  readonly to: Destination;
}

export interface Statistics {
  /**
   * Registers `group.name` (Kamailio: `group:name`) as a counter at 0, or as a reading.
   * @param whole the reading is that of the server, not of this runtime: it is not added to those of others
   */
  define(group: string, name: string, read?: () => number, whole?: boolean): void;
  add(group: string, name: string, by?: number): void;
  /** The counter itself, for who adds to it often; made when there is none. Not for readings. */
  counter(group: string, name: string): { value: number };
  set(group: string, name: string, value: number): void;
  get(group: string, name: string): number | undefined;
  /** finds a statistic by its bare name, as `$stat(name)` does; undefined when there is none */
  find(name: string): { group: string; name: string; value: number } | undefined;
  list(): { group: string; name: string; value: number }[];
}

/** Bytes in the core's memory. */
export interface Text {
  readonly at: number;
  readonly length: number;
}

export interface Timer {
  cancel(): void;
}

export interface ModuleHost extends TransformationHost {
  readonly log: Logger;
  readonly core: Core;
  /** wall clock, milliseconds since 1970; injected, so that tests own it */
  now(): number;
  /** monotonic clock, milliseconds */
  monotonic(): number;
  /** 0 <= x < 1; injected */
  random(): number;
  readonly sockets: readonly Socket[];
  /** where requests and answers go */
  readonly targets: Targets;
  /**
   * Whether the address is one of ours: a listening socket, an alias, an advertised address.
   * @param host name or address, IPv6 with or without brackets, any case  @param port 0 matches any port  @param proto 0 (PROTO_NONE) matches any
   */
  isMyself(host: ByteStr, port: number, proto: number): boolean;
  /** Takes a domain and all below it as ours. @param text [proto:]domain[:port]  @returns false when it does not read so */
  addMyDomain?(text: ByteStr): boolean;
  /** Sends bytes; the transport copies them. @returns false when no such socket exists or it is closed */
  send(data: Uint8Array, to: Destination): boolean;
  /**
   * Sends what a message that is passed on has become, behind the onsend route when there is one.
   * @param at address of that message  @returns false also when the route dropped it
   */
  sendFor(at: number, data: Uint8Array, to: Destination): boolean;
  /** What is being sent, while the onsend route runs. */
  readonly sending?: Sending | undefined;
  /** Calls fn every `ms` milliseconds of the runtime's clock, until cancelled or the runtime closes. */
  every(ms: number, fn: () => void): Timer;
  after(ms: number, fn: () => void): Timer;
  readonly stats: Statistics;
  /** what this runtime has in common with others of the same server; absent: it is alone */
  readonly shared?: Shared;
  /**
   * Tells the same module of another runtime something, with `shared`: its onTold() is called soon, if that runtime is there.
   * @param data plain values: they are cloned on the way
   */
  tell?(module: string, worker: number, data: unknown): void;
  /** The state of another loaded module, undefined when it is not loaded. */
  module<S>(name: string): S | undefined;
  /** The message being routed, undefined outside of a route. */
  readonly message: SipMsg | undefined;
  /** Compiles a PV reference; cached. @returns undefined (and logs) when it is not exactly one PV */
  pv(spec: ByteStr): Pv | undefined;
  /** Evaluates text with PVs in it, as xlog does: `$ru`, `$(hdr(X)[0])`, `$$`; null PVs give "<null>". @returns undefined (logged) when it does not parse */
  format(text: ByteStr): ByteStr | undefined;
  /** Whether format() would give a text: logs why not, as format() does. */
  parses?(text: ByteStr): boolean;
  /** names set with -A NAME[=VALUE] or #!define */
  readonly defines: ReadonlyMap<string, ByteStr>;
  /** core parameters that a kamailio.cfg set, by name; undefined when there is none */
  readonly coreParams?: Readonly<Record<string, number | ByteStr>>;
  /** text of the User-Agent header for requests that a module makes; undefined: the module's own choice; '' for none */
  readonly userAgent?: ByteStr;
  /** environment variables the host grants to scripts */
  readonly env: ReadonlyMap<string, ByteStr>;
  /** absent: names are not resolved, and what needs that says so */
  readonly resolver?: Resolver;
  /** absent where no transport has connections */
  readonly connections?: Connections;
  /** absent where no transport speaks TLS */
  readonly tls?: TlsControl;
  /** reads a file where the host grants it; undefined when absent or not granted */
  readFile?(path: string): Uint8Array | undefined;
  writeFile?(path: string, data: Uint8Array): boolean;
  /**
   * The database behind a db_url, opened once for each url and closed with the runtime.
   * @throws KemiError KEMI_ERR_CONFIG when no database can be opened here, or not this one
   */
  database(url: string): Database;
  /**
   * Runs an RPC command, as ctl does; its parameters and its result are JSON with Unicode text.
   * @returns the result, or a promise of it where the command waits
   * @throws RpcError with Kamailio's code (or the promise rejects with one)
   */
  callRpc?(method: string, params?: unknown): unknown;
  /** L.RK_* of the route that runs with the current message; RK_NONE outside of a route */
  readonly route: number;
  /**
   * Runs a callback of the loaded script with a given message, as a route of the given kind; drop() is possible where Kamailio allows it.
   * @param at address of the message: BORROWED for the time of the route, across waits  @param kind L.RK_*
   * @returns bits: 1 it ran, 2 it dropped, 4 an error ended it; 0 there is no such function. A promise of that, never rejected, when the route waits
   */
  runRouteOn(at: number, kind: number, name: ByteStr, arg: ByteStr | undefined): number | Promise<number>;
  /** A message by its address. */
  at(at: number): SipMsg;
  /** Adds an owner to a message: it lives until release() was called as often as keep(), and the runtime is done with it. */
  keep(at: number): void;
  release(at: number): void;
  /** perMessage of a message, undefined when nobody asked for it yet */
  storeOf(at: number): Map<unknown, unknown> | undefined;
  /** perMessage of a message, made when there is none */
  makeStore(at: number): Map<unknown, unknown>;
  /** A text that stays in the core's memory for the life of the runtime, made when first asked for. @param key what it is kept by */
  lasting(key: string, make: () => ByteStr): Text;
  /** What modules/core/via.ts keeps for each socket, by its index. */
  readonly viaTexts: (Text | undefined)[];
  /** How many of a thing there may be at once. */
  readonly limits: { readonly transactions: number };
  /** 16 bytes that nobody outside knows, the same for each runtime with the same secret. @param name what they are for */
  secret(name: string): Uint8Array;
  /** WebSockets of the transport; absent where there are none */
  readonly webSockets?: WebSocketLinks;
  /** Runs a route callback of the loaded script by name, with the current message. @returns false when there is no such function */
  runRoute(name: ByteStr, arg?: ByteStr): boolean;
  /** @param kind L.RK_* of the route it would run as; absent: a callback by its plain name */
  hasRoute(name: ByteStr, kind?: number): boolean;
  /** whether the routing blocks of a kamailio.cfg route, not a script */
  readonly native?: boolean;
  /** return code of the last command of a native routing block ($rc): the engine sets it */
  returnCode?: number;
  /** per-message scratch of modules ($avp, $xavp, iterators): cleared when the message is done */
  readonly perMessage: Map<unknown, unknown>;
  /** what the runtime is, for $version(..), core.version, the Server header */
  readonly version: string;
}
