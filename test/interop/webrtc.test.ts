/** Phones for browsers that nobody here wrote, JsSIP and SIP.js in Chromium, with the built-in registrar and proxy: they register, call each other, hang up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tlsFile } from '../support/tls.ts';
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
