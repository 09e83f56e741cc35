/**
 * UDP over Bun's own socket. It takes what came in from the system by the batch, and what goes out is given to the system by the batch, too: all that one turn of the
 * event loop sends leaves in one call at its end.
 */
import { KemiError } from '../../errors.ts';
import { formatAddress } from '../listen-address.ts';
import { listenError } from '../node/bind.ts';
import { CLOSE_MS, type DatagramSocket, DatagramTransport } from '../node/datagrams.ts';
import { growBuffers } from './buffers.ts';
import { type BunUdpSocket, bunApi } from './bun-api.ts';

/** Datagrams of one socket that did not leave yet. More of them than this is a stuck network: drop and count. */
const MAX_UNSENT = 4096;
/** so many leave at once without waiting for the end of the turn */
const BATCH = 128;
/**
 * What the system says on a send of an earlier datagram that came back (Bun asks for such errors): it was not about this one, which has not left. Seen once, it is gone.
 */
const CAME_BACK = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EPROTO',
  'EACCES',
  'EMSGSIZE',
  'EOPNOTSUPP',
]);

type Datagrams = (Uint8Array | number | string)[];

export class BunUdpTransport extends DatagramTransport {
  protected override async bind(index: number, ip: string, port: number, family: 4 | 6): Promise<DatagramSocket> {
    const bun = bunApi();
    if (!bun) throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on udp:${ip}: this transport needs Bun`);
    const address = formatAddress({ proto: 'udp', ip, port });
    let outgoing: Outgoing | undefined;
    let socket: BunUdpSocket;
    try {
      socket = await bun.udpSocket({
        hostname: ip,
        port,
        binaryType: 'uint8array',
        socket: {
          data: (_socket, bytes, fromPort, from) => this.received(bytes, from, fromPort, family, index),
          drain: () => outgoing?.flush(),
          // An error that came back for a datagram: whoever sent it hears nothing of it over UDP, here as elsewhere.
          error: error => this.log.debug({ socket: address, err: error }, 'Socket error'),
        },
      });
    } catch (error) {
      throw listenError('udp', ip, port, error as NodeJS.ErrnoException);
    }
    growBuffers(socket.fd);
    outgoing = new Outgoing(socket, {
      sent: bytes => this.sent(bytes),
      notSent: error => this.notSent(error, address),
    });
    const { send, close } = outgoing;
    return { ip: socket.address.address, port: socket.address.port, send, close };
  }
}

interface Outcome {
  sent(bytes: number): void;
  notSent(error: unknown): void;
}

/** What waits for the end of the turn, or for room in the system's buffer. */
class Outgoing {
  readonly #socket: BunUdpSocket;
  readonly #outcome: Outcome;
  #waiting: Datagrams = [];
  #armed = false;
  #blocked = false;
  #drained: (() => void) | undefined;

  constructor(socket: BunUdpSocket, outcome: Outcome) {
    this.#socket = socket;
    this.#outcome = outcome;
  }

  readonly send = (bytes: Uint8Array, port: number, ip: string): boolean => {
    const waiting = this.#waiting;
    if (waiting.length >= MAX_UNSENT * 3) {
      this.#outcome.notSent(new Error('too many datagrams wait'));
      return false;
    }
    waiting.push(bytes.slice(), port, ip);
    if (!this.#armed) {
      this.#armed = true;
      setImmediate(this.flush);
    } else if (!this.#blocked && waiting.length >= BATCH * 3) this.flush();
    return true;
  };

  readonly flush = (): void => {
    this.#armed = false;
    this.#blocked = false;
    const all = this.#waiting;
    const { length } = all;
    let at = 0;
    let again = false;
    while (at < length) {
      let sent = 0;
      try {
        sent = this.#socket.sendMany(at === 0 ? all : all.slice(at));
      } catch (error) {
        if (!again && CAME_BACK.has((error as NodeJS.ErrnoException).code ?? '')) {
          again = true;
          continue;
        }
        this.#outcome.notSent(error);
        at += 3;
        again = false;
        continue;
      }
      if (sent === 0) {
        this.#blocked = true;
        break;
      }
      for (const end = at + 3 * sent; at < end; at += 3) this.#outcome.sent((all[at] as Uint8Array).length);
      again = false;
    }
    this.#waiting = at < length ? all.slice(at) : [];
    if (this.#waiting.length === 0) this.#drained?.();
  };

  readonly close = async (): Promise<void> => {
    this.flush();
    if (this.#waiting.length > 0) {
      const drained = new Promise<void>(resolve => {
        this.#drained = resolve;
      });
      await Promise.race([drained, new Promise(resolve => setTimeout(resolve, CLOSE_MS).unref())]);
    }
    this.#waiting = [];
    this.#socket.close();
  };
}
