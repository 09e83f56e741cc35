/**
 * Runs the tests: `node scripts/test.ts [unit|interop|totals] [vitest arguments]`.
 * No argument is everything; `unit` leaves out what needs other programs, `interop` is only that; `totals` prints the sum of the reports.
 * Builds first what is missing, and ends with one line: N passed, N failed, N skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const path = (p: string) => new URL(p, root).pathname;
const REPORTS = path('build/reports/');
/** Tests in interop/ that need no other program: they replay what was recorded. The rest start other servers and clients. */
const REPLAYED = ['golden.test.ts', 'hardening.test.ts', 'stateful-golden.test.ts'];
const LIVE = readdirSync(path('test/interop/'))
  .filter(file => file.endsWith('.test.ts') && !REPLAYED.includes(file))
  .map(file => `test/interop/${file}`);

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** one a file; a file that could not be loaded failed without a failed test */
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

const [first = 'all', ...others] = process.argv.slice(2);
const known = ['all', 'unit', 'interop', 'totals'].includes(first);
const part = known ? first : 'all';
const given = known ? others : [first, ...others];

if (part === 'totals') {
  process.exitCode = printTotals(readdirSync(REPORTS).map(file => `${REPORTS}${file}`)) ? 0 : 1;
} else {
  build();
  mkdirSync(REPORTS, { recursive: true });
  const report = `${REPORTS}${part}.json`;
  rmSync(report, { force: true });
  const files = part === 'interop' ? LIVE : part === 'unit' ? LIVE.flatMap(file => ['--exclude', file]) : [];
  const vitest = path('node_modules/vitest/vitest.mjs');
  const args = ['run', ...files, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...given];
  const { status } = spawnSync(process.execPath, [vitest, ...args], { cwd: path('.'), stdio: 'inherit' });
  const ok = existsSync(report) && printTotals([report]);
  process.exitCode = status === 0 && ok ? 0 : 1;
}

function build(): void {
  const parts = [
    ...(existsSync(path('src/core/gen/layout.gen.ts')) ? [] : ['gen']),
    ...(existsSync(path('build/core.wasm')) && existsSync(path('build/lua.wasm')) ? [] : ['wasm']),
    ...(existsSync(path('build/core.debug.wasm')) ? [] : ['debug']),
    ...(existsSync(path('build/cli/main.js')) ? [] : ['ts']),
  ];
  if (parts.length === 0) return;
  // Not one call: the debug build replaces the release build's part of the arguments.
  for (const one of parts) {
    const { status } = spawnSync(process.execPath, [path('scripts/build.ts'), one], { stdio: 'inherit' });
    if (status !== 0) process.exit(1);
  }
}

/** @returns whether nothing failed */
function printTotals(files: readonly string[]): boolean {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of files) {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const unloadable = report.testResults.filter(
      f => f.status === 'failed' && !f.assertionResults.some(a => a.status === 'failed'),
    );
    passed += report.numPassedTests;
    failed += report.numFailedTests + unloadable.length;
    skipped += report.numPendingTests + report.numTodoTests;
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0;
}
