/** A database in memory that can be slow, and can fail: enough of the contract for tests of usrloc. */
import {
  type Awaitable,
  type Database,
  type DbCalls,
  type DbCondition,
  DbError,
  type DbRow,
  type DbValue,
} from '../../../../src/kemi/db.ts';

type Row = Record<string, DbValue>;

export class FakeDb implements Database {
  readonly url = 'fake://';
  readonly tables = new Map<string, Row[]>();
  readonly versions = new Map([
    ['location', 9],
    ['location_attrs', 1],
  ]);
  /** calls so far, such as "insert location" */
  readonly calls: string[] = [];
  /** answers later */
  slow = false;
  /** called before each call; throws to make it fail */
  before: (call: string) => void = () => {};

  rows(table = 'location'): Row[] {
    let rows = this.tables.get(table);
    if (!rows) this.tables.set(table, (rows = []));
    return rows;
  }

  fail(pattern: RegExp, reason: DbError['reason'] = 'busy'): void {
    this.before = call => {
      if (pattern.test(call)) throw new DbError(reason, `${call} failed`);
    };
  }

  heal(): void {
    this.before = () => {};
  }

  select(
    table: string,
    columns: readonly string[],
    where: readonly DbCondition[] = [],
    options: { readonly orderBy?: string; readonly limit?: number } = {},
  ): Awaitable<DbRow[]> {
    return this.#do(`select ${table}`, () => {
      const found = this.rows(table).filter(row => matches(row, where));
      const picked = found.map(row => Object.fromEntries(columns.map(c => [c, row[c] ?? null])));
      return picked.slice(0, options.limit ?? picked.length);
    });
  }

  insert(table: string, row: DbRow): Awaitable<void> {
    return this.#do(`insert ${table}`, () => {
      if (table === 'location' && this.rows(table).some(r => r.ruid === row.ruid))
        throw new DbError('other', 'UNIQUE constraint failed: location.ruid');
      this.rows(table).push({ ...row });
    });
  }

  replace(table: string, row: DbRow, keys: readonly string[]): Awaitable<void> {
    return this.#do(`replace ${table}`, () => {
      const found = this.rows(table).find(r => keys.every(k => r[k] === row[k]));
      if (found) Object.assign(found, row);
      else this.rows(table).push({ ...row });
    });
  }

  update(table: string, set: DbRow, where: readonly DbCondition[]): Awaitable<number> {
    return this.#do(`update ${table}`, () => {
      const found = this.rows(table).filter(row => matches(row, where));
      for (const row of found) Object.assign(row, set);
      return found.length;
    });
  }

  delete(table: string, where: readonly DbCondition[]): Awaitable<number> {
    return this.#do(`delete ${table}`, () => {
      const rows = this.rows(table);
      const left = rows.filter(row => !matches(row, where));
      this.tables.set(table, left);
      return rows.length - left.length;
    });
  }

  transaction<T>(fn: (tx: DbCalls) => Awaitable<T>): Awaitable<T> {
    this.calls.push('transaction');
    const saved = new Map([...this.tables].map(([name, rows]) => [name, rows.map(r => ({ ...r }))]));
    const undo = (error: unknown): never => {
      this.tables.clear();
      for (const [name, rows] of saved) this.tables.set(name, rows);
      throw error;
    };
    try {
      const done = fn(this);
      return done instanceof Promise ? done.catch(undo) : done;
    } catch (error) {
      return undo(error);
    }
  }

  tableVersion(table: string): Awaitable<number | undefined> {
    return this.#do(`version ${table}`, () => this.versions.get(table));
  }

  close(): void {
    this.calls.push('close');
  }

  #do<T>(call: string, fn: () => T): Awaitable<T> {
    this.calls.push(call);
    const run = () => {
      this.before(call);
      return fn();
    };
    return this.slow ? new Promise<void>(resolve => setTimeout(resolve, 2)).then(run) : run();
  }
}

function matches(row: Row, where: readonly DbCondition[]): boolean {
  return where.every(({ column, op = '=', value }) => {
    const own = row[column] ?? null;
    if (op === '=') return own === value;
    if (op === '!=') return own !== value;
    if (own === null || value === null) return false;
    if (op === '<') return own < value;
    if (op === '<=') return own <= value;
    return op === '>' ? own > value : own >= value;
  });
}
