import { describe, expect, it } from 'vitest';
import type { Core } from '../../../../src/core/load.ts';
import { LuaInterpreter } from '../../../../src/interp/lua/lua.ts';
import { printNumbersAs51 } from '../../../../src/interp/lua/numbers.ts';
import { fake, source } from '../fake-ksr.ts';

/** A core whose Lua writes something else on its stack than the in-place lane expects. */
function strange(core: Core): Core {
  const lua = { ...core.lua, lua_pushnil: (L: number) => core.lua.lua_pushboolean(L, 0) };
  return Object.assign(Object.create(core), { lua });
}

describe('the layout check', () => {
  it('lets the pinned build of Lua use the in-place lane', () => {
    const engine = new LuaInterpreter(fake().options);
    expect([engine.lane, engine.layoutFault]).toEqual(['inplace', undefined]);
  });

  it('falls back to the API lane on another layout, and everything works', () => {
    const f = fake();
    const engine = new LuaInterpreter({ ...f.options, core: strange(f.core) });
    expect([engine.lane, engine.layoutFault]).toEqual(['api', 'nil']);
    const program = engine.load(source('function go() print(KSR.t.int(3)) KSR.x.exit() end'), 'x.lua');
    expect(program.run('go', 1).state).toBe('exit');
    expect(f.printed).toEqual(['3']);
  });

  it('refuses the in-place lane on another layout when it is asked for', () => {
    const f = fake();
    expect(() => new LuaInterpreter({ ...f.options, core: strange(f.core), lane: 'inplace' })).toThrow(
      /Cannot use the in-place lane: Lua's nil lies elsewhere/,
    );
  });

  it('numbers print as in 5.4 where the string is not found', () => {
    const { core } = fake();
    const { u8 } = core.mem;
    const text = new TextEncoder().encode('\0-0123456789\0');
    const at = u8.findIndex((_, i) => text.every((byte, k) => u8[i + k] === byte));
    u8[at + 2] = 0x31;
    const L = core.lua.luaL_newstate();
    expect(printNumbersAs51(core, L)).toBe(false);
    u8[at + 2] = 0x30;
    expect(printNumbersAs51(core, L)).toBe(true);
    expect(printNumbersAs51(core, L)).toBe(true);
    core.lua.lua_close(L);
  });
});
