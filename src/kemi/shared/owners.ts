/** Which runtime has a transaction, by the keys of tm (8 bytes): the same in each runtime with the same secret. */
import type { ByteStr } from '../../core/memory.ts';
import type { Shared, SharedMap } from './shared.ts';

/** transactions of all runtimes that are spread well */
const BUCKETS = 65536;

export interface SharedOwners {
  /** @returns number of the runtime, -1 nobody */
  of(key: ByteStr): number;
  /**
   * The transaction is this runtime's from now on.
   * @returns 'full' when the shared memory has no room: it is, but the others do not know it
   */
  claim(key: ByteStr): 'ours' | 'others' | 'full';
  /** Gives back what claim() gave. */
  drop(key: ByteStr): void;
}

export function ownersOf(shared: Shared): SharedOwners {
  return new Owners(shared.map('tm.transactions', BUCKETS), shared.worker);
}

/** From now on the transactions of a runtime that ended are nobody's. */
export function watchOwners(shared: Shared): void {
  const map = shared.map('tm.transactions', BUCKETS);
  shared.onLeft(worker => {
    for (const [key, { value }] of map.entries()) if (value === worker) map.delete(key);
  });
}

class Owners implements SharedOwners {
  readonly #map: SharedMap;
  readonly #worker: number;

  constructor(map: SharedMap, worker: number) {
    this.#map = map;
    this.#worker = worker;
  }

  of(key: ByteStr): number {
    const value = this.#map.get(key)?.value;
    return typeof value === 'number' ? value : -1;
  }

  claim(key: ByteStr): 'ours' | 'others' | 'full' {
    return this.#map.exclusive(key, () => {
      const owner = this.of(key);
      if (owner >= 0) return owner === this.#worker ? 'ours' : 'others';
      return this.#map.set(key, { value: this.#worker, expiresMs: 0 }) ? 'ours' : 'full';
    });
  }

  drop(key: ByteStr): void {
    if (this.of(key) === this.#worker) this.#map.delete(key);
  }
}
