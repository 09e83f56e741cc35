/**
 * The database contract on SQLite, with the binding that Node brings (node:sqlite: Node 22.13 or later, Deno; Bun has one of its own).
 *
 * All calls answer at once, so each of them holds the event loop. What bounds that: write-ahead logging (readers never wait), no fsync per commit
 * (synchronous=NORMAL: what was written survives the end of the process, the last writes may be lost with the machine), and BUSY_MS when another
 * process writes at that moment.
 *
 * Text is stored as TEXT with the bytes as they are, as Kamailio does. ASCII is bound as text; other bytes are bound as a blob and cast, since a JavaScript
 * string cannot carry them. The other way round, a result that shows a replacement character is read once more as bytes.
 *
 * A date and time is stored in columns declared TIMESTAMP or DATETIME as Kamailio's db_sqlite does it, so that both can use one file: as a Julian day number
 * (SELECT datetime(expires) FROM location).
 */
import fs from 'node:fs';
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { byteStr, byteStrOf, bytesOf } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import {
  type Database,
  type DbCalls,
  type DbCondition,
  DbError,
  type DbRow,
  type DbValue,
  plainName,
} from '../../kemi/db.ts';
import { keyOf } from '../../kemi/db-memory.ts';
import { isTimeType, julianDay, schemaSql, timeOfJulianDay } from './sqlite-schema.ts';

/** how long one call may wait for another process that writes, milliseconds */
export const BUSY_MS = 50;
/** the same while a database is opened */
const OPEN_BUSY_MS = 5000;
const MAX_STATEMENTS = 256;

export interface SqliteOptions {
  /** how large the file may get, in pages (4 KiB in a new file); writes beyond that fail as full */
  readonly maxPages?: number;
  /** how long one call may wait for another process that writes, milliseconds; default BUSY_MS */
  readonly busyMs?: number;
}

/**
 * Opens sqlite:///absolute/path, sqlite://relative/path or sqlite://:memory:. A file that is not there is made, readable for its owner only; an empty one gets
 * Kamailio's tables.
 * @throws KemiError KEMI_ERR_CONFIG for another scheme, a file that cannot be opened or is no database, or a Node without SQLite
 */
