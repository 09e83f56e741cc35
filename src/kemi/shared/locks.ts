/** Locks in shared memory: a word each, 0 free, else who has it. Held for microseconds: a worker that wants one spins a little, then sleeps in the kernel. */

/** how many there may be */
export const LOCKS = 16384;

const OWNER = 0xffff;
/** somebody sleeps */
const WAITED = 0x10000;
const SPINS = 100;
/** a worker that ended may never wake us */
const SLEEP_MS = 20;
/**
 * So long nobody has a lock who lives: it ended inside, and whoever frees the locks of those that ended may be the one that waits here. Locks that are held for
 * longer are taken by takeWithin() only.
 */
const ABANDONED_MS = 10_000;

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
    let since = 0;
    for (let tries = 0; ; tries++) {
      const is = Atomics.compareExchange(words, at, 0, me);
      if (is === 0) return true;
      if ((is & OWNER) === me) return false;
      if (tries < SPINS) continue;
      if (tries === SPINS) since = performance.now();
      else if (performance.now() - since > ABANDONED_MS && Atomics.compareExchange(words, at, is, me) === is)
        return true;
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
    this.#free(this.#first + lock, this.#me);
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
    for (let lock = 0; lock < LOCKS; lock++) this.#free(this.#first + lock, worker + 1);
  }

  /** Frees a lock if `owner` has it. */
  #free(at: number, owner: number): void {
    const words = this.#words;
    for (let is = Atomics.load(words, at); (is & OWNER) === owner; is = Atomics.load(words, at)) {
      if (Atomics.compareExchange(words, at, is, 0) !== is) continue;
      if (is & WAITED) Atomics.notify(words, at);
      return;
    }
  }
}
