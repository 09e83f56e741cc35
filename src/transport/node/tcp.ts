/**
 * TCP over node:net. Connections are found by their id, or by the peer's address and port, whoever opened them; where there is none, one is opened and what is
 * sent waits for it. Nothing here blocks.
 */
import net from 'node:net';
import { type Logger, silentLogger } from '../../core/log.ts';
import { byteStrOf } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { SendHow, Socket } from '../../kemi/host.ts';
import type { HttpExchange } from '../../kemi/http.ts';
import type { WebSocketCounters } from '../../kemi/web-socket.ts';
import { formatAddress } from '../listen-address.ts';
import {
  type HttpReceiver,
  type ListenAddress,
  newCounters,
  type Receiver,
  type Source,
  type Transport,
  type TransportCounters,
} from '../transport.ts';
import { expand, listenError } from './bind.ts';
import { Connection, type ConnectionOwner } from './tcp-connection.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits, type TcpOptions } from './tcp-options.ts';
import { WebSocketHub } from './ws-hub.ts';
import type { WebSocketMaker, WsLink } from './ws-link.ts';

const BACKLOG = 1024;
/** how often the connections' times are looked at, at most; milliseconds */
const CHECK_MS = 1000;
/** how long close() waits for answers to leave, milliseconds */
const CLOSE_MS = 500;

/** What Kamailio counts of TCP, with its names. */
export interface TcpStatistics {
  /** accepted */
  passive_open: number;
  /** opened from here */
  connect_success: number;
  connect_failed: number;
  /** both of them */
  established: number;
  con_reset: number;
  con_timeout: number;
  send_timeout: number;
  sendq_full: number;
  /** not accepted: as many as the limit are open */
  local_reject: number;
}

interface Listening {
  /** absent: a socket for the WebSockets of another one's connections */
  readonly server?: net.Server;
  readonly socket: Socket;
  readonly family: 4 | 6;
}

export class TcpTransport implements Transport, ConnectionOwner {
  readonly counters: TransportCounters = newCounters();
  readonly statistics: TcpStatistics = {
    passive_open: 0,
    connect_success: 0,
    connect_failed: 0,
    established: 0,
    con_reset: 0,
    con_timeout: 0,
    send_timeout: 0,
    sendq_full: 0,
    local_reject: 0,
  };
  readonly limits: TcpLimits;
  readonly webSockets: WebSocketHub;
  sockets: readonly Socket[] = [];
  readonly #upgrades: boolean;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #firstIndex: () => number;
  readonly #listening: Listening[] = [];
  readonly #byId = new Map<number, Connection>();
  /** the newest connection of each peer that can be sent on */
  readonly #byPeer = new Map<string, Connection>();
  readonly #perAddress = new Map<string, number>();
  #receiver: Receiver | undefined;
  #closedConnection: ((connection: number) => void) | undefined;
  #httpReceiver: HttpReceiver | undefined;
  #closed = false;
  #queued = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Contacts of an earlier run that were stored with an id must not meet one of this run. */
  #nextId = 1 + Math.floor(Math.random() * 0x3fffffff);

