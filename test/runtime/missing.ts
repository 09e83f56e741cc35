/** Programs that tests of runtimes need besides Node. */
import { findChromium } from '../support/chromium.ts';
import { findWorkerd } from '../support/workerd.ts';

const FOUND = { workerd: findWorkerd, chromium: findChromium };
const HOW = { workerd: 'npm ci --prefix test/runtime', chromium: 'apt-get install chromium' };

/**
 * Whether a test must be skipped because a program is not installed; says so, and is never true in CI, where the missing program is a failure.
 * @throws Error in CI
 */
export function missing(program: keyof typeof FOUND): boolean {
  if (FOUND[program]() !== undefined) return false;
  const why = `${program} is not installed: ${HOW[program]}`;
  if (process.env.CI) throw new Error(`Cannot run the tests of runtimes: ${why}`);
  console.log(`SKIPPED: ${why}`);
  return true;
}
