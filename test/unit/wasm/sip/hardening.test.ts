/** The bug classes that SIP parsers died of, one by one: what the core makes of each. */
import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import type { SipMsg } from '../../../../src/core/sip-msg.ts';
import { bytesAt, openCore, output, sip, statusName, withMsg } from '../../../support/core.ts';

const core = openCore();
const { x } = core;
const OK = bytesAt(core, 'OK');
const VIA = 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa';
const HEAD = [VIA, 'From: <sip:a@x>;tag=f', 'To: <sip:b@x>', 'Call-ID: c', 'CSeq: 1 OPTIONS'];
const request = (replace: Record<string, string | string[]> = {}, more: string[] = [], uri = 'sip:b@x') =>
  sip([`OPTIONS ${uri} SIP/2.0`, ...HEAD.flatMap(line => replace[line.slice(0, line.indexOf(':'))] ?? line), ...more]);
const check = (text: string) => withMsg(core, text, (m, status) => statusName(status || x.msgCheck(m.at)));
const strict = (text: string) => withMsg(core, text, (m, status) => statusName(status || x.msgStrict(m.at)));
const replyTo = (m: SipMsg) => output(core, x.replyBuild(m.at, 400, OK, 2));
const reply = (text: string) => withMsg(core, text, replyTo);

test('1: two To headers are rejected, the reply has one; an empty tag is no tag', () => {
  const twice = request({ To: ['To: <sip:b@x>', 'To: <sip:c@x>;tag='] });
  expect(check(twice)).toBe('ST_DUP_HEADER');
  expect(reply(twice).match(/^To:/gm)).toHaveLength(1);
  for (const name of ['From', 'Call-ID', 'CSeq']) {
    const line = HEAD.find(l => l.startsWith(name))!;
    expect(check(request({ [name]: [line, line] }))).toBe('ST_DUP_HEADER');
  }
  expect(check(request({}, ['Max-Forwards: 1', 'Max-Forwards: 1']))).toBe('ST_DUP_HEADER');
  expect(check(request({ To: ['To: <sip:b@x>', 't : <sip:c@x>'] }))).toBe('ST_DUP_HEADER');
  withMsg(core, request({ To: 'To: <sip:b@x>;tag=' }), m => {
    expect(m.to!.tag).toBe('');
    expect(replyTo(m)).toMatch(/^To: <sip:b@x>;tag=;tag=[0-9a-f]{32}\.[0-9a-f]{8}\r$/m);
  });
});

test.each([
  '',
  ';',
  'SIP/2.0',
  'SIP/2.0/',
  'SIP/2.0/UDP',
  'SIP/2.0/UDP ',
  'SIP/2.0/UDP ;branch=x',
  'SIP/2.0/UDP h:',
  'SIP/2.0/UDP h:99999',
  'SIP/2.0/UDP h;=',
  'SIP/2.0/UDP h;;',
  'SIP/2.0/UDP h;x="',
  'SIP/2.0/UDP [',
  'SIP/2.0/UDP []',
  'SIP/2.0/UDP [::1',
  'SIP/2.0/UDP "h"',
  'SIP/2.0/UDP h h',
])('2 and 7: a Via of %j gives no Via, and reply and To tag do without it', value => {
  withMsg(core, request({ Via: `Via: ${value}` }), (m, status) => {
    expect(status).toBe(0);
    expect(statusName(x.msgCheck(m.at))).toBe('ST_VIA');
    expect(m.via).toBeUndefined();
    expect(replyTo(m)).toMatch(/^To: <sip:b@x>;tag=[0-9a-f.]{41}\r$/m);
  });
});

test('2: without Via there is no reply', () => {
  withMsg(core, request({ Via: [] }), m => {
    expect(statusName(x.msgCheck(m.at))).toBe('ST_NO_VIA');
    expect(statusName(x.replyBuild(m.at, 400, OK, 2))).toBe('ST_NO_VIA');
    expect(statusName(x.msgReplyForward(m.at))).toBe('ST_NO_VIA');
  });
});

test('3 and 4: branch, tag and Call-ID of 60 kB are carried whole, no buffer has a size of its own', () => {
  const long = 'x'.repeat(60000);
  const cases: Record<string, string>[] = [
    { Via: `Via: SIP/2.0/UDP h;branch=z9hG4bK${long}` },
    { From: `From: <sip:a@x>;tag=${long}` },
    { 'Call-ID': `Call-ID: ${long}` },
  ];
  for (const replace of cases) {
    const text = request(replace);
    expect(check(text)).toBe('ST_OK');
    expect(reply(text)).toContain(Object.values(replace)[0]!);
  }
});

