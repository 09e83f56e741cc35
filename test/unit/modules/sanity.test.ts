import { describe, expect, it } from 'vitest';
import type { ModParamValues } from '../../../src/kemi/table.ts';
import { CHECKS } from '../../../src/modules/sanity/checks.ts';
import sanity from '../../../src/modules/sanity/index.ts';
import { MessageBench, readGolden, replayMessages, unexplained } from './message-golden.ts';

const { messages } = readGolden('sanity');
const HEAD = ['Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx', 'From: <sip:a@b>;tag=1', 'To: <sip:c@d>', 'Call-ID: x'];

const REPLY = `SIP/2.0 200 OK\r\n${[...HEAD, 'CSeq: 1 INVITE', 'Content-Length: 0'].join('\r\n')}\r\n\r\n`;

function request(more: readonly string[], method = 'INVITE', uri = 'sip:c@d'): string {
  return `${method} ${uri} SIP/2.0\r\n${[...HEAD, `CSeq: 1 ${method}`, ...more].join('\r\n')}\r\n\r\n`;
}

function bench(params: ModParamValues, message: string): MessageBench {
  const made = new MessageBench([sanity], { sanity: params });
  made.open(message);
  return made;
}

describe('sanity', () => {
  it('judges messages as the real server did, the torture set among them', () => {
    const own = new MessageBench([sanity]);
    // What the core keeps from routes is never checked.
    const reaches = (name: string) => {
      const msg = own.open(messages.get(name)!);
      const whole = own.core.x.msgIndex(msg.at) === 0 && own.core.x.msgCheck(msg.at) === 0;
      own.close();
      return whole;
    };
    const differences = replayMessages(own, 'sanity', /^sanity\./, c => !reaches(c.msg));
    expect(
      unexplained(differences, {
        'valid messages pass: an escaped header name, a long method': /^t_(esc02|intmeth): /,
        'blanks inside a URI are refused': /^t_badaspec: /,
        'a display name that needs quotes is told apart': /^t_baddn: /,
        'Unsupported names all option tags': /Unsupported: /,
        '4294967296 is no unsigned 32-bit number': /sanity_check\(256, 7\)/,
      }),
    ).toEqual([]);
  });

  it('passes nothing in the core that the checks one by one would refuse', () => {
    const own = new MessageBench([sanity]);
    const whole = request(['Max-Forwards: 70', 'Content-Length: 0', 'Expires: 60', 'Proxy-Require: x']);
    // Each text once in every place: what is whole, what is broken, and what lies between.
    const pieces = [
      '',
      ' ',
      '0',
      '00000000007',
      '4294967296',
      '@',
      'sips:',
      'foo:',
      '"',
      '<',
      '>',
      ';tag=1',
      ',',
      '\xa0',
    ];
    const all = [...messages.values()];
    for (let at = 0; at < whole.length; at++) {
      for (const piece of pieces) all.push(whole.slice(0, at) + piece + whole.slice(at + (piece ? 0 : 1)));
    }
    let passed = 0;
    for (const message of all) {
      const msg = own.open(message);
      const { x } = own.core;
      if (x.msgIndex(msg.at) !== 0 || x.msgCheck(msg.at) !== 0) continue;
      const input = { msg, uris: 7, supported: new Set<string>() };
      for (const [bit, run] of CHECKS) {
        if (!x.sanityPasses(msg.at, bit, 7)) continue;
        passed++;
        expect(run(input), `${bit}: ${message}`).toBeUndefined();
      }
    }
    expect(passed).toBeGreaterThan(1000);
    expect(own.core.x.sanityPasses(own.open(request([])).at, 17895, 7)).toBe(1);
    expect(own.core.x.sanityPasses(own.open(REPLY).at, 17604, 6)).toBe(1);
  });

  it('sends nothing with noreply until sanity_reply() does', () => {
    const own = bench({ noreply: 1 }, request(['Expires: x']));
    expect(own.call('sanity.sanity_check', 256, 0)).toBe(-1);
    expect(own.replies).toHaveLength(0);
    expect(own.call('sanity.sanity_reply')).toBe(1);
    expect(own.replies[0]).toMatch(/^SIP\/2\.0 400 Expires value is illegal\r\n/);
  });

  it('sanity_reply() says 500 when no check failed, and nothing without noreply', () => {
    const own = bench({ noreply: 1 }, request([]));
    expect(own.call('sanity.sanity_reply')).toBe(1);
    expect(own.replies[0]).toMatch(/^SIP\/2\.0 500 Server Sanity Failure\r\n/);
    const quiet = bench({}, request([]));
    expect(quiet.call('sanity.sanity_reply')).toBe(1);
    expect(quiet.replies).toHaveLength(0);
  });

  it('never answers an ACK', () => {
    const own = bench({}, request(['Expires: x'], 'ACK'));
    expect(own.call('sanity.sanity_check', 256, 0)).toBe(-1);
    expect(own.replies).toHaveLength(0);
  });

  it('knows the option tags of modparam proxy_require', () => {
    const supported = { proxy_require: ' foo, bar ' };
    expect(bench(supported, request(['Proxy-Require: bar,foo'])).call('sanity.sanity_check', 512, 0)).toBe(1);
    const own = bench(supported, request(['Proxy-Require: foo', 'Proxy-Require: Foo, x']));
    expect(own.call('sanity.sanity_check', 512, 0)).toBe(-1);
    expect(own.replies[0]).toContain('\r\nUnsupported: Foo, x\r\n');
  });

  it('sanity_check_defaults() takes its checks from the modparams', () => {
    const message = request(['Expires: x']);
    expect(bench({}, message).call('sanity.sanity_check_defaults')).toBe(-1);
    expect(bench({ default_checks: 1 }, message).call('sanity.sanity_check_defaults')).toBe(1);
    const badTo = message.replace('<sip:c@d>', '<foo>');
    expect(bench({ default_checks: 1024, uri_checks: 3 }, badTo).call('sanity.sanity_check_defaults')).toBe(1);
    expect(bench({ default_checks: 1024, uri_checks: 4 }, badTo).call('sanity.sanity_check_defaults')).toBe(-1);
  });

  it('reads broken credentials to their end', () => {
    for (const value of [
      '',
      'Digest ',
      'Digest ,',
      'Digest "',
      'Digest a',
      'Digest a=',
      'Digest a="',
      'Digest a="\\',
      `Digest ${'a=b,'.repeat(5000)}`,
    ]) {
      const own = bench({}, request([`Authorization: ${value}`]));
      expect(own.call('sanity.sanity_check', 2048, 0)).toBe(-1);
    }
  });
});
