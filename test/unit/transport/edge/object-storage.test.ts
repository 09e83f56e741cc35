import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { OBJECT_URL, objectSecret, openObjectStorage } from '../../../../src/transport/edge/object-storage.ts';
import type { ObjectStorage, SqlValue } from '../../../../src/transport/edge/platform.ts';
import { databaseContract } from '../../kemi/db-contract.ts';

/** `ctx.storage` of a Durable Object, as the platform documents it, on the SQLite that Node has. test/runtime/contract/database.ts asks the real one. */
function storage(): ObjectStorage {
  const db = new DatabaseSync(':memory:');
  const out = (value: unknown): SqlValue => {
    if (value instanceof Uint8Array) return value.slice().buffer;
    return value as SqlValue;
  };
  return {
    sql: {
      exec(query, ...values) {
        const given = values.map((v): SQLInputValue => (v instanceof ArrayBuffer ? new Uint8Array(v) : v));
        const rows = db.prepare(query).all(...given);
        const plain = rows.map(row => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, out(v)])));
        return { toArray: () => plain, rowsWritten: 0 };
      },
    },
    transactionSync(fn) {
      db.exec('BEGIN');
      try {
        const result = fn();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        db.exec('ROLLBACK');
        throw error;
      }
    },
    getAlarm: async () => null,
    setAlarm: async () => {},
  };
}

databaseContract('the storage of a Durable Object', () => openObjectStorage(storage())(OBJECT_URL));

describe('openObjectStorage()', () => {
  it('finds the tables again that it made', async () => {
    const same = storage();
    const first = openObjectStorage(same)(OBJECT_URL);
    await first.insert('subscriber', { username: 'alice', domain: 'example.com' });
    await first.close();
    const second = openObjectStorage(same)(OBJECT_URL);
    expect(await second.select('subscriber', ['username'])).toEqual([{ username: 'alice' }]);
  });

  it('objectSecret() is the same for the life of the object, and no other has it', () => {
    const same = storage();
    const secret = objectSecret(same);
    expect(secret).toHaveLength(32);
    expect(objectSecret(same)).toEqual(secret);
    expect(objectSecret(storage())).not.toEqual(secret);
    const { sql: _sql, ...without } = same;
    expect(objectSecret(without)).toBeUndefined();
  });

  it('takes no other URL, and no namespace without SQLite', () => {
    expect(() => openObjectStorage(storage())('sqlite:///tmp/x')).toThrow(/only object:\/\/storage is available here/);
    const { sql: _sql, ...without } = storage();
    expect(() => openObjectStorage(without)(OBJECT_URL)).toThrow(/has no SQLite/);
  });
});
