/**
 * In-place lane: strings that were pushed before are pushed by reference. Lua hashes and compares byte by byte, which costs more than a whole call.
 * A slot holds a string and a hash of some of its bytes; the contents are compared always, so a clash costs a miss and nothing else.
 */
import { METHOD_COUNT, METHOD_NAMES } from '../gen/layout.gen';
import { B_INTERN, B_METHODS, blockOf, SLOTS } from './block';
import { lengthOf, TAG_SHORT, topOf } from './inplace';
import { lua_pushlstring, lua_pushvalue, lua_rawgetp, lua_rawseti, lua_settop, REG } from './lua';

/** longer strings are not kept: 256 slots hold 64 KiB at most */
const LONGEST: i32 = 256;
/** odd, bits well spread; exact as a double, too, for tools that read this as TypeScript */
const MIX: u64 = ((<u64>0x9e3779b9) << 32) | 0x7f4a7c15;

/** Pushes n bytes at p. The names of the methods, where they stand in METHOD_NAMES, are known by their address. */
export function pushStr(L: usize, p: usize, n: i32): i32 {
  const row = p - METHOD_NAMES;
  if (row < <usize>(METHOD_COUNT << 4)) return giveShort(L, load<usize>(blockOf(L) + (row >> 2), B_METHODS));
  if (n > LONGEST || p > ((<usize>memory.size()) << 16) - 8) {
    lua_pushlstring(L, p, n);
    return 1;
  }
  let first = load<u64>(p);
  let mask: u64 = ~0;
  let last: u64 = 0;
  let middle: u64 = 0;
  if (n < 8) {
    mask = ((<u64>1) << ((<u64>n) << 3)) - 1;
    first &= mask;
  } else {
    last = load<u64>(p + n - 8);
    if (n > 16) middle = load<u64>(p + (n >> 1) - 4);
  }
  const mixed = (first ^ rotl<u64>(last, 23) ^ rotl<u64>(middle, 41)) * MIX;
  const hash = <u32>(mixed >> 32) ^ <u32>n;
  const cache = blockOf(L) + B_INTERN;
  const slot = <usize>hash & (SLOTS - 1);
  const s = cache + (slot << 3);
  if (load<u32>(s, 4) != hash) {
    // First sight: only the hash is noted, so that strings that come once push nothing out but a hash.
    store<usize>(s, 0);
    store<u32>(s, hash, 4);
    lua_pushlstring(L, p, n);
    return 1;
  }
  const ts = load<usize>(s);
  if (ts) {
    const tag = <i32>load<u8>(ts, 4) | 0x40;
    if (lengthOf(ts, tag) == n && same(p, ts + 16, n, first, last, mask)) {
      const t = topOf(L);
      store<usize>(t, ts);
      store<u8>(t, <u8>tag, 8);
      store<usize>(L, t + 16, 12);
      return 1;
    }
  }
  lua_pushlstring(L, p, n);
  const made = load<usize>(topOf(L) - 16);
  lua_rawgetp(L, REG, cache);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, <i64>slot + 1);
  lua_settop(L, -2);
  store<usize>(s, made);
  return 1;
}

/** Writes a short string at the top and counts it. */
function giveShort(L: usize, ts: usize): i32 {
  const top = topOf(L);
  store<usize>(top, ts);
  store<u8>(top, <u8>TAG_SHORT, 8);
  store<usize>(L, top + 16, 12);
  return 1;
}

function same(p: usize, q: usize, n: i32, first: u64, last: u64, mask: u64): bool {
  if ((load<u64>(q) & mask) != first) return false;
  if (n <= 8) return true;
  if (load<u64>(q + n - 8) != last) return false;
  for (let i = 8; i < n - 8; i += 8) if (load<u64>(p + i) != load<u64>(q + i)) return false;
  return true;
}
