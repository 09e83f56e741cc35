/** The database contract on the SQLite that a Durable Object has (`ctx.storage.sql`): what is written survives the object's memory. Calls answer at once. */
import { KemiError } from '../../errors.ts';
import { DbError, type OpenDatabase } from '../../kemi/db.ts';
import { SqlDatabase, type SqlIn, type SqlOut } from '../sql-database.ts';
import { schemaSql } from '../sql-schema.ts';
import type { ObjectStorage, SqlValue } from './platform.ts';

/** the only db_url there is: an object has one database */
export const OBJECT_URL = 'object://storage';

/**
 * Opens the object's database as `object://storage`; a new one gets Kamailio's tables.
 * @throws KemiError KEMI_ERR_CONFIG another URL, or a namespace without SQLite
 */
export function openObjectStorage(storage: ObjectStorage): OpenDatabase {
  return url => {
    const cannot = (why: string, cause?: unknown) =>
      new KemiError('KEMI_ERR_CONFIG', `Cannot open the database ${url}: ${why}`, { cause });
    if (url !== OBJECT_URL) throw cannot(`only ${OBJECT_URL} is available here`);
    const { sql } = storage;
    if (!sql) throw cannot('the namespace of this Durable Object has no SQLite');
    try {
      storage.transactionSync(() => {
        const there = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'version'").toArray();
        if (there.length === 0) for (const statement of schemaSql()) sql.exec(statement);
      });
    } catch (cause) {
      throw cannot((cause as Error).message, cause);
    }
    return new ObjectDatabase(url, storage, sql);
  };
}

const SECRET_BYTES = 32;

/**
 * What tags, branches and nonces are made from: the same for the life of the object, so that a phone that was challenged before the object slept can answer behind it.
 * @returns undefined in a namespace without SQLite
 */
export function objectSecret(storage: ObjectStorage): Uint8Array | undefined {
  const { sql } = storage;
  if (!sql || !hasSql(storage)) return undefined;
  sql.exec('CREATE TABLE IF NOT EXISTS kemi_secret (value BLOB NOT NULL)');
  const value = sql.exec('SELECT value FROM kemi_secret').toArray()[0]?.value;
  if (value instanceof ArrayBuffer && value.byteLength === SECRET_BYTES) return new Uint8Array(value);
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  sql.exec('INSERT INTO kemi_secret (value) VALUES (?)', secret.buffer);
  return secret;
}

/** A namespace without SQLite has an `sql` that fails. */
export function hasSql({ sql }: ObjectStorage): boolean {
  try {
    return sql !== undefined && sql.exec('SELECT 1').toArray().length === 1;
  } catch {
    return false;
  }
}

class ObjectDatabase extends SqlDatabase {
  readonly #storage: ObjectStorage;
  readonly #sql: NonNullable<ObjectStorage['sql']>;
  #closed = false;

  constructor(url: string, storage: ObjectStorage, sql: NonNullable<ObjectStorage['sql']>) {
    super(url);
    this.#storage = storage;
    this.#sql = sql;
  }

  protected override all(sql: string, values: readonly SqlIn[]): Record<string, SqlOut>[] {
    return this.#exec(sql, values).toArray();
  }

  protected override run(sql: string, values: readonly SqlIn[]): number {
    this.#exec(sql, values);
    // rowsWritten counts index rows, too
    return Number(this.#exec('SELECT changes() AS n', []).toArray()[0]?.n);
  }

  protected override atomic<T>(fn: () => T): T {
    this.#assertOpen();
    return this.#storage.transactionSync(fn);
  }

  override close(): void {
    this.#closed = true;
  }

  #exec(sql: string, values: readonly SqlIn[]) {
    this.#assertOpen();
    try {
      return this.#sql.exec(sql, ...values.map(bound));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new DbError('other', 'Cannot use the database: it is closed');
  }

  #failure(error: unknown): DbError {
    const { message } = error as Error;
    const text = `${this.url}: ${message}`;
    if (/no such (table|column)|has no column named/.test(message)) return new DbError('missing', text, error);
    if (/UNIQUE constraint failed/.test(message)) return new DbError('exists', text, error);
    if (/SQLITE_FULL|database or disk is full/.test(message)) return new DbError('full', text, error);
    if (/SQLITE_BUSY|SQLITE_LOCKED/.test(message)) return new DbError('busy', text, error);
    return new DbError('other', text, error);
  }
}

/** The platform takes no views. */
function bound(value: SqlIn): SqlValue {
  return value instanceof Uint8Array ? value.slice().buffer : value;
}
