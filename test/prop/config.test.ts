/** Whatever a config says, reading it ends, does not throw, and each finding has a place in a file that there is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/cfg/parser.ts';
import { resolveConfig } from '../../src/cfg/resolve.ts';
import { byteStrOf, bytesOf } from '../../src/core/memory.ts';
import { MODULES } from '../../src/modules/index.ts';

const GOOD = `#!KAMAILIO
#!define WITH_X
#!define FLT 400
#!substdef "!MYIP!127.0.0.1!g"
#!ifdef WITH_X
debug=2
#!else
debug=3
#!endif
/* block */ log_prefix="{$rm}: "
listen=udp:MYIP:5060 advertise 1.2.3.4:5060 name "s1"
socket = { bind = udp:10.0.0.1:5070-5072; name = "r"; }
alias="a.com" b.com:5060
include_file "sub.cfg"
import_file "none.cfg"
loadmodule "sl.so"
loadmodule "app_lua.so"
modparam("sl|x", "default_code", FLT)
modparam("app_lua", "load",
  "/tmp/" "a.lua")
group.name = 5 desc "five"
#!ifexp KAMAILIO_VERSION >= 6000000 && (FLT + 1) == "4001"
#!defexps E "a" + FLT
#!endif
cfgengine "lua"
route[A] { if ($rU == "x") { exit; } }
`;
const PIECES = [
  '#!define A A\n',
  '#!define A B\n#!define B A\n',
  '#!ifdef ',
  '#!else\n',
  '#!endif\n',
  '#!subst "/a*/b/g"\n',
  '#!subst "/./../g"\n',
  'include_file "main.cfg"\n',
  'A',
  '"',
  "'",
  '/*',
  '*/',
  '{',
  '}',
  '(',
  ')',
  '[',
  '=',
  '\\',
  '\n',
  '$(',
  '$var(x',
  'listen=',
  'udp:(',
  'modparam(',
  'loadmodule ',
  '\0',
  '\xff',
  '99999999999999999999',
  '0x',
  '-',
  ',',
  ';',
];

function readAll(text: string) {
  const files: Readonly<Record<string, string>> = { 'main.cfg': text, 'sub.cfg': 'children=2\n' };
  const config = parseConfig(bytesOf(byteStrOf(text)), 'main.cfg', {
    readFile: path => (Object.hasOwn(files, path) ? bytesOf(byteStrOf(files[path]!)) : undefined),
    env: { HOME: '/root' },
  });
  return resolveConfig(config, { modules: MODULES });
}

test('the unchanged one is all right', () => {
  expect(readAll(GOOD).diagnostics.filter(d => d.severity === 'error')).toEqual([]);
});

const change = fc.record({
  at: fc.nat(GOOD.length),
  cut: fc.nat(40),
  put: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 10 }), fc.constant('')),
});

test('changed ones are read to their end', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), changes => {
      let text = GOOD;
      for (const { at, cut, put } of changes) text = text.slice(0, at) + put + text.slice(at + cut);
      const { diagnostics } = readAll(text);
      const lines = text.split('\n').length;
      for (const d of diagnostics) {
        expect(['main.cfg', 'sub.cfg']).toContain(d.file);
        expect(d.line).toBeLessThanOrEqual(lines);
        expect(d.message).not.toBe('');
      }
    }),
    { numRuns: 400 },
  );
});

test('pieces in any order are read to their end', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.constantFrom(...GOOD.split('\n'))), { maxLength: 40 }),
      pieces => {
        expect(readAll(pieces.join(' ')).diagnostics.length).toBeLessThan(1000);
      },
    ),
    { numRuns: 400 },
  );
});

test.each([
  ['one long line', 'debug=1;'.repeat(100_000)],
  ['strings', `x.v=${'"a" '.repeat(100_000)}`],
  ['comments in comments', '/*'.repeat(500_000)],
  ['regions in regions', '#!ifndef A\n'.repeat(50_000)],
  ['brackets', `route{${'('.repeat(200_000)}}`],
  ['variables that do not end', `route{${'$('.repeat(200_000)}}`],
  ['long defines', `#!define A ${' '.repeat(1_000_000)};\n${'A '.repeat(50_000)}`],
  ['expressions', `#!ifexp ${'!'.repeat(200_000)}1\n#!endif`],
  ['mistakes', 'foo\n'.repeat(200_000)],
  ['addresses', `listen=${'(('.repeat(200_000)}`],
])(
  'hostile ones end soon: %s',
  (_name, text) => {
    const before = performance.now();
    readAll(text);
    // seconds on a busy machine; what grows with the square of its length takes minutes
    expect(performance.now() - before).toBeLessThan(20_000);
  },
  30_000,
);
