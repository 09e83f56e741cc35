/** Suites of plain functions as vitest's tests: run here, or elsewhere with only their results known. */
import { describe, it } from 'vitest';
import type { Suite, SuiteResult } from '../runtime/contract/suite.ts';

/** Runs the suite in this process. */
export function describeSuite({ name, cases }: Suite): void {
  describe(name, () => {
    for (const one of cases) it.skipIf(one.skip !== undefined)(one.name, () => one.run());
  });
}

/** Tells what another process made of the suite. */
export function describeResult({ name, cases }: SuiteResult): void {
  describe(name, () => {
    for (const { name: title, outcome, why } of cases)
      it.skipIf(outcome === 'skipped')(title, () => {
        if (outcome === 'failed') throw new Error(why);
      });
  });
}
