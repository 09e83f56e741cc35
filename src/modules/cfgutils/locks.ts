/**
 * Named locks. One thread runs, so nobody waits inside a call; but a route that is suspended keeps its locks, and another message that wants one waits for it, in
 * this worker or in another one. A message may take a lock that it has, and must give it back as often. A lock whose message is gone is free.
 */
import type { ByteStr } from '../../core/memory.ts';
import type { Shared } from '../../kemi/shared/shared.ts';

interface Lock {
  owner: number;
  held: number;
  readonly waiting: { owner: number; go: () => void }[];
}

/** Says which worker has a lock. */
export interface Gate {
  /** @returns false: another one has it */
  take(key: ByteStr): boolean;
  give(key: ByteStr): void;
}

/** Where several workers share locks: one has a lock for all of its messages that want it, until none does. */
export function sharedGate(shared: Shared): Gate {
  const map = shared.map('cfgutils.locks');
  const { worker } = shared;
  shared.onLeft(gone => {
    for (const [key, { value }] of map.entries()) if (value === gone) map.delete(key);
  });
  return {
    take: key =>
      map.exclusive(key, () => {
        const owner = map.get(key)?.value;
        return owner === undefined ? map.set(key, { value: worker, expiresMs: 0 }) : owner === worker;
      }),
    give: key => {
      map.delete(key);
    },
  };
}

/** Owner of a lock that another worker has: retry() asks for it again. */
const ELSEWHERE = -1;

export class Locks {
  readonly #locks = new Map<ByteStr, Lock>();
  readonly #isLive: (owner: number) => boolean;
  readonly #gate: Gate | undefined;

  /**
   * @param isLive whether the message with that handle is still there; 0 is no message, which never ends
   * @param gate absent: there is one worker
   */
  constructor(isLive: (owner: number) => boolean, gate?: Gate) {
    this.#isLive = owner => owner === ELSEWHERE || isLive(owner);
    this.#gate = gate;
  }

  /** locks of other workers that messages of this one wait for */
  get waits(): boolean {
    if (this.#gate) for (const { owner } of this.#locks.values()) if (owner === ELSEWHERE) return true;
    return false;
  }

  get size(): number {
    return this.#locks.size;
  }

  /** @returns undefined when it was taken at once */
  take(key: ByteStr, owner: number): Promise<void> | undefined {
    const lock = this.#live(key);
    if (!lock) {
      if (this.#gate && !this.#gate.take(key))
        return new Promise(resolve =>
          this.#locks.set(key, { owner: ELSEWHERE, held: 1, waiting: [{ owner, go: resolve }] }),
        );
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
    if (this.#live(key) || (this.#gate && !this.#gate.take(key))) return false;
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

  /** Asks again for the locks that other workers had. */
  retry(): void {
    for (const [key, lock] of this.#locks) if (lock.owner === ELSEWHERE && this.#gate?.take(key)) this.#pass(key, lock);
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
    this.#gate?.give(key);
  }
}
