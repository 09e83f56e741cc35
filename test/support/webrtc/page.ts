/** A headless Chromium with a page in which real SIP phones for browsers live. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { rolldown } from 'rolldown';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // a microphone that plays beeps, and nobody who must allow it
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  // certificates that a test made
  '--ignore-certificate-errors',
];

/** Where Debian has it. @returns undefined when it is not installed */
export function findChromium(): string | undefined {
  const given = process.env.CHROMIUM;
  for (const candidate of given ? [given] : ['chromium', 'chromium-browser', 'google-chrome'])
    if (spawnSync(candidate, ['--version'], { stdio: 'ignore' }).status === 0) {
      const found = spawnSync('sh', ['-c', `command -v "${candidate}"`], { encoding: 'utf8' }).stdout.trim();
      if (found) return found;
    }
  return undefined;
}

export interface PhonePage {
  readonly page: Page;
  /** what the page wrote to its console */
  readonly log: readonly string[];
  close(): Promise<void>;
}

/** @throws Error when there is no Chromium */
export async function openPhones(): Promise<PhonePage> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('Cannot open a browser: chromium is not installed');
  const script = await bundle();
  const server = http.createServer((request, response) => {
    if (request.url === '/phones.js') response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
    else
      response
        .writeHead(200, { 'Content-Type': 'text/html' })
        .end(
          '<!doctype html><meta charset="utf-8"><title>Phones</title><script type="module" src="/phones.js"></script>',
        );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(path.join(tmpdir(), 'kemi-phones-'));
  const log: string[] = [];
  let context: BrowserContext | undefined;
  const close = async () => {
    await context?.close();
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    context = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS, headless: true });
    const page = context.pages()[0] ?? (await context.newPage());
    page.on('console', message => log.push(message.text()));
    page.on('pageerror', error => log.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('window.phones !== undefined');
    return { page, log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The page's script with the libraries in it. */
async function bundle(): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL('phones.js', import.meta.url)),
    platform: 'browser',
    logLevel: 'silent',
  });
  try {
    const { output } = await build.generate({ format: 'esm' });
    return output[0].code;
  } finally {
    await build.close();
  }
}
