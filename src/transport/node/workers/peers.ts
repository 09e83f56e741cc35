/** The other workers, as one of them sees them: what it hands over to them, and what they hand over to it. */
import type { MessagePort } from 'node:worker_threads';
import type { Logger } from '../../../core/log.ts';
import type { Source } from '../../../runtime/options.ts';
import { Ring, type Taker } from './ring.ts';

/** The way to one other worker and back. */
export interface PeerLink {
  readonly worker: number;
  readonly port: MessagePort;
  readonly out: SharedArrayBuffer;
  readonly in: SharedArrayBuffer;
}

/** What comes over a port: the bell; a message that did not fit into the ring; what a module tells. */
type Letter =
  | 0
  | readonly [bytes: Uint8Array, from: Source, socket: number]
  | { readonly module: string; readonly data: unknown };

/** messages taken in one go; then what the network brings has its turn */
const BATCH = 64;

interface Peer {
  readonly port: MessagePort;
  readonly out: Ring;
  readonly in: Ring;
}

export class Peers {
  readonly #peers: (Peer | undefined)[] = [];
  readonly #log: Logger;
  #take: Taker | undefined;
  #told: ((module: string, data: unknown) => void) | undefined;
  /** what came before start() */
  readonly #waiting: Parameters<Taker>[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Where messages of others go from now on, and what modules of others tell. */
  start(take: Taker, told: (module: string, data: unknown) => void): void {
    this.#told = told;
    this.#take = (bytes, from, socket) => {
      try {
        take(bytes, from, socket);
      } catch (error) {
        this.#log.error({ err: error, from: `${from.ip}:${from.port}` }, 'Cannot route a message: internal error');
      }
    };
    for (const args of this.#waiting.splice(0)) this.#take(...args);
  }

  /** Adds a worker, or takes the one that was started again in the place of the one that ended. */
  join({ worker, port, out, in: into }: PeerLink): void {
    this.#peers[worker]?.port.close();
    const peer: Peer = { port, out: new Ring(out), in: new Ring(into) };
    this.#peers[worker] = peer;
    port.on('message', (letter: Letter) => {
      if (letter === 0) this.#read(peer);
      else if ('module' in letter) this.#told?.(letter.module, letter.data);
      else this.#receive(...letter);
    });
    // a port alone must not keep a worker alive
    port.unref();
  }

  /** A worker ended. */
  leave(worker: number): void {
    this.#peers[worker]?.port.close();
    this.#peers[worker] = undefined;
  }

  /** Gives a message to another worker; to one that is gone it is lost, as with a datagram. COPIED */
  handOver(worker: number, bytes: Uint8Array, from: Source, socket: number): void {
    const peer = this.#peers[worker];
    if (!peer) return;
    if (!peer.out.write(bytes, from, socket)) {
      // not slice(): that of a Buffer is a view
      const letter: Letter = [new Uint8Array(bytes), { ...from, handedOver: true }, socket];
      peer.port.postMessage(letter);
    } else if (peer.out.quiet) peer.port.postMessage(0);
  }

  /** Tells a module of another worker something; to one that is gone nothing is told. */
  tell(worker: number, module: string, data: unknown): void {
    this.#peers[worker]?.port.postMessage({ module, data } satisfies Letter);
  }

  close(): void {
    this.#take = undefined;
    this.#told = undefined;
    for (const peer of this.#peers) peer?.port.close();
    this.#peers.length = 0;
  }

  #read(peer: Peer): void {
    if (!peer.in.read((bytes, from, socket) => this.#receive(bytes, from, socket), BATCH))
      setImmediate(() => this.#read(peer));
  }

  #receive(bytes: Uint8Array, from: Source, socket: number): void {
    if (this.#take) this.#take(bytes, from, socket);
    else this.#waiting.push([new Uint8Array(bytes), from, socket]);
  }
}
