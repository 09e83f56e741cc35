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

test('words are little-endian at any address, and read what was written after the memory grew', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const mem = new Memory(memory);
  for (let round = 0; round < 2; round++) {
    const end = memory.buffer.byteLength;
    for (const at of [0, 1, 2, 3, 4, 17, 18, end - 4])
      for (const value of [0, 1, 0x12345678, 0x7fffffff, 0x80000000, 0xfffffffe, -2]) {
        mem.setU32(at, value);
        const view = new DataView(memory.buffer);
        expect(view.getUint32(at, true)).toBe(value >>> 0);
        expect([mem.u32(at), mem.i32(at)]).toEqual([value >>> 0, value | 0]);
        expect([mem.u16(at), mem.u16(at + 2)]).toEqual([value & 0xffff, value >>> 16]);
        mem.setU16(at + 1, value >>> 16);
        expect([mem.u16(at + 1), mem.u8[at], mem.u8[at + 3]]).toEqual([value >>> 16, value & 0xff, value >>> 24]);
      }
    const words = mem.u32(8);
    memory.grow(1);
    expect(mem.u32(8)).toBe(words);
    memory.grow(1);
    mem.setU32(end, 5);
    expect(mem.u32(end)).toBe(5);
  }
});

test.each([-1, -2, -4, 65536, 65533, 0x3ffffffc, 0x40000000, 2 ** 32, 2 ** 32 + 4, 2 ** 40])(
  'there is no word at %i: a RangeError, and nothing is written elsewhere',
  at => {
    const mem = new Memory(new WebAssembly.Memory({ initial: 1 }));
    expect(() => mem.u32(at)).toThrow(RangeError);
    expect(() => mem.i32(at)).toThrow(RangeError);
    expect(() => mem.setU32(at, 7)).toThrow(RangeError);
    if (at !== 65533) {
      expect(() => mem.u16(at)).toThrow(RangeError);
      expect(() => mem.setU16(at, 7)).toThrow(RangeError);
    }
    expect(mem.u8.every(byte => byte === 0)).toBe(true);
  },
);
