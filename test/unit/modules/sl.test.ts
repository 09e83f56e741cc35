import { expect, test } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { testRuntime } from '../../support/runtime.ts';

const FROM = { ip: '127.0.0.1', port: 5062 };
const request = (method: string, more: Record<string, string> = {}, branch = 'z9hG4bKa') => {
  const headers = {
    Via: `SIP/2.0/UDP 127.0.0.1:5062;rport;branch=${branch}`,
    From: '<sip:a@example.net>;tag=f',
    To: '<sip:b@example.com>',
    'Call-ID': 'c',
    CSeq: `1 ${method}`,
    'Max-Forwards': '70',
    'Content-Length': '0',
    ...more,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return bytesOf([`${method} sip:b@example.com SIP/2.0`, ...lines, '', ''].join('\r\n'));
};
const script = (body: string) => `function ksr_request_route() ${body} end`;
const header = (text: string, name: string) => new RegExp(`^${name}: (.*)\\r$`, 'm').exec(text)?.[1];

test('sl_send_reply() answers, counts by code, and gives a retransmission the same To tag', () => {
  const { runtime, sent } = testRuntime(script("KSR.sl.sl_send_reply(404, 'Nobody')"));
  runtime.receive(request('INVITE'), FROM);
  runtime.receive(request('INVITE'), FROM);
  expect(sent.map(s => s.text.split('\r\n')[0])).toEqual(['SIP/2.0 404 Nobody', 'SIP/2.0 404 Nobody']);
  expect(header(sent[0]!.text, 'To')).toMatch(/^<sip:b@example\.com>;tag=[0-9a-f]{32}\.[0-9a-f]{8}$/);
  expect(header(sent[1]!.text, 'To')).toBe(header(sent[0]!.text, 'To'));
  const counter = (name: string) => runtime.stats.get('sl', name);
  expect([
    counter('404_replies'),
    counter('4xx_replies'),
    counter('sent_replies'),
    counter('sent_err_replies'),
  ]).toEqual([2, 0, 2, 2]);
});

test('sl.stats gives the counters by code', async () => {
  const { runtime } = testRuntime(script("KSR.sl.sl_send_reply(486, 'Busy')"));
  runtime.receive(request('INVITE'), FROM);
  expect(await runtime.rpc.call('sl.stats', [])).toMatchObject({ 200: 0, 404: 0, '4xx': 1, xxx: 0 });
});

test('an ACK to our own reply is taken away for two seconds, a foreign one reaches the script', () => {
  const { runtime, sent, log, advance } = testRuntime(
    script("KSR.err(KSR.kx.get_method()) KSR.sl.sl_send_reply(404, 'Nobody')"),
  );
  const methods = () => log.lines.filter(l => l.level === 'error').map(l => l.message);
  runtime.receive(request('INVITE'), FROM);
  const to = header(sent[0]!.text, 'To')!;
  runtime.receive(request('ACK', { To: to }), FROM);
  expect(methods()).toEqual(['INVITE']);
  expect(runtime.stats.get('sl', 'received_ACKs')).toBe(1);
  runtime.receive(request('ACK', { To: to }, 'z9hG4bKother'), FROM);
  runtime.receive(request('ACK', { To: to.slice(0, -1) }), FROM);
  expect(methods()).toEqual(['INVITE', 'ACK', 'ACK']);
  advance(2100);
  runtime.receive(request('ACK', { To: to }), FROM);
  expect(methods()).toHaveLength(4);
  expect(sent).toHaveLength(1); // an ACK is never answered
});

test('sl_send_reply() refuses an empty reason and codes that are none', () => {
  const codes = [
    [200, ''],
    [99, 'x'],
    [700, 'x'],
    [-5, 'x'],
    [1000, 'x'],
  ]
    .map(([code, reason]) => `KSR.sl.sl_send_reply(${code}, '${reason}')`)
    .join(" .. ' ' .. ");
  const { runtime, sent, log } = testRuntime(script(`KSR.err(${codes} .. ' ' .. KSR.sl.send_reply(200, nil))`));
  runtime.receive(request('OPTIONS'), FROM);
  expect(log.lines.at(-1)!.message).toBe('-1 -1 -1 -1 -1 -1');
  expect(sent).toEqual([]);
});

test('sl_reply_error() replies 500 once, and not behind a final reply', () => {
  const { runtime, sent, log } = testRuntime(
    script("KSR.sl.sl_send_reply(100, 'T') KSR.err(KSR.sl.sl_reply_error() .. ' ' .. KSR.sl.send_reply_error())"),
  );
  runtime.receive(request('INVITE'), FROM);
  expect(log.lines.at(-1)!.message).toBe('1 -2');
  expect(sent.map(s => s.text.split('\r\n')[0])).toEqual([
    'SIP/2.0 100 T',
    "SIP/2.0 500 I'm terribly sorry, server error occurred (1/SL)",
  ]);
});

test('a redirection carries the request URI that the script set, unless it added a Contact', () => {
  const run = (body: string) => {
    const { runtime, sent } = testRuntime(script(`${body} KSR.sl.sl_send_reply(302, 'Moved')`));
    runtime.receive(request('INVITE'), FROM);
    return sent[0]!.text.match(/^Contact:.*(?=\r$)/gm);
  };
  expect(run('')).toBeNull();
  expect(run("KSR.seturi('sip:new@h.org;x=y')")).toEqual(['Contact: <sip:new@h.org;x=y>']);
  expect(run("KSR.hdr.append_to_reply('m: <sip:mine>\\r\\n') KSR.seturi('sip:new@h.org')")).toBeNull();
  expect(run("KSR.hdr.append_to_reply('Contact : <sip:mine>\\r\\n') KSR.seturi('sip:new@h.org')")).toBeNull();
});

const REPLY = bytesOf(
  [
    'SIP/2.0 486 Busy Here',
    'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours',
    'Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKa',
    'From: <sip:a@example.net>;tag=f',
    'To: <sip:b@example.com>;tag=t',
    'Call-ID: c',
    'CSeq: 1 INVITE',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n'),
);

test('sl_forward_reply() relays with another code of the same class', () => {
  const { runtime, sent, log } = testRuntime(
    `function ksr_request_route() KSR.err(KSR.sl.sl_forward_reply('', '')) end
    function ksr_reply_route()
      KSR.err(KSR.sl.sl_forward_reply('600', 'x') .. ' ' .. KSR.sl.sl_forward_reply('abc', 'x'))
      KSR.err(KSR.sl.sl_forward_reply('480', 'Later') .. '') KSR.x.drop()
    end`,
  );
  runtime.receive(REPLY, FROM);
  expect(log.lines.filter(l => l.level === 'error').map(l => l.message)).toEqual(['-1 -1', '1']);
  expect(sent.map(s => [s.text.split('\r\n').slice(0, 2), s.port])).toEqual([
    [['SIP/2.0 480 Later', 'Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKa'], 5062],
  ]);
  runtime.receive(request('OPTIONS'), FROM);
  expect(log.lines.at(-1)!.message).toBe('-1');
});
