/** What both lanes of the dispatcher share: coercions off the fast path, the call by shape, host functions, the PV name cache, waits. */
import {
  ARG_NO_MSG,
  ARG_NONE_GIVEN,
  ARG_TOO_FEW,
  ARG_TOO_MANY,
  ARG_UNEXPECTED,
  DESC_SIZE,
  DS_FLAGS,
  DS_NPARAMS,
  DS_SHAPE,
  DS_TARGET,
  DS_TYPES,
  DS_WORDS,
  F_ANYTIME,
  F_ASYNC,
  F_HOST,
  F_INTERN_PV,
  HOST_ERROR,
  HOST_SUSPEND,
  MAX_KEPT_PVS,
  T_INT,
} from '../gen/layout.gen';
import { complain, hostCall, pvResolve } from '../host/host';
import { ARGS, DESCS, MSG, RET } from '../mem/state';
import { afterWaitIndex, B_PV, blockOf } from './block';
import {
  LUA_TLIGHTUSERDATA,
  LUA_TNUMBER,
  LUA_TSTRING,
  lua_concat,
  lua_error,
  lua_gettop,
  lua_isyieldable,
  lua_pushlightuserdata,
  lua_pushlstring,
  lua_pushvalue,
  lua_rawgetp,
  lua_rawseti,
  lua_settop,
  lua_tointegerx,
  lua_tolstring,
  lua_tonumberx,
  lua_touserdata,
  lua_type,
  lua_yieldk,
  luaL_where,
  REG,
} from './lua';

/** DS_SHAPE: how the in-place lane calls the target */
export const SHAPE_0: i32 = 0;
export const SHAPE_INT: i32 = 1;
export const SHAPE_STR: i32 = 2;
export const SHAPE_PV: i32 = 3;
export const SHAPE_ANY: i32 = 4;

/** light userdata that a waiting call yields, and that marks an error when it is resumed: addresses of our own, nobody else's values */
export const WAIT_MARK: usize = memory.data(8, 8);
export const ERROR_MARK: usize = WAIT_MARK + 4;

const CANNOT_WAIT: usize = memory.data<u8>([
  0x63, 0x61, 0x6e, 0x6e, 0x6f, 0x74, 0x20, 0x77, 0x61, 0x69, 0x74, 0x20, 0x68, 0x65, 0x72, 0x65,
]);

/** where Lua's API writes whether a value is a number, or a length */
const OUT: usize = memory.data(4, 4);
const TWO_63: f64 = 4294967296.0 * 2147483648.0;

/** The descriptor of an export. */
export function descOf(id: i32): usize {
  return DESCS + <usize>(id * DESC_SIZE);
}

/** Works out DS_SHAPE from the other fields. Called when an engine puts the export into its tree. */
export function luaDescribe(id: i32): void {
  const d = descOf(id);
  const params = <i32>load<u8>(d, DS_NPARAMS);
  const flags = <i32>load<u8>(d, DS_FLAGS);
  let shape = SHAPE_ANY;
  if (!(flags & F_HOST)) {
    if (params == 0) shape = SHAPE_0;
    else if (params == 1) {
      if (load<u8>(d, DS_TYPES) == T_INT) shape = SHAPE_INT;
      else shape = flags & F_INTERN_PV ? SHAPE_PV : SHAPE_STR;
    }
  }
  store<i32>(d, shape, DS_SHAPE);
}

/**
 * Lua 5.1 truncates towards zero and keeps the low 32 bits of what fits 64; what does not, and NaN, is 0.
 * The bounds make the conversion safe: i64.trunc_f64_s traps outside of them.
 */
export function intOf(n: f64): i32 {
  if (!(n < TWO_63 && n > -TWO_63)) return 0;
  return <i32>(<i64>n);
}

/** INT parameter: a whole number (or its text) keeps its low 32 bits, one with a fraction is cut off, all else is 0. */
export function toInt(L: usize, i: i32): i32 {
  const whole = lua_tointegerx(L, i, OUT);
  if (load<i32>(OUT)) return <i32>whole;
  return intOf(lua_tonumberx(L, i, 0));
}

/** STR parameter that is no string: a number becomes its text in place, all else is the NULL string. Writes pointer and length at w. */
export function toStr(L: usize, i: i32, w: usize): void {
  const t = lua_type(L, i);
  if (t == LUA_TSTRING || t == LUA_TNUMBER) {
    store<usize>(w, lua_tolstring(L, i, w + 4));
  } else {
    store<i64>(w, 0);
  }
}

/**
 * The rules that come before a call (spec section 2): a message at hand, and how many arguments.
 * @returns -1 when the call may go on; else the ARG_* code that was told to the host: the call gives false
 */
export function refuse(id: i32, d: usize, given: i32): i32 {
  const params = <i32>load<u8>(d, DS_NPARAMS);
  let why = -1;
  if (!MSG && !(<i32>load<u8>(d, DS_FLAGS) & F_ANYTIME)) why = ARG_NO_MSG;
  else if (given > 6) why = ARG_TOO_MANY;
  else if (given < params) why = given ? ARG_TOO_FEW : ARG_NONE_GIVEN;
  else if (given > 0 && !params) why = ARG_UNEXPECTED;
  if (why >= 0) complain(id, why);
  return why;
}

