/** One htable: values with a life time, an initial value, counters and selections. The clock comes in. */
import type { ByteStr } from '../../core/memory.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import type { Release } from '../../kemi/shared/shared.ts';
import type { Definition } from './definition.ts';
import type { Item, ItemStore } from './store.ts';

export type Value = number | ByteStr;

export class Table {
  readonly definition: Definition;
  /** locks held by key: one thread runs, so only another worker can have one */
  readonly locks = new Map<ByteStr, { held: number; readonly give: Release }>();
  readonly #store: ItemStore;
  readonly #now: () => number;
  readonly #max: number;
  #sweptMs = 0;

  /** @param max most items, 0 no limit */
  constructor(definition: Definition, store: ItemStore, now: () => number, max: number) {
    this.definition = definition;
    this.#store = store;
    this.#now = now;
    this.#max = max;
  }

  get name(): ByteStr {
    return this.definition.name;
  }

  get size(): number {
    return this.#store.size;
  }

  item(key: ByteStr): Item | undefined {
    const item = this.#store.get(key);
    return item && !this.#gone(item) ? item : undefined;
  }

  /** @returns the value, or the table's initval when there is none */
  get(key: ByteStr): Value | null {
    return this.item(key)?.value ?? this.definition.initval ?? null;
  }

  /**
   * @param liveSec seconds, when the table has autoexpire; 0 and less: its default
   * @returns false when the table is full
   */
  set(key: ByteStr, value: Value, liveSec = 0): boolean {
    const store = this.#store;
    return store.exclusive
      ? store.exclusive(key, () => this.#set(key, value, liveSec))
      : this.#set(key, value, liveSec);
  }

  #set(key: ByteStr, value: Value, liveSec: number): boolean {
    const old = this.item(key);
    if (!old && this.#full() && !this.#store.get(key)) return false;
    const keep = old && !this.definition.updateExpire && liveSec <= 0;
    return this.#store.set(key, {
      value: typeof value === 'number' ? value | 0 : value,
      expiresMs: keep ? old.expiresMs : this.#end(liveSec > 0 ? liveSec : this.definition.autoExpireSec),
    });
  }

  /** @returns the new value, undefined when there is neither a number nor an initval, or the table is full */
  count(key: ByteStr, by: number): number | undefined {
    const store = this.#store;
    return store.exclusive ? store.exclusive(key, () => this.#count(key, by)) : this.#count(key, by);
  }

  #count(key: ByteStr, by: number): number | undefined {
    const value = this.get(key);
    if (typeof value !== 'number') return undefined;
    const next = (value + by) | 0;
    return this.#set(key, next, 0) ? next : undefined;
  }

  /** Sets the life of an item that is there; 0 and less: it lives for ever. A table without autoexpire keeps its items anyway. */
  setLife(key: ByteStr, liveSec: number): void {
    const store = this.#store;
    if (store.exclusive) store.exclusive(key, () => this.#setLife(key, liveSec));
    else this.#setLife(key, liveSec);
  }

  #setLife(key: ByteStr, liveSec: number): void {
    const item = this.item(key);
    if (item) this.#store.set(key, { value: item.value, expiresMs: this.#end(liveSec) });
  }

  /** @returns seconds left; 0 when there is no item or it does not expire */
  lifeLeft(key: ByteStr): number {
    const item = this.item(key);
    return item?.expiresMs ? Math.ceil((item.expiresMs - this.#now()) / 1000) : 0;
  }

  delete(key: ByteStr): boolean {
    const there = this.item(key) !== undefined;
    this.#store.delete(key);
    return there;
  }

  clear(): void {
    this.#store.clear();
  }

  *items(): Generator<[ByteStr, Item]> {
    for (const entry of this.#store.entries()) if (!this.#gone(entry[1])) yield entry;
  }

  /** @returns keys of live items by slot, as Kamailio walks its table */
  keys(): ByteStr[] {
    return [...this.items()]
      .map(([key]) => ({ key, slot: this.slot(key) }))
      .sort((a, b) => a.slot - b.slot)
      .map(k => k.key);
  }

  slot(key: ByteStr): number {
    return (coreHash(key) & (this.definition.slots - 1)) >>> 0;
  }

  /** Takes the items out whose life is over. @returns them */
  expire(): { key: ByteStr; value: Value }[] {
    const gone: { key: ByteStr; value: Value }[] = [];
    if (!this.definition.autoExpireSec) return gone;
    const store = this.#store;
    if (store.exclusive && store.expired) {
      for (const key of store.expired(this.#now()))
        store.exclusive(key, () => {
          // it may have been set again since
          const item = store.get(key);
          if (!item || !this.#gone(item)) return;
          store.delete(key);
          gone.push({ key, value: item.value });
        });
      return gone;
    }
    for (const [key, item] of this.#store.entries()) if (this.#gone(item)) gone.push({ key, value: item.value });
    for (const { key } of gone) this.#store.delete(key);
    return gone;
  }

  /** Deletes what `test` selects. @returns how many */
  deleteWhere(test: (key: ByteStr, value: Value) => boolean): number {
    const keys = [...this.items()].filter(([key, item]) => test(key, item.value)).map(([key]) => key);
    for (const key of keys) this.#store.delete(key);
    return keys.length;
  }

  some(test: (key: ByteStr, value: Value) => boolean): boolean {
    for (const [key, item] of this.items()) if (test(key, item.value)) return true;
    return false;
  }

  countWhere(test: (key: ByteStr, value: Value) => boolean): number {
    let n = 0;
    for (const [key, item] of this.items()) if (test(key, item.value)) n++;
    return n;
  }

  /** At most one sweep a second: a flood of new keys must not pay for a walk each. */
  #full(): boolean {
    if (!this.#max || this.#store.size < this.#max) return false;
    const now = this.#now();
    if (now - this.#sweptMs >= 1000 || now < this.#sweptMs) {
      this.#sweptMs = now;
      this.expire();
    }
    return this.#store.size >= this.#max;
  }

  #gone(item: Item): boolean {
    return item.expiresMs !== 0 && item.expiresMs <= this.#now();
  }

  #end(liveSec: number): number {
    return this.definition.autoExpireSec && liveSec > 0 ? this.#now() + liveSec * 1000 : 0;
  }
}
