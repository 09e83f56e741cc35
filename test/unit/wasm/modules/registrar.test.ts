/** What registrar asks of the core: addresses of record, sets of methods, the target of a request, the answer to a REGISTER. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import type { ByteStr } from '../../../../src/core/memory.ts';
import { SipMsg } from '../../../../src/core/sip-msg.ts';
import { bytesAt, openCore, place, sip, withMsg } from '../../../support/core.ts';

const CASE_SENSITIVE = 1;
const DOMAIN = 2;
const METHODS = 4;
const REASONS = [undefined, 'parse', 'long', 'unescape'];

const core = openCore();
const { x, mem } = core;

interface Read {
  aor: ByteStr;
  gr: ByteStr | undefined;
}

/** What a result of lookupRead() says: a text for why not. */
function readOf(read: number): Read | string {
  const why = REASONS[read];
  if (why) return why;
  const gr = mem.u32(read + 8);
  return {
    aor: mem.str(mem.u32(read), mem.u32(read + 4)),
    gr: gr === 0 ? undefined : mem.str(gr, mem.u32(read + 12)),
  };
}

function aorOf(uri: ByteStr, wants: number): Read | string {
  const at = bytesAt(core, uri);
  try {
    return readOf(x.lookupRead(0, at, uri.length, wants));
  } finally {
    core.lua.free(at);
  }
}

const message = (start: string, to = '<sip:bob@example.com>', cseq = '1 INVITE') =>
  sip([
    start,
    'Via: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bK1',
    'From: <sip:a@b>;tag=1',
    `To: ${to}`,
    'Call-ID: c',
    `CSeq: ${cseq}`,
  ]);

test.each([
  ['sip:Alice@Example.COM', DOMAIN, 'alice@example.com', undefined],
  ['sip:Alice@Example.COM', DOMAIN | CASE_SENSITIVE, 'Alice@example.com', undefined],
  ['sip:Alice:pw@Example.COM:5070;transport=tcp', 0, 'alice', undefined],
  ['sip:%41lice%40x@e', 0, 'alice@x', undefined],
  ['sip:%41lice@e', CASE_SENSITIVE, 'Alice', undefined],
  ['sips:a@[::A]', DOMAIN, 'a@[::a]', undefined],
  ['sip:E.com', DOMAIN, '@e.com', undefined],
  ['sip:e.com', 0, '', undefined],
  ['tel:+1-2;x=y', DOMAIN, '+1-2@', undefined],
  ['sip:\xc9\xa0@E', DOMAIN, '\xc9\xa0@e', undefined],
  ['sip:a@b;gr', 0, 'a', ''],
  ['sip:a@b;gr=', 0, 'a', ''],
  ['sip:a@b;x;GR=urn:uuid:1=2;gr=3', 0, 'a', 'urn:uuid:1=2'],
  ['sip:a@b;grr=1;xgr=2', 0, 'a', undefined],
  ['sip:a@b?gr=1', 0, 'a', undefined],
] as const)('%s with %i is stored as "%s"', (uri, wants, aor, gr) => {
  expect(aorOf(uri, wants)).toEqual({ aor, gr });
});

test.each([
  ['alice', 'parse'],
  ['', 'parse'],
  ['sip:a@b c', 'parse'],
  ['sip:a%4@b', 'unescape'],
  ['sip:a%@b', 'unescape'],
  ['sip:a%4g@b', 'unescape'],
  ['sip:a%0a@b', 'unescape'],
  ['sip:a%7F@b', 'unescape'],
  ['sip:%c3%a9@b', 'unescape'],
  [`sip:${'u'.repeat(250)}@1234567`, 'long'],
])('%s has none: %s', (uri, why) => {
  expect(aorOf(uri, DOMAIN)).toBe(why);
});

test('the longest address of record has its room', () => {
  expect(aorOf(`sip:${'u'.repeat(250)}@123456`, DOMAIN)).toEqual({ aor: `${'u'.repeat(250)}@123456`, gr: undefined });
});

