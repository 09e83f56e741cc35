/** A database that lives as long as its object: for tests, and for runtimes without SQLite. It has Kamailio's tables. Conditions look at every row. */
import { KemiError } from '../errors.ts';
import {
  type Database,
  type DbCalls,
  type DbCondition,
  DbError,
  type DbRow,
  type DbValue,
  type OpenDatabase,
  plainName,
} from './db.ts';
import { TABLES, type TableSchema, VERSION_TABLE } from './db-schema.ts';

type Row = Record<string, DbValue>;

interface Table {
  readonly schema: TableSchema;
  rows: Row[];
  lastId: number;
}

/** Opens `memory://` followed by any name; each call makes a new, empty one. @throws KemiError KEMI_ERR_CONFIG for another scheme */
export const openMemoryDatabase: OpenDatabase = url => {
  if (!url.startsWith('memory://'))
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot open the database ${url}: only memory://NAME is available here`);
  return new MemoryDatabase(url);
};

export class MemoryDatabase implements Database {
  readonly url: string;
  readonly #tables = new Map<string, Table>();
  #closed = false;
  #inTransaction = false;

  constructor(url: string) {
    this.url = url;
    for (const [name, schema] of [['version', VERSION_TABLE], ...Object.entries(TABLES)] as [string, TableSchema][])
      this.#tables.set(name, { schema, rows: [], lastId: 0 });
    for (const [name, { version }] of Object.entries(TABLES))
      this.insert('version', { table_name: name, table_version: version });
  }

  select(
    table: string,
    columns: readonly string[],
    where: readonly DbCondition[] = [],
    options: { readonly orderBy?: string; readonly limit?: number } = {},
  ): DbRow[] {
    const found = this.#matching(table, where);
    for (const column of columns) this.#column(table, column);
    const { orderBy, limit } = options;
    if (orderBy !== undefined) {
      this.#column(table, orderBy);
      found.sort((a, b) => order(a[orderBy]!, b[orderBy]!));
    }
    return found.slice(0, limit).map(row => Object.fromEntries(columns.map(c => [c, row[c]!])));
  }

  insert(table: string, row: DbRow): void {
    const t = this.#table(table);
    for (const column of Object.keys(row)) this.#column(table, column);
    const full: Row = { id: row.id ?? t.lastId + 1 };
    for (const [name, column] of Object.entries(t.schema.columns)) {
      const value = name in row ? row[name] : column.default;
      if (value === undefined || (value === null && !column.nullable))
        throw new DbError('other', `Cannot insert into ${table}: column ${name} needs a value`);
      full[name] = value;
    }
    this.#assertUnique(table, full);
    t.lastId = Math.max(t.lastId, Number(full.id));
    t.rows.push(full);
  }

  replace(table: string, row: DbRow, keys: readonly string[]): void {
    const where = keys.map(column => ({ column, value: keyOf(row, column) }));
    const rest = Object.fromEntries(Object.entries(row).filter(([name]) => !keys.includes(name)));
    const there = Object.keys(rest).length ? this.update(table, rest, where) : this.#matching(table, where).length;
    if (!there) this.insert(table, row);
  }

  update(table: string, set: DbRow, where: readonly DbCondition[]): number {
    const names = Object.keys(set);
    if (!names.length) throw new DbError('other', `Cannot update ${table}: nothing is to be set`);
    for (const column of names) this.#column(table, column);
    const { schema } = this.#table(table);
    const found = this.#matching(table, where);
    for (const name of names)
      if (set[name] === null && !schema.columns[name]?.nullable)
        throw new DbError('other', `Cannot update ${table}: column ${name} needs a value`);
    for (const row of found) this.#assertUnique(table, { ...row, ...set }, row);
    for (const row of found) Object.assign(row, set);
    return found.length;
  }

  delete(table: string, where: readonly DbCondition[]): number {
    const gone = new Set(this.#matching(table, where));
    const t = this.#table(table);
    t.rows = t.rows.filter(row => !gone.has(row));
    return gone.size;
  }

  transaction<T>(fn: (tx: DbCalls) => T | Promise<T>): T {
    this.#assertOpen();
    if (this.#inTransaction) throw new DbError('other', 'Cannot begin a transaction: one is open');
    const before = [...this.#tables].map(([name, t]) => [name, t.rows.map(r => ({ ...r })), t.lastId] as const);
    this.#inTransaction = true;
    try {
      const result = fn(this);
      if (result instanceof Promise) {
        result.catch(() => {});
        throw new DbError('other', 'Cannot wait inside of a transaction');
      }
      return result;
    } catch (error) {
      for (const [name, rows, lastId] of before) Object.assign(this.#tables.get(name)!, { rows, lastId });
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
    this.#closed = true;
    this.#tables.clear();
  }

  #assertOpen(): void {
    if (this.#closed) throw new DbError('other', 'Cannot use the database: it is closed');
  }

  #table(name: string): Table {
    this.#assertOpen();
    const table = this.#tables.get(plainName(name));
    if (!table) throw new DbError('missing', `no such table: ${name}`);
    return table;
  }

  #column(table: string, name: string): void {
    const { columns } = this.#table(table).schema;
    if (plainName(name) !== 'id' && !Object.hasOwn(columns, name))
      throw new DbError('missing', `no such column: ${table}.${name}`);
  }

  #matching(table: string, where: readonly DbCondition[]): Row[] {
    for (const { column } of where) this.#column(table, column);
    return this.#table(table).rows.filter(row => where.every(c => meets(row[c.column]!, c)));
  }

  #assertUnique(table: string, row: Row, self?: Row): void {
    const { schema, rows } = this.#table(table);
    for (const columns of [['id'], ...(schema.unique ?? [])])
      if (rows.some(r => r !== self && columns.every(c => r[c] === row[c] && r[c] !== null)))
        throw new DbError('exists', `Cannot write into ${table}: ${columns.join(', ')} must be unique`);
  }
}

/** The value of a key column. @throws DbError when the row has none */
export function keyOf(row: DbRow, column: string): DbValue {
  const value = row[column];
  if (value === undefined) throw new DbError('other', `Cannot replace a row: it has no key ${column}`);
  return value;
}

function meets(cell: DbValue, { op = '=', value }: DbCondition): boolean {
  if (value === null) return op === '=' ? cell === null : op === '!=' && cell !== null;
  if (cell === null) return false;
  const difference = order(cell, value);
  switch (op) {
    case '=':
      return difference === 0;
    case '!=':
      return difference !== 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
  }
}

/** NULL, then numbers, then text by its bytes. */
function order(a: DbValue, b: DbValue): number {
  if (typeof a === typeof b && a !== null && b !== null) return a < b ? -1 : a > b ? 1 : 0;
  return rank(a) - rank(b);
}

const rank = (value: DbValue) => (value === null ? 0 : typeof value === 'number' ? 1 : 2);