/**
 * PV number of a name. The name is anchored in the slot that its address chose, so while the slot holds the address, the address means this text.
 * @param i stack index of the string  @param at its characters, 0 for the NULL string
 */
export function pvNumber(L: usize, i: i32, at: usize, length: i32): i32 {
  const cache = blockOf(L) + B_PV;
  const slot = (at >> 4) & 255;
  const s = cache + (slot << 3);
  if (at && load<usize>(s) == at) return load<i32>(s, 4);
  const pv = pvResolve(at, length);
  // A name that is no PV is asked again each time: the host logs each use.
  // A short-lived number may mean another PV the next time.
  if (at && pv && pv <= MAX_KEPT_PVS) {
    lua_rawgetp(L, REG, cache);
    lua_pushvalue(L, i);
    lua_rawseti(L, -2, <i64>slot + 1);
    lua_settop(L, -2);
    store<usize>(s, at);
    store<i32>(s, pv, 4);
  }
  return pv;
}

/** Calls the target, or the host, with the words in ARGS. A host function that waits does not come back from here: the yield unwinds. */
export function callWords(L: usize, id: i32, d: usize): i32 {
  const flags = <i32>load<u8>(d, DS_FLAGS);
  if (!(flags & F_HOST)) return callShape(load<i32>(d, DS_TARGET), load<u8>(d, DS_WORDS));
  const mayWait = flags & F_ASYNC && lua_isyieldable(L) ? 0x10000 : 0;
  const result = hostCall(id | mayWait, load<u8>(d, DS_NPARAMS), ARGS);
  if (result == HOST_SUSPEND) {
    if (!mayWait) raise(L, CANNOT_WAIT, 16);
    const base = lua_gettop(L);
    lua_pushlightuserdata(L, WAIT_MARK);
    lua_yieldk(L, 1, base, afterWaitIndex);
  }
  if (result == HOST_ERROR) raise(L, load<usize>(RET), load<usize>(RET, 4));
  return result;
}

/** Raises a text as an error at the script's line, as luaL_error() does. */
function raise(L: usize, text: usize, length: usize): void {
  luaL_where(L, 1);
  lua_pushlstring(L, text, length);
  lua_concat(L, 2);
  lua_error(L);
}

/** Continuation of a call that waited: the value that resumed it is its result; ERROR_MARK and a message are its error. */
export function luaAfterWait(L: usize, _status: i32, base: i32): i32 {
  const n = lua_gettop(L) - base;
  if (n == 2 && lua_type(L, -2) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -2) == ERROR_MARK) {
    const text = lua_tolstring(L, -1, OUT);
    raise(L, text, load<usize>(OUT));
  }
  return n;
}

/** @returns the mark by which the prelude's coroutine functions know a wait */
export function luaWaitMark(): usize {
  return WAIT_MARK;
}

function word(i: usize): i32 {
  return load<i32>(ARGS + (i << 2));
}

/** Calls a target of `words` i32 parameters with the words in ARGS. */
function callShape(target: i32, words: i32): i32 {
  switch (words) {
    case 0:
      return call_indirect<i32>(target);
    case 1:
      return call_indirect<i32>(target, word(0));
    case 2:
      return call_indirect<i32>(target, word(0), word(1));
    case 3:
      return call_indirect<i32>(target, word(0), word(1), word(2));
    case 4:
      return call_indirect<i32>(target, word(0), word(1), word(2), word(3));
    case 5:
      return call_indirect<i32>(target, word(0), word(1), word(2), word(3), word(4));
    case 6:
      return call_indirect<i32>(target, word(0), word(1), word(2), word(3), word(4), word(5));
    case 7:
      return call_indirect<i32>(target, word(0), word(1), word(2), word(3), word(4), word(5), word(6));
    case 8:
      return call_indirect<i32>(target, word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7));
    case 9:
      return call_indirect<i32>(
        target,
        word(0),
        word(1),
        word(2),
        word(3),
        word(4),
        word(5),
        word(6),
        word(7),
        word(8),
      );
    case 10:
      return call_indirect<i32>(
        target,
        word(0),
        word(1),
        word(2),
        word(3),
        word(4),
        word(5),
        word(6),
        word(7),
        word(8),
        word(9),
      );
    case 11:
      return call_indirect<i32>(
        target,
        word(0),
        word(1),
        word(2),
        word(3),
        word(4),
        word(5),
        word(6),
        word(7),
        word(8),
        word(9),
        word(10),
      );
    default:
      return call_indirect<i32>(
        target,
        word(0),
        word(1),
        word(2),
        word(3),
        word(4),
        word(5),
        word(6),
        word(7),
        word(8),
        word(9),
        word(10),
        word(11),
      );
  }
}
