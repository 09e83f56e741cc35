/** Locks in shared memory: a word each, 0 free, else who has it. Held for microseconds: a worker that wants one spins a little, then sleeps in the kernel. */

/** how many there may be */
export const LOCKS = 16384;

const OWNER = 0xffff;
/** somebody sleeps */
const WAITED = 0x10000;
const SPINS = 100;
/** a worker that ended may never wake us */
const SLEEP_MS = 20;

export class Locks {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #first: number;
  readonly #me: number;

  /** @param first word of the first lock */
  constructor(words: Int32Array<SharedArrayBuffer>, first: number, worker: number) {
    this.#words = words;
    this.#first = first;
    this.#me = worker + 1;
  }

  /** @returns false when this worker has it already: then it is not to be given back */
  take(lock: number): boolean {
    const words = this.#words;
    const at = this.#first + lock;
    const me = this.#me;
    for (let tries = 0; ; tries++) {
      const is = Atomics.compareExchange(words, at, 0, me);
      if (is === 0) return true;
      if ((is & OWNER) === me) return false;
      if (tries < SPINS) continue;
      if (is & WAITED || Atomics.compareExchange(words, at, is, is | WAITED) === is)
        Atomics.wait(words, at, is | WAITED, SLEEP_MS);
    }
  }

  /** @returns false when it was not free in time; one that this worker has already counts as taken */
  takeWithin(lock: number, waitMs: number): boolean {
    const words = this.#words;
    const at = this.#first + lock;
    const end = performance.now() + waitMs;
    for (;;) {
      const is = Atomics.compareExchange(words, at, 0, this.#me);
      if (is === 0 || (is & OWNER) === this.#me) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      if (is & WAITED || Atomics.compareExchange(words, at, is, is | WAITED) === is)
        Atomics.wait(words, at, is | WAITED, Math.min(SLEEP_MS, left));
    }
  }

  give(lock: number): void {
    const at = this.#first + lock;
    if (Atomics.exchange(this.#words, at, 0) & WAITED) Atomics.notify(this.#words, at);
  }

  run<T>(lock: number, fn: () => T): T {
    if (!this.take(lock)) return fn();
    try {
      return fn();
    } finally {
      this.give(lock);
    }
  }

  /** Frees what a worker that is gone had. */
  freeAll(worker: number): void {
    for (let lock = 0; lock < LOCKS; lock++)
      if ((Atomics.load(this.#words, this.#first + lock) & OWNER) === worker + 1) this.give(lock);
  }
}
