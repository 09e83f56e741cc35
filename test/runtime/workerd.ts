/** The suites in workerd: `node test/runtime/workerd.ts` prints the report as one line of JSON. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { aheadOfTime, takeApart } from '../../src/index.ts';
import { bundleSuites } from '../support/bundle.ts';
import { buildExample } from '../support/example-module.ts';
import {
  findWorkerd,
  PACKAGE_MODULES,
  startExample,
  startWorkerd,
  type Workerd,
  type WorkerModule,
} from '../support/workerd.ts';
import { type Report, runSuites, type SuiteResult } from './contract/suite.ts';
import { webSocketContract } from './contract/web-socket.ts';

const storage = mkdtempSync(path.join(tmpdir(), 'kemi-workerd-suites-'));
const servers: Workerd[] = [];

/** The example of an extension module, built ahead of time. */
async function ahead(): Promise<WorkerModule[]> {
  const files = aheadOfTime(takeApart(await buildExample('assemblyscript'), 'numport.wasm'), 'numport');
  const folder = path.join(storage, 'numport');
  mkdirSync(folder);
  return Object.entries(files)
    .filter(([name]) => !name.endsWith('.d.ts'))
    .map(([name, data]) => {
      writeFileSync(path.join(folder, name), data);
      return { name, kind: name.endsWith('.wasm') ? 'wasm' : 'esModule', path: path.join(folder, name) };
    });
}

/** Those that run inside of it. */
async function inside(): Promise<SuiteResult[]> {
  const source = await bundleSuites(new URL('workerd-suites.ts', import.meta.url), [
    'core.wasm',
    'lua.wasm',
    'numport.js',
  ]);
  const server = await startWorkerd({
    modules: [
      { name: 'worker.js', kind: 'esModule', source },
      ...PACKAGE_MODULES.filter(m => m.kind === 'wasm'),
      ...(await ahead()),
    ],
    object: 'SipObject',
    storage: path.join(storage, 'suites'),
  });
  servers.push(server);
  const response = await fetch(server.url);
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}\n${server.output()}`);
  return (await response.json()) as SuiteResult[];
}

/** Those that ask it from outside: the example's worker. */
async function outside(): Promise<SuiteResult[]> {
  const server = await startExample(path.join(storage, 'example'));
  servers.push(server);
  return runSuites([webSocketContract(() => ({ url: server.url.replace('http', 'ws'), domain: 'example.com' }))]);
}

try {
  const runtime = spawnSync(findWorkerd()!, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const report: Report = { runtime, suites: [...(await inside()), ...(await outside())] };
  process.stdout.write(`${JSON.stringify(report)}\n`);
} finally {
  for (const server of servers) await server.stop();
  rmSync(storage, { recursive: true, force: true });
}
