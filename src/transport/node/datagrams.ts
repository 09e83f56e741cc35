/** What transports of datagrams have in common where addresses are asked for with Node's interfaces: everything but the socket itself. */
import net from 'node:net';
import { type Logger, silentLogger } from '../../core/log.ts';
import { byteStrOf } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { Socket } from '../../kemi/host.ts';
import {
  type ListenAddress,
  newCounters,
  type Receiver,
  type Transport,
  type TransportCounters,
} from '../transport.ts';
import { expand } from './bind.ts';

/** how long close() waits for what was sent to leave, milliseconds */
export const CLOSE_MS = 500;

/** One bound socket. */
export interface DatagramSocket {
  readonly ip: string;
  readonly port: number;
  /** COPIED. Address and port were looked at. @returns false when it can be told at once that nothing leaves; it counts what it sends, and what it does not */
  send(bytes: Uint8Array, port: number, ip: string): boolean;
  /** Resolves when it is closed: what was sent has left by then, or CLOSE_MS are over. */
  close(): Promise<void>;
}

export interface DatagramOptions {
  readonly log?: Logger;
}

export abstract class DatagramTransport implements Transport {
  readonly counters: TransportCounters = newCounters();
  sockets: readonly Socket[] = [];
  protected readonly log: Logger;
  readonly #bound: DatagramSocket[] = [];
  readonly #isV6: boolean[] = [];
  #receiver: Receiver | undefined;
  #closed = false;

  constructor(options: DatagramOptions = {}) {
    this.log = options.log ?? silentLogger;
  }

  /**
   * Opens one socket; what comes in goes to received() with its index.
   * @throws KemiError KEMI_ERR_LISTEN
   */
  protected abstract bind(index: number, ip: string, port: number, family: 4 | 6): Promise<DatagramSocket>;

  async open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]> {
    if (this.#closed) throw new KemiError('KEMI_ERR_CLOSED', 'Cannot open a socket: the transport is closed');
    const bound: DatagramSocket[] = [];
    const sockets: Socket[] = [];
    try {
      for (const { proto, host, port, advertise, name } of addresses) {
        if (proto !== 'udp')
          throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${proto}: this is the transport of udp`);
        for (const ip of await expand({ proto, host, port })) {
          const index = this.#bound.length + bound.length;
          const one = await this.bind(index, ip, port, net.isIPv6(ip) ? 6 : 4);
          bound.push(one);
          sockets.push({
            index,
            proto: 'udp',
            ip: one.ip,
            port: one.port,
            ...(advertise && {
              advertisedIp: byteStrOf(advertise.host),
              // Port 0 of the config became a port only now.
              advertisedPort: advertise.port || one.port,
            }),
            ...(name !== undefined && { name: byteStrOf(name) }),
          });
        }
      }
    } catch (error) {
      await Promise.all(bound.map(b => b.close()));
      throw error;
    }
    this.#bound.push(...bound);
    this.#isV6.push(...bound.map(b => b.ip.includes(':')));
    this.sockets = [...this.sockets, ...sockets];
    return sockets;
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(socket: number, bytes: Uint8Array, ip: string, port: number): boolean {
    const bound = this.#bound[socket];
    if (bound && !this.#closed && this.#isV6[socket] === ip.includes(':') && port > 0 && port < 65536)
      return bound.send(bytes, port, ip);
    this.counters.sendErrors++;
    return false;
  }

  stop(): void {
    this.#receiver = undefined;
  }

  async close(): Promise<void> {
    this.stop();
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(this.#bound.map(b => b.close()));
  }

  /** A datagram came in. BORROWED. */
  protected received(bytes: Uint8Array, ip: string, port: number, family: 4 | 6, index: number): void {
    const receiver = this.#receiver;
    if (!receiver) return;
    const { counters } = this;
    counters.received++;
    counters.receivedBytes += bytes.length;
    try {
      receiver(bytes, { ip, port, family }, index);
    } catch (error) {
      counters.receiveErrors++;
      this.log.error({ err: error, from: `${ip}:${port}` }, 'Cannot route a datagram: internal error');
    }
  }

  /** A datagram left. */
  protected sent(bytes: number): void {
    this.counters.sent++;
    this.counters.sentBytes += bytes;
  }

  /** A datagram did not leave after all. */
  protected notSent(error: unknown, socket: string): void {
    this.counters.sendErrors++;
    this.log.debug({ socket, err: error }, 'Cannot send a datagram');
  }
}
