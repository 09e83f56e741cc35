/** A page in a headless Chromium of its own, with files of this package and whatever else a test gives it. */
import { readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { type Browser, openBrowser } from './chromium.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

export interface Served {
  readonly type: string;
  readonly body: string;
}

export interface OpenPage {
  readonly page: Page;
  /** what the page wrote to its console, and errors that nobody caught */
  readonly log: readonly string[];
  readonly origin: string;
  close(): Promise<void>;
}

/** @param files by their paths; what is not among them is looked for below the package's folder  @param at what is opened */
export async function openPage(files: Readonly<Record<string, Served>>, at = '/'): Promise<OpenPage> {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const given = files[pathname];
    if (given) return void response.writeHead(200, { 'Content-Type': given.type }).end(given.body);
    const file = path.join(root, path.normalize(decodeURIComponent(pathname)));
    if (!file.startsWith(root) || !statSync(file, { throwIfNoEntry: false })?.isFile())
      return void response.writeHead(404).end();
    const type = TYPES[path.extname(file)] ?? 'text/plain';
    response.writeHead(200, { 'Content-Type': type }).end(readFileSync(file));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  };
  try {
    browser = await openBrowser();
    const { page, log } = browser;
    await page.goto(`${origin}${at}`);
    return { page, log, origin, close };
  } catch (error) {
    await close();
    throw error;
  }
}
