import { describe, expect, it } from 'vitest';
import { LANES, luaBench } from './bench.ts';

describe.each(LANES)('Lua 5.1 scripts, %s lane', lane => {
  const b = luaBench(lane);

  it.each([
    ['10/2, 2^31, 1e15, -0.5, 1e100, 3.0, 7 // 2', '5\t2147483648\t1e+15\t-0.5\t1e+100\t3\t3'],
    ['"n" .. 10/2, tostring(2^53), ("%s"):format(4/2)', 'n5\t9.007199254741e+15\t2'],
    ['100, 1.5, -7, 2^63, 1/0, -1/0', '100\t1.5\t-7\t9.2233720368548e+18\tinf\t-inf'],
    ['string.format("%d %5.1f %x %s %q", 3.7, 2.25, 255.9, 10/2, "a")', '3   2.2 ff 5 "a"'],
    ['string.format("%d|%u|%i|%c|%%u|%05u", -3.9, 7, 2^31, 65.5, 42)', '-3|7|2147483648|A|%u|00042'],
    ['string.format("%d", "3.7"), string.format("%d", 1e300) == string.format("%d", math.maxinteger - 0)', '3\tfalse'],
    ['("abcdef"):sub(2.9, 4.2), ("ab"):rep(2.7), string.char(65.9, 66), ("A"):byte(1.5)', 'bcd\tabab\tAB\t65'],
    ['string.find("abcabc", "b", 7 / 2), (("x.y"):match("%a", 5 / 2)), (("aaa"):gsub("a", "b", 2.5))', '5\ty\tbba'],
    ['unpack({1, 2, 3})', '1\t2\t3'],
    ['unpack({1, 2, 3}, 2, 3)', '2\t3'],
    ['loadstring("return 1 + 1")()', '2'],
    ['table.getn({1, 2}), table.maxn({[5] = 1, [2.5] = 1, x = 1}), #"abc"', '2\t5\t3'],
    ['math.pow(2, 10), math.mod(7, 3), math.log10(1000) > 2.99, math.fmod(-7, 3)', '1024\t1\ttrue\t-1'],
    ['math.ldexp(0.5, 4), math.frexp(8)', '8\t0.5\t4'],
    ['math.cosh(0), math.sinh(0), math.tanh(0), math.tanh(1000)', '1\t0\t0\t1'],
    ['type(gcinfo()), KSRVERSION, _VERSION ~= nil', 'number\t6.0.0\ttrue'],
    ['math.random(1, 5 / 2) <= 2', 'true'],
    ['table.concat({1, 2, 3}, ",", 1, 2.5)', '1,2'],
    ['tostring(nil), tostring(true), tonumber("0x10"), tonumber("10", 2), tonumber("z")', 'nil\ttrue\t16\t2\tnil'],
  ])('%s', (expression, want) => expect(b.value(expression)).toBe(want));

  it('table.foreach, foreachi and string.gfind walk', () =>
    expect(
      b.script(`
        table.foreachi({ 'a', 'b' }, function(i, v) print(i, v) end)
        table.foreach({ x = 1 }, print)
        for w in string.gfind('one two', '%a+') do print(w) end
        print(table.foreachi({ 1, 2, 3 }, function(i, v) if v == 2 then return 'found' end end))`),
    ).toEqual(['1\ta', '2\tb', 'x\t1', 'one', 'two', 'found']));

  it('setfenv and getfenv change what a function sees', () =>
    expect(
      b.script(`
        local function f() return X end
        X = 'global'
        local env = { X = 'mine' }
        print(f(), getfenv(f) == _G)
        setfenv(f, env)
        print(f(), getfenv(f) == env, X)
        local function g() setfenv(1, { print = print }) print(X, type) end
        g()
        print(getfenv(print) == _G, getfenv(0) == _G, pcall(setfenv, print, {}))
        print(pcall(setfenv, KSR.x.exit, {}))`),
    ).toEqual([
      'global\ttrue',
      'mine\ttrue\tglobal',
      'nil\tnil',
      "true\ttrue\tfalse\t'setfenv' cannot change environment of given object",
      "false\t'setfenv' cannot change environment of given object",
    ]));

  it('module() makes a global table with package.seeall', () => {
    b.files.set('shapes.lua', 'module("my.shapes", package.seeall) function area(a, b) return math.floor(a * b) end');
    expect(
      b.script(`require('shapes') print(my.shapes.area(2, 3.5), my.shapes._NAME, my.shapes._PACKAGE, area)`),
    ).toEqual(['7\tmy.shapes\tmy.\tnil']);
  });

  it('require looks in the folder of the script, in the search path and in package.path', () => {
    const files = luaBench(lane);
    const engine = files.engine;
    files.files.set(
      '/etc/k/lib/tools.lua',
      '#!/usr/bin/lua\nlocal name, file = ... print(name, file) return { v = 1 }',
    );
    files.files.set('/etc/k/plain.lua', 'PLAIN = (PLAIN or 0) + 1');
    files.files.set('/opt/x/extra.lua', 'return "extra"');
    files.files.set('/etc/k/pack/init.lua', 'return "pack"');
    files.files.set('/etc/k/broken.lua', 'return = 1');
    void engine;
    const program = files.load(
      `package.path = package.path .. ';/opt/x/?.lua'
      function go()
        print(require('lib.tools').v, require('lib.tools') == require('lib.tools'), package.loaded['lib.tools'].v)
        require('plain') require('plain') print(PLAIN, require('plain'))
        print((require('extra')), (require('pack')), (require('string')) == string)
        package.preload.made = function(n) return n .. '!' end
        print((require('made')))
        print(pcall(require, 'nowhere'))
        print(pcall(require, 'broken'))
      end`,
      '/etc/k/route.lua',
    );
    expect(program.run('go', 1).error).toBeUndefined();
    expect(files.printed).toEqual([
      'lib.tools\t/etc/k/lib/tools.lua',
      '1\ttrue\t1',
      '1\ttrue',
      'extra\tpack\ttrue',
      'made!',
      "false\tmodule 'nowhere' not found:",
      "\tno field package.preload['nowhere']",
      "\tno file '/etc/k/nowhere.lua'",
      "\tno file '/etc/k/nowhere/init.lua'",
      "\tno file '/opt/x/nowhere.lua'",
      "false\terror loading module 'broken' from file '/etc/k/broken.lua':",
      "\t/etc/k/broken.lua:1: unexpected symbol near '='",
    ]);
  });

  it('dofile and loadfile read through the host', () => {
    b.files.set('/abs/part.lua', '# a comment line\nPART = (PART or 0) + 1 return PART');
    expect(b.script(`print(dofile('/abs/part.lua'), loadfile('/abs/part.lua')()) print(loadfile('none.lua'))`)).toEqual(
      ['1\t2', 'nil\tcannot open none.lua'],
    );
    expect(b.error(`dofile('none.lua')`).message).toBe('test.lua:2: cannot open none.lua');
  });

  it('os.time, os.date and os.clock work, the clock below a millisecond', () => {
    expect(Number(b.value('os.time()'))).toBeGreaterThan(1.7e9);
    expect(b.value('os.date("!%Y-%m-%d %H:%M:%S", 86400)')).toBe('1970-01-02 00:00:00');
    expect(b.value('os.time{year=2024, month=2, day=29, hour=12} - os.time{year=2024, month=2, day=28, hour=12}')).toBe(
      '86400',
    );
    expect(
      b.value(
        `(function() local t = os.clock() local n repeat n = os.clock() until n > t return n - t < 0.0009 end)()`,
      ),
    ).toBe('true');
  });

  it('KSR.x has exit, drop, modf and probe', () => {
    expect(b.value('type(KSR.x.exit), type(KSR.x.drop), select("#", KSR.x.probe())')).toBe('function\tfunction\t0');
    expect(
      b.value('KSR.x.modf("is_true"), KSR.x.modf("str", "abc"), KSR.x.modf("nosuch"), KSR.x.modf("str", {})'),
    ).toBe('1\t3\t-1\t-1');
  });

  it('print and io.write go to the sink, line by line', () => {
    expect(b.script(`print('a', 1, nil) io.write('b', 2) io.write('c\\nd') io.stderr:write('e\\n') print()`)).toEqual([
      'a\t1\tnil',
      'b2c',
      'de',
      '',
    ]);
  });
});
