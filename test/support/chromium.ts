/** A headless Chromium with a profile of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
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

export interface Browser {
  readonly page: Page;
  /** what the page wrote to its console, and what it threw */
  readonly log: readonly string[];
  close(): Promise<void>;
}

/** @param more flags of Chromium  @throws Error when there is no Chromium */
export async function openBrowser(more: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('Cannot open a browser: chromium is not installed');
  const profile = mkdtempSync(path.join(tmpdir(), 'kemi-page-'));
  const log: string[] = [];
  let context: BrowserContext | undefined;
  const close = async () => {
    await context?.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const args = [...FLAGS, ...more];
    context = await chromium.launchPersistentContext(profile, { executablePath, args, headless: true });
    const page = context.pages()[0] ?? (await context.newPage());
    page.on('console', message => log.push(message.text()));
    page.on('pageerror', error => log.push(String(error)));
    return { page, log, close };
  } catch (error) {
    await close();
    throw error;
  }
}
