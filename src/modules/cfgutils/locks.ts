/**
 * Named locks. One thread runs, so nobody waits inside a call; but a route that is suspended keeps its locks, and another message that wants one waits
 * for it. A message may take a lock that it has, and must give it back as often. A lock whose message is gone is free.
 */
import type { ByteStr } from '../../core/memory.ts';

interface Lock {
  owner: number;
  held: number;
  readonly waiting: { owner: number; go: () => void }[];
}

export class Locks {
  readonly #locks = new Map<ByteStr, Lock>();
  readonly #isLive: (owner: number) => boolean;

  /** @param isLive whether the message with that handle is still there; 0 is no message, which never ends */
  constructor(isLive: (owner: number) => boolean) {
    this.#isLive = isLive;
  }

  get size(): number {
    return this.#locks.size;
  }

  /** @returns undefined when it was taken at once */
  take(key: ByteStr, owner: number): Promise<void> | undefined {
    const lock = this.#live(key);
    if (!lock) {
      this.#locks.set(key, { owner, held: 1, waiting: [] });
      return undefined;
    }
    if (lock.owner === owner) {
      lock.held++;
      return undefined;
    }
    return new Promise(resolve => lock.waiting.push({ owner, go: resolve }));
  }

  /** @returns false when somebody has it, the asking message included */
  tryTake(key: ByteStr, owner: number): boolean {
    if (this.#live(key)) return false;
    this.#locks.set(key, { owner, held: 1, waiting: [] });
    return true;
  }

  /** A lock that is not held, or by another message, stays as it is. */
  give(key: ByteStr, owner: number): void {
    const lock = this.#live(key);
    if (lock?.owner !== owner || --lock.held > 0) return;
    this.#pass(key, lock);
  }

  /** The lock, unless it is free or its message is gone. */
  #live(key: ByteStr): Lock | undefined {
    const lock = this.#locks.get(key);
    if (!lock || this.#isLive(lock.owner)) return lock;
    this.#pass(key, lock);
    return this.#locks.get(key);
  }

  /** Frees the locks whose messages are gone: nobody may ask for them again, and somebody may wait. */
  sweep(): void {
    for (const [key, lock] of this.#locks) if (!this.#isLive(lock.owner)) this.#pass(key, lock);
  }

  #pass(key: ByteStr, lock: Lock): void {
    for (let next = lock.waiting.shift(); next; next = lock.waiting.shift()) {
      if (!this.#isLive(next.owner)) continue;
      lock.owner = next.owner;
      lock.held = 1;
      next.go();
      return;
    }
    this.#locks.delete(key);
  }
}