  constructor(options: TcpOptions = {}) {
    this.#log = options.log ?? silentLogger;
    this.limits = { ...DEFAULT_TCP_LIMITS, ...options.limits };
    this.#now = options.now ?? (() => performance.now());
    this.#firstIndex = options.firstIndex ?? (() => 0);
    this.#upgrades = options.upgrades ?? false;
    this.webSockets = new WebSocketHub(this.#log, this.limits.messageBytes, options.origins);
  }

  /** connections that are open or being opened */
  get connections(): number {
    return this.#byId.size;
  }

  /** bytes that wait for slow peers and for connections to be made */
  get queuedBytes(): number {
    return this.#queued;
  }

  now(): number {
    return this.#now();
  }

  async open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]> {
    if (this.#closed) throw new KemiError('KEMI_ERR_CLOSED', 'Cannot open a socket: the transport is closed');
    const opened: Listening[] = [];
    try {
      for (const address of addresses) {
        if (address.proto !== 'tcp' && address.proto !== 'ws')
          throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${address.proto}: this is the transport of tcp`);
        for (const ip of await expand(address)) {
          const index = this.#firstIndex() + this.#listening.length + opened.length;
          opened.push(await this.#listen(index, ip, address));
        }
      }
    } catch (error) {
      await Promise.all(opened.map(o => closeServer(o.server)));
      throw error;
    }
    if (this.#upgrades)
      for (const { socket, family } of [...opened]) {
        const proto = socket.proto === 'tcp' ? 'ws' : socket.proto === 'tls' ? 'wss' : undefined;
        const index = this.#firstIndex() + this.#listening.length + opened.length;
        if (proto) opened.push({ family, socket: { ...socket, proto, index, shares: socket.index } });
      }
    this.#listening.push(...opened);
    this.sockets = this.#listening.map(l => l.socket);
    return opened.map(o => o.socket);
  }

  start(receiver: Receiver, closed?: (connection: number) => void, http?: HttpReceiver | undefined): void {
    this.#receiver = receiver;
    this.#closedConnection = closed;
    this.#httpReceiver = http;
  }

  send(socket: number, bytes: Uint8Array, ip: string, port: number, how: SendHow = {}): boolean {
    const sent = this.#send(socket, bytes, ip, port, how);
    if (!sent) this.counters.sendErrors++;
    return sent;
  }

  #send(index: number, bytes: Uint8Array, ip: string, port: number, how: SendHow): boolean {
    const listening = this.#listening[index - this.#firstIndex()];
    if (this.#closed || !listening || !(port > 0 && port < 65536)) return false;
    if ((listening.family === 6) !== ip.includes(':')) return false;
    const webSocket = isWebSocket(listening.socket);
    let connection = how.connection ? this.#byId.get(how.connection) : undefined;
    // whoever named the connection: it leads to that address, or is not taken
    const leads = (c: Connection | undefined): boolean => c?.usable === true && isWebSocket(c.socket) === webSocket;
    if (!leads(connection) || connection!.from.ip !== ip) connection = this.#byPeer.get(peerKey(ip, port));
    if (!leads(connection)) {
      // RFC 7118: only a client opens a WebSocket
      if (how.noConnect || this.limits.noConnect || webSocket) return false;
      connection = this.#connect(listening, ip, port);
    }
    if (!connection) return false;
    if (
      this.#queued + bytes.length > this.limits.totalQueueBytes ||
      !connection.send(bytes, how.lost, how.close === true)
    ) {
      this.statistics.sendq_full++;
      return false;
    }
    return true;
  }

  stop(): void {
    this.#receiver = undefined;
    this.#httpReceiver = undefined;
    for (const { server } of this.#listening) server?.close();
  }

  async close(): Promise<void> {
    this.stop();
    if (this.#closed) return;
    this.#closed = true;
    const open = [...this.#byId.values()];
    this.#closedConnection = undefined;
    for (const connection of open) {
      connection.forget();
      connection.end();
    }
    const late = performance.now() + CLOSE_MS;
    while (this.#queued > 0 && performance.now() < late) await new Promise(resolve => setTimeout(resolve, 5));
    for (const connection of open) connection.destroy();
    clearInterval(this.#timer);
    await Promise.all(this.#listening.map(l => closeServer(l.server)));
  }

  // ---- what connections tell

  message(connection: Connection, bytes: Uint8Array, from: Source): void {
    const receiver = this.#receiver;
    if (!receiver) return;
    this.counters.received++;
    this.counters.receivedBytes += bytes.length;
    try {
      receiver(bytes, from, connection.socket.index);
    } catch (error) {
      this.counters.receiveErrors++;
      this.#log.error({ err: error, from: peerKey(from.ip, from.port) }, 'Cannot route a message: internal error');
    }
  }

  wrote(bytes: number, error: Error | null | undefined): void {
    if (error) {
      this.counters.sendErrors++;
      return;
    }
    this.counters.sent++;
    this.counters.sentBytes += bytes;
  }

  queued(bytes: number): void {
    this.#queued += bytes;
  }

  connected(): void {
    this.statistics.connect_success++;
    this.statistics.established++;
  }

  halfClosed(connection: Connection): void {
    const key = peerKey(connection.from.ip, connection.from.port);
    if (this.#byPeer.get(key) === connection) this.#byPeer.delete(key);
    this.#closedConnection?.(connection.id);
    this.webSockets.remove(connection.id);
  }

  get webSocketCounters(): WebSocketCounters {
    return this.webSockets.counters;
  }

  get webSocketMaker(): WebSocketMaker {
    return this.webSockets.maker;
  }

  servesHttp(): boolean {
    return this.#httpReceiver !== undefined;
  }

  webSocketOf(socket: Socket): Socket | undefined {
    return isWebSocket(socket) ? socket : this.sockets.find(s => s.shares === socket.index);
  }

  http(connection: Connection, exchange: HttpExchange): void {
    const { from, socket } = connection;
    if (isWebSocket(socket)) this.webSockets.handshake(exchange, peerKey(from.ip, from.port));
    else if (this.#httpReceiver) this.#httpReceiver(exchange, from, socket.index);
    else exchange.answer({ code: 503, reason: 'Service Unavailable', close: true });
  }

  upgraded(_connection: Connection, link: WsLink): void {
    this.webSockets.add(link);
  }

  gone(connection: Connection, error: NodeJS.ErrnoException | undefined): void {
    const { id, from, incoming } = connection;
    this.#byId.delete(id);
    const key = peerKey(from.ip, from.port);
    this.halfClosed(connection);
    if (incoming) {
      const left = (this.#perAddress.get(from.ip) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(from.ip, left);
      else this.#perAddress.delete(from.ip);
    }
    if (connection.neverMade) {
      this.statistics.connect_failed++;
      this.counters.sendErrors++;
      this.#log.warn({ to: key, err: error }, `Cannot connect to tcp:${key}: ${error?.code ?? 'no answer in time'}`);
    } else if (error) {
      if (error.code === 'ECONNRESET') this.statistics.con_reset++;
      this.#log.debug({ peer: key, err: error }, 'A connection broke');
    }
    if (this.#byId.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  // ---- inside

  #listen(index: number, ip: string, { proto, port, advertise, name }: ListenAddress): Promise<Listening> {
    const family = net.isIPv6(ip) ? 6 : 4;
    const server = net.createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true });
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(proto, ip, port, error)));
      server.listen({ host: ip, port, exclusive: true, backlog: BACKLOG, ipv6Only: family === 6 }, () => {
        server.removeAllListeners('error');
        const bound = server.address() as net.AddressInfo;
        const socket: Socket = {
          index,
          proto,
          ip: bound.address,
          port: bound.port,
          ...(advertise && {
            advertisedIp: byteStrOf(advertise.host),
            // Port 0 of the config became a port only now.
            advertisedPort: advertise.port || bound.port,
          }),
          ...(name !== undefined && { name: byteStrOf(name) }),
        };
        const listening = { server, socket, family } as const;
        server.on('error', error => {
          // out of file descriptors, for one: the connections there are live on
          this.counters.receiveErrors++;
          this.#log.warn({ socket: formatAddress(socket), err: error }, 'Socket error');
        });
        server.on('connection', stream => this.#accept(listening, stream));
        resolve(listening);
      });
    });
  }

  #accept({ socket, family }: Listening, stream: net.Socket): void {
    const { remoteAddress: ip, remotePort: port } = stream;
    const { connections, perAddress } = this.limits;
    // a peer can be gone before it is looked at
    const known = ip !== undefined && port !== undefined;
    const here = known ? (this.#perAddress.get(ip) ?? 0) : 0;
    if (!known || this.#closed || this.#byId.size >= connections || (perAddress > 0 && here >= perAddress)) {
      if (known) this.statistics.local_reject++;
      stream.on('error', () => {});
      stream.destroy();
      return;
    }
    this.#perAddress.set(ip, here + 1);
    this.statistics.passive_open++;
    this.statistics.established++;
    this.#add(new Connection(this, this.#id(), socket, { ip, port, family }, stream, true));
  }

  /** @returns undefined when as many connections as the limit are open, and for what is no address: names are not looked up here */
  #connect({ socket, family }: Listening, ip: string, port: number): Connection | undefined {
    if (this.#byId.size >= this.limits.connections || !net.isIP(ip)) return undefined;
    const stream = net.connect({ host: ip, port, family, allowHalfOpen: true, keepAlive: true });
    return this.#add(new Connection(this, this.#id(), socket, { ip, port, family }, stream, false));
  }

  #add(connection: Connection): Connection {
    this.#byId.set(connection.id, connection);
    this.#byPeer.set(peerKey(connection.from.ip, connection.from.port), connection);
    this.#timer ??= setInterval(() => this.#check(), this.#checkMs()).unref();
    return connection;
  }

  #id(): number {
    for (;;) {
      const id = this.#nextId;
      // what modules store of it is a signed number
      this.#nextId = id >= 0x7fffffff ? 1 : id + 1;
      if (!this.#byId.has(id)) return id;
    }
  }

  #checkMs(): number {
    const { lifetimeMs, connectMs, readMs, sendMs } = this.limits;
    return Math.max(5, Math.min(CHECK_MS, ...[lifetimeMs, connectMs, readMs, sendMs].map(ms => ms / 4)));
  }

  #check(): void {
    const now = this.#now();
    for (const connection of this.#byId.values()) {
      const why = connection.check(now);
      if (!why) continue;
      if (connection.queuedBytes > 0 && connection.state === 'open') this.statistics.send_timeout++;
      else this.statistics.con_timeout++;
      this.#log.debug({ peer: peerKey(connection.from.ip, connection.from.port), why }, `Closed a connection: ${why}`);
    }
  }
}

const isWebSocket = ({ proto }: Socket): boolean => proto === 'ws' || proto === 'wss';

const peerKey = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

function closeServer(server: net.Server | undefined): Promise<void> {
  return new Promise(resolve => {
    if (!server) resolve();
    else server.close(() => resolve());
  });
}
