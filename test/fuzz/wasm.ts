/**
 * Fuzzes the SIP core: `node test/fuzz/wasm.ts [--seconds 60] [--seed 1] [--build core|core.debug]`. Exits 1 at the first message that breaks an invariant (wasm-invariants.ts), and
 * prints it as a JSON string for test/fuzz/wasm-cases.json.
 */

import { openCore } from '../support/core.ts';
import { random } from '../support/generate.ts';
import { mutator } from './wasm-corpus.ts';
import { Checker } from './wasm-invariants.ts';

const option = (name: string, fallback: string) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1]!;
};
const seconds = Number(option('seconds', '60'));
const seed = Number(option('seed', '1'));
const core = openCore(option('build', 'core') === 'core.debug' ? 'core.debug' : 'core');
const checker = new Checker(core, random(seed ^ 0x5eed));
const next = mutator(seed);
const WARM_UP_MS = 5000;

const start = performance.now();
const until = start + seconds * 1000;
let warmBytes = 0;
while (performance.now() < until) {
  for (let i = 0; i < 100; i++) {
    const text = next();
    try {
      checker.check(text);
    } catch (error) {
      console.error(`seed ${seed}, message ${checker.counters.messages}: ${(error as Error).stack}`);
      console.error(JSON.stringify(text));
      process.exit(1);
    }
  }
  if (!warmBytes && performance.now() > start + WARM_UP_MS) warmBytes = core.mem.memory.buffer.byteLength;
}
const bytes = core.mem.memory.buffer.byteLength;
if (warmBytes && bytes !== warmBytes) {
  console.error(`the memory grew from ${warmBytes} to ${bytes} bytes after the warm-up`);
  process.exit(1);
}
const { messages, indexed, checked, valid } = checker.counters;
console.log(
  `seed ${seed}: ${messages} messages in ${seconds} s, ${indexed} indexed, ${checked} passed the check, ${valid} valid; no invariant broken, memory ${bytes} bytes`,
);
