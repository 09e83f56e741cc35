/** Iterators by name: a walk over the keys that a table had when the walk began. */
import type { ByteStr } from '../../core/memory.ts';
import type { Table, Value } from './table.ts';

/** as many walks at once as Kamailio allows */
export const MAX_ITERATORS = 4;

interface Walk {
  readonly table: Table;
  keys: ByteStr[];
  /** -1 before the first */
  at: number;
}

export class Iterators {
  readonly #walks = new Map<ByteStr, Walk>();

  /** @returns false when the name is empty or too many are open; an open one of that name starts anew */
  start(name: ByteStr, table: Table): boolean {
    if (!name || (!this.#walks.has(name) && this.#walks.size >= MAX_ITERATORS)) return false;
    this.#walks.set(name, { table, keys: table.keys(), at: -1 });
    return true;
  }

  end(name: ByteStr): boolean {
    return this.#walks.delete(name);
  }

  /** @returns false at the end; the call after that begins anew */
  next(name: ByteStr): boolean {
    const walk = this.#walks.get(name);
    if (!walk) return false;
    if (this.#forward(walk)) return true;
    walk.keys = walk.table.keys();
    walk.at = -1;
    return false;
  }

  /** The item that the walk stands at. */
  current(name: ByteStr): { table: Table; key: ByteStr; value: Value } | undefined {
    const walk = this.#walks.get(name);
    const key = walk?.keys[walk.at];
    if (walk === undefined || key === undefined) return undefined;
    const value = walk.table.item(key)?.value;
    return value === undefined ? undefined : { table: walk.table, key, value };
  }

  /** Deletes the current item and moves on. @returns 1 at the next item; -1 no current item; -2 that was the last one */
  remove(name: ByteStr): number {
    const current = this.current(name);
    if (!current) return -1;
    current.table.delete(current.key);
    return this.#forward(this.#walks.get(name)!) ? 1 : -2;
  }

  #forward(walk: Walk): boolean {
    while (walk.at < walk.keys.length) {
      const key = walk.keys[++walk.at];
      if (key !== undefined && walk.table.item(key)) return true;
    }
    return false;
  }
}
