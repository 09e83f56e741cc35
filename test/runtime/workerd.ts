/** The suites in workerd: `node test/runtime/workerd.ts` prints the report as one line of JSON. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { bundleSuites } from '../support/bundle.ts';
import { findWorkerd, PACKAGE_MODULES, startExample, startWorkerd, type Workerd } from '../support/workerd.ts';
import { type Report, runSuites, type SuiteResult } from './contract/suite.ts';
import { webSocketContract } from './contract/web-socket.ts';

const storage = mkdtempSync(path.join(tmpdir(), 'kemi-workerd-suites-'));
const servers: Workerd[] = [];

/** Those that run inside of it. */
async function inside(): Promise<SuiteResult[]> {
  const source = await bundleSuites(new URL('workerd-suites.ts', import.meta.url), ['core.wasm', 'lua.wasm']);
  const server = await startWorkerd({
    modules: [{ name: 'worker.js', kind: 'esModule', source }, ...PACKAGE_MODULES.filter(m => m.kind === 'wasm')],
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
