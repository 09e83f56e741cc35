/**
 * The same stateless script on this server and on the real Kamailio, whose answers were recorded (test/fixtures/stateless.golden.jsonl, made by
 * differential.test.ts with RECORD=1): every datagram the same, but for what docs/differences.md lists.
 */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { readGolden } from '../fixtures/golden.ts';
import { cases } from '../fixtures/requests/index.ts';
import { compare, readDifferences, summary, type Verdict } from './compare.ts';
import { record } from './exchange.ts';
import { inMemory } from './ours.ts';

const golden = readGolden();
const differences = readDifferences();
const { runtime, deliver, close } = await inMemory();
const verdicts = compare(golden.exchanges, await record(cases(), deliver), differences);

afterAll(async () => {
  console.log(`Against the recorded ${golden.server}: ${summary(verdicts)}`);
  await close();
});

test.for(verdicts.map((verdict, i): [string, Verdict] => [`${i + 1} ${verdict.name}`, verdict]))(
  'the server answers as Kamailio: %s',
  ([, verdict]) => {
    expect(verdict.kind === 'different' ? verdict.detail : '').toBe('');
  },
);

test('every recorded exchange was made', () => {
  expect(verdicts.map(v => v.name)).toEqual(golden.exchanges.map(e => e.name));
});

test('every listed difference has its row in docs/differences.md and is still one', () => {
  const rows = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');
  for (const { name, row } of differences) {
    expect(rows, `row of ${name}`).toContain(row);
    expect(verdicts.find(v => v.name === name)?.kind, name).not.toBe('equal');
  }
});

test('no request leaves a message behind, or a trap', () => {
  expect(runtime.liveMessages).toBe(0);
  expect(runtime.counters.traps).toBe(0);
});
