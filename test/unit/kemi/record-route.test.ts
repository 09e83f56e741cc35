/** Record-Route among the edits of a message: order, branches, memory. The bytes are compared in test/unit/modules/routing.test.ts. */
import { describe, expect, test } from 'vitest';
import * as L from '../../../src/core/gen/layout.gen.ts';
import { SipMsg } from '../../../src/core/sip-msg.ts';
import type { Socket } from '../../../src/kemi/host.ts';
import {
  askRouteParam,
  asksRecordRoute,
  dropRecordRoute,
  isHeaderText,
  tellSockets,
} from '../../../src/kemi/record-route.ts';
import { openCore, place } from '../../support/core.ts';
import { request } from '../../support/runtime.ts';

const core = openCore();
const socket = (index: number, more: Partial<Socket> = {}): Socket => ({
  index,
  proto: 'udp',
  ip: `192.0.2.${index + 1}`,
  port: 5060,
  ...more,
});
const SOCKETS = [
  socket(0),
  socket(1, { port: 5070 }),
  socket(2, { proto: 'tls', port: 5061 }),
  socket(3, { ip: '2001:db8::1', name: 'six' }),
];
tellSockets(core, SOCKETS);

interface Ask {
  readonly kind?: number;
  readonly first?: string;
  readonly second?: string;
}
/** record_route() with names of sockets and a second line where the sides differ, without ftag */
function askRecordRoute(msg: SipMsg, { kind = L.RR_SOCKETS, first = '', second = '' }: Ask = {}): boolean {
  const bits = L.RRO_NAMES | (L.RRO_DOUBLE * L.RR_AUTO);
  const [a, b] = [msg.store(first), msg.store(second)];
  return core.x.rrRecord(msg.at, bits, kind, 0, 0, a, first.length, b, second.length, 0, 0) === 1;
}

function open(): SipMsg {
  const at = place(core, request('INVITE'));
  core.x.msgIndex(at);
  return new SipMsg(core, at);
}
function written(msg: SipMsg, leaves = 0): string[] {
  const length = core.x.msgForward(msg.at, 0, 0, leaves);
  return core.mem.str(core.x.outArea(), length).split('\r\n');
}
const text = (msg: SipMsg, leaves = 0) =>
  written(msg, leaves)
    .filter(line => line.startsWith('Record-Route'))
    .map(line => `${line}\r\n`)
    .join('');

describe('what is written', () => {
  test('the address of the receiving socket; 5060 and UDP are left out', () => {
    const msg = open();
    expect(text(msg)).toBe('');
    expect(asksRecordRoute(msg)).toBe(false);
    expect(askRecordRoute(msg)).toBe(true);
    expect(asksRecordRoute(msg)).toBe(true);
    expect(text(msg)).toBe('Record-Route: <sip:192.0.2.1;lr>\r\n');
    expect(text(msg, 1)).toBe(
      'Record-Route: <sip:192.0.2.2:5070;r2=on;lr>\r\nRecord-Route: <sip:192.0.2.1;r2=on;lr>\r\n',
    );
    // the port of TLS is written: without a transport parameter 5060 would be meant
    expect(text(msg, 2)).toContain('<sip:192.0.2.3:5061;transport=tls;r2=on;lr>');
    expect(text(msg, 3)).toContain('<sip:[2001:db8::1];sn=six;r2=on;lr>');
  });

  test('it is asked for once', () => {
    const msg = open();
    expect(askRecordRoute(msg)).toBe(true);
    expect(askRecordRoute(msg, { kind: L.RR_ADDRESS })).toBe(false);
    expect(dropRecordRoute(msg)).toBe(true);
    expect(text(msg)).toBe('');
    expect(askRecordRoute(msg, { kind: L.RR_LINES, first: 'a', second: 'b' })).toBe(true);
    expect(text(msg)).toBe('Record-Route: <sip:a;lr>\r\nRecord-Route: <sip:b;lr>\r\n');
  });

  test('each branch has its socket, and the message stays as it was', () => {
    const msg = open();
    askRecordRoute(msg);
    const before = msg.applied();
    expect(written(msg).slice(1, 2)).toEqual(['Record-Route: <sip:192.0.2.1;lr>']);
    expect(written(msg, 1).slice(1, 3)).toEqual([
      'Record-Route: <sip:192.0.2.2:5070;r2=on;lr>',
      'Record-Route: <sip:192.0.2.1;r2=on;lr>',
    ]);
    expect(written(msg).slice(1, 2)).toEqual(['Record-Route: <sip:192.0.2.1;lr>']);
    expect(msg.applied()).toBe(before);
  });
});

describe('branches', () => {
  /** what a branch route does: everything behind the mark goes away with its edits */
  function branch<T>(msg: SipMsg, route: () => T): T {
    const mark = msg.mem.u16(msg.at + L.M_NEDITS);
    const result = route();
    msg.setU16(L.M_NEDITS, mark);
    return result;
  }

  test('what a branch route asks for is that branch\u2019s', () => {
    const msg = open();
    const first = branch(msg, () => {
      askRecordRoute(msg);
      askRouteParam(msg, ';branch=1');
      return text(msg);
    });
    expect(first).toBe('Record-Route: <sip:192.0.2.1;lr;branch=1>\r\n');
    expect(text(msg)).toBe('');
    askRecordRoute(msg);
    for (const n of [1, 2])
      expect(
        branch(msg, () => {
          askRouteParam(msg, `;branch=${n}`);
          return text(msg);
        }),
      ).toBe(`Record-Route: <sip:192.0.2.1;lr;branch=${n}>\r\n`);
    expect(
      branch(msg, () => {
        dropRecordRoute(msg);
        return text(msg);
      }),
    ).toBe('');
    expect(text(msg)).toBe('Record-Route: <sip:192.0.2.1;lr>\r\n');
  });
});

describe('limits', () => {
  test('a script that adds parameters for ever gets an answer, and what fits is written', () => {
    const msg = open();
    askRecordRoute(msg);
    let taken = 0;
    while (taken < 10_000 && askRouteParam(msg, `;p${taken}=${'x'.repeat(100)}`)) taken++;
    expect(taken).toBeGreaterThan(100);
    expect(taken).toBeLessThan(10_000);
    const length = core.x.msgForward(msg.at, 0, 0, 0);
    // too long for a datagram, or no memory left for the text: an answer either way
    expect(length).toBeLessThan(0);
    core.x.msgFree(msg.at);
  });

  test('isHeaderText() refuses control bytes', () => {
    expect([';a=b', '', '\x80\xff'].map(isHeaderText)).toEqual([true, true, true]);
    expect(['a\r\nb', 'a\0', '\x7f', '\t'].map(isHeaderText)).toEqual([false, false, false, false]);
  });
});
