/**
 * The database contract on SQLite, with the binding that Node brings (node:sqlite: Node 22.13 or later, Deno; Bun has one of its own).
 *
 * All calls answer at once, so each of them holds the event loop. What bounds that: write-ahead logging (readers never wait), no fsync per commit
 * (synchronous=NORMAL: what was written survives the end of the process, the last writes may be lost with the machine), and BUSY_MS when another
 * process writes at that moment.
 */
import fs from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { KemiError } from '../../errors.ts';
import { DbError } from '../../kemi/db.ts';
import { SqlDatabase, type SqlIn, type SqlOut } from '../sql-database.ts';
import { schemaSql } from '../sql-schema.ts';

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

export class SqliteDatabase extends SqlDatabase {
  readonly #db: DatabaseSync;
  /** prepared statements by their SQL, the one used last at the end */
  readonly #statements = new Map<string, StatementSync>();
  #closed = false;

  /** @param db open, with the tables it shall have */
  constructor(url: string, db: DatabaseSync) {
    super(url);
    this.#db = db;
  }

  protected override atomic<T>(fn: () => T): T {
    // IMMEDIATE: whoever is to wait waits here, not in the middle.
    this.run('BEGIN IMMEDIATE', []);
    try {
      const result = fn();
      this.run('COMMIT', []);
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  override close(): void {
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

  protected override all(sql: string, values: readonly SqlIn[]): Record<string, SqlOut>[] {
    try {
      return this.#statement(sql).all(...values);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  protected override run(sql: string, values: readonly SqlIn[]): number {
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
