/**
 * Message slots. A slot is one block of Lua's heap: struct SipMsg with room for MAX_HEADERS header entries, the message's bytes with SLACK behind them, and the
 * first bytes of its arena. Blocks come in three sizes and are kept for reuse. A handle is slot index | generation << 16; the generation changes
 * at each allocation and is never 0, so a stale handle finds nothing, and 0 is no handle.
 *
 *   struct and headers (MSG_BYTES) | bytes (capacity) | SLACK | arena (ARENA_BYTES) | SLACK
 */
import {
  M_ARENAAT,
  M_ARENAEND,
  M_BUF,
  M_CLASS,
  M_CLEN,
  M_DONE,
  M_HANDLE,
  M_ID,
  M_KIND,
  M_LEN,
  M_NHDR,
  M_REFS,
  M_SRCTEXT,
  MSG_BYTES,
  SLACK,
  ST_NO_MEMORY,
  ST_NO_SLOT,
  ST_TOO_BIG,
} from '../gen/layout.gen';
import { free, malloc } from '../lua/lua';
import { arenaFree } from './arena';

const CLASSES: i32 = 3;
const SMALL_BYTES: i32 = 2048;
const MEDIUM_BYTES: i32 = 8192;
const LARGE_BYTES: i32 = 65536;
/** the largest datagram; offsets in the struct are u16 */
const MAX_MESSAGE_BYTES: i32 = 65535;
const ARENA_BYTES: i32 = 1024;
/** free blocks of the large class that are kept; more go back to the heap */
const MAX_IDLE_LARGE: i32 = 16;
const MAX_SLOTS: i32 = 65535;
const DEFAULT_LIMIT: i32 = 16384;
const FIRST_SLOTS: i32 = 64;

// one slot record: u32 block (0 none), u32 handle (0 free), u32 generation, u32 next free slot + 1
const SLOT_BLOCK: usize = 0;
const SLOT_HANDLE: usize = 4;
const SLOT_GENERATION: usize = 8;
const SLOT_NEXT: usize = 12;
const SLOT_SHIFT: usize = 4;

let slots: usize = 0;
let capacity: i32 = 0;
let used: i32 = 0;
let live: i32 = 0;
let limit: i32 = DEFAULT_LIMIT;
let lastId: u32 = 0;
/** free slots with a block, by class: index + 1 of the first, and their number */
const FREE_HEADS: usize = memory.data(16, 16);
const IDLE: usize = memory.data(16, 16);
/** free slots whose block went back to the heap: index + 1 of the first */
let bare: i32 = 0;

function slotAt(index: i32): usize {
  return slots + ((<usize>index) << SLOT_SHIFT);
}

function classBytes(size: i32): i32 {
  return size == 0 ? SMALL_BYTES : size == 1 ? MEDIUM_BYTES : LARGE_BYTES;
}

/** Takes a free slot with a block of this class off its list. @returns its index, -1 when there is none */
function takeIdle(size: i32): i32 {
  const head = FREE_HEADS + ((<usize>size) << 2);
  const index = <i32>load<u32>(head) - 1;
  if (index < 0) return -1;
  store<u32>(head, load<u32>(slotAt(index) + SLOT_NEXT));
  store<u32>(IDLE + ((<usize>size) << 2), load<u32>(IDLE + ((<usize>size) << 2)) - 1);
  return index;
}

/** A slot without a block: a bare one, a new one, or one whose idle block of another class is given back. @returns index, or -ST_* */
function takeBare(): i32 {
  if (bare) {
    const index = bare - 1;
    bare = <i32>load<u32>(slotAt(index) + SLOT_NEXT);
    return index;
  }
  if (used < capacity) return used++;
  if (capacity < MAX_SLOTS) {
    const more = capacity ? min(capacity * 2, MAX_SLOTS) : FIRST_SLOTS;
    const table = malloc((<usize>more) << SLOT_SHIFT);
    if (!table) return -ST_NO_MEMORY;
    memory.copy(table, slots, (<usize>capacity) << SLOT_SHIFT);
    memory.fill(table + ((<usize>capacity) << SLOT_SHIFT), 0, (<usize>(more - capacity)) << SLOT_SHIFT);
    if (slots) free(slots);
    slots = table;
    capacity = more;
    return used++;
  }
  for (let size = 0; size < CLASSES; size++) {
    const index = takeIdle(size);
    if (index >= 0) {
      releaseBlock(index);
      return index;
    }
  }
  return -ST_NO_SLOT;
}

function releaseBlock(index: i32): void {
  const slot = slotAt(index);
  free(<usize>load<u32>(slot + SLOT_BLOCK));
  store<u32>(slot + SLOT_BLOCK, 0);
}

function putBare(index: i32): void {
  store<u32>(slotAt(index) + SLOT_NEXT, bare);
  bare = index + 1;
}

