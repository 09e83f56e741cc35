import { expect, test } from 'vitest';
import type { TmModule } from '../../../../src/modules/tm/index.ts';
import { answerTo, ask, header, NOTHING, proxy } from '../../../support/proxy.ts';

const script = (body: string) => `function ksr_request_route() ${body} end`;
const HEADERS = 'From: <sip:us@example.com>\r\nTo: <sip:bob@example.com>\r\nX-A: 1\r\n';

test('t_uac_send(): a request of our own, sent again until it is answered', () => {
  const p = proxy(
    script(`KSR.sl.sl_send_reply(200, "x") KSR.err(KSR.tm.t_uac_send("MESSAGE", "sip:bob@192.0.2.10", "", "",
      "From: <sip:us@example.com>\\r\\nTo: <sip:bob@example.com>\\r\\nContent-Type: text/plain\\r\\n", "hello"))`),
  );
  p.from('uac', ask('OPTIONS'));
  const message = p.last('a', 'MESSAGE');
  expect(message).toMatch(
    /^MESSAGE sip:bob@192\.0\.2\.10 SIP\/2\.0\r\nVia: SIP\/2\.0\/UDP 127\.0\.0\.1;branch=z9hG4bK/,
  );
  expect([header(message, 'CSeq'), header(message, 'Max-Forwards'), header(message, 'Content-Length')]).toEqual([
    '10 MESSAGE',
    '70',
    '5',
  ]);
  expect(header(message, 'From')).toMatch(/;tag=[0-9a-f]{16}$/);
  expect(p.after(600)).toEqual(['a MESSAGE']);
  expect(p.from('a', answerTo(message, 200))).toEqual([]);
  expect(p.errors()).toEqual(['1']);
  p.after(6000);
  expect(p.left()).toEqual(NOTHING);
});

test.each([
  ['no From', ['MESSAGE', 'sip:b@192.0.2.10', '', '', 'To: <sip:b@x>\r\n', '']],
  ['a body without Content-Type', ['MESSAGE', 'sip:b@192.0.2.10', '', '', HEADERS, 'x']],
  ['a header that ends the headers', ['MESSAGE', 'sip:b@192.0.2.10', '', '', `${HEADERS}X: \r\r\n`, '']],
  ['a URI with a line end', ['MESSAGE', 'sip:b@192.0.2.10\r\nX: 1', '', '', HEADERS, '']],
  ['no such socket', ['MESSAGE', 'sip:b@192.0.2.10', '', 'udp:9.9.9.9:1', HEADERS, '']],
  ['ACK', ['ACK', 'sip:b@192.0.2.10', '', '', HEADERS, '']],
  ['no target', ['MESSAGE', 'tel:1', '', '', HEADERS, '']],
])('t_uac_send() refuses %s', (_what, args) => {
  const p = proxy(
    script(`KSR.sl.sl_send_reply(200, "x") KSR.err(KSR.tm.t_uac_send(${args.map(a => JSON.stringify(a)).join(', ')}))`),
  );
  p.from('uac', ask('OPTIONS'));
  expect(p.errors().at(-1)).toBe('-1');
  expect(p.left()).toEqual(NOTHING);
});

test('request(): the callback hears the final answer, or a timeout, once', () => {
  const p = proxy(script(''));
  const tm = p.tm as TmModule;
  const heard: number[] = [];
  const send = (method: string) =>
    tm.request({ method, ruri: 'sip:bob@192.0.2.10', headers: HEADERS }, reply => heard.push(reply.code));
  expect(send('OPTIONS')).toBe(true);
  p.from('a', answerTo(p.last('a', 'OPTIONS'), 404));
  p.from('a', answerTo(p.last('a', 'OPTIONS'), 404));
  expect(heard).toEqual([404]);
  send('NOTIFY');
  p.after(40_000);
  expect(heard).toEqual([404, 408]);
  expect(p.left()).toEqual(NOTHING);
});

