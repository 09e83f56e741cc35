/**
 * A map in shared memory: buckets of linked entries, as many as when it was made.
 *
 *   map    0 items | 4 next sequence number | 8 buckets - 1 | 12 first lock | 16 buckets
 *   entry  0 next | 4 hash | 8 key bytes | 12 value bytes, -1 an integer | 16 the integer | 20 sequence number | 24 end (f64) | 32 key, value
 */
import type { ByteStr } from '../../core/memory.ts';
import { roomFor, type SharedMemory } from './memory.ts';
import type { SharedItem, SharedMap } from './shared.ts';

const M_SIZE = 0;
const M_SEQUENCE = 1;
const M_MASK = 2;
const M_LOCKS = 3;
const M_BUCKETS = 4;

const E_HASH = 1;
const E_KEY = 2;
const E_VALUE = 3;
const E_INT = 4;
const E_SEQUENCE = 5;
const E_END = 3;
const E_DATA = 32;

/** buckets that are walked while others wait */
const WALK = 256;

export class MemoryMap implements SharedMap {
  readonly #memory: SharedMemory;
  readonly #map: number;
  readonly #mask: number;
  readonly #buckets: number;
  readonly #lock: number;
  readonly #stripes: number;

  static make(memory: SharedMemory, buckets: number, firstLock: number): number {
    const at = memory.fresh(20 + 4 * buckets);
    memory.words[(at >> 2) + M_MASK] = buckets - 1;
    memory.words[(at >> 2) + M_LOCKS] = firstLock;
    return at;
  }

  constructor(memory: SharedMemory, at: number, stripes: number) {
    this.#memory = memory;
    this.#map = at >> 2;
    this.#mask = memory.words[this.#map + M_MASK]!;
    this.#lock = memory.words[this.#map + M_LOCKS]!;
    this.#buckets = this.#map + M_BUCKETS;
    this.#stripes = stripes;
  }

