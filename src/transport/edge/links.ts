/** The connections of an edge server as scripts and RPC see them: modules websocket and tcpops. Pings are the platform's, and so are times of sockets. */
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { ConnectionInfo, Connections, Socket } from '../../kemi/host.ts';
import type { WebSocketCounters, WebSocketLink, WebSocketLinks } from '../../kemi/web-socket.ts';
import type { Connection, WebSocketConnections } from './connections.ts';

export class EdgeLinks implements WebSocketLinks {
  readonly counters: WebSocketCounters;
  enabled = true;
  readonly #connections: WebSocketConnections;

  constructor(connections: WebSocketConnections) {
    this.#connections = connections;
    this.counters = connections.frames;
  }

  get size(): number {
    return this.#connections.connections;
  }

  find(id: number): WebSocketLink | undefined {
    const connection = this.#connections.find(id);
    return connection && this.#link(connection);
  }

  *all(): Generator<WebSocketLink> {
    for (const connection of this.#connections.all()) yield this.#link(connection);
  }

  #link(connection: Connection): WebSocketLink {
    const { id, ip, port, index, usedMs } = connection;
    const isOpen = () => this.#connections.find(id) === connection;
    return {
      id,
      ip,
      port,
      socket: index,
      get open() {
        return isOpen();
      },
      usedMs,
      awaitsPong: false,
      // workerd sends none for us
      ping: () => false,
      pong: () => false,
      close: (code: number, reason: ByteStr) => {
        if (!isOpen()) return false;
        this.#connections.drop(connection, code, utf8Of(reason));
        return true;
      },
    };
  }
}

export class EdgeConnections implements Connections {
  readonly #connections: WebSocketConnections;

  constructor(connections: WebSocketConnections) {
    this.#connections = connections;
  }

  get options(): Readonly<Record<string, number>> {
    const { connections, perAddress } = this.#connections.limits;
    return { max_connections: connections, accept_iplimit: perAddress };
  }

  count(proto?: Socket['proto']): number {
    return proto === undefined || proto === 'ws' ? this.#connections.connections : 0;
  }

  get(id: number): ConnectionInfo | undefined {
    const connection = this.#connections.find(id);
    if (!connection) return undefined;
    const { ip, port, index } = connection;
    const socket = this.#connections.sockets[index];
    return {
      id,
      proto: 'ws',
      state: 'open',
      incoming: true,
      ip,
      port,
      localIp: socket?.ip ?? '',
      localPort: socket?.port ?? 0,
      socket: index,
      lifetimeMs: Number.POSITIVE_INFINITY,
      leftMs: Number.POSITIVE_INFINITY,
      queuedBytes: 0,
      aliases: [],
    };
  }

  list(): ConnectionInfo[] {
    return [...this.#connections.all()].flatMap(({ id }) => this.get(id) ?? []);
  }

  find(ip: ByteStr, port: number, proto?: Socket['proto']): number {
    return proto === undefined || proto === 'ws' ? (this.#connections.lookup(ip, port)?.id ?? 0) : 0;
  }

  close(id: number): boolean {
    const connection = this.#connections.find(id);
    if (connection) this.#connections.drop(connection, 1000);
    return connection !== undefined;
  }

  setLifetime(): boolean {
    return false;
  }

  setKeepAlive(): boolean {
    return false;
  }

  addAlias(): boolean {
    return false;
  }

  security(): undefined {
    return undefined;
  }
}
