/** usrloc on the real SQLite: the same contacts in each mode, restarts without an end, many rows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../../src/kemi/db.ts';
import { openSqlite } from '../../../../src/transport/node/sqlite.ts';
import { register as build, type Fields, other, type Param } from '../../../fixtures/location/cases.ts';
import { locationRuntime } from '../../../support/location.ts';

let folder = '';
const open: (() => Promise<void> | void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usrloc-'));
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

let started = 0;
function start(mode: number, more: readonly Param[] = []) {
  const random = ++started / 1000;
  const url = `sqlite://${folder}/location.db`;
  const made = locationRuntime(
    [['usrloc', 'db_mode', mode], ['usrloc', 'db_url', url], ['usrloc', 'preload', 'location'], ...more],
    undefined,
    { openDatabase: openSqlite, random: () => random },
  );
  open.push(() => made.runtime.close(0));
  return made;
}
function database(): Database {
  const db = openSqlite(`sqlite://${folder}/location.db`);
  open.push(() => void db.close());
  return db;
}

let cseq = 100;
const register = (contact: string, more: Fields = {}) => build({ contact, cseq: ++cseq, ...more });
const FULL = '<sip:a@1;x=\xff>;q=0.7;+sip.instance="<urn:x>";reg-id=2';
const FIELDS: Fields = {
  h: ['Path: <sip:p;lr>', 'Allow: INVITE, FOO', 'User-Agent: U\xc3\xa4A'],
  do: 'KSR.setbflag(31); KSR.pv.sets("$avp(RCV)","sip:1.1.1.1:1"); X("attrs=>foo","b\\195\\164r"); X("attrs[0]=>n",4); return save(0)',
};
const PARAMS: Param[] = [
  ['usrloc', 'use_domain', 1],
  ['usrloc', 'xavp_contact', 'attrs'],
  ['registrar', 'use_path', 1],
  ['registrar', 'path_mode', 0],
  ['registrar', 'received_avp', '$avp(RCV)'],
];
const LOOK = other([
  'return KSR.registrar.reg_fetch_contacts("location","sip:alice@example.com","p"), P("$ulc(p=>aor) $ulc(p=>addr) $ulc(p=>path) $ulc(p=>received) $ulc(p=>expires) $ulc(p=>callid) $ulc(p=>q) $ulc(p=>cseq) $ulc(p=>flags) $ulc(p=>cflags) $ulc(p=>user_agent) $ulc(p=>socket) $ulc(p=>modified) $ulc(p=>methods) $ulc(p=>count) $ulc(p=>ruid) $ulc(p=>regid) $ulc(p=>instance)")',
  'KSR.registrar.lookup("location"); return P("$xavp(attrs=>foo) $xavp(attrs=>n)")',
]);

test.each([1, 2, 3])('db_mode %i: all that is known of a contact comes back after a restart', async mode => {
  const one = start(mode, PARAMS);
  one.send(register(FULL, FIELDS));
  const before = one.send(LOOK).results;
  expect(before[0]).toContain('sip:a@1;x=\xff');
  expect(before[1]).toBe('"b\xc3\xa4r | 4"');
  if (mode === 2) await one.runtime.close(0);
  for (const next of [mode, 3, 4]) expect(start(next, PARAMS).send(LOOK).results).toEqual(before);
});

test.each([1, 2, 3])('db_mode %i: updates, removals and expiry reach the table', async mode => {
  const { send, advance } = start(mode, [['usrloc', 'timer_interval', 10], ...PARAMS]);
  const db = database();
  const rows = () => db.select('location', ['contact', 'expires', 'cseq', 'methods']) as Record<string, unknown>[];
  const attrs = () => db.select('location_attrs', ['aname']);
  send(register(FULL, FIELDS));
  send(register('<sip:b@1>;expires=60, <sip:c@1>'));
  if (mode === 2) advance(10_000);
  expect(await attrs()).toHaveLength(2);
  send(register('<sip:c@1>;expires=0, <sip:a@1>;expires=500;+sip.instance="<urn:x>";reg-id=2'));
  if (mode === 2) advance(10_000);
  const sorted = async () => [...(await rows())].sort((x, y) => (String(x.contact) < String(y.contact) ? -1 : 1));
  expect(await sorted()).toMatchObject([
    { contact: 'sip:a@1', cseq, methods: null },
    { contact: 'sip:b@1', expires: '2023-11-14 22:14:20' },
  ]);
  expect(await attrs()).toEqual([]);
  advance(100_000);
  expect(await rows()).toMatchObject([{ contact: 'sip:a@1' }]);
  advance(500_000);
  expect(await rows()).toEqual([]);
});

test('a database that is locked by somebody else is answered with 500, and later with 200', () => {
  const { send } = start(1);
  const sqlite = process.getBuiltinModule('node:sqlite');
  const raw = new sqlite.DatabaseSync(`${folder}/location.db`);
  raw.exec('BEGIN IMMEDIATE');
  expect(send(register('<sip:a@1>'))).toEqual({
    reply: 'SIP/2.0 500 Server Internal Error\nP-Registrar-Error: Location table failure',
    results: ['-1'],
  });
  raw.exec('ROLLBACK');
  raw.close();
  expect(send(register('<sip:a@1>')).reply).toBe('SIP/2.0 200 OK\nContact: <sip:a@1>;expires=3600');
});

test('a restart without an end finds every contact that was answered 200', () => {
  const one = start(1);
  for (let i = 0; i < 500; i++) expect(one.send(register(`<sip:p@${i}>`, { user: `u${i}` })).results).toEqual(['1']);
  const two = start(1);
  expect(two.runtime.stats.get('usrloc', 'location_contacts')).toBe(500);
  expect(
    two.send(other('return KSR.registrar.lookup_uri("location","sip:u499@x"), KSR.pv.get("$ru")')).results,
  ).toEqual(['1 "sip:p@499"']);
});
