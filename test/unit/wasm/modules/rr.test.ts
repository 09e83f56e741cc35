/** wasm/modules/rr.ts with Route headers of any kind; what it does with real ones is compared with Kamailio in test/unit/modules/routing.test.ts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { tellSockets } from '../../../../src/kemi/record-route.ts';
import { openCore, output, sip, withMsg } from '../../../support/core.ts';

const core = openCore();
const { x, mem } = core;
core.hooks.isMyself = (at, length) => (mem.str(at, length) === '127.0.0.1' ? 1 : 0);
tellSockets(core, [{ index: 0, proto: 'udp', ip: '127.0.0.1', port: 5060 }]);
const BITS = L.RRO_FROM_TAG | L.RRO_FORCE_SOCKET | (L.RRO_DOUBLE * L.RR_AUTO);

const piece = fc.constantFrom(
  '<sip:127.0.0.1;lr>',
  '<sip:127.0.0.1;r2=on;lr;ftag=f>',
  '<sip:10.0.0.1;lr>',
  '<sip:10.0.0.2>',
  ',',
  ', ',
  '<',
  '>',
  '"',
  ';',
  'sip:a@b',
  ' ',
  '\r\n ',
);
const value = fc.array(fc.oneof(piece, fc.string({ unit: 'binary-ascii', maxLength: 3 })), { maxLength: 8 });
const clean = (text: string) => text.replace(/[\r\n](?! )/g, '').replace(/\n/g, '\n');

test('any Route headers: no trap, a message that can be written, and nothing changed when it says -1', () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      fc.boolean(),
      (headers, ours, strict) => {
        const request = sip([
          `BYE sip:${ours ? '127.0.0.1;lr' : '10.0.0.9'} SIP/2.0`,
          ...headers.map(parts => `Route: ${clean(parts.join(''))}`),
          'From: <sip:a@b>;tag=f',
          'To: <sip:c@d>;tag=t',
        ]);
        withMsg(core, request, (msg, status) => {
          if (status < 0) return;
          const before = output(core, x.msgWrite(msg.at));
          const code = x.rrLoose(msg.at, strict ? 1 : 0, BITS);
          expect([1, -1]).toContain(code);
          const after = output(core, x.msgWrite(msg.at));
          if (code < 0) {
            expect(after).toBe(before);
            expect(msg.dstUri).toBeUndefined();
          }
          x.rrUpstream(msg.at);
          expect(x.rrRecord(msg.at, BITS, L.RR_SOCKETS, 0, 0, 0, 0, 0, 0, 0, 0)).toBe(1);
          expect(output(core, x.msgForward(msg.at, 0, 0, 0))).toContain('Record-Route: <sip:127.0.0.1;lr;ftag=');
        });
      },
    ),
    { numRuns: 3000 },
  );
});

test('editRemoveRest() takes away what is not gone yet, each byte once', () => {
  const range = fc.tuple(fc.nat(60), fc.nat(30));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 8 }), ranges => {
      const body = Array.from({ length: 100 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
      withMsg(core, sip(['OPTIONS sip:a SIP/2.0', `X: ${body}`]), msg => {
        const text = output(core, x.msgWrite(msg.at));
        const start = text.indexOf(body);
        const gone = new Set<number>();
        for (const [off, del] of ranges) {
          expect(x.editRemoveRest(msg.at, start + off, del, L.EK_TEXT)).toBe(0);
          for (let i = 0; i < del; i++) gone.add(start + off + i);
        }
        const left = [...text].filter((_, i) => !gone.has(i)).join('');
        expect(output(core, x.msgWrite(msg.at))).toBe(left);
      });
    }),
    { numRuns: 500 },
  );
});
