/** Short, fixed runs of test/fuzz/wasm.ts, and the messages that once broke an invariant (wasm-cases.json). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openCore } from '../support/core.ts';
import { random } from '../support/generate.ts';
import { mutator, seeds } from './wasm-corpus.ts';
import { Checker } from './wasm-invariants.ts';

const CASES = JSON.parse(readFileSync(new URL('wasm-cases.json', import.meta.url), 'utf8')) as string[];
const MESSAGES = 1500;

test.each(['core', 'core.debug'] as const)('%s: seeds, known cases and mutations break no invariant', build => {
  const checker = new Checker(openCore(build), random(1));
  for (const text of [...seeds(), ...CASES]) checker.check(text);
  const next = mutator(build === 'core' ? 11 : 12);
  for (let i = 0; i < MESSAGES; i++) checker.check(next());
  expect(checker.counters.valid).toBeGreaterThan(MESSAGES / 10);
});
