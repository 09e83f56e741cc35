/**
 * SIP over WebSocket (RFC 7118) on sockets that somebody else accepted: one message a frame, no listening, no connecting. A peer's port is not known where a proxy
 * stands in front, so each connection gets one that no other has: address and port find it, as with TCP.
 */
import { type Logger, silentLogger } from '../../core/log.ts';
import { byteStrOf } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { ClosedConnection, CloseReason, SendHow, Socket } from '../../kemi/host.ts';
import { newWebSocketCounters, type WebSocketCounters } from '../../kemi/web-socket.ts';
import {
  type ListenAddress,
  newCounters,
  type Receiver,
  type Source,
  type Transport,
  type TransportCounters,
} from '../transport.ts';
import type { ServerSocket } from './platform.ts';

export interface ConnectionLimits {
  /** connections at once */
  readonly connections: number;
  /** connections at once from one address */
  readonly perAddress: number;
  /** bytes of one message */
  readonly messageBytes: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = { connections: 2000, perAddress: 200, messageBytes: 65535 };

/** What outlives the object's memory: with it a connection is found again. */
export interface ConnectionRecord {
  readonly id: number;
  readonly ip: string;
  readonly port: number;
}

export interface Connection extends ConnectionRecord {
  readonly socket: ServerSocket;
  readonly from: Source;
  /** index of the listening socket */
  readonly index: number;
  /** what the peer sent last: it gets the same kind of frames */
  binary: boolean;
  /** when a message last came or went; the object's clock, milliseconds */
  usedMs: number;
}

/** RFC 6455 7.4.1 */
const TOO_BIG = 1009;
const NORMAL = 1000;

const FIRST_PORT = 1024;
const LAST_PORT = 65535;
const PING = '\r\n\r\n';
const PONG = '\r\n';

export class WebSocketConnections implements Transport {
  readonly counters: TransportCounters = newCounters();
  /** the same in Kamailio's words */
  readonly frames: WebSocketCounters = newWebSocketCounters();
  readonly limits: ConnectionLimits;
  sockets: readonly Socket[] = [];
  readonly #log: Logger;
  readonly #byId = new Map<number, Connection>();
  readonly #byPeer = new Map<string, Connection>();
  readonly #perAddress = new Map<string, number>();
  readonly #encoder = new TextEncoder();
  /** a byte order mark is a byte like any other */
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #receiver: Receiver | undefined;
  #gone: ((connection: ClosedConnection) => void) | undefined;
  #closed = false;
  #nextId: number;
  #nextPort: number;
  readonly #now: () => number;

  /** @param now milliseconds  @param random 0 <= x < 1: ids of an earlier life must not meet ours */
  constructor(
    limits: Partial<ConnectionLimits> = {},
    log: Logger = silentLogger,
    random: () => number = Math.random,
    now: () => number = Date.now,
  ) {
    this.limits = { ...DEFAULT_CONNECTION_LIMITS, ...limits };
    this.#log = log;
    this.#now = now;
    this.#nextId = 1 + Math.floor(random() * 0x3fffffff);
    this.#nextPort = FIRST_PORT + Math.floor(random() * (LAST_PORT - FIRST_PORT));
  }

  get connections(): number {
    return this.#byId.size;
  }

  async open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]> {
    return this.listen(addresses);
  }

