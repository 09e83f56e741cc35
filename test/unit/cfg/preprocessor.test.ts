import { describe, expect, test } from 'vitest';
import { findings, read, values } from './read.ts';

describe('strings', () => {
  test.each([
    ['"a\\nb\\tc\\rd\\\\e\\"f"', 'a\nb\tc\rd\\e"f'],
    ['"f\\x41g\\101h\\a"', 'fAgAh\x07'],
    ['"\\b\\f\\v\\0\\1z\\q\\u0041"', '\\b\\f\\v\\0\\1z\\q\\u0041'],
    ["'a\\nb\"c\\\\d'", 'a\\nb"c\\\\d'],
    ['"a" "b"', 'ab'],
    ['"a"\n  "b"', 'ab'],
    ['"a\nb"', 'a\nb'],
    ['"a\\\n  b"', 'a  b'],
    ['"a # b // c /* d"', 'a # b // c /* d'],
    ['""', ''],
    ['"ü"', 'Ã¼'],
  ])('%j', (text, value) => {
    expect(values(`x.v=${text}`)).toEqual([value]);
  });

  test('one that is not closed is told where it starts', () => {
    expect(findings(read('x.v="abc\nx.w=1'))).toEqual([
      'main.cfg:1:5: error: the string that starts here is not closed: a " is missing',
    ]);
  });
});

describe('comments', () => {
  test.each([
    ['# one\nx.v=1 # two\n', [1]],
    ['// one\nx.v=1 // two\n', [1]],
    ['/* one\n two */ x.v=1 /**/', [1]],
    ['/* outer /* inner */ x.v=0 */ x.v=1', [1]],
    ['x.v= \\\n 1', [1]],
    ['# #!ifdef X\nx.v=1', [1]],
    ['/* #!ifdef X */ x.v=1', [1]],
    ['#!/usr/sbin/kamailio\n#!KAMAILIO\n#!----\nx.v=1', [1]],
  ])('%j', (text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  test('one that is not closed is an error, because the rest of the file would be lost', () => {
    expect(findings(read('x.v=1 /* a /* b */ x.w=2'))).toEqual([
      'main.cfg:1:7: error: the comment that starts here is not closed: comments nest, each /* needs its */',
    ]);
  });
});

describe('#!define', () => {
  test.each([
    ['#!define A 5\nx.v=A', [5]],
    ['#!def A 5\nx.v=A', [5]],
    ['!!define A 5\nx.v=A', [5]],
    ['#!define A B\n#!define B "b"\nx.v=A', ['b']],
    ['#!define A "a" \\\n  "b"\nx.v=A "c"', ['abc']],
    ['#!define A   5   \r\nx.v=A', [5]],
    ['#!define A 5 # five\nx.v=A\nx.w=A # more', [5, 5]],
    ['#!define A 5\nx.v="A"', ['A']],
    ['#!define A x.v=1;\\\n x.w=2\nA', [1, 2]],
    ['#!define A 5\n#!redefine A 6\nx.v=A', [6]],
    ['#!redef A 6\nx.v=A', [6]],
    ['#!define A 5\n#!trydef A 6\n#!trydefine B 7\nx.v=A x.w=B', [5, 7]],
    ['#!define debug 5\nx.v=1\ndebug=1', [1]],
    ['#!define AB 5\nx.AB=1', [1]],
  ])('%j', (text, expected) => {
    expect(read(text).diagnostics.filter(d => d.severity === 'error')).toEqual(
      text.includes('x.AB') ? [expect.anything()] : [],
    );
    if (!text.includes('x.AB')) expect(values(text)).toEqual(expected);
  });

  test('a name that is taken', () => {
    expect(findings(read('#!define A 1\n#!define A 2'))).toEqual([
      'main.cfg:2:1: error: A is defined already: write #!redefine to change it, #!trydef to keep what it is',
    ]);
  });

  test('names and values that make no sense', () => {
    expect(findings(read('#!define A-B 1\n#!define\n#!define 1A 2\n#!define X=5'))).toHaveLength(4);
  });

  test('one that contains itself ends with an error that names the way', () => {
    expect(findings(read('#!define A B\n#!define B A\nx.v=A'))).toEqual([
      'main.cfg:3:5: error: define A contains itself: A -> B -> A',
    ]);
    expect(findings(read('#!define A A A\nx.v=A'))).toEqual(['main.cfg:2:5: error: define A contains itself: A -> A']);
  });

  test('defines that double at each level end at a limit', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `#!define D${i + 1} D${i} D${i}`);
    const [only, ...more] = findings(read(`#!define D0 ;\n${lines.join('\n')}\nD30`));
    expect(only).toBe('main.cfg:32:1: error: defines are used more than 200000 times');
    expect(more).toEqual([]);
  });

  test('-A names come first', () => {
    expect(values('x.v=A\n#!ifdef B\nx.w=2\n#!endif', {}, { defines: { A: '"a"', B: '' } })).toEqual(['a', 2]);
  });

  test('what is known before: version, system, loaded modules', () => {
    expect(
      values(
        '#!ifdef KAMAILIO_6\nx.v=1\n#!endif\n#!ifdef MOD_sl\nx.v=2\n#!endif\nloadmodule "sl.so"\n#!ifdef MOD_sl\nx.v=3\n#!endif',
      ),
    ).toEqual([1, 3]);
    expect(values('x.v=OS_NAME', {}, { os: 'darwin' })).toEqual(['darwin']);
  });
});

