/** Configs that nobody wrote: a short part of test/fuzz/cfg.ts. NATIVE_RANDOM=100000 does more of them. */
import { expect, test } from 'vitest';
import { CfgFuzz } from '../../../fuzz/cfg-programs.ts';

const COUNT = Number(process.env.NATIVE_RANDOM ?? 800);

test('random and mutated configs', { timeout: 3_600_000 }, async () => {
  const fuzz = new CfgFuzz(12345);
  for (let n = 0; n < COUNT; n++) {
    const text = fuzz.next();
    const problem = fuzz.feed(text);
    if (problem) throw new Error(`${problem}\n${JSON.stringify(text).slice(0, 4000)}`);
    if (n % 500 === 499) await fuzz.settle();
  }
  await fuzz.settle();
  expect(fuzz.counters.programs).toBeGreaterThan(COUNT / 20);
  expect(fuzz.liveMessages).toBe(0);
});
