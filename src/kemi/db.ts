/**
 * The storage behind usrloc, auth_db, permissions and acc: tables with Kamailio's names and columns. A contract, open to all; src/transport/<runtime>/
 * implements it (SQLite on Node), and test/unit/kemi/db-contract.ts holds each implementation to it.
 *
 * Every call may answer at once or later: embedded stores answer at once, so a caller checks `instanceof Promise` before it waits.
 */
import type { ByteStr } from '../core/memory.ts';

export type Awaitable<T> = T | Promise<T>;

/** Runs a step behind what may have to be waited for; at once where it need not. */
export function after<T, R>(value: Awaitable<T>, step: (value: T) => R | Promise<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(step) : step(value);
}

/** Text is bytes; a date and time is text, 'YYYY-MM-DD HH:MM:SS' in UTC. */
export type DbValue = null | number | ByteStr;
export type DbRow = Readonly<Record<string, DbValue>>;

/** Conditions are joined with AND. `= null` asks for NULL, `!= null` for anything else; a NULL in the table meets no other condition. Text compares by bytes. */
export interface DbCondition {
  readonly column: string;
  /** default '=' */
  readonly op?: '=' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: DbValue;
}

/** A failure of the store; each call may throw it or reject with it. */
export class DbError extends Error {
  /**
   * busy: locked by somebody else, try again; full: no room; missing: no such table or column; exists: a row with these unique values is there;
   * other: anything else, closed and names that are not plain included
   */
  readonly reason: 'busy' | 'full' | 'missing' | 'exists' | 'other';

  constructor(reason: DbError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DbError';
    this.reason = reason;
  }
}

/**
 * Reading and writing. Table and column names come from modparams: an implementation refuses what is no plain name (letters, digits, _).
 * Text goes into text columns and numbers into number columns; bytes come back as they were. Every call: @throws {DbError}, or a promise rejected with it.
 */
export interface DbCalls {
  /** rows that meet all conditions, with the asked columns; in no order unless `orderBy` names a column (ascending, NULL first) */
  select(
    table: string,
    columns: readonly string[],
    where?: readonly DbCondition[],
    options?: { readonly orderBy?: string; readonly limit?: number },
  ): Awaitable<DbRow[]>;
  /** columns that the row does not have get the table's defaults */
  insert(table: string, row: DbRow): Awaitable<void>;
  /** sets the other columns of the rows that have the same values in `keys`; inserts when there is none */
  replace(table: string, row: DbRow, keys: readonly string[]): Awaitable<void>;
  /** @returns rows changed */
  update(table: string, set: DbRow, where: readonly DbCondition[]): Awaitable<number>;
  /** @returns rows removed; no condition removes all */
  delete(table: string, where: readonly DbCondition[]): Awaitable<number>;
}

/** One open database. */
export interface Database extends DbCalls {
  /** what it was opened with */
  readonly url: string;
  /**
   * The writes of fn take effect together, or none of them when it throws. It makes its calls through `tx`, which ends with it. A store whose calls answer at
   * once takes only an fn that does so, too: it refuses a promise (reason other), since other routes would write into the transaction while it waits.
   * Transactions do not nest.
   */
  transaction<T>(fn: (tx: DbCalls) => Awaitable<T>): Awaitable<T>;
  /** Kamailio's `version` table: the version number of a table's layout, undefined when it is not listed */
  tableVersion(table: string): Awaitable<number | undefined>;
  close(): Awaitable<void>;
}

/**
 * Opens a database by Kamailio's db_url. One that is new gets Kamailio's tables.
 * @param url sqlite:///path/to/file (absolute), sqlite://file (relative), sqlite://:memory:
 * @throws {KemiError} KEMI_ERR_CONFIG for a scheme that is not available, or a file that cannot be opened
 */
export type OpenDatabase = (url: string) => Database;

/** @returns the name. @throws {DbError} when it is not made of letters, digits and _, or starts with a digit */
export function plainName(name: string): string {
  if (!/^[A-Za-z_]\w{0,63}$/.test(name))
    throw new DbError('other', `Cannot use "${name}" as the name of a table or column`);
  return name;
}
