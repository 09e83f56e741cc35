import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type ByteStr, bytesOf } from '../../../../src/core/memory.ts';
import { bytesAt, openCore, withMsg } from '../../../support/core.ts';

const core = openCore();
const SIZES = { md5: 16, sha256: 32 } as const;
const hash = (name: 'md5' | 'sha256', text: ByteStr): string => {
  const at = bytesAt(core, text);
  const out = core.lua.malloc(SIZES[name]);
  core.x[name](at, text.length, out);
  const hex = Buffer.from(core.mem.bytes(out, SIZES[name])).toString('hex');
  core.lua.free(at);
  core.lua.free(out);
  return hex;
};

test.each([
  ['md5', '', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['md5', 'message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
  ['md5', '1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
  ['sha256', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'sha256',
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['sha256', 'a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
] as const)('%s of the published vectors', (name, text, hex) => {
  expect(hash(name, text)).toBe(hex);
});

test.each(['md5', 'sha256'] as const)('%s() agrees with node:crypto on every length up to 200', name => {
  for (let n = 0; n <= 200; n++) {
    const text = String.fromCharCode(...Array.from({ length: n }, (_, i) => (i * 37 + n) & 255));
    expect(hash(name, text)).toBe(createHash(name).update(bytesOf(text)).digest('hex'));
  }
});

test.each([
  [0, 0x726fdb47dd0e0e31n],
  [1, 0x74f839c593dc67fdn],
  [7, 0xab0200f58b01d137n],
  [8, 0x93f5f5799a932462n],
  [15, 0xa129ca6149be45e5n],
  [63, 0x958a324ceb064572n],
])('sipHash() of the published vector of %i bytes', (length, hash) => {
  const bytes = String.fromCharCode(...Array.from({ length: 64 }, (_, i) => i));
  const key = bytesAt(core, bytes.slice(0, 16));
  expect(BigInt.asUintN(64, core.x.sipHash(key, bytesAt(core, bytes), length))).toBe(hash);
});

const REQUEST = (via: string, callId = 'c') =>
  `OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP ${via}\r\nCall-ID: ${callId}\r\n\r\n`;
const tag = (message: ByteStr) => withMsg(core, message, m => core.mem.str(core.x.toTag(m.at), 41));
const seed = (text: string) => core.x.setTagSeed(bytesAt(core, text), text.length);

test('toTag() is stable for one request and differs with Via host, port, branch, Call-ID and seed', () => {
  seed('0123456789abcdef');
  const first = tag(REQUEST('h:5;branch=z9hG4bKa'));
  expect(first).toMatch(/^[0-9a-f]{32}\.[0-9a-f]{8}$/);
  expect(tag(REQUEST('h:5;branch=z9hG4bKa;rport'))).toBe(first);
  const others = [
    tag(REQUEST('i:5;branch=z9hG4bKa')),
    tag(REQUEST('h:6;branch=z9hG4bKa')),
    tag(REQUEST('h;branch=z9hG4bKa')),
    tag(REQUEST('h:5;branch=z9hG4bKb')),
    tag(REQUEST('h:5')),
    tag(REQUEST('h:5;branch=z9hG4bKa', 'd')),
    tag(REQUEST('h:5;branch=z9hG4bKa', 'x'.repeat(200))),
    tag(REQUEST('h:5;branch=z9hG4bKa', `${'x'.repeat(199)}y`)),
  ];
  expect(new Set([first, ...others]).size).toBe(9);
  for (const other of others) expect(other.slice(0, 33)).toBe(first.slice(0, 33));
  seed('0123456789abcdeg');
  const reseeded = tag(REQUEST('h:5;branch=z9hG4bKa'));
  expect(reseeded.slice(0, 32)).not.toBe(first.slice(0, 32));
  expect(reseeded.slice(33)).not.toBe(first.slice(33));
});

test('toTag() works on requests whose Via or Call-ID is missing or broken', () => {
  for (const message of ['OPTIONS sip:x SIP/2.0\r\n\r\n', REQUEST(';;,;'), REQUEST('')])
    expect(tag(message)).toMatch(/^[0-9a-f]{32}\.[0-9a-f]{8}$/);
});
