/** Kamailio's tables in SQLite's words. */
import type { DbValue } from '../kemi/db.ts';
import { TABLES, type TableSchema, VERSION_TABLE } from '../kemi/db-schema.ts';

/** Statements that make the tables and list them in `version`. */
export function schemaSql(): string[] {
  const sql = tableSql('version', VERSION_TABLE);
  for (const [name, table] of Object.entries(TABLES))
    sql.push(
      ...tableSql(name, table),
      `INSERT INTO version (table_name, table_version) VALUES ('${name}', ${table.version})`,
    );
  return sql;
}

function tableSql(name: string, { columns, unique = [], indexes = [] }: TableSchema): string[] {
  const lines = ['id INTEGER PRIMARY KEY AUTOINCREMENT'];
  for (const [column, { type, nullable, default: fallback }] of Object.entries(columns)) {
    const presence = nullable ? '' : ' NOT NULL';
    lines.push(`[${column}] ${type}${presence}${fallback === undefined ? '' : ` DEFAULT ${literal(fallback, type)}`}`);
  }
  for (const of of unique) lines.push(`UNIQUE (${of.join(', ')})`);
  return [
    `CREATE TABLE [${name}] (${lines.join(', ')})`,
    ...indexes.map(of => `CREATE INDEX ${name}_${of.join('_')} ON [${name}] (${of.join(', ')})`),
  ];
}

/** of our own schema only: values of the world are bound */
function literal(value: DbValue, type: string): string {
  if (value === null) return 'NULL';
  const number = typeof value === 'string' && isTimeType(type) ? julianDay(value) : value;
  return typeof number === 'number' ? String(number) : `'${number}'`;
}

/** Whether a column of this type holds a date and time. */
export function isTimeType(type: string): boolean {
  return /^(TIMESTAMP|DATETIME)/i.test(type);
}

/** Julian day number of midnight, 1970-01-01 */
const EPOCH = 2440587.5;

/** @param time 'YYYY-MM-DD HH:MM:SS' in UTC  @returns undefined for any other text */
export function julianDay(time: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(time)) return undefined;
  const ms = Date.parse(`${time.replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? undefined : ms / 86_400_000 + EPOCH;
}

/** 'YYYY-MM-DD HH:MM:SS' in UTC, to the nearest second; a number that is no date (years 0 to 9999) as it is. */
export function timeOfJulianDay(day: number): DbValue {
  const date = new Date(Math.round((day - EPOCH) * 86_400) * 1000);
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9999 ? date.toISOString().slice(0, 19).replace('T', ' ') : day;
}
