import { describe, expect, it } from 'vitest';
import { deferred } from '../fake-ksr.ts';
import { LANES, luaBench } from './bench.ts';

describe.each(LANES)('many states in one memory, %s lane', lane => {
  it('1,000 states opened, used and closed leave the memory flat', () => {
    const b = luaBench(lane);
    const script = `
      local function deep(n) if n == 0 then KSR.x.exit() end deep(n - 1) return 1 end
      function go() assert(KSR.t.pv('$ru') == 3) for i = 1, 3 do KSR.t.text(40) end assert(string.find('hello', 'ell') == 2) deep(3) end`;
    const cycle = () => {
      const program = b.load(script);
      expect(program.run('go', 1).state).toBe('exit');
      return program;
    };
    for (let i = 0; i < 20; i++) cycle().dispose();
    const bytes = b.core.mem.memory.buffer.byteLength;
    const probe = b.core.lua.malloc(1 << 20);
    b.core.lua.free(probe);
    let before = cycle();
    for (let i = 0; i < 1000; i++) {
      // The old one runs on beside the new one, as in a reload.
      const next = cycle();
      expect(before.run('go', 1).state).toBe('exit');
      before.dispose();
      expect(before.memoryBytes()).toBe(0);
      before = next;
    }
    before.dispose();
    expect(b.core.mem.memory.buffer.byteLength).toBe(bytes);
    const again = b.core.lua.malloc(1 << 20);
    expect(again).toBe(probe);
  });

  it('scripts that do not load leave nothing behind', () => {
    const b = luaBench(lane);
    const bad = ['x = = 1', 'error("boom")', 'error({})', 'KSR.x.exit()', 'KSR.nosuch.f()', 'coroutine.yield(1)'];
    for (let i = 0; i < 10; i++) for (const text of bad) expect(() => b.load(text)).toThrow();
    const bytes = b.core.mem.memory.buffer.byteLength;
    const probe = b.core.lua.malloc(1 << 20);
    b.core.lua.free(probe);
    for (let i = 0; i < 100; i++) for (const text of bad) expect(() => b.load(text)).toThrow();
    expect(b.core.mem.memory.buffer.byteLength).toBe(bytes);
    expect(b.core.lua.malloc(1 << 20)).toBe(probe);
  });

  it('globals, modules and caches of one program are not those of another', () => {
    const b = luaBench(lane);
    const one = b.load('X = 1 string.mine = 5 function go() print(X, string.mine, KSR.t.text(30)) end');
    const two = b.load('function go() print(X, string.mine, KSR.t.text(30)) end');
    for (let i = 0; i < 4; i++) {
      one.run('go', 1);
      two.run('go', 1);
    }
    const text = 'abcdefghijklmnopqrstuvwxyzabcd';
    expect(b.printed).toEqual(new Array(4).fill([`1\t5\t${text}`, `nil\tnil\t${text}`]).flat());
  });

  it('a program whose run waits stays open until it ends, with the old code', async () => {
    const wait = deferred();
    const b = luaBench(lane, [{ path: 'c.wait', params: ['int'], async: true, run: () => wait.promise }]);
    const old = b.load('function go() print("old " .. KSR.c.wait(1)) end');
    const run = old.run('go', 1);
    const next = b.load('function go() print("new") end');
    old.dispose();
    next.run('go', 1);
    wait.resolve(3);
    await run.settled;
    expect(b.printed).toEqual(['new', 'old 3']);
    expect(old.memoryBytes()).toBe(0);
  });
});
