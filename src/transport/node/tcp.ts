/**
 * TCP and TLS over node:net and node:tls, and WebSockets on both. Connections are found by their id, or by the peer's address and port, whoever opened them; where there is none, one is opened and what is
 * sent waits for it. Nothing here blocks.
 */
import net from 'node:net';
import tls from 'node:tls';
import { type Logger, silentLogger } from '../../core/log.ts';
import { byteStrOf } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { ClosedConnection, ConnectionRef, SendHow, Socket } from '../../kemi/host.ts';
import type { HttpExchange } from '../../kemi/http.ts';
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
import { ConnectionTable } from './tcp-table.ts';
import type { TlsAcceptor, TlsContexts } from './tls-context.ts';
import { WebSocketHub } from './ws-hub.ts';
import type { WsLink } from './ws-link.ts';

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
  /** TLS connections that were accepted and never used: ours, Kamailio does not count them */
  tls_handshake_failed: number;
}

interface Listening {
  /** absent: a socket for the WebSockets of another one's connections */
  readonly server?: net.Server;
  readonly socket: Socket;
  readonly family: 4 | 6;
  /** of a tls address */
  readonly acceptor?: TlsAcceptor;
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
    tls_handshake_failed: 0,
  };
  readonly limits: TcpLimits;
  readonly webSockets: WebSocketHub;
  sockets: readonly Socket[] = [];
  readonly #upgrades: boolean;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #firstIndex: () => number;
  readonly #listening: Listening[] = [];
  /** those whose handshake is not done, by the stream that the acceptor has */
  readonly #accepting = new WeakMap<net.Socket, Connection>();
  readonly #tls: TlsContexts | undefined;
  readonly table = new ConnectionTable();
  #receiver: Receiver | undefined;
  #closedConnection: ((connection: ClosedConnection) => void) | undefined;
  #httpReceiver: HttpReceiver | undefined;
  #openedConnection: ((connection: ConnectionRef) => boolean | Promise<boolean>) | undefined;
  #closed = false;
  #queued = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TcpOptions = {}) {
    this.#log = options.log ?? silentLogger;
    this.limits = { ...DEFAULT_TCP_LIMITS, ...options.limits };
    this.#now = options.now ?? (() => performance.now());
    this.#firstIndex = options.firstIndex ?? (() => 0);
    this.#tls = options.tls;
    this.#upgrades = options.upgrades ?? false;
    this.webSockets = new WebSocketHub(this.#log, this.limits.messageBytes, options.origins);
  }

  /** connections that are open or being opened */
  get connections(): number {
    return this.table.size;
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
        if (address.proto === 'udp' || address.proto === 'sctp')
          throw new KemiError(
            'KEMI_ERR_LISTEN',
            `Cannot listen on ${address.proto}: this is the transport of tcp, tls, ws and wss`,
          );
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

  start(
    receiver: Receiver,
    closed?: (connection: ClosedConnection) => void,
    opened?: (connection: ConnectionRef) => boolean | Promise<boolean>,
    http?: HttpReceiver | undefined,
  ): void {
    this.#receiver = receiver;
    this.#closedConnection = closed;
    this.#openedConnection = opened;
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
    const { proto } = listening.socket;
    let connection = this.table.get(how.connection);
    // whoever named the connection: it leads to that address, or is not taken
    const webSocket = isWebSocket(listening.socket);
    const fits = (c: Connection) => c.from.ip === ip && (webSocket ? isWebSocket(c.socket) : c.socket.proto === proto);
    if (!connection?.usable || !fits(connection)) connection = this.#find(proto, ip, port);
    if (!connection?.usable) {
      // RFC 7118: only clients open WebSockets
      if (how.noConnect || this.limits.noConnect || webSocket) return false;
      connection = this.#connect(listening, ip, port, how);
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

  /** A URI says transport=ws for a secure WebSocket, too (RFC 7118 5.2.3). */
  #find(proto: Socket['proto'], ip: string, port: number): Connection | undefined {
    const { table } = this;
    const other = proto === 'ws' ? 'wss' : proto === 'wss' ? 'ws' : undefined;
    return table.find(proto, ip, port) ?? (other && table.find(other, ip, port));
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
    const open = [...this.table.all()];
    this.#closedConnection = undefined;
    this.#openedConnection = undefined;
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
      this.#log.error(
        { err: error, from: formatAddress({ proto: connection.socket.proto, ...from }) },
        'Cannot route a message: internal error',
      );
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

  admit(connection: Connection): boolean | Promise<boolean> {
    return connection.socket.proto !== 'tls' || (this.#openedConnection?.(refOf(connection)) ?? true);
  }

  ready(connection: Connection): void {
    this.table.offer(connection);
  }

  halfClosed(connection: Connection): void {
    // answers still find it by its id
    this.table.withdraw(connection);
    this.#tell(connection);
  }

  servesHttp(): boolean {
    return this.#httpReceiver !== undefined;
  }

  http(connection: Connection, exchange: HttpExchange): void {
    const { from, socket } = connection;
    if (isWebSocket(socket)) this.webSockets.handshake(exchange, formatAddress({ proto: socket.proto, ...from }));
    else if (this.#httpReceiver) this.#httpReceiver(exchange, from, socket.index);
    else exchange.answer({ code: 503, reason: 'Service Unavailable', close: true });
  }

  webSocketOf(socket: Socket): Socket | undefined {
    return isWebSocket(socket) ? socket : this.sockets.find(s => s.shares === socket.index);
  }

  upgraded(connection: Connection, socket: Socket, link: WsLink): void {
    // the table knows it by its protocol
    this.table.remove(connection);
    connection.socket = socket;
    this.table.add(connection);
    this.table.offer(connection);
    this.webSockets.add(link);
  }

  #tell(connection: Connection): void {
    if (connection.told) return;
    connection.told = true;
    this.#closedConnection?.({ ...refOf(connection), reason: connection.reason });
  }

  gone(connection: Connection, error: NodeJS.ErrnoException | undefined): void {
    const { from, socket, neverMade } = connection;
    this.table.remove(connection);
    this.webSockets.remove(connection.id);
    const peer = formatAddress({ proto: socket.proto, ...from });
    if (neverMade) {
      this.statistics.connect_failed++;
      this.counters.sendErrors++;
      const why = error?.code ?? error?.message ?? 'no answer in time';
      this.#log.warn({ to: peer, err: error }, `Cannot connect to ${peer}: ${why}`);
    } else {
      if (error?.code === 'ECONNRESET') this.statistics.con_reset++;
      if (error) this.#log.debug({ peer, err: error }, 'A connection broke');
      if (connection.wasOpen) this.#tell(connection);
    }
    if (this.table.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  // ---- inside

  #listen(index: number, ip: string, { proto, port, advertise, name }: ListenAddress): Promise<Listening> {
    const family = net.isIPv6(ip) ? 6 : 4;
    const server = net.createServer({ allowHalfOpen: true, noDelay: true, keepAlive: this.limits.keepAlive });
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(proto, ip, port, error)));
      server.listen({ host: ip, port, exclusive: true, backlog: this.limits.backlog, ipv6Only: family === 6 }, () => {
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
        let listening: Listening = { server, socket, family };
        if (proto === 'tls' || proto === 'wss')
          try {
            listening = { ...listening, acceptor: this.#acceptor(socket) };
          } catch (error) {
            server.close();
            reject(error);
            return;
          }
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

  #accept({ socket, family, acceptor }: Listening, stream: net.Socket): void {
    const { remoteAddress: ip, remotePort: port } = stream;
    const { connections, perAddress } = this.limits;
    // a peer can be gone before it is looked at
    const known = ip !== undefined && port !== undefined;
    const full = this.table.size >= connections || (acceptor && this.#secured >= this.limits.tlsConnections);
    if (!known || this.#closed || full || (perAddress > 0 && this.table.countOf(ip) >= perAddress)) {
      if (known) this.statistics.local_reject++;
      stream.on('error', () => {});
      stream.destroy();
      return;
    }
    this.statistics.passive_open++;
    this.statistics.established++;
    const beginning = { by: 'peer', stream, tls: acceptor !== undefined } as const;
    const connection = new Connection(this, this.table.newId(), socket, { ip, port, family }, beginning);
    this.#add(connection);
    if (!acceptor) this.table.offer(connection);
    else {
      this.#accepting.set(stream, connection);
      acceptor.accept(stream);
    }
  }

  /** connections of TLS, WebSockets among them */
  get #secured(): number {
    return this.table.count('tls') + this.table.count('wss');
  }

  /** The server's side of TLS for a listening address. @throws KemiError KEMI_ERR_CONFIG */
  #acceptor(socket: Socket): TlsAcceptor {
    if (!this.#tls)
      throw new KemiError('KEMI_ERR_CONFIG', `Cannot listen on ${formatAddress(socket)}: there are no certificates`);
    return this.#tls.acceptor(socket, this.limits.connectMs, {
      secured: (stream, raw) => this.#accepting.get(raw)?.secured(stream),
      failed: (raw, why) => {
        const from = this.#accepting.get(raw)?.from;
        this.statistics.tls_handshake_failed++;
        this.#log.debug({ peer: from && formatAddress({ proto: 'tls', ...from }), why }, `No TLS connection: ${why}`);
      },
    });
  }

  /** @returns undefined when as many connections as the limit are open, and for what is no address: names are not looked up here */
  #connect({ socket, family }: Listening, ip: string, port: number, how: SendHow): Connection | undefined {
    const secure = socket.proto === 'tls';
    if (this.table.size >= this.limits.connections || !net.isIP(ip)) return undefined;
    if (secure && this.#secured >= this.limits.tlsConnections) return undefined;
    const to = { host: ip, port, family, allowHalfOpen: true, keepAlive: this.limits.keepAlive };
    const { serverId, serverName } = how;
    const side = secure
      ? this.#tls!.client({ ip, port, ...(serverId && { serverId }), ...(serverName && { serverName }) })
      : undefined;
    const stream = side ? tls.connect({ ...to, ...side.options }) : net.connect(to);
    const beginning = { by: 'us', stream, ...(side && { refusal: side.refusal }) } as const;
    const connection = this.#add(new Connection(this, this.table.newId(), socket, { ip, port, family }, beginning));
    this.table.offer(connection);
    return connection;
  }

  #add(connection: Connection): Connection {
    this.table.add(connection);
    this.#timer ??= setInterval(() => this.#check(), this.#checkMs()).unref();
    return connection;
  }

  #checkMs(): number {
    const { lifetimeMs, connectMs, readMs, sendMs } = this.limits;
    return Math.max(5, Math.min(CHECK_MS, ...[lifetimeMs, connectMs, readMs, sendMs].map(ms => ms / 4)));
  }

  #check(): void {
    const now = this.#now();
    for (const connection of this.table.all()) {
      const why = connection.check(now);
      if (!why) continue;
      if (connection.queuedBytes > 0 && connection.state === 'open') this.statistics.send_timeout++;
      else this.statistics.con_timeout++;
      const peer = formatAddress({ proto: connection.socket.proto, ...connection.from });
      this.#log.debug({ peer, why }, `Closed a connection: ${why}`);
    }
  }
}

const isWebSocket = ({ proto }: Socket): boolean => proto === 'ws' || proto === 'wss';

const refOf = ({ id, socket: { proto, index }, from: { ip, port } }: Connection): ConnectionRef => ({
  id,
  proto,
  socket: index,
  ip,
  port,
});

function closeServer(server: net.Server | undefined): Promise<void> {
  return new Promise(resolve => {
    if (!server) resolve();
    else server.close(() => resolve());
  });
}
