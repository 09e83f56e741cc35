/**
 * Fuzzes the reader of configs and the native engine: `node test/fuzz/cfg.ts [--configs 100000] [--seed N]`. Exits 1 at the first config that breaks what must hold
 * (cfg-programs.ts), and prints it as a JSON string.
 */
import { parseArgs } from 'node:util';
import { CfgFuzz } from './cfg-programs.ts';

const { values } = parseArgs({
  options: { configs: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const configs = Number(values.configs);
const seed = Number(values.seed);
if (!(configs > 0) || Number.isNaN(seed)) throw new RangeError('--configs and --seed take numbers');

const fuzz = new CfgFuzz(seed);
const start = performance.now();
let warmBytes = 0;
for (let n = 0; n < configs; n++) {
  const text = fuzz.next();
  const problem = fuzz.feed(text);
  if (problem) {
    console.error(`seed ${seed}, config ${n}: ${problem}\n${JSON.stringify(text).slice(0, 4000)}`);
    process.exit(1);
  }
  // routes that wait end between two turns of the loop
  if (n % 500 === 499) await fuzz.settle();
  if (n === Math.floor(configs / 4)) warmBytes = fuzz.memoryBytes;
}
await fuzz.settle();
const { programs, diagnostics, slowestMs } = fuzz.counters;
const grown = fuzz.memoryBytes - warmBytes;
console.log(
  `seed ${seed}: ${configs} configs in ${Math.round((performance.now() - start) / 1000)} s, ${programs} programs, ${diagnostics} diagnostics; slowest ${Math.round(slowestMs)} ms, ` +
    `${fuzz.liveMessages} messages alive, memory grew by ${grown} bytes behind the first quarter`,
);
if (fuzz.liveMessages > 0) process.exit(1);
