/**
 * The real Kamailio still does what was recorded of it (test/golden/modules/routing-*.jsonl); RECORD=1 writes the recordings anew. That this server does
 * the same is test/unit/modules/routing.test.ts.
 */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { readOutcomes, writeOutcomes } from '../fixtures/routing/golden.ts';
import { GROUPS } from '../fixtures/routing/index.ts';
import { needs } from './needs.ts';
import { kamailioOutcomes } from './routing-kamailio.ts';

test.skipIf(needs('kamailio')).for(Object.entries(GROUPS))(
  'Kamailio routes as it was recorded: %s',
  { timeout: 300_000 },
  async ([name, profiles]) => {
    const outcomes = await kamailioOutcomes(profiles);
    if (process.env.RECORD) {
      const server = execFileSync('kamailio', ['-v'], { encoding: 'utf8' }).split('\n')[0]!.trim();
      writeOutcomes(name, server, outcomes, profiles);
    }
    expect(outcomes).toEqual(readOutcomes(name, profiles));
  },
);
