/** usrloc and a database: what is written when, what is read back, and what happens when it fails. */
import { afterEach, expect, test } from 'vitest';
import { register as build, type Fields, other, type Param } from '../../../fixtures/location/cases.ts';
import { locationRuntime } from '../../../support/location.ts';
import { FakeDb } from './fake-db.ts';

const open: { runtime: { close(ms: number): Promise<void> } }[] = [];
afterEach(async () => {
  for (const { runtime } of open.splice(0)) await runtime.close(0);
});

let started = 0;
function start(mode: number, db: FakeDb, more: readonly Param[] = []) {
  const random = ++started / 1000;
  const made = locationRuntime(
    [
      ['usrloc', 'db_mode', mode],
      ['usrloc', 'db_url', 'fake://'],
      ['usrloc', 'preload', 'location'],
      ['usrloc', 'timer_interval', 10],
      ...more,
    ],
    db,
    { random: () => random },
  );
  open.push(made);
  return made;
}

let cseq = 100;
const register = (contact: string, more: Fields = {}) => build({ contact, cseq: ++cseq, ...more });
const OK = 'SIP/2.0 200 OK';
const FAILED = 'SIP/2.0 500 Server Internal Error\nP-Registrar-Error: Location table failure';
const NOW = '2023-11-14 22:13:20';

test('db_mode 1: a row with Kamailio’s columns is there when the 200 leaves; a restart finds the contact', () => {
  const db = new FakeDb();
  const one = start(1, db, [
    ['usrloc', 'use_domain', 1],
    ['usrloc', 'nat_bflag', 6],
    ['registrar', 'use_path', 1],
    ['registrar', 'path_mode', 0],
    ['registrar', 'received_avp', '$avp(RCV)'],
  ]);
  const contact = '<sip:a@1>;q=0.7;+sip.instance="<urn:x>";reg-id=2';
  const fields = {
    h: ['Path: <sip:p;lr>', 'Allow: INVITE', 'User-Agent: UA'],
    do: 'KSR.setbflag(6); KSR.pv.sets("$avp(RCV)","sip:1.1.1.1:1"); return save(0)',
  };
  expect(one.send(register(contact, fields)).results).toEqual(['1']);
  expect(db.rows()).toEqual([
    {
      ruid: expect.stringMatching(/^uloc-[0-9a-f]+-[0-9a-f]+-1$/),
      username: 'alice',
      domain: 'example.com',
      contact: 'sip:a@1',
      received: 'sip:1.1.1.1:1',
      path: '<sip:p;lr>',
      expires: '2023-11-14 23:13:20',
      q: 0.7,
      callid: 'c1',
      cseq,
      last_modified: NOW,
      flags: 0,
      cflags: 64,
      user_agent: 'UA',
      socket: 'udp:127.0.0.1:21400',
      methods: 1,
      instance: '<urn:x>',
      reg_id: 2,
      server_id: 0,
      connection_id: -1,
      keepalive: 1,
      partition: 0,
    },
  ]);
  const two = start(1, db, [['usrloc', 'use_domain', 1]]);
  expect(two.send(build({ do: 'return save(0)' })).reply).toBe(
    `${OK}\nContact: <sip:a@1>;q=0.7;expires=3600;received="sip:1.1.1.1:1";+sip.instance="<urn:x>";reg-id=2`,
  );
  expect(two.send(other('return KSR.registrar.lookup("location"), T()')).results[0]).toMatch(
    /^1 "sip:a@1 sip:p;lr 64 udp:127\.0\.0\.1:21400"$/,
  );
});

test('db_mode 1: updates and removals are written by ruid; several contacts together', () => {
  const db = new FakeDb();
  const { send } = start(1, db);
  send(register('<sip:a@1>'));
  send(register('<sip:a@1>;expires=77'));
  expect(db.rows()).toMatchObject([
    { contact: 'sip:a@1', expires: '2023-11-14 22:14:37', cseq, methods: null, user_agent: 'n/a' },
  ]);
  db.calls.length = 0;
  send(register('<sip:a@1>;expires=0, <sip:b@1>, <sip:c@1>'));
  expect(db.calls).toEqual(['transaction', 'insert location', 'insert location', 'delete location']);
  expect(db.rows().map(r => r.contact)).toEqual(['sip:c@1', 'sip:b@1']);
  send(register('*', { expires: '0' }));
  expect(db.rows()).toEqual([]);
});

