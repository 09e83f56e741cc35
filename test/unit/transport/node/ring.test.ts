import { describe, expect, it } from 'vitest';
import { joinAnswers } from '../../../../src/transport/node/workers/answers.ts';
import { createRing, Ring, type Taker } from '../../../../src/transport/node/workers/ring.ts';
import { random } from '../../../support/generate.ts';

const FROM = { ip: '192.0.2.1', port: 5060, family: 4 } as const;

function pair() {
  const buffer = createRing();
  return { writer: new Ring(buffer), reader: new Ring(buffer) };
}

describe('Ring', () => {
  it('gives what was written, with where it came from', () => {
    const { writer, reader } = pair();
    const got: unknown[] = [];
    const take: Taker = (bytes, from, socket) => got.push([[...bytes], from, socket]);
    expect(writer.write(Uint8Array.of(1, 2, 255), FROM, 3)).toBe(true);
    expect(writer.quiet).toBe(true);
    expect(
      writer.write(
        new Uint8Array(0),
        { ip: '2001:db8::1', port: 65535, family: 6, connection: 0xfffffff0, tooLong: true },
        0,
      ),
    ).toBe(true);
    // the bell was rung, and nobody has looked yet
    expect(writer.quiet).toBe(false);
    expect(reader.read(take, 10)).toBe(true);
    expect(got).toEqual([
      [[1, 2, 255], { ...FROM, handedOver: true }, 3],
      [[], { ip: '2001:db8::1', port: 65535, family: 6, connection: 0xfffffff0, tooLong: true, handedOver: true }, 0],
    ]);
    writer.write(Uint8Array.of(1), FROM, 0);
    expect(writer.quiet).toBe(true);
  });

  it('gives so many at once, and says that there may be more', () => {
    const { writer, reader } = pair();
    for (let i = 0; i < 5; i++) writer.write(Uint8Array.of(i), FROM, 0);
    const got: number[] = [];
    const take: Taker = bytes => got.push(bytes[0]!);
    expect([reader.read(take, 2), reader.read(take, 2), reader.read(take, 2)]).toEqual([false, false, true]);
    expect(got).toEqual([0, 1, 2, 3, 4]);
  });

  it('takes no more than there is room for, and loses and mixes nothing around its end', () => {
    const { writer, reader } = pair();
    const rnd = random(7);
    const sent: string[] = [];
    const got: string[] = [];
    let full = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = new Uint8Array(rnd(20) === 0 ? rnd(65_000) : rnd(900)).fill(i);
      if (writer.write(bytes, { ...FROM, port: 1 + (i % 60_000) }, i % 5))
        sent.push(`${bytes.length} ${i & 255} ${1 + (i % 60_000)} ${i % 5}`);
      else full++;
      if (rnd(900) === 0)
        reader.read((b, from, socket) => {
          if (b.some(value => value !== (b[0] ?? 0))) throw new Error('mixed');
          got.push(`${b.length} ${b[0] ?? i & 255} ${from.port} ${socket}`);
        }, 10_000);
    }
    reader.read((b, from, socket) => got.push(`${b.length} ${b[0] ?? 0} ${from.port} ${socket}`), 1e9);
    expect(full).toBeGreaterThan(0);
    const shown = (list: string[]) => list.map(t => (t.startsWith('0 ') ? t.replace(/^0 \d+/, '0') : t));
    expect(shown(got)).toEqual(shown(sent));
  });
});

describe('joinAnswers()', () => {
  it('adds numbers wherever they are, joins lists, else takes the first', () => {
    expect(
      joinAnswers('sum', [
        { a: 1, b: { c: 2 }, d: 'x' },
        { a: 10, b: { c: 20 }, d: 'x' },
        { a: 100, b: { c: 200 }, d: 'x' },
      ]),
    ).toEqual({
      a: 111,
      b: { c: 222 },
      d: 'x',
    });
    expect(joinAnswers('list', [[1], [], [2, 3]])).toEqual([1, 2, 3]);
    expect(joinAnswers('all', [{ ok: 1 }, { ok: 2 }])).toEqual({ ok: 1 });
  });
});
