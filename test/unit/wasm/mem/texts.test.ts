/** Short texts that were read before: whatever has the same bytes has one number, and nothing else has it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openCore } from '../../../support/core.ts';

const { x, mem, lua } = openCore();
const at: number = lua.malloc(256);
const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map(c => String.fromCharCode(c)), maxLength: 40 });

test('str() gives the bytes, the first time and the next one, whatever lies behind them', () => {
  fc.assert(
    fc.property(text, fc.nat(100), fc.nat(255), (value, offset, behind) => {
      for (const fill of [behind, 255 - behind]) {
        mem.u8.fill(fill, at, at + 256);
        mem.putStr(at + offset, value);
        expect(mem.str(at + offset, value.length)).toBe(value);
        expect(mem.str(at + offset, value.length)).toBe(value);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a text is never taken for another one of its length, nor for one that is longer by zeros', () => {
  for (let i = 0; i < 256; i++)
    for (const length of [1, 6, 16, 17, 32])
      for (const place of [0, length >> 1, length - 1]) {
        const codes = Array.from({ length }, () => 97);
        codes[place] = i;
        const value = String.fromCharCode(...codes);
        mem.putStr(at, `${value}\0\0`);
        expect(mem.str(at, length)).toBe(value);
        expect(mem.str(at, length + 1)).toBe(`${value}\0`);
      }
});

test('textPlace(): the same number for the same bytes until another text has taken it', () => {
  mem.putStr(at, 'first text|second text');
  const place: number = x.textPlace(at, 10);
  expect(place).toBeLessThan(0);
  expect(place).toBeGreaterThanOrEqual(-512);
  expect(x.textPlace(at, 10)).toBe(-1 - place);
  expect(x.textPlace(at, 9)).not.toBe(-1 - place);
});

test('a text at the end of memory is read without looking behind it', () => {
  const end = mem.u8.length;
  for (let length = 1; length <= 32; length++) {
    const value = 'z'.repeat(length);
    const kept = mem.bytes(end - length, length);
    mem.putStr(end - length, value);
    expect(mem.str(end - length, length)).toBe(value);
    expect(x.textPlace(end - length, length) < -512).toBe(length < 32);
    mem.u8.set(kept, end - length);
  }
});
