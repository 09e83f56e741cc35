/** The exchanges about authentication that were recorded with the real Kamailio 5.6.3 (test/interop/auth.test.ts). */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqlite } from '../../../src/transport/node/sqlite.ts';
import { readAuthGolden } from '../../fixtures/auth-golden.ts';
import { ROWS, runScenario, SCENARIOS, SCRIPT, type Scenario } from '../../support/auth-scenarios.ts';
import { testRuntime } from '../../support/runtime.ts';

const golden = readAuthGolden();

/** What is answered otherwise on purpose: Lua of the step, our result, the row in docs/differences.md. */
const DIFFERENCES: readonly { scenario: string; step: number; ours: string; row: string }[] = [
  {
    scenario: 'use_domain of auth_db',
    step: 7,
    ours: 'X-R: -8',
    row: 'auth_db: `auth_check` with flag 1 and use_domain',
  },
  {
    scenario: 'permissions: addresses',
    step: 31,
    ours: "X-R: 4 'dom'",
    row: 'permissions: `peer_tag_avp` when a name matches in `allow_address_group`',
  },
];

/** A runtime that is set up as the scenario's Kamailio was. */
function start({ modparams = {} }: Pick<Scenario, 'modparams'>) {
  return testRuntime(SCRIPT, {
    openDatabase: url => {
      const db = openSqlite(url);
      for (const [table, rows] of Object.entries(ROWS)) for (const row of rows) db.insert(table, row);
      return db;
    },
    db: 'sqlite://:memory:',
    modparams: Object.entries(modparams).map(([name, value]) => {
      const [module = '', param = ''] = name.split('.');
      return { module, name: param, value };
    }),
  });
}

describe.each(SCENARIOS)('$name', scenario => {
  const { runtime, receive } = start(scenario);
  afterAll(() => runtime.close(0));
  it('is as on Kamailio', async () => {
    const replies = await runScenario(scenario, request => receive(request)[0]?.text ?? '');
    const differences = replies.flatMap((reply, i) => {
      const theirs = golden[scenario.name]![i]!;
      const step = scenario.steps[i]!;
      if (reply === theirs) return [];
      const known = DIFFERENCES.find(d => d.scenario === scenario.name && d.step === i);
      return known && reply.includes(`\r\n${known.ours}\r\n`) ? [] : [{ i, lua: step.lua, theirs, ours: reply }];
    });
    expect(differences).toEqual([]);
  });
});

it('every difference has its row in docs/differences.md', () => {
  const rows = readFileSync(new URL('../../../docs/differences.md', import.meta.url), 'utf8');
  for (const { row } of DIFFERENCES) expect(rows.includes(row), row).toBe(true);
});
