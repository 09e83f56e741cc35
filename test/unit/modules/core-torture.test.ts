/** Forwarding of every message of RFC 4475 and RFC 5118, whole and damaged: one Via more on a request, one less on a reply, and never an exception. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as L from '../../../src/core/gen/layout.gen.ts';
import { byteStr } from '../../../src/core/memory.ts';
import type { SipMsg } from '../../../src/core/sip-msg.ts';
import { forwardReply } from '../../../src/modules/core/api.ts';
import core from '../../../src/modules/core/index.ts';
import { openCore, withMsg } from '../../support/core.ts';
import { random } from '../../support/generate.ts';
import { FakeHost } from './fake-host.ts';

const wasm = openCore();
const fake = new FakeHost([core], {}, { core: wasm });

/** Via values of a message. */
const vias = (m: SipMsg) =>
  [...m.headers()].filter(h => h.id === L.HDR_VIA).reduce((n, h) => n + h.body.split(/,(?=\s*SIP\s*\/)/i).length, 0);

/** @returns whether it was sent on */
function forwarded(bytes: Uint8Array): boolean {
  return withMsg(wasm, bytes, (m, status) => {
    fake.sent.length = 0;
    if (status || wasm.x.msgCheck(m.at)) return false;
    fake.message = m;
    const before = vias(m);
    const result = m.isRequest ? fake.call('forward_uri', 'sip:192.0.2.1') : forwardReply(fake.host, m);
    expect([1, -1, true, false]).toContain(result);
    expect(fake.sent).toHaveLength(result === 1 || result === true ? 1 : 0);
    const [sent] = fake.sent;
    if (!sent) return false;
    const change = m.isRequest ? 1 : -1;
    withMsg(wasm, byteStr(sent.data), (out, outStatus) => {
      expect(outStatus).toBe(0);
      expect(vias(out)).toBe(before + change);
    });
    return true;
  });
}

for (const set of ['rfc4475', 'rfc5118']) {
  const folder = new URL(`../../torture/${set}/`, import.meta.url);
  const files = readdirSync(folder).filter(f => f !== 'expected.json' && f !== 'README');

  test(`messages of ${set} are forwarded with one Via more or less`, () => {
    const sent = files.filter(file => forwarded(readFileSync(new URL(file, folder))));
    expect(sent.length).toBeGreaterThan(files.length / 3);
    expect(wasm.x.msgLive()).toBe(0);
  });

  test(`damaged messages of ${set} are forwarded or refused, without an exception`, () => {
    const draw = random(4475);
    for (const file of files)
      for (let round = 0; round < 12; round++) {
        const bytes = Uint8Array.from(readFileSync(new URL(file, folder)));
        for (let n = draw(6); n >= 0; n--)
          bytes[draw(bytes.length)] = [0, 9, 10, 13, 32, 37, 44, 58, 59, 255][draw(10)]!;
        withMsg(wasm, bytes.subarray(0, bytes.length - draw(40)), (m, status) => {
          if (status) return;
          fake.message = m;
          if (m.isRequest) fake.call('forward_uri', 'sip:192.0.2.1');
          else forwardReply(fake.host, m);
        });
      }
    expect(wasm.x.msgLive()).toBe(0);
  });
}
