/**
 * What belongs to one Lua state. Several states live in one memory at once (a reload opens the new one beside the old one), and a Lua string is good in its own
 * state only, so everything keyed by Lua strings lies in a block of the state. Lua keeps the block's address for us in the word before each thread
 * (LUA_EXTRASPACE; a new thread inherits it).
 *
 *   0   address of the characters of the anchored exit marker
 *   4   bytes in use          8   limit of bytes          12  1 after an allocation was refused
 *   16  hook ticks a run gets, 0 no limit                 20  instructions in one tick
 *   64  names of the SIP methods, by METHOD_*: TString, anchored all
 *   192 PV names: 256 x {address of the characters, PV number}
 *   +2048  interning cache: 256 x {TString, hash}
 *   +2048  find patterns: 256 x {TString, 1 when plain}
 */
import { METHOD_COUNT, METHOD_NAMES } from '../gen/layout.gen';
import {
  free,
  lua_close,
  lua_createtable,
  lua_newstate,
  lua_pushlstring,
  lua_rawseti,
  lua_rawsetp,
  lua_tolstring,
  malloc,
  REG,
  realloc,
} from './lua';

export const B_EXIT: usize = 0;
export const B_USED: usize = 4;
export const B_LIMIT: usize = 8;
export const B_REFUSED: usize = 12;
export const B_TICKS: usize = 16;
export const B_COUNT: usize = 20;
export const B_METHODS: usize = 64;
export const B_PV: usize = 192;
export const B_INTERN: usize = B_PV + 2048;
export const B_FIND: usize = B_PV + 4096;
const B_SIZE: usize = B_PV + 6144;

/** slots of each cache: direct-mapped, and anchored in registry[address of the cache] under slot + 1 */
export const SLOTS: usize = 256;

const EXIT_TEXT: usize = memory.data<u8>([0x7e, 0x7e, 0x6b, 0x73, 0x72, 0x7e, 0x65, 0x78, 0x69, 0x74, 0x7e, 0x7e]);

/** table indexes of our C functions, told once by luaSetup() */
let allocIndex: i32 = 0;
export let hookIndex: i32 = 0;
export let afterWaitIndex: i32 = 0;
export let findIndex: i32 = 0;

/**
 * Tells the core where its own functions stand in the shared table. Once per core.
 * @param alloc luaAlloc  @param hook luaHook  @param afterWait luaAfterWait  @param find Lua's own string.find
 */
export function luaSetup(alloc: i32, hook: i32, afterWait: i32, find: i32): void {
  allocIndex = alloc;
  hookIndex = hook;
  afterWaitIndex = afterWait;
  findIndex = find;
}

/** the block of the state that thread L belongs to */
export function blockOf(L: usize): usize {
  return load<usize>(L - 4);
}

/** lua_Alloc: counts what the state holds and keeps it under its limit. Shrinking never fails, as Lua demands. */
export function luaAlloc(block: usize, at: usize, before: usize, after: usize): usize {
  // For a new object `before` is its type, not a size.
  const had: usize = at ? before : 0;
  if (after == 0) {
    free(at);
    store<usize>(block, load<usize>(block, B_USED) - had, B_USED);
    return 0;
  }
  const used = load<usize>(block, B_USED) - had;
  if (after > had && (after > load<usize>(block, B_LIMIT) || used > load<usize>(block, B_LIMIT) - after)) {
    store<i32>(block, 1, B_REFUSED);
    return 0;
  }
  const moved = realloc(at, after);
  if (moved) store<usize>(block, used + after, B_USED);
  else store<i32>(block, 1, B_REFUSED);
  return moved;
}

/**
 * Opens an empty Lua state.
 * @param limit bytes it may hold  @param ticks hook ticks of one run, 0 no limit  @param count instructions in one tick
 * @returns its main thread, 0 when there is no memory
 */
export function luaOpen(limit: usize, ticks: i32, count: i32): usize {
  const block = malloc(B_SIZE);
  if (!block) return 0;
  memory.fill(block, 0, B_SIZE);
  store<usize>(block, limit, B_LIMIT);
  store<i32>(block, ticks, B_TICKS);
  store<i32>(block, count, B_COUNT);
  const L = lua_newstate(allocIndex, block);
  if (!L) {
    free(block);
    return 0;
  }
  store<usize>(L - 4, block);
  lua_pushlstring(L, EXIT_TEXT, 12);
  store<usize>(block, lua_tolstring(L, -1, 0), B_EXIT);
  lua_rawsetp(L, REG, block);
  for (let cache = block + B_PV; cache < block + B_SIZE; cache += 2048) {
    lua_createtable(L, <i32>SLOTS, 0);
    lua_rawsetp(L, REG, cache);
  }
  anchorMethods(L, block);
  return L;
}

/** Makes the strings that scripts ask for most: they are pushed by reference, by the in-place lane. */
function anchorMethods(L: usize, block: usize): void {
  lua_createtable(L, METHOD_COUNT, 0);
  for (let id = 1; id < METHOD_COUNT; id++) {
    const row = METHOD_NAMES + ((<usize>id) << 4);
    lua_pushlstring(L, row, load<u8>(row, 15));
    store<usize>(block + ((<usize>id) << 2), lua_tolstring(L, -1, 0) - 16, B_METHODS);
    lua_rawseti(L, -2, id);
  }
  lua_rawsetp(L, REG, block + B_METHODS);
}

/** Closes a state and frees all it held. */
export function luaClose(L: usize): void {
  const block = blockOf(L);
  lua_close(L);
  free(block);
}

/** @returns bytes the state holds */
export function luaUsed(L: usize): usize {
  return load<usize>(blockOf(L), B_USED);
}

/** @returns 1 when an allocation was refused since the last time somebody asked */
export function luaRefused(L: usize): i32 {
  const block = blockOf(L);
  const refused = load<i32>(block, B_REFUSED);
  store<i32>(block, 0, B_REFUSED);
  return refused;
}
