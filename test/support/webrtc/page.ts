/** A headless Chromium with a page in which real SIP phones for browsers live. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { type Browser, openBrowser } from '../chromium.ts';

const FLAGS = [
  // a microphone that plays beeps, and nobody who must allow it
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  // certificates that a test made
  '--ignore-certificate-errors',
];

/** @throws Error when there is no Chromium */
export async function openPhones(): Promise<Browser> {
  const browser = await openBrowser(FLAGS);
  const { page, log } = browser;
  let server: http.Server | undefined;
  const close = async () => {
    await browser.close();
    if (!server) return;
    server.closeAllConnections();
    await new Promise(resolve => server!.close(resolve));
  };
  try {
    const script = await bundle();
    server = http.createServer((request, response) => {
      if (request.url === '/phones.js') response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
      else
        response
          .writeHead(200, { 'Content-Type': 'text/html' })
          .end(
            '<!doctype html><meta charset="utf-8"><title>Phones</title><script type="module" src="/phones.js"></script>',
          );
    });
    await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve));
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