test('an INVITE of our own: the ACK to a 2xx goes by Contact and Record-Route, again for each', () => {
  const p = proxy(script(''));
  const tm = p.tm as TmModule;
  const heard: number[] = [];
  tm.request({ method: 'INVITE', ruri: 'sip:bob@192.0.2.10', headers: HEADERS }, reply => heard.push(reply.code));
  const ok = answerTo(p.last('a', 'INVITE'), 200, 'OK', {
    headers: ['Contact: <sip:bob@192.0.2.12>', 'Record-Route: <sip:192.0.2.11;lr>'],
  });
  expect(p.from('a', ok)).toEqual(['b ACK']);
  const ack = p.last('b', 'ACK');
  expect([ack.split(' ')[1], header(ack, 'Route')]).toEqual(['sip:bob@192.0.2.12', '<sip:192.0.2.11;lr>']);
  expect(p.from('a', ok)).toEqual(['b ACK']);
  tm.request({ method: 'INVITE', ruri: 'sip:bob@192.0.2.10', headers: HEADERS }, reply => heard.push(reply.code));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 486))).toEqual(['a ACK']);
  expect(heard).toEqual([200, 486]);
  p.after(60_000);
  expect(p.left()).toEqual(NOTHING);
});

test('event tm:local-request may change where it goes, or stop it', () => {
  const p = proxy(
    `function ksr_request_route() end
     function ev(name) KSR.err(name .. " " .. KSR.pv.get("$rm")) if KSR.kx.gete_ruser() == "stop" then KSR.x.drop() end
       KSR.pv.sets("$du", "sip:192.0.2.11") KSR.hdr.append("X-Ev: 1\\r\\n") end`,
    { modparams: [{ module: 'tm', name: 'event_callback', value: 'ev' }] },
  );
  const tm = p.tm as TmModule;
  tm.request({ method: 'OPTIONS', ruri: 'sip:bob@192.0.2.10', headers: HEADERS });
  expect(header(p.last('b', 'OPTIONS'), 'X-Ev')).toBe('1');
  expect(tm.request({ method: 'OPTIONS', ruri: 'sip:stop@192.0.2.10', headers: HEADERS })).toBe(false);
  expect(p.errors()[0]).toBe('tm:local-request OPTIONS');
});

test('event tm:local-response hears of answers that we made', () => {
  const p = proxy(
    `function ksr_request_route() KSR.tm.t_send_reply(404, "No") end function ev(name) KSR.err(name .. " " .. KSR.tm.t_get_status_code()) end`,
    { modparams: [{ module: 'tm', name: 'event_callback_lres_sent', value: 'ev' }] },
  );
  p.from('uac', ask('OPTIONS'));
  expect(p.errors()).toEqual(['tm:local-response 404']);
});

test('on_sl_reply sees replies of no transaction and may drop them', () => {
  const p = proxy(
    `function ksr_request_route() KSR.tm.t_relay() end function stray(name) KSR.err(name) if KSR.kx.get_status() == 500 then KSR.x.drop() end end`,
    { modparams: [{ module: 'tm', name: 'on_sl_reply', value: 'stray' }] },
  );
  const stray = (code: number) =>
    answerTo(
      `OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKy\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: s\r\nCSeq: 1 OPTIONS\r\n\r\n`,
      code,
    );
  expect(p.from('a', stray(200))).toEqual(['uac 200']);
  expect(p.from('a', stray(500))).toEqual([]);
  expect(p.errors()).toEqual(['tm:sl-reply', 'tm:sl-reply']);
});

