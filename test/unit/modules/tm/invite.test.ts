import { expect, test } from 'vitest';
import { answerTo, ask, header, NOTHING, proxy, tagOf } from '../../../support/proxy.ts';

const RELAY = `
function ksr_request_route()
  if KSR.is_CANCEL() then if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end return end
  if not KSR.is_ACK() then if KSR.tm.t_check_trans() == 0 then return end end
  KSR.tm.t_relay()
end
`;

test('a call: 100 by us, provisional answers and the 200 passed on, ACK and BYE relayed, nothing left', () => {
  const p = proxy(RELAY);
  expect(p.from('uac', ask('INVITE'))).toEqual(['uac 100', 'a INVITE']);
  expect(header(p.last('uac', '100'), 'To')).toBe('<sip:bob@example.com>');
  const invite = p.last('a', 'INVITE');
  expect(header(invite, 'Via')).toMatch(/^SIP\/2\.0\/UDP 127\.0\.0\.1;branch=z9hG4bK[0-9a-f]{4}\.[0-9a-f]{32}\.0$/);
  expect(p.from('a', answerTo(invite, 100))).toEqual([]);
  expect(p.from('a', answerTo(invite, 180))).toEqual(['uac 180']);
  expect(p.from('uac', ask('INVITE'))).toEqual(['uac 180']);
  expect(p.from('a', answerTo(invite, 200))).toEqual(['uac 200']);
  expect(p.from('a', answerTo(invite, 200))).toEqual(['uac 200']);
  expect(p.from('uac', ask('ACK', { branch: 'z9hG4bK-ack', toTag: 'uas' }))).toEqual(['a ACK']);
  expect(p.from('uac', ask('BYE', { cseq: 2, toTag: 'uas' }))).toEqual(['a BYE']);
  expect(p.from('a', answerTo(p.last('a', 'BYE'), 200))).toEqual(['uac 200']);
  expect(p.left()).toMatchObject({ transactions: 2, active: 0, messages: 0 });
  expect(p.after(10_000)).toEqual([]);
  expect(p.left()).toEqual(NOTHING);
});

test('a negative answer: ACK from us, retransmitted to the caller until its ACK, absorbed when it comes again', () => {
  const p = proxy(RELAY);
  p.from('uac', ask('INVITE'));
  const invite = p.last('a', 'INVITE');
  expect(p.from('a', answerTo(invite, 404))).toEqual(['a ACK', 'uac 404']);
  expect(header(p.last('a', 'ACK'), 'To')).toBe('<sip:bob@example.com>;tag=uas');
  expect(header(p.last('a', 'ACK'), 'Via')).toBe(header(invite, 'Via'));
  expect(p.from('a', answerTo(invite, 404))).toEqual(['a ACK']);
  expect(p.after(1600)).toEqual(['uac 404', 'uac 404']);
  expect(p.from('uac', ask('ACK', { toTag: 'uas' }))).toEqual([]);
  expect(p.after(4000)).toEqual([]);
  expect(p.left()).toMatchObject({ transactions: 1, messages: 0 });
  p.after(2000);
  expect(p.left()).toEqual(NOTHING);
});

test('an answer without an ACK is sent again for fr_timer', () => {
  const p = proxy(RELAY);
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 486));
  expect(p.after(29_000)).toHaveLength(9); // 0.5 1.5 3.5 7.5 11.5 15.5 19.5 23.5 27.5
  p.after(7000);
  expect(p.left()).toEqual(NOTHING);
});

test('an INVITE is sent again until an answer comes, and ends with 408 after fr_timer', () => {
  const p = proxy(RELAY);
  p.from('uac', ask('INVITE'));
  expect(p.after(29_000)).toHaveLength(9);
  expect(p.after(1200)).toEqual(['uac 408']);
  expect(tagOf(p.last('uac', '408'))).toMatch(/^[0-9a-f]{32}-[0-9a-f]{8}$/);
  p.from('uac', ask('ACK', { toTag: tagOf(p.last('uac', '408')) }));
  p.after(6000);
  expect(p.left()).toEqual(NOTHING);
});

