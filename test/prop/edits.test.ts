/** Properties of parsing and writing on messages made by fast-check. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as L from '../../src/core/gen/layout.gen.ts';
import { reference } from '../fuzz/wasm-invariants.ts';
import { openCore, output, withMsg } from '../support/core.ts';
import { generate } from '../support/generate.ts';

const core = openCore();
const RUNS = { numRuns: 300 };
/** any bytes that a header value may hold: no CR, LF; not blank at the ends, where it would be trimmed */
const value = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 })
  .map(codes => String.fromCharCode(...codes.filter(c => c !== 13 && c !== 10)).replace(/^[ \t]+|[ \t]+$/g, ''));
const token = fc
  .array(fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~"), {
    minLength: 1,
    maxLength: 40,
  })
  .map(chars => chars.join(''));
const knownName = fc
  .constantFrom(...L.HEADER_NAMES.slice(1), ...Object.keys(L.COMPACT_NAMES))
  .chain(name =>
    fc
      .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
      .map(up => [...name].map((c, i) => (up[i] ? c.toUpperCase() : c)).join('')),
  );
const header = fc
  .tuple(fc.oneof(token, knownName), fc.constantFrom('', ' ', '\t', '  '), fc.constantFrom('', ' ', '\t '), value)
  .filter(([name]) => !/^(content-length|l)$/i.test(name));
const message = fc.tuple(
  fc.array(header, { maxLength: 30 }),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 200 }),
);
const build = ([headers, body]: [[string, string, string, string][], number[]]) =>
  `OPTIONS sip:a@b SIP/2.0\r\n${headers.map(([n, a, b, v]) => `${n}${a}:${b}${v}\r\n`).join('')}\r\n${String.fromCharCode(...body)}`;

test('parse(write(m)) = m: names, values, ids and body come back as they went in', () => {
  fc.assert(
    fc.property(message, m => {
      const text = build(m);
      withMsg(core, text, (msg, status) => {
        expect(status).toBe(0);
        expect([...msg.headers()].map(h => [h.name, h.body])).toEqual(m[0].map(([n, , , v]) => [n, v]));
        for (const h of msg.headers()) {
          const lower = h.name.toLowerCase();
          expect(h.id).toBe(
            lower.length === 1 ? (L.COMPACT_NAMES[lower] ?? 0) : Math.max(0, L.HEADER_NAMES.indexOf(lower)),
          );
        }
        expect(msg.body).toBe(String.fromCharCode(...m[1]));
        expect(output(core, core.x.msgWrite(msg.at))).toBe(text);
      });
    }),
    RUNS,
  );
  expect(core.x.msgLive()).toBe(0);
});

test('an edit touches only its own bytes: any edits come out as the same ones made in JavaScript', () => {
  const texts = generate(5, 10);
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constant(0), fc.nat(40)), value), { maxLength: 12 }),
      (text, wanted) => {
        withMsg(core, text, msg => {
          const done: [number, number, string][] = [];
          for (const [at, del, add] of wanted) {
            const off = at % (msg.bodyOffset - 2);
            const gone = Math.min(del, msg.bodyOffset - 2 - off);
            const overlaps = gone > 0 && done.some(([o, d]) => d > 0 && o < off + gone && off < o + d);
            expect(msg.edit(off, gone, add, L.EK_ADD_HDR)).toBe(!overlaps);
            if (!overlaps) done.push([off, gone, add]);
          }
          const expected = reference(text, done);
          expect(output(core, core.x.msgWrite(msg.at))).toBe(expected);
          expect(msg.raw).toBe(text);
        });
      },
    ),
    RUNS,
  );
  expect(core.x.msgLive()).toBe(0);
});

test('Content-Length follows any edit of the body', () => {
  fc.assert(
    fc.property(fc.constantFrom(...generate(6, 4)), fc.nat(), fc.nat(30), value, (text, at, del, add) => {
      withMsg(core, text, msg => {
        const length = msg.length - msg.bodyOffset;
        const off = length ? at % length : 0;
        const gone = Math.min(del, length - off);
        fc.pre(gone + add.length > 0);
        expect(msg.edit(msg.bodyOffset + off, gone, add, L.EK_BODY)).toBe(true);
        const written = output(core, core.x.msgWrite(msg.at));
        const body = msg.body.slice(0, off) + add + msg.body.slice(off + gone);
        withMsg(core, written, after => {
          expect(after.body).toBe(body);
          expect(after.contentLength).toBe(body.length);
        });
      });
    }),
    RUNS,
  );
});
