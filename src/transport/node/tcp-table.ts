/** The connections of a server: by id, by peer, by the aliases of a peer's port, and how many each address has. */
import { formatAddress } from '../listen-address.ts';
import type { Connection } from './tcp-connection.ts';

/** ports that lead to one connection, as in Kamailio: the one it came from is among them */
const MAX_PORTS = 4;

export class ConnectionTable {
  readonly #byId = new Map<number, Connection>();
  /** the newest connection of each peer that can be sent on, and aliases */
  readonly #byPeer = new Map<string, Connection>();
  readonly #perAddress = new Map<string, number>();
  readonly #perProtocol = new Map<string, number>();
  /** Contacts of an earlier run that were stored with an id must not meet one of this run. */
  #nextId = 1 + Math.floor(Math.random() * 0x3fffffff);

  get size(): number {
    return this.#byId.size;
  }

  get(id: number | undefined): Connection | undefined {
    return id ? this.#byId.get(id) : undefined;
  }

  all(): IterableIterator<Connection> {
    return this.#byId.values();
  }

  /** What goes to that address and port takes this one. */
  find(proto: string, ip: string, port: number): Connection | undefined {
    return this.#byPeer.get(formatAddress({ proto, ip, port }));
  }

  /** connections of a protocol */
  count(proto: string): number {
    return this.#perProtocol.get(proto) ?? 0;
  }

  /** connections that this address has opened */
  countOf(ip: string): number {
    return this.#perAddress.get(ip) ?? 0;
  }

  newId(): number {
    for (;;) {
      const id = this.#nextId;
      // what modules store of it is a signed number
      this.#nextId = id >= 0x7fffffff ? 1 : id + 1;
      if (!this.#byId.has(id)) return id;
    }
  }

  add(connection: Connection): void {
    this.#byId.set(connection.id, connection);
    const { proto } = connection.socket;
    this.#perProtocol.set(proto, this.count(proto) + 1);
    const { ip } = connection.from;
    if (connection.incoming) this.#perAddress.set(ip, this.countOf(ip) + 1);
  }

  /** Others may send by it now. */
  offer(connection: Connection): void {
    const key = peerOf(connection);
    const before = this.#byPeer.get(key);
    if (before && before !== connection) before.aliases.delete(connection.from.port);
    this.#byPeer.set(key, connection);
  }

  /**
   * A port of the peer that leads to its connection from now on. Who came from that port keeps it: another client behind the same address does not get its calls.
   * @returns false for such a port, and when the connection has as many as it may
   */
  alias(connection: Connection, port: number): boolean {
    const { proto } = connection.socket;
    const key = formatAddress({ proto, ip: connection.from.ip, port });
    const holder = this.#byPeer.get(key);
    if (holder === connection) return true;
    if (holder?.from.port === port || connection.aliases.size >= MAX_PORTS - 1) return false;
    holder?.aliases.delete(port);
    connection.aliases.add(port);
    this.#byPeer.set(key, connection);
    return true;
  }

  /** Nobody sends by it any more. */
  withdraw(connection: Connection): void {
    const { proto } = connection.socket;
    const { ip, port } = connection.from;
    for (const each of [port, ...connection.aliases]) {
      const key = formatAddress({ proto, ip, port: each });
      if (this.#byPeer.get(key) === connection) this.#byPeer.delete(key);
    }
    connection.aliases.clear();
  }

  remove(connection: Connection): void {
    this.withdraw(connection);
    if (!this.#byId.delete(connection.id)) return;
    const { proto } = connection.socket;
    this.#perProtocol.set(proto, this.count(proto) - 1);
    if (!connection.incoming) return;
    const { ip } = connection.from;
    const left = this.countOf(ip) - 1;
    if (left > 0) this.#perAddress.set(ip, left);
    else this.#perAddress.delete(ip);
  }
}

const peerOf = ({ socket: { proto }, from: { ip, port } }: Connection): string => formatAddress({ proto, ip, port });
