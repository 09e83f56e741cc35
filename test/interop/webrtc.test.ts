/** Phones for browsers that nobody here wrote, JsSIP and SIP.js in Chromium, with the built-in registrar and proxy: they register, call each other, hang up. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/chromium.ts';
import { tlsFile } from '../support/tls.ts';
import { openPhones } from '../support/webrtc/page.ts';
import { type PhoneKind, registerCallHangUp } from '../support/webrtc/scenario.ts';
import { needs } from './needs.ts';
import { type RunningServer, startServer } from './server.ts';

/** As `kemi-wasm user add` is used by hand. */
function addUser(who: string, password: string, db: string): void {
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
  const added = spawnSync(process.execPath, [main, 'user', 'add', who, '--db', db], { input: `${password}\n` });
  if (added.status !== 0) throw new Error(`Cannot add ${who}: ${added.stderr}`);
}

const PORT = 22220;
const KINDS: readonly PhoneKind[] = ['jssip', 'sipjs'];

describe.skipIf(needs('chromium'))('WebRTC phones in Chromium', () => {
  let phones: Browser;
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer(
      [
        `--listen=udp:127.0.0.1:${PORT}`,
        `--listen=ws:127.0.0.1:${PORT}`,
        `--listen=wss:127.0.0.1:${PORT + 1}`,
        `--tls-cert=${tlsFile('server.pem')}`,
        `--tls-key=${tlsFile('server.key')}`,
        '--alias=phones.example',
        '--no-ctl',
      ],
      PORT,
      20_000,
    );
    phones = await openPhones();
  }, 60_000);
  afterAll(async () => {
    await phones?.close();
    await server?.stop();
  });

  const domain = 'phones.example';
  const urls = { WS: `ws://127.0.0.1:${PORT}/`, WSS: `wss://127.0.0.1:${PORT + 1}/` };
  const pairs = KINDS.flatMap(caller => KINDS.map(callee => [caller, callee] as const));
  for (const over of ['WS', 'WSS'] as const)
    for (const [caller, callee] of pairs)
      it(`${caller} registers over ${over}, calls ${callee}, hangs up`, { timeout: 60_000 }, async () => {
        const seen = await registerCallHangUp(phones.page, { url: urls[over], domain, caller, callee });
        expect(seen.caller).toEqual(expect.arrayContaining(['registered', 'confirmed', 'ended', 'unregistered']));
        expect(seen.callee).toEqual(expect.arrayContaining(['registered', 'incoming', 'confirmed', 'ended']));
      });

  it('calls from WS to WSS', { timeout: 60_000 }, async () => {
    const phones2 = { domain, caller: 'sipjs', callee: 'jssip', hangup: 'callee' } as const;
    const seen = await registerCallHangUp(phones.page, { url: urls.WS, calleeUrl: urls.WSS, ...phones2 });
    expect(seen.caller).toContain('ended');
    expect(server.log()).not.toMatch(/"level":"(warn|error)"/);
  });

  it('registers and calls with passwords', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kemi-phones-'));
    const db = join(folder, 'phones.db');
    const names = { caller: 'alice', callee: 'bob' };
    for (const name of Object.values(names)) addUser(`${name}@${domain}`, 'secret', db);
    const port = PORT + 2;
    const listen = ['udp', 'ws'].map(proto => `--listen=${proto}:127.0.0.1:${port}`);
    const guarded = await startServer([...listen, `--alias=${domain}`, '--no-ctl', `--db=${db}`], port, 20_000);
    try {
      const options = { url: `ws://127.0.0.1:${port}/`, domain, names } as const;
      for (const [caller, callee] of [
        ['jssip', 'sipjs'],
        ['sipjs', 'jssip'],
      ] as const) {
        const seen = await registerCallHangUp(phones.page, { ...options, caller, callee, password: 'secret' });
        expect(seen.caller).toContain('ended');
      }
      const wrong = { ...options, caller: 'jssip', callee: 'jssip', password: 'guessed' } as const;
      await expect(registerCallHangUp(phones.page, wrong)).rejects.toThrow('registration failed');
    } finally {
      await guarded.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('the callee may hang up, too', { timeout: 60_000 }, async () => {
    const url = `ws://127.0.0.1:${PORT}/`;
    const seen = await registerCallHangUp(phones.page, {
      url,
      domain,
      caller: 'jssip',
      callee: 'sipjs',
      hangup: 'callee',
    });
    expect(seen.caller).toContain('ended');
  });
});
