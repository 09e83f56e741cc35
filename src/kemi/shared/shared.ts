/**
 * What the runtimes of one server have in common. Modules talk to this and know nothing of workers: what they keep in it, every runtime sees at once. There
 * is none (ModuleHost.shared is absent) where one runtime is all. memory.ts is the one for threads of one process; calls answer at once, so another one for
 * several machines has to keep a copy here of what it shares, as Kamailio's dmq does, or stand behind what may wait (usrloc, Database).
 */
import type { ByteStr } from '../../core/memory.ts';

/** A value and when it ends. */
export interface SharedItem {
  /** 32-bit integer or byte string */
  readonly value: number | ByteStr;
  /** wall clock in milliseconds; 0 never. The map does not look at it: see expired() */
  readonly expiresMs: number;
}

/** A table of values. Each call sees and leaves it whole; what takes several calls runs inside exclusive(). */
export interface SharedMap {
  get(key: ByteStr): SharedItem | undefined;
  /** Replaces what was there. @returns false when the shared memory is full: nothing is changed then */
  set(key: ByteStr, item: SharedItem): boolean;
  delete(key: ByteStr): boolean;
  clear(): void;
  readonly size: number;
  /** every key, in no order; as entries() otherwise. @param part,parts only one of so many shares of them, 0..parts-1: a key is always in the same */
  keys(part?: number, parts?: number): ByteStr[];
  /** every item in the order in which they came; what changes meanwhile may be among them or not */
  entries(): Iterable<[ByteStr, SharedItem]>;
  /** keys of the items whose end is at `nowMs` or before */
  expired(nowMs: number): ByteStr[];
  /** Runs fn while no other runtime is inside exclusive() with this key. fn must not wait. May be nested. */
  exclusive<T>(key: ByteStr, fn: () => T): T;
}

/** Gives a lock back; once. */
export type Release = () => void;

export interface Shared {
  /** 0..workers-1; what only one may do (timers that work on shared state, for instance) 0 does */
  readonly worker: number;
  readonly workers: number;
  /** Calls fn in the runtime 0 when another one ended without giving back what it had here; its number will be used again. */
  onLeft(fn: (worker: number) => void): void;
  /** The map of that name. @param buckets power of 2, for one that has many items */
  map(name: string, buckets?: number): SharedMap;
  /** Numbers that all see; to be used with Atomics. @param count the same for all */
  ints(name: string, count: number): Int32Array<SharedArrayBuffer>;
  /** Likewise, for numbers that only one writes: their bits may be read at any time. */
  floats(name: string, count: number): Float64Array<SharedArrayBuffer>;
  /** Runs fn while no other runtime is inside a call with that name and key, and once for each call. fn must not wait. */
  exclusive<T>(name: string, key: ByteStr, fn: () => T): T;
  /**
   * The same without a function, for locks that are held across calls. One that this runtime has already it gets once more.
   * @returns undefined when it was not free within `waitMs` milliseconds: nobody gets any further here meanwhile
   */
  lock(name: string, key: ByteStr, waitMs: number): Release | undefined;
}
