import { describe, expect, it } from 'vitest';
import { LANES, luaBench } from './bench.ts';

describe.each(LANES)('failures below the script, %s lane', lane => {
  const b = luaBench(lane);
  const program = b.load(`
    function trap() KSR.t.trap() end
    function caught() local ok, e = pcall(pcall, KSR.t.trap) SEEN = tostring(e) end
    function host() KSR.h.fail() end
    function hostcaught() local ok, e = pcall(KSR.h.fail) SEEN = tostring(e) end
    function rec() local function f() return f() + 1 end f() end
    function prec() local function f() pcall(f) end f() end
    function gsrec() local function f() return (('x'):gsub('x', f)) end f() end
    function metarec() local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k .. 'x'] end local y = t.a end
    function cowrap() local function f() return coroutine.wrap(f)() end f() end
    function msgh() xpcall(function() error('a') end, function() error('b') end) end
    function good() GOOD = (GOOD or 0) + 1 KSR.x.exit() end
    function goods() print(GOOD) end`);

  it.each([
    ['trap', 300, /^test\.lua:2: trap: unreachable/],
    ['caught', 300, undefined],
    ['host', 300, /module bug/],
    ['hostcaught', 300, undefined],
    ['rec', 20, /stack overflow/],
    ['prec', 20, undefined],
    ['gsrec', 20, /stack overflow/],
    ['metarec', 20, /stack overflow|not enough memory/],
    ['cowrap', 20, /stack overflow|not enough memory/],
    ['msgh', 300, undefined],
  ])('route %s, %d times, costs only its own run', (route, times, text) => {
    const sp = b.core.lua.stackSave();
    program.run('good', 1);
    for (let i = 0; i < times; i++) {
      const result = program.run(route, 1);
      if (text) expect(result.error?.message).toMatch(text);
      else if (result.state !== 'done') expect(result.error?.message).toMatch(/stack overflow/);
      expect(program.run('good', 1).state).toBe('exit');
    }
    expect(b.core.lua.stackSave()).toBe(sp);
    expect(program.inFlight).toBe(0);
  });

  it('a route that runs itself for ever through a host function ends in an error', () => {
    const nested = luaBench(lane, [
      {
        path: 'c.again',
        run: () => {
          const { error } = again.run('go', 1);
          if (error) throw new Error(error.message);
          return 1;
        },
      },
    ]);
    const again = nested.load('function go() KSR.c.again() end function good() KSR.x.exit() end');
    const sp = nested.core.lua.stackSave();
    for (let i = 0; i < 20; i++) {
      expect(again.run('go', 1).error!.message).toMatch(/stack overflow|call stack size/);
      expect(again.run('good', 1).state).toBe('exit');
    }
    expect(nested.core.lua.stackSave()).toBe(sp);
    expect(again.inFlight).toBe(0);
    expect(nested.core.x.currentMsg()).toBe(0);
  });

  it('a trap is told as one, a host error is not', () => {
    expect(program.run('trap', 1).error).toMatchObject({ trap: true, file: 'test.lua', line: 2 });
    expect(program.run('host', 1).error!.trap).toBeUndefined();
  });

  it('the memory of a program that fails again and again stays flat', () => {
    for (let i = 0; i < 200; i++) for (const route of ['trap', 'host', 'caught']) program.run(route, 1);
    const before = program.memoryBytes();
    const pages = b.core.mem.memory.buffer.byteLength;
    for (let i = 0; i < 1000; i++) for (const route of ['trap', 'host', 'caught']) program.run(route, 1);
    expect(program.memoryBytes()).toBeLessThan(before + 200_000);
    expect(b.core.mem.memory.buffer.byteLength).toBe(pages);
  });
});
