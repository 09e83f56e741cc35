import { expect, test } from 'vitest';
import counters from '../../../src/modules/counters/index.ts';
import { FakeHost } from './fake-host.ts';

const open = (...script_counter: string[]) =>
  new FakeHost([counters], { counters: { script_counter, script_cnt_grp_name: 'script' } });

test('inc, add and reset take name and group.name', () => {
  const fake = open('cx', 'grpq.cy calls of the day');
  expect(['cx', 'script.cx', 'grpq.cy'].map(name => fake.call('counters.inc', name))).toEqual([1, 1, 1]);
  expect(fake.call('counters.add', 'cx', -3)).toBe(1);
  expect([fake.host.stats.get('script', 'cx'), fake.host.stats.get('grpq', 'cy')]).toEqual([-1, 1]);
  expect(fake.call('counters.reset', 'cx')).toBe(1);
  expect(fake.host.stats.get('script', 'cx')).toBe(0);
});

test('a counter that was not created is -1', () => {
  const fake = open('grpq.cy');
  for (const name of ['nosuch', 'cy', 'a.b.c', '']) expect([name, fake.call('counters.inc', name)]).toEqual([name, -1]);
  expect(fake.logged[0]).toBe('Cannot find the counter "nosuch"');
});

test('a counter without a name stops the start', () => {
  expect(() => open('grp.')).toThrow('Cannot create the counter "grp.": write name or group.name');
});
