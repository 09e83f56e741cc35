/** The contract suites on every runtime that is installed: each case is a test here. */
import { describe, expect, it } from 'vitest';
import { describeResult } from '../support/suite.ts';
import { isInstalled, RUNTIMES, runIn } from './runtimes.ts';

// In CI all of them are there: a runtime that is missing is a failure.
const required = process.env.CI === 'true';

for (const runtime of RUNTIMES) {
  if (!isInstalled(runtime)) {
    it.skipIf(!required)(`${runtime.name} is installed: npm ci --prefix test/runtime`, () => {
      expect.fail(`${runtime.program} is not there`);
    });
    continue;
  }
  // One after the other: they share the machine.
  const report = await runIn(runtime).catch((error: Error) => error);
  describe(runtime.name, () => {
    it('runs the suites to their end', () => {
      if (report instanceof Error) throw report;
    });
    if (!(report instanceof Error)) for (const suite of report.suites) describeResult(suite);
  });
}