  get size(): number {
    return Atomics.load(this.#memory.words, this.#map + M_SIZE);
  }

  exclusive<T>(key: ByteStr, fn: () => T): T {
    return this.#memory.locks.run(this.#lock + 1 + (this.#memory.hash(key) & (this.#stripes - 1)), fn);
  }

  get(key: ByteStr): SharedItem | undefined {
    const { locks } = this.#memory;
    const hash = this.#memory.hash(key);
    locks.take(this.#lock);
    try {
      const at = this.#find(hash, key);
      return at ? this.#item(at) : undefined;
    } finally {
      locks.give(this.#lock);
    }
  }

  set(key: ByteStr, { value, expiresMs }: SharedItem): boolean {
    const { locks, words, doubles } = this.#memory;
    const hash = this.#memory.hash(key);
    const isText = typeof value === 'string';
    const size = E_DATA + key.length + (isText ? value.length : 0);
    locks.take(this.#lock);
    try {
      const bucket = this.#buckets + (hash & this.#mask);
      const old = this.#find(hash, key);
      if (old && roomFor(this.#sizeOf(old)) === roomFor(size)) {
        this.#put(old, key, value);
        doubles[(old >> 3) + E_END] = expiresMs;
        return true;
      }
      const at = this.#memory.alloc(size);
      if (!at) return false;
      const w = at >> 2;
      words[w + E_HASH] = hash;
      words[w + E_KEY] = key.length;
      words[w + E_SEQUENCE] = old ? words[(old >> 2) + E_SEQUENCE]! : words[this.#map + M_SEQUENCE]!++;
      doubles[(at >> 3) + E_END] = expiresMs;
      this.#memory.write(at + E_DATA, key);
      this.#put(at, key, value);
      words[w] = words[bucket]!;
      words[bucket] = at;
      if (old) this.#unlink(bucket, old);
      else words[this.#map + M_SIZE]!++;
      return true;
    } finally {
      locks.give(this.#lock);
    }
  }

  delete(key: ByteStr): boolean {
    const { locks, words } = this.#memory;
    const hash = this.#memory.hash(key);
    locks.take(this.#lock);
    try {
      const at = this.#find(hash, key);
      if (!at) return false;
      this.#unlink(this.#buckets + (hash & this.#mask), at);
      words[this.#map + M_SIZE]!--;
      return true;
    } finally {
      locks.give(this.#lock);
    }
  }

  clear(): void {
    const { words } = this.#memory;
    this.#walk((at, bucket) => {
      this.#unlink(bucket, at);
      words[this.#map + M_SIZE]!--;
    });
  }

  *entries(): Generator<[ByteStr, SharedItem]> {
    const { words } = this.#memory;
    const all: { sequence: number; entry: [ByteStr, SharedItem] }[] = [];
    this.#walk(at => all.push({ sequence: words[(at >> 2) + E_SEQUENCE]!, entry: [this.#key(at), this.#item(at)] }));
    all.sort((a, b) => a.sequence - b.sequence);
    for (const { entry } of all) yield entry;
  }

  keys(part = 0, parts = 1): ByteStr[] {
    const keys: ByteStr[] = [];
    this.#walk(at => keys.push(this.#key(at)), part, parts);
    return keys;
  }

  expired(nowMs: number): ByteStr[] {
    const { doubles } = this.#memory;
    const keys: ByteStr[] = [];
    this.#walk(at => {
      const end = doubles[(at >> 3) + E_END]!;
      if (end !== 0 && end <= nowMs) keys.push(this.#key(at));
    });
    return keys;
  }

  /** Shows every entry of a share of the buckets; `use` may unlink it. */
  #walk(use: (at: number, bucket: number) => void, part = 0, parts = 1): void {
    const { locks, words } = this.#memory;
    for (let first = 0; first <= this.#mask; first += WALK) {
      locks.take(this.#lock);
      try {
        const last = Math.min(first + WALK, this.#mask + 1);
        // the first of the share at or behind `first`
        const start = first + ((((part - first) % parts) + parts) % parts);
        for (let bucket = this.#buckets + start; bucket < this.#buckets + last; bucket += parts)
          for (let at = words[bucket]!; at; ) {
            const next = words[at >> 2]!;
            use(at, bucket);
            at = next;
          }
      } finally {
        locks.give(this.#lock);
      }
    }
  }

  #find(hash: number, key: ByteStr): number {
    const { words } = this.#memory;
    for (let at = words[this.#buckets + (hash & this.#mask)]!; at; at = words[at >> 2]!)
      if (words[(at >> 2) + E_HASH] === hash && this.#memory.matches(at + E_DATA, words[(at >> 2) + E_KEY]!, key))
        return at;
    return 0;
  }

  #unlink(bucket: number, at: number): void {
    const { words } = this.#memory;
    const next = words[at >> 2]!;
    if (words[bucket] === at) words[bucket] = next;
    else
      for (let before = words[bucket]!; before; before = words[before >> 2]!)
        if (words[before >> 2] === at) {
          words[before >> 2] = next;
          break;
        }
    this.#memory.free(at, this.#sizeOf(at));
  }

  #sizeOf(at: number): number {
    const { words } = this.#memory;
    return E_DATA + words[(at >> 2) + E_KEY]! + Math.max(0, words[(at >> 2) + E_VALUE]!);
  }

  #put(at: number, key: ByteStr, value: number | ByteStr): void {
    const { words } = this.#memory;
    const w = at >> 2;
    if (typeof value === 'number') {
      words[w + E_VALUE] = -1;
      words[w + E_INT] = value;
      return;
    }
    words[w + E_VALUE] = value.length;
    this.#memory.write(at + E_DATA + key.length, value);
  }

  #key(at: number): ByteStr {
    return this.#memory.read(at + E_DATA, this.#memory.words[(at >> 2) + E_KEY]!);
  }

  #item(at: number): SharedItem {
    const { words, doubles } = this.#memory;
    const w = at >> 2;
    const length = words[w + E_VALUE]!;
    return {
      value: length < 0 ? words[w + E_INT]! : this.#memory.read(at + E_DATA + words[w + E_KEY]!, length),
      expiresMs: doubles[(at >> 3) + E_END]!,
    };
  }
}