test('events for other modules', () => {
  const p = proxy(
    'function ksr_request_route() if KSR.is_CANCEL() then KSR.tm.t_relay() return end if KSR.is_ACK() then KSR.err(KSR.tm.t_check_trans()) return end KSR.tm.t_relay() end',
  );
  const tm = p.tm as TmModule;
  const seen: string[] = [];
  const stops = [
    tm.on('request-in', e => seen.push(`in ${e.request.method}`)),
    tm.on('response-in', e => seen.push(`reply ${e.code}`)),
    tm.on('response-out', e => seen.push(`out ${e.code} ${e.reply ? 'relayed' : 'ours'}`)),
    tm.on('failure', e => seen.push(`failure ${e.code}`)),
    tm.on('e2e-ack', () => seen.push('ack')),
    tm.on('e2e-cancel', () => seen.push('cancel')),
    tm.on('destroy', () => seen.push('gone')),
  ];
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 200));
  p.from('uac', ask('ACK', { branch: 'z9hG4bKa', toTag: 'uas' }));
  expect(p.errors()).toEqual(['1']);
  p.after(6000);
  expect(seen).toEqual(['in INVITE', 'out 100 ours', 'reply 200', 'out 200 relayed', 'ack', 'gone']);
  seen.length = 0;
  p.from('uac', ask('INVITE', { id: '2' }));
  p.from('a', answerTo(p.last('a', 'INVITE'), 486));
  expect(seen).toEqual(['in INVITE', 'out 100 ours', 'reply 486', 'failure 486', 'out 486 relayed']);
  for (const stop of stops) stop();
  seen.length = 0;
  p.from('uac', ask('INVITE', { id: '3' }));
  expect(seen).toEqual([]);
});

test('a listener hears of the answers that it wants only', () => {
  const p = proxy(script('if KSR.pv.get("$ci") == "2@example.com" then KSR.setflag(3); end KSR.tm.t_relay()'));
  const tm = p.tm as TmModule;
  const seen: string[] = [];
  tm.on('response-out', e => seen.push(`out ${e.code}`));
  tm.on('response-out', e => seen.push(`flagged ${e.code}`), { flags: 1 << 3 });
  tm.on('response-out', e => seen.push(`final ${e.code}`), { from: 200 });
  tm.on('failure', e => seen.push(`missed ${e.code}`), { flags: (1 << 3) | (1 << 5), from: 300 });
  for (const id of ['1', '2']) {
    p.from('uac', ask('INVITE', { id }));
    p.from('a', answerTo(p.last('a', 'INVITE'), 486));
  }
  expect(seen).toEqual([
    ...['out 100', 'out 486', 'final 486'],
    ...['out 100', 'flagged 100', 'missed 486', 'out 486', 'flagged 486', 'final 486'],
  ]);
});

test('RPC: stats, list, reply, cancel, t_uac_start and t_uac_wait', async () => {
  const p = proxy(script('KSR.tm.t_relay()'));
  const { rpc } = p.runtime;
  p.from('uac', ask('INVITE'));
  const [row] = (await rpc.call('tm.list', [])) as { tindex: number; tlabel: number; callid: string }[];
  expect(row).toMatchObject({ method: 'INVITE', callid: '1@example.com', outgoings: 1 });
  await expect(rpc.call('tm.reply', [480, 'Later', '1:0'])).rejects.toThrow('no such transaction');
  await rpc.call('tm.reply', [480, 'Later', `${row!.tindex}:${row!.tlabel}`]);
  expect(p.out()).toContain('uac 480');
  p.from('uac', ask('OPTIONS', { id: '5' }));
  await rpc.call('tm.reply_callid', [480, 'Later', '5@example.com', 1]);
  expect(p.out()).toContain('uac 480');
  const waiting = rpc.call('tm.t_uac_wait', ['OPTIONS', 'sip:bob@192.0.2.10', '.', '.', HEADERS]);
  await p.settle();
  const sent = p.sent.findLast(s => s.text.startsWith('OPTIONS sip:bob@192.0.2.10') && s.text.includes('X-A: 1'))!.text;
  p.from('a', answerTo(sent, 200, 'Fine'));
  expect(await waiting).toEqual({ code: 200, text: 'Fine' });
  await rpc.call('tm.t_uac_start', [
    'INVITE',
    'sip:bob@192.0.2.12',
    '.',
    '.',
    `${HEADERS}Call-ID: own\r\nCSeq: 5 INVITE\r\n`,
  ]);
  p.from('c', answerTo(p.last('c', 'INVITE'), 180));
  await rpc.call('tm.cancel', ['own', 5]);
  expect(p.out()).toContain('c CANCEL');
  expect(await rpc.call('tm.stats', [])).toMatchObject({ total_local: 2, '2xx': 1 });
  expect(p.runtime.stats.get('tmx', 'UAC_transactions')).toBe(2);
  p.after(130_000);
  expect(p.left()).toEqual(NOTHING);
});
