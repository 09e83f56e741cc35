/** The contract of the SQLite database: src/kemi/db.ts over whatever binding the runtime has. */
import fs from 'node:fs';
import path from 'node:path';
import type * as NodeServer from '../../../../src/transport/node/index.ts';
import { contains, equal, ok, throws } from '../check.ts';
import type { Suite } from '../suite.ts';
import { inFolder } from './folder.ts';

export function sqliteContract({ openSqlite }: Pick<typeof NodeServer, 'openSqlite'>): Suite {
  const open = (file: string) => openSqlite(`sqlite://${file}`);
  const reason = (run: () => unknown) => (throws(run) as Error & { reason?: string }).reason;
  const row = { username: 'alice', domain: 'example.com', password: 'secret' };
  return {
    name: 'a database in a file',
    ability: 'SQLite',
    cases: [
      inFolder("a new file gets Kamailio's tables, and is for its owner only", folder => {
        const file = path.join(folder, 'a.db');
        const db = open(file);
        ok((db.tableVersion('location') ?? 0) >= 9, 'the version of location');
        for (const name of fs.readdirSync(folder)) equal(fs.statSync(path.join(folder, name)).mode & 0o077, 0, name);
        db.close();
      }),
      inFolder('rows are inserted, found, changed, replaced and removed, and there after a reopening', folder => {
        const file = path.join(folder, 'a.db');
        const db = open(file);
        for (const username of ['carol', 'alice', 'bob']) db.insert('subscriber', { ...row, username });
        equal(db.update('subscriber', { password: 'new' }, [{ column: 'username', value: 'bob' }]), 1);
        db.replace('subscriber', { ...row, password: 'again' }, ['username', 'domain']);
        equal(db.delete('subscriber', [{ column: 'username', op: '>', value: 'bob' }]), 1);
        db.close();
        const again = open(file);
        equal(again.select('subscriber', ['username', 'password'], [], { orderBy: 'username', limit: 5 }), [
          { username: 'alice', password: 'again' },
          { username: 'bob', password: 'new' },
        ]);
        again.close();
      }),
      inFolder('every byte comes back as it was', folder => {
        const db = open(path.join(folder, 'a.db'));
        const bytes = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).join('');
        const values = [bytes, 'M\xc3\xbcller', '\xef\xbf\xbd', '\xff\xfe', ''];
        for (const [i, ha1] of values.entries()) db.insert('subscriber', { ...row, username: `u${i}`, ha1 });
        for (const [i, ha1] of values.entries())
          equal(db.select('subscriber', ['ha1'], [{ column: 'username', value: `u${i}` }]), [{ ha1 }]);
        equal(db.select('subscriber', ['username'], [{ column: 'ha1', value: '\xff\xfe' }]), [{ username: 'u3' }]);
        db.close();
      }),
      inFolder('numbers and times: integers up to 2^53, reals, dates as text', folder => {
        const db = open(path.join(folder, 'a.db'));
        const contact = {
          ruid: 'r1',
          username: 'a',
          contact: 'sip:a',
          callid: '1',
          user_agent: 'x',
          q: 0.25,
          cflags: 0xffff_ffff,
          expires: '2030-01-02 03:04:05',
          last_modified: '2026-01-02 03:04:05',
        };
        db.insert('location', contact);
        equal(db.select('location', Object.keys(contact)), [contact]);
        equal(db.select('location', ['received']), [{ received: null }]);
        db.close();
      }),
      inFolder('failures have their reasons: exists, missing, other', folder => {
        const db = open(path.join(folder, 'a.db'));
        db.insert('subscriber', row);
        equal(
          reason(() => db.insert('subscriber', row)),
          'exists',
        );
        equal(
          reason(() => db.select('nosuch', ['a'])),
          'missing',
        );
        equal(
          reason(() => db.select('subscriber', ['nosuch'])),
          'missing',
        );
        equal(
          reason(() => db.select('subscriber; DROP', ['a'])),
          'other',
        );
        db.close();
        equal(
          reason(() => db.select('subscriber', ['username'])),
          'other',
        );
      }),
      inFolder('busy: another connection writes', folder => {
        const file = path.join(folder, 'a.db');
        const [one, two] = [open(file), open(file)];
        one.transaction(tx => {
          tx.insert('subscriber', row);
          equal(
            reason(() => two.insert('subscriber', { ...row, username: 'bob' })),
            'busy',
          );
        });
        two.insert('subscriber', { ...row, username: 'bob' });
        equal(one.select('subscriber', ['username']).length, 2);
        one.close();
        two.close();
      }),
      inFolder('full: no page is left', folder => {
        const db = openSqlite(`sqlite://${path.join(folder, 'a.db')}`, { maxPages: 120 });
        equal(
          reason(() => {
            for (let i = 0; i < 1000; i++)
              db.insert('subscriber', { ...row, username: `u${i}`, ha1: 'x'.repeat(1000) });
          }),
          'full',
        );
        ok(db.select('subscriber', ['username']).length > 0, 'rows');
        db.close();
      }),
      inFolder('a transaction that fails leaves nothing', folder => {
        const db = open(path.join(folder, 'a.db'));
        throws(() =>
          db.transaction(tx => {
            tx.insert('subscriber', row);
            throw new Error('no');
          }),
        );
        equal(db.select('subscriber', ['username']), []);
        db.close();
      }),
      inFolder('what is no database is refused, and left as it is', folder => {
        const file = path.join(folder, 'text');
        fs.writeFileSync(file, 'no database, but longer than the header of one: '.repeat(20));
        contains(throws(() => open(file), 'KEMI_ERR_CONFIG').message, 'not a database');
        contains(fs.readFileSync(file, 'utf8'), /^no database/);
        throws(() => open('/nosuch/folder/a.db'), 'KEMI_ERR_CONFIG');
      }),
    ],
  };
}
