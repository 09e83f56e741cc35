import { describe, expect, it } from 'vitest';
import { setVerified } from '../../../src/kemi/verified.ts';
import siputils from '../../../src/modules/siputils/index.ts';
import textopsx from '../../../src/modules/textopsx/index.ts';
import { MessageBench, readGolden, replayMessages, unexplained } from './message-golden.ts';

const bench = new MessageBench([siputils, textopsx]);
const OURS = new Set([siputils, textopsx].flatMap(m => m.functions.map(f => `${m.name}.${f.name}`)));
const { messages } = readGolden('siputils');

function withContact(contact: string): void {
  bench.open(messages.get('nobody')!.replace(/Contact: [^\r]*/, `Contact: ${contact}`));
}

describe('siputils', () => {
  it('does with messages what the real server did, but for what docs/differences.md lists', () => {
    const differences = replayMessages(
      bench,
      'siputils',
      /^siputils\./,
      c =>
        !c.calls.every(call => OURS.has(call[0]) || call[0] === 'pv.get') ||
        c.calls.some(call => call[0] === 'siputils.hdr_date_check' && c.results.includes(1)),
    );
    expect(
      unexplained(differences, {
        'parameter names match in any case': /^m1: siputils\.uri_param_value\(/,
        'an empty parameter is passed over': /^m3: siputils\.uri_param\("a"\)/,
        'add_uri_param keeps a URI with headers whole':
          /^m(5|10): (pv\.get\("\$ru"\): theirs null|siputils\.add_uri_param)/,
        'only sip and sips URIs are encoded, sips too': /^m(31|35): siputils\.(encode_contact|decode_contact_header)/,
        'all Contact headers are encoded': /^m(37|38): /,
        'empty names and hosts are refused':
          /^m41: siputils\.(encode_contact\("e", ""|contact_param_encode\((""|"k", ""))/,
      }),
    ).toEqual([]);
  });

  it('hdr_date_check() compares Date with the clock', () => {
    const now = Date.UTC(2026, 0, 31, 12, 0, 0);
    const timed = new MessageBench([siputils], {}, { now: () => now });
    const check = (date: string, seconds: number) => {
      timed.open(messages.get('nobody')!.replace('X-Foo: one', `Date: ${date}`));
      return timed.call('siputils.hdr_date_check', seconds);
    };
    expect(check('Sat, 31 Jan 2026 11:59:50 GMT', 10)).toBe(1);
    expect(check('Sat, 31 Jan 2026 11:59:49 GMT', 10)).toBe(-4);
    expect(check('Sat, 31 Jan 2026 12:10:00 GMT', 10)).toBe(1);
    expect(check('Sat, 31 Jan 2026 12:10:00 CET', 10)).toBe(-1);
    expect(check('Sat, 31 Jan 2026 25:10:00 GMT', 10)).toBe(-1);
  });

  it.each([
    ['x=1;x', 1, -1],
    ['x;x=1', -1, 1],
    ['X;x=2;x=1', -1, 1],
    ['x=1;x=2', -1, -1],
  ])('uri_param() and its like look at the last of several of one name: %s', (params, without, one) => {
    bench.open(messages.get('nobody')!.replace(/^(\w+ )\S+/, `$1sip:a@h;${params}`));
    expect(bench.call('siputils.uri_param', 'x')).toBe(without);
    expect(bench.call('siputils.uri_param_value', 'x', '1')).toBe(one);
    expect(bench.call('siputils.uri_param_any', 'x')).toBe(1);
  });

  it('contact_param_check() finds a parameter in any Contact', () => {
    withContact('<sip:a@b>, <sip:c@d;Ob;x=1>;y');
    expect(bench.call('siputils.contact_param_check', 'ob')).toBe(1);
    expect(bench.call('siputils.contact_param_check', 'x')).toBe(1);
    expect(bench.call('siputils.contact_param_check', 'y')).toBe(-1);
    withContact('*');
    expect(bench.call('siputils.contact_param_check', 'x')).toBe(-1);
  });

  it('is_sip() and sip_parse_headers() look at the whole message', () => {
    bench.open(messages.get('nobody')!);
    expect(bench.call('siputils.is_sip')).toBe(1);
    expect(bench.call('siputils.is_http')).toBe(-1);
    expect(bench.call('siputils.sip_parse_headers')).toBe(1);
    withContact('"A <sip:a@b>');
    expect(bench.call('siputils.sip_parse_headers')).toBe(-1);
  });

  it('is_user() believes verified credentials only', () => {
    bench.open(messages.get('auth')!);
    expect(bench.call('siputils.is_user', 'alice')).toBe(-1);
    setVerified(bench.perMessage, { user: 'alice', domain: 'example.com', header: 0 });
    expect(bench.call('siputils.is_user', 'alice')).toBe(1);
    expect(bench.call('siputils.is_user', 'bob')).toBe(-1);
  });

  it('encode_contact() puts brackets around a URI that gets parameters', () => {
    withContact('sip:alice@10.0.0.1;expires=5');
    expect(bench.call('siputils.contact_param_encode', 'k', 'sip:h;transport=tcp')).toBe(1);
    expect(bench.written()).toContain('Contact: <sip:h;transport=tcp;k=c2lwOmFsaWNlQDEwLjAuMC4x>;expires=5\r\n');
  });

  it('options_reply() says what the modparams say', () => {
    const own = new MessageBench([siputils], {
      siputils: { options_support: 'path', options_accept: 'application/sdp' },
    });
    own.open(
      'OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n',
    );
    expect(own.call('siputils.options_reply')).toBe(1);
    expect(own.replies[0]).toContain(
      '\r\nAccept: application/sdp\r\nAccept-Encoding: \r\nAccept-Language: en\r\nSupported: path\r\n',
    );
    expect(own.core.mem.u32(own.msg.at)).toBeGreaterThan(0);
  });
});
