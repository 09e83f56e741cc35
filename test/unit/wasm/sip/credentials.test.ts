import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { bytesAt, openCore, sip, statusName, withMsg } from '../../../support/core.ts';

const core = openCore();
const parse = (text: string) => {
  const at = bytesAt(core, text);
  const status = core.x.parseCredentials(at, text.length, core.x.scratchArea());
  core.lua.free(at);
  return statusName(status);
};

test('parseCredentials() reads all parameters, quotes taken off', () => {
  const value =
    'Digest username="al\\"ice", REALM="a, b", nonce="n", uri="sip:x", response="r", algorithm=MD5, cnonce="c", nc=00000001, qop=auth, opaque="", x=y';
  withMsg(core, sip(['REGISTER sip:x SIP/2.0', `Authorization: ${value}`, 'Proxy-Authorization: Basic abc==']), m => {
    expect([...m.credentials(L.HDR_AUTHORIZATION)]).toEqual([
      {
        index: 0,
        username: 'al\\"ice',
        realm: 'a, b',
        nonce: 'n',
        uri: 'sip:x',
        response: 'r',
        algorithm: 'MD5',
        cnonce: 'c',
        nc: '00000001',
        qop: 'auth',
        opaque: '',
      },
    ]);
    expect([...m.credentials(L.HDR_PROXY_AUTHORIZATION)]).toEqual([]);
  });
});

test.each([
  'NoOneKnowsThisScheme opaque-data=here',
  'Basic YWxhZGRpbjpvcGVuc2VzYW1l',
  'Digest username=a',
  'dIGEST\tusername="a"\r\n ,realm="b"',
])('parseCredentials() accepts %j', text => {
  expect(parse(text)).toBe('ST_OK');
});

// hardening 6 and 13: the ends of a credential where parsers ran over the buffer
test.each([
  '',
  ' ',
  'Digest',
  'Digest ',
  'Digest u',
  'Digest username',
  'Digest username ',
  'Digest username=',
  'Digest username= ',
  'Digest username="',
  'Digest username="a',
  'Digest username="a\\',
  'Digest username="a\\"',
  'Digest username="a",',
  'Digest username="a", ',
  'Digest username="a",,realm="b"',
  'Digest username="a" realm="b"',
  'Digest ="a"',
  'Digest "',
  'Digest ,',
  'Digest username=a"b',
  'Digest username="a", username="b"',
  'Dig\x00est username="a"',
])('parseCredentials() rejects %j', text => {
  expect(parse(text)).toBe('ST_CREDENTIALS');
});