test('5: NUL and folds anywhere in a value are bytes like others', () => {
  const value = 'a\0b\r\n \tc\r\n  d\0';
  withMsg(core, request({}, [`Identity: ${value}`, 'X: "\0']), m => {
    expect(m.first(L.HDR_IDENTITY)!.body).toBe(value);
    expect(m.named('x')[0]!.body).toBe('"\0');
    expect(statusName(x.msgCheck(m.at))).toBe('ST_OK');
  });
  withMsg(core, `${request().slice(0, -2)}Identity: a\r\n \0`, m => {
    expect(m.first(L.HDR_IDENTITY)!.body).toBe('a\r\n \0');
  });
});

test.each([
  '',
  '<',
  '<>',
  '"',
  '"\\',
  '"x" ',
  '<sip:b@x',
  '<sip:b@x>;tag="',
  '<sip:b@x>x',
  ';',
  ',',
  '<sip:b@x>;tag=1;tag=2',
])('8: a To of %j is an error, not a trap', value => {
  expect(check(request({ To: `To: ${value}` }))).toMatch(/^ST_(ADDR|DUP_TAG|OK)$/);
  expect(strict(request({ To: `To: ${value}` }))).toMatch(/^ST_(ADDR|DUP_TAG)$/);
  expect(reply(request({ To: `To: ${value}` }))).toMatch(/^SIP\/2\.0 400 OK\r\n/);
});

test.each([
  '-1',
  'five',
  '4294967297',
  '99999999999999999999',
  '2147483648',
  '1 2',
  '0x10',
  '',
  '+1',
  '1\r\nContent-Length: 2',
])('9: Content-Length %j is an error at its place', value => {
  withMsg(core, request({}, [`Content-Length: ${value}`]), (m, status) => {
    expect(statusName(status)).toBe('ST_CONTENT_LENGTH');
    expect(core.mem.u16(m.at + L.M_ERROFF)).toBeGreaterThan(100);
    expect(replyTo(m)).toContain('Call-ID: c\r\n');
  });
});

test('9: a large Content-Length that is a number is used for nothing but the verdict', () => {
  const text = request({}, ['Content-Length: 2147483647']);
  expect(check(text)).toBe('ST_OK');
  expect(strict(text)).toBe('ST_CONTENT_LENGTH');
  withMsg(core, text, m => {
    expect(output(core, x.msgWrite(m.at))).toBe(text);
  });
});

test.each(['%', '%4', '%zz', 'a%', '%00%00'])('10: %s at any place of a URI is bytes like others', percent => {
  for (const uri of [`sip:${percent}@x`, `sip:x${percent}`, `sip:a@x;p=${percent}`, `sip:a@x;${percent}`]) {
    withMsg(core, request({}, [`Contact: <${uri}>`], uri), m => {
      expect(m.ruriParts).toBeDefined();
      expect([...m.addresses(L.HDR_CONTACT)].map(a => a.uri)).toEqual([uri]);
      expect(statusName(x.msgStrict(m.at))).toBe('ST_OK');
    });
  }
  expect(strict(request({}, [`Contact: ${percent}`]))).toBe('ST_CONTACT');
});

test('10: lines shorter than what they are compared with', () => {
  for (const line of [
    '',
    'S',
    'SIP',
    'SIP/2.0',
    'SIP/2.0 ',
    'SIP/2.0 2',
    'SIP/2.0 20',
    'A',
    'A b',
    'A b S',
    'A b SIP/2.',
  ])
    expect(check(`${line}\r\n\r\n`)).toMatch(/^ST_(EMPTY|FIRST_LINE|STATUS|VERSION)$/);
  for (const uri of ['s', 'si', 'sip', 'sip:', 'sips:', 'tel:', 'urn', ':', '::'])
    expect(strict(request({}, [], uri))).toMatch(/^ST_(URI|SCHEME)$/);
});

test('12: a body is opaque, whatever its boundaries', () => {
  const body = '--b\r\n\r\n--b--\r\n--b\r\n\0\xff\r\n--b';
  const text = sip(
    ['OPTIONS sip:b@x SIP/2.0', ...HEAD, 'Content-Type: multipart/mixed;boundary=b', `Content-Length: ${body.length}`],
    body,
  );
  withMsg(core, text, m => {
    expect(m.body).toBe(body);
    expect(output(core, x.msgWrite(m.at))).toBe(text);
  });
});

