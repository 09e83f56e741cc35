/** The exchanges about authentication that were recorded with the real Kamailio 5.6.3 (test/interop/auth.test.ts). */
import { afterAll, describe, expect, it } from 'vitest';
import { openSqlite } from '../../../src/transport/node/sqlite.ts';
import { readAuthGolden } from '../../fixtures/auth-golden.ts';
import { normalized, ROWS, runScenario, SCENARIOS, type Scenario, SCRIPT } from '../../support/auth-scenarios.ts';
import { testRuntime } from '../../support/runtime.ts';

const golden = readAuthGolden();

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
      return reply === theirs ? [] : [{ i, lua: step.lua, step, theirs, ours: reply }];
    });
    expect(differences).toEqual([]);
  });
});
