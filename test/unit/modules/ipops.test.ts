import { expect, test } from 'vitest';
import type { Resolver } from '../../../src/kemi/host.ts';
import ipops from '../../../src/modules/ipops/index.ts';
import { FakeHost } from './fake-host.ts';

const resolver: Resolver = {
  addresses: async name => (name === 'localhost' ? [{ ip: '127.0.0.1', family: 4 }] : []),
  srv: async name =>
    name === '_sip._udp.example.org'
      ? [
          { priority: 20, weight: 1, port: 5070, target: 'b.example.org' },
          { priority: 10, weight: 5, port: 5060, target: 'a.example.org' },
        ]
      : [],
  naptr: async name => {
    if (name === 'broken') throw new Error('timeout');
    return name === 'example.org'
      ? [{ order: 1, preference: 2, flags: 's', services: 'SIP+D2U', regexp: '', replacement: '_sip._udp.example.org' }]
      : [];
  },
  ptr: async ip => (ip === '192.0.2.1' ? ['host.example.org'] : []),
};
const open = (more: object = { resolver }) => new FakeHost([ipops], {}, more);

test('ipops answers as the real server did', async () => {
  expect(await open().replay('ipops.json')).toEqual([]);
});

test('text around an address makes it none, in every function', () => {
  const fake = open();
  for (const text of ['1.2.3.4 ', ' 1.2.3.4', '1.2.3.4\0', '[::1', '::1.2.3'])
    for (const name of ['is_ip', 'detailed_ip_type', 'detailed_ipv4_type', 'detailed_ipv6_type'])
      expect([text, name, fake.call(`ipops.${name}`, text, '$var(t)')]).toEqual([text, name, -1]);
});

test('srv_query and naptr_query keep ordered records', async () => {
  const fake = open();
  expect(await fake.call('ipops.srv_query', '_sip._udp.example.org', 's')).toBe(1);
  expect(['count', 'port', 'target', 'weight', 'priority', 'port[1]'].map(k => fake.get(`$srvquery(s=>${k})`))).toEqual(
    [2, 5060, 'a.example.org', 5, 10, 5070],
  );
  expect(await fake.call('ipops.naptr_query', 'example.org', 'n')).toBe(1);
  expect(['order', 'pref', 'flags', 'services', 'replace'].map(k => fake.get(`$naptrquery(n=>${k})`))).toEqual([
    1,
    2,
    's',
    'SIP+D2U',
    '_sip._udp.example.org',
  ]);
  expect(await fake.call('ipops.naptr_query', 'broken', 'n')).toBe(-3);
  expect(fake.logged).toEqual(['Cannot resolve "broken"']);
});

test('ptr_query keeps the name of an address', async () => {
  const fake = open();
  expect(await fake.call('ipops.ptr_query', '192.0.2.1', 'p')).toBe(1);
  expect(fake.get('$ptrquery(p=>hostname)')).toBe('host.example.org');
  expect(await fake.call('ipops.ptr_query', '192.0.2.2', 'p')).toBe(-1);
  expect(await fake.call('ipops.ptr_query', 'x', 'p')).toBe(-2);
});

test('without a resolver a query of the DNS names itself', async () => {
  const fake = open({});
  await expect((async () => fake.call('ipops.dns_query', 'example.org', 'd'))()).rejects.toThrow(
    'Cannot run KSR.ipops.dns_query: no resolver is set',
  );
  expect(await fake.call('ipops.dns_query', '192.0.2.1', 'd')).toBe(1);
});

test('answers do not pile up', async () => {
  const fake = open();
  for (let i = 0; i < 100; i++) await fake.call('ipops.dns_query', '192.0.2.1', `d${i}`);
  expect(fake.get('$dns(d0=>count)')).toBeNull();
  expect(fake.get('$dns(d99=>count)')).toBe(1);
});

test('a network with broken bits matches nothing', () => {
  for (const net of ['1.2.3.0/', '1.2.3.0/a', '1.2.3.0/33'])
    expect([net, open().call('ipops.is_in_subnet', '1.2.3.4', net)]).toEqual([net, -1]);
});
