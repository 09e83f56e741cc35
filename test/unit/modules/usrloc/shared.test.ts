/** Contacts that several workers share, in front of a database: who writes what, and when. */
import { expect, test } from 'vitest';
import { openMemoryDatabase } from '../../../../src/kemi/db-memory.ts';
import type { RuntimeOptions } from '../../../../src/runtime/options.ts';
import { request } from '../../../support/runtime.ts';
import { workerRuntimes } from '../../../support/workers.ts';

const SCRIPT = `function ksr_request_route()
  if KSR.is_REGISTER() then KSR.registrar.save("location", 0) return end
  KSR.sl.sl_send_reply(200, "R " .. KSR.registrar.lookup("location") .. " " .. KSR.pv.gete("$ru"))
end`;

const register = (user: string, cseq: number, seconds = 600) =>
  request('REGISTER', 'sip:127.0.0.1', [`Contact: <sip:${user}@127.0.0.1:5070>`, `Expires: ${seconds}`])
    .replace('CSeq: 7', `CSeq: ${cseq}`)
    .replace('call-1@example.com', `${user}@phone`)
    .replace('bob@example.com', `${user}@example.com`)
    .replace('branch=z9hG4bKtest1', `branch=z9hG4bK${user}${cseq}`);

function start(dbMode: number) {
  const db = openMemoryDatabase('memory://test');
  // each worker has a connection of its own, and closes it
  db.close = () => {};
  const options: Partial<RuntimeOptions> = {
    openDatabase: () => db,
    db: 'memory://test',
    modparams: [{ module: 'usrloc', name: 'db_mode', value: dbMode }],
  };
  const pair = workerRuntimes(SCRIPT, options);
  const rows = () =>
    (db.select('location', ['username', 'cseq']) as { username: string; cseq: number }[])
      .map(r => `${r.username} ${r.cseq}`)
      .sort();
  const ask = (worker: typeof pair.a, user: string) =>
    /200 R (.*)\r/.exec(worker.receive(request('OPTIONS', `sip:${user}@127.0.0.1`))[0]!.text)![1];
  return { ...pair, db, options, rows, ask };
}

test('db_mode 1: each worker writes before it answers; the first one takes expired rows out', () => {
  const { a, b, rows, ask } = start(1);
  b.receive(register('bob', 1));
  a.receive(register('carol', 1, 100));
  expect(rows()).toEqual(['bob 1', 'carol 1']);
  a.receive(register('bob', 2));
  expect(rows()).toEqual(['bob 2', 'carol 1']);
  expect([ask(a, 'bob'), ask(b, 'carol')]).toEqual(['1 sip:bob@127.0.0.1:5070', '1 sip:carol@127.0.0.1:5070']);
  b.receive(register('bob', 3, 0));
  expect(rows()).toEqual(['carol 1']);
  b.advance(300_000);
  a.advance(300_000);
  expect(rows()).toEqual([]);
});

test('db_mode 2: the first worker writes what all of them changed, as it is then', async () => {
  const { a, b, rows } = start(2);
  b.receive(register('bob', 1));
  a.receive(register('bob', 2));
  b.receive(register('carol', 1));
  b.receive(register('dave', 1));
  a.receive(register('dave', 2, 0));
  expect(rows()).toEqual([]);
  const state = async () => JSON.stringify(await b.runtime.rpc.call('ul.dump')).match(/CS_\w+/g);
  expect(await state()).toEqual(['CS_NEW', 'CS_NEW']);
  b.advance(61_000);
  expect(rows()).toEqual([]);
  a.advance(61_000);
  expect(rows()).toEqual(['bob 2', 'carol 1']);
  expect(await state()).toEqual(['CS_SYNC', 'CS_SYNC']);
  b.receive(register('bob', 3));
  expect((await state())!.sort()).toEqual(['CS_DIRTY', 'CS_SYNC']);
  b.receive(register('carol', 2, 0));
  // the last worker that ends writes what is left
  await b.runtime.close(0);
  expect(rows()).toEqual(['bob 2', 'carol 1']);
  await a.runtime.close(0);
  expect(rows()).toEqual(['bob 3']);
});

test('db_mode 2: what the database refuses is kept for the next time', () => {
  const { a, b, db, rows } = start(2);
  b.receive(register('bob', 1));
  const { transaction } = db;
  db.transaction = () => {
    throw new Error('no');
  };
  a.advance(61_000);
  expect(rows()).toEqual([]);
  expect(a.log.lines.some(l => l.message.includes('they are kept for the next time'))).toBe(true);
  db.transaction = transaction;
  a.advance(61_000);
  expect(rows()).toEqual(['bob 1']);
});

test('contacts are loaded once, whoever opens the table', () => {
  const { db, options, a } = start(1);
  a.receive(register('bob', 1));
  const again = workerRuntimes(SCRIPT, options);
  let reads = 0;
  const { select } = db;
  db.select = (...args: Parameters<typeof select>) => {
    if (args[0] === 'location') reads++;
    return select.apply(db, args);
  };
  const ask = (worker: typeof a) =>
    /200 R (.*)\r/.exec(worker.receive(request('OPTIONS', 'sip:bob@127.0.0.1'))[0]!.text)![1];
  expect([ask(again.b), ask(again.a)]).toEqual(['1 sip:bob@127.0.0.1:5070', '1 sip:bob@127.0.0.1:5070']);
  expect(reads).toBe(1);
  expect(again.a.runtime.stats.get('usrloc', 'location_contacts')).toBe(1);
});

test('db_mode 3: the database is what is shared', () => {
  const { a, b, rows, ask } = start(3);
  b.receive(register('bob', 1));
  a.receive(register('bob', 2));
  expect(rows()).toEqual(['bob 2']);
  expect(ask(b, 'bob')).toBe('1 sip:bob@127.0.0.1:5070');
});

test('attributes of contacts (xavp_contact) are shared, too', () => {
  const script = `function ksr_request_route()
    if KSR.is_REGISTER() then
      KSR.pv.sets("$xavp(ulattrs=>color)", "blue")
      KSR.pv.seti("$xavp(ulattrs[0]=>size)", 7)
      KSR.registrar.save("location", 0)
      return
    end
    KSR.registrar.lookup("location")
    KSR.sl.sl_send_reply(200, "R " .. KSR.pv.gete("$xavp(ulattrs=>color)") .. KSR.pv.gete("$xavp(ulattrs=>size)"))
  end`;
  const { a, b } = workerRuntimes(script, {
    modparams: [{ module: 'usrloc', name: 'xavp_contact', value: 'ulattrs' }],
  });
  a.receive(register('bob', 1));
  expect(b.receive(request('OPTIONS', 'sip:bob@127.0.0.1'))[0]!.text).toContain('200 R blue7');
});