test('any URI that parses comes to what its parts say', () => {
  const part = (alphabet: string) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 });
  const uri = fc
    .tuple(part('aZ9%41fF;?&=\xe9'), part('aZ9.-'), part(';gGrR=1x'))
    .map(([user, host, params]) => `sip:${user}@${host}${params && ';'}${params}`);
  fc.assert(
    fc.property(uri, fc.integer({ min: 0, max: 3 }), (text, wants) => {
      const found = aorOf(text, wants);
      const parts = /^sip:([^@]*)@([^;]*)(?:;(.*))?$/.exec(text)!;
      if (found === 'parse' || found === 'long') return;
      const lower = (s: string) => s.replace(/[A-Z]/g, c => c.toLowerCase());
      // a password is no part of it, nor is there one here
      const user = parts[1]!;
      const plain = user.replace(/%([2-7][0-9a-f])/gi, (all, hex) =>
        /7f/i.test(hex) ? all : String.fromCharCode(Number.parseInt(hex, 16)),
      );
      if (/%(?![2-7][0-9a-f])|%7f/i.test(user)) {
        expect(found).toBe('unescape');
        return;
      }
      const name = wants & CASE_SENSITIVE ? plain : lower(plain);
      const gr = (parts[3] ?? '').split(';').find(p => /^gr(=|$)/i.test(p));
      expect(found).toEqual({
        aor: wants & DOMAIN ? `${name}@${lower(parts[2]!)}` : name,
        gr: gr === undefined ? undefined : gr.slice(3),
      });
    }),
    { numRuns: 2000 },
  );
});

test('lookupRead() without a URI takes the request URI as it is now', () => {
  withMsg(core, message('INVITE sip:One@e SIP/2.0'), msg => {
    const read = () => readOf(x.lookupRead(msg.at, 0, 0, DOMAIN));
    expect(read()).toEqual({ aor: 'one@e', gr: undefined });
    msg.ruri = 'sip:two@f;gr=x';
    expect(read()).toEqual({ aor: 'two@f', gr: 'x' });
    msg.ruri = 'nothing';
    expect(read()).toBe('parse');
    msg.revertUri();
    expect(read()).toEqual({ aor: 'one@e', gr: undefined });
  });
  withMsg(core, message('SIP/2.0 200 OK'), msg => {
    expect(readOf(x.lookupRead(msg.at, 0, 0, 0))).toBe('parse');
    msg.ruri = 'sip:two@f';
    expect(readOf(x.lookupRead(msg.at, 0, 0, 0))).toEqual({ aor: 'two', gr: undefined });
  });
});

/** Kamailio's order of methods */
const ORDER =
  'INVITE CANCEL ACK BYE INFO REGISTER SUBSCRIBE NOTIFY MESSAGE OPTIONS PRACK UPDATE REFER PUBLISH KDMQ GET POST PUT DELETE';
const OTHER = 1 << 19;
const bitOf = (method: string) => {
  const at = ORDER.split(' ').indexOf(method);
  return at < 0 ? OTHER : 1 << at;
};

test('the method that a contact must have is that of a request outside of a dialog', () => {
  const needed = (text: string, wants = METHODS) =>
    withMsg(core, text, msg => mem.i32(x.lookupRead(msg.at, bytesAt(core, 'sip:a@b'), 7, wants) + 16));
  for (const method of [...L.METHODS.filter(m => m), 'FOO', 'invite'])
    expect(needed(message(`${method} sip:a@b SIP/2.0`)), method).toBe(bitOf(method));
  expect(needed(message('INVITE sip:a@b SIP/2.0'), 0)).toBe(0);
  expect(needed(message('INVITE sip:a@b SIP/2.0', '<sip:b@c>;tag=x'))).toBe(0);
  expect(needed(message('INVITE sip:a@b SIP/2.0', '<sip:b@c>;tag='))).toBe(1);
  expect(needed(message('INVITE sip:a@b SIP/2.0', '<sip:b@c'))).toBe(0);
  expect(needed(message('SIP/2.0 200 OK', '<sip:b@c>', '1 BYE'))).toBe(bitOf('BYE'));
  expect(needed(message('SIP/2.0 200 OK', '<sip:b@c>', 'x BYE'))).toBe(OTHER);
});

