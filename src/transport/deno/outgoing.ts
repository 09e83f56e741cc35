/** Datagrams on their way, one after the other: of those that Deno is given together the last leaves first. */
import { CLOSE_MS } from '../node/datagrams.ts';

/** Datagrams of one socket that did not leave yet. More of them than this is a stuck network: drop and count. */
const MAX_UNSENT = 4096;

/** @returns bytes sent */
type Send = (bytes: Uint8Array, port: number, ip: string) => Promise<number>;

/** What is told of each datagram in the end. */
export interface Outcome {
  sent(bytes: number): void;
  notSent(error: unknown): void;
}

export class Outgoing {
  readonly #send: Send;
  readonly #outcome: Outcome;
  readonly #waiting: [Uint8Array, number, string][] = [];
  #pump: Promise<void> | undefined;
  #closed = false;

  constructor(send: Send, outcome: Outcome) {
    this.#send = send;
    this.#outcome = outcome;
  }

  readonly send = (bytes: Uint8Array, port: number, ip: string): boolean => {
    if (this.#waiting.length >= MAX_UNSENT) {
      this.#outcome.notSent(new Error('too many datagrams wait'));
      return false;
    }
    this.#waiting.push([bytes.slice(), port, ip]);
    this.#pump ??= this.#run();
    return true;
  };

  /** Resolves when all have left, or CLOSE_MS are over. */
  async close(): Promise<void> {
    if (this.#pump) await Promise.race([this.#pump, new Promise(resolve => setTimeout(resolve, CLOSE_MS))]);
    this.#closed = true;
  }

  async #run(): Promise<void> {
    const waiting = this.#waiting;
    for (let next = 0; next < waiting.length && !this.#closed; next++) {
      const [bytes, port, ip] = waiting[next]!;
      try {
        this.#outcome.sent(await this.#send(bytes, port, ip));
      } catch (error) {
        this.#outcome.notSent(error);
      }
      // What has left goes now and then, not one by one from the front of a long list.
      if (next >= 256) {
        waiting.splice(0, next + 1);
        next = -1;
      }
    }
    waiting.length = 0;
    this.#pump = undefined;
  }
}
