/**
 * Fuzzes the whole server through a Lua script that calls every function on each message: `node test/fuzz/script.ts [--seconds N] [--seed N]`.
 * No trap, no error inside a function, every message counted, none left alive, linear memory and JavaScript's heap flat after the first quarter. What fails is saved to
 * test/corpus/fuzz, which corpus.test.ts replays. Without --seed a fixed list of seeds shares the time.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bytesOf } from '../../src/index.ts';
import { cases } from '../fixtures/requests/index.ts';
import { fuzzed } from './harness.ts';
import { mutate, Random } from './mutate.ts';

const SEEDS = [1, 2, 3, 5, 8, 13];
/** Bytes that the linear memory may still grow by after the first quarter: one page. */
const SLACK = 65536;
/**
 * What JavaScript's heap may hold more in the last quarter than in the second one. Bounded caches and what the script itself keeps ($shv, $var) are a
 * seventh of 30 MB in 16,000 messages; a kilobyte kept of each message would be half of it. A short run only fills the caches.
 */
const HEAP_GROWTH = 1.25;
const HEAP_FROM_MS = 60_000;
/** how often the heap is read in a run that is long enough */
const SAMPLES = 32;
const CORPUS = new URL('../corpus/fuzz/', import.meta.url);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds);
const seeds = values.seed === undefined ? SEEDS : [Number(values.seed)];
if (!(seconds > 0) || seeds.some(Number.isNaN)) throw new RangeError('--seconds and --seed take numbers');

const corpus = cases().flatMap(c => c.send.filter(step => typeof step === 'string'));
let failed = 0;
for (const seed of seeds) failed += await run(seed, (seconds / seeds.length) * 1000);
process.exitCode = failed === 0 ? 0 : 1;

async function run(seed: number, ms: number): Promise<number> {
  const random = new Random(seed);
  const target = await fuzzed();
  const { runtime } = target;
  // Mostly what reaches the script: mutations of what does not seldom do.
  const routed = corpus.filter(bytes => bytes.length < 4_000 && target.verdict(bytes) === 'routed');
  const started = performance.now();
  let messages = 0;
  let failures = 0;
  const judgesHeap = ms >= HEAP_FROM_MS;
  let warm: number | undefined;
  const heap: number[] = [];
  while (performance.now() - started < ms && failures < 10) {
    const seedling = random.pick(random.below(8) ? routed : corpus);
    const bytes = mutate(seedling, corpus, random);
    const problem = target.feed(bytes);
    messages++;
    if (problem) {
      failures++;
      console.log(`seed ${seed}, message ${messages}: ${problem}\n  saved as ${save(bytes)}`);
    }
    const elapsed = performance.now() - started;
    if (warm === undefined && elapsed > ms / 4) warm = runtime.memoryBytes;
    if (judgesHeap && elapsed > (ms / SAMPLES) * heap.length) heap.push(heapKb());
    // Timers of modules run, too.
    if (messages % 64 === 0) await new Promise(setImmediate);
  }
  const grown = runtime.memoryBytes - (warm ?? runtime.memoryBytes);
  if (grown > SLACK) {
    failures++;
    console.log(`seed ${seed}: memory grew by ${grown} bytes after the first quarter`);
  }
  // Caches fill and are emptied: the least of a quarter tells what stays.
  const quarters = [1, 3].map(q => Math.min(...heap.slice((q * heap.length) / 4, ((q + 1) * heap.length) / 4)));
  const [early, late] = quarters as [number, number];
  if (judgesHeap && late > early * HEAP_GROWTH) {
    failures++;
    console.log(`seed ${seed}: JavaScript's heap grew from ${early} to ${late} KiB: ${heap.join(' ')}`);
  }
  const { requests, replies, bad, keepalives } = runtime.counters;
  console.log(
    `seed ${seed}: ${messages} messages, ${target.functions} functions on each that was routed; ${requests} requests, ${replies} replies, ${bad} bad, ${keepalives} keep-alives; ${failures} failures; memory ${runtime.memoryBytes >> 10} KiB, ${grown} bytes more than after the first quarter${judgesHeap ? `; JavaScript's heap at least ${early} KiB in the second quarter, ${late} in the last` : ''}`,
  );
  await target.close();
  return failures;
}

/** What JavaScript objects take once the unused ones are gone, KiB. */
function heapKb(): number {
  collect();
  return process.memoryUsage().heapUsed >> 10;
}

function save(bytes: string): string {
  mkdirSync(CORPUS, { recursive: true });
  const name = `script-${createHash('sha256').update(bytes, 'latin1').digest('hex').slice(0, 12)}.sip`;
  writeFileSync(new URL(name, CORPUS), bytesOf(bytes));
  return `test/corpus/fuzz/${name}`;
}
