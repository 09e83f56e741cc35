import { expect, test } from 'vitest';
import { METHOD_INVITE, METHOD_REGISTER } from '../../../src/core/gen/layout.gen.ts';
import { CORE_STATISTICS, createStatistics, ReplyCounters, StatisticsStore } from '../../../src/kemi/statistics.ts';

test('list() is sorted by group, then by name in byte order', () => {
  const stats = new StatisticsStore();
  stats.define('sl', 'b');
  stats.define('core', 'b_low');
  stats.define('core', 'bad_URIs');
  stats.define('core', 'bad_msg');
  expect(stats.list().map(s => `${s.group}:${s.name}`)).toEqual([
    'core:b_low',
    'core:bad_URIs',
    'core:bad_msg',
    'sl:b',
  ]);
});

test('find() takes the group that defined a name first', () => {
  const stats = new StatisticsStore();
  stats.add('one', 'x', 3);
  stats.add('two', 'x', 4);
  expect(stats.find('x')).toEqual({ group: 'one', name: 'x', value: 3 });
  expect(stats.find('one:x')).toBeUndefined();
});

test('a reading is read when asked for', () => {
  const stats = new StatisticsStore();
  let size = 1;
  stats.define('shmem', 'used_size', () => size);
  size = 7;
  expect(stats.get('shmem', 'used_size')).toBe(7);
});

test('ReplyCounters counts class, single codes and class with method', () => {
  const stats = createStatistics();
  const replies = new ReplyCounters(stats);
  replies.count(183, METHOD_INVITE);
  replies.count(404, METHOD_REGISTER);
  replies.count(999, METHOD_INVITE);
  expect(nonZero(stats)).toEqual({
    rcv_replies: 3,
    rcv_replies_18x: 1,
    rcv_replies_1xx: 1,
    rcv_replies_1xx_invite: 1,
    rcv_replies_404: 1,
    rcv_replies_4xx: 1,
    rcv_replies_4xx_reg: 1,
  });
});

test('the core group is the one of the real server', () => {
  expect(CORE_STATISTICS.length).toBe(85);
});

function nonZero(stats: StatisticsStore): Record<string, number> {
  return Object.fromEntries(stats.list().flatMap(s => (s.value ? [[s.name, s.value]] : [])));
}

test('a reading may be given to a statistic that is defined already', () => {
  const stats = createStatistics();
  let requests = 0;
  stats.define('core', 'rcv_requests', () => requests);
  requests = 7;
  expect(stats.get('core', 'rcv_requests')).toBe(7);
  stats.define('core', 'rcv_requests');
  expect(stats.find('rcv_requests')?.value).toBe(7);
});
