import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { bytesAt, openCore, output, sip, statusName, withMsg } from '../../../support/core.ts';

const core = openCore();
const { x } = core;
const OK = bytesAt(core, 'OK');
const REQUEST = ['OPTIONS sip:b@x sip/2.0', 'Via: SIP/2.0/UDP h', 'To: <sip:b@x>;tag=1'];
const build = (text: string) => withMsg(core, text, m => output(core, x.replyBuild(m.at, 200, OK, 2)));

test('replyBuild() writes the version in capitals', () => {
  expect(build(sip(REQUEST))).toBe(
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nTo: <sip:b@x>;tag=1\r\nContent-Length: 0\r\n\r\n',
  );
});

test('setServerHeader() is carried by replies until it is set to nothing', () => {
  const line = 'Server: kemi-wasm (x)';
  x.setServerHeader(bytesAt(core, line), line.length);
  expect(build(sip(REQUEST))).toContain('\r\nServer: kemi-wasm (x)\r\nContent-Length: 0\r\n');
  x.setServerHeader(0, 0);
  expect(build(sip(REQUEST))).not.toContain('Server');
});

test('replyBuild() ends lines with CRLF where the request had LF, or nothing', () => {
  expect(build('OPTIONS sip:b@x SIP/2.0\nVia: SIP/2.0/UDP h\nTo: <sip:b@x>;tag=1')).toBe(
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nTo: <sip:b@x>;tag=1\r\nContent-Length: 0\r\n\r\n',
  );
});

test('replyBuild() works without a source address: then the Via stays as it is', () => {
  expect(build(sip([REQUEST[0]!, 'Via: SIP/2.0/UDP h;rport', REQUEST[2]!]))).toContain(
    '\r\nVia: SIP/2.0/UDP h;rport\r\n',
  );
});

test('setReplyBody() gives the reply a body once', () => {
  withMsg(core, sip(REQUEST), m => {
    expect(m.setReplyBody('hello', 'text/plain')).toBe(true);
    expect(m.setReplyBody('again', 'a/b')).toBe(false);
    expect(output(core, x.replyBuild(m.at, 200, OK, 2))).toMatch(
      /tag=1\r\nContent-Type: text\/plain\r\nContent-Length: 5\r\n\r\nhello$/,
    );
  });
});

test.each([
  [0, 0],
  [L.ST_EMPTY, 0],
  [-L.ST_VERSION, 505],
  [L.ST_SCHEME, 416],
  [L.ST_TOO_BIG, 513],
  [L.ST_MANY_HDRS, 513],
  [L.ST_NO_SLOT, 503],
  [-L.ST_NO_MEMORY, 503],
  [L.ST_VIA, 400],
  [-L.ST_CSEQ_METHOD, 400],
])('statusToReply(%i) is %i', (status, code) => {
  expect(x.statusToReply(status)).toBe(code);
});

test.each([
  ['Max-Forwards: 70', 70],
  ['Max-Forwards: 0070', 70],
  ['Max-Forwards: 0', 0],
  ['Max-Forwards: 255', 255],
  ['Max-Forwards: 256', 'ST_MAX_FORWARDS'],
  ['Max-Forwards: -1', 'ST_MAX_FORWARDS'],
  ['Max-Forwards: 7 0', 'ST_MAX_FORWARDS'],
  ['Max-Forwards:', 'ST_MAX_FORWARDS'],
  ['X: y', 'ST_MISSING'],
])('maxForwards() of %j is %s', (line, value) => {
  withMsg(core, sip(['OPTIONS sip:x SIP/2.0', line]), m => {
    const found = x.maxForwards(m.at);
    expect(found < 0 ? statusName(found) : found).toBe(value);
    expect(m.maxForwards).toBe(typeof value === 'number' ? value : undefined);
  });
});

test.each([
  ['Expires: 3600', 3600],
  ['Expires: 4294967295', 2147483647],
  ['Expires: 4294967296', 'ST_EXPIRES'],
  ['Expires: soon', 'ST_EXPIRES'],
  ['X: y', 'ST_MISSING'],
])('expires() of %j is %s', (line, value) => {
  withMsg(core, sip(['REGISTER sip:x SIP/2.0', line]), m => {
    const found = x.expires(m.at);
    expect(found < 0 ? statusName(found) : found).toBe(value);
  });
});

test.each([
  ['Sat, 13 Nov 2010 23:29:00 GMT', 'ST_OK'],
  ['Sat, 13 Nov 2010 23:29:00 gmt', 'ST_OK'],
  ['Sat, 13 Nov 2010 23:29:00 EST', 'ST_DATE'],
  ['Sat, 13 Nov 2010 23:29:00', 'ST_DATE'],
  ['Sat, 3 Nov 2010 23:29:00 GMT', 'ST_DATE'],
  ['', 'ST_DATE'],
])('msgStrict() of Date %j is %s', (date, status) => {
  const lines = ['Via: SIP/2.0/UDP h', 'From: <sip:a@x>', 'To: <sip:b@x>', 'Call-ID: c', 'CSeq: 1 OPTIONS'];
  withMsg(core, sip(['OPTIONS sip:x@y SIP/2.0', ...lines, `Date: ${date}`]), m => {
    expect(statusName(m.verdict)).toBe(status);
    expect(statusName(m.verdict)).toBe(status);
  });
});

test.each(['parseUriAt', 'parseAddrAt', 'parseViaAt', 'parseCredentials'])(
  '%s() refuses more bytes than its offsets reach',
  parser => {
    const text = `sip:${'a'.repeat(70000)}@x`;
    const at = bytesAt(core, text);
    expect(x[parser](at, text.length, x.scratchArea())).toBeLessThan(0);
    core.lua.free(at);
  },
);
