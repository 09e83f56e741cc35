import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { openCore, output, sip, statusName, withMsg } from '../../../support/core.ts';

const core = openCore();
const LINES = [
  'INVITE sip:bob@example.com SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport',
  'f: "A \\"B\\"" <sip:alice@example.com>;tag=ft',
  'TO : <sip:bob@example.com>',
  'Call-ID: abc@192.0.2.1',
  'CSeq: 7 INVITE',
  'Subject:  folded',
  '\there ',
  'X-Thing: 1',
  'Content-Length: 4',
];

test('msgIndex() finds every header by id in any case and form', () => {
  withMsg(core, sip(LINES, 'body'), (m, status) => {
    expect(status).toBe(0);
    expect(m.isRequest).toBe(true);
    expect(m.method).toBe('INVITE');
    expect(m.methodId).toBe(L.METHOD_INVITE);
    expect(m.originalUri).toBe('sip:bob@example.com');
    expect([...m.headers()].map(h => [h.id, h.name, h.body])).toEqual([
      [L.HDR_VIA, 'Via', 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport'],
      [L.HDR_FROM, 'f', '"A \\"B\\"" <sip:alice@example.com>;tag=ft'],
      [L.HDR_TO, 'TO', '<sip:bob@example.com>'],
      [L.HDR_CALL_ID, 'Call-ID', 'abc@192.0.2.1'],
      [L.HDR_CSEQ, 'CSeq', '7 INVITE'],
      [L.HDR_SUBJECT, 'Subject', 'folded\r\n\there'],
      [0, 'X-Thing', '1'],
      [L.HDR_CONTENT_LENGTH, 'Content-Length', '4'],
    ]);
    expect(m.contentLength).toBe(4);
    expect(m.body).toBe('body');
    expect(m.from).toEqual({ display: '"A \\"B\\""', uri: 'sip:alice@example.com', params: 'tag=ft', tag: 'ft' });
    expect(m.to?.tag).toBe('');
    expect(m.cseq).toEqual({ number: 7, method: 'INVITE' });
    expect(m.via).toMatchObject({ transport: 'UDP', host: '192.0.2.1', port: 5070, branch: 'z9hG4bK1', rport: '' });
    expect(m.ruriParts).toEqual({ scheme: L.SCHEME_SIP, user: 'bob', host: 'example.com', port: 0 });
    expect(output(core, core.x.msgWrite(m.at))).toBe(sip(LINES, 'body'));
  });
  expect(core.x.msgLive()).toBe(0);
});

test.each([
  ['', 'ST_EMPTY', 0],
  ['\r\n\r\n', 'ST_EMPTY', 0],
  ['INVITE sip:a@b SIP/2.0', 'ST_FIRST_LINE', 0],
  ['INVITE  sip:a@b SIP/2.0\r\n\r\n', 'ST_FIRST_LINE', 7],
  ['INVITE sip:a@b SIP/2.0 \r\n\r\n', 'ST_FIRST_LINE', 15],
  ['INVITE sip:a@b SIP/3.0\r\n\r\n', 'ST_VERSION', 15],
  ['SIP/7.0 200 OK\r\n\r\n', 'ST_VERSION', 0],
  ['SIP/2.0 099 OK\r\n\r\n', 'ST_STATUS', 8],
  ['SIP/2.0 4294967301 OK\r\n\r\n', 'ST_STATUS', 8],
  ['IN{VITE sip:a@b SIP/2.0\r\n\r\n', 'ST_METHOD', 0],
  ['INVITE sip:a@b SIP/2.0\r\nNo colon\r\n\r\n', 'ST_NO_COLON', 24],
  ['INVITE sip:a@b SIP/2.0\r\n: x\r\n\r\n', 'ST_HDR_NAME', 24],
  ['INVITE sip:a@b SIP/2.0\r\nTo\x01: x\r\n\r\n', 'ST_HDR_NAME', 24],
  ['INVITE sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n', 'ST_CONTENT_LENGTH', 40],
  ['INVITE sip:a@b SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n', 'ST_CONTENT_LENGTH', 33],
])('msgIndex(%j) is %s at %i', (text, name, offset) => {
  withMsg(core, text, (m, status) => {
    expect(statusName(status)).toBe(name);
    expect(statusName(core.mem.u16(m.at + L.M_ERR))).toBe(name);
    expect(core.mem.u16(m.at + L.M_ERROFF)).toBe(offset);
  });
});
