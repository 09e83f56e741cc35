import { describe, expect, it } from 'vitest';
import { SelfAddresses } from '../../../src/runtime/self.ts';

const sockets = [
  { index: 0, proto: 'udp' as const, ip: '127.0.0.1', port: 5060 },
  {
    index: 1,
    proto: 'udp' as const,
    ip: '2001:db8::1',
    port: 5070,
    advertisedIp: '198.51.100.7',
    advertisedPort: 6060,
  },
];

describe('SelfAddresses', () => {
  const self = new SelfAddresses(sockets, ['Example.COM', 'tcp:pbx.example.org:5080', '[2001:DB8:0::2]:5060']);
  it('knows listening sockets, with port and protocol when they are given', () => {
    expect(self.has('127.0.0.1', 5060, 1)).toBe(true);
    expect(self.has('127.0.0.1', 0, 0)).toBe(true);
    expect(self.has('127.0.0.1', 5061, 0)).toBe(false);
    expect(self.has('127.0.0.1', 5060, 2)).toBe(false);
    expect(self.has('127.0.0.2', 5060, 1)).toBe(false);
  });
  it('knows IPv6 in every spelling, with and without brackets', () => {
    expect(self.has('[2001:DB8::1]', 5070, 1)).toBe(true);
    expect(self.has('2001:0db8:0:0::1', 5070, 1)).toBe(true);
    expect(self.has('2001:db8::2', 5060, 0)).toBe(true);
  });
  it('knows advertised addresses', () => {
    expect(self.has('198.51.100.7', 6060, 1)).toBe(true);
    expect(self.has('198.51.100.7', 5070, 1)).toBe(false);
  });
  it('knows aliases in any case; an alias without port matches every port', () => {
    expect(self.has('EXAMPLE.com', 9999, 3)).toBe(true);
    expect(self.has('pbx.example.org', 5080, 2)).toBe(true);
    expect(self.has('pbx.example.org', 5080, 1)).toBe(false);
  });
  it('refuses an alias that does not read as one', () => {
    expect(() => new SelfAddresses(sockets, ['a:b:c:d'])).toThrow(
      'Cannot use alias "a:b:c:d": write [proto:]host[:port]',
    );
  });
  it('takes a domain with all below it, in any case', () => {
    const own = new SelfAddresses(sockets, []);
    expect(own.addDomain('Example.net')).toBe(true);
    expect(own.addDomain('tcp:example.org:5080')).toBe(true);
    expect(own.addDomain('a b')).toBe(false);
    expect(own.has('example.net', 0, 0)).toBe(true);
    expect(own.has('A.b.EXAMPLE.net', 5099, 1)).toBe(true);
    expect(own.has('badexample.net', 0, 0)).toBe(false);
    expect(own.has('x.example.org', 5080, 2)).toBe(true);
    expect(own.has('x.example.org', 5080, 1)).toBe(false);
    expect(own.has('x.example.org', 5060, 2)).toBe(false);
  });
});
