import { expect, test } from 'vitest';
import type { Core } from '../../../src/core/load.ts';
import type { SipMsg } from '../../../src/core/sip-msg.ts';
import cfgutils from '../../../src/modules/cfgutils/index.ts';
import type { Locks } from '../../../src/modules/cfgutils/locks.ts';
import { FakeHost } from './fake-host.ts';

function open() {
  const live = new Set([1, 2, 3]);
  const core = { x: { msgByHandle: (handle: number) => (live.has(handle) ? 4096 : 0) } } as unknown as Core;
  const fake = new FakeHost([cfgutils], {}, { core });
  const as = (handle: number) => {
    fake.message = { handle } as SipMsg;
    return fake;
  };
  return { fake, as, live };
}

test('cfgutils answers as the real server did', async () => {
  expect(await open().fake.replay('cfgutils.json')).toEqual([]);
});

test('sleep() and usleep() return when the clock has moved, and at once for nothing', async () => {
  const { fake } = open();
  const done: string[] = [];
  void (fake.call('cfgutils.sleep', 1) as Promise<number>).then(r => done.push(`sleep ${r}`));
  void (fake.call('cfgutils.usleep', 1500) as Promise<number>).then(r => done.push(`usleep ${r}`));
  fake.advance(1);
  await Promise.resolve();
  expect(done).toEqual([]);
  fake.advance(1);
  await Promise.resolve();
  expect(done).toEqual(['usleep 1']);
  fake.advance(998);
  await Promise.resolve();
  expect(done).toEqual(['usleep 1', 'sleep 1']);
  expect([fake.call('cfgutils.sleep', 0), fake.call('cfgutils.sleep', -1)]).toEqual([1, 1]);
});

test('lock() waits for another message, in order, and not for itself', async () => {
  const { as } = open();
  const order: number[] = [];
  expect(as(1).call('cfgutils.lock', 'k')).toBe(1);
  expect(as(1).call('cfgutils.lock', 'k')).toBe(1);
  for (const handle of [2, 3])
    void (as(handle).call('cfgutils.lock', 'k') as Promise<number>).then(() => order.push(handle));
  as(2).call('cfgutils.unlock', 'k');
  as(1).call('cfgutils.unlock', 'k');
  await Promise.resolve();
  expect(order).toEqual([]);
  as(1).call('cfgutils.unlock', 'k');
  await new Promise(setImmediate);
  expect(order).toEqual([2]);
  as(2).call('cfgutils.unlock', 'k');
  await new Promise(setImmediate);
  expect(order).toEqual([2, 3]);
  as(3).call('cfgutils.unlock', 'k');
  expect(as(1).call('cfgutils.trylock', 'k')).toBe(1);
});

test('a lock is free when its message is gone', async () => {
  const { as, live } = open();
  as(1).call('cfgutils.lock', 'k');
  live.delete(1);
  expect(as(2).call('cfgutils.lock', 'k')).toBe(1);
});

test('a message that waits gets the lock of one that is gone, and locks of such messages do not pile up', async () => {
  const { as, live, fake } = open();
  const got: number[] = [];
  as(1).call('cfgutils.lock', 'k');
  void (as(2).call('cfgutils.lock', 'k') as Promise<number>).then(() => got.push(2));
  for (let i = 0; i < 1000; i++) as(3).call('cfgutils.lock', `k${i}`);
  const { locks } = fake.states.get('cfgutils') as { locks: Locks };
  expect(locks.size).toBe(1001);
  live.delete(1);
  live.delete(3);
  fake.advance(1000);
  await new Promise(setImmediate);
  expect(got).toEqual([2]);
  expect(locks.size).toBe(1);
});

test('a key of two parts is another one than its text', () => {
  const { as } = open();
  expect(as(1).call('cfgutils.trylock_key2', 'a', 'b')).toBe(1);
  expect(as(1).call('cfgutils.trylock_key2', 'ab', '')).toBe(1);
  expect(as(1).call('cfgutils.trylock_key2', 'a', 'b')).toBe(-1);
  as(1).call('cfgutils.unlock_key2', 'a', 'b');
  expect(as(1).call('cfgutils.trylock_key2', 'a', 'b')).toBe(1);
});

test('abort() is refused', () => {
  const { fake } = open();
  expect(fake.call('cfgutils.abort')).toBe(-1);
  expect(fake.logged).toEqual(['Cannot abort: a script may not end the server']);
});

test('rand_event() draws from the given randomness', () => {
  const { fake } = open();
  // the host draws 0.5
  const event = (percent: number) => {
    fake.call('cfgutils.rand_set_prob', percent);
    return fake.call('cfgutils.rand_event');
  };
  expect([event(50), event(51)]).toEqual([-1, 1]);
  expect(fake.get('$RANDOM')).toBe(0x40000000);
  expect(fake.rpc('cfgutils.rand_get_prob')).toBe('actual probability: 51 percent');
});
