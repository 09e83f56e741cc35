/** Tests that run against both servers in turn: this one, and the real Kamailio as proof that the test is right. */
import { MODULES } from '../../src/modules/index.ts';
import { needs } from './needs.ts';
import type { GroupName } from './scenario/scenario.ts';
import { startGroup } from './scenario/servers.ts';

export type Which = 'kamailio' | 'ours';

/** Modules that the sample configuration loads and that make a proxy; whatever lacks one cannot run it. */
const STATEFUL = ['tm', 'tmx', 'rr', 'usrloc', 'registrar', 'nathelper', 'auth', 'auth_db', 'acc'];

/** Whether this server lacks a module that a proxy needs; says so. */
export function lacksModules(): boolean {
  const missing = STATEFUL.filter(name => !MODULES.some(m => m.name === name));
  if (missing.length) console.log(`SKIPPED: this version has no module ${missing.join(', ')}`);
  return missing.length > 0;
}

/**
 * Whether a server cannot run the sample configuration, which comes with Kamailio's package; says so.
 * @throws Error in CI when the package is not there
 */
export function lacksServer(which: Which): boolean {
  return needs('kamailio') || (which === 'ours' && lacksModules());
}

export async function withServer<T>(
  which: Which,
  group: GroupName,
  port: number,
  run: () => Promise<T>,
  marks: readonly string[] = [],
  more: readonly string[] = [],
): Promise<T> {
  const server = await startGroup(which, group, port, marks, more);
  try {
    return await run();
  } finally {
    await server.stop();
  }
}
