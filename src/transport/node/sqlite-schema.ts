/** Kamailio's tables in SQLite's words. */
import type { DbValue } from '../../kemi/db.ts';
import { TABLES, type TableSchema, VERSION_TABLE } from '../../kemi/db-schema.ts';

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
    lines.push(`[${column}] ${type}${presence}${fallback === undefined ? '' : ` DEFAULT ${literal(fallback)}`}`);
  }
  for (const of of unique) lines.push(`UNIQUE (${of.join(', ')})`);
  return [
    `CREATE TABLE [${name}] (${lines.join(', ')})`,
    ...indexes.map(of => `CREATE INDEX ${name}_${of.join('_')} ON [${name}] (${of.join(', ')})`),
  ];
}

/** of our own schema only: values of the world are bound */
function literal(value: DbValue): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value}'`;
}
