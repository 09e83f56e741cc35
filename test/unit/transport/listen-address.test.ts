import { describe, expect, it } from 'vitest';
import { formatAddress, parseListenAddress } from '../../../src/transport/listen-address.ts';

describe('parseListenAddress()', () => {
  it.each([
    ['udp:127.0.0.1:5080', '127.0.0.1', 5080],
    ['UDP:127.0.0.1', '127.0.0.1', 5060],
    ['127.0.0.1', '127.0.0.1', 5060],
    ['sip.example.com:5062', 'sip.example.com', 5062],
    ['localhost:5062', 'localhost', 5062],
    ['udp:[::1]:5070', '::1', 5070],
    ['[2001:db8::5]', '2001:db8::5', 5060],
    ['udp:*:5061', '0.0.0.0', 5061],
    ['udp:any', '0.0.0.0', 5060],
    ['udp:127.0.0.1:0', '127.0.0.1', 0],
  ])('reads %s', (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ proto: 'udp', host, port });
  });

  it('reads TLS, with a default port of its own', () => {
    expect(parseListenAddress('tls:127.0.0.1')).toEqual({ proto: 'tls', host: '127.0.0.1', port: 5061 });
    expect(parseListenAddress('tls:[::1]:5070')).toEqual({ proto: 'tls', host: '::1', port: 5070 });
  });

  it('reads TCP', () => {
    expect(parseListenAddress('tcp:127.0.0.1')).toEqual({ proto: 'tcp', host: '127.0.0.1', port: 5060 });
    expect(parseListenAddress('TCP:[::1]:5070')).toEqual({ proto: 'tcp', host: '::1', port: 5070 });
  });

  it.each([
    ['sctp:127.0.0.1:5060', 'sctp is not available in this version'],
    ['xyz:127.0.0.1:5060', '"xyz" is not a protocol'],
    ['udp:::1:5060', 'an IPv6 address needs brackets'],
    ['udp:[::1', 'the "]" is missing'],
    ['udp:[::1]5060', '"5060" behind the address makes no sense'],
    ['udp:[127.0.0.1]:5060', 'is not an IPv6 address'],
    ['udp:', 'the host is missing'],
    ['', 'the host is missing'],
    ['udp:127.0.0.1:', '"" is not a port'],
    ['udp:127.0.0.1:65536', '"65536" is not a port'],
    ['udp:127.0.0.1:-1', '"-1" is not a port'],
    ['udp:127.0.0.1:http', '"http" is not a port'],
    ['udp:a b:5060', 'is not a host name'],
  ])('says what is wrong with %s', (text, message) => {
    expect(() => parseListenAddress(text)).toThrow(message);
    expect(() => parseListenAddress(text)).toThrow(/write udp:HOST/);
  });
});

it('formatAddress() puts IPv6 into brackets', () => {
  expect(formatAddress({ proto: 'udp', ip: '::1', port: 5060 })).toBe('udp:[::1]:5060');
  expect(formatAddress({ proto: 'udp', ip: '192.0.2.1', port: 5060 })).toBe('udp:192.0.2.1:5060');
});
