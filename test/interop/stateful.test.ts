/**
 * Scripted exchanges with several endpoints (test/interop/scenario/) on the real Kamailio and on this server at the same time, with the same
 * configuration and script: every datagram of every leg the same, but for what docs/differences.md lists.
 */
import { describe, expect, test } from 'vitest';
import { needs } from './needs.ts';
import { outcomes } from './scenario/check.ts';
import { readDifferences, readGolden } from './scenario/golden.ts';
import { type GroupName, SHARED } from './scenario/scenario.ts';
import { GROUP_NAMES, GROUPS } from './scenario/servers.ts';
import { compare, type Difference, type Outcome, stale, summary, type Verdict } from './scenario/trace.ts';
import { CANONICAL_BASE, PORTS } from './scenario/wire.ts';
import { lacksServer } from './with-server.ts';

const noKamailio = needs('kamailio');
const noDatabase = needs('kamailio-sqlite-modules');
const noServer = lacksServer('ours');
const differences = readDifferences();

const failures = (verdicts: readonly Verdict[]) =>
  verdicts.filter(v => v.kind === 'different').map(v => `${v.name}\n${v.detail}`);

function verdicts(
  what: string,
  theirs: readonly Outcome[],
  ours: readonly Outcome[],
  listed: readonly Difference[] = [],
) {
  const all = compare(theirs, ours, listed);
  console.log(`${what}: ${summary(all)}`);
  return [...failures(all), ...stale(all, listed)];
}

/** What the package's own config refuses and the sample, for which the scenarios were written, relays: both servers must stop at the same place then. */
const REFUSED_BY_ETC = [
  'register-foreign-domain',
  'out-of-dialog-publish',
  'cancel-to-a-foreign-domain',
  'foreign-domain-message',
  'foreign-domain-call',
  'foreign-domain-options',
];

describe.each<GroupName>(GROUP_NAMES)('configuration %s', group => {
  test.skipIf(noKamailio || (noDatabase && GROUPS[group].database))(
    'Kamailio does what was recorded, this server does what Kamailio does',
    { timeout: 60_000 },
    async () => {
      const [theirs, ours] = await Promise.all([
        outcomes('kamailio', group, CANONICAL_BASE),
        noServer ? undefined : outcomes('ours', group, CANONICAL_BASE + PORTS),
      ]);
      const stuck = theirs.filter(o => o.error && !(GROUPS[group].etc && REFUSED_BY_ETC.includes(o.name)));
      expect(stuck.map(o => `${o.name}: ${o.error}`)).toEqual([]);
      if (!SHARED[group])
        expect(verdicts(`${group}, Kamailio against its recorded self`, readGolden(group).outcomes, theirs)).toEqual(
          [],
        );
      if (ours) expect(verdicts(`${group}, against Kamailio`, theirs, ours, differences)).toEqual([]);
    },
  );
});
