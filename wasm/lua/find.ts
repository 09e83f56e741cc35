/** In-place lane: string.find for two strings and a pattern without magic characters. Everything else goes to Lua's own, in the same frame. */

import { B_FIND, blockOf, findIndex } from './block';
import { cutOff } from './compat';
import { funcOf, lengthOf, pushInt, pushTag, TAG_FLOAT, TAG_LONG, TAG_NIL, TAG_SHORT, tagOf, topOf } from './inplace';
import { lua_pushvalue, lua_rawgetp, lua_rawseti, lua_settop, REG } from './lua';

/** lua_CFunction */
export function luaFind(L: usize): i32 {
  const f = funcOf(L);
  if (topOf(L) - f == 48) {
    const t = tagOf(f + 16);
    if ((t == TAG_SHORT || t == TAG_LONG) && tagOf(f + 32) == TAG_SHORT) {
      const s = load<usize>(f + 16);
      const pattern = load<usize>(f + 32);
      const z = blockOf(L) + B_FIND + (((pattern >> 4) & 255) << 3);
      const plain = load<usize>(z) == pattern ? load<i32>(z, 4) : remember(L, pattern, z);
      if (plain) return find(L, s + 16, lengthOf(s, t), pattern + 16, load<u8>(pattern, 7));
    }
  }
  if (topOf(L) - f >= 64 && tagOf(f + 48) == TAG_FLOAT) cutOff(L, 3);
  return call_indirect<i32>(findIndex, L);
}

function find(L: usize, at: usize, n: i32, pattern: usize, m: i32): i32 {
  const first = load<u8>(pattern);
  for (let p = at, end = at + n - m; <isize>p <= <isize>end; p++) {
    if (load<u8>(p) != first) continue;
    let k = 1;
    while (k < m && load<u8>(p + k) == load<u8>(pattern + k)) k++;
    if (k == m) {
      pushInt(L, <i64>(p - at) + 1);
      pushInt(L, <i64>(p - at) + m);
      return 2;
    }
  }
  return pushTag(L, TAG_NIL);
}

/** Anchors the pattern, so that its address stands for its text, and notes whether it is plain. */
function remember(L: usize, pattern: usize, z: usize): i32 {
  const length = <i32>load<u8>(pattern, 7);
  const plain = length && isPlain(pattern + 16, length) ? 1 : 0;
  lua_rawgetp(L, REG, blockOf(L) + B_FIND);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, <i64>((pattern >> 4) & 255) + 1);
  lua_settop(L, -2);
  store<usize>(z, pattern);
  store<i32>(z, plain, 4);
  return plain;
}

function isPlain(p: usize, n: i32): bool {
  for (let i = 0; i < n; i++) {
    switch (<i32>load<u8>(p + i)) {
      case 0x5e: // ^
      case 0x24: // $
      case 0x2a: // *
      case 0x2b: // +
      case 0x3f: // ?
      case 0x2e: // .
      case 0x28: // (
      case 0x5b: // [
      case 0x25: // %
      case 0x2d: // -
        return false;
    }
  }
  return true;
}
