/** `kemi-wasm user`: who may authenticate (table subscriber of the database that `run --db` serves). */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { type ByteStr, byteStrOf, bytesOf, utf8Of } from '../core/memory.ts';
import { type Awaitable, type DbCondition, DbError, type DbRow } from '../kemi/db.ts';
import { closest } from '../kemi/suggest.ts';
import { databaseUrl } from '../transport/node/server.ts';
import { openSqlite, type SqliteDatabase } from '../transport/node/sqlite.ts';
import { HELP } from './help.ts';
import { type Input, readPassword } from './password.ts';
import { oneOf, type Parsed, readOptions, text, UsageError } from './usage.ts';

const OPTIONS = {
  db: { type: 'string' },
  plain: { type: 'boolean' },
  format: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const ACTIONS = ['add', 'rm', 'passwd', 'list'] as const;
const TABLE = 'subscriber';
/** size of the columns */
const MAX_LENGTH = 64;
/** A server may write at the same moment; here somebody can wait, milliseconds. */
const BUSY_MS = 5000;

interface User {
  readonly username: ByteStr;
  readonly domain: ByteStr;
}

/** @returns the exit code */
export async function user(args: readonly string[], stdin: Input = process.stdin): Promise<number> {
  const parsed = readOptions('user', args, OPTIONS);
  if (parsed.values.help) {
    process.stdout.write(HELP.user);
    return 0;
  }
  const [word, name, ...more] = parsed.positionals;
  const action = ACTIONS.find(a => a === word);
  if (!action) {
    const near = word !== undefined && closest(word, ACTIONS);
    throw new UsageError(
      `${word === undefined ? 'nothing to do' : `unknown command user ${word}`}${near ? `, did you mean user ${near}` : ''}; write user ${ACTIONS.join(', ')}`,
    );
  }
  if (more.length || (action === 'list' && name !== undefined))
    throw new UsageError(`"${more[0] ?? name}" is too much; kemi-wasm user --help shows all`);
  const format = oneOf(parsed, 'format', ['text', 'json'], 'text');
  const who = action === 'list' ? undefined : readUser(name);
  const db = open(parsed, action === 'add');
  try {
    if (action === 'list' || !who) return list(db, format);
    if (action === 'rm') return remove(db, who);
    return await setPassword(db, who, action, parsed.values.plain === true, stdin);
  } finally {
    db.close();
  }
}

/** @throws UsageError no --db, or a file that is not there */
function open(parsed: Parsed, mayCreate: boolean): SqliteDatabase {
  const file = text(parsed, 'db');
  if (file === undefined) throw new UsageError('which database? Write --db FILE, as for run');
  const url = databaseUrl(file);
  const path = url.replace(/^sqlite:\/\//, '');
  if (!mayCreate && !fs.existsSync(path)) throw new UsageError(`there is no database ${path}; user add makes one`);
  return openSqlite(url, { busyMs: BUSY_MS });
}

/** `name@domain` @throws UsageError */
function readUser(name: string | undefined): User {
  if (name === undefined) throw new UsageError('which user? Write NAME@DOMAIN');
  const at = name.lastIndexOf('@');
  const username = byteStrOf(name.slice(0, Math.max(at, 0)));
  const domain = byteStrOf(name.slice(at + 1));
  // A colon separates the parts of what is hashed, quotes and "@" those of credentials.
  if (at < 1 || !/^[^\s:@"\\<>]+$/.test(username) || !/^(?:[\w.-]+|\[[\da-fA-F:.]+\])$/.test(domain))
    throw new UsageError(`"${name}" is not NAME@DOMAIN`);
  if (username.length > MAX_LENGTH || domain.length > MAX_LENGTH)
    throw new UsageError(`"${name}": name and domain have ${MAX_LENGTH} bytes at most`);
  return { username, domain };
}

const where = ({ username, domain }: User): DbCondition[] => [
  { column: 'username', value: username },
  { column: 'domain', value: domain },
];
const shown = ({ username, domain }: User) => utf8Of(`${username}@${domain}`);
const say = (line: string) => void process.stderr.write(line);

async function setPassword(
  db: SqliteDatabase,
  who: User,
  action: 'add' | 'passwd',
  plain: boolean,
  stdin: Input,
): Promise<number> {
  const [known] = db.select(TABLE, ['password'], where(who), { limit: 1 });
  if (action === 'add' && known) return failed(`${shown(who)} is there; user passwd sets another password`);
  if (action === 'passwd' && !known) return failed(`there is no user ${shown(who)}; user add makes one`);
  const password = await readPassword(stdin, say);
  // A password in plain text that somebody relies on must not become a wrong one.
  const keepsPlain = plain || (known !== undefined && known.password !== '' && known.password !== null);
  const row = { ...hashes(who, password), password: keepsPlain ? password : '' };
  const write = (set: DbRow): Awaitable<unknown> =>
    action === 'add' ? db.insert(TABLE, { ...who, ...set }) : db.update(TABLE, set, where(who));
  try {
    write({ ...row, ...sha256(who, password) });
  } catch (error) {
    if (!(error instanceof DbError) || error.reason !== 'missing') throw error;
    // A table of Kamailio's has no columns for SHA-256.
    write(row);
  }
  say(`${action === 'add' ? 'Added' : 'Changed the password of'} ${shown(who)}\n`);
  return 0;
}

function remove(db: SqliteDatabase, who: User): number {
  if (!db.delete(TABLE, where(who))) return failed(`there is no user ${shown(who)}`);
  say(`Removed ${shown(who)}\n`);
  return 0;
}

function list(db: SqliteDatabase, format: 'text' | 'json'): number {
  const rows = db.select(TABLE, ['username', 'domain'], [], { orderBy: 'username' });
  const users = rows.map(r => ({ username: String(r.username), domain: String(r.domain) }));
  users.sort((a, b) => (a.domain < b.domain ? -1 : a.domain > b.domain ? 1 : 0));
  const names = users.map(shown);
  process.stdout.write(format === 'json' ? `${JSON.stringify(names)}\n` : names.map(n => `${n}\n`).join(''));
  return 0;
}

function failed(why: string): number {
  say(`kemi-wasm: ${why}\n`);
  return 1;
}

/** H(A1) without and with the domain in the user name, as Kamailio's tools make them: the realm is the domain. */
function both(algorithm: 'md5' | 'sha256', { username, domain }: User, password: ByteStr): [ByteStr, ByteStr] {
  const of = (data: ByteStr) => createHash(algorithm).update(bytesOf(data)).digest('hex');
  return [of(`${username}:${domain}:${password}`), of(`${username}@${domain}:${domain}:${password}`)];
}

function hashes(who: User, password: ByteStr): DbRow {
  const [ha1, ha1b] = both('md5', who, password);
  return { ha1, ha1b };
}

function sha256(who: User, password: ByteStr): DbRow {
  const [plain, withDomain] = both('sha256', who, password);
  return { ha1_sha256: plain, ha1b_sha256: withDomain };
}
