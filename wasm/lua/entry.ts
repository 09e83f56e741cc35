/**
 * From TypeScript into a route, and out of it. Each run has a coroutine of its own, so that it can wait; the message, and the coroutine that KSR.x.exit()
 * may cut, are set for the time of the run and put back after it, because runs nest (a function runs a route) and interleave (a run waits).
 */
import { RUN_DONE, RUN_EXIT, RUN_MISSING, RUN_STRAY_YIELD, RUN_SUSPENDED } from '../gen/layout.gen';
import { MSG, RET, setMsg } from '../mem/state';
import { pushXvalApi } from './api';
import { B_COUNT, B_EXIT, B_TICKS, blockOf, hookIndex } from './block';
import { ERROR_MARK, WAIT_MARK } from './call';
import {
  LUA_MASKCOUNT,
  LUA_TFUNCTION,
  LUA_TLIGHTUSERDATA,
  LUA_TSTRING,
  LUA_YIELD,
  lua_error,
  lua_gethookcount,
  lua_pushlightuserdata,
  lua_pushlstring,
  lua_rawget,
  lua_rawgeti,
  lua_rawgetp,
  lua_resetthread,
  lua_resume,
  lua_sethook,
  lua_settop,
  lua_tolstring,
  lua_touserdata,
  lua_type,
  REG,
} from './lua';

/** coroutine of the innermost run, 0 outside */
let RUN: usize = 0;
/** the frame that luaUnwind() cut, and its true predecessor; 0 when nothing is cut */
let CUT: usize = 0;
let CUT_PREVIOUS: usize = 0;
/** hook ticks the innermost run has left */
let TICKS: i32 = 0;
/** what lua_resume says it returns; read at once */
const NRES: usize = memory.data(4, 4);

const LIMIT_TEXT: usize = memory.data<u8>([
  0x69, 0x6e, 0x73, 0x74, 0x72, 0x75, 0x63, 0x74, 0x69, 0x6f, 0x6e, 0x20, 0x6c, 0x69, 0x6d, 0x69, 0x74, 0x20, 0x72,
  0x65, 0x61, 0x63, 0x68, 0x65, 0x64,
]);

/** Pushes the global function whose name stands in registry[name]. Raw: a metatable on _G must not run, nothing protects this call. */
function pushRoute(co: usize, name: i32): i32 {
  lua_rawgeti(co, REG, 2);
  lua_rawgeti(co, REG, name);
  return lua_rawget(co, -2);
}

/** @param name registry index of the name  @returns 1 when the script has a function of that name */
export function luaHas(L: usize, name: i32): i32 {
  const found = pushRoute(L, name) == LUA_TFUNCTION ? 1 : 0;
  lua_settop(L, -3);
  return found;
}

/**
 * Runs a route on an idle coroutine.
 * @param name registry index of the route's name, or 0: the function is on the coroutine's stack already
 * @param arg address of the route's argument, 0 for none
 * @returns RUN_* or, 2..5, Lua's error status with the error value on the coroutine's stack (luaReset() it then)
 */
export function luaRun(co: usize, name: i32, msg: usize, arg: usize, argBytes: i32): i32 {
  if (name && pushRoute(co, name) != LUA_TFUNCTION) {
    lua_settop(co, 0);
    return RUN_MISSING;
  }
  if (arg) lua_pushlstring(co, arg, argBytes);
  const block = blockOf(co);
  const ticks = load<i32>(block, B_TICKS);
  // A nested run uses up the ticks of the outer one: recursion is no way around the limit.
  if (ticks) {
    if (!RUN) TICKS = ticks;
    lua_sethook(co, hookIndex, LUA_MASKCOUNT, load<i32>(block, B_COUNT));
  }
  return enter(co, msg, arg ? 1 : 0);
}

/**
 * Goes on with a run that waits.
 * @param tag X_* of the awaited value, payload in RET; -1: RET is the text of an error  @param ticks what luaTicks() said when it stopped
 * @returns as luaRun()
 */
export function luaResume(co: usize, msg: usize, tag: i32, ticks: i32): i32 {
  let n = 1;
  if (tag >= 0) pushXvalApi(co, tag);
  else {
    lua_pushlightuserdata(co, ERROR_MARK);
    lua_pushlstring(co, load<usize>(RET), load<usize>(RET, 4));
    n = 2;
  }
  if (!RUN) TICKS = ticks;
  return enter(co, msg, n);
}

function enter(co: usize, msg: usize, n: i32): i32 {
  const outerRun = RUN;
  const outerMsg = MSG;
  RUN = co;
  setMsg(msg);
  const rc = settle(co, lua_resume(co, outerRun, n, NRES));
  RUN = outerRun;
  setMsg(outerMsg);
  return rc;
}

