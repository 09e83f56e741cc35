/**
 * The sockets of the legs. All scenarios share them and run side by side; a datagram belongs to the scenario whose mark (`~name~`) its Call-ID
 * carries, or any other part of it when the Call-ID is the server's own.
 */
import { createSocket, type Socket } from 'node:dgram';

/** Ports are these numbers above the base of the run; the server has the base itself. */
export const LEGS = {
  alice: { ip: '127.0.0.1', port: 1 },
  bob: { ip: '127.0.0.1', port: 2 },
  carol: { ip: '127.0.0.1', port: 3 },
  dave: { ip: '127.0.0.1', port: 4 },
  /** a proxy of somebody else */
  upstream: { ip: '127.0.0.1', port: 5 },
  /** not the server's own address */
  stranger: { ip: '127.0.0.2', port: 6 },
} as const;

export type LegName = keyof typeof LEGS;
export const LEG_NAMES = Object.keys(LEGS) as LegName[];
/** nobody listens there: the kernel answers with "port unreachable" */
export const DEAD_PORT = 8;
const FENCE_PORT = 9;
/** so many ports that each worker gets what one of them sends */
const PER_WORKER = 8;
/** What the server sends to itself, or one worker hands over to another, comes behind a request that was waiting already; it may do so twice. */
const ROUNDS = 3;
/** bases of two runs side by side must be this far apart */
export const PORTS = 30;
/** base that recorded traces are written with */
export const CANONICAL_BASE = 21700;

export type Receive = (leg: LegName, text: string) => void;

export class Wire {
  readonly base: number;
  readonly #workers: number;
  readonly #sockets = new Map<LegName, Socket>();
  readonly #fences: Socket[] = [];
  #asked = 0;
  /** what asks now, and what comes behind it */
  #asking: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  readonly #waiting = new Map<string, () => void>();
  readonly #scenarios = new Map<string, Receive>();
  /** datagrams that belong to no scenario that runs */
  readonly strays: string[] = [];

  /** @param workers threads or processes of the server that take datagrams each from a socket of their own */
  constructor(base: number, workers = 1) {
    this.base = base;
    this.#workers = workers;
  }

  async open(): Promise<void> {
    for (const name of LEG_NAMES) {
      const socket = await bound(LEGS[name].ip, this.base + LEGS[name].port);
      socket.on('message', data => this.#take(name, data.toString('latin1')));
      this.#sockets.set(name, socket);
    }
    const ports =
      this.#workers === 1 ? [this.base + FENCE_PORT] : Array.from({ length: PER_WORKER * this.#workers }, () => 0);
    for (const port of ports) {
      const socket = await bound('127.0.0.1', port);
      socket.on('message', data => {
        const id = /\r\nCall-ID: (fence-\d+)/.exec(data.toString('latin1'))?.[1];
        if (id) this.#waiting.get(id)?.();
      });
      this.#fences.push(socket);
    }
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    for (const socket of this.#fences) socket.close();
  }

  join(mark: string, receive: Receive): void {
    if (this.#scenarios.has(mark)) throw new Error(`two scenarios are called ${mark}`);
    this.#scenarios.set(mark, receive);
  }

  leave(mark: string): void {
    this.#scenarios.delete(mark);
  }

  send(leg: LegName, text: string, toPort = this.base, toIp = '127.0.0.1'): void {
    this.#sockets.get(leg)!.send(Buffer.from(text, 'latin1'), toPort, toIp);
  }

  /**
   * Resolves when the server has handled all that was sent to it before: it takes datagrams in turn, so a request that it answers at once is
   * answered behind them. It is asked again for what it sends to itself: a spiral. Of several workers each takes in turn what the system gives it
   * by the sender's port, so many ports ask.
   * @throws Error when no answer comes for 5 s
   */
  settled(): Promise<void> {
    // One asking at a time, for all that wait: many at once would fill the server's socket, and what scenarios send would be lost.
    this.#next ??= this.#asking
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        this.#asking = this.#askAll();
        return this.#asking;
      });
    return this.#next;
  }

  async #askAll(): Promise<void> {
    // the datagrams of this turn leave in the next one
    await new Promise(resolve => setImmediate(resolve));
    for (let round = 0; round < ROUNDS; round++) await Promise.all(this.#fences.map(socket => this.#answered(socket)));
    // what it sent before that answer is in the sockets: one turn of the loop reads them
    await new Promise(resolve => setTimeout(resolve, 3));
  }

  /** The server answered a request from this socket. */
  async #answered(socket: Socket): Promise<void> {
    const id = `fence-${++this.#asked}`;
    const { base } = this;
    const text = `OPTIONS sip:127.0.0.1:${base} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${socket.address().port};branch=z9hG4bK-${id}\r\nFrom: <sip:fence@127.0.0.1>;tag=f\r\nTo: <sip:127.0.0.1:${base}>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n`;
    await new Promise<void>((resolve, reject) => {
      const again = setInterval(() => socket.send(text, base, '127.0.0.1'), 1_000);
      const late = setTimeout(() => done(reject, new Error('the server does not answer any more')), 5_000);
      const done = (end: (value?: never) => void, error?: Error) => {
        clearInterval(again);
        clearTimeout(late);
        this.#waiting.delete(id);
        (end as (value?: unknown) => void)(error);
      };
      this.#waiting.set(id, () => done(resolve as () => void));
      socket.send(text, base, '127.0.0.1');
    });
  }

  #take(leg: LegName, text: string): void {
    const mark = /^(?:Call-ID|i):[^\r]*~([a-z][a-z0-9-]*)~/im.exec(text)?.[1] ?? /~([a-z][a-z0-9-]*)~/.exec(text)?.[1];
    const receive = mark && this.#scenarios.get(mark);
    if (receive) receive(leg, text);
    else this.strays.push(`${leg}: ${text}`);
  }
}

async function bound(ip: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 21 });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, ip, resolve);
  });
  // "port unreachable" of a server that is not there yet or any more
  socket.on('error', () => {});
  return socket;
}