test('a ringing call ends with CANCEL and 408 after fr_inv_timer', () => {
  const p = proxy(RELAY, { modparams: [{ module: 'tm', name: 'fr_inv_timer', value: 10_000 }] });
  p.from('uac', ask('INVITE'));
  const invite = p.last('a', 'INVITE');
  p.from('a', answerTo(invite, 180));
  expect(p.after(9900)).toEqual([]);
  expect(p.after(300)).toEqual(['a CANCEL', 'uac 408']);
  expect(p.from('a', answerTo(p.last('a', 'CANCEL'), 200))).toEqual([]);
  expect(p.from('a', answerTo(invite, 487))).toEqual(['a ACK']);
  p.from('uac', ask('ACK', { toTag: 'x' }));
  p.after(40_000);
  expect(p.left()).toEqual(NOTHING);
});

test('CANCEL before an answer: the branch is cancelled when it answers', () => {
  const p = proxy(RELAY);
  p.from('uac', ask('INVITE'));
  const invite = p.last('a', 'INVITE');
  expect(p.from('uac', ask('CANCEL'))).toEqual(['uac 200']);
  expect(p.from('uac', ask('CANCEL'))).toEqual(['uac 200']);
  expect(p.after(600)).toEqual(['a INVITE']);
  expect(p.from('a', answerTo(invite, 180))).toEqual(['a CANCEL']);
  const cancel = p.last('a', 'CANCEL');
  expect(header(cancel, 'Via')).toBe(header(invite, 'Via'));
  expect(p.after(600)).toEqual(['a CANCEL']);
  expect(p.from('a', answerTo(cancel, 200))).toEqual([]);
  expect(p.from('a', answerTo(invite, 487))).toEqual(['a ACK', 'uac 487']);
  expect(p.from('uac', ask('ACK', { toTag: 'uas' }))).toEqual([]);
  p.after(10_000);
  expect(p.left()).toEqual(NOTHING);
});

test('CANCEL after 180; the 200 that crosses it still goes to the caller', () => {
  const p = proxy(RELAY);
  p.from('uac', ask('INVITE'));
  const invite = p.last('a', 'INVITE');
  p.from('a', answerTo(invite, 180));
  expect(p.from('uac', ask('CANCEL'))).toEqual(['a CANCEL', 'uac 200']);
  expect(p.from('a', answerTo(invite, 200))).toEqual(['uac 200']);
  expect(p.from('a', answerTo(p.last('a', 'CANCEL'), 481))).toEqual([]);
  p.after(40_000);
  expect(p.left()).toEqual(NOTHING);
});

test('CANCEL after the final answer changes nothing', () => {
  const p = proxy(RELAY);
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 200));
  expect(p.from('uac', ask('CANCEL'))).toEqual(['uac 200']);
  p.after(10_000);
  expect(p.left()).toEqual(NOTHING);
});

test('a request that is not an INVITE: sent again, 408 at its end, its answer given again', () => {
  const p = proxy(RELAY);
  expect(p.from('uac', ask('OPTIONS'))).toEqual(['a OPTIONS']);
  const options = p.last('a', 'OPTIONS');
  expect(p.after(600)).toEqual(['a OPTIONS']);
  expect(p.from('uac', ask('OPTIONS'))).toEqual([]);
  expect(p.from('a', answerTo(options, 200))).toEqual(['uac 200']);
  expect(p.from('uac', ask('OPTIONS'))).toEqual(['uac 200']);
  expect(p.from('a', answerTo(options, 200))).toEqual([]);
  p.after(6000);
  expect(p.left()).toEqual(NOTHING);
  p.from('uac', ask('OPTIONS', { id: '2' }));
  p.after(31_000);
  expect(p.out().at(-1) ?? p.last('uac', '408').slice(0, 11)).toContain('408');
  p.after(6000);
  expect(p.left()).toEqual(NOTHING);
});