test('db_mode 1: when a write fails the answer is 500, memory and database are as before, and it is counted', async () => {
  const db = new FakeDb();
  const { send, runtime, rpc } = start(1, db);
  send(register('<sip:a@1>'));
  const before = JSON.stringify(await rpc('ul.dump'));
  for (const [pattern, message] of [
    [/insert/, register('<sip:b@1>')],
    [/update/, register('<sip:a@1>;expires=99')],
    [/delete/, register('<sip:a@1>;expires=0')],
    [/delete/, register('*', { expires: '0' })],
    [/update/, register('<sip:b@1>, <sip:a@1>')],
  ] as const) {
    db.fail(pattern, 'full');
    expect(send(message)).toEqual({ reply: FAILED, results: ['-1'] });
    expect(JSON.stringify(await rpc('ul.dump'))).toBe(before);
  }
  expect(db.rows()).toHaveLength(1);
  expect(runtime.stats.get('usrloc', 'db_failures')).toBe(5);
  db.fail(/delete/);
  expect(send(other('return KSR.registrar.unregister("location", "sip:alice@x")')).results).toEqual(['-2']);
  db.heal();
  expect(send(other('return KSR.registrar.unregister("location", "sip:alice@x")')).results).toEqual(['1']);
  expect(db.rows()).toEqual([]);
});

test('db_mode 1, slow database: the reply waits for the write, and REGISTERs of one user wait for each other', async () => {
  const db = new FakeDb();
  const { sendAll, receive, sent, rpc, runtime } = start(1, db);
  db.slow = true;
  receive(register('<sip:z@1>'));
  expect(sent).toHaveLength(0);
  const last = await sendAll(register('<sip:a@1>'), register('<sip:a@1>;expires=90'), register('<sip:a@1>;expires=91'));
  expect(last.results).toEqual(['1', '1', '2', '2']);
  expect(last.reply.endsWith('Contact: <sip:z@1>;expires=3600, <sip:a@1>;expires=91')).toBe(true);
  expect(db.rows()).toHaveLength(2);
  db.fail(/insert/);
  expect(
    (await sendAll(register('<sip:b@1>'), register('<sip:c@1>;q=0.5'), register('<sip:a@1>;q=0.5'))).reply,
  ).toContain(`${FAILED}\n\n${FAILED}\n\n${OK}\nContact: <sip:a@1>;q=0.5`);
  db.heal();
  await sendAll(other('return KSR.registrar.unregister("location","sip:alice@x")', { method: 'OPTIONS' }));
  expect(await rpc('ul.dump', 'brief')).toMatchObject({ Domains: [{ Domain: { Stats: { Records: 0 } } }] });
  expect(runtime.liveMessages).toBe(0);
});

test('db_mode 1: contacts saved with flag 1 stay out of the database', async () => {
  const db = new FakeDb();
  const { send, rpc, advance } = start(1, db);
  send(register('<sip:a@1>;expires=60', { do: 'return save(1)' }));
  send(register('<sip:b@1>', { do: 'return save(1)' }));
  send(register('<sip:b@1>;expires=0'));
  expect(db.rows()).toEqual([]);
  const found = { Contacts: [{ Contact: { Flags: 1, State: 'CS_SYNC' } }] };
  expect(await rpc('ul.lookup', 'location', 'alice')).toMatchObject(found);
  advance(100_000);
  expect(db.calls.filter(c => c.endsWith('location'))).toEqual(['version location', 'select location']);
  send(register('<sip:a@1>;expires=60', { do: 'return save(1)' }));
  send(register('<sip:a@1>;expires=500'));
  expect(db.rows()).toMatchObject([{ contact: 'sip:a@1', flags: 0, expires: '2023-11-14 22:23:20' }]);
  send(register('<sip:a@1>;expires=600', { do: 'return save(1)' }));
  expect(db.rows()).toMatchObject([{ expires: '2023-11-14 22:23:20' }]);
  advance(1_000_000);
  expect(db.rows()).toEqual([]);
});

test('db_mode 1: expired contacts leave the database; a failure is tried again', () => {
  const db = new FakeDb();
  const { send, advance } = start(1, db);
  send(register('<sip:a@1>;expires=60'));
  db.fail(/delete/);
  advance(80_000);
  expect(db.rows()).toHaveLength(1);
  db.heal();
  advance(10_000);
  expect(db.rows()).toEqual([]);
});

