/** The connections as scripts and RPC see them. */
import type { ConnectionInfo, Connections, KeepAlive, Security, Socket } from '../../kemi/host.ts';
import type { TcpTransport } from './tcp.ts';
import type { Connection } from './tcp-connection.ts';
import { securityOf } from './tls-peer.ts';

const PROTOCOLS = ['tcp', 'tls', 'ws', 'wss'] as const;

export class TcpConnections implements Connections {
  readonly #transport: TcpTransport;
  readonly options: Readonly<Record<string, number>>;

  constructor(transport: TcpTransport) {
    this.#transport = transport;
    const { limits } = transport;
    const seconds = (ms: number) => (Number.isFinite(ms) ? Math.round(ms / 1000) : -1);
    // in the order of Kamailio's core.tcp_options
    this.options = {
      connect_timeout: seconds(limits.connectMs),
      send_timeout: seconds(limits.sendMs),
      connection_lifetime: seconds(limits.lifetimeMs),
      max_connections: limits.connections,
      max_tls_connections: limits.tlsConnections,
      no_connect: Number(limits.noConnect),
      conn_wq_max: limits.queueBytes,
      wq_max: limits.totalQueueBytes,
      crlf_ping: Number(limits.ping),
      msg_read_timeout: seconds(limits.readMs),
      accept_iplimit: limits.perAddress,
      keepalive: Number(limits.keepAlive),
      keepidle: limits.keepIdleSec,
      keepintvl: limits.keepIntervalSec,
      keepcnt: limits.keepCount,
      listen_backlog: limits.backlog,
    };
  }

  count(proto?: Socket['proto']): number {
    const { table } = this.#transport;
    return proto === undefined ? table.size : table.count(proto);
  }

  get(id: number): ConnectionInfo | undefined {
    return this.#transport.table.get(id)?.info;
  }

  list(): ConnectionInfo[] {
    return Array.from(this.#transport.table.all(), c => c.info);
  }

  find(ip: string, port: number, proto?: Socket['proto']): number {
    const { table } = this.#transport;
    for (const each of proto === undefined ? PROTOCOLS : [proto]) {
      const found = table.find(each, ip, port);
      if (found) return found.id;
    }
    return 0;
  }

  close(id: number): boolean {
    return this.#with(id, c => c.end());
  }

  setLifetime(id: number, ms: number): boolean {
    return this.#with(id, c => c.setLifetime(ms));
  }

  setKeepAlive(id: number, how: KeepAlive | undefined): boolean {
    return this.#with(id, c => c.setKeepAlive(how));
  }

  addAlias(id: number, port: number): boolean {
    const { table } = this.#transport;
    const connection = table.get(id);
    return connection?.takesRequests === true && table.alias(connection, port);
  }

  security(id: number): Security | undefined {
    const socket = this.#transport.table.get(id)?.tls;
    return socket && securityOf(socket);
  }

  /** Whether it is there and not gone already. */
  #with(id: number, fn: (connection: Connection) => void): boolean {
    const connection = this.#transport.table.get(id);
    if (!connection || connection.state === 'closed') return false;
    fn(connection);
    return true;
  }
}
