/**
 * Statistics of several runtimes: each adds to numbers of its own, which the others may read at any time, and what somebody asks for is the sum. So counting costs
 * what it costs alone, and no count is lost. A reading (a statistic that is computed when asked for) is known to the others from publish() on.
 */
import type { Shared, SharedMap } from './shared.ts';

/** most statistics of all groups */
const MOST = 4096;

export class Lanes {
  readonly #names: SharedMap;
  /** one row for each runtime, and the last one for what set() makes of the sum */
  readonly #values: Float64Array<SharedArrayBuffer>;
  readonly #own: number;
  readonly #rows: number;

  constructor(shared: Shared) {
    this.#names = shared.map('statistics', MOST);
    this.#rows = shared.workers + 1;
    this.#values = shared.floats('statistics', this.#rows * MOST);
    this.#own = shared.worker * MOST;
  }

  /** The place of a statistic; -1 when there are too many: then it counts for this runtime alone. */
  place(group: string, name: string): number {
    const key = `${group}\0${name}`;
    return this.#names.exclusive('', () => {
      const known = this.#names.get(key)?.value;
      if (typeof known === 'number') return known;
      const place = this.#names.size;
      return place < MOST && this.#names.set(key, { value: place, expiresMs: 0 }) ? place : -1;
    });
  }

  own(place: number): number {
    return this.#values[this.#own + place]!;
  }

  setOwn(place: number, value: number): void {
    this.#values[this.#own + place] = value;
  }

  sum(place: number): number {
    let sum = 0;
    for (let row = 0; row < this.#rows; row++) sum += this.#values[row * MOST + place]!;
    return sum;
  }

  /** Makes the sum what it shall be; what others add meanwhile counts on top. */
  set(place: number, value: number): void {
    this.#names.exclusive(String(place), () => {
      this.#values[(this.#rows - 1) * MOST + place]! += value - this.sum(place);
    });
  }
}