function settle(co: usize, rc: i32): i32 {
  if (CUT) {
    // A CallInfo is used again later: it must have its own predecessor.
    store<usize>(CUT, CUT_PREVIOUS, 8);
    CUT = 0;
    // The count hook may have raised between the cut and the return.
    if (rc > LUA_YIELD) return rc;
    lua_settop(co, 0);
    return RUN_EXIT;
  }
  if (rc == 0) {
    lua_settop(co, 0);
    return RUN_DONE;
  }
  if (rc == LUA_YIELD) {
    // Only our own mark may leave a route; a script's yield outside of its coroutines is its error.
    if (load<i32>(NRES) == 1 && lua_type(co, -1) == LUA_TLIGHTUSERDATA && lua_touserdata(co, -1) == WAIT_MARK) {
      lua_settop(co, -2);
      return RUN_SUSPENDED;
    }
    return RUN_STRAY_YIELD;
  }
  if (lua_type(co, -1) == LUA_TSTRING && lua_tolstring(co, -1, 0) == load<usize>(blockOf(co), B_EXIT)) {
    luaReset(co);
    return RUN_EXIT;
  }
  return rc;
}

/** Makes a coroutine idle again after an error, or gives up one that waits. */
export function luaReset(co: usize): void {
  // The script's __close handlers run in here, below no run: an exit in one must not be cut.
  const run = RUN;
  RUN = 0;
  lua_resetthread(co, 0);
  lua_settop(co, 0);
  RUN = run;
}

/** Puts back what a run had set, after a JS error flew through it. @param run,msg what was current outside of it */
export function luaRestore(run: usize, msg: usize): void {
  if (CUT) store<usize>(CUT, CUT_PREVIOUS, 8);
  CUT = 0;
  RUN = run;
  setMsg(msg);
}

/**
 * Changes the instruction limit of a state: loading a script and routing with it have limits of their own.
 * @param co an idle coroutine that ran under the old one  @param ticks hook ticks of one run, 0 no limit  @param count instructions in one tick
 */
export function luaSetLimit(co: usize, ticks: i32, count: i32): void {
  const block = blockOf(co);
  store<i32>(block, ticks, B_TICKS);
  store<i32>(block, count, B_COUNT);
  if (!ticks) lua_sethook(co, 0, 0, 0);
}

/** @returns hook ticks the last run had left, 0 or less when its limit was reached */
export function luaTicks(): i32 {
  return TICKS;
}

/** lua_Hook of the instruction limit. Once expired it comes before every instruction, so that no pcall gets away. */
export function luaHook(L: usize, _ar: usize): void {
  // A coroutine made while the script loaded under a limit that routes do not have.
  if (!load<i32>(blockOf(L), B_TICKS)) {
    lua_sethook(L, 0, 0, 0);
    return;
  }
  const count = load<i32>(blockOf(L), B_COUNT);
  if (--TICKS <= 0) {
    TICKS = 0;
    lua_sethook(L, hookIndex, LUA_MASKCOUNT, 1);
    lua_pushlstring(L, LIMIT_TEXT, 25);
    lua_error(L);
  }
  // A coroutine that a stopped run left behind.
  if (lua_gethookcount(L) != count) lua_sethook(L, hookIndex, LUA_MASKCOUNT, count);
}

/** lua_CFunction: ends the route by Lua's error, as Kamailio does: pcall sees the marker. */
export function luaExit(L: usize): i32 {
  lua_rawgetp(L, REG, blockOf(L));
  return lua_error(L);
}

/**
 * lua_CFunction behind `function() unwind() end`: ends the route without an exception, which would cost a hundred times more. The Lua frame that
 * called us is made to return straight to the route's C caller (CIST_FRESH, previous = base_ci). Only where nothing but Lua frames lies between and
 * nothing waits to be closed; else by luaExit(). In-place lane only: it knows lua_State and CallInfo (inplace.ts).
 */
export function luaUnwind(L: usize): i32 {
  const frame = load<usize>(load<usize>(L, 20), 8);
  // hookmask: LUA_MASKCALL | LUA_MASKRET; callstatus: CIST_C 2, CIST_FRESH 4
  if (L == RUN && !(load<i32>(L, 112) & 3) && !(load<u16>(frame, 34) & 2)) {
    const base = L + 52;
    let ci = frame;
    while (!(load<u16>(ci, 34) & 4)) ci = load<usize>(ci, 8);
    const func = load<usize>(ci);
    const open = load<usize>(L, 32);
    if (load<usize>(ci, 8) == base && (!open || load<usize>(open, 8) < func) && load<usize>(L, 36) < func) {
      CUT = frame;
      CUT_PREVIOUS = load<usize>(frame, 8);
      store<usize>(frame, base, 8);
      store<u16>(frame, load<u16>(frame, 34) | 4, 34);
      return 0;
    }
  }
  return luaExit(L);
}
