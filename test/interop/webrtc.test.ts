/** Phones for browsers that nobody here wrote, JsSIP and SIP.js in Chromium, with the built-in registrar and proxy: they register, call each other, hang up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPhones, type PhonePage } from '../support/webrtc/page.ts';
import { type PhoneKind, registerCallHangUp } from '../support/webrtc/scenario.ts';
import { needs } from './needs.ts';
import { type RunningServer, startServer } from './server.ts';

const PORT = 22220;
const KINDS: readonly PhoneKind[] = ['jssip', 'sipjs'];

describe.skipIf(needs('chromium'))('WebRTC phones in Chromium', () => {
  let phones: PhonePage;
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer(
      [`--listen=udp:127.0.0.1:${PORT}`, `--listen=ws:127.0.0.1:${PORT}`, '--alias=phones.example', '--no-ctl'],
      PORT,
    );
    phones = await openPhones();
  }, 60_000);
  afterAll(async () => {
    await phones?.close();
    await server?.stop();
  });

  const domain = 'phones.example';
  for (const caller of KINDS)
    for (const callee of KINDS)
      it(`${caller} registers over WS, calls ${callee}, hangs up`, { timeout: 60_000 }, async () => {
        const seen = await registerCallHangUp(phones.page, { url: `ws://127.0.0.1:${PORT}/`, domain, caller, callee });
        expect(seen.caller).toEqual(expect.arrayContaining(['registered', 'confirmed', 'ended', 'unregistered']));
        expect(seen.callee).toEqual(expect.arrayContaining(['registered', 'incoming', 'confirmed', 'ended']));
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
