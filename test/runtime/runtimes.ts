/** Which runtimes there are, how the suites are started in each, and what comes back. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../support/chromium.ts';
import { findWorkerd } from '../support/workerd.ts';
import type { Report } from './contract/suite.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const own = (path: string) => here(`node_modules/${path}`);

const node24 = here('../../node_modules/node/bin/node');

export interface RuntimeEntry {
  /** column of the table of runtimes */
  readonly name: string;
  /** the program; where the file is not there, the runtime is not installed */
  readonly program: string;
  /** what else must be there: found by its own means */
  readonly needs?: () => string | undefined;
  /** its arguments: they end with what prints a Report as the last line of stdout */
  readonly args: readonly string[];
}

/** npm ci --prefix test/runtime installs those that the package itself does not bring. */
export const RUNTIMES: readonly RuntimeEntry[] = [
  { name: 'Node 22', program: own('node22/bin/node'), args: [here('node.ts')] },
  { name: 'Node 24', program: node24, args: [here('node.ts')] },
  { name: 'Node 26', program: own('node26/bin/node'), args: [here('node.ts')] },
  { name: 'Deno', program: own('deno/deno'), args: ['run', '-A', '--unstable-net', here('deno.ts')] },
  { name: 'Bun', program: own('bun/bin/bun.exe'), args: [here('bun.ts')] },
  { name: 'workerd', program: node24, args: [here('workerd.ts')], needs: findWorkerd },
  { name: 'Chromium', program: node24, args: [here('chromium.ts')], needs: findChromium },
];

export const isInstalled = ({ program, needs }: RuntimeEntry): boolean =>
  existsSync(program) && (needs === undefined || needs() !== undefined);

/** longest that a runtime may take for all suites, milliseconds */
const LIMIT_MS = 400_000;

/** Runs all suites in the runtime. @throws Error with what it printed, when it ends without a report */
export function runIn({ name, program, args }: RuntimeEntry): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: here('../..'), stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let errors = '';
    child.stdout.on('data', chunk => (out += chunk));
    child.stderr.on('data', chunk => (errors += chunk));
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(out.trimEnd().split('\n').at(-1)!) as Report);
      } catch {
        reject(
          new Error(`${name} ended with ${signal ?? code} and no report:\n${errors.slice(-4000)}${out.slice(-2000)}`),
        );
      }
    });
  });
}
