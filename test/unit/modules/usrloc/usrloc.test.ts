/** usrloc in memory: expiry, RPC with Kamailio's shapes, statistics, keepalives; what other modules use of it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Usrloc } from '../../../../src/modules/usrloc/api.ts';
import { Contact, UserRecord } from '../../../../src/modules/usrloc/contact.ts';
import { LookupCache } from '../../../../src/modules/usrloc/lookup-cache.ts';
import { RuidIndex } from '../../../../src/modules/usrloc/ruid-index.ts';
import { place, replace, Table } from '../../../../src/modules/usrloc/table.ts';
import { register as build, type Fields, other, type Param } from '../../../fixtures/location/cases.ts';
import { binding } from '../../../support/binding.ts';
import { openCore } from '../../../support/core.ts';
import { locationRuntime } from '../../../support/location.ts';
import { FakeDb } from './fake-db.ts';

let cseq = 100;
const register = (contact: string, more: Fields = {}) => build({ contact, cseq: ++cseq, ...more });
const usrlocOf = (made: ReturnType<typeof locationRuntime>) => made.runtime.host.module<Usrloc>('usrloc')!;

test('contacts expire in their second, whatever changes and removals came before', () => {
  const action = fc.record({
    who: fc.nat(9),
    expires: fc.oneof(fc.nat(200), fc.constant(0), fc.constant(4_294_967_295)),
    remove: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), fc.nat(220), (actions, now) => {
      const contacts = new Map<number, Contact>();
      const ruids = new RuidIndex(() => contacts.values());
      ruids.get('');
      const table = new Table('location', 1, ruids, new LookupCache(openCore()), false);
      for (const { who, expires, remove } of actions) {
        const known = contacts.get(who);
        if (remove) {
          if (known) table.remove(known);
          contacts.delete(who);
        } else if (known) table.update(known, binding({ expires }));
        else {
          const record = table.records.get(`u${who % 3}`) ?? new UserRecord('location', `u${who % 3}`);
          const contact = new Contact(record, `r${who}`, binding({ expires }));
          table.insert(record, contact);
          contacts.set(who, contact);
        }
      }
      const due = [...contacts.values()].filter(c => c.expires !== 0 && c.expires <= now);
      expect(new Set(table.due(now))).toEqual(new Set(due));
      expect(table.contacts).toBe(contacts.size);
      const late = new RuidIndex(() => table.all());
      for (let who = 0; who < 10; who++)
        for (const index of [ruids, late]) expect(index.get(`r${who}`)).toBe(contacts.get(who));
      for (const contact of contacts.values()) table.remove(contact);
      expect(table.records.size).toBe(0);
      expect(table.due(1e10)).toEqual([]);
    }),
  );
});

test('contacts of a record stay in the order of q, those of one q in the order of their coming', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.integer({ min: -1, max: 3 })), { maxLength: 30 }), steps => {
      const record = new UserRecord('location', 'u');
      for (const [who, q] of steps) {
        const known = record.contacts.find(c => c.ruid === `r${who}`);
        if (known) {
          const before = known.q;
          known.q = q;
          replace(record, known, false, before);
        } else place(record, new Contact(record, `r${who}`, binding({ q })), false);
      }
      const qs = record.contacts.map(c => c.q);
      expect(qs).toEqual([...qs].sort((a, b) => b - a));
      expect(new Set(record.contacts.map(c => c.ruid)).size).toBe(record.contacts.length);
    }),
  );
});

test('the timer removes what expired, counts it, and tells the script', () => {
  const made = locationRuntime(
    [
      ['usrloc', 'timer_interval', 5],
      ['registrar', 'min_expires', 1],
      ['registrar', 'event_callback', 'gone'],
    ],
    undefined,
    {
      env: {
        extra:
          '\nfunction gone(name) KSR.pv.sets("$shv(gone)", KSR.pv.getw("$shv(gone)") .. " " .. name .. " " .. P("$ulc(exp=>aor) $ulc(exp=>addr) $ulc(exp=>count)")) end',
      },
    },
  );
  const { send, advance, runtime } = made;
  send(register('<sip:a@1>;expires=2, <sip:b@1>;expires=60'));
  const counts = () =>
    ['location_users', 'location_contacts', 'location_expires', 'registered_users'].map(n =>
      runtime.stats.get('usrloc', n),
    );
  expect(counts()).toEqual([1, 2, 0, 1]);
  advance(6000);
  expect(counts()).toEqual([1, 1, 1, 1]);
  expect(send(other('return KSR.pv.get("$shv(gone)")')).results).toEqual([
    '"0 usrloc:contact-expired alice | sip:a@1 | 1"',
  ]);
  advance(60_000);
  expect(counts()).toEqual([0, 0, 2, 0]);
});

test('the ul.* commands answer as Kamailio’s', async () => {
  const { send, rpc } = locationRuntime([['usrloc', 'nat_bflag', 6]]);
  send(register('<sip:a@1.2.3.4:5060>;q=0.5', { do: 'KSR.setbflag(6); return save(0)' }));
  const contact = {
    Contact: {
      Address: 'sip:a@1.2.3.4:5060',
      Expires: 3600,
      Q: 0.5,
      'Call-ID': 'c1',
      CSeq: cseq,
      'User-Agent': 'n/a',
      Received: '[not set]',
      Path: '[not set]',
      State: 'CS_NEW',
      Flags: 0,
      CFlags: 64,
      Socket: 'udp:127.0.0.1:21400',
      Methods: 4294967295,
      Ruid: expect.stringMatching(/^uloc-/),
      Instance: '[not set]',
      'Reg-Id': 0,
      'Server-Id': 0,
      'Tcpconn-Id': -1,
      Keepalive: 1,
      'Last-Keepalive': 1_700_000_000,
      'KA-Roundtrip': 0,
      'Last-Modified': 1_700_000_000,
    },
  };
  const domain = (AoRs: object[]) => ({
    Domains: [{ Domain: { Domain: 'location', Size: 1024, AoRs, Stats: { Records: 1, 'Max-Slots': 1 } } }],
  });
  expect(await rpc('ul.dump')).toEqual(domain([{ Info: { AoR: 'alice', HashID: 1834153949, Contacts: [contact] } }]));
  expect(await rpc('ul.dump', 'brief')).toEqual(domain([{ AoR: 'alice' }]));
  expect(await rpc('ul.lookup', 'location', 'ALICE@example.com')).toEqual({ AoR: 'alice', Contacts: [contact] });
  expect(await rpc('ul.add', 'location', 'carl', 'sip:c@1', 100, 0.5, '<sip:p;lr>', 1, 2, 7)).toEqual({});
  expect(
    await rpc('ul.add', 'location', 'carl', 'sip:d@1', 0, '1.0', '0', 0, 0, 0, 'sip:9.9.9.9:9', 'udp:127.0.0.1:21400'),
  ).toEqual({});
  expect(await rpc('ul.add', 'location', 'carl', 'sip:c@1', 50, '0.7', '.', 0, 0, 0, '.', 'udp:9.9.9.9:1')).toEqual({});
  expect(await rpc('ul.lookup', 'location', 'carl')).toMatchObject({
    AoR: 'carl',
    Contacts: [
      {
        Contact: {
          Address: 'sip:d@1',
          Expires: 'permanent',
          Q: 1,
          Received: 'sip:9.9.9.9:9',
          Socket: 'udp:127.0.0.1:21400',
        },
      },
      {
        Contact: {
          Address: 'sip:c@1',
          Expires: 50,
          Q: 0.7,
          Path: '[not set]',
          Methods: 0,
          Ruid: expect.stringMatching(/^ulcx-/),
        },
      },
    ],
  });
  expect(await rpc('ul.rm_contact', 'location', 'carl', 'sip:c@1')).toEqual({});
  expect(await rpc('ul.rm', 'location', 'carl')).toEqual({});
  expect(await rpc('ul.rm', 'location', 'carl')).toEqual({});
  expect(await rpc('ul.flush')).toEqual({});
  const errors: [string, unknown[], number, string][] = [
    ['ul.lookup', ['location'], 500, 'Not enough parameters (table and AOR to lookup)'],
    ['ul.lookup', ['nosuch', 'x'], 500, 'Domain table not found'],
    ['ul.lookup', ['location', 'x'], 500, 'AOR not found in location table'],
    ['ul.add', ['location', 'carl'], 500, 'Not enough parameters or wrong format'],
    ['ul.add', ['location', 'carl', 'sip:c@1', 'x', 1, '.', 0, 0, 0], 500, 'Not enough parameters or wrong format'],
    ['ul.add', ['nosuch', 'carl', 'sip:c@1', 1, 1, '.', 0, 0, 0], 500, 'Domain table not found'],
    ['ul.rm', ['location'], 500, 'Not enough parameters (table and AOR to lookup)'],
    ['ul.rm', ['nosuch', 'x'], 500, 'Domain table not found'],
    ['ul.rm_contact', ['location', 'x'], 500, 'Not enough parameters (table, AOR and contact)'],
    ['ul.rm_contact', ['location', 'x', 'sip:c@1'], 404, 'AOR not found'],
    ['ul.rm_contact', ['location', 'alice', 'sip:c@1'], 404, 'Contact not found'],
    ['ul.db_users', ['location'], 500, 'Command is not supported in db_mode=0'],
    ['ul.db_contacts', [], 500, 'Command is not supported in db_mode=0'],
    ['ul.db_expired_contacts', ['location'], 500, 'Command is not supported in db_mode=0'],
  ];
  for (const [name, args, rpcCode, message] of errors)
    await expect(rpc(name, ...args), name).rejects.toMatchObject({ rpcCode, message });
});

test('an update without the flag takes a contact out of the keepalives', async () => {
  const made = locationRuntime([['usrloc', 'nat_bflag', 6]]);
  made.send(register('<sip:a@1>', { do: 'KSR.setbflag(6); return save(0)' }));
  made.send(register('<sip:b@1>', { user: 'bob' }));
  const usrloc = usrlocOf(made);
  const targets = async (flags: number, part = 0, parts = 1) =>
    (await usrloc.pingTargets(flags, part, parts)).map(c => c.uri).sort();
  expect(usrloc.natFlag).toBe(64);
  expect(await targets(0)).toEqual(['sip:a@1', 'sip:b@1']);
  expect(await targets(64)).toEqual(['sip:a@1']);
  expect([...(await targets(0, 0, 3)), ...(await targets(0, 1, 3)), ...(await targets(0, 2, 3))].sort()).toEqual([
    'sip:a@1',
    'sip:b@1',
  ]);
  made.send(register('<sip:a@1>'));
  expect(await targets(64)).toEqual([]);
  expect(await made.rpc('ul.lookup', 'location', 'alice')).toMatchObject({ Contacts: [{ Contact: { Keepalive: 0 } }] });
});

test('pingTargets() reads the database in db_mode 3', async () => {
  const db = new FakeDb();
  const params: Param[] = [
    ['usrloc', 'db_mode', 3],
    ['usrloc', 'db_url', 'x'],
  ];
  const made = locationRuntime(params, db);
  made.send(register('<sip:a@1>;expires=60', { do: 'KSR.setbflag(2); return save(0)' }));
  expect((await usrlocOf(made).pingTargets(4, 0, 1)).map(c => [c.uri, c.record.aor])).toEqual([['sip:a@1', 'alice']]);
  made.advance(61_000);
  expect(await usrlocOf(made).pingTargets(4, 0, 1)).toEqual([]);
  await made.runtime.close(0);
});

test('contacts whose keepalives stay unanswered are removed', async () => {
  const made = locationRuntime([['usrloc', 'timer_interval', 10]]);
  made.send(register('<sip:a@1>', { do: 'KSR.setbflag(1); return save(0)' }));
  made.send(register('<sip:b@1>', { user: 'bob', do: 'KSR.setbflag(1); return save(0)' }));
  made.send(register('<sip:c@1>', { user: 'carl' }));
  const usrloc = usrlocOf(made);
  usrloc.setKeepaliveTimeout(25, 2);
  const [a] = (await usrloc.pingTargets(2, 0, 1)).filter(c => c.uri === 'sip:a@1');
  made.advance(20_000);
  expect(usrloc.keepalive(a!.ruid, 1500)).toBe(true);
  expect(usrloc.keepalive('nobody')).toBe(false);
  made.advance(10_000);
  expect((await usrloc.pingTargets(0, 0, 1)).map(c => [c.uri, c.roundTripUs])).toEqual([
    ['sip:a@1', 1500],
    ['sip:c@1', 0],
  ]);
});

test('contacts go with their connection when handle_lost_tcp is set', async () => {
  for (const lost of [0, 1]) {
    const made = locationRuntime([['usrloc', 'handle_lost_tcp', lost]]);
    const usrloc = usrlocOf(made);
    usrloc.open('location');
    const change = (connectionId: number, uri: string) => ({
      do: 'insert' as const,
      binding: binding({ uri, connectionId, expires: 0 }),
    });
    usrloc.change('location', 'u', undefined, [change(7, 'sip:t@1'), change(8, 'sip:t@2')]);
    usrloc.connectionClosed(7);
    expect((await usrloc.pingTargets(0, 0, 1)).map(c => c.uri)).toEqual(lost ? ['sip:t@2'] : ['sip:t@1', 'sip:t@2']);
  }
});

test('what is not there is refused by name', () => {
  expect(() => locationRuntime([['usrloc', 'ka_mode', 1]])).toThrow('usrloc.ka_mode');
  expect(() => locationRuntime([['usrloc', 'preload', 'a;b']])).toThrow('Cannot preload table "a;b": it is not a name');
  expect(() => locationRuntime([['usrloc', 'db_mode', 5]])).toThrow('from 0 to 4');
  expect(() => locationRuntime([], undefined, { modules: ['registrar'] })).toThrow('it needs module usrloc');
  const { bridge } = locationRuntime().runtime;
  for (const name of ['lookup_xavp', 'reg_from_user', 'ulc_cget', 'ulc_rget'])
    expect(bridge.unavailable(['registrar', name])).toBe(
      `KSR.registrar.${name}: this function is not available in this version`,
    );
});
