import { describe, expect, it } from 'vitest';
import { LANES, luaBench } from './bench.ts';

describe.each(LANES)('limits, %s lane', lane => {
  it('the instruction limit cannot be caught, hidden in a coroutine, or taken off', () => {
    const b = luaBench(lane, [{ path: 'c.nested', run: () => (program.run('spin', 2).state === 'error' ? 1 : 0) }], {
      instructions: 100_000,
    });
    const program = b.load(`
      function spin() while true do end end
      function caught() while true do pcall(function() while true do end end) end end
      function xcaught() while true do xpcall(function() while true do end end, function(e) return e end) end end
      function inco() while true do coroutine.wrap(function() while true do end end)() end end
      function incocaught() while true do pcall(coroutine.wrap(function() while true do end end)) end end
      function unhook() pcall(debug.sethook) while true do end end
      function nested() while true do KSR.c.nested() end end
      function meta() local t = setmetatable({}, { __index = function() while true do end end }) while true do pcall(function() return t.x end) end end
      function gsub() while true do pcall(string.gsub, 'x', 'x', function() while true do end end) end end
      local function closing(f) return setmetatable({}, { __close = f }) end
      function closed() local x <close> = closing(function() while true do end end) while true do end end
      function closedinco()
        while true do
          local co = coroutine.create(function() local x <close> = closing(function() while true do end end) while true do end end)
          pcall(coroutine.resume, co)
          if coroutine.close then coroutine.close(co) end
        end
      end
      function good() for i = 1, 1000 do end KSR.x.exit() end
      KEPT = coroutine.wrap(function() while true do coroutine.yield(1) end end)
      function kept() for i = 1, 1000 do KEPT() end KSR.x.exit() end`);
    for (const route of [
      'spin',
      'caught',
      'xcaught',
      'inco',
      'incocaught',
      'unhook',
      'nested',
      'meta',
      'gsub',
      'closed',
      'closedinco',
    ]) {
      for (let i = 0; i < 3; i++) {
        const { error } = program.run(route, 1);
        expect(error, route).toMatchObject({ limit: 'instructions' });
        expect(error!.message, route).toContain('instruction limit reached');
        expect(program.run('good', 1).state).toBe('exit');
        expect(program.run('kept', 1).state).toBe('exit');
      }
    }
  });

  it('a handler that loops while a failed run is cleaned up is stopped, too', () => {
    const b = luaBench(lane, [], { instructions: 100_000 });
    const program = b.load(`
      function go() local x <close> = setmetatable({}, { __close = function() while true do end end }) error('first') end
      function good() KSR.x.exit() end`);
    for (let i = 0; i < 3; i++) {
      expect(program.run('go', 1).state).toBe('error');
      expect(program.run('good', 1).state).toBe('exit');
    }
  });

  it('the limit counts across waits', async () => {
    const b = luaBench(lane, [{ path: 'c.wait', params: ['int'], async: true, run: () => Promise.resolve(1) }], {
      instructions: 100_000,
    });
    const program = b.load('function go() while true do for i = 1, 1000 do end KSR.c.wait(1) end end');
    const result = await program.run('go', 1).settled;
    expect(result).toMatchObject({ state: 'error', error: { limit: 'instructions' } });
  });

  it('an endless loop at the top level of a script is a diagnostic with its line', () => {
    const b = luaBench(lane, [], { instructions: 100_000 });
    expect(() => b.load('\nwhile true do end')).toThrow('test.lua:2: instruction limit reached');
  });

  it('small limits work', () => {
    const b = luaBench(lane, [], { instructions: 100 });
    const program = b.load('function go() for i = 1, 10 do end end function more() for i = 1, 1000 do end end');
    expect(program.run('go', 1).state).toBe('done');
    expect(program.run('more', 1)).toMatchObject({ error: { limit: 'instructions' } });
  });

  it('the memory limit is an error of the run that reaches it', () => {
    const b = luaBench(lane, [], { memoryBytes: 4 << 20 });
    const program = b.load(`
      function huge() local s = ('x'):rep(1e9) end
      function hugest() local s = ('x'):rep(1e10) end
      function grow() local t = {} for i = 1, 1e9 do t[i] = 'item ' .. i end end
      function concat() local s = 'x' while true do s = s .. s end end
      function good() local s = ('x'):rep(1000) KSR.x.exit() end`);
    for (let i = 0; i < 5; i++) {
      for (const route of ['huge', 'grow', 'concat']) {
        expect(program.run(route, 1), route).toMatchObject({
          state: 'error',
          error: { limit: 'memory', file: 'test.lua' },
        });
        expect(program.run('good', 1).state).toBe('exit');
      }
      expect(program.run('hugest', 1).state).toBe('error');
    }
    expect(program.memoryBytes()).toBeLessThan(4 << 20);
  });

  it("the linear memory's own limit is a memory limit, too", () => {
    const b = luaBench(lane, [], undefined, 512);
    const program = b.load(`function huge() local s = ('x'):rep(1e8) end function good() end`);
    expect(program.run('huge', 1)).toMatchObject({ error: { limit: 'memory' } });
    expect(program.run('good', 1).state).toBe('done');
  });

  it('a script that is too big for the limit does not load', () => {
    const b = luaBench(lane, [], { memoryBytes: 1 << 20 });
    expect(() => b.load(`X = ('x'):rep(1e7)`)).toThrow(/not enough memory/);
    expect(b.load('function go() end').run('go', 1).state).toBe('done');
  });
});
