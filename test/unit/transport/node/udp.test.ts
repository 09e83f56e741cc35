import os from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { UdpTransport } from '../../../../src/transport/node/udp.ts';
import { transportContract } from '../contract.ts';

transportContract('UdpTransport over IPv4', () => ({
  create: () => new UdpTransport(),
  host: '127.0.0.1',
  otherFamily: '::1',
}));

const hasIpv6 = Object.values(os.networkInterfaces()).some(list => list?.some(i => i.address === '::1'));
describe.skipIf(!hasIpv6)('with IPv6', () => {
  transportContract('UdpTransport over IPv6', () => ({
    create: () => new UdpTransport(),
    host: '::1',
    otherFamily: '127.0.0.1',
  }));
});

describe('UdpTransport', () => {
  const open: UdpTransport[] = [];
  const create = () => {
    const t = new UdpTransport();
    open.push(t);
    return t;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map(t => t.close()));
  });

  it('opens a wildcard as one socket for each address of the machine', async () => {
    const t = create();
    const sockets = await t.open([{ proto: 'udp', host: '0.0.0.0', port: 0 }]);
    const own = Object.values(os.networkInterfaces()).flatMap(l => l ?? []);
    expect(new Set(sockets.map(s => s.ip))).toEqual(new Set(own.filter(i => i.family === 'IPv4').map(i => i.address)));
  });

  it('says what to do when the address is in use, not ours, or a name that does not resolve', async () => {
    const t = create();
    const [taken] = await t.open([{ proto: 'udp', host: '127.0.0.1', port: 0 }]);
    const fails = (host: string, port: number) => create().open([{ proto: 'udp', host, port }]);
    await expect(fails('127.0.0.1', taken!.port)).rejects.toThrow(
      `Cannot listen on udp:127.0.0.1:${taken!.port}: the address is in use; stop the other program`,
    );
    await expect(fails('192.0.2.77', 5060)).rejects.toThrow(/this machine has no such address/);
    await expect(fails('nosuchhost.invalid', 5060)).rejects.toThrow(/the name does not resolve/);
  });

  it('resolves a host name', async () => {
    const sockets = await create().open([{ proto: 'udp', host: 'localhost', port: 0 }]);
    expect(sockets.map(s => s.ip)).toContain('127.0.0.1');
  });

  it('says no to a datagram that the kernel refuses, and counts it: before and behind the first that left', async () => {
    const t = create();
    const [socket] = await t.open([{ proto: 'udp', host: '127.0.0.1', port: 0 }]);
    // 65,508 bytes do not fit into an IPv4 datagram; a loopback address reaches no other machine
    const refused = () => [
      t.send(0, new Uint8Array(65508), '127.0.0.1', socket!.port),
      t.send(0, new Uint8Array(10), '192.0.2.1', 9),
    ];
    expect(refused()).toEqual([false, false]);
    expect(t.send(0, new Uint8Array(10), '127.0.0.1', socket!.port)).toBe(true);
    await new Promise(resolve => setTimeout(resolve, 10));
    expect(refused()).toEqual([false, false]);
    await t.close();
    expect(t.counters).toMatchObject({ sent: 1, sendErrors: 4 });
  });
});