test('13: numbers of a message that overflow are errors', () => {
  expect(strict(request({}, ['Max-Forwards: 256']))).toBe('ST_MAX_FORWARDS');
  expect(strict(request({}, ['Max-Forwards: 99999999999999999999']))).toBe('ST_MAX_FORWARDS');
  expect(strict(request({}, ['Expires: 4294967296']))).toBe('ST_EXPIRES');
  expect(strict(request({}, ['Contact: <sip:a@x>;expires=4294967296']))).toBe('ST_EXPIRES');
  expect(check(request({ CSeq: 'CSeq: 2147483648 OPTIONS' }))).toBe('ST_CSEQ');
  expect(check(request({ CSeq: 'CSeq: 99999999999999999999 OPTIONS' }))).toBe('ST_CSEQ');
  expect(strict(request({}, [], 'sip:a@x:65536'))).toBe('ST_URI');
  expect(check(sip(['SIP/2.0 4294967301 OK', ...HEAD]))).toBe('ST_STATUS');
});

test.each([
  ['To', '<sip:b@x>;;tag=1', 'ST_ADDR'],
  ['To', '<sip:b@x>;', 'ST_ADDR'],
  ['From', '<sip:a@x>;tag=1;', 'ST_ADDR'],
  ['From', '<sip:a@x>;tag=1;x="a;b"', 'ST_OK'],
  ['Via', 'SIP/2.0/UDP h,', 'ST_VIA'],
  ['Via', 'SIP/2.0/UDP h, junk', 'ST_VIA'],
  ['Via', 'SIP/2.0/UDP h\r\nVia: junk', 'ST_VIA'],
  ['Via', 'SIP/2.0/UDP h , SIP/2.0/TCP i;x=y', 'ST_OK'],
])('msgStrict() of %s %j is %s, msgCheck() lets it pass', (name, value, status) => {
  const text = request({ [name]: `${name}: ${value}` });
  expect(check(text)).toBe('ST_OK');
  expect(strict(text)).toBe(status);
});

test('14: long runs of what parsers loop over take time in proportion', () => {
  const runs = ['"\\"', ';', ',', '<', '\r\n ', ' ', '=', ';a="', '<sip:a@b>,', '%'];
  for (const run of runs) {
    const value = run.repeat(Math.floor(60000 / run.length));
    const text = request({}, [`Contact: ${value}`, `To: ${value}`]).slice(0, 65000);
    const start = performance.now();
    withMsg(core, text, m => {
      x.msgStrict(m.at);
      m.addressesParse(L.HDR_CONTACT);
      x.parseTo(m.at);
    });
    expect(performance.now() - start).toBeLessThan(500);
  }
});

test('15: only SP and HTAB may stand before the colon; blanks, folds, compact forms and cases name one header', () => {
  for (const c of ['\x01', '\0', '\x0b', '\x0c', '\x7f', '\xa0'])
    expect(check(request({ To: `To${c}: <sip:b@x>` }))).toBe('ST_HDR_NAME');
  for (const name of ['To', 'TO', 'tO ', 'To\t ', 't', 'T '])
    withMsg(core, request({ To: `${name}: <sip:b@x>` }), m => {
      expect(m.first(L.HDR_TO)!.body).toBe('<sip:b@x>');
      expect(m.named('t')).toHaveLength(1);
    });
  withMsg(core, request({}, ['X-Foo : 1', 'x-foo:2', 'X-FOO\t:\r\n 3']), m => {
    expect(m.named('X-Foo').map(h => h.body)).toEqual(['1', '2', '3']);
    for (const h of m.named('X-Foo')) expect(m.removeHeader(h.index)).toBe(true);
    expect(m.applied()).not.toMatch(/x-foo/i);
  });
});

test('a reason phrase cannot begin a header', () => {
  withMsg(core, request(), m => {
    const reason = 'O\r\nX: y\0';
    const written = output(core, x.replyBuild(m.at, 200, bytesAt(core, reason), reason.length));
    expect(written.startsWith('SIP/2.0 200 O  X: y \r\nVia: ')).toBe(true);
  });
});

test('what does not fit the output area is refused', () => {
  withMsg(core, request(), m => {
    const big = m.store('x'.repeat(100_000));
    for (let i = 0; i < 2; i++) expect(x.editAdd(m.at, 0, 0, big, 100_000, 0)).toBeGreaterThanOrEqual(0);
    expect(statusName(x.msgWrite(m.at))).toBe('ST_TOO_BIG');
    for (let i = 0; i < 2; i++) expect(x.replyAdd(m.at, big, 100_000)).toBeGreaterThanOrEqual(0);
    expect(statusName(x.replyBuild(m.at, 200, OK, 2))).toBe('ST_TOO_BIG');
    expect(statusName(x.replyBuild(m.at, 99, OK, 2))).toBe('ST_STATUS');
  });
});

test('a script that edits for ever is told so', () => {
  withMsg(core, request(), m => {
    let n = 0;
    while (m.appendHeader('X: y\r\n')) n++;
    expect(n).toBe(4096);
    expect(m.applied().match(/^X: y\r$/gm)).toHaveLength(4096);
  });
  expect(x.msgLive()).toBe(0);
});
