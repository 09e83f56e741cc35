/** Two workers do what one does: the scenarios of the sample configuration, and calls of SIPp. */
import { describe, expect, test } from 'vitest';
import { needs } from './needs.ts';
import { outcomes } from './scenario/check.ts';
import { readDifferences, readGolden } from './scenario/golden.ts';
import { type GroupName, SHARED } from './scenario/scenario.ts';
import { GROUP_NAMES, GROUPS } from './scenario/servers.ts';
import { compare, summary } from './scenario/trace.ts';
import { lacksServer } from './with-server.ts';

const BASE = 22620;
const noDatabase = needs('kamailio-sqlite-modules');

describe.each<GroupName>(GROUP_NAMES.filter(g => !SHARED[g]))('configuration %s with two workers', group => {
  test.skipIf(lacksServer('ours') || (noDatabase && GROUPS[group].database))(
    'this server does what Kamailio does',
    { timeout: 90_000 },
    async () => {
      const ours = await outcomes('ours', group, BASE, ['--workers', '2']);
      const verdicts = compare(readGolden(group).outcomes, ours, readDifferences());
      console.log(`${group}, two workers: ${summary(verdicts)}`);
      expect(verdicts.filter(v => v.kind === 'different').map(v => `${v.name}\n${v.detail}`)).toEqual([]);
    },
  );
});
