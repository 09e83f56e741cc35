/** A network inside one process, for tests: transports that share a MemoryNetwork reach each other, nothing else exists. */

import { KemiError } from '../../errors.ts';
import type { Socket } from '../../kemi/host.ts';
import {
  type ListenAddress,
  newCounters,
  type Receiver,
  type Transport,
  type TransportCounters,
} from '../transport.ts';

/** One datagram as it travelled. */
export interface MemoryDatagram {
  readonly bytes: Uint8Array;
  readonly fromIp: string;
  readonly fromPort: number;
  readonly toIp: string;
  readonly toPort: number;
}

interface Bound {
  readonly transport: MemoryTransport;
  readonly socket: Socket;
}

export class MemoryNetwork {
  /** datagrams that were sent to nobody */
  readonly lost: MemoryDatagram[] = [];
  readonly #bound = new Map<string, Bound>();
  #nextPort = 40000;

  /** @returns a transport on this network, with no socket yet */
  transport(): MemoryTransport {
    return new MemoryTransport(this);
  }

  /** @throws KemiError KEMI_ERR_LISTEN when the address is taken */
  bind(transport: MemoryTransport, index: number, address: ListenAddress): Socket {
    const ip = address.host === '0.0.0.0' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host;
    const port = address.port || this.#nextPort++;
    const key = `${ip} ${port}`;
    if (this.#bound.has(key))
      throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${address.proto}:${ip}:${port}: the address is in use`);
    const socket: Socket = { index, proto: address.proto, ip, port };
    this.#bound.set(key, { transport, socket });
    return socket;
  }

  release(socket: Socket): void {
    this.#bound.delete(`${socket.ip} ${socket.port}`);
  }

  /** Delivers after the current call has ended, as a network does: never from inside send(). */
  carry(datagram: MemoryDatagram): void {
    queueMicrotask(() => {
      const to = this.#bound.get(`${datagram.toIp} ${datagram.toPort}`);
      if (!to) this.lost.push(datagram);
      else to.transport.deliver(datagram, to.socket.index);
    });
  }
}

export class MemoryTransport implements Transport {
  readonly counters: TransportCounters = newCounters();
  sockets: readonly Socket[] = [];
  readonly #network: MemoryNetwork;
  #receiver: Receiver | undefined;
  #open = true;

  constructor(network: MemoryNetwork) {
    this.#network = network;
  }

  async open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]> {
    if (!this.#open) throw new KemiError('KEMI_ERR_CLOSED', 'Cannot open a socket: the transport is closed');
    const opened: Socket[] = [];
    try {
      for (const address of addresses)
        opened.push(this.#network.bind(this, this.sockets.length + opened.length, address));
    } catch (error) {
      for (const socket of opened) this.#network.release(socket);
      throw error;
    }
    this.sockets = [...this.sockets, ...opened];
    return opened;
  }

  start(receiver: Receiver): void {
    if (this.#open) this.#receiver = receiver;
  }

  send(socket: number, bytes: Uint8Array, ip: string, port: number): boolean {
    const from = this.sockets[socket];
    if (!this.#open || !from || ip.includes(':') !== from.ip.includes(':') || !(port > 0 && port < 65536)) {
      this.counters.sendErrors++;
      return false;
    }
    this.counters.sent++;
    this.counters.sentBytes += bytes.length;
    this.#network.carry({ bytes: bytes.slice(), fromIp: from.ip, fromPort: from.port, toIp: ip, toPort: port });
    return true;
  }

  deliver(datagram: MemoryDatagram, socket: number): void {
    if (!this.#receiver) return;
    this.counters.received++;
    this.counters.receivedBytes += datagram.bytes.length;
    try {
      this.#receiver(
        datagram.bytes,
        { ip: datagram.fromIp, port: datagram.fromPort, family: datagram.fromIp.includes(':') ? 6 : 4 },
        socket,
      );
    } catch {
      this.counters.receiveErrors++;
    }
  }

  stop(): void {
    this.#receiver = undefined;
  }

  async close(): Promise<void> {
    this.stop();
    this.#open = false;
    for (const socket of this.sockets) this.#network.release(socket);
  }
}
