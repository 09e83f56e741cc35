import { describe, expect, it } from 'vitest';
import { LANES, luaBench } from './bench.ts';

const SCRIPT = `
local log = function(s) print(s) end
function two() local a = KSR.w.int(1) log('a' .. a .. KSR.t.msg()) local c = KSR.w.int(2) log('b' .. c .. KSR.t.msg()) end
function types() log(tostring(KSR.w.bool(1)) .. tostring(KSR.w.bool(0)) .. KSR.w.text('x') .. tostring(KSR.w.text(nil)) .. tostring(KSR.w.none(1))) end
function big() log(#KSR.w.text(('y'):rep(70000))) end
function inpcall()
  local ok, v = pcall(function() return KSR.w.int(1) + 1 end) log(tostring(ok) .. v)
  local ok, e = pcall(function() KSR.w.int(1) error('late', 0) end) log(tostring(ok) .. e)
end
function fails() KSR.w.fail(1) end
function failcaught() local ok, e = pcall(KSR.w.fail, 1) log(tostring(ok) .. e) log(KSR.w.int(9)) end
function ingsub() local s = ('x'):gsub('x', function() return KSR.w.int(1) end) end
function insort() table.sort({ 3, 2, 1 }, function(a, b) return KSR.w.int(1) < 0 end) end
function inmeta() local t = setmetatable({}, { __index = function(_, k) return KSR.w.int(1) end }) log('meta' .. t.x) end
function initer() for v in function(_, c) if not c then return KSR.w.int(1) end end do log('iter' .. v) end end
function inco()
  local co = coroutine.create(function() local v = KSR.w.int(1) coroutine.yield('mid') return v end)
  log(tostring(select(2, coroutine.resume(co)))) log(tostring(select(2, coroutine.resume(co)))) log(tostring(select(2, coroutine.resume(co))))
end
function inwrap() local f = coroutine.wrap(function() for i = 1, 2 do coroutine.yield(KSR.w.int(i)) end end) log('w' .. f() .. f()) end
function indeep() local f = coroutine.wrap(function() return coroutine.wrap(function() return KSR.w.int(7) end)() end) log('deep' .. f()) end
function failinco()
  local co = coroutine.create(function() KSR.w.fail(1) end) local ok, e = coroutine.resume(co) log(tostring(ok) .. e .. coroutine.status(co))
end
function thenexit() KSR.w.int(1) KSR.x.exit() log('BAD') end
function thenerr() KSR.w.int(1) local x = nil + 1 end
function stray() coroutine.yield(5) end
function inrequire() require('waits') end
function later() log(KSR.w.later(1)) end
TOP = KSR.w.int and 1`;

describe.each(LANES)('waiting, %s lane', lane => {
  let calls = 0;
  const b = luaBench(lane, [
    { path: 'w.int', params: ['int'], async: true, run: n => Promise.resolve((n as number) + 40) },
    { path: 'w.bool', params: ['int'], returns: 'bool', async: true, run: n => Promise.resolve(n === 1) },
    { path: 'w.text', params: ['str'], returns: 'xval', async: true, run: s => Promise.resolve(s) },
    { path: 'w.none', params: ['int'], returns: 'none', async: true, run: () => Promise.resolve() },
    { path: 'w.fail', params: ['int'], async: true, run: () => Promise.reject(new Error('no answer')) },
    { path: 'w.sync', params: ['int'], async: true, run: () => ++calls },
    { path: 'w.anytime', params: ['int'], async: true, anytime: true, run: () => Promise.resolve(1) },
    {
      path: 'w.later',
      params: ['int'],
      async: true,
      run: () => new Promise(resolve => setTimeout(() => resolve(1), 5)),
    },
  ]);
  const program = b.load(SCRIPT);
  const run = async (route: string) => {
    b.printed.length = 0;
    const result = program.run(route, 9);
    const end = result.settled ? await result.settled : result;
    return {
      state: end.state,
      printed: [...b.printed],
      error: end.error?.message,
      waited: result.state === 'suspended',
    };
  };

  it.each([
    ['two', ['a419', 'b429']],
    ['types', ['truefalsexnil0']],
    ['big', ['70000']],
    ['inpcall', ['true42', 'falselate']],
    ['failcaught', ['falseno answer', '49']],
    ['inmeta', ['meta41']],
    ['initer', ['iter41']],
    ['inco', ['mid', '41', 'cannot resume dead coroutine']],
    ['inwrap', ['w4142']],
    ['indeep', ['deep47']],
    ['failinco', ['falsetest.lua:23: no answerdead']],
    ['later', ['1']],
  ])('route %s goes on with the value', async (route, printed) =>
    expect(await run(route)).toEqual({ state: 'done', printed, error: undefined, waited: true }),
  );

  it('exit and errors after a wait work', async () => {
    expect(await run('thenexit')).toMatchObject({ state: 'exit', printed: [] });
    expect((await run('thenerr')).error).toMatch(/^test\.lua:\d+: attempt to perform arithmetic on a nil value/);
  });

  it('a rejection is an error at the call, with file and line in the traceback', async () => {
    const { error } = (await program.run('fails', 1).settled)!;
    expect(error!.message).toBe('test.lua:10: no answer');
    expect(error!.file).toBe('test.lua');
    expect(error!.line).toBeGreaterThan(0);
  });

  it.each(['ingsub', 'insort'])('%s: a wait inside a callback of Lua itself is refused by name', async route => {
    expect(await run(route)).toMatchObject({
      state: 'error',
      error: expect.stringMatching(/^test\.lua:\d+: KSR\.w\.int cannot wait here$/),
      waited: false,
    });
  });

  it('coroutine.yield() in the route itself is an error', async () => {
    expect((await run('stray')).error).toBe('attempt to yield from outside a coroutine');
  });

  it('a file that is required may wait while it loads', async () => {
    b.files.set('waits.lua', 'print(KSR.w.int(5)) return {}');
    expect(await run('inrequire')).toMatchObject({ state: 'done', printed: ['45'] });
  });

  it('a function that may wait but need not costs no turn of the event loop', () => {
    calls = 0;
    expect(b.script('print(KSR.w.sync(1))')).toEqual(['1']);
    expect(calls).toBe(1);
  });

  it('the top level of a script cannot wait', () => {
    expect(() => b.load('KSR.w.anytime(1)')).toThrow(/cannot wait while the script loads/);
  });

  it('a thousand runs interleave, each with its own values', async () => {
    b.printed.length = 0;
    const ends = [];
    for (let i = 0; i < 1000; i++) ends.push(program.run('two', 1000 + i).settled);
    expect(program.inFlight).toBe(1000);
    await Promise.all(ends);
    expect(program.inFlight).toBe(0);
    expect(new Set(b.printed).size).toBe(2000);
  });
});
