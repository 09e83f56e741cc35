/** What lies behind one htable: the memory of the runtime, or what it shares with others (kemi/shared). */
import type { ByteStr } from '../../core/memory.ts';

export interface Item {
  /** 32-bit integer or byte string */
  readonly value: number | ByteStr;
  /** wall clock in milliseconds at which the item is gone; 0 never */
  readonly expiresMs: number;
}

export interface ItemStore {
  get(key: ByteStr): Item | undefined;
  /** Replaces what was there. @returns false when there is no room: nothing is changed then */
  set(key: ByteStr, item: Item): boolean;
  delete(key: ByteStr): boolean;
  clear(): void;
  readonly size: number;
  /** every item, expired ones included, in the order in which they were added */
  entries(): Iterable<[ByteStr, Item]>;
  /** Where others may change an item in the middle of what fn does: runs fn while they do not. Absent: there are none. */
  exclusive?<T>(key: ByteStr, fn: () => T): T;
  /** keys of items that end at `nowMs` or before, where that is cheaper than to look at all */
  expired?(nowMs: number): ByteStr[];
}

export class MemoryStore implements ItemStore {
  readonly #items = new Map<ByteStr, Item>();

  get(key: ByteStr): Item | undefined {
    return this.#items.get(key);
  }
  set(key: ByteStr, item: Item): boolean {
    this.#items.set(key, item);
    return true;
  }
  delete(key: ByteStr): boolean {
    return this.#items.delete(key);
  }
  clear(): void {
    this.#items.clear();
  }
  get size(): number {
    return this.#items.size;
  }
  entries(): Iterable<[ByteStr, Item]> {
    return this.#items.entries();
  }
}
