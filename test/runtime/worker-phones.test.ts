/** Phones for browsers that nobody here wrote, JsSIP and SIP.js in Chromium, with the example's worker in workerd: they register, call each other, hang up. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/chromium.ts';
import { firstLine, SipPhone } from '../support/sip-phone.ts';
import { openPhones } from '../support/webrtc/page.ts';
import { type PhoneKind, registerCallHangUp } from '../support/webrtc/scenario.ts';
import { startExample, type Workerd } from '../support/workerd.ts';
import { missing } from './missing.ts';

const KINDS: readonly PhoneKind[] = ['jssip', 'sipjs'];
const storage = mkdtempSync(path.join(tmpdir(), 'kemi-worker-phones-'));

describe.skipIf(missing('workerd') || missing('chromium'))('WebRTC phones and the worker', () => {
  let phones: Browser;
  let server: Workerd;
  let locked: Workerd;
  beforeAll(async () => {
    server = await startExample(storage);
    locked = await startExample(`${storage}-locked`, { SIP_PASSWORD: 'open sesame' });
    phones = await openPhones();
  }, 60_000);
  afterAll(async () => {
    await phones?.close();
    await server?.stop();
    await locked?.stop();
    for (const folder of [storage, `${storage}-locked`]) rmSync(folder, { recursive: true, force: true });
  });

  const seen = (side: 'caller' | 'callee') =>
    side === 'caller'
      ? ['registered', 'confirmed', 'ended', 'unregistered']
      : ['registered', 'incoming', 'confirmed', 'ended'];

  for (const caller of KINDS)
    for (const callee of KINDS)
      it(`${caller} registers over WebSocket, calls ${callee}, hangs up`, { timeout: 60_000 }, async () => {
        const url = server.url.replace('http', 'ws');
        const words = await registerCallHangUp(phones.page, { url, domain: 'phones.example', caller, callee });
        expect(words.caller).toEqual(expect.arrayContaining(seen('caller')));
        expect(words.callee).toEqual(expect.arrayContaining(seen('callee')));
      });

  it('the same with a password, and the callee hangs up', { timeout: 60_000 }, async () => {
    const url = locked.url.replace('http', 'ws');
    const stranger = await SipPhone.open(url, 'mallory');
    expect(firstLine(await stranger.register())).toBe('SIP/2.0 401 Unauthorized');
    expect(firstLine(await stranger.ask('INVITE', 'bob@example.com'))).toBe(
      'SIP/2.0 407 Proxy Authentication Required',
    );
    stranger.close();
    const words = await registerCallHangUp(phones.page, {
      url,
      domain: 'phones.example',
      caller: 'jssip',
      callee: 'sipjs',
      password: 'open sesame',
      hangup: 'callee',
    });
    expect(words.caller).toEqual(expect.arrayContaining(seen('caller')));
    expect(words.callee).toEqual(expect.arrayContaining(seen('callee')));
  });

  it('nothing is left behind: no message, no connection', { timeout: 60_000 }, async () => {
    const health = async () => (await (await fetch(`${server.url}/health`)).json()) as Record<string, unknown>;
    // JsSIP closes its connection when its last transaction has ended
    await expect.poll(async () => (await health()).connections, { timeout: 45_000, interval: 500 }).toBe(0);
    expect(await health()).toMatchObject({
      status: 'ok',
      liveMessages: 0,
      counters: { traps: 0, scriptErrors: 0, bad: 0 },
    });
  });
});
