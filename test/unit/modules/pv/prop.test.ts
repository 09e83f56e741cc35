import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import xlog from '../../../../src/modules/xlog/index.ts';
import { pvBench } from '../../../support/pv.ts';

const golden = JSON.parse(readFileSync(new URL('../../../golden/pv.json', import.meta.url), 'utf8')) as {
  messages: { name: string; message: string }[];
};
const bench = pvBench({ modules: [xlog] });
const seed = 20261124;
/** bytes, with the characters that mean something to a parser in plenty */
const bytes = (max = 60) =>
  fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...'$()[]{}<>,;:=@"\'\\%&?*/~. \t\r\n-+09azAZ\0\x7f\x80\xff') },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            'sip:',
            'tel:',
            '=>',
            '\r\n ',
            '$ru',
            '$(hdr(',
            's.len',
            '~5060~1',
            'Digest ',
            'tag=',
          ),
        },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 255 }).map(c => String.fromCharCode(c)) },
      ),
      { maxLength: max },
    )
    .map(parts => parts.join(''));

const fine = (value: unknown) =>
  value === null ||
  value === undefined ||
  (typeof value === 'number' && Number.isInteger(value)) ||
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes are what a byte string holds
  (typeof value === 'string' && /^[\x00-\xff]*$/.test(value));

describe('any bytes', () => {
  bench.message(golden.messages[0]!.message);

  test('as a name or a text compile, or are an error with a reason', () => {
    fc.assert(
      fc.property(bytes(), text => {
        for (const spec of [text, `$${text}`, `$(${text})`, `$(var(${text})`, `$(hdr(X){${text}})`, `$xavp(${text})`]) {
          bench.errors.length = 0;
          const value = bench.get(spec);
          if (!fine(value)) return false;
          if (value === undefined && bench.errors.length !== 1) return false;
        }
        return fine(bench.host.format(text));
      }),
      { numRuns: 1500, seed },
    );
  });

  test('as a value go through every transformation and give a number, a byte string or null', () => {
    const args = ['', '0', '1', '-1', '3,2', 'a', '$var(v)', '/./x/g', '\\s'];
    const specs = [...bench.registry.transformations].flatMap(t =>
      args
        .flatMap(a => ['', `,${a}`, `,1,${a}`].map(rest => `$(var(v){${t.class}.${t.name}${rest}})`))
        .filter(spec => bench.registry.compile(spec)),
    );
    expect(specs.length).toBeGreaterThan(200);
    fc.assert(
      fc.property(bytes(), fc.integer({ min: 0, max: 1e6 }), (value, at) => {
        bench.set('$var(v)', value);
        // a different third of them each time
        for (let i = at % 3; i < specs.length; i += 3) if (!fine(bench.get(specs[i]!))) return false;
        return true;
      }),
      { numRuns: 300, seed },
    );
  });

  test('in a message leave every variable readable and writable', () => {
    const specs = Object.keys((golden.messages[0] as unknown as { values: object }).values);
    const writable = [
      '$ru',
      '$rU',
      '$rd',
      '$rp',
      '$du',
      '$fu',
      '$fU',
      '$fd',
      '$fn',
      '$tu',
      '$tU',
      '$td',
      '$tn',
      '$fs',
      '$avp(x)',
      '$br',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...golden.messages),
        fc.array(fc.tuple(fc.nat(), bytes(12)), { minLength: 1, maxLength: 4 }),
        bytes(),
        (m, cuts, value) => {
          let text = m.message;
          for (const [at, junk] of cuts) {
            const p = at % text.length;
            text = text.slice(0, p) + junk + text.slice(p + (junk.length % 3));
          }
          if (bench.message(text) < 0) return true;
          for (const spec of specs) if (!fine(bench.get(spec))) return false;
          for (const spec of writable) {
            bench.set(spec, value);
            if (!fine(bench.get(spec))) return false;
            bench.set(spec, null);
          }
          return true;
        },
      ),
      { numRuns: 400, seed },
    );
    bench.message(undefined);
  });
});
