/** Any cut of any sequence of messages gives the same messages: with fast-check, which makes a failure small. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cut, framed, INSERTS, model, streams } from '../fuzz/framer-model.ts';
import { generate, random } from '../support/generate.ts';

const RUNS = { numRuns: 500 };
const MESSAGES = generate(5, 20);
const message = fc.constantFrom(...MESSAGES);
const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 });

/** Sizes in turn. */
const inTurn = (list: readonly number[]) => {
  let n = 0;
  return () => list[n++ % list.length]!;
};

test('messages come out as they went in, whatever the cut', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), sizes, (messages, list) => {
      expect(framed(cut(messages.join(''), inTurn(list)), 65535)).toEqual(messages);
    }),
    RUNS,
  );
});

test('a stream of anything means in any cut what it means as a whole', () => {
  const piece = fc.oneof(
    message,
    fc.constantFrom(...INSERTS),
    fc.string({ unit: 'binary-ascii', maxLength: 20 }),
    message.chain(text => fc.integer({ min: 0, max: text.length }).map(at => text.slice(0, at))),
  );
  const limit = fc.constantFrom(65535, 700, 64);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), sizes, limit, (pieces, list, most) => {
      const stream = pieces.join('');
      expect(framed(cut(stream, inTurn(list)), most)).toEqual(model(stream, most));
    }),
    RUNS,
  );
});

test('a short run of test/fuzz/framer.ts', () => {
  const next = random(3);
  const make = streams(3, next);
  let messages = 0;
  let others = 0;
  for (let n = 0; n < 1500; n++) {
    const { stream, limit } = make();
    const expected = model(stream, limit);
    for (const found of expected) found.startsWith('[') ? others++ : messages++;
    expect(
      framed(
        cut(stream, () => 1 + next(90)),
        limit,
      ),
    ).toEqual(expected);
  }
  expect(messages).toBeGreaterThan(500);
  expect(others).toBeGreaterThan(300);
});
