/** What every database must do; each implementation's test calls it. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Database, DbError, type DbRow } from '../../../src/kemi/db.ts';
import { TABLES } from '../../../src/kemi/db-schema.ts';

/** the DbError that fn fails with, at once or later */
async function failure(fn: () => unknown): Promise<DbError> {
  try {
    await fn();
  } catch (error) {
    expect(error).toBeInstanceOf(DbError);
    return error as DbError;
  }
  throw new Error('it did not fail');
}

/** @param open makes an empty database */
export function databaseContract(name: string, open: () => Database): void {
  describe(`${name} keeps the contract of a database`, () => {
    const all: Database[] = [];
    afterEach(async () => {
      for (const db of all.splice(0)) await db.close();
    });
    const create = () => {
      const db = open();
      all.push(db);
      return db;
    };
    const user = (username: string, more: DbRow = {}) => ({ username, domain: 'example.com', ...more });

    it('has the tables of Kamailio with their versions', async () => {
      const db = create();
      for (const [table, { version, columns }] of Object.entries(TABLES)) {
        expect([table, await db.tableVersion(table)]).toEqual([table, version]);
        expect(await db.select(table, ['id', ...Object.keys(columns)])).toEqual([]);
      }
      expect(await db.tableVersion('nosuch')).toBeUndefined();
    });

    it('select() gives the asked columns of the rows that meet all conditions', async () => {
      const db = create();
      for (const n of ['bob', 'alice', 'carol']) await db.insert('subscriber', user(n, { ha1: n.length.toString() }));
      await db.insert('subscriber', { username: 'alice', domain: 'example.net' });
      const names = async (...where: Parameters<Database['select']>[2] & {}) =>
        (await db.select('subscriber', ['username'], where, { orderBy: 'username' })).map(r => r.username);
      expect(await names()).toEqual(['alice', 'alice', 'bob', 'carol']);
      expect(await names({ column: 'username', value: 'alice' })).toEqual(['alice', 'alice']);
      expect(
        await db.select(
          'subscriber',
          ['ha1', 'username'],
          [
            { column: 'username', value: 'alice' },
            { column: 'domain', value: 'example.com' },
          ],
        ),
      ).toEqual([{ ha1: '5', username: 'alice' }]);
      expect(await names({ column: 'username', op: '>', value: 'alice' })).toEqual(['bob', 'carol']);
      expect(await names({ column: 'username', op: '>=', value: 'bob' })).toEqual(['bob', 'carol']);
      expect(await names({ column: 'username', op: '<', value: 'bob' })).toEqual(['alice', 'alice']);
      expect(await names({ column: 'username', op: '<=', value: 'bob' })).toEqual(['alice', 'alice', 'bob']);
      expect(await names({ column: 'username', op: '!=', value: 'alice' })).toEqual(['bob', 'carol']);
      const first = await db.select('subscriber', ['username'], [], { orderBy: 'username', limit: 1 });
      expect(first).toEqual([{ username: 'alice' }]);
      expect(await db.select('subscriber', ['username'], [], { limit: 0 })).toEqual([]);
    });

    it('a NULL meets "= null" and no other condition', async () => {
      const db = create();
      await db.insert('address', { ip_addr: '192.0.2.1', tag: 'a' });
      await db.insert('address', { ip_addr: '192.0.2.2' });
      await db.insert('address', { ip_addr: '192.0.2.3', tag: null });
      const count = async (op: '=' | '!=' | '<' | '>=', value: string | null) =>
        (await db.select('address', ['id'], [{ column: 'tag', op, value }])).length;
      expect(await count('=', null)).toBe(2);
      expect(await count('!=', null)).toBe(1);
      expect(await count('!=', 'b')).toBe(1);
      expect(await count('<', 'z')).toBe(1);
      expect(await count('>=', null)).toBe(0);
      expect(await db.select('address', ['tag', 'port', 'mask', 'grp'], [], { orderBy: 'tag' })).toEqual([
        { tag: null, port: 0, mask: 32, grp: 1 },
        { tag: null, port: 0, mask: 32, grp: 1 },
        { tag: 'a', port: 0, mask: 32, grp: 1 },
      ]);
    });

    it('bytes come back as they were, and are found', async () => {
      const db = create();
      const every = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).join('');
      // all bytes; UTF-8; broken UTF-8; a byte order mark; a replacement character; NUL; nothing; what would end a string in SQL
      const texts = [
        every,
        'z\xc3\xbc',
        '\xff\xfe',
        '\xef\xbb\xbfx',
        '\xef\xbf\xbd',
        'a\0b',
        '',
        "'; DROP TABLE acc --",
      ];
      for (const [i, text] of texts.entries()) await db.insert('acc', { callid: text, method: String(i), time: '-' });
      for (const [i, text] of texts.entries())
        expect(await db.select('acc', ['callid', 'method'], [{ column: 'callid', value: text }])).toEqual([
          { callid: text, method: String(i) },
        ]);
      expect((await db.select('acc', ['callid'], [], { orderBy: 'id' })).map(r => r.callid)).toEqual(texts);
    });

    it('text that looks like a number stays text in a text column; numbers keep fractions', async () => {
      const db = create();
      await db.insert('location', {
        ruid: 'r',
        username: '007',
        q: 0.5,
        cseq: 4294967295,
        expires: '2026-01-02 03:04:05',
      });
      expect(await db.select('location', ['username', 'q', 'cseq', 'expires', 'domain'])).toEqual([
        { username: '007', q: 0.5, cseq: 4294967295, expires: '2026-01-02 03:04:05', domain: null },
      ]);
    });

    it('dates are compared as dates', async () => {
      const db = create();
      const times = ['2026-01-02 03:04:05', '2026-01-02 03:04:06', '2030-12-31 23:59:59', '1999-01-01 00:00:00'];
      for (const expires of times) await db.insert('location', { ruid: expires, expires });
      const found = async (op: '<' | '<=' | '=' | '>=', value: string) =>
        (await db.select('location', ['expires'], [{ column: 'expires', op, value }])).length;
      expect(await found('<', '2026-01-02 03:04:06')).toBe(2);
      expect(await found('<=', '2026-01-02 03:04:06')).toBe(3);
      expect(await found('=', '2030-12-31 23:59:59')).toBe(1);
      expect(await found('>=', '2000-01-01 00:00:00')).toBe(3);
    });

    it('update() and delete() say how many rows they met', async () => {
      const db = create();
      for (const n of ['a', 'b', 'c']) await db.insert('subscriber', user(n));
      expect(await db.update('subscriber', { ha1: 'x' }, [{ column: 'username', op: '!=', value: 'a' }])).toBe(2);
      expect(await db.update('subscriber', { ha1: 'x' }, [{ column: 'username', value: 'nobody' }])).toBe(0);
      expect(await db.delete('subscriber', [{ column: 'ha1', value: 'x' }])).toBe(2);
      expect(await db.select('subscriber', ['username'])).toEqual([{ username: 'a' }]);
      expect(await db.delete('subscriber', [])).toBe(1);
    });

    it('replace() sets the row with the same keys, or inserts', async () => {
      const db = create();
      const keys = ['username', 'domain'];
      await db.replace('subscriber', user('a', { ha1: '1', ha1b: 'kept' }), keys);
      await db.replace('subscriber', user('a', { ha1: '2' }), keys);
      await db.replace('subscriber', user('b'), keys);
      await db.replace('subscriber', user('b'), keys);
      expect(await db.select('subscriber', ['username', 'ha1', 'ha1b'], [], { orderBy: 'username' })).toEqual([
        { username: 'a', ha1: '2', ha1b: 'kept' },
        { username: 'b', ha1: '', ha1b: '' },
      ]);
      expect(await failure(() => db.replace('subscriber', { username: 'a' }, keys))).toMatchObject({ reason: 'other' });
    });

    it('failures have a reason', async () => {
      const db = create();
      await db.insert('subscriber', user('a'));
      const reason = async (fn: () => unknown) => (await failure(fn)).reason;
      expect(await reason(() => db.insert('subscriber', user('a')))).toBe('exists');
      expect(await reason(() => db.insert('subscriber', { ...user('b'), id: 1 }))).toBe('exists');
      expect(await reason(() => db.select('nosuch', ['id']))).toBe('missing');
      expect(await reason(() => db.select('subscriber', ['nosuch']))).toBe('missing');
      expect(await reason(() => db.insert('subscriber', { nosuch: 1 }))).toBe('missing');
      expect(await reason(() => db.update('subscriber', { nosuch: 1 }, []))).toBe('missing');
      expect(await reason(() => db.delete('subscriber', [{ column: 'nosuch', value: 1 }]))).toBe('missing');
      expect(await reason(() => db.select('subscriber', ['id'], [], { orderBy: 'nosuch' }))).toBe('missing');
      expect(await reason(() => db.insert('acc', { callid: 'x' }))).toBe('other');
      expect(await reason(() => db.update('subscriber', { username: null }, []))).toBe('other');
      expect(await reason(() => db.update('subscriber', {}, []))).toBe('other');
    });

    it.each(['a b', 'a]', 'a"', "a'", 'a;--', '', '1a', 'a.b', '\xfc', 'a\n'])('refuses the name %j', async bad => {
      const db = create();
      for (const call of [
        () => db.select(bad, ['id']),
        () => db.select('acc', [bad]),
        () => db.select('acc', ['id'], [{ column: bad, value: 1 }]),
        () => db.select('acc', ['id'], [], { orderBy: bad }),
        () => db.insert(bad, { id: 1 }),
        () => db.insert('acc', { [bad]: 1 }),
        () => db.update('acc', { [bad]: 1 }, []),
        () => db.delete(bad, []),
        () => db.replace('acc', { [bad]: 1 }, [bad]),
      ])
        expect(await failure(call)).toMatchObject({ reason: 'other' });
    });

    it('transaction() gives what its function gives, and all of its writes or none', async () => {
      const db = create();
      expect(
        await db.transaction(tx => {
          tx.insert('subscriber', user('a'));
          tx.insert('subscriber', user('b'));
          return 7;
        }),
      ).toBe(7);
      const rolledBack = () =>
        db.transaction(tx => {
          tx.insert('subscriber', user('c'));
          tx.update('subscriber', { ha1: 'x' }, []);
          tx.delete('subscriber', [{ column: 'username', value: 'a' }]);
          tx.insert('subscriber', user('b'));
        });
      expect(await failure(rolledBack)).toMatchObject({ reason: 'exists' });
      const boom = async () =>
        db.transaction(() =>
          Promise.resolve().then(() => {
            throw new Error('mine');
          }),
        );
      await expect(boom()).rejects.toThrow();
      await expect(async () =>
        db.transaction(tx => {
          tx.delete('subscriber', []);
          throw new Error('mine');
        }),
      ).rejects.toThrow('mine');
      expect(await failure(() => db.transaction(() => db.transaction(() => 1)))).toMatchObject({ reason: 'other' });
      expect(await db.select('subscriber', ['username', 'ha1'], [], { orderBy: 'username' })).toEqual([
        { username: 'a', ha1: '' },
        { username: 'b', ha1: '' },
      ]);
      expect(await db.transaction(tx => tx.delete('subscriber', []))).toBe(2);
    });

    it('is of no use behind close()', async () => {
      const db = create();
      await db.close();
      expect(await failure(() => db.select('acc', ['id']))).toMatchObject({ reason: 'other' });
      expect(await failure(() => db.transaction(() => 1))).toMatchObject({ reason: 'other' });
      await db.close();
    });
  });
}
