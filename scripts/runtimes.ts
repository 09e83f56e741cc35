/**
 * Runs the contract suites on every runtime and writes the README's table of runtimes: `node scripts/runtimes.ts [NAME]...`; no name is all of them.
 * Installs the runtimes first that the package does not bring (test/runtime/package-lock.json pins them). Ends with one line: N passed, N failed, N skipped.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ABILITIES, type Report } from '../test/runtime/contract/suite.ts';
import { isInstalled, RUNTIMES, runIn } from '../test/runtime/runtimes.ts';
import { withTable } from './docs/runtimes-table.ts';

const path = (p: string) => fileURLToPath(new URL(`../${p}`, import.meta.url));
const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !RUNTIMES.some(r => r.name === name));
if (unknown.length > 0) {
  console.error(`No runtime ${unknown.join(', ')}; there are ${RUNTIMES.map(r => r.name).join(', ')}`);
  process.exit(2);
}
const chosen = RUNTIMES.filter(r => wanted.length === 0 || wanted.includes(r.name));
if (!chosen.every(isInstalled)) {
  const npm = ['ci', '--prefix', path('test/runtime'), '--no-audit', '--no-fund'];
  const { status } = spawnSync('npm', npm, { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

const reports = new Map<string, Report>();
const count = { passed: 0, failed: 0, skipped: 0 };
for (const runtime of chosen) {
  const report = await runIn(runtime).catch((error: Error) => error);
  if (report instanceof Error) {
    count.failed++;
    console.log(`${runtime.name}: ${report.message}`);
    continue;
  }
  reports.set(runtime.name, report);
  for (const { name, cases } of report.suites)
    for (const one of cases) {
      count[one.outcome]++;
      if (one.outcome !== 'passed') console.log(`${report.runtime}: ${one.outcome}: ${name}: ${one.name}: ${one.why}`);
    }
  const cases = report.suites.flatMap(s => s.cases);
  console.log(`${report.runtime}: ${cases.filter(c => c.outcome === 'passed').length} of ${cases.length} passed`);
}
const columns = RUNTIMES.map(r => r.name);
writeFileSync(path('README.md'), withTable(readFileSync(path('README.md'), 'utf8'), ABILITIES, columns, reports));
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed > 0 ? 1 : 0;
