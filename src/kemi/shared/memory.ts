/**
 * Shared state of the threads of one process: one SharedArrayBuffer that all of them have, as Kamailio's processes have their shared memory.
 *
 *   head | locks | free lists | blocks ...
 *
 * Blocks come in sizes and are reused by size; what was never touched costs no memory. A worker that ends in the middle of a change leaves at most a block that
 * nobody uses: a change becomes visible by one store. Its locks are freed by left().
 */
import type { ByteStr, ByteText } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { LOCKS, Locks } from './locks.ts';
import { MemoryMap } from './map.ts';
import type { Release, Shared, SharedMap } from './shared.ts';

/** byte offsets of the head, in words */
const BUMP = 0;
const DIRECTORY = 1;
const NEXT_LOCK = 2;
const SEED = 3;
const FULL = 4;
const IN_FREE = 5;
const HEAD_WORDS = 16;
const FREE_AT = HEAD_WORDS + LOCKS;
const BLOCKS_AT = (FREE_AT + 64) * 4;

/** named things: next, name length, payload, then the name */
const D_NEXT = 0;
const D_LENGTH = 1;
const D_PAYLOAD = 2;
const D_NAME = 12;

const LOCK_ALLOC = 0;
const LOCK_DIRECTORY = 1;
const FIRST_LOCK = 2;

/** 32, 48, 64, 96, 128 ...: the most that a block wastes is a third */
const SIZES = Array.from({ length: 28 }, (_, i) => (i % 2 ? 48 : 32) * 2 ** Math.floor(i / 2));
export const MAX_BLOCK = SIZES.at(-1)!;
/** locks of one name: keys share them */
const STRIPES = 32;
const DEFAULT_BUCKETS = 1024;

export interface MemoryOptions {
  /** what createSharedMemory() gave */
  readonly buffer: SharedArrayBuffer;
  readonly worker: number;
  readonly workers: number;
  /** how the host makes byte strings of a buffer, for speed */
  readonly byteText?: ((buffer: ArrayBufferLike) => ByteText) | undefined;
}

/** @param bytes 1 MiB to 1 GiB */
export function createSharedMemory(bytes: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes);
  const words = new Int32Array(buffer);
  words[BUMP] = BLOCKS_AT;
  words[NEXT_LOCK] = FIRST_LOCK;
  words.set(new Int32Array(crypto.getRandomValues(new Uint8Array(4)).buffer), SEED);
  return buffer;
}

export class SharedMemory implements Shared {
  readonly worker: number;
  readonly workers: number;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly doubles: Float64Array<SharedArrayBuffer>;
  readonly locks: Locks;
  readonly seed: number;
  readonly #text: ByteText | undefined;
  readonly #maps = new Map<string, MemoryMap>();
  /** how often this worker has each lock of lock() */
  readonly #held = new Map<number, number>();
  readonly #named = new Map<string, number>();
  readonly #buffer: SharedArrayBuffer;
  readonly #onLeft: ((worker: number) => void)[] = [];

  constructor({ buffer, worker, workers, byteText }: MemoryOptions) {
    this.worker = worker;
    this.workers = workers;
    this.#buffer = buffer;
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.locks = new Locks(this.words, HEAD_WORDS, worker);
    this.seed = this.words[SEED]!;
    this.#text = byteText?.(buffer);
  }

  map(name: string, buckets = DEFAULT_BUCKETS): SharedMap {
    let map = this.#maps.get(name);
    if (!map) {
      const at = this.#find(`map ${name}`, () => MemoryMap.make(this, buckets, this.#takeLocks(1 + STRIPES)));
      this.#maps.set(name, (map = new MemoryMap(this, at, STRIPES)));
    }
    return map;
  }

  ints(name: string, count: number): Int32Array<SharedArrayBuffer> {
    return new Int32Array(
      this.#buffer,
      this.#find(`ints ${name}`, () => this.fresh(count * 4)),
      count,
    );
  }

  floats(name: string, count: number): Float64Array<SharedArrayBuffer> {
    return new Float64Array(
      this.#buffer,
      this.#find(`floats ${name}`, () => this.fresh(count * 8)),
      count,
    );
  }

  exclusive<T>(name: string, key: ByteStr, fn: () => T): T {
    return this.locks.run(this.#lockOf(name, key), fn);
  }

  lock(name: string, key: ByteStr, waitMs: number): Release | undefined {
    const lock = this.#lockOf(`held ${name}`, key);
    // keys share locks
    const held = this.#held.get(lock) ?? 0;
    if (held === 0 && !this.locks.takeWithin(lock, waitMs)) return undefined;
    this.#held.set(lock, held + 1);
    return () => {
      const left = this.#held.get(lock)! - 1;
      this.#held.set(lock, left);
      if (left === 0) this.locks.give(lock);
    };
  }

  #lockOf(name: string, key: ByteStr): number {
    const first = this.#find(`locks ${name}`, () => this.#takeLocks(STRIPES));
    return first + (this.hash(key) & (STRIPES - 1));
  }

  /** bytes of the whole */
  get size(): number {
    return this.bytes.length;
  }

  /** bytes that were ever taken */
  get mostUsed(): number {
    return Atomics.load(this.words, BUMP);
  }

