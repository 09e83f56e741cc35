import { expect, test } from 'vitest';
import pike from '../../../src/modules/pike/index.ts';
import { FakeHost } from './fake-host.ts';

const open = (limit: number, params = {}) =>
  new FakeHost([pike], { pike: { sampling_time_unit: 2, reqs_density_per_unit: limit, remove_latency: 4, ...params } });

/** Which of up to 60 requests is the first that is not let through. */
function firstBlocked(fake: FakeHost, ip: string): number {
  for (let i = 1; i <= 60; i++) if (fake.call('pike.pike_check_ip', ip) !== 1) return i;
  return 0;
}

// what the real server did with limits of 16 and 30: unknown addresses, neighbours of known ones
test.each([
  [16, [22, 22, 19, 18, 17, 22, 17, 16, 17, 17, 16, 17]],
  [30, [39, 39, 33, 32, 31, 39, 31, 33, 31, 31, 30, 31]],
])('pike_check_ip() with a limit of %i blocks when the real server does', (limit, expected) => {
  const fake = open(limit);
  const found = ['20.1.1.1', '30.1.1.1', '20.2.1.1', '20.1.2.1', '20.1.1.2', '40.5.5.5', '40.5.5.6'].map(ip =>
    firstBlocked(fake, ip),
  );
  for (let i = 0; i < 5; i++) fake.call('pike.pike_check_ip', '50.1.1.1');
  fake.call('pike.pike_check_ip', '50.1.1.2');
  found.push(firstBlocked(fake, '50.1.1.2'), firstBlocked(fake, '50.1.1.1'));
  for (let i = 1; i <= 100; i++) fake.call('pike.pike_check_ip', `60.1.1.${i}`);
  found.push(...['60.1.1.1', '60.1.1.50', '60.1.1.200'].map(ip => firstBlocked(fake, ip)));
  expect(found).toEqual(expected);
});

test('a blocked address answers -2 once, then -1 until a quiet unit is over, then -2 again', () => {
  const fake = open(16);
  const burst = (n: number) => Array.from({ length: n }, () => fake.call('pike.pike_check_ip', '10.1.2.3'));
  expect(burst(40).slice(20)).toEqual([1, -2, ...Array(18).fill(-1)]);
  fake.advance(2100);
  expect(burst(3)).toEqual([-1, -1, -1]);
  fake.advance(2000);
  expect(burst(3)).toEqual([1, 1, 1]);
  fake.advance(2000);
  expect(burst(20)).toEqual([...Array(15).fill(1), -2, -1, -1, -1, -1]);
  expect(fake.host.stats.get('pike', 'blocked_ips')).toBe(2);
  expect(fake.logged).toEqual(['PIKE - BLOCKing ip 10.1.2.3', 'PIKE - BLOCKing ip 10.1.2.3']);
});

test('what is not hit is forgotten after remove_latency', () => {
  const fake = open(16);
  firstBlocked(fake, '10.1.2.3');
  fake.advance(12_000);
  expect(fake.rpc('pike.top', 'ALL')).toMatchObject({ number_of_rows: 0 });
  expect(firstBlocked(fake, '10.1.2.3')).toBe(22);
});

test('pike.top shows whole addresses and their hits', () => {
  const fake = open(16);
  for (let i = 0; i < 40; i++) fake.call('pike.pike_check_ip', '10.1.2.3');
  for (let i = 0; i < 5; i++) fake.call('pike.pike_check_ip', '99.1.2.3');
  expect(fake.rpc('pike.top')).toEqual({
    max_hits: 16,
    list: [{ ip_addr: '10.1.2.3', leaf_hits_prev: 0, leaf_hits_curr: 34, expires: 4, status: 'HOT' }],
    number_of_rows: 1,
  });
  expect(() => fake.rpc('pike.top', 'xx')).toThrow('Bad argument. Select: ALL, HOT or WARM');
});

test('pike_check_ip() counts IPv6, and refuses what is no address', () => {
  const fake = open(16);
  for (let i = 0; i < 33; i++) expect(fake.call('pike.pike_check_ip', '2001:db8::1')).toBe(1);
  expect(fake.call('pike.pike_check_ip', '[2001:db8::1]')).toBe(-2);
  for (const text of ['x', '', '1.2.3']) expect([text, fake.call('pike.pike_check_ip', text)]).toEqual([text, -1]);
});

test('a flood of addresses grows no more than max_nodes', () => {
  const fake = open(1, { max_nodes: 256 });
  for (let i = 0; i < 20_000; i++) fake.call('pike.pike_check_ip', `${i & 255}.${(i >> 8) & 255}.${i % 7}.1`);
  expect((fake.states.get('pike') as { tree: { nodes: number } }).tree.nodes).toBeLessThanOrEqual(256);
});