  /** open(), at once: there is nothing to wait for. */
  listen(addresses: readonly ListenAddress[]): readonly Socket[] {
    if (this.#closed) throw new KemiError('KEMI_ERR_CLOSED', 'Cannot open a socket: the transport is closed');
    const opened = addresses.map(({ proto, host, port, advertise, name }, n): Socket => {
      if (proto !== 'ws')
        throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${proto}: there is only SIP over WebSocket here`);
      return {
        index: this.sockets.length + n,
        proto,
        ip: host,
        port,
        ...(advertise && { advertisedIp: byteStrOf(advertise.host), advertisedPort: advertise.port }),
        ...(name !== undefined && { name: byteStrOf(name) }),
      };
    });
    this.sockets = [...this.sockets, ...opened];
    return opened;
  }

  start(receiver: Receiver, closed?: (connection: ClosedConnection) => void): void {
    if (this.#closed) return;
    this.#receiver = receiver;
    this.#gone = closed;
  }

  /** Why a connection from this address would not be taken; undefined when it would be. */
  refusal(ip: string): string | undefined {
    if (this.#closed) return 'it is closing';
    if (this.#byId.size >= this.limits.connections) return 'as many connections as the limit are open';
    if ((this.#perAddress.get(ip) ?? 0) >= this.limits.perAddress)
      return 'as many connections as the limit are open from this address';
    return undefined;
  }

  /**
   * Takes a socket that is open.
   * @param peer its address; with id and port when it is one of an earlier life
   */
  accept(
    socket: ServerSocket,
    peer: { readonly ip: string; readonly id?: number; readonly port?: number },
  ): Connection {
    const { ip } = peer;
    const id = peer.id ?? this.#freeId();
    const port = peer.port ?? this.#freePort(ip);
    const family = ip.includes(':') ? 6 : 4;
    const index = this.sockets.findIndex(s => s.ip.includes(':') === (family === 6));
    const from: Source = { ip, port, family, connection: id };
    const connection: Connection = {
      id,
      ip,
      port,
      socket,
      from,
      index: Math.max(0, index),
      binary: false,
      usedMs: this.#now(),
    };
    this.#byId.set(id, connection);
    this.#byPeer.set(peerKey(ip, port), connection);
    this.#perAddress.set(ip, (this.#perAddress.get(ip) ?? 0) + 1);
    const { frames } = this;
    frames.max_concurrent_connections = Math.max(frames.max_concurrent_connections, this.#byId.size);
    return connection;
  }

  /** The connection with this id, undefined when it is gone. */
  find(id: number): Connection | undefined {
    return this.#byId.get(id);
  }

  /** Those that are open. */
  all(): Iterable<Connection> {
    return this.#byId.values();
  }

  /** One frame came. */
  frame(connection: Connection, data: string | ArrayBuffer): void {
    connection.binary = typeof data !== 'string';
    connection.usedMs = this.#now();
    this.frames.received_frames++;
    // RFC 5626 3.5.1
    if (data === PING) {
      this.#write(connection, PONG);
      return;
    }
    const receiver = this.#receiver;
    if (!receiver) return;
    const bytes = typeof data === 'string' ? this.#encoder.encode(data) : new Uint8Array(data);
    this.counters.received++;
    this.counters.receivedBytes += bytes.length;
    const tooLong = bytes.length > this.limits.messageBytes;
    try {
      if (tooLong)
        receiver(bytes.subarray(0, this.limits.messageBytes), { ...connection.from, tooLong }, connection.index);
      else receiver(bytes, connection.from, connection.index);
    } finally {
      if (tooLong) this.drop(connection, TOO_BIG, 'message too long');
    }
  }

  /** The connection that a message takes: the one that is named, when it leads to that address, else one to the address and port. */
  lookup(ip: string, port: number, how: SendHow = {}): Connection | undefined {
    const named = how.connection ? this.#byId.get(how.connection) : undefined;
    return named?.ip === ip ? named : this.#byPeer.get(peerKey(ip, port));
  }

  send(_socket: number, bytes: Uint8Array, ip: string, port: number, how: SendHow = {}): boolean {
    const connection = this.#closed ? undefined : this.lookup(ip, port, how);
    const sent = connection !== undefined && this.#write(connection, this.#payload(connection, bytes));
    if (sent) {
      this.counters.sent++;
      this.counters.sentBytes += bytes.length;
    } else this.counters.sendErrors++;
    if (connection && how.close) this.drop(connection, NORMAL);
    return sent;
  }

  /** The peer is gone, or is to go: its socket is closed with the code, where there is one. */
  drop(connection: Connection, code?: number, reason = '', why: CloseReason = 'closed'): void {
    const { id, ip, port, socket } = connection;
    if (code !== undefined)
      try {
        socket.close(code, reason);
      } catch {
        // closed already
      }
    if (this.#byId.get(id) !== connection) return;
    if (why === 'reset') this.frames.failed_connections++;
    else if (code !== undefined) this.frames.local_closed_connections++;
    this.#byId.delete(id);
    this.#byPeer.delete(peerKey(ip, port));
    const left = (this.#perAddress.get(ip) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(ip, left);
    else this.#perAddress.delete(ip);
    this.#gone?.({ id, proto: 'ws', socket: connection.index, ip, port, reason: why });
  }

  /** The peer has closed it: the handshake is ours to finish. */
  closed(connection: Connection, code: number, reason: string): void {
    try {
      connection.socket.close(code, reason);
    } catch {
      // closed already
    }
    this.frames.remote_closed_connections++;
    this.drop(connection);
  }

  stop(): void {
    this.#receiver = undefined;
  }

  async close(): Promise<void> {
    this.stop();
    this.#closed = true;
    this.#gone = undefined;
    for (const connection of [...this.#byId.values()]) this.drop(connection, NORMAL);
  }

  /** RFC 7118 5: text frames where the bytes are UTF-8, and always binary ones where they are not. */
  #payload({ binary }: Connection, bytes: Uint8Array): string | Uint8Array {
    if (!binary)
      try {
        return this.#decoder.decode(bytes);
      } catch {
        // no UTF-8
      }
    return bytes.slice();
  }

  #write(connection: Connection, data: string | Uint8Array): boolean {
    try {
      connection.socket.send(data);
      connection.usedMs = this.#now();
      this.frames.transmitted_frames++;
      return true;
    } catch (error) {
      this.#log.debug(
        { peer: peerKey(connection.ip, connection.port), err: error },
        'Cannot send: the socket is closed',
      );
      return false;
    }
  }

  #freeId(): number {
    for (;;) {
      const id = this.#nextId;
      // what modules store of it is a signed number
      this.#nextId = id >= 0x7fffffff ? 1 : id + 1;
      if (!this.#byId.has(id)) return id;
    }
  }

  #freePort(ip: string): number {
    for (;;) {
      const port = this.#nextPort;
      this.#nextPort = port >= LAST_PORT ? FIRST_PORT : port + 1;
      if (!this.#byPeer.has(peerKey(ip, port))) return port;
    }
  }
}

const peerKey = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);
