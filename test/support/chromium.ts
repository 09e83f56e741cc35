/** A headless Chromium with a profile of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { findChromium } from './webrtc/page.ts';

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

export interface Browser {
  readonly page: Page;
  readonly log: readonly string[];
  close(): Promise<void>;
}

/** @throws Error when there is no Chromium */
export async function openBrowser(): Promise<Browser> {
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
    context = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS, headless: true });
    const page = context.pages()[0] ?? (await context.newPage());
    page.on('console', message => log.push(message.text()));
    page.on('pageerror', error => log.push(String(error)));
    return { page, log, close };
  } catch (error) {
    await close();
    throw error;
  }
}
