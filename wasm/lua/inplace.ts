/**
 * The dispatcher's second lane: reads arguments and writes results in Lua's stack without a call. Tied to the layout of one build of Lua;
 * src/interp/lua/layout-check.ts proves that layout at start, and the API lane (api.ts) serves where the proof fails.
 *
 *   lua_State  12 top, 20 ci, 32 openupval, 36 tbclist, 52 base_ci, 112 hookmask      CallInfo  0 func, 8 previous, 34 u16 callstatus
 *   TValue     0 value (8 bytes), 8 tag; 16 in all                                     CClosure  16 first upvalue
 *   TString    4 tag without its collectable bit, 7 u8 length of a short one, 12 u32 length of a long one, 16 characters
 */
import {
  DS_FLAGS,
  DS_NPARAMS,
  DS_RET,
  DS_SHAPE,
  DS_TARGET,
  DS_TYPES,
  F_INTERN_PV,
  T_BOOL,
  T_INT,
  T_NONE,
  X_FALSE,
  X_INT,
  X_LONG,
  X_STR,
  X_TRUE,
} from '../gen/layout.gen';
import { ARGS, DESCS, MSG, RET } from '../mem/state';
import { B_PV, blockOf } from './block';
import { callWords, intOf, pvNumber, refuse, SHAPE_0, SHAPE_INT, SHAPE_PV, SHAPE_STR, toInt, toStr } from './call';
import { pushStr } from './intern';

export const TAG_NIL: i32 = 0;
export const TAG_FALSE: i32 = 1;
export const TAG_TRUE: i32 = 17;
export const TAG_INT: i32 = 3;
export const TAG_FLOAT: i32 = 19;
export const TAG_SHORT: i32 = 0x44;
export const TAG_LONG: i32 = 0x54;

export function topOf(L: usize): usize {
  return load<usize>(L, 12);
}
export function tagOf(v: usize): i32 {
  return load<u8>(v, 8);
}
/** the running function's slot; its first argument is 16 behind */
export function funcOf(L: usize): usize {
  return load<usize>(load<usize>(L, 20));
}
export function lengthOf(ts: usize, tag: i32): i32 {
  return tag == TAG_SHORT ? <i32>load<u8>(ts, 7) : load<i32>(ts, 12);
}
export function pushTag(L: usize, tag: i32): i32 {
  const t = topOf(L);
  store<u8>(t, <u8>tag, 8);
  store<usize>(L, t + 16, 12);
  return 1;
}
export function pushInt(L: usize, n: i64): i32 {
  const t = topOf(L);
  store<i64>(t, n);
  store<u8>(t, TAG_INT, 8);
  store<usize>(L, t + 16, 12);
  return 1;
}

/** Pushes the xval of tag `x` whose payload is in RET. */
export function pushXval(L: usize, x: i32): i32 {
  switch (x) {
    case X_STR:
      return pushStr(L, load<usize>(RET), load<i32>(RET, 4));
    case X_INT:
      return pushInt(L, load<i32>(RET));
    case X_LONG:
      return pushInt(L, load<i64>(RET));
    case X_TRUE:
      return pushTag(L, TAG_TRUE);
    case X_FALSE:
      return pushTag(L, TAG_FALSE);
    default:
      return pushTag(L, TAG_NIL);
  }
}

function intAt(L: usize, v: usize, i: i32): i32 {
  const t = tagOf(v);
  if (t == TAG_INT) return load<i32>(v);
  if (t == TAG_FLOAT) return intOf(load<f64>(v));
  return toInt(L, i);
}

/** Writes pointer and length of the argument at w. */
function strAt(L: usize, v: usize, i: i32, w: usize): void {
  const t = tagOf(v);
  if (t == TAG_SHORT || t == TAG_LONG) {
    const ts = load<usize>(v);
    store<usize>(w, ts + 16);
    store<i32>(w, lengthOf(ts, t), 4);
  } else toStr(L, i, w);
}

/** PV number of the argument in slot v, which is the first. */
function pvAt(L: usize, v: usize): i32 {
  const t = tagOf(v);
  if (t == TAG_SHORT) {
    const at = load<usize>(v) + 16;
    const s = blockOf(L) + B_PV + (((at >> 4) & 255) << 3);
    if (load<usize>(s) == at) return load<i32>(s, 4);
  }
  strAt(L, v, 1, ARGS);
  return pvNumber(L, 1, load<usize>(ARGS), load<i32>(ARGS, 4));
}

/** More parameters than one, and host functions: the words go through ARGS. */
function general(L: usize, id: i32, d: usize, f: usize): i32 {
  const params = <i32>load<u8>(d, DS_NPARAMS);
  let w = ARGS;
  for (let i = 0; i < params; i++) {
    const v = f + ((<usize>(i + 1)) << 4);
    if (load<u8>(d + <usize>i, DS_TYPES) == T_INT) {
      store<i32>(w, intAt(L, v, i + 1));
      w += 4;
    } else if (i == 0 && <i32>load<u8>(d, DS_FLAGS) & F_INTERN_PV) {
      store<i32>(w, pvAt(L, v));
      w += 4;
    } else {
      strAt(L, v, i + 1, w);
      w += 8;
    }
  }
  return callWords(L, id, d);
}

/** lua_CFunction: every KSR function is a closure over it with its export number. */
export function luaDispatch(L: usize): i32 {
  const f = funcOf(L);
  const id = load<i32>(load<usize>(f), 16);
  const d = DESCS + ((<usize>id) << 5);
  const given = <i32>((topOf(L) - f) >> 4) - 1;
  const params = <i32>load<u8>(d, DS_NPARAMS);
  if ((given != params || !MSG) && refuse(id, d, given) >= 0) return pushTag(L, TAG_FALSE);
  const v = f + 16;
  let r: i32;
  switch (load<i32>(d, DS_SHAPE)) {
    case SHAPE_0:
      r = call_indirect<i32>(load<i32>(d, DS_TARGET));
      break;
    case SHAPE_INT:
      r = call_indirect<i32>(load<i32>(d, DS_TARGET), tagOf(v) == TAG_INT ? load<i32>(v) : intAt(L, v, 1));
      break;
    case SHAPE_STR: {
      if (tagOf(v) == TAG_SHORT) {
        const ts = load<usize>(v);
        r = call_indirect<i32>(load<i32>(d, DS_TARGET), <i32>(ts + 16), <i32>load<u8>(ts, 7));
      } else {
        strAt(L, v, 1, ARGS);
        r = call_indirect<i32>(load<i32>(d, DS_TARGET), load<i32>(ARGS), load<i32>(ARGS, 4));
      }
      break;
    }
    case SHAPE_PV:
      r = call_indirect<i32>(load<i32>(d, DS_TARGET), pvAt(L, v));
      break;
    default:
      r = general(L, id, d, f);
  }
  switch (<i32>load<u8>(d, DS_RET)) {
    case T_INT:
      return pushInt(L, r);
    case T_BOOL:
      return pushTag(L, r ? TAG_TRUE : TAG_FALSE);
    case T_NONE:
      // Kamailio 6: number 0 with parameters, false without.
      return params ? pushInt(L, 0) : pushTag(L, TAG_FALSE);
    default:
      return pushXval(L, r);
  }
}
