/**
 * Proves what wasm/lua/inplace.ts takes for granted about Lua's structures, on a state of its own. A wrong build of Lua fails here and gets the API lane.
 */
import type { Core } from '../../core/load.ts';
import { LuaState } from './state.ts';

/** @returns what does not fit, undefined when all does */
export function layoutFault(core: Core, L: number): string | undefined {
  const { lua, mem } = core;
  const state = new LuaState(core, L);
  const top = () => mem.u32(L + 12);
  const u8 = (at: number) => mem.u8[at];
  lua.lua_settop(L, 0);
  const bottom = top();
  try {
    lua.lua_pushinteger(L, 0x12345678n);
    const first = top() - 16;
    if (top() !== bottom + 16) return 'stack top';
    if (mem.u32(first) !== 0x12345678 || u8(first + 8) !== 3) return 'integer';
    if (mem.u32(mem.u32(L + 20)) !== first - 16) return 'function of the running call';
    lua.lua_pushnumber(L, 2.5);
    if (mem.view.getFloat64(top() - 16, true) !== 2.5 || u8(top() - 8) !== 19) return 'float';
    lua.lua_pushboolean(L, 1);
    if (u8(top() - 8) !== 17) return 'true';
    lua.lua_pushboolean(L, 0);
    if (u8(top() - 8) !== 1) return 'false';
    lua.lua_pushnil(L);
    if (u8(top() - 8) !== 0) return 'nil';
    for (const [text, tag, stored, length] of [
      ['abc', 0x44, 4, 3],
      ['x'.repeat(60), 0x54, 0x14, 60],
    ] as const) {
      state.push(text);
      const ts = mem.u32(top() - 16);
      if (u8(top() - 8) !== tag || u8(ts + 4) !== stored || lua.lua_tolstring(L, -1, 0) !== ts + 16) return 'string';
      if ((length < 41 ? u8(ts + 7) : mem.u32(ts + 12)) !== length) return 'string length';
    }
    state.pushFunction(1, 99);
    if (mem.u32(mem.u32(top() - 16) + 16) !== 99) return 'upvalue';
    return threadFault(core, L);
  } finally {
    lua.lua_settop(L, 0);
  }
}

/** lua_State and CallInfo, as the frame cut reads them: an idle thread's ci is its base_ci, which has no predecessor and counts as C. */
function threadFault(core: Core, L: number): string | undefined {
  const { lua, mem } = core;
  const co = lua.lua_newthread(L);
  const block = mem.u32(L - 4);
  if (!block || mem.u32(co - 4) !== block) return 'extra space';
  const base = co + 52;
  if (mem.u32(co + 20) !== base) return 'base_ci';
  if (mem.u32(base + 8) !== 0 || (mem.u16(base + 34) & 2) === 0) return 'call info';
  if (mem.u32(base) + 16 !== mem.u32(co + 12)) return 'call info function';
  if (mem.u32(co + 32) !== 0) return 'open upvalues';
  const tbc = mem.u32(co + 36);
  if (tbc > mem.u32(co + 12) || tbc + 4096 < mem.u32(co + 12)) return 'to-be-closed list';
  const before = mem.i32(co + 112);
  lua.lua_sethook(co, 1, 3, 0);
  const during = mem.i32(co + 112);
  lua.lua_sethook(co, 0, 0, 0);
  if (before !== 0 || during !== 3 || mem.i32(co + 112) !== 0) return 'hook mask';
  return undefined;
}
