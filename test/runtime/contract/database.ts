/** The delicate parts of the database contract (src/kemi/db.ts), for stores that only exist where vitest does not run: bytes, times, transactions, errors. */
import type { Database, DbError } from '../../../src/kemi/db.ts';
import { equal, ok } from './check.ts';
import type { Suite } from './suite.ts';

const ALL_BYTES = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));

function reasonOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as DbError).reason;
  }
  return 'it did not fail';
}

/** @param open the store, whose calls answer at once; its tables may have rows of an earlier run */
export function databaseContract(name: string, open: () => Database): Suite {
  const clean = () => {
    const db = open();
    for (const table of ['subscriber', 'location']) db.delete(table, []);
    return db;
  };
  const alice = { username: 'alice', domain: 'example.com' };
  return {
    name,
    ability: 'SQLite',
    cases: [
      {
        name: "has Kamailio's tables",
        run() {
          equal(open().tableVersion('location'), 9);
          equal(open().tableVersion('nosuch'), undefined);
        },
      },
      {
        name: 'text is bytes: all of them, UTF-8 and what is none',
        run() {
          const db = clean();
          db.insert('subscriber', { username: ALL_BYTES, domain: 'latin \u00e9' });
          db.insert('subscriber', { ...alice, ha1: '\u00c3\u00a9' });
          const rows = db.select('subscriber', ['username', 'domain', 'ha1'], [], { orderBy: 'username', limit: 10 });
          equal(rows, [
            { username: ALL_BYTES, domain: 'latin \u00e9', ha1: '' },
            { ...alice, ha1: '\u00c3\u00a9' },
          ]);
          equal(db.delete('subscriber', [{ column: 'domain', value: 'latin \u00e9' }]), 1);
        },
      },
      {
        name: 'times and numbers come back as they were, and compare',
        run() {
          const db = clean();
          const expires = '2030-01-02 03:04:05';
          db.insert('location', { ruid: 'r1', username: 'alice', contact: 'sip:a', expires, q: 0.5, partition: 3 });
          equal(db.select('location', ['expires', 'q', 'partition', 'received']), [
            { expires, q: 0.5, partition: 3, received: null },
          ]);
          const before = (value: string) => [{ column: 'expires', op: '<', value } as const];
          equal(db.update('location', { q: 1 }, before('2030-01-02 03:04:06')), 1);
          equal(db.update('location', { q: 1 }, before(expires)), 0);
        },
      },
      {
        name: 'a transaction is whole or not at all, and takes no promise',
        run() {
          const db = clean();
          db.insert('subscriber', alice);
          const fails = () =>
            db.transaction(tx => {
              tx.delete('subscriber', []);
              throw new Error('stop');
            });
          let why = '';
          try {
            fails();
          } catch (error) {
            why = (error as Error).message;
          }
          equal(why, 'stop');
          equal(db.select('subscriber', ['username']), [{ username: 'alice' }]);
          equal(
            db.transaction(tx => tx.update('subscriber', { ha1: 'x' }, [])),
            1,
          );
          equal(
            reasonOf(() => db.transaction(async () => {})),
            'other',
          );
        },
      },
      {
        name: 'errors have their reason',
        run() {
          const db = clean();
          db.insert('subscriber', alice);
          equal(
            reasonOf(() => db.insert('subscriber', alice)),
            'exists',
          );
          equal(
            reasonOf(() => db.select('nosuch', ['a'])),
            'missing',
          );
          equal(
            reasonOf(() => db.select('location', ['nosuch'])),
            'missing',
          );
          equal(
            reasonOf(() => db.select('location; --', ['id'])),
            'other',
          );
        },
      },
      {
        name: 'what was written is there when it is opened again; a closed one says so',
        run() {
          const db = clean();
          db.insert('subscriber', alice);
          db.close();
          equal(
            reasonOf(() => db.select('subscriber', ['id'])),
            'other',
          );
          const again = open();
          ok((again.select('subscriber', ['id']) as unknown[]).length === 1, 'the row is there');
        },
      },
    ],
  };
}
