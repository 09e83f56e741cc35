/** Limits and times of TCP and TLS, with Kamailio's names and, but for the queue of a connection, its defaults. */
import type { Logger } from '../../core/log.ts';
import type { TlsContexts } from './tls-context.ts';

export interface TcpLimits {
  /** bytes of one message */
  readonly messageBytes: number;
  /** milliseconds without a byte in or out, after which a connection is closed (tcp_connection_lifetime) */
  readonly lifetimeMs: number;
  /** milliseconds that a TLS connection may take for its first byte (modparam tls connection_timeout); Infinity for ever */
  readonly tlsIdleMs: number;
  /** milliseconds that making a connection may take, and the handshake of one that a peer makes (tcp_connect_timeout) */
  readonly connectMs: number;
  /** milliseconds in which a message that has begun must be whole */
  readonly readMs: number;
  /** milliseconds in which a peer must take something of what waits for it (tcp_send_timeout) */
  readonly sendMs: number;
  /** connections at once (tcp_max_connections) */
  readonly connections: number;
  /** TLS connections among them (tls_max_connections) */
  readonly tlsConnections: number;
  /** connections at once from one address (tcp_accept_iplimit); 0 is off */
  readonly perAddress: number;
  /** bytes that may wait for one connection (tcp_conn_wq_max); a single message is taken whatever its size */
  readonly queueBytes: number;
  /** bytes that may wait for all connections (tcp_wq_max) */
  readonly totalQueueBytes: number;
  /** answers CRLF CRLF with CRLF (tcp_crlf_ping) */
  readonly ping: boolean;
  /** opens no connections of its own (tcp_no_connect) */
  readonly noConnect: boolean;
  /** the system probes idle connections (tcp_keepalive) */
  readonly keepAlive: boolean;
  /** seconds until it does, how often, seconds between (tcp_keepidle, tcp_keepcnt, tcp_keepintvl); 0 as the system has it */
  readonly keepIdleSec: number;
  readonly keepCount: number;
  readonly keepIntervalSec: number;
  /** connections that the system keeps until they are accepted (tcp_listen_backlog) */
  readonly backlog: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  messageBytes: 65535,
  lifetimeMs: 120_000,
  tlsIdleMs: 600_000,
  connectMs: 10_000,
  readMs: 20_000,
  sendMs: 10_000,
  connections: 2048,
  tlsConnections: 2048,
  perAddress: 1024,
  // Kamailio's 32 KiB count what the kernel refused; here all that one turn of the event loop writes waits, and a burst between two servers is more
  queueBytes: 1 << 20,
  totalQueueBytes: 10 << 20,
  ping: true,
  noConnect: false,
  keepAlive: true,
  keepIdleSec: 0,
  keepCount: 0,
  keepIntervalSec: 0,
  backlog: 1024,
};

export interface TcpOptions {
  readonly log?: Logger;
  readonly limits?: Partial<TcpLimits>;
  /** beside each socket one for the WebSockets that its connections become, when a script takes a handshake */
  readonly upgrades?: boolean;
  /** origins of pages that may open a WebSocket on a listener of its own; absent: of this host and of this machine */
  readonly origins?: readonly string[];
  /** certificates; without them it cannot listen on tls addresses */
  readonly tls?: TlsContexts;
  /** first index of its sockets, where other transports come before it */
  readonly firstIndex?: () => number;
  /** monotonic clock, milliseconds */
  readonly now?: () => number;
}

/** Kamailio's parameters of TCP that mean something here: times in seconds. */
const FROM_CONFIG: Readonly<Record<string, (value: number) => Partial<TcpLimits>>> = {
  tcp_connection_lifetime: value => ({ lifetimeMs: value * 1000 }),
  tcp_connect_timeout: value => ({ connectMs: value * 1000 }),
  tcp_send_timeout: value => ({ sendMs: value * 1000 }),
  tcp_msg_read_timeout: value => ({ readMs: value * 1000 }),
  tcp_max_connections: value => ({ connections: value }),
  tls_max_connections: value => ({ tlsConnections: value }),
  tcp_accept_iplimit: value => ({ perAddress: value }),
  tcp_conn_wq_max: value => ({ queueBytes: value }),
  tcp_wq_max: value => ({ totalQueueBytes: value }),
  tcp_crlf_ping: value => ({ ping: value !== 0 }),
  tcp_no_connect: value => ({ noConnect: value !== 0 }),
  tcp_keepalive: value => ({ keepAlive: value !== 0 }),
  tcp_keepidle: value => ({ keepIdleSec: value }),
  tcp_keepcnt: value => ({ keepCount: value }),
  tcp_keepintvl: value => ({ keepIntervalSec: value }),
  tcp_listen_backlog: value => (value > 0 ? { backlog: value } : {}),
};

/** @param params core parameters of a kamailio.cfg, by name; those that make no sense count as not set */
export function tcpLimits(params: Readonly<Record<string, unknown>> = {}): Partial<TcpLimits> {
  let limits: Partial<TcpLimits> = {};
  for (const [name, read] of Object.entries(FROM_CONFIG)) {
    const value = params[name];
    if (typeof value === 'number' && value >= 0) limits = { ...limits, ...read(value) };
  }
  return limits;
}