  /** bytes that are in use */
  get used(): number {
    return this.mostUsed - Atomics.load(this.words, IN_FREE);
  }

  /** how often something did not fit */
  get failures(): number {
    return Atomics.load(this.words, FULL);
  }

  onLeft(fn: (worker: number) => void): void {
    if (this.worker === 0) this.#onLeft.push(fn);
  }

  /** A worker ended, however it did: what it held is free. To be called in the first one. */
  left(worker: number): void {
    this.locks.freeAll(worker);
    for (const fn of this.#onLeft) fn(worker);
  }

  // ---- blocks

  /** @returns offset of a block, 0 when the memory is full; its size class in the word at `+0` is the caller's to keep */
  alloc(size: number): number {
    const cls = classOf(size);
    if (cls < 0) return this.#fail();
    this.locks.take(LOCK_ALLOC);
    const free = FREE_AT + cls;
    let at = this.words[free]!;
    if (at) {
      this.words[free] = this.words[at >> 2]!;
      this.words[IN_FREE]! -= SIZES[cls]!;
    } else {
      at = this.words[BUMP]!;
      const end = at + SIZES[cls]!;
      if (end > this.bytes.length) at = 0;
      else this.words[BUMP] = end;
    }
    this.locks.give(LOCK_ALLOC);
    return at || this.#fail();
  }

  free(at: number, size: number): void {
    const cls = classOf(size);
    const free = FREE_AT + cls;
    this.locks.take(LOCK_ALLOC);
    this.words[IN_FREE]! += SIZES[cls]!;
    this.words[at >> 2] = this.words[free]!;
    this.words[free] = at;
    this.locks.give(LOCK_ALLOC);
  }

  /** Zeros that are never given back, of any size. @throws KemiError KEMI_ERR_NO_MEMORY */
  fresh(size: number): number {
    this.locks.take(LOCK_ALLOC);
    const at = this.words[BUMP]!;
    const end = at + ((size + 15) & ~15);
    const fits = end <= this.bytes.length;
    if (fits) this.words[BUMP] = end;
    this.locks.give(LOCK_ALLOC);
    if (!fits)
      throw new KemiError(
        'KEMI_ERR_NO_MEMORY',
        `Cannot keep ${size} bytes in the shared memory: it is full; --limits shared=MiB makes it larger`,
      );
    return at;
  }

  #fail(): number {
    Atomics.add(this.words, FULL, 1);
    return 0;
  }

  // ---- names

  /** Where the thing of that name is; the first who asks makes it. */
  #find(name: string, make: () => number): number {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const at = this.locks.run(LOCK_DIRECTORY, () => {
      for (let d = this.words[DIRECTORY]!; d; d = this.words[(d >> 2) + D_NEXT]!)
        if (this.matches(d + D_NAME, this.words[(d >> 2) + D_LENGTH]!, name)) return this.words[(d >> 2) + D_PAYLOAD]!;
      const payload = make();
      const d = this.fresh(D_NAME + name.length);
      this.write(d + D_NAME, name);
      this.words[(d >> 2) + D_NEXT] = this.words[DIRECTORY]!;
      this.words[(d >> 2) + D_LENGTH] = name.length;
      this.words[(d >> 2) + D_PAYLOAD] = payload;
      this.words[DIRECTORY] = d;
      return payload;
    });
    this.#named.set(name, at);
    return at;
  }

  #takeLocks(count: number): number {
    const first = Atomics.add(this.words, NEXT_LOCK, count);
    if (first + count > LOCKS)
      throw new KemiError('KEMI_ERR_NO_MEMORY', 'Cannot make one more shared table: there are too many');
    return first;
  }

  // ---- texts

  hash(text: ByteStr): number {
    let h = this.seed;
    for (let i = 0; i < text.length; i++) {
      h = Math.imul(h ^ text.charCodeAt(i), 0x5bd1e995);
      h ^= h >>> 15;
    }
    h = Math.imul(h ^ (h >>> 16), 0x45d9f3b);
    return h ^ (h >>> 16);
  }

  matches(at: number, length: number, text: ByteStr): boolean {
    if (length !== text.length) return false;
    const { bytes } = this;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  read(at: number, length: number): ByteStr {
    if (this.#text) return this.#text.read(at, at + length);
    let text = '';
    for (let i = at; i < at + length; i += CHUNK)
      text += String.fromCharCode(...this.bytes.subarray(i, Math.min(i + CHUNK, at + length)));
    return text;
  }

  write(at: number, text: ByteStr): void {
    if (this.#text && text.length > 32) {
      this.#text.write(at, text);
      return;
    }
    const { bytes } = this;
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  }
}

const CHUNK = 4096;

/** bytes that a block for `size` has */
export function roomFor(size: number): number {
  return SIZES[classOf(size)] ?? 0;
}

/** -1: too large */
function classOf(size: number): number {
  if (size <= 32) return 0;
  if (size > MAX_BLOCK) return -1;
  const power = 31 - Math.clz32(size - 1); // 2^power < size <= 2^(power+1)
  // 3/4 of the next power lies between the two
  return size <= 3 * 2 ** (power - 1) ? (power - 5) * 2 + 1 : (power - 4) * 2;
}
