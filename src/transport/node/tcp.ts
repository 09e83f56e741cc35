/**
 * TCP and TLS over node:net and node:tls. Connections are found by their id, or by the peer's address and port, whoever opened them; where there is none, one is opened and what is
 * sent waits for it. Nothing here blocks.
 */
import net from 'node:net';
import tls from 'node:tls';
import { type Logger, silentLogger } from '../../core/log.ts';
import { byteStrOf } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { ClosedConnection, ConnectionRef, SendHow, Socket } from '../../kemi/host.ts';
import { formatAddress } from '../listen-address.ts';
import {
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
  readonly server: net.Server;
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
  sockets: readonly Socket[] = [];
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
        if (address.proto !== 'tcp' && address.proto !== 'tls')
          throw new KemiError(
            'KEMI_ERR_LISTEN',
            `Cannot listen on ${address.proto}: this is the transport of tcp and tls`,
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
    this.#listening.push(...opened);
    this.sockets = this.#listening.map(l => l.socket);
    return opened.map(o => o.socket);
  }

  start(
    receiver: Receiver,
    closed?: (connection: ClosedConnection) => void,
    opened?: (connection: ConnectionRef) => boolean | Promise<boolean>,
  ): void {
    this.#receiver = receiver;
    this.#closedConnection = closed;
    this.#openedConnection = opened;
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
    if (!connection?.usable || connection.from.ip !== ip || connection.socket.proto !== proto)
      connection = this.table.find(proto, ip, port);
    if (!connection?.usable) {
      if (how.noConnect || this.limits.noConnect) return false;
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

  stop(): void {
    this.#receiver = undefined;
    for (const { server } of this.#listening) server.close();
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

  #tell(connection: Connection): void {
    if (connection.told) return;
    connection.told = true;
    this.#closedConnection?.({ ...refOf(connection), reason: connection.reason });
  }

  gone(connection: Connection, error: NodeJS.ErrnoException | undefined): void {
    const { from, socket, neverMade } = connection;
    this.table.remove(connection);
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
        if (proto === 'tls')
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
    const full = this.table.size >= connections || (acceptor && this.table.count('tls') >= this.limits.tlsConnections);
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
    if (secure && this.table.count('tls') >= this.limits.tlsConnections) return undefined;
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

const refOf = ({ id, socket: { proto, index }, from: { ip, port } }: Connection): ConnectionRef => ({
  id,
  proto,
  socket: index,
  ip,
  port,
});

function closeServer(server: net.Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve());
  });
}
