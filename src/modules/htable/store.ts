/** What lies behind one htable. Memory now; another implementation may keep the items elsewhere. */
import type { ByteStr } from '../../core/memory.ts';

export interface Item {
  /** 32-bit integer or byte string */
  readonly value: number | ByteStr;
  /** wall clock in milliseconds at which the item is gone; 0 never */
  readonly expiresMs: number;
}

export interface ItemStore {
  get(key: ByteStr): Item | undefined;
  /** replaces what was there */
  set(key: ByteStr, item: Item): void;
  delete(key: ByteStr): boolean;
  clear(): void;
  readonly size: number;
  /** every item, expired ones included, in the order in which they were added */
  entries(): Iterable<[ByteStr, Item]>;
}

export class MemoryStore implements ItemStore {
  readonly #items = new Map<ByteStr, Item>();

  get(key: ByteStr): Item | undefined {
    return this.#items.get(key);
  }
  set(key: ByteStr, item: Item): void {
    this.#items.set(key, item);
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
