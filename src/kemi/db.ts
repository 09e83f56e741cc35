/**
 * The storage behind usrloc, auth_db, permissions and acc: tables with Kamailio's names and columns. A contract, open to all; src/transport/<runtime>/
 * implements it (SQLite on Node), and test/unit/kemi/db-contract.ts holds each implementation to it.
 *
 * Every call may answer at once or later: embedded stores answer at once, so a caller checks `instanceof Promise` before it waits.
 */
import type { ByteStr } from '../core/memory.ts';

export type Awaitable<T> = T | Promise<T>;

/** Text is bytes; a date and time is text, 'YYYY-MM-DD HH:MM:SS' in UTC. */
export type DbValue = null | number | ByteStr;
export type DbRow = Readonly<Record<string, DbValue>>;

/** Conditions are joined with AND. `column = null` asks for NULL. */
export interface DbCondition {
  readonly column: string;
  /** default '=' */
  readonly op?: '=' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: DbValue;
}

/** A failure of the store; each call may throw it or reject with it. */
export class DbError extends Error {
  /** busy: locked by somebody else, try again; full: no room; missing: no such table or column; other */
  readonly reason: 'busy' | 'full' | 'missing' | 'other';

  constructor(reason: DbError['reason'], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/**
 * One open database. Table and column names come from modparams: an implementation refuses what is no plain name (letters, digits, _).
 * Every call: @throws {DbError}, or a promise rejected with it.
 */
export interface Database {
  /** what it was opened with */
  readonly url: string;
  /** rows that meet all conditions, with the asked columns; in no order unless `orderBy` names a column */
  select(
    table: string,
    columns: readonly string[],
    where?: readonly DbCondition[],
    options?: { readonly orderBy?: string; readonly limit?: number },
  ): Awaitable<DbRow[]>;
  insert(table: string, row: DbRow): Awaitable<void>;
  /** insert, or set the other columns of the row that has the same values in `keys` */
  replace(table: string, row: DbRow, keys: readonly string[]): Awaitable<void>;
  /** @returns rows changed */
  update(table: string, set: DbRow, where: readonly DbCondition[]): Awaitable<number>;
  /** @returns rows removed; no condition removes all */
  delete(table: string, where: readonly DbCondition[]): Awaitable<number>;
  /** The writes of fn take effect together, or none of them when it throws. fn only makes calls that answer at once or are awaited inside it. */
  transaction<T>(fn: () => Awaitable<T>): Awaitable<T>;
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