export function openSqlite(url: string, options: SqliteOptions = {}): SqliteDatabase {
  const path = /^sqlite:\/\/(.+)$/s.exec(url)?.[1];
  const cannot = (why: string, cause?: unknown) =>
    new KemiError('KEMI_ERR_CONFIG', `Cannot open the database ${url}: ${why}`, { cause });
  if (path === undefined || path.includes('\0'))
    throw cannot('only sqlite:///absolute/path, sqlite://relative/path and sqlite://:memory: are available');
  const sqlite = process.getBuiltinModule('node:sqlite');
  if (!sqlite)
    throw cannot(`this Node (${process.version}) has no SQLite; 22.13 has it, 22.12 with --experimental-sqlite`);
  let db: DatabaseSync | undefined;
  try {
    if (path !== ':memory:') fs.closeSync(fs.openSync(path, 'a', 0o600));
    db = new sqlite.DatabaseSync(path);
    db.exec(`PRAGMA busy_timeout=${OPEN_BUSY_MS}; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL`);
    db.exec('BEGIN IMMEDIATE');
    if (!db.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get()) for (const sql of schemaSql()) db.exec(sql);
    db.exec(`COMMIT; PRAGMA busy_timeout=${Math.trunc(options.busyMs ?? BUSY_MS)}`);
    if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count=${Math.trunc(options.maxPages)}`);
    return new SqliteDatabase(url, db);
  } catch (error) {
    db?.close();
    throw cannot((error as Error).message, error);
  }
}

export class SqliteDatabase implements Database {
  readonly url: string;
  readonly #db: DatabaseSync;
  /** prepared statements by their SQL, the one used last at the end */
  readonly #statements = new Map<string, StatementSync>();
  /** columns of each table that hold a date and time */
  readonly #times = new Map<string, ReadonlySet<string>>();
  #inTransaction = false;
  #closed = false;

  /** @param db open, with the tables it shall have */
  constructor(url: string, db: DatabaseSync) {
    this.url = url;
    this.#db = db;
  }

  select(
    table: string,
    columns: readonly string[],
    where: readonly DbCondition[] = [],
    options: { readonly orderBy?: string; readonly limit?: number } = {},
  ): DbRow[] {
    const names = columns.map(quoted);
    if (!names.length) throw new DbError('other', `Cannot select from ${table}: no column is asked for`);
    const values: SQLInputValue[] = [];
    const times = this.#timesOf(table);
    let rest = ` FROM ${quoted(table)}${conditions(where, times, values)}`;
    if (options.orderBy !== undefined) rest += ` ORDER BY ${quoted(options.orderBy)}`;
    if (options.limit !== undefined) {
      rest += ' LIMIT ?';
      values.push(options.limit);
    }
    const found = this.#all(`SELECT ${names.join(', ')}${rest}`, values);
    if (found.some(hasReplacement)) {
      const bytes = names.map(n => `CASE typeof(${n}) WHEN 'text' THEN CAST(${n} AS BLOB) ELSE ${n} END AS ${n}`);
      return this.#all(`SELECT ${bytes.join(', ')}${rest}`, values).map(row => readRow(row, columns, times));
    }
    return found.map(row => readRow(row, columns, times));
  }

  insert(table: string, row: DbRow): void {
    const values: SQLInputValue[] = [];
    const names = Object.keys(row).map(quoted);
    if (!names.length) throw new DbError('other', `Cannot insert into ${table}: the row is empty`);
    const times = this.#timesOf(table);
    const places = Object.entries(row).map(([name, value]) => place(value, times.has(name), values));
    this.#run(`INSERT INTO ${quoted(table)} (${names.join(', ')}) VALUES (${places.join(', ')})`, values);
  }

  replace(table: string, row: DbRow, keys: readonly string[]): void {
    const where = keys.map(column => ({ column, value: keyOf(row, column) }));
    const rest = Object.fromEntries(Object.entries(row).filter(([name]) => !keys.includes(name)));
    const there = Object.keys(rest).length
      ? this.update(table, rest, where)
      : this.select(table, keys, where, { limit: 1 }).length;
    if (!there) this.insert(table, row);
  }

  update(table: string, set: DbRow, where: readonly DbCondition[]): number {
    const values: SQLInputValue[] = [];
    const times = this.#timesOf(table);
    const parts = Object.entries(set).map(
      ([name, value]) => `${quoted(name)} = ${place(value, times.has(name), values)}`,
    );
    if (!parts.length) throw new DbError('other', `Cannot update ${table}: nothing is to be set`);
    return this.#run(`UPDATE ${quoted(table)} SET ${parts.join(', ')}${conditions(where, times, values)}`, values);
  }

  delete(table: string, where: readonly DbCondition[]): number {
    const values: SQLInputValue[] = [];
    return this.#run(`DELETE FROM ${quoted(table)}${conditions(where, this.#timesOf(table), values)}`, values);
  }

  transaction<T>(fn: (tx: DbCalls) => T | Promise<T>): T {
    if (this.#inTransaction) throw new DbError('other', 'Cannot begin a transaction: one is open');
    // IMMEDIATE: whoever is to wait waits here, not in the middle.
    this.#run('BEGIN IMMEDIATE', []);
    this.#inTransaction = true;
    try {
      const result = fn(this);
      if (result instanceof Promise) {
        result.catch(() => {});
        throw new DbError('other', 'Cannot wait inside of a transaction');
      }
      this.#run('COMMIT', []);
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  tableVersion(table: string): number | undefined {
    const [row] = this.select('version', ['table_version'], [{ column: 'table_name', value: table }]);
    return row && Number(row.table_version);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#statements.clear();
    this.#db.close();
  }

  #rollBack(): void {
    try {
      if (!this.#closed) this.#db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, as after some errors (a full disk).
    }
  }

  #timesOf(table: string): ReadonlySet<string> {
    let times = this.#times.get(table);
    if (!times) {
      const columns = this.#all(`PRAGMA table_info(${quoted(table)})`, []);
      times = new Set(columns.filter(c => isTimeType(String(c.type))).map(c => String(c.name)));
      if (columns.length) this.#times.set(table, times);
    }
    return times;
  }

  #all(sql: string, values: SQLInputValue[]): Record<string, SQLOutputValue>[] {
    try {
      return this.#statement(sql).all(...values);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #run(sql: string, values: SQLInputValue[]): number {
    try {
      return Number(this.#statement(sql).run(...values).changes);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement) this.#statements.delete(sql);
    else {
      statement = this.#db.prepare(sql);
      if (this.#statements.size >= MAX_STATEMENTS) {
        const [oldest] = this.#statements.keys();
        this.#statements.delete(oldest!);
      }
    }
    this.#statements.set(sql, statement);
    return statement;
  }

  #failure(error: unknown): DbError {
    if (this.#closed) return new DbError('other', 'Cannot use the database: it is closed', error);
    const { errcode = 0, message } = error as Error & { errcode?: number };
    const text = `${this.url}: ${message}`;
    // The low byte is the primary code, sqlite.org/rescode.html: 5 BUSY, 6 LOCKED, 13 FULL, 19 CONSTRAINT.
    const code = errcode & 255;
    if (code === 5 || code === 6) return new DbError('busy', text, error);
    if (code === 13) return new DbError('full', text, error);
    // 1555 primary key, 2067 unique
    if (errcode === 1555 || errcode === 2067) return new DbError('exists', text, error);
    if (code === 1 && /no such (table|column)|has no column named/.test(message))
      return new DbError('missing', text, error);
    return new DbError('other', text, error);
  }
}

/** In quotes: a plain name may be a word of SQL ("partition"). */
function quoted(name: string): string {
  return `[${plainName(name)}]`;
}

function conditions(where: readonly DbCondition[], times: ReadonlySet<string>, values: SQLInputValue[]): string {
  if (!where.length) return '';
  const parts = where.map(({ column, op = '=', value }) => {
    if (value !== null) return `${quoted(column)} ${op} ${place(value, times.has(column), values)}`;
    if (op === '=') return `${quoted(column)} IS NULL`;
    return op === '!=' ? `${quoted(column)} IS NOT NULL` : `${quoted(column)} ${op} NULL`;
  });
  return ` WHERE ${parts.join(' AND ')}`;
}

const BEYOND_ASCII = /[\u0080-\uffff]/;

/** Appends the value; @returns what stands for it in the SQL */
function place(value: DbValue, isTime: boolean, values: SQLInputValue[]): string {
  if (isTime && typeof value === 'string') {
    values.push(julianDay(value) ?? value);
    return '?';
  }
  if (typeof value === 'string' && BEYOND_ASCII.test(value)) {
    values.push(bytesOf(value));
    return 'CAST(? AS TEXT)';
  }
  values.push(value);
  return '?';
}

function hasReplacement(row: Record<string, SQLOutputValue>): boolean {
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'string' && value.includes('\ufffd')) return true;
  }
  return false;
}

function readRow(row: Record<string, SQLOutputValue>, columns: readonly string[], times: ReadonlySet<string>): DbRow {
  const out: Record<string, DbValue> = {};
  for (const column of columns) {
    const value = row[column]!;
    if (typeof value === 'string') out[column] = BEYOND_ASCII.test(value) ? byteStrOf(value) : value;
    else if (value instanceof Uint8Array) out[column] = byteStr(value);
    else if (value === null) out[column] = null;
    else out[column] = times.has(column) ? timeOfJulianDay(Number(value)) : Number(value);
  }
  return out;
}
