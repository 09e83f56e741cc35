import { expect, test } from 'vitest';
import htable from '../../../src/modules/htable/index.ts';
import { testRuntime } from '../../support/runtime.ts';
import { FakeHost } from './fake-host.ts';

const TABLES = [
  'a=>size=4;',
  'b=>size=4;autoexpire=2;initval=7;',
  'c=>size=2;autoexpire=3;updateexpire=0;',
  'vt=>size=2;autoexpire=100;',
  'iv=>size=2;initval=5;',
];
const open = (params = {}) => new FakeHost([htable], { htable: { htable: TABLES, timer_interval: 1, ...params } });

test('htable answers as the real server did', async () => {
  expect(await open().replay('htable.json')).toEqual([]);
  expect(await open().replay('htable-expiry.json')).toEqual([]);
});

test('sht_rm_name and sht_match_name know "ends with" and "includes", as Kamailio 6', () => {
  const fake = open();
  for (const key of ['alice', 'bob', 'malice']) fake.call('htable.sht_sets', 'a', key, `v-${key}`);
  expect(fake.call('htable.sht_match_name', 'a', 'ew', 'lice')).toBe(1);
  expect(fake.call('htable.sht_match_name', 'a', 'in', 'LICE')).toBe(-1);
  expect(fake.call('htable.sht_rm_name', 'a', 'ew', 'ob')).toBe(1);
  expect(fake.call('htable.sht_rm_value', 'a', 'in', '-m')).toBe(1);
  expect(fake.get('$shtcn(a=>**)')).toBe(1);
  expect(fake.call('htable.sht_cn', 'a', 're', '^al')).toBe(1);
});

test('an item with no end of life shows 0 in $shtex', () => {
  const fake = open();
  fake.call('htable.sht_sets', 'vt', 'k', 'v');
  expect(fake.get('$shtex(vt=>k)')).toBe(100);
  fake.call('htable.sht_setex', 'vt', 'k', 0);
  expect(fake.get('$shtex(vt=>k)')).toBe(0);
  fake.advance(1_000_000);
  expect(fake.call('htable.sht_get', 'vt', 'k')).toBe('v');
});

test('an expired item is gone before the sweep, and the sweep tells the script', () => {
  const fake = open({ event_callback: 'ht_event', timer_interval: 5 });
  fake.routes.push('ht_event');
  const events: unknown[] = [];
  fake.onRoute = (_name, arg) => events.push([arg, fake.get('$shtrecord(key)'), fake.get('$shtrecord(value)')]);
  fake.call('htable.sht_seti', 'c', 'k', 4);
  fake.advance(3000);
  expect(fake.call('htable.sht_get', 'c', 'k')).toBeNull();
  expect(events).toEqual([['htable:mod-init', null, null]]);
  fake.advance(2000);
  expect(events.slice(1)).toEqual([['htable:expired:c', 'k', 4]]);
  expect(fake.get('$shtrecord(key)')).toBeNull();
});

test('max_entries refuses new items, takes changes, and makes room by expiry', () => {
  const fake = open({ max_entries: 2, timer_interval: 1000 });
  expect(fake.call('htable.sht_sets', 'c', 'one', 'x')).toBe(1);
  expect(fake.call('htable.sht_sets', 'c', 'two', 'x')).toBe(1);
  expect(fake.call('htable.sht_sets', 'c', 'three', 'x')).toBe(-1);
  expect(fake.call('htable.sht_sets', 'c', 'two', 'y')).toBe(1);
  expect(fake.logged).toEqual(['htable "c" is full: modparam max_entries']);
  fake.advance(4000);
  expect(fake.call('htable.sht_sets', 'c', 'three', 'x')).toBe(1);
});

