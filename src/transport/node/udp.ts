/** UDP over node:dgram, IPv4 and IPv6: one dgram socket for each address. */
import dgram from 'node:dgram';
import net from 'node:net';
import type { Logger } from '../../core/log.ts';
import { silentLogger } from '../../core/log.ts';
import { byteStrOf } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { Socket } from '../../kemi/host.ts';
import { formatAddress } from '../listen-address.ts';
import {
  type ListenAddress,
  newCounters,
  type Receiver,
  type Transport,
  type TransportCounters,
} from '../transport.ts';
import { expand, listenError } from './bind.ts';
import { receiveBy } from './direct-receive.ts';
import { type DirectSend, type Done, FAILED, watchSend } from './direct-send.ts';

/** Tried from the top; the system caps them (Linux: net.core.rmem_max) or refuses. A burst waits here while a route runs. */
const BUFFER_SIZES = [8 << 20, 4 << 20, 1 << 20, 256 << 10];
/** Datagrams that the kernel did not take yet, over all sockets. More of them than this is a stuck network: drop and count. */
const MAX_UNSENT = 4096;

interface Open {
  readonly handle: dgram.Socket;
  readonly socket: Socket;
  readonly family: 4 | 6;
  readonly done: Done;
  /** how it sends once the first datagram has shown the way */
  direct: DirectSend | undefined;
  /** until then: whether the kernel refused the last datagram at once */
  refused: boolean;
}

export interface UdpOptions {
  readonly log?: Logger;
  /**
   * Several sockets on one address (SO_REUSEPORT), among which the system spreads datagrams by where they come from: 'first' makes sure that no other program has it,
   * 'more' joins the first
   */
  readonly share?: 'first' | 'more' | undefined;
}

export class UdpTransport implements Transport {
  readonly counters: TransportCounters = newCounters();
  sockets: readonly Socket[] = [];
  readonly #log: Logger;
  readonly #share: UdpOptions['share'];
  readonly #open: Open[] = [];
  #receiver: Receiver | undefined;
  #closed = false;
  #unsent = 0;
  #idle: (() => void) | undefined;

  constructor(options: UdpOptions = {}) {
    this.#log = options.log ?? silentLogger;
    this.#share = options.share;
  }

