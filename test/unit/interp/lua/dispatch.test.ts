import { describe, expect, it } from 'vitest';
import {
  ARG_NO_MSG,
  ARG_NONE_GIVEN,
  ARG_TOO_FEW,
  ARG_TOO_MANY,
  ARG_UNEXPECTED,
  METHODS,
} from '../../../../src/core/gen/layout.gen.ts';
import { LANES, luaBench } from './bench.ts';

describe.each(LANES)('the dispatcher, %s lane', lane => {
  const b = luaBench(lane);

  describe('arity', () => {
    const complaints = (statements: string) => {
      b.complaints.length = 0;
      const printed = b.script(statements);
      return [printed, [...b.complaints]];
    };
    it('without a message a call gives false and is complained of', () => {
      b.complaints.length = 0;
      b.load('A = KSR.t.int(1) B = KSR.t.anytime(7) print(A, B)');
      expect(b.printed.pop()).toBe('false\t7');
      expect(b.complaints).toEqual([`KSR.t.int: ${ARG_NO_MSG}`]);
    });
    it('no argument where one is wanted gives false', () =>
      expect(complaints('print(KSR.t.int())')).toEqual([['false'], [`KSR.t.int: ${ARG_NONE_GIVEN}`]]));
    it('too few arguments give false', () =>
      expect(complaints('print(KSR.t.mixed("a", 1))')).toEqual([['false'], [`KSR.t.mixed: ${ARG_TOO_FEW}`]]));
    it('arguments beyond the declared ones are ignored, up to six', () =>
      expect(complaints('print(KSR.t.int(1, 2, 3, 4, 5, 6), KSR.t.mixed("a", 2, "bcd", 4))')).toEqual([
        ['1\t10203'],
        [],
      ]));
    it('more than six arguments give false', () =>
      expect(complaints('print(KSR.t.int(1, 2, 3, 4, 5, 6, 7))')).toEqual([['false'], [`KSR.t.int: ${ARG_TOO_MANY}`]]));
    it('arguments for a function without parameters give false', () =>
      expect(complaints('print(KSR.t.one(1), KSR.is_true(nil))')).toEqual([
        ['false\tfalse'],
        [`KSR.t.one: ${ARG_UNEXPECTED}`, `KSR.is_true: ${ARG_UNEXPECTED}`],
      ]));
  });

  describe('parameters', () => {
    it.each([
      ['"12"', 12],
      ['" 12 "', 12],
      ['"0x10"', 16],
      ['"3.7"', 3],
      ['"abc"', 0],
      ['""', 0],
      ['nil', 0],
      ['{}', 0],
      ['true', 0],
      ['print', 0],
      ['3.7', 3],
      ['-3.7', -3],
      ['2147483648', -2147483648],
      ['1e10', 1410065408],
      ['-1e10', -1410065408],
      ['1e300', 0],
      ['-1e300', 0],
      ['0/0', 0],
      ['1/0', 0],
      ['-1/0', 0],
      ['9223372036854775807', -1],
      ['9223372036854775808', 0],
    ])('an int parameter takes %s as %d', (text, want) => {
      expect(b.value(`KSR.t.int(${text})`)).toBe(String(want));
      expect(b.value(`KSR.h.add(${text}, 0)`)).toBe(String(want));
    });
    it.each([
      ['12', 2],
      ['1.5', 3],
      ['10/2', 1],
      ['nil', -1],
      ['true', -1],
      ['false', -1],
      ['{}', -1],
      ['print', -1],
      ['""', 0],
      ['"a\\0b"', 3],
      ['("x"):rep(60)', 60],
      ['("x"):rep(100000)', 100000],
    ])('a str parameter takes %s as %d bytes (-1: NULL)', (text, want) => {
      expect(b.value(`KSR.t.str(${text})`)).toBe(String(want));
      expect(b.value(`KSR.h.len(${text})`)).toBe(String(want));
    });
    it('twelve words go through', () => {
      expect(b.value('KSR.t.twelve("a", "bb", "ccc", "dddd", "eeeee", "ffffff")')).toBe('123456');
      expect(b.value('KSR.t.twelve("a", 22, nil, "dddd", "", "ffffff")')).toBe('120406');
    });
    it('bytes are opaque both ways', () => {
      expect(b.value('KSR.t.echo("\\0\\255\\128z") == "\\0\\255\\128z"')).toBe('true');
      expect(b.value('KSR.h.up("\\0\\255a") == "\\0\\255A"')).toBe('true');
    });
  });

  describe('results', () => {
    it('int, bool and none come as in Kamailio 6', () => {
      expect(b.value('KSR.t.int(-5), math.type(KSR.t.int(1))')).toBe('-5\tinteger');
      expect(b.value('KSR.is_true(), KSR.is_minus()')).toBe('true\ttrue');
      expect(b.value('KSR.t.none(1), KSR.t.none0()')).toBe('0\tfalse');
      expect(b.value('KSR.info("x"), KSR.set_drop()')).toBe('0\tfalse');
    });
    it('an xval is nil, a number, a string or a boolean', () =>
      expect(b.value('KSR.t.tag(0), KSR.t.tag(1), KSR.t.tag(4), KSR.t.tag(5), KSR.t.tag(6), KSR.t.echo(nil)')).toBe(
        'nil\t7\ttrue\tfalse\t7000000000\tnil',
      ));
    it('null is exactly one nil', () => expect(b.value('select("#", KSR.t.tag(0))')).toBe('1'));
    it('strings of every length come back whole, again and again', () => {
      b.script(`
        local abc = 'abcdefghijklmnopqrstuvwxyz'
        local long = abc:rep(160)
        for round = 1, 4 do
          for n = 0, 300 do
            local s = KSR.t.text(n)
            assert(s == long:sub(1, n), n)
            assert(KSR.t.echo(s) == s)
          end
          collectgarbage()
        end
        for n = 1, 3000 do
          local s = 'sip:' .. n .. '@example.com'
          assert(KSR.t.echo(s .. '') == s)
          assert(KSR.t.echo(s .. '') == s)
        end
        assert(#KSR.t.text(4096) == 4096)`);
    });
    it('strings of one hash and different bytes are kept apart', () =>
      b.script(`
        local function s(i, j) return ('a'):rep(20) .. string.char(i) .. ('b'):rep(30) .. string.char(j) .. ('c'):rep(20) end
        for i = 1, 250 do
          local one, two = s(i, 251 - i), s(251 - i, i)
          for _ = 1, 3 do assert(KSR.t.echo(one) == one) assert(KSR.t.echo(two) == two) end
        end`));
  });

  describe('names of methods', () => {
    it('are what the core says, on every state and across collections', () => {
      for (let state = 0; state < 3; state++) {
        const names = METHODS.slice(1).map((_, i) => `KSR.t.method(${i + 1})`);
        const program = b.load(
          `function go() print(${names.join(', ')}) collectgarbage() print(${names.join(', ')}) end`,
        );
        b.printed.length = 0;
        expect(program.run('go', 4711).error).toBeUndefined();
        expect(b.printed).toEqual(new Array(2).fill(METHODS.slice(1).join('\t')));
        if (state) program.dispose();
      }
    });
    it('are the strings that the script writes: the same key, the same length', () =>
      expect(
        b.value('({ INVITE = 1, SUBSCRIBE = 2 })[KSR.t.method(1)], #KSR.t.method(7), KSR.t.method(1) .. "!"'),
      ).toBe('1\t9\tINVITE!'));
  });

  describe('PV names', () => {
    it('a name is resolved once and cached, by its text', () => {
      b.resolved.length = 0;
      expect(
        b.script(`
        local name = '$ru'
        for i = 1, 5 do print(KSR.t.pv('$r' .. 'u'), KSR.t.pv(name), KSR.t.pvset('$hdr(X)', 'abc')) end`),
      ).toEqual(new Array(5).fill('3\t3\t7003'));
      expect(b.resolved).toEqual(['$ru', '$hdr(X)']);
    });
    it('what is no PV is asked for each time and runs with number 0', () => {
      b.resolved.length = 0;
      expect(b.script(`for i = 1, 3 do print(KSR.t.pv('ru'), KSR.t.pv(nil), KSR.t.pvset(5, 'x')) end`)).toEqual(
        new Array(3).fill('0\t0\t1'),
      );
      expect(b.resolved).toEqual(['ru', '', '5', 'ru', '', '5', 'ru', '', '5']);
    });
    it('names that push each other out of the cache stay right across collections', () =>
      b.script(`
        for round = 1, 3 do
          for i = 1, 2000 do
            local name = '$' .. ('x'):rep(i % 50)
            assert(KSR.t.pv(name) == #name, name)
            if i % 500 == 0 then collectgarbage() end
          end
        end`));
    it('long names work', () => expect(b.value(`KSR.t.pv('$' .. ('y'):rep(99))`)).toBe('100'));
  });

  it('a host function gets its arguments and gives its result', () => {
    expect(b.value('KSR.h.add(2, 3), KSR.h.len("abc"), KSR.h.up("abc"), KSR.h.up(nil)')).toBe('5\t3\tABC\tnil');
  });

  it('string.find says the same as Lua for plain patterns, magic ones and odd arguments', () => {
    const printed = b.script(`
      local function all(...) print(...) end
      all(string.find('hello world', 'wor')) all(string.find('hello', 'l+')) all(string.find('abc', 'x'))
      all(string.find('a.b', '.', 1, true)) all(string.find('abc', '')) all(string.find(123, '2')) all(string.find('', 'a'))
      all(string.find('aaab', 'aab')) all(string.find('abcabc', 'abc', 2)) all(('xyz'):find('z')) all(string.find('ab', 'abc'))
      all(string.find(('x'):rep(100) .. 'needle', 'needle')) all(string.find('a%b', '%%'))`);
    expect(printed).toEqual([
      '7\t9',
      '3\t4',
      'nil',
      '2\t2',
      '1\t0',
      '2\t2',
      'nil',
      '2\t4',
      '4\t6',
      '3\t3',
      'nil',
      '101\t106',
      '2\t2',
    ]);
    expect(b.error('string.find(nil, "x")').message).toBe(
      "test.lua:2: bad argument #1 to 'find' (string expected, got nil)",
    );
    expect(b.error('string.find("x", "[")').message).toBe("test.lua:2: malformed pattern (missing ']')");
  });
});

describe('C functions of one KSR function each', () => {
  it('are there for all functions of the tree that run in the core, and for no other', () => {
    const { core, options } = luaBench('inplace');
    const without = options.tree.entries.filter(entry => !core.x[entry.call ?? '']).map(entry => entry.path.join('.'));
    expect(without).toEqual(['info', 'set_drop', 'h.add', 'h.len', 'h.up', 'h.fail']);
  });
});
