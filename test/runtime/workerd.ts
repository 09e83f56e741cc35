/** The suites in workerd: `node test/runtime/workerd.ts` prints the report as one line of JSON. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { bundleSuites } from '../support/bundle.ts';
import { findWorkerd, PACKAGE_MODULES, startWorkerd } from '../support/workerd.ts';

const source = await bundleSuites(new URL('workerd-suites.ts', import.meta.url), ['core.wasm', 'lua.wasm']);
const server = await startWorkerd({
  modules: [{ name: 'worker.js', kind: 'esModule', source }, ...PACKAGE_MODULES.filter(m => m.kind === 'wasm')],
});
try {
  const version = spawnSync(findWorkerd()!, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const response = await fetch(`${server.url}/?runtime=${encodeURIComponent(version)}`);
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}\n${server.output()}`);
  const report = await response.text();
  process.stdout.write(`${report.trim()}\n`);
} finally {
  await server.stop();
}