  async open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]> {
    if (this.#closed) throw new KemiError('KEMI_ERR_CLOSED', 'Cannot open a socket: the transport is closed');
    const opened: Open[] = [];
    try {
      for (const address of addresses) {
        if (address.proto !== 'udp')
          throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${address.proto}: this is the transport of udp`);
        for (const ip of await expand(address))
          opened.push(await this.#bind(this.#open.length + opened.length, ip, address));
      }
    } catch (error) {
      await Promise.all(opened.map(o => closeHandle(o.handle)));
      throw error;
    }
    this.#open.push(...opened);
    this.sockets = this.#open.map(o => o.socket);
    return opened.map(o => o.socket);
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(socket: number, bytes: Uint8Array, ip: string, port: number): boolean {
    return this.sender(socket)(bytes, ip, port);
  }

  sender(socket: number): (bytes: Uint8Array, ip: string, port: number) => boolean {
    const { counters } = this;
    return (bytes, ip, port) => {
      const open = this.#open[socket];
      if (
        open === undefined ||
        this.#closed ||
        this.#unsent >= MAX_UNSENT ||
        (open.family === 6) !== ip.includes(':') ||
        !(port > 0 && port < 65536)
      ) {
        counters.sendErrors++;
        return false;
      }
      this.#unsent++;
      if (open.direct === undefined) return sendFirst(open, bytes, ip, port);
      const sent = open.direct.send(bytes, port, ip);
      // done() hears how it ends, as with dgram; what failed already is told here too
      if (sent < 0) return sent !== FAILED;
      this.#unsent--;
      counters.sent++;
      counters.sentBytes += sent;
      return true;
    };
  }

  stop(): void {
    this.#receiver = undefined;
  }

  async close(): Promise<void> {
    this.stop();
    if (this.#closed) return;
    this.#closed = true;
    // Answers of the last routes may still be on their way to the kernel.
    if (this.#unsent > 0) {
      const drained = new Promise<void>(resolve => {
        this.#idle = resolve;
      });
      await Promise.race([drained, new Promise(resolve => setTimeout(resolve, 500).unref())]);
    }
    await Promise.all(this.#open.map(o => closeHandle(o.handle)));
  }

  async #bind(index: number, ip: string, address: ListenAddress): Promise<Open> {
    // whoever runs as the same user could join us without knowing it
    if (this.#share === 'first' && address.port !== 0) await assertFree(ip, address.port);
    return this.#bindOne(index, ip, address);
  }

  #bindOne(index: number, ip: string, { port, advertise, name }: ListenAddress): Promise<Open> {
    const family = net.isIPv6(ip) ? 6 : 4;
    const reusePort = this.#share !== undefined;
    const cannot: ReadonlySet<string> = NO_SHARING[this.#share ?? 'alone'];
    const handle = dgram.createSocket({ ...optionsFor(family), reusePort });
    const { counters } = this;
    return new Promise<Open>((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException) => {
        handle.close();
        reject(cannot.has(error.code ?? '') ? cannotShare(ip, port, error) : listenError('udp', ip, port, error));
      };
      handle.once('error', refused);
      handle.bind({ address: ip, port, exclusive: true }, () => {
        handle.off('error', refused);
        for (const set of [handle.setRecvBufferSize, handle.setSendBufferSize])
          growBuffer(size => set.call(handle, size));
        const bound = handle.address();
        const socket: Socket = {
          index,
          proto: 'udp',
          ip: bound.address,
          port: bound.port,
          ...(advertise && {
            advertisedIp: byteStrOf(advertise.host),
            // Port 0 of the config became a port only now.
            advertisedPort: advertise.port || bound.port,
          }),
          ...(name !== undefined && { name: byteStrOf(name) }),
        };
        handle.on('error', error => {
          counters.receiveErrors++;
          this.#log.warn({ socket: formatAddress(socket), err: error }, 'Socket error');
        });
        receiveBy(handle, (bytes, ip, port) => this.#receive(bytes, ip, port, index, family));
        const done: Done = (error, bytes) => {
          this.#unsent--;
          if (error) {
            counters.sendErrors++;
            this.#log.debug({ socket: formatAddress(socket), err: error }, 'Cannot send a datagram');
          } else {
            counters.sent++;
            counters.sentBytes += bytes;
          }
          if (this.#unsent === 0) this.#idle?.();
        };
        const open: Open = { handle, socket, family, done, direct: undefined, refused: false };
        watchSend(
          handle,
          done,
          direct => {
            open.direct = direct;
          },
          () => {
            open.refused = true;
          },
        );
        resolve(open);
      });
    });
  }

  #receive(bytes: Uint8Array, ip: string, port: number, index: number, family: 4 | 6): void {
    const receiver = this.#receiver;
    if (!receiver) return;
    this.counters.received++;
    this.counters.receivedBytes += bytes.length;
    try {
      receiver(bytes, { ip, port, family }, index);
    } catch (error) {
      this.counters.receiveErrors++;
      this.#log.error({ err: error, from: `${ip}:${port}` }, 'Cannot route a datagram: internal error');
    }
  }
}

/** By dgram, until there is a direct way. It may keep the bytes until the kernel takes them, and the linear memory they lie in changes: copy. */
function sendFirst(open: Open, bytes: Uint8Array, ip: string, port: number): boolean {
  open.refused = false;
  open.handle.send(Buffer.from(bytes), port, ip, open.done);
  return !open.refused;
}

function optionsFor(family: 4 | 6): dgram.SocketOptions {
  return {
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Addresses are never names here: answer at once, dns.lookup would go through the thread pool.
    lookup: (host, _options, callback) => callback(null, host, family),
  };
}

/** @throws KemiError KEMI_ERR_LISTEN when another program has the address */
function assertFree(ip: string, port: number): Promise<void> {
  const probe = dgram.createSocket(optionsFor(net.isIPv6(ip) ? 6 : 4));
  return new Promise((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      probe.close();
      reject(listenError('udp', ip, port, error));
    });
    probe.bind({ address: ip, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** what a system without SO_REUSEPORT says, and a Node that does not ask for it */
const NO_SHARING = {
  first: new Set(['ENOTSUP', 'ENOSYS']),
  more: new Set(['ENOTSUP', 'ENOSYS', 'EADDRINUSE']),
  alone: new Set<string>(),
} as const;

function cannotShare(ip: string, port: number, cause: Error): KemiError {
  return new KemiError(
    'KEMI_ERR_LISTEN',
    `Cannot listen on ${formatAddress({ proto: 'udp', ip, port })} with several workers: this Node or this system cannot share a port (Node 22.12 or newer on Linux or FreeBSD can); use --workers 1`,
    { cause },
  );
}

function growBuffer(set: (bytes: number) => void): void {
  for (const size of BUFFER_SIZES) {
    try {
      set(size);
      return;
    } catch {
      // The system allows less: try the next size, its default is good enough in the end.
    }
  }
}

function closeHandle(handle: dgram.Socket): Promise<void> {
  return new Promise(resolve => {
    try {
      handle.close(() => resolve());
    } catch {
      resolve();
    }
  });
}
