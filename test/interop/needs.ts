/** Programs that the interop tests need besides Node. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findChromium } from '../support/chromium.ts';
import { findKamailio } from './kamailio.ts';

/**
 * Whether a test must be skipped because a program is not installed; says so, and is never true in CI, where the missing program is a failure.
 * @throws Error in CI
 */
export function needs(
  program:
    | 'kamailio'
    | 'kamailio-sqlite-modules'
    | 'kamailio-tls-modules'
    | 'kamailio-websocket-modules'
    | 'sipsak'
    | 'sipp'
    | 'chromium'
    | 'clang'
    | 'wasm-ld',
): boolean {
  const missing = missingOf(program);
  if (!missing) return false;
  if (process.env.CI) throw new Error(`Cannot run the interop tests: ${missing}`);
  console.log(`SKIPPED: ${missing}`);
  return true;
}

/** a module that tells that a package is there */
const MODULE_OF: Readonly<Record<string, string>> = {
  'kamailio-sqlite-modules': 'db_sqlite.so',
  'kamailio-tls-modules': 'tls.so',
  'kamailio-websocket-modules': 'websocket.so',
};

function missingOf(program: string): string {
  if (program.startsWith('kamailio')) return missingKamailio(program);
  if (program === 'chromium') return findChromium() ? '' : 'chromium is not installed';
  return missingProgram(program);
}

function missingKamailio(program: string): string {
  const found = findKamailio();
  if ('missing' in found) return found.missing;
  const file = MODULE_OF[program];
  const there = file === undefined || existsSync(`${found.modules}/${file}`);
  return there ? '' : `package ${program} is not installed`;
}

function missingProgram(program: string): string {
  const tried = spawnSync(program, ['-v'], { stdio: 'ignore' });
  return tried.error ? `program ${program} is not installed` : '';
}
