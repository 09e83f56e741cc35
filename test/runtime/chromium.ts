/** The suites in a page of Chromium: `node test/runtime/chromium.ts` prints the report as one line of JSON. */
import process from 'node:process';
import { openPage } from '../support/browser-page.ts';
import { bundleSuites } from '../support/bundle.ts';

const script = await bundleSuites(new URL('chromium-suites.ts', import.meta.url));
const { page, log, close } = await openPage({
  '/': {
    type: 'text/html',
    body: '<!doctype html><meta charset="utf-8"><title>Suites</title><script type="module" src="/suites.js"></script>',
  },
  '/suites.js': { type: 'text/javascript', body: script },
});
try {
  await page.waitForFunction('globalThis.report !== undefined', undefined, { timeout: 150_000 });
  process.stdout.write(`${JSON.stringify(await page.evaluate('report'))}\n`);
} catch (error) {
  throw new Error(`${error}\n${log.join('\n')}`);
} finally {
  await close();
}
