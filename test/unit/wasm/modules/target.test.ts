/** wasm/modules/target.ts: where URIs, requests and answers lead. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import type { SipMsg } from '../../../../src/core/sip-msg.ts';
import { KnownTarget, Named, NoTarget, type Target, Targets } from '../../../../src/kemi/targets.ts';
import { openCore, sip, withMsg } from '../../../support/core.ts';

const core = openCore();
const targets = new Targets(core);

const shown = (found: Target | Named | NoTarget): string => {
  if (found instanceof NoTarget) return found.why;
  if (found instanceof Named) return `${found.secure ? 'sips' : 'sip'} ${found.proto} ${found.name} ${found.port}`;
  return `${found.proto}:${found.ip}:${found.port}`;
};

describe('of a URI', () => {
  test.for([
    ['sip:a@192.0.2.1', 'udp:192.0.2.1:5060'],
    ['SIP:192.0.2.1:5080;Transport=TCP', 'tcp:192.0.2.1:5080'],
    ['sip:a@0.0.0.0:1', 'udp:0.0.0.0:1'],
    ['sip:a@255.255.255.255:65535', 'udp:255.255.255.255:65535'],
    ['sips:a@192.0.2.1', 'tls:192.0.2.1:5061'],
    ['sips:a@192.0.2.1;transport=udp', 'tls:192.0.2.1:5061'],
    ['sips:a@192.0.2.1;transport=ws', 'wss:192.0.2.1:5061'],
    ['sip:a@192.0.2.1;transport=wss', 'wss:192.0.2.1:5061'],
    ['sip:a@192.0.2.1;transport=sctp', 'sctp:192.0.2.1:5060'],
    // the last one counts
    ['sip:a@192.0.2.1;transport=tcp;x;transport=tls', 'tls:192.0.2.1:5061'],
    ['sip:a@192.0.2.1;transport=tcp;transport', 'udp:192.0.2.1:5060'],
    ['sip:a@192.0.2.1;transport', 'udp:192.0.2.1:5060'],
    ['sip:a@192.0.2.1;transport=', 'udp:192.0.2.1:5060'],
    ['sip:a@192.0.2.1;xtransport=tcp;transportx=tls', 'udp:192.0.2.1:5060'],
    ['sip:a@192.0.2.1;transport=dccp', 'the transport "dccp" is not known'],
    ['sip:a@192.0.2.1;transport=udp4', 'the transport "udp4" is not known'],
    ['sip:a@example.com;maddr=192.0.2.9', 'udp:192.0.2.9:5060'],
    ['sip:a@192.0.2.1;maddr=example.org', 'sip undefined example.org 0'],
    ['sip:a@192.0.2.1;maddr=', 'udp:192.0.2.1:5060'],
    ['sip:a@192.0.2.1;maddr', 'udp:192.0.2.1:5060'],
    ['sip:a@192.0.2.1?transport=tcp', 'udp:192.0.2.1:5060'],
    ['sip:a@192.0.2.01', 'sip undefined 192.0.2.01 0'],
    ['sip:a@192.0.2', 'sip undefined 192.0.2 0'],
    ['sip:a@192.0.2.256', 'sip undefined 192.0.2.256 0'],
    ['sip:a@192.0.2.1.1', 'sip undefined 192.0.2.1.1 0'],
    ['sip:a@1.2.3.4a', 'sip undefined 1.2.3.4a 0'],
    ['sip:a@[2001:db8::1]:7', 'sip undefined [2001:db8::1] 7'],
    ['sips:example.com:5070;transport=tcp', 'sips tls example.com 5070'],
    ['tel:+49301234', 'it is not a SIP URI'],
    ['sip:', 'the URI does not parse'],
    ['sip:a@', 'the URI does not parse'],
    ['', 'the URI does not parse'],
    ['a', 'the URI does not parse'],
  ])('%s', ([uri, expected]) => {
    expect(shown(targets.ofUri(uri!))).toBe(expected);
  });

  test('a URI of any length', () => {
    const long = `sip:${'a'.repeat(60_000)}@192.0.2.7`;
    expect(shown(targets.ofUri(long))).toBe('udp:192.0.2.7:5060');
    expect(shown(targets.ofUri(`sip:${'a'.repeat(70_000)}@192.0.2.7`))).toBe('the URI does not parse');
  });
});

describe('numbers', () => {
  test('a target that comes again is the same object, and says where datagrams go', () => {
    const one = targets.ofUri('sip:a@192.0.2.1:5062') as KnownTarget;
    expect(one).toBeInstanceOf(KnownTarget);
    expect(targets.ofUri('sip:b@192.0.2.1:5062;x=y')).toBe(one);
    expect(one.from(2)).toEqual({ socket: 2, proto: 'udp', ip: '192.0.2.1', port: 5062 });
    expect(one.from(2)).toBe(one.from(2));
  });

  test('any address, port and protocol is told as it is, among more of them than there are numbers', () => {
    const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map(parts => parts.join('.'));
    const place = fc.record({
      ip: fc.oneof(fc.constantFrom('10.0.0.1', '10.0.0.2'), address),
      port: fc.integer({ min: 1, max: 65535 }),
      proto: fc.constantFrom('udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'),
    });
    fc.assert(
      fc.property(fc.array(place, { minLength: 50, maxLength: 100 }), places => {
        for (const { ip, port, proto } of [...places, ...places])
          expect(shown(targets.ofUri(`sip:u@${ip}:${port};transport=${proto}`))).toBe(`${proto}:${ip}:${port}`);
      }),
      { numRuns: 100 },
    );
  });

  test('bytes of any kind neither trap nor are taken for a target that they do not name', () => {
    const piece = fc.constantFrom(
      'sip:',
      'sips:',
      '@',
      ';transport=',
      ';maddr=',
      '1.2.3.4',
      ':',
      '5060',
      'tcp',
      ';',
      '=',
      '?',
      ' ',
      '\t',
      '[',
      ']',
    );
    const text = fc.array(fc.oneof(piece, fc.string({ unit: 'binary-ascii', maxLength: 3 })), { maxLength: 12 });
    fc.assert(
      fc.property(text, parts => {
        const uri = parts.join('');
        const found = targets.ofUri(uri);
        if (found instanceof KnownTarget) expect(uri).toContain(found.ip);
      }),
      { numRuns: 3000 },
    );
  });
});

const request = (lines: readonly string[]) => sip(['OPTIONS sip:a@192.0.2.10 SIP/2.0', ...lines]);

describe('of a request', () => {
  const hop = (prepare: (msg: SipMsg) => void, line = 'OPTIONS sip:a@192.0.2.10 SIP/2.0') =>
    withMsg(core, sip([line]), msg => {
      prepare(msg);
      return shown(targets.nextHop(msg.at));
    });

  test('its request URI, the one that the script set, its destination URI', () => {
    expect(hop(() => {})).toBe('udp:192.0.2.10:5060');
    expect(
      hop(msg => {
        msg.ruri = 'sip:b@192.0.2.11;transport=tcp';
      }),
    ).toBe('tcp:192.0.2.11:5060');
    expect(
      hop(msg => {
        msg.ruri = 'sip:b@192.0.2.11';
        msg.dstUri = 'sip:192.0.2.12:5090';
      }),
    ).toBe('udp:192.0.2.12:5090');
  });

  test('what does not parse', () => {
    expect(
      hop(msg => {
        msg.dstUri = 'nonsense';
      }),
    ).toBe('the URI does not parse');
    expect(
      hop(msg => {
        msg.ruri = 'sip:';
      }),
    ).toBe('the URI does not parse');
    expect(hop(() => {}, 'OPTIONS tel:123 SIP/2.0')).toBe('it is not a SIP URI');
    expect(hop(() => {}, 'SIP/2.0 200 OK')).toBe('the URI does not parse');
  });
});

describe('of an answer', () => {
  /** @param kind PROTO_*, and above it 4 or 6 */
  const answer = (via: string, source: string, kind: number, flags = 0) =>
    withMsg(core, request([`Via: SIP/2.0/UDP ${via}`]), msg => {
      const { mem, x } = core;
      mem.putStr(x.sourceArea(), source);
      x.msgDescribe(msg.at, source.length, 6000, kind, 0, 0);
      x.parseVia(msg.at);
      mem.setU32(msg.at + L.M_MFLAGS, flags);
      const found = targets.answer(msg.at);
      return `${found.proto}:${found.ip}:${found.port}:${found.family}`;
    });
  const UDP4 = L.PROTO_UDP | (4 << 8);

  test('of a datagram: the source address; its port when rport asks for it, else the one of the Via', () => {
    expect(answer('10.0.0.1:5070;branch=z', '192.0.2.20', UDP4)).toBe('udp:192.0.2.20:5070:4');
    expect(answer('10.0.0.1;branch=z', '192.0.2.20', UDP4)).toBe('udp:192.0.2.20:5060:4');
    expect(answer('10.0.0.1:5070;rport;branch=z', '192.0.2.20', UDP4)).toBe('udp:192.0.2.20:6000:4');
    expect(answer('10.0.0.1:5070;branch=z', '192.0.2.20', UDP4, L.MFL_FORCE_RPORT)).toBe('udp:192.0.2.20:6000:4');
    expect(answer('10.0.0.1:5070;branch=z', '2001:db8::5', L.PROTO_UDP | (6 << 8))).toBe('udp:2001:db8::5:5070:6');
  });

  test('of a connection: the port of the Via', () => {
    expect(answer('10.0.0.1:5070;rport;branch=z', '192.0.2.20', L.PROTO_TCP | (4 << 8))).toBe('tcp:192.0.2.20:5070:4');
    expect(answer('10.0.0.1;branch=z', '192.0.2.20', L.PROTO_TLS | (4 << 8))).toBe('tls:192.0.2.20:5061:4');
    expect(answer('10.0.0.1;branch=z', '2001:db8::5', L.PROTO_WSS | (6 << 8))).toBe('wss:2001:db8::5:5061:6');
  });
});