test('methodSet() adds up what a list names, and keeps the last one apart from its likes', () => {
  const setOf = (text: string) => x.methodSet(bytesAt(core, text), text.length);
  expect(setOf('INVITE, ACK,\r\n BYE')).toBe(1 | 4 | 8);
  expect(setOf('INVITE, ACK,\r\n BYE')).toBe(1 | 4 | 8);
  expect(setOf('INVITE, ACK,\r\n FOO')).toBe(1 | 4 | OTHER);
  expect(setOf(',, ,INVITE,')).toBe(1);
  expect(setOf('invite')).toBe(OTHER);
  expect(setOf('')).toBe(0);
  const long = `${'FOO, '.repeat(200)}BYE`;
  expect(setOf(long)).toBe(8 | OTHER);
  expect(setOf(long)).toBe(8 | OTHER);
  const list = fc.array(fc.constantFrom(...ORDER.split(' '), 'FOO', '', ' ', 'bye'), { maxLength: 25 });
  fc.assert(
    fc.property(list, names => {
      const expected = names.reduce((set, n) => (n.trim() ? set | bitOf(n) : set), 0);
      expect(setOf(names.join(', '))).toBe(expected);
    }),
  );
});

test('allowedMethods() reads all Allow headers; without any it is every method', () => {
  const setOf = (...allow: string[]) =>
    withMsg(core, sip(['OPTIONS sip:a SIP/2.0', ...allow.map(a => `Allow: ${a}`), 'CSeq: 1 OPTIONS']), msg =>
      x.allowedMethods(msg.at),
    );
  expect(setOf()).toBe(-1);
  expect(setOf('')).toBe(0);
  expect(setOf('BYE', 'INVITE, FOO')).toBe(1 | 8 | OTHER);
});

test('lookupTarget() sets request URI, destination, branch flags and socket', () => {
  withMsg(core, message('INVITE sip:one@e SIP/2.0'), msg => {
    expect(msg.ruriParts?.host).toBe('e');
    msg.setU32(L.M_BFLAGS, 1);
    const to = (uri: ByteStr, dst: ByteStr | undefined, flags: number, socket: number) => {
      const at = x.lookupTarget(msg.at, uri.length, dst?.length ?? -1, flags, socket);
      mem.putStr(at, uri + (dst ?? ''));
      return [msg.ruri, msg.dstUri, msg.u32(L.M_BFLAGS), mem.u16(msg.at + L.M_FSOCK)];
    };
    expect(to('sip:two@f', 'sip:hop', 0x80000000, 3)).toEqual(['sip:two@f', 'sip:hop', 0x80000001, 3]);
    expect(msg.ruriParts?.host).toBe('f');
    expect(to('sip:three@ggg', undefined, 4, 0)).toEqual(['sip:three@ggg', undefined, 0x80000005, 3]);
    expect(msg.ruriParts?.host).toBe('ggg');
    expect(to('sip:two@f', '', 0, 0)).toEqual(['sip:two@f', '', 0x80000005, 3]);
  });
});

/** A message whose memory is used up. */
function fullMessage(start: string): SipMsg {
  const at = place(core, message(start));
  x.msgIndex(at);
  for (const size of [100_000, 1000, 8]) while (x.arenaAlloc(at, size));
  return new SipMsg(core, at);
}

test('a message whose memory is full gets no target and no answer, and stays as it is', () => {
  const msg = fullMessage('INVITE sip:one@e SIP/2.0');
  expect(x.lookupTarget(msg.at, 9, -1, 7, 1)).toBe(0);
  expect(x.lookupTarget(msg.at, -1, -1, 7, 1)).toBe(0);
  expect([msg.ruri, msg.dstUri, msg.u32(L.M_BFLAGS), mem.u16(msg.at + L.M_FSOCK)]).toEqual([
    'sip:one@e',
    undefined,
    0,
    0,
  ]);
  expect(x.registerAnswer(msg.at, msg.buf, 20, 60)).toBe(0);
  expect(mem.u16(msg.at + L.M_NLUMPS)).toBe(0);
  x.msgFree(msg.at);
});

test('registerAnswer() adds the contact and says when nothing could be sent', () => {
  withMsg(core, message('ACK sip:a@b SIP/2.0'), msg => {
    expect(x.registerAnswer(msg.at, msg.buf + 4, 7, 4294967295)).toBe(-1);
    const lump = mem.u32(msg.at + L.M_LUMPS);
    expect(mem.str(mem.u32(lump + L.E_SRC), mem.u32(lump + L.E_LEN))).toBe('Contact: <sip:a@b>;expires=4294967295\r\n');
    expect(x.currentMsg()).toBe(0);
  });
});
