/** Byte strings of linear memory: the same bytes in and out, whoever makes the texts, and whatever was read there before. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ByteText, bytesOf, Memory } from '../../../src/core/memory.ts';
import { loadWasm } from '../../../src/transport/node/assets.ts';

const { byteText } = await loadWasm();
const hosts: [string, ((buffer: ArrayBuffer) => ByteText) | undefined][] = [
  ['char by char', undefined],
  ['by Node', byteText],
];
const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map(c => String.fromCharCode(c)), maxLength: 120 });

test.each(hosts)('%s: what putStr() writes, str() reads', (_name, byteText) => {
  const mem = new Memory(new WebAssembly.Memory({ initial: 1 }), byteText);
  fc.assert(
    fc.property(text, fc.nat(1000), (value, at) => {
      mem.u8.fill(0xaa);
      mem.putStr(at, value);
      expect(mem.bytes(at, value.length)).toEqual(bytesOf(value));
      expect(mem.u8[at + value.length]).toBe(0xaa);
      expect(mem.str(at, value.length)).toBe(value);
      expect(mem.str(at, value.length)).toBe(value);
    }),
    { numRuns: 500 },
  );
});

test.each(hosts)('%s: a text is never taken for another one of its length', (_name, byteText) => {
  const mem = new Memory(new WebAssembly.Memory({ initial: 1 }), byteText);
  // first, middle and last byte the same: one place for all of them
  for (let i = 0; i < 256; i++)
    for (const at of [1, 4]) {
      const bytes = [97, 98, 99, 100, 101, 102];
      bytes[at] = i;
      const value = String.fromCharCode(...bytes);
      mem.putStr(64, value);
      expect(mem.str(64, 6)).toBe(value);
    }
});

test.each(hosts)('%s: all goes on where the memory grew', (_name, byteText) => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const mem = new Memory(memory, byteText);
  const value = 'a text that is longer than those which are put together char by char';
  mem.putStr(0, value);
  const lent = mem.lend(0, 5);
  memory.grow(1);
  expect(lent.length).toBe(0);
  expect(mem.str(0, value.length)).toBe(value);
  expect(mem.lend(0, 5)).toEqual(bytesOf(value.slice(0, 5)));
  mem.putStr(70_000, value);
  expect(mem.str(70_000, value.length)).toBe(value);
});

test('lend() gives the bytes of now, and keeps few views', () => {
  const mem = new Memory(new WebAssembly.Memory({ initial: 1 }));
  for (const at of [0, 100, 0])
    for (const length of [0, 3, 2048, 5000]) {
      mem.putStr(at, `${at} ${length}`);
      expect(mem.lend(at, length)).toEqual(mem.bytes(at, length));
    }
  expect(mem.lend(0, 3)).toBe(mem.lend(0, 3));
});