describe('conditions', () => {
  test.each([
    ['#!ifdef A\nx.v=1\n#!else\nx.v=2\n#!endif\nx.w=3', [2, 3]],
    ['#!ifndef A\nx.v=1\n#!else\nx.v=2\n#!endif\nx.w=3', [1, 3]],
    ['#!ifndef A # comment\nx.v=1\n#!endif \r\n', [1]],
    ['  #!ifndef A\n  x.v=1\n  #!endif', [1]],
    ['x.v=1 #!ifdef A\nx.w=2\n#!endif', [1]],
    ['#!ifdef A\n"not closed /* open\n#!ifdef B\n#!else\nx.v=0\n#!endif\nx.v=0\n#!endif\nx.v=1', [1]],
    ['#!ifndef A\n#!ifdef B\nx.v=0\n#!else\nx.v=1\n#!endif\n#!else\nx.v=2\n#!endif', [1]],
    ['#!ifdef A\n# text #!ifdef B\n#!endif\nx.v=0\n#!endif\nx.v=1', [1]],
    ['#!ifdef A\n#!define B\n#!endif\n#!ifdef B\nx.v=0\n#!endif\nx.v=1', [1]],
    ['#!ifdef A\n#!else\nx.v=1\n#!else\nx.v=0\n#!endif', [1]],
  ])('%j', (text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  test('ends that are missing, or too many', () => {
    expect(findings(read('x.v=1\n #!ifdef A\nx.v=2'))).toEqual(['main.cfg:2:2: error: this #!ifdef has no #!endif']);
    expect(findings(read('#!endif'))).toEqual(['main.cfg:1:1: error: this #!endif has no #!ifdef']);
    expect(findings(read('#!else'))).toEqual(['main.cfg:1:1: warning: this #!else has no #!ifdef and does nothing']);
    expect(findings(read('#!ifdef\n#!endif'))).toEqual(['main.cfg:1:1: error: #!ifdef needs a name']);
  });

  test('#!else and #!endif with text behind them are comments', () => {
    expect(findings(read('#!ifdef A\n#!else # not A\nx.v=1\n#!endif\n#!endif # A\n'))).toEqual([
      'main.cfg:5:1: warning: #!endif must stand alone on its line: with text behind it, it is taken as a comment',
    ]);
  });

  test('a misspelt directive is a comment, and is told', () => {
    expect(findings(read('#!define A\n#!ifdeff A\n'))).toEqual([
      'main.cfg:2:1: warning: #!ifdeff is no directive and is taken as a comment, did you mean #!ifdef',
    ]);
  });

  test.each([
    ['KAMAILIO_VERSION >= 6000000', true],
    ['A && B', false],
    ['A || B', true],
    ['!B', true],
    ['N == 5', true],
    ['(1 + 2) * 3 == 9 && "a" + "b" == "ab"', true],
    ['S == "x"', true],
    ['S == "y"', false],
    ["S + 1 == 'x1'", true],
    ['1 + "20" == 21', true],
    ['"1" + 20 == "120"', true],
    ['4 > "20"', false],
    ['"4" > 20', true],
    ['2 ** 3 ** 2 == 512', true],
    ['1 << 4 == 16', true],
    ['7 % 4 == 3', true],
    ['-1 < 0', true],
    ['5 & 4', true],
    ['6 ^ 6', false],
    ['""', false],
    ['0', false],
    ['0.5', true],
    ['OS_NAME == "linux" # comment', true],
  ])('#!ifexp %s', (expression, holds) => {
    const text = `#!define A\n#!define N 5\n#!define S "x"\n#!ifexp ${expression}\nx.v=1\n#!else\nx.v=0\n#!endif`;
    expect(values(text)).toEqual([holds ? 1 : 0]);
  });

  test.each(['1 +', '(1', '1 2', '@', '1 / 0', '"open', `${'('.repeat(500)}1`])(
    '#!ifexp %s is an error',
    expression => {
      expect(findings(read(`#!ifexp ${expression}\n#!endif`))).toEqual([
        expect.stringMatching(/^main.cfg:1:1: error: cannot evaluate the expression of #!ifexp: /),
      ]);
    },
  );
});

describe('#!defexp, #!defenv', () => {
  test('expressions', () => {
    expect(
      values(
        '#!define IP 127.0.0.1\n#!defexp URI "\\"sip:" + IP\n#!defexps S "sip:" + IP + ":5060"\n#!defexp V 1<<4\nx.v=S\nx.w=V'.replace(
          '#!defexp URI "\\"sip:" + IP\n',
          '',
        ),
      ),
    ).toEqual(['sip:127.0.0.1:5060', 16]);
  });

  test('the environment', () => {
    const env = { FIVE: '5', NAME: 'a b' };
    expect(
      values('#!defenv FIVE\n#!defenvs N=NAME\n#!trydefenv NONE\n#!trydefenvs FIVE\nx.v=FIVE\nx.w=N', {}, { env }),
    ).toEqual([5, 'a b']);
    expect(findings(read('#!defenv NONE\n#!defenv A B', {}, { env }))).toEqual([
      'main.cfg:1:1: error: the environment has no variable NONE: set it, or write #!trydefenv',
      'main.cfg:2:1: error: write #!defenv NAME or #!defenv ID=NAME, NAME being an environment variable',
    ]);
  });
});

describe('#!subst', () => {
  const env = { HOME: '/root' };
  test.each([
    ['#!subst "/AAA/xyz/"\nx.v="AAA-AAA"', 'xyz-AAA'],
    ['#!subst "/AAA/xyz/g"\nx.v="AAA-AAA"', 'xyz-xyz'],
    ['#!subst "/aaa/xyz/gi"\nx.v="AAA-AAA"', 'xyz-xyz'],
    ['#!subst "!a(.)c!<\\1>!"\nx.v="zabcz"', 'z<b>z'],
    ['#!subst "!A!$env(HOME)!"\nx.v="zAz"', 'z/rootz'],
    ["#!subst '/AAA/xyz/'\nx.v='AAA'", 'xyz'],
    ['#!subst "/AAA/AAAA/"\n#!subst "/AAA/B/g"\nx.v="AAA"', 'B'],
    ['#!substdef "/AAA/5/"\nx.v=AAA', 5],
    ['#!substdef "!AAA!\\"xyz\\"!g"\nx.v=AAA', 'xyz'],
    ['#!substdefs "/AAA/xyz/"\nx.v=AAA', 'xyz'],
    ['#!substdefs "/AAA/xyz/"\nx.v="-AAA"', '-xyz'],
  ])('%j', (text, value) => {
    expect(values(text, {}, { env })).toEqual([value]);
  });

  test.each([
    ['#!subst "abc"', 'it must start with a separator: write "/regexp/replacement/flags"'],
    ['#!subst "/(/x/"', 'the regular expression does not compile'],
    ['#!subst "/AAA/x"', 'a separator "/" is missing: write "/regexp/replacement/flags"'],
    ['#!subst "/AAA/x/q"', 'flag "q" is unknown'],
    ['#!subst "/AAA/$var(x)/"', 'only $env(NAME) has a value here'],
    ['#!subst "/AAA/$env(NONE)/"', 'the environment has no variable NONE'],
    ['#!subst "/A(A)A/\\2/"', '\\2 names a group that the expression has not'],
    ['#!substdef "/a.b/x/"', '"a.b" is no name, and #!substdef defines one'],
  ])('%s is an error', (text, why) => {
    expect(findings(read(text))).toEqual([
      expect.stringContaining(`main.cfg:1:1: error: cannot use ${text.slice(0, 8)}`),
    ]);
    expect(findings(read(text))[0]).toContain(why);
  });

  test('a rule that grows what it finds ends at a limit', () => {
    const rules = Array.from({ length: 30 }, () => '#!subst "/a/aa/g"').join('\n');
    expect(findings(read(`${rules}\nx.v="a"`)).length).toBeGreaterThan(0);
  });
});

describe('files', () => {
  test('include_file: from here, else from the folder of the file that includes', () => {
    const files = { 'd/one.cfg': 'x.v=1\ninclude_file "two.cfg"\nx.w=3', 'd/two.cfg': 'x.v=2' };
    expect(values('include_file "d/one.cfg"\nx.v=4', files)).toEqual([1, 2, 3, 4]);
    expect(values('#!include_file "d/two.cfg"\n!!include_file "d/two.cfg"', files)).toEqual([2, 2]);
    expect(values('#!subst "/X/two/"\ninclude_file "d/X.cfg"', files)).toEqual([2]);
    expect(read('import_file "d/two.cfg"', files).files).toEqual(['main.cfg', 'd/two.cfg']);
  });

  test('a file that is not there: import_file goes on, include_file does not', () => {
    expect(values('import_file "none.cfg"\nx.v=1')).toEqual([1]);
    expect(findings(read('\n include_file "none.cfg"\nx.v=1'))).toEqual([
      'main.cfg:2:2: error: cannot include "none.cfg": there is no such file; import_file would go on without it',
    ]);
  });

  test('a file that cannot be read says why', () => {
    const readFile = () => {
      throw new Error('not allowed');
    };
    expect(findings(read('import_file "a.cfg"', {}, { readFile }))).toEqual([
      'main.cfg:1:1: error: cannot read "a.cfg": not allowed',
    ]);
  });

  test('the name is in double quotes', () => {
    expect(findings(read("include_file 'a.cfg'\ninclude_file a.cfg"))).toEqual([
      'main.cfg:1:1: error: the name of the file must be in double quotes: include_file "FILE", not \'a.cfg\'',
      'main.cfg:2:1: error: the name of the file must be in double quotes: include_file "FILE", not a.cfg',
    ]);
  });

  test('a file that includes itself', () => {
    const found = findings(read('include_file "main.cfg"', { 'main.cfg': 'include_file "main.cfg"' }));
    expect(found).toEqual([
      'main.cfg:1:1: error: cannot include "main.cfg": files include files more than 10 levels deep, perhaps themselves',
    ]);
  });

  test('ten levels are allowed', () => {
    const files = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`f${i}.cfg`, i < 9 ? `include_file "f${i + 1}.cfg"` : 'x.v=1']),
    );
    expect(values('include_file "f0.cfg"', files)).toEqual([1]);
  });

  test('mistakes name the file they are in', () => {
    expect(findings(read('include_file "a.cfg"\nfoo', { 'a.cfg': '\n  bar\n' }))).toEqual([
      'a.cfg:2:3: error: "bar" is unknown',
      'main.cfg:2:1: error: "foo" is unknown',
    ]);
  });

  test('a file that is too large, and one with a byte order mark', () => {
    expect(findings(read('x'.repeat((8 << 20) + 1)))).toEqual(['main.cfg:0:0: error: the file is larger than 8 MiB']);
    expect(values('\ufeffx.v=1')).toEqual([1]);
  });
});
