import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../../../src/interp/interpreter.ts';
import { LANES, luaBench } from './bench.ts';

const SCRIPT = `
local EXIT = '~~ksr~exit~~' LOG = '' local function log(s) LOG = LOG .. s .. ' ' end
local function told(ok, e) log(tostring(ok) .. (e == EXIT and 'marker' or tostring(e))) end
function r1() KSR.x.exit() log('BAD') end
local function deep(n) if n == 0 then KSR.x.exit() log('BAD') end local a, b, c = deep(n - 1) log('BAD') return 1, 2, 3 end
function r2() deep(20) log('BAD') end
function r3() return KSR.x.exit() end
function r4() local x = KSR.x.exit() log('BAD') end
function d1() KSR.x.drop() log('BAD') end
function p1() told(pcall(KSR.x.exit)) end
function p2() told(pcall(function() deep(3) end)) KSR.x.exit() log('BAD') end
function p3() told(xpcall(KSR.x.exit, function(e) return e end)) end
function e1() error('~~ksr~exit~~', 0) end
function g1() ('x'):gsub('x', function() KSR.x.exit() log('BAD') end) log('BAD') end
function m1() local t = setmetatable({}, { __index = function() KSR.x.exit() end }) local y = t.z log('BAD') end
function u1() local v = 1 KEEP = function() v = v + 1 return v end KSR.x.exit() log('BAD') end
function c1() local x <close> = setmetatable({}, { __close = function() log('closed') end }) KSR.x.exit() log('BAD') end
function c2() local x <close> = setmetatable({}, { __close = function() KSR.x.exit() end }) deepnil() end
function c3() local x <close> = setmetatable({}, { __close = function() KSR.x.exit() end }) end
function c4() local x <close> = setmetatable({}, { __close = function() KSR.x.exit() end }) KSR.x.exit() end
function k1() local co = coroutine.create(function() KSR.x.exit() log('BAD') end) told(coroutine.resume(co)) end
function w1() KSR.c.wait(1) deep(3) log('BAD') end
function w2() pcall(function() KSR.c.wait(1) end) deep(2) log('BAD') end
function v1(...) local t = { ... } local function va(...) KSR.x.exit(...) log('BAD') end va(1, 2, 3) log('BAD') end
function s1() table.sort({ 3, 2, 1 }, function(a, b) KSR.x.exit() end) log('BAD') end
function f1() for k, v in (function() KSR.x.exit() log('BAD') end) do end end
function n1() KSR.c.nested() KSR.x.exit() log('BAD') end
function err() deepnil() end
function ok() return 1 end
function getlog() print(LOG) LOG = '' end
function collect() collectgarbage() LOG = '' end
function count() print(collectgarbage('count')) end
function kept() print(KEEP() + KEEP()) end`;

const EXPECTED: Record<string, [state: RunResult['state'], log: string]> = {
  r1: ['exit', ''],
  r2: ['exit', ''],
  r3: ['exit', ''],
  r4: ['exit', ''],
  d1: ['exit', ''],
  p1: ['done', 'falsemarker '],
  p2: ['exit', 'falsemarker '],
  p3: ['done', 'falsemarker '],
  e1: ['exit', ''],
  g1: ['exit', ''],
  m1: ['exit', ''],
  u1: ['exit', ''],
  c1: ['exit', 'closed '],
  c2: ['error', ''],
  c3: ['exit', ''],
  c4: ['exit', ''],
  k1: ['done', 'falsemarker '],
  w1: ['exit', ''],
  w2: ['exit', ''],
  v1: ['exit', ''],
  s1: ['exit', ''],
  f1: ['exit', ''],
  n1: ['exit', ''],
  err: ['error', ''],
  ok: ['done', ''],
};

describe.each(LANES)('KSR.x.exit(), %s lane', lane => {
  const b = luaBench(lane, [
    { path: 'c.wait', params: ['int'], async: true, run: () => Promise.resolve(1) },
    { path: 'c.nested', run: () => (program.run('r2', 2).state === 'exit' ? 1 : 0) },
  ]);
  const program = b.load(SCRIPT);
  const log = () => {
    program.run('getlog', 1);
    return b.printed.pop();
  };
  const run = async (route: string) => {
    const result = program.run(route, 1);
    return result.settled ? await result.settled : result;
  };

  it.each(Object.entries(EXPECTED))('route %s ends as %j', async (route, [state, text]) => {
    log();
    expect((await run(route)).state).toBe(state);
    expect(log()).toBe(text);
  });

  it('variables captured before an exit keep their values', async () => {
    await run('u1');
    program.run('kept', 1);
    expect(b.printed.pop()).toBe('5');
  });

  it('60,000 random runs with collections leave the state whole', async () => {
    const names = Object.keys(EXPECTED);
    const sync = names.filter(n => !n.startsWith('w'));
    let seed = 7;
    const random = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed % n;
    };
    const counted = () => {
      program.run('collect', 1);
      program.run('count', 1);
      return Number(b.printed.pop());
    };
    const sp = b.core.lua.stackSave();
    for (const n of names) await run(n);
    const before = counted();
    for (let i = 0; i < 60_000; i++) {
      // Waits cost a turn of the event loop each: one in a hundred.
      const name = i % 100 === 0 ? names[random(names.length)]! : sync[random(sync.length)]!;
      const result = program.run(name, 1);
      const { state } = result.settled ? await result.settled : result;
      if (state !== EXPECTED[name]![0]) expect.unreachable(`${name} ended as ${state}`);
      if (i % 5000 === 0) program.run('collect', 1);
    }
    expect(b.core.lua.stackSave()).toBe(sp);
    expect(program.inFlight).toBe(0);
    expect(counted()).toBeLessThan(before + 20);
  });
});