test('db_mode 2: changes are written by the timer, and at the end', async () => {
  const db = new FakeDb();
  const made = start(2, db, [['usrloc', 'xavp_contact', 'attrs']]);
  const { send, advance, rpc, runtime } = made;
  const state = async () => {
    const found = (await rpc('ul.lookup', 'location', 'alice')) as { Contacts: { Contact: { State: string } }[] };
    return found.Contacts.map(c => c.Contact.State);
  };
  send(register('<sip:a@1>', { do: 'X("attrs=>foo","bar"); X("attrs[0]=>n",4); return save(0)' }));
  send(register('<sip:b@1>'));
  expect(db.rows()).toEqual([]);
  expect(await state()).toEqual(['CS_NEW', 'CS_NEW']);
  advance(10_000);
  expect(db.rows().map(r => r.contact)).toEqual(['sip:a@1', 'sip:b@1']);
  expect(db.rows('location_attrs')).toMatchObject([
    { aname: 'n', atype: 1, avalue: '4', username: 'alice' },
    { aname: 'foo', atype: 0, avalue: 'bar' },
  ]);
  expect(await state()).toEqual(['CS_SYNC', 'CS_SYNC']);
  send(register('<sip:a@1>;expires=500'));
  expect(await state()).toEqual(['CS_DIRTY', 'CS_SYNC']);
  send(register('<sip:b@1>;expires=0'));
  send(register('<sip:c@1>'));
  send(register('<sip:c@1>;expires=0'));
  db.calls.length = 0;
  await rpc('ul.flush');
  expect(db.calls.filter(c => c.endsWith('location'))).toEqual(['delete location', 'replace location']);
  expect(db.rows().map(r => [r.contact, r.expires])).toEqual([['sip:a@1', '2023-11-14 22:21:50']]);
  expect(db.rows('location_attrs')).toEqual([]);
  send(register('<sip:d@1>'));
  await runtime.close(0);
  expect(db.rows().map(r => r.contact)).toEqual(['sip:a@1', 'sip:d@1']);
  expect(db.calls.at(-1)).toBe('close');
});

test('db_mode 2: what could not be written is kept, also when it goes in many transactions', async () => {
  const db = new FakeDb();
  const { send, advance, runtime } = start(2, db);
  for (let i = 0; i < 450; i++) send(register(`<sip:a@${i}>`, { user: `u${i}` }));
  db.fail(/replace/, 'full');
  advance(10_000);
  expect(db.rows()).toEqual([]);
  expect(runtime.stats.get('usrloc', 'db_failures')).toBe(1);
  send(register('<sip:a@3>;expires=0', { user: 'u3' }));
  db.heal();
  advance(10_000);
  expect(db.rows()).toHaveLength(449);
  advance(3_600_000);
  expect(db.rows()).toEqual([]);
});

test('db_mode 2: a new contact that flag 1 removes is not written', () => {
  const db = new FakeDb();
  const { send, advance } = start(2, db);
  send(register('<sip:a@1>'));
  send(register('<sip:a@1>;expires=0', { do: 'return save(1)' }));
  advance(10_000);
  expect(db.rows()).toEqual([]);
});

test('db_mode 2, slow database: changes while it writes are not lost', async () => {
  const db = new FakeDb();
  const { send, advance, rpc } = start(2, db);
  await new Promise(resolve => setTimeout(resolve, 10));
  send(register('<sip:a@1>'));
  send(register('<sip:b@1>'));
  db.slow = true;
  advance(10_000);
  send(register('<sip:a@1>;expires=700'));
  send(register('<sip:b@1>;expires=0'));
  await rpc('ul.flush');
  expect(db.rows().map(r => [r.contact, r.expires])).toEqual([['sip:a@1', '2023-11-14 22:25:10']]);
});

test('db_mode 3: all servers of one database see the same contacts', async () => {
  const db = new FakeDb();
  const one = start(3, db);
  const two = start(3, db);
  expect(one.send(register('<sip:a@1>;q=0.5')).results).toEqual(['1']);
  expect(two.send(register('<sip:b@1>;q=0.9')).reply).toBe(
    `${OK}\nContact: <sip:b@1>;q=0.9;expires=3600, <sip:a@1>;q=0.5;expires=3600`,
  );
  expect(one.send(register('<sip:b@1>;expires=60', { callid: 'k' })).results).toEqual(['2']);
  expect(two.send(other('return KSR.registrar.lookup("location"), T()')).results[0]).toMatch(
    /^1 "sip:a@1 .* \{sip:b@1,/,
  );
  expect(one.send(register('<sip:a@1>;expires=0')).reply).toBe(`${OK}\nContact: <sip:b@1>;expires=60`);
  const { ruid } = db.rows()[0]!;
  const remove = `local u = KSR.registrar.unregister_ruid; return u("location","","${ruid}"), u("location","","${ruid}")`;
  expect(two.send(other(remove)).results).toEqual(['1 -3']);
  expect(db.rows()).toEqual([]);
  expect(await one.rpc('ul.dump', 'brief')).toMatchObject({ Domains: [{ Domain: { AoRs: [] } }] });
});

