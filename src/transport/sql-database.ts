/**
 * The database contract in SQL, for stores that speak SQLite and answer at once. Each brings how a statement runs.
 *
 * Text is stored as TEXT with the bytes as they are, as Kamailio does. ASCII is bound as text; other bytes are bound as a blob and cast, since a JavaScript
 * string cannot carry them. The other way round, a result that shows a replacement character is read once more as bytes.
 *
 * A date and time is stored in columns declared TIMESTAMP or DATETIME as Kamailio's db_sqlite does it, so that both can use one file: as a Julian day number
 * (SELECT datetime(expires) FROM location).
 */
import { byteStr, byteStrOf, bytesOf } from '../core/memory.ts';
import {
  type Database,
  type DbCalls,
  type DbCondition,
  DbError,
  type DbRow,
  type DbValue,
  plainName,
} from '../kemi/db.ts';
import { keyOf } from '../kemi/db-memory.ts';
import { isTimeType, julianDay, timeOfJulianDay } from './sql-schema.ts';

/** What is bound to a place of a statement, and what a column of a result is. */
export type SqlIn = null | number | string | Uint8Array<ArrayBuffer>;
export type SqlOut = null | number | bigint | string | Uint8Array | ArrayBuffer;

export abstract class SqlDatabase implements Database {
  readonly url: string;
  /** columns of each table that hold a date and time */
  readonly #times = new Map<string, ReadonlySet<string>>();
  #inTransaction = false;

  constructor(url: string) {
    this.url = url;
  }

  /** Runs a statement that gives rows. @throws DbError */
  protected abstract all(sql: string, values: readonly SqlIn[]): Record<string, SqlOut>[];

  /** Runs a statement that writes. @returns rows changed. @throws DbError */
  protected abstract run(sql: string, values: readonly SqlIn[]): number;

  /** Runs fn between BEGIN and COMMIT; rolls back when it throws. */
  protected abstract atomic<T>(fn: () => T): T;

  abstract close(): void;

  select(
    table: string,
    columns: readonly string[],
    where: readonly DbCondition[] = [],
    options: { readonly orderBy?: string; readonly limit?: number } = {},
  ): DbRow[] {
    const names = columns.map(quoted);
    if (!names.length) throw new DbError('other', `Cannot select from ${table}: no column is asked for`);
    const values: SqlIn[] = [];
    const times = this.#timesOf(table);
    let rest = ` FROM ${quoted(table)}${conditions(where, times, values)}`;
    if (options.orderBy !== undefined) rest += ` ORDER BY ${quoted(options.orderBy)}`;
    if (options.limit !== undefined) {
      rest += ' LIMIT ?';
      values.push(options.limit);
    }
    const found = this.all(`SELECT ${names.join(', ')}${rest}`, values);
    if (found.some(hasReplacement)) {
      const bytes = names.map(n => `CASE typeof(${n}) WHEN 'text' THEN CAST(${n} AS BLOB) ELSE ${n} END AS ${n}`);
      return this.all(`SELECT ${bytes.join(', ')}${rest}`, values).map(row => readRow(row, columns, times));
    }
    return found.map(row => readRow(row, columns, times));
  }

  insert(table: string, row: DbRow): void {
    const values: SqlIn[] = [];
    const names = Object.keys(row).map(quoted);
    if (!names.length) throw new DbError('other', `Cannot insert into ${table}: the row is empty`);
    const times = this.#timesOf(table);
    const places = Object.entries(row).map(([name, value]) => place(value, times.has(name), values));
    this.run(`INSERT INTO ${quoted(table)} (${names.join(', ')}) VALUES (${places.join(', ')})`, values);
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
    const values: SqlIn[] = [];
    const times = this.#timesOf(table);
    const parts = Object.entries(set).map(
      ([name, value]) => `${quoted(name)} = ${place(value, times.has(name), values)}`,
    );
    if (!parts.length) throw new DbError('other', `Cannot update ${table}: nothing is to be set`);
    return this.run(`UPDATE ${quoted(table)} SET ${parts.join(', ')}${conditions(where, times, values)}`, values);
  }

  delete(table: string, where: readonly DbCondition[]): number {
    const values: SqlIn[] = [];
    return this.run(`DELETE FROM ${quoted(table)}${conditions(where, this.#timesOf(table), values)}`, values);
  }

  transaction<T>(fn: (tx: DbCalls) => T | Promise<T>): T {
    if (this.#inTransaction) throw new DbError('other', 'Cannot begin a transaction: one is open');
    this.#inTransaction = true;
    try {
      return this.atomic(() => {
        const result = fn(this);
        if (result instanceof Promise) {
          result.catch(() => {});
          throw new DbError('other', 'Cannot wait inside of a transaction');
        }
        return result;
      });
    } finally {
      this.#inTransaction = false;
    }
  }

  tableVersion(table: string): number | undefined {
    const [row] = this.select('version', ['table_version'], [{ column: 'table_name', value: table }]);
    return row && Number(row.table_version);
  }

  #timesOf(table: string): ReadonlySet<string> {
    let times = this.#times.get(table);
    if (!times) {
      const columns = this.all(`PRAGMA table_info(${quoted(table)})`, []);
      times = new Set(columns.filter(c => isTimeType(String(c.type))).map(c => String(c.name)));
      if (columns.length) this.#times.set(table, times);
    }
    return times;
  }
}

/** In quotes: a plain name may be a word of SQL ("partition"). */
function quoted(name: string): string {
  return `[${plainName(name)}]`;
}

function conditions(where: readonly DbCondition[], times: ReadonlySet<string>, values: SqlIn[]): string {
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
function place(value: DbValue, isTime: boolean, values: SqlIn[]): string {
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

function hasReplacement(row: Record<string, SqlOut>): boolean {
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'string' && value.includes('\ufffd')) return true;
  }
  return false;
}

function readRow(row: Record<string, SqlOut>, columns: readonly string[], times: ReadonlySet<string>): DbRow {
  const out: Record<string, DbValue> = {};
  for (const column of columns) {
    const value = row[column]!;
    if (typeof value === 'string') out[column] = BEYOND_ASCII.test(value) ? byteStrOf(value) : value;
    else if (value instanceof Uint8Array) out[column] = byteStr(value);
    else if (value instanceof ArrayBuffer) out[column] = byteStr(new Uint8Array(value));
    else if (value === null) out[column] = null;
    else out[column] = times.has(column) ? timeOfJulianDay(Number(value)) : Number(value);
  }
  return out;
}
