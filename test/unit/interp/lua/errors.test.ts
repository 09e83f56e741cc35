import { describe, expect, it } from 'vitest';
import { ScriptError } from '../../../../src/errors.ts';
import { placeOf, topOfTrace } from '../../../../src/interp/lua/errors.ts';
import { LANES, luaBench } from './bench.ts';

describe.each(LANES)('errors, %s lane', lane => {
  const b = luaBench(lane);
  const message = (statements: string) => b.error(statements).message;

  it.each([
    [
      'KSR.t.strr("x")',
      "test.lua:2: attempt to call a nil value (field 'strr'): KSR.t.strr does not exist, did you mean KSR.t.str?",
    ],
    [
      'local x = KSR.is_tru()',
      "test.lua:2: attempt to call a nil value (field 'is_tru'): KSR.is_tru does not exist, did you mean KSR.is_true?",
    ],
    [
      'if KSR.t.int(1) == 1 then KSR.t.oen() end',
      "test.lua:2: attempt to call a nil value (field 'oen'): KSR.t.oen does not exist, did you mean KSR.t.one?",
    ],
    [
      'local t = KSR.t t.intt(5)',
      "test.lua:2: attempt to call a nil value (field 'intt'): KSR.t.intt does not exist, did you mean KSR.t.int?",
    ],
    [
      'KSR.zzzzzz.qqqqqqq()',
      "test.lua:2: attempt to index a nil value (field 'zzzzzz'): KSR.zzzzzz.qqqqqqq does not exist",
    ],
    [
      'KSR.dispatcher.ds_select_dst(1, 4)',
      'test.lua:2: KSR.dispatcher.ds_select_dst: module dispatcher is not available in this version',
    ],
    [
      'if KSR.dispatcher.ds_select_dst(1,\n4) < 0 then end',
      'test.lua:2: KSR.dispatcher.ds_select_dst: module dispatcher is not available in this version',
    ],
    [
      'local d = KSR.dispatcher d.ds_select_dst()',
      'test.lua:2: KSR.dispatcher.ds_select_dst: module dispatcher is not available in this version',
    ],
    [
      'local K = KSR K.dispatcher.ds_select_dst()',
      'test.lua:2: KSR.dispatcher.ds_select_dst: module dispatcher is not available in this version',
    ],
    ['local other = {} other.strr()', "test.lua:2: attempt to call a nil value (field 'strr')"],
    ['nosuch()', "test.lua:2: attempt to call a nil value (global 'nosuch')"],
    ['local r = KSR.t.none0() < 0', 'test.lua:2: attempt to compare boolean with number'],
    ['KSR.h.fail()', 'module bug'],
    ['error("plain", 0)', 'plain'],
    ['error({})', 'unknown'],
    ['error(setmetatable({}, { __tostring = function() return "told" end }))', 'unknown'],
    ['error()', 'unknown'],
    ['error(5)', '5'],
    ['error(true)', 'unknown'],
  ])('%s', (statements, want) => expect(message(statements)).toBe(want));

  it('a module that is not loaded is nil, so that scripts can ask', () =>
    expect(
      b.script(
        'if not KSR.auth then print("no auth") end if KSR.dispatcher then print("?") end if not KSR.t.nosuch then print("none") end',
      ),
    ).toEqual(['no auth', 'none']));

  it('a traceback names the frames', () => {
    const program = b.load('local function inner()\n  local x = nil\n  return x.y\nend\nfunction go()\n  inner()\nend');
    const { error } = program.run('go', 1);
    expect(error).toMatchObject({
      file: 'test.lua',
      line: 3,
      message: "test.lua:3: attempt to index a nil value (local 'x')",
    });
    expect(error!.traceback).toBe("stack traceback:\n\ttest.lua:3: in upvalue 'inner'\n\ttest.lua:6: in function 'go'");
    expect(error!.trap ?? error!.limit).toBeUndefined();
  });

  it('an error without a place takes it from the traceback', () =>
    expect(b.error('\n\nerror({})')).toMatchObject({ file: 'test.lua', line: 4, message: 'unknown' }));

  it('errors in required files name that file', () => {
    b.files.set('lib.lua', 'local M = {}\nfunction M.f()\n  KSR.t.intt()\nend\nreturn M');
    expect(b.error('require("lib").f()')).toMatchObject({
      file: 'lib.lua',
      line: 3,
      message:
        "lib.lua:3: attempt to call a nil value (field 'intt'): KSR.t.intt does not exist, did you mean KSR.t.int?",
    });
  });

  it('long and strange file names come back whole', () => {
    const name = `/etc/${'kamailio/'.repeat(12)}route.lua`;
    const { error } = b.load('\nfunction go() error("x") end', name).run('go', 1);
    expect(error).toMatchObject({ file: name, line: 2 });
    const { error: other } = b.load('function go() error("x") end', 'C:\\k\\ä.lua').run('go', 1);
    expect(other).toMatchObject({ file: 'C:\\k\\ä.lua', line: 1 });
  });

  it.each([
    ['x = = 1', 1, 5, "unexpected symbol near '='"],
    ['local a\nlocal b = {1, 2\nlocal c', 3, 1, "'}' expected (to close '{' at line 2) near 'local'"],
    ['function f()', 1, 13, "'end' expected near <eof>"],
    ['x = "abc', 1, 9, 'unfinished string near <eof>'],
    ['x = "abc\n"', 1, 5, "unfinished string near '\"abc'"],
    ['goto nowhere', 1, 0, "no visible label 'nowhere' for <goto> at line 1"],
    ['error("top")', 1, 0, 'top'],
    ['error({})', 1, 0, 'unknown'],
    ['KSR.x.exit()', 0, 0, 'KSR.x.exit() outside of a route'],
    [
      'KSR.t.intt(1)',
      1,
      0,
      "attempt to call a nil value (field 'intt'): KSR.t.intt does not exist, did you mean KSR.t.int?",
    ],
  ])('loading %j is a diagnostic', (text, line, column, want) => {
    try {
      b.load(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ScriptError);
      expect((error as ScriptError).diagnostics).toMatchObject([
        { severity: 'error', file: 'test.lua', line, column, message: want },
      ]);
    }
  });

  it('text nested without end does not load', () => {
    expect(() => b.load(`x = ${'('.repeat(100_000)}`)).toThrow(/test\.lua: C stack overflow/);
    expect(() => b.load(`x = ${'{'.repeat(100_000)}`)).toThrow(/test\.lua: C stack overflow/);
  });

  it('a script may start with a byte order mark and a # line', () => {
    const program = b.load('\ufeff#!/usr/bin/env lua\nfunction go() error("x") end');
    expect(program.run('go', 1).error!.line).toBe(2);
  });
});

describe('placeOf()', () => {
  it('takes file and line apart, whatever the name has in it', () => {
    expect(placeOf('/a/b.lua:12: what: 3: more', [])).toEqual({ file: '/a/b.lua', line: 12, what: 'what: 3: more' });
    expect(placeOf('C:\\x.lua:1: y', [])).toEqual({ file: 'C:\\x.lua', line: 1, what: 'y' });
    expect(placeOf('no place', [])).toEqual({ file: '', line: 0, what: 'no place' });
    expect(placeOf('...end/of.lua:3: x', ['/the/end/of.lua'])).toEqual({ file: '/the/end/of.lua', line: 3, what: 'x' });
  });
  it('topOfTrace() passes over C and the prelude', () =>
    expect(
      topOfTrace("stack traceback:\n\t[C]: in ?\n\t[kemi-wasm]:20: in function 'x'\n\ta.lua:7: in function 'go'", []),
    ).toMatchObject({ file: 'a.lua', line: 7 }));
});