test('db_mode 3: a failing database is answered with 500, lookup() gives -3', async () => {
  const db = new FakeDb();
  const { send, runtime, log, rpc } = start(3, db);
  send(register('<sip:a@1>'));
  db.fail(/select/);
  expect(send(register('<sip:b@1>'))).toEqual({ reply: FAILED, results: ['-1'] });
  const code =
    'local r = KSR.registrar; return r.lookup("location"), r.registered("location"), r.unregister("location","sip:alice@x"), r.reg_fetch_contacts("location","sip:alice@x","p")';
  expect(send(other(code)).results).toEqual(['-3 -1 -2 -1']);
  db.fail(/insert/);
  expect(send(register('<sip:b@1>'))).toEqual({ reply: FAILED, results: ['-1'] });
  expect(db.rows()).toHaveLength(1);
  db.fail(/select/);
  await expect(rpc('ul.lookup', 'location', 'alice')).rejects.toMatchObject({ rpcCode: 500 });
  await expect(rpc('ul.rm', 'location', 'alice')).rejects.toThrow('Cannot read the database');
  expect(runtime.liveMessages).toBe(0);
  expect(log.lines.filter(l => l.level === 'error').length).toBeGreaterThan(4);
});

test('db_mode 3: the timer removes expired rows after rm_expired_delay, and tells of them', () => {
  const db = new FakeDb();
  const events = `
function expired(name) KSR.pv.sets("$shv(gone)", KSR.pv.getw("$ulc(exp=>addr)")) end`;
  const made = locationRuntime(
    [
      ['usrloc', 'db_mode', 3],
      ['usrloc', 'db_url', 'fake://'],
      ['usrloc', 'preload', 'location'],
      ['usrloc', 'timer_interval', 10],
      ['usrloc', 'rm_expired_delay', 30],
      ['registrar', 'event_callback', 'expired'],
    ],
    db,
    { env: { extra: events } },
  );
  open.push(made);
  made.send(register('<sip:a@1>;expires=60'));
  db.rows().push({ ...db.rows()[0], ruid: 'x', contact: 'sip:forever@1', expires: '1970-01-01 00:00:00' });
  made.advance(80_000);
  expect(db.rows()).toHaveLength(2);
  expect(made.send(other('return KSR.registrar.lookup("location"), T()')).results[0]).toMatch(/^1 "sip:forever@1 /);
  made.advance(20_000);
  expect(db.rows().map(r => r.contact)).toEqual(['sip:forever@1']);
  expect(made.send(other('return KSR.pv.get("$shv(gone)")')).results).toEqual(['"sip:a@1"']);
});

const stored = (more: Record<string, string | number | null>) => ({
  ruid: 'r1',
  username: 'dave',
  domain: 'ex.com',
  contact: 'sip:d@1',
  expires: '2030-01-01 00:00:00',
  q: 0.5,
  callid: 'cc',
  cseq: 3,
  last_modified: '2020-01-01 00:00:00',
  flags: 0,
  cflags: 0,
  user_agent: '',
  ...more,
});
const SHOW =
  'return KSR.registrar.reg_fetch_contacts("location","sip:dave@ex.com","p"), P("$ulc(p=>addr) $ulc(p=>expires) $ulc(p=>q) $ulc(p=>socket) $ulc(p=>methods) $ulc(p=>received) $ulc(p=>count)")';

test.each([
  ['a date', '2030-01-01 00:00:00', 1893456000],
  ['seconds since 1970', 1893456000, 1893456000],
  ['a Julian day, as Kamailio’s driver for SQLite writes it', 2462502.520833, 1893457800],
])('a row with %s is read', (_what, expires, seconds) => {
  const db = new FakeDb();
  db.rows().push(stored({ expires }));
  const { send } = start(1, db);
  expect(send(other(SHOW)).results).toEqual([`1 "sip:d@1 | ${seconds} | 500 | <null> | -1 |  | 1"`]);
});

test('db_mode 4 reads at start and writes nothing', async () => {
  const db = new FakeDb();
  db.rows().push(stored({}), stored({ ruid: 'r2', contact: 'sip:d2@1', expires: '2020-01-01 00:00:00' }));
  const { send, advance, runtime } = start(4, db, [['usrloc', 'db_load', 0]]);
  expect(send(other(SHOW)).results[0]).toMatch(/\| 1"$/);
  send(register('<sip:a@1>;expires=60'));
  advance(100_000);
  await runtime.close(0);
  expect(db.rows()).toHaveLength(2);
});

test('what is not to be loaded is not: sockets of others, contacts over connections', () => {
  const db = new FakeDb();
  db.rows().push(
    stored({ socket: 'udp:9.9.9.9:1' }),
    stored({ ruid: 'r2', socket: 'udp:127.0.0.1:21400', contact: 'sip:own@1' }),
    stored({ ruid: 'r3', received: 'sip:1.1.1.1;transport=tls' }),
  );
  const { send } = start(1, db, [
    ['usrloc', 'skip_remote_socket', 1],
    ['usrloc', 'db_clean_tcp', 1],
  ]);
  expect(send(other(SHOW)).results[0]).toMatch(/^1 "sip:own@1 .* \| 1"$/);
  expect(db.rows().map(r => r.ruid)).toEqual(['r1', 'r2']);
});

test('attributes of contacts come back after a restart', () => {
  const db = new FakeDb();
  const attrs: Param[] = [['usrloc', 'xavp_contact', 'attrs']];
  start(1, db, attrs).send(register('<sip:a@1>', { do: 'X("attrs=>foo","bar"); X("attrs[0]=>n",4); return save(0)' }));
  const look = other('return KSR.registrar.lookup("location"), P("$xavp(attrs=>foo) $xavp(attrs=>n)")');
  expect(start(1, db, attrs).send(look).results).toEqual(['1 "bar | 4"']);
  expect(start(3, db, attrs).send(look).results).toEqual(['1 "bar | 4"']);
});

test('a table of another layout, and one that cannot be read, stop the start', () => {
  const db = new FakeDb();
  db.versions.set('location', 8);
  expect(() => start(1, db)).toThrow('Cannot use table location: its version is 8, not 9');
  expect(() => start(1, db, [['usrloc', 'version_table', 0]])).not.toThrow();
  db.versions.set('location', 9);
  db.fail(/select/);
  expect(() => start(1, db)).toThrow('select location failed');
  expect(() => locationRuntime([['usrloc', 'db_mode', 1]])).toThrow('modparam db_url is not set');
});

test('a slow database: requests wait until the table is loaded; one that fails to load is tried again', async () => {
  const db = new FakeDb();
  db.rows().push(stored({}));
  db.slow = true;
  const { sendAll, log } = start(1, db);
  expect((await sendAll(other(SHOW))).results[0]).toMatch(/^1 "sip:d@1 /);
  db.fail(/select/);
  const two = start(1, db);
  await new Promise(resolve => setTimeout(resolve, 20));
  expect((await two.sendAll(other(SHOW))).results[0]).toMatch(/^-1 /);
  db.heal();
  expect((await two.sendAll(other(SHOW))).results[0]).toMatch(/^1 "sip:d@1 /);
  expect(log.lines.filter(l => l.level === 'error')).toEqual([]);
});

test('times are seconds with expires_type 1; other columns with their names', () => {
  const db = new FakeDb();
  const { send } = start(1, db, [
    ['usrloc', 'expires_type', 1],
    ['usrloc', 'user_column', 'usr'],
    ['usrloc', 'contact_column', 'where'],
    ['usrloc', 'db_ops_ruid', 0],
  ]);
  send(register('<sip:a@1>'));
  send(register('<sip:a@1>;expires=70'));
  expect(db.rows()).toMatchObject([
    { usr: 'alice', where: 'sip:a@1', expires: 1_700_000_070, last_modified: 1_700_000_000, cseq },
  ]);
  send(register('<sip:a@1>;expires=0'));
  expect(db.rows()).toEqual([]);
});

test('ul.db_* count rows', async () => {
  const db = new FakeDb();
  db.rows().push(
    stored({}),
    stored({ ruid: 'r2' }),
    stored({ ruid: 'r3', username: 'x', expires: '1970-01-01 00:00:00' }),
  );
  db.rows().push(stored({ ruid: 'r4', username: 'y', expires: '2020-01-01 00:00:00' }));
  const { rpc } = start(3, db, [['usrloc', 'use_domain', 1]]);
  expect([
    await rpc('ul.db_users', 'location'),
    await rpc('ul.db_contacts', 'location'),
    await rpc('ul.db_expired_contacts', 'location'),
  ]).toEqual([2, 3, 1]);
  await expect(rpc('ul.db_users')).rejects.toThrow('Not enough parameters (table to lookup)');
  db.fail(/select/);
  await expect(rpc('ul.db_users', 'location')).rejects.toThrow('Failed to query AoR count');
});