/**
 * Makes room for a message of `length` bytes. The caller copies the bytes to the address in M_BUF, which is the struct's + MSG_BYTES, then calls msgIndex.
 * @param length bytes, 0..65535
 * @returns address of its struct; -ST_TOO_BIG, -ST_NO_SLOT (msgLimit reached) or -ST_NO_MEMORY
 */
export function msgAlloc(length: i32): i32 {
  if (<u32>length > <u32>MAX_MESSAGE_BYTES) return -ST_TOO_BIG;
  if (live >= limit) return -ST_NO_SLOT;
  const size = length <= SMALL_BYTES ? 0 : length <= MEDIUM_BYTES ? 1 : 2;
  let index = takeIdle(size);
  if (index < 0) {
    index = takeBare();
    if (index < 0) return index;
    const block = malloc(MSG_BYTES + classBytes(size) + SLACK + ARENA_BYTES + SLACK);
    if (!block) {
      putBare(index);
      return -ST_NO_MEMORY;
    }
    store<u32>(slotAt(index) + SLOT_BLOCK, <u32>block);
  }
  const slot = slotAt(index);
  const generation = ((load<u32>(slot + SLOT_GENERATION) & 0xffff) % 0xffff) + 1;
  const handle = <u32>index | (generation << 16);
  store<u32>(slot + SLOT_GENERATION, generation);
  store<u32>(slot + SLOT_HANDLE, handle);
  live++;
  const msg = <usize>load<u32>(slot + SLOT_BLOCK);
  const buf = msg + MSG_BYTES;
  store<u32>(msg + M_BUF, <u32>buf);
  store<u32>(msg + M_LEN, length);
  store<u32>(msg + M_KIND, 0); // also METHOD, NHDR, FLAGS
  store<u32>(msg + M_DONE, 0);
  store<i32>(msg + M_CLEN, -1);
  // everything behind the lazy areas; what those hold is garbage until their D_* bit is set
  const zero = i64x2.splat(0);
  for (let at = msg + M_HANDLE, end = msg + M_SRCTEXT; at < end; at += 16) v128.store(at, zero);
  store<u32>(msg + M_HANDLE, handle);
  store<u32>(msg + M_ID, ++lastId);
  store<u8>(msg + M_CLASS, size);
  const arena = buf + classBytes(size) + SLACK;
  store<u32>(msg + M_ARENAAT, <u32>arena);
  store<u32>(msg + M_ARENAEND, <u32>(arena + ARENA_BYTES));
  return <i32>msg;
}

/** Number of the newest message ($mi): those that are alive have this one or a smaller one. */
export function msgLastId(): u32 {
  return lastId;
}

/** Adds an owner: the message lives until each of them called msgFree(). */
export function msgKeep(msg: usize): void {
  store<u16>(msg + M_REFS, load<u16>(msg + M_REFS) + 1);
}

/**
 * One owner lets go; with the last one the message ends: its handle is stale from then on. 0 and a message that was freed are ignored.
 * @returns 1 when it ended, 0 when others keep it
 */
export function msgFree(msg: usize): i32 {
  if (!msg) return 1;
  const handle = load<u32>(msg + M_HANDLE);
  if (msgByHandle(handle) != msg) return 1;
  const refs = load<u16>(msg + M_REFS);
  if (refs) {
    store<u16>(msg + M_REFS, refs - 1);
    return 0;
  }
  const index = <i32>(handle & 0xffff);
  const slot = slotAt(index);
  arenaFree(msg);
  store<u32>(msg + M_HANDLE, 0);
  store<u8>(msg + M_NHDR, 0);
  store<u32>(slot + SLOT_HANDLE, 0);
  live--;
  const size = <usize>load<u8>(msg + M_CLASS);
  const idle = IDLE + (size << 2);
  if (size == CLASSES - 1 && <i32>load<u32>(idle) >= MAX_IDLE_LARGE) {
    releaseBlock(index);
    putBare(index);
    return 1;
  }
  store<u32>(slot + SLOT_NEXT, load<u32>(FREE_HEADS + (size << 2)));
  store<u32>(FREE_HEADS + (size << 2), index + 1);
  store<u32>(idle, load<u32>(idle) + 1);
  return 1;
}

/** @returns address of the struct, 0 when the handle is stale or none */
export function msgByHandle(handle: u32): usize {
  const index = <i32>(handle & 0xffff);
  if (!handle || index >= used) return 0;
  const slot = slotAt(index);
  return load<u32>(slot + SLOT_HANDLE) == handle ? <usize>load<u32>(slot + SLOT_BLOCK) : 0;
}

/** Sets how many messages may be alive at once. @param n 1..65535; default 16384 */
export function msgLimit(n: i32): void {
  limit = min(max(n, 1), MAX_SLOTS);
}

/** @returns messages that are alive */
export function msgLive(): i32 {
  return live;
}
