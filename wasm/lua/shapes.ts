/**
 * The in-place lane for the shapes that routes are made of: one C function per shape and result type, so that a call takes no decision that was known when
 * the tree was built. Anything unusual (another number of arguments, a value of another type, no message) goes to luaDispatch. The closure's upvalue
 * holds the export number in its low word and the target's table index in its high word.
 */
import { ARGS, MSG } from '../mem/state';
import { B_PV, blockOf } from './block';
import {
  funcOf,
  lengthOf,
  luaDispatch,
  pushXval,
  TAG_FALSE,
  TAG_INT,
  TAG_LONG,
  TAG_SHORT,
  tagOf,
  topOf,
} from './inplace';

const UPVALUE_TARGET: usize = 20;
/** bytes from a function's slot to the top of the stack: with no argument, with one */
const NONE: usize = 16;
const ONE: usize = 32;
/** TAG_TRUE - TAG_FALSE is 1 << TRUE_SHIFT */
const TRUE_SHIFT: i32 = 4;

function targetOf(f: usize): i32 {
  return load<i32>(load<usize>(f), UPVALUE_TARGET);
}

/** Writes a boolean at the top and counts it. */
function giveBool(L: usize, top: usize, r: i32): i32 {
  store<u8>(top, TAG_FALSE + ((<i32>(r != 0)) << TRUE_SHIFT), 8);
  store<usize>(L, top + 16, 12);
  return 1;
}

/** Writes an integer at the top and counts it. */
function giveInt(L: usize, top: usize, r: i32): i32 {
  store<i64>(top, r);
  store<u8>(top, TAG_INT, 8);
  store<usize>(L, top + 16, 12);
  return 1;
}

export function luaCall0Bool(L: usize): i32 {
  const f = funcOf(L);
  const top = topOf(L);
  if (top - f != NONE || !MSG) return luaDispatch(L);
  return giveBool(L, top, call_indirect<i32>(targetOf(f)));
}

export function luaCall0Int(L: usize): i32 {
  const f = funcOf(L);
  const top = topOf(L);
  if (top - f != NONE || !MSG) return luaDispatch(L);
  return giveInt(L, top, call_indirect<i32>(targetOf(f)));
}

export function luaCall0Xval(L: usize): i32 {
  const f = funcOf(L);
  if (topOf(L) - f != NONE || !MSG) return luaDispatch(L);
  return pushXval(L, call_indirect<i32>(targetOf(f)));
}

export function luaCallIntBool(L: usize): i32 {
  const f = funcOf(L);
  const top = topOf(L);
  if (top - f != ONE || tagOf(f + 16) != TAG_INT || !MSG) return luaDispatch(L);
  return giveBool(L, top, call_indirect<i32>(targetOf(f), load<i32>(f, 16)));
}

export function luaCallIntInt(L: usize): i32 {
  const f = funcOf(L);
  const top = topOf(L);
  if (top - f != ONE || tagOf(f + 16) != TAG_INT || !MSG) return luaDispatch(L);
  return giveInt(L, top, call_indirect<i32>(targetOf(f), load<i32>(f, 16)));
}

/** whether the slot at v holds a string; its characters and their number are in ARGS then */
function isStr(v: usize): bool {
  const tag = tagOf(v);
  if (tag != TAG_SHORT && tag != TAG_LONG) return false;
  const ts = load<usize>(v);
  store<usize>(ARGS, ts + 16);
  store<i32>(ARGS, lengthOf(ts, tag), 4);
  return true;
}

export function luaCallStrBool(L: usize): i32 {
  const f = funcOf(L);
  const top = topOf(L);
  if (top - f != ONE || !MSG || !isStr(f + 16)) return luaDispatch(L);
  return giveBool(L, top, call_indirect<i32>(targetOf(f), load<i32>(ARGS), load<i32>(ARGS, 4)));
}

export function luaCallStrInt(L: usize): i32 {
  const f = funcOf(L);
  const top = topOf(L);
  if (top - f != ONE || !MSG || !isStr(f + 16)) return luaDispatch(L);
  return giveInt(L, top, call_indirect<i32>(targetOf(f), load<i32>(ARGS), load<i32>(ARGS, 4)));
}

export function luaCallStrXval(L: usize): i32 {
  const f = funcOf(L);
  if (topOf(L) - f != ONE || !MSG || !isStr(f + 16)) return luaDispatch(L);
  return pushXval(L, call_indirect<i32>(targetOf(f), load<i32>(ARGS), load<i32>(ARGS, 4)));
}

/** A PV by name, the name's number known from an earlier call with the same string. */
export function luaCallPvXval(L: usize): i32 {
  const f = funcOf(L);
  if (topOf(L) - f != ONE || !MSG || tagOf(f + 16) != TAG_SHORT) return luaDispatch(L);
  const at = load<usize>(f, 16) + 16;
  const slot = blockOf(L) + B_PV + (((at >> 4) & 255) << 3);
  if (load<usize>(slot) != at) return luaDispatch(L);
  return pushXval(L, call_indirect<i32>(targetOf(f), load<i32>(slot, 4)));
}
