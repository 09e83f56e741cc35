/** msgTake(): what becomes of a received message, and what is counted of it. */
import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { openCore, place, statusName } from '../../../support/core.ts';

const OPTIONS =
  'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n';
const REPLY = OPTIONS.replace('OPTIONS sip:a@b SIP/2.0', 'SIP/2.0 200 OK');

/** A core that takes messages as `flags` say, and has room for `limit`. */
function taker(flags = 0, limit = 100) {
  const core = openCore();
  const { x, mem } = core;
  x.receiveSetup(flags, limit);
  mem.putStr(x.sourceArea(), '192.0.2.1');
  const take = (text: string, tooLong = 0) => {
    const at = place(core, text);
    const verdict: number = x.msgTake(at, tooLong, 9, 5062 | (3 << 16), L.PROTO_TCP | (4 << 8), 7, 1234.5);
    return { at, verdict };
  };
  const counted = (which: number) => mem.view.getFloat64(x.receivedArea() + 8 * which, true);
  return { ...core, take, counted };
}

test('a message knows where it came from', () => {
  const { take, mem, x } = taker();
  const first = take(OPTIONS);
  expect(first.verdict).toBe(L.TAKE_REQUEST);
  const { at } = take(REPLY);
  expect(mem.str(mem.u32(at + L.M_SRCIP), mem.u32(at + L.M_SRCIP + 4))).toBe('192.0.2.1');
  expect([mem.u16(at + L.M_SRCPORT), mem.u8[at + L.M_PROTO], mem.u8[at + L.M_AF]]).toEqual([5062, L.PROTO_TCP, 4]);
  expect([mem.u16(at + L.M_SOCK), mem.u16(at + L.M_FSOCK), mem.u32(at + L.M_CONID)]).toEqual([3, 0, 7]);
  expect(mem.view.getFloat64(at + L.M_RECVMS, true)).toBe(1234.5);
  expect(mem.u32(at + L.M_ID) - mem.u32(first.at + L.M_ID)).toBe(1);
  // the highest port and socket, and a text longer than there is room
  x.msgDescribe(at, 70, 65535 | (65535 << 16), L.PROTO_UDP | (6 << 8), 0xffffffff, 0);
  expect([mem.u32(at + L.M_SRCIP + 4), mem.u16(at + L.M_SRCPORT), mem.u16(at + L.M_SOCK)]).toEqual([64, 65535, 65535]);
  expect([mem.u8[at + L.M_PROTO], mem.u8[at + L.M_AF], mem.u32(at + L.M_CONID)]).toEqual([L.PROTO_UDP, 6, 0xffffffff]);
});

test('requests are counted by method, replies may be dropped by a route', () => {
  const { take, counted, mem } = taker(L.RX_FORCE_RPORT);
  const request = take(OPTIONS);
  take(OPTIONS.replaceAll('OPTIONS', 'NOSUCH'));
  const reply = take(REPLY);
  expect([request.verdict, reply.verdict]).toEqual([L.TAKE_REQUEST, L.TAKE_REPLY]);
  expect([counted(L.RC_REQUESTS), counted(L.RC_REPLIES)]).toEqual([2, 1]);
  expect([counted(L.RC_METHODS + L.METHOD_OPTIONS), counted(L.RC_METHODS)]).toEqual([1, 1]);
  expect(mem.u32(request.at + L.M_MFLAGS)).toBe(L.MFL_FORCE_RPORT);
  expect(mem.u32(reply.at + L.M_MFLAGS)).toBe(L.MFL_FORCE_RPORT | L.MFL_CAN_DROP);
});

test.each([
  ['\r\n\r\n', 0, 'TAKE_NONE'],
  ['\r\n\r\n', 1, 'TAKE_NONE'],
  [OPTIONS, 1, 'ST_TOO_BIG'],
  ['nonsense', 1, 'ST_TOO_BIG'],
  ['nonsense', 0, 'ST_FIRST_LINE'],
  [OPTIONS.replace(/Via.*\r\n/, ''), 0, 'ST_NO_VIA'],
  [OPTIONS.replace('SIP/2.0\r', 'SIP/3.0\r'), 0, 'ST_VERSION'],
])('%j, too long %i: %s; nothing is counted as a request', (text, tooLong, name) => {
  const { take, counted, x } = taker();
  const { verdict } = take(text, tooLong);
  expect(verdict < 0 ? statusName(verdict) : 'TAKE_NONE').toBe(name);
  expect(x.msgLive()).toBe(verdict < 0 ? 1 : 0);
  expect([counted(L.RC_REQUESTS), counted(L.RC_KEEPALIVES)]).toEqual([0, verdict < 0 ? 0 : 1]);
});

test('above the limit of messages alive a good one is refused', () => {
  const { take, counted } = taker(0, 2);
  expect([take(OPTIONS).verdict, take(REPLY).verdict]).toEqual([L.TAKE_REQUEST, L.TAKE_REPLY]);
  expect(statusName(take(OPTIONS).verdict)).toBe('ST_NO_SLOT');
  expect(counted(L.RC_REQUESTS)).toBe(1);
});

test('where others serve the same addresses, nothing is counted before it is known who has the message', () => {
  const { take, counted, x } = taker(L.RX_ASK_OWNERS);
  const { at, verdict } = take(OPTIONS);
  expect([verdict, counted(L.RC_REQUESTS)]).toEqual([L.TAKE_OWNER, 0]);
  expect([x.msgTaken(at), counted(L.RC_REQUESTS)]).toEqual([L.TAKE_REQUEST, 1]);
});
