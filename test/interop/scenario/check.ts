/** What the tests of the scenarios share. */
import { type GroupName, play } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { startGroup } from './servers.ts';
import type { Outcome } from './trace.ts';

/** The machine may be busy: everything may take twice as long as the scenarios say. */
const PATIENCE = 2;

/** All scenarios of a group on one server. @param workers of `kemi-wasm run` */
export async function outcomes(
  which: 'kamailio' | 'ours',
  group: GroupName,
  base: number,
  workers = 1,
): Promise<Outcome[]> {
  const list = SCENARIOS.filter(s => s.group === group);
  const server = await startGroup(
    which,
    group,
    base,
    list.map(s => s.name),
    workers > 1 ? ['--workers', String(workers)] : [],
  );
  try {
    return await play(list, { base, patience: PATIENCE, workers });
  } finally {
    await server.stop();
  }
}
