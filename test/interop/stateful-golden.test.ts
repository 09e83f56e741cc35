/**
 * The scenarios whose configuration and script are our own, on this server: every datagram as the real Kamailio's that was recorded
 * (test/fixtures/stateful/routes.golden.jsonl), but for what docs/differences.md lists. Needs nothing but Node.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { outcomes } from './scenario/check.ts';
import { readDifferences, readGolden } from './scenario/golden.ts';
import { type GroupName, SHARED } from './scenario/scenario.ts';
import { SCENARIOS } from './scenario/scenarios/index.ts';
import { GROUP_NAMES } from './scenario/servers.ts';
import { compare, summary } from './scenario/trace.ts';
import { CANONICAL_BASE, PORTS } from './scenario/wire.ts';
import { lacksModules } from './with-server.ts';

/** groups with a record of what the real Kamailio did */
const RECORDED = GROUP_NAMES.filter(g => !SHARED[g]);

test.skipIf(lacksModules())(
  'this server does what Kamailio did with the same script',
  { timeout: 60_000 },
  async () => {
    const golden = readGolden('routes');
    const verdicts = compare(
      golden.outcomes,
      await outcomes('ours', 'routes', CANONICAL_BASE + 2 * PORTS),
      readDifferences(),
    );
    console.log(`Against the recorded ${golden.server}: ${summary(verdicts)}`);
    expect(verdicts.filter(v => v.kind === 'different').map(v => `${v.name}\n${v.detail}`)).toEqual([]);
  },
);

test('every scenario was recorded, and no more', () => {
  for (const group of RECORDED) {
    const names = SCENARIOS.filter(s => s.group === group).map(s => s.name);
    expect(new Set(names).size, `names in ${group}`).toBe(names.length);
    expect(
      readGolden(group).outcomes.map(o => o.name),
      group,
    ).toEqual(names);
  }
});

test('every listed difference has its row in docs/differences.md and is one', () => {
  const rows = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');
  const recorded = new Map(RECORDED.flatMap(g => readGolden(g).outcomes.map(o => [`${g}/${o.name}`, o])));
  for (const { name, row, legs, error } of readDifferences()) {
    expect(rows, `row of ${name}`).toContain(row);
    if (SHARED[name.split('/')[0] as GroupName]) continue;
    expect(recorded.has(name), name).toBe(true);
    expect(error === undefined && JSON.stringify(legs) === JSON.stringify(recorded.get(name)?.legs), name).toBe(false);
  }
});
