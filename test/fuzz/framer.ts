/**
 * Fuzzes the stream framer: `node test/fuzz/framer.ts [--seconds 60] [--seed 1]`. Streams of messages, broken in some places, in any cut, must give what the model
 * (framer-model.ts) says of the whole. Exits 1 at the first that does not, and prints it.
 */
import { random } from '../support/generate.ts';
import { cut, framed, model, streams } from './framer-model.ts';

const option = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const seconds = option('seconds', 60);
const seed = option('seed', 1);
const next = random(seed);
const make = streams(seed, next);
const counts = { streams: 0, cuts: 0, bytes: 0, messages: 0, others: 0 };

const until = performance.now() + seconds * 1000;
while (performance.now() < until) {
  const { stream, limit } = make();
  const expected = model(stream, limit);
  counts.streams++;
  counts.bytes += stream.length;
  for (const found of expected) counts[found.startsWith('[') ? 'others' : 'messages']++;
  const largest = [1, 7, 90, 1500, stream.length];
  for (const size of largest) {
    const pieces = cut(stream, () => (size === 1 || size === stream.length ? size : 1 + next(size)));
    counts.cuts++;
    let found: readonly string[] | undefined;
    let why = 'it found something else';
    try {
      found = framed(pieces, limit);
    } catch (error) {
      why = (error as Error).message;
    }
    if (found?.length === expected.length && found.every((text, i) => text === expected[i])) continue;
    console.error(`seed ${seed}, stream ${counts.streams}, limit ${limit}: ${why}`);
    console.error(JSON.stringify({ stream, sizes: pieces.map(p => p.length), expected, found }));
    process.exit(1);
  }
}
console.log(
  `seed ${seed}: ${counts.streams} streams of ${Math.round(counts.bytes / 1e6)} MB in ${counts.cuts} cuts in ${seconds} s, ${counts.messages} messages, ${counts.others} other findings; every cut gave the same`,
);
