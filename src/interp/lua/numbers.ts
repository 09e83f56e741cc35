/**
 * Numbers print as in Lua 5.1, which has floats only: 10/2 is "5", not "5.0". Lua 5.4 adds ".0" to a float whose text consists of the characters
 * "-0123456789" alone; that set is a string of its own in Lua's static data and used for nothing else. With an empty set nothing is ever added.
 */
import type { Core } from '../../core/load.ts';
import { byteStr } from '../../core/memory.ts';
import { LuaState } from './state.ts';

const DIGITS = '\0-0123456789\0';
/** static data lies at the start of the memory */
const SEARCH_BYTES = 1 << 17;

/** Once per core. @returns false when this build of Lua is not the one we know: then floats print as in 5.4 */
export function printNumbersAs51(core: Core, L: number): boolean {
  const state = new LuaState(core, L);
  const print = (value: number) => {
    core.lua.lua_pushnumber(L, value);
    const text = state.text(-1);
    state.pop();
    return text;
  };
  if (print(5) === '5') return true;
  const data = byteStr(core.mem.u8.subarray(0, SEARCH_BYTES));
  const at = data.indexOf(DIGITS);
  if (at < 0 || data.indexOf(DIGITS, at + 1) >= 0) return false;
  core.mem.u8[at + 1] = 0;
  const good =
    print(5) === '5' &&
    print(-0.5) === '-0.5' &&
    print(1e15) === '1e+15' &&
    print(2 ** 53) === '9.007199254741e+15' &&
    print(-0) === '-0' &&
    print(Number.POSITIVE_INFINITY) === 'inf';
  if (!good) core.mem.u8[at + 1] = 0x2d;
  return good;
}