test.each([
  ['a=>bogus=1', 'the attribute "bogus" is not known'],
  ['=>size=4', 'the name is empty'],
  ['a=>size=x', 'size is not a number: "x"'],
  ['a=>dbtable=htable', 'dbtable needs a database, which htable does not have in this version'],
])('the definition %s is refused', (definition, why) => {
  expect(() => open({ htable: [definition] })).toThrow(`Cannot define htable "${definition}": ${why}`);
});

test('a regular expression on a value cannot run away', () => {
  const fake = open();
  fake.call('htable.sht_sets', 'a', 'k', 'a'.repeat(50_000));
  const start = performance.now();
  expect(fake.call('htable.sht_match_str_value', 'a', 're', '^(a+)+$x')).toBe(-1);
  expect(performance.now() - start).toBeLessThan(2000);
});

test('htable.* commands answer as the real server does', () => {
  const fake = open();
  expect(fake.rpc('htable.sets', 'a', 'rp', 'hello')).toBe('Ok. Key set to new value.');
  expect(fake.rpc('htable.seti', 'a', 'ri', 5)).toBe('Ok. Key set to new value.');
  expect(fake.rpc('htable.get', 'a', 'rp')).toEqual({
    item: { name: 'rp', value: 'hello', flags: 2, expire: 'NEVER' },
  });
  expect(fake.rpc('htable.setxi', 'vt', 'u3', '4', '13')).toBe('Ok. Key set to new value.');
  expect(fake.rpc('htable.get', 'vt', 'u3')).toEqual({
    item: { name: 'u3', value: 4, flags: 0, expire: '2023-11-14 22:13:33' },
  });
  fake.call('htable.sht_sets', 'a', 'o1', 'v1');
  expect(fake.rpc('htable.dump', 'a')).toContainEqual({
    entry: 6,
    size: 2,
    slot: [
      { name: 'ri', value: 5, type: 'int' },
      { name: 'o1', value: 'v1', type: 'str' },
    ],
  });
  expect(fake.rpc('htable.listTables')).toContainEqual({
    name: 'c',
    dbtable: '',
    dbmode: 0,
    expire: 3,
    updateexpire: 0,
    size: 4,
    dmqreplicate: 0,
  });
  expect(fake.rpc('htable.stats')).toContainEqual({ name: 'a', slots: 16, all: 3, min: 0, max: 2 });
  expect(fake.rpc('htable.delete', 'a', 'rp')).toBe('Ok. Key deleted.');
  expect(fake.rpc('htable.flush', 'a')).toBe('Ok. Htable flushed.');
  expect(fake.rpc('htable.dump', 'a')).toEqual([]);
  const failure = (name: string, ...params: unknown[]) => {
    try {
      return fake.rpc(name, ...params);
    } catch (error) {
      return [(error as { rpcCode: number }).rpcCode, (error as Error).message];
    }
  };
  expect(failure('htable.get', 'a', 'nope')).toEqual([500, "Key name doesn't exist in htable."]);
  expect(failure('htable.get', 'nosuch', 'x')).toEqual([500, 'No such htable']);
  expect(failure('htable.delete', 'a', 'nope')).toEqual([404, 'Key not found in htable.']);
  expect(failure('htable.dump')).toEqual([500, 'No htable name given']);
  expect(failure('htable.seti', 'a', 'x')).toEqual([500, 'Not enough parameters (htable name, key name and value)']);
  expect(failure('htable.reload', 'a')).toEqual([500, 'No htable db_url']);
});

test('commands and scripts mean the same text, whatever its letters', async () => {
  const { runtime } = testRuntime(undefined, {
    modparams: [{ module: 'htable', name: 'htable', value: 'a=>size=4;' }],
  });
  await runtime.rpc.run('htable.sets', ['a', 'grüße', 'héllo']);
  expect(runtime.pvs.format('$sht(a=>gr\xc3\xbc\xc3\x9fe)')).toBe('h\xc3\xa9llo');
  expect(await runtime.rpc.run('htable.get', ['a', 'grüße'])).toMatchObject({
    item: { name: 'grüße', value: 'héllo' },
  });
  await runtime.close();
});
