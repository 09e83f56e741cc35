/**
 * Functions of Lua's library that Lua 5.1 had looser: a number with a fraction where an integer is wanted is cut off, and %u is a format. Lua's own function is
 * called in our frame, so that its errors name the script's line and the function as the script wrote it.
 */
import { SCRATCH } from '../mem/state';
import { engineCall } from './engine';
import { funcOf, TAG_FLOAT, tagOf, topOf } from './inplace';
import {
  LUA_TNIL,
  LUA_TNUMBER,
  LUA_TSTRING,
  LUA_TTABLE,
  lua_copy,
  lua_error,
  lua_gettop,
  lua_isinteger,
  lua_pushinteger,
  lua_pushlstring,
  lua_pushnil,
  lua_rawget,
  lua_rawset,
  lua_settop,
  lua_tointegerx,
  lua_tonumberx,
  lua_type,
  luaL_checklstring,
  REG,
} from './lua';

/** __gc */
const GC_TEXT: usize = memory.data<u8>([0x5f, 0x5f, 0x67, 0x63]);
const LENGTH: usize = memory.data(8, 8);
/** near the largest 64-bit integer, and exact */
const LARGEST: f64 = 4294967296.0 * 2147483647.0;

/** lua_CFunction: upvalue 1 is an ENG_* operation of the engine. */
export function luaEngine(L: usize): i32 {
  const n = engineCall(L, <i32>lua_tointegerx(L, REG - 1, 0));
  return n < 0 ? lua_error(L) : n;
}

/** Replaces argument i by its integer part, if it is a number with a fraction (or its text). What does not fit 64 bits becomes the nearest that does. */
export function cutOff(L: usize, i: i32): void {
  const t = lua_type(L, i);
  if (t != LUA_TNUMBER && t != LUA_TSTRING) return;
  if (t == LUA_TNUMBER && lua_isinteger(L, i)) return;
  const n = lua_tonumberx(L, i, LENGTH);
  if (!load<i32>(LENGTH) || !(n <= 0 || n > 0)) return; // no number, or NaN
  lua_pushinteger(L, <i64>max<f64>(-LARGEST, min<f64>(LARGEST, n)));
  lua_copy(L, -1, i);
  lua_settop(L, -2);
}

/** lua_CFunction: upvalue 1 Lua's own function, upvalue 2 which arguments are integers (bit i: argument i). */
export function luaTruncate(L: usize): i32 {
  const mask = <i32>lua_tointegerx(L, REG - 2, 0);
  const n = min(lua_gettop(L), 31);
  for (let i = 1; i <= n; i++) {
    if ((mask >> i) & 1 && lua_type(L, i) == LUA_TNUMBER) cutOff(L, i);
  }
  return call_indirect<i32>(<i32>lua_tointegerx(L, REG - 1, 0), L);
}

/** lua_CFunction: luaTruncate() of the in-place lane: numbers with a fraction are rare, so one look at the tags is enough mostly. */
export function luaTruncateInPlace(L: usize): i32 {
  const f = funcOf(L);
  for (let v = f + 16, end = topOf(L); v < end; v += 16) if (tagOf(v) == TAG_FLOAT) return luaTruncate(L);
  return call_indirect<i32>(load<i32>(load<usize>(f), 16), L);
}

/**
 * lua_CFunction: setmetatable without finalizers; upvalue 1 is Lua's own. Lua 5.1 had none for tables, and 5.4 would call them with hooks off and in the
 * middle of any allocation: past the instruction limit, and while a call's arguments lie in ARGS.
 */
export function luaSetMetatable(L: usize): i32 {
  if (lua_type(L, 2) == LUA_TTABLE) {
    lua_pushlstring(L, GC_TEXT, 4);
    if (lua_rawget(L, 2) != LUA_TNIL) {
      lua_pushlstring(L, GC_TEXT, 4);
      lua_pushnil(L);
      lua_rawset(L, 2);
    }
    lua_settop(L, -2);
  }
  return call_indirect<i32>(<i32>lua_tointegerx(L, REG - 1, 0), L);
}

/** lua_CFunction: string.format; upvalue 1 is Lua's own. */
export function luaFormat(L: usize): i32 {
  const text = luaL_checklstring(L, 1, LENGTH);
  const end = text + load<usize>(LENGTH);
  const top = lua_gettop(L);
  let unsigned = 0;
  let arg = 1;
  for (let p = text; p < end; p++) {
    if (load<u8>(p) != 0x25) continue; // %
    p++;
    if (p >= end) break;
    if (load<u8>(p) == 0x25) continue;
    arg++;
    while (p < end && isModifier(load<u8>(p))) p++;
    if (p >= end) break;
    if (load<u8>(p) == 0x75) unsigned++;
    switch (<i32>load<u8>(p)) {
      case 0x75: // u
      case 0x64: // d
      case 0x69: // i
      case 0x6f: // o
      case 0x78: // x
      case 0x58: // X
      case 0x63: // c
        if (arg <= top) cutOff(L, arg);
    }
  }
  // Lua 5.4 has no %u: write it as %d, in a copy.
  if (unsigned && end - text <= 4096) {
    const copy = SCRATCH;
    memory.copy(copy, text, end - text);
    for (let p = copy, stop = copy + (end - text); p < stop; p++) {
      if (load<u8>(p) != 0x25) continue;
      p++;
      while (p < stop && isModifier(load<u8>(p))) p++;
      if (p < stop && load<u8>(p) == 0x75) store<u8>(p, 0x64);
    }
    lua_pushlstring(L, copy, end - text);
    lua_copy(L, -1, 1);
    lua_settop(L, top);
  }
  return call_indirect<i32>(<i32>lua_tointegerx(L, REG - 1, 0), L);
}

/** flags, width and precision of a format */
function isModifier(c: u8): bool {
  return (c >= 0x30 && c <= 0x39) || c == 0x2d || c == 0x2b || c == 0x20 || c == 0x23 || c == 0x2e;
}
