/** Values of $shv where several runtimes have them in common. */
import type { ByteStr } from '../../core/memory.ts';
import type { SharedMap } from '../../kemi/shared/shared.ts';
import type { ScalarStore } from './api.ts';

export class SharedValues implements ScalarStore {
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
