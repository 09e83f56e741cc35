/** Values of $shv where several runtimes have them in common. */
import type { ByteStr } from '../../core/memory.ts';
import type { SharedMap } from '../../kemi/shared/shared.ts';

/** A map, as far as $shv needs one. */
export interface Values extends Iterable<[ByteStr, number | ByteStr]> {
  get(name: ByteStr): number | ByteStr | undefined;
  set(name: ByteStr, value: number | ByteStr): unknown;
  delete(name: ByteStr): boolean;
  /** Runs fn while no other worker is inside of it; absent where there is none. */
  exclusive?<T>(name: ByteStr, fn: () => T): T;
}

export class SharedValues implements Values {
  readonly #map: SharedMap;

  constructor(map: SharedMap) {
    this.#map = map;
  }

  get(name: ByteStr): number | ByteStr | undefined {
    return this.#map.get(name)?.value;
  }

  set(name: ByteStr, value: number | ByteStr): boolean {
    return this.#map.set(name, { value, expiresMs: 0 });
  }

  delete(name: ByteStr): boolean {
    return this.#map.delete(name);
  }

  exclusive<T>(name: ByteStr, fn: () => T): T {
    return this.#map.exclusive(name, fn);
  }

  *[Symbol.iterator](): Generator<[ByteStr, number | ByteStr]> {
    for (const [name, { value }] of this.#map.entries()) yield [name, value];
  }
}
