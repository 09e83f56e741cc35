/** Modules rr and nathelper do with whole requests what the real Kamailio did, byte for byte, but for what docs/differences.md lists. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Difference, type Outcome, readDifferences, readOutcomes } from '../../fixtures/routing/golden.ts';
import { GROUPS } from '../../fixtures/routing/index.ts';
import { outcomes } from '../../fixtures/routing/ours.ts';

const all = Object.values(GROUPS).flat();
const differences = new Map(readDifferences(all).map((d): [string, Difference] => [d.name, d]));
const same = (a: Outcome, b: Outcome) => JSON.stringify(a.sent) === JSON.stringify(b.sent);

for (const [name, profiles] of Object.entries(GROUPS)) {
  const theirs = readOutcomes(name, profiles);
  const ours = await outcomes(profiles);
  const listed = theirs.filter(t => differences.has(t.name)).length;
  console.log(
    `${name}: ${theirs.length} recorded exchanges, ${theirs.length - listed} equal, ${listed} listed differences`,
  );

  test(`${name}: every recorded exchange was made`, () => {
    expect(ours.map(o => o.name)).toEqual(theirs.map(t => t.name));
    expect(new Set(ours.map(o => o.name)).size).toBe(ours.length);
  });

  test.for(ours.map((our, i): [string, Outcome, Outcome] => [our.name, our, theirs[i]!]))(
    `${name} %s`,
    ([, our, their]) => {
      expect(our.sent).toEqual((differences.get(our.name) ?? their).sent);
    },
  );

  test(`${name}: every listed difference is still one, and has its row in docs/differences.md`, () => {
    const rows = readFileSync(new URL('../../../docs/differences.md', import.meta.url), 'utf8');
    for (const their of theirs) {
      const difference = differences.get(their.name);
      if (!difference) continue;
      expect(rows, `row of ${their.name}`).toContain(`| ${difference.row} |`);
      expect(same(difference, their), their.name).toBe(false);
    }
  });
}
