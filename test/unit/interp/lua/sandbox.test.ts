import { describe, expect, it } from 'vitest';
import { LANES, luaBench } from './bench.ts';

describe.each(LANES)('what a script cannot reach, %s lane', lane => {
  const b = luaBench(lane);

  it.each([
    'io.open("/etc/passwd")',
    'io.popen("ls")',
    'os.remove("x")',
    'os.rename("a", "b")',
    'os.tmpname()',
    'os.execute("ls")',
  ])('%s gives nil and says why', call =>
    expect(b.value(call)).toMatch(/^nil\t.*is not available to routing scripts\t13$/),
  );
  it.each([
    ['os.exit(1)', 'os.exit is not available to routing scripts: use KSR.x.exit()'],
    ['io.lines("x")', 'io.lines is not available to routing scripts'],
    ['string.dump(print)', 'string.dump is not available to routing scripts'],
    ['debug.getregistry()', 'debug.getregistry is not available to routing scripts'],
    ['debug.sethook(print, "l")', 'debug.sethook is not available to routing scripts'],
    ['debug.setupvalue(KSR.t.int, 1, 99999)', 'debug.setupvalue is not available to routing scripts'],
    ['debug.upvaluejoin(print, 1, print, 1)', 'debug.upvaluejoin is not available to routing scripts'],
    ['debug.setlocal(1, 1, 1)', 'debug.setlocal is not available to routing scripts'],
    ['debug.setmetatable(nil, {})', 'debug.setmetatable is available for tables only'],
  ])('%s is an error with file and line', (call, text) => expect(b.error(call).message).toBe(`test.lua:2: ${text}`));

  it.each(['io.read()', 'os.getenv("HOME")', 'package.loadlib', 'debug.debug', 'debug.gethook()', 'io.type(5)'])(
    '%s is nil',
    call => expect(b.value(call)).toBe('nil'),
  );

  it('bytecode does not load, whatever the mode says', () => {
    for (const load of [
      'load("\\27Lua", "x", "b")',
      'load("\\27Lua")',
      'loadstring("\\27Lua")',
      'load(function() return "\\27Lua" end, "x", "bt")',
    ])
      expect(b.value(load)).toMatch(/^nil\t.*attempt to load a binary chunk/);
    expect(() => b.load('\x1bLuaT')).toThrow(/binary chunk/);
  });

  it('load takes text, functions and an environment', () =>
    expect(
      b.value(
        `load("return 1")(), load(function() local s = S S = nil return s end), load("return X", "n", "t", { X = 5 })(), load("= 1", "=name")`,
      ),
    ).toMatch(/^1\tfunction: \S+\t5\tnil\tname:1: unexpected symbol near '='$/));

  it('debug looks, but not into what KSR is made of', () => {
    expect(
      b.script(`
        local up = 5
        local function f() return up end
        print(debug.getupvalue(f, 1)) print(debug.getupvalue(KSR.x.exit, 1)) print(debug.getupvalue(KSR.t.int, 1))
        print(debug.getinfo(1, 'l').currentline, debug.traceback('here') ~= nil, (debug.getlocal(1, 1)))`),
    ).toEqual(['up\t5', 'nil', 'nil', '6\ttrue\tup']);
  });

  it('finalizers of tables are not called, as in Lua 5.1: they would run past every limit', () => {
    const program = b.load(`
      local function spin() print('finalizer') while true do end end
      function go()
        for i = 1, 100 do
          setmetatable({}, { __gc = spin })
          debug.setmetatable({}, { __gc = spin })
          local mt = {} local t = setmetatable({}, mt) mt.__gc = spin setmetatable(t, mt)
        end
        collectgarbage()
        print(getmetatable(setmetatable({}, { __index = 5, __gc = spin })).__index, pcall(setmetatable, 1, {}))
      end`);
    b.printed.length = 0;
    expect(program.run('go', 1).error).toBeUndefined();
    expect(b.printed).toEqual(["5\tfalse\tbad argument #1 to 'setmetatable' (table expected, got number)"]);
    program.dispose();
    expect(b.error('setmetatable({}, 5)').message).toBe(
      "test.lua:2: bad argument #2 to 'setmetatable' (nil or table expected, got number)",
    );
  });

  it('a script that takes hold of the coroutine of another run hurts only those two', async () => {
    const waits: ((value: unknown) => void)[] = [];
    const c = luaBench(lane, [
      { path: 'c.wait', params: ['int'], async: true, run: () => new Promise(resolve => waits.push(resolve)) },
    ]);
    const program = c.load(`
      function victim() CO = coroutine.running() local v = KSR.c.wait(1) print('victim', v) KSR.x.exit() end
      function close() print(coroutine.close, coroutine.status(CO)) end
      function resume() print(pcall(coroutine.resume, CO, 'forged')) end
      function wrap() for i = 1, 3 do pcall(coroutine.resume, CO, i) end end
      function good() KSR.x.exit() end`);
    for (let i = 0; i < 20; i++) {
      for (const attack of ['close', 'resume', 'wrap']) {
        const run = program.run('victim', 1);
        program.run(attack, 2);
        expect(program.run('good', 3).state).toBe('exit');
        waits.pop()!(5);
        expect((await run.settled)!.state).toBe(attack === 'close' ? 'exit' : 'error');
        // The coroutine is idle now: the handle the script kept is of no use.
        program.run(attack, 2);
        expect(program.run('good', 3).state).toBe('exit');
      }
    }
    expect(program.inFlight).toBe(0);
  });

  it('a script that breaks its own globals breaks only itself', () => {
    const program = b.load(`
      local G, pairs = _G, pairs
      for k in pairs(string) do string[k] = nil end
      for k in pairs(G) do if k ~= 'KSR' then G[k] = nil end end
      KSR.t.int = nil
      function go() KSR.x.exit() end`);
    expect(program.run('go', 1).state).toBe('exit');
    expect(b.value('KSR.t.int(3)')).toBe('3');
  });

  it('a metatable on _G neither runs nor hurts when a route is looked up', () => {
    const program = b.load(
      'setmetatable(_G, { __index = function() error("strict") end, __newindex = function() error("strict") end })',
    );
    expect(program.run('go', 1)).toEqual({ state: 'missing' });
    expect(program.has('go')).toBe(false);
  });

  it('a script that forges waits gets errors, and nothing else', () => {
    const program = b.load(`
      function forge() coroutine.yield() end
      function thread() local co = coroutine.running() coroutine.resume(co) coroutine.yield(co) end
      function close() coroutine.close(coroutine.running()) end -- 5.1 has no close
      function good() KSR.x.exit() end`);
    for (const route of ['forge', 'thread', 'close']) {
      expect(program.run(route, 1).state).toBe('error');
      expect(program.run('good', 1).state).toBe('exit');
    }
  });
});
