import { expect, test } from 'vitest';
import pv from '../../../src/modules/pv/index.ts';
import statistics from '../../../src/modules/statistics/index.ts';
import { FakeHost } from './fake-host.ts';

const open = () => new FakeHost([statistics, pv], { statistics: { variable: ['mystat', 'nrs/no_reset', 'gg:hh'] } });

test('statistics answers as the real server did', async () => {
  const fake = open();
  // the golden run itself was one request
  fake.host.stats.add('core', 'rcv_requests');
  expect(await fake.replay('statistics.json')).toEqual([]);
});

test('variable makes statistics of the group script', () => {
  expect(
    open()
      .host.stats.list()
      .filter(s => s.group === 'script'),
  ).toEqual([
    { group: 'script', name: 'gg:hh', value: 0 },
    { group: 'script', name: 'mystat', value: 0 },
    { group: 'script', name: 'nrs', value: 0 },
  ]);
});

test('variable complains of an unknown flag', () => {
  const fake = new FakeHost([statistics], { statistics: { variable: ['a/sticky'] } });
  expect(fake.logged).toEqual(['Cannot read modparam variable: the flag "sticky" is not known']);
});
