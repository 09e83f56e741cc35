import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUSY_MS, openSqlite } from '../../../../src/transport/node/sqlite.ts';
import { databaseContract } from '../../kemi/db-contract.ts';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kemi-sqlite-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));
const newFile = () => path.join(folder, `${++count}.db`);

databaseContract('SQLite in a file', () => openSqlite(`sqlite://${newFile()}`));
databaseContract('SQLite in memory', () => openSqlite('sqlite://:memory:'));

describe('openSqlite()', () => {
  it.each([
    'mysql://a:b@localhost/kamailio',
    'sqlite://',
    'sqlite:/tmp/x',
    '/tmp/x',
    'sqlite:///nosuch/folder/file.db',
    'sqlite:///tmp',
  ])('refuses %s', url => {
    expect(() => openSqlite(url)).toThrow(expect.objectContaining({ code: 'KEMI_ERR_CONFIG' }));
  });

  it('refuses a file that is no database, and leaves it as it is', () => {
    const file = newFile();
    fs.writeFileSync(file, 'no database, but longer than the header of one: '.repeat(20));
    expect(() => openSqlite(`sqlite://${file}`)).toThrow(/not a database/);
    expect(fs.readFileSync(file, 'utf8')).toMatch(/^no database/);
  });

  it('makes a file that only its owner reads', () => {
    const file = newFile();
    const db = openSqlite(`sqlite://${file}`);
    db.insert('subscriber', { username: 'a' });
    const modes = fs.readdirSync(folder).filter(f => f.startsWith(path.basename(file)));
    expect(modes.length).toBeGreaterThan(1);
    for (const name of modes) expect(fs.statSync(path.join(folder, name)).mode & 0o077).toBe(0);
    db.close();
  });

  it('leaves the tables of a database that has some', () => {
    const file = newFile();
    const other = new DatabaseSync(file);
    other.exec("CREATE TABLE subscriber (name TEXT); INSERT INTO subscriber VALUES ('a')");
    other.close();
    const db = openSqlite(`sqlite://${file}`);
    expect(db.select('subscriber', ['name'])).toEqual([{ name: 'a' }]);
    expect(() => db.tableVersion('subscriber')).toThrow(expect.objectContaining({ reason: 'missing' }));
    db.close();
  });

  it('what is written is there for the next one', () => {
    const url = `sqlite://${newFile()}`;
    const db = openSqlite(url);
    db.insert('subscriber', { username: 'a' });
    db.close();
    const again = openSqlite(url);
    expect(again.select('subscriber', ['username'])).toEqual([{ username: 'a' }]);
    again.close();
  });
});

describe('a database that others use', () => {
  it('another writer makes a write fail as busy, soon; reading goes on', () => {
    const file = newFile();
    const db = openSqlite(`sqlite://${file}`);
    db.insert('subscriber', { username: 'a' });
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE; INSERT INTO subscriber (username) VALUES ('b')");
    const start = performance.now();
    expect(() => db.insert('subscriber', { username: 'c' })).toThrow(expect.objectContaining({ reason: 'busy' }));
    expect(() => db.transaction(() => 1)).toThrow(expect.objectContaining({ reason: 'busy' }));
    expect(performance.now() - start).toBeLessThan(20 * BUSY_MS);
    expect(db.select('subscriber', ['username'])).toEqual([{ username: 'a' }]);
    other.exec('COMMIT');
    db.insert('subscriber', { username: 'c' });
    expect(db.select('subscriber', ['id'])).toHaveLength(3);
    other.close();
    db.close();
  });

  it('a full one fails as full, and what was there stays', () => {
    const raw = new DatabaseSync(newFile());
    raw.close();
    const file = newFile();
    const db = openSqlite(`sqlite://${file}`);
    db.insert('acc', { callid: 'first', time: '-' });
    const limited = openSqlite(`sqlite://${file}`, { maxPages: 80 });
    const text = 'x'.repeat(4000);
    const fill = () => {
      for (let i = 0; i < 200; i++) limited.insert('acc', { callid: text, time: '-' });
    };
    expect(() => limited.transaction(fill)).toThrow(expect.objectContaining({ reason: 'full' }));
    expect(() => fill()).toThrow(expect.objectContaining({ reason: 'full' }));
    expect(db.select('acc', ['callid'], [{ column: 'callid', value: 'first' }])).toHaveLength(1);
    limited.close();
    db.close();
  });

  it('bytes that another program wrote are read as they are', () => {
    const file = newFile();
    const db = openSqlite(`sqlite://${file}`);
    const other = new DatabaseSync(file);
    other.exec(
      "INSERT INTO acc (callid, time) VALUES (CAST(x'ff4100fe' AS TEXT), 'a'), (x'c3bc00', 'b'), ('z\u00fc', 'c')",
    );
    other.close();
    expect(db.select('acc', ['callid', 'time'], [], { orderBy: 'id' })).toEqual([
      { callid: '\xffA\0\xfe', time: 'a' },
      { callid: '\xc3\xbc\0', time: 'b' },
      { callid: 'z\xc3\xbc', time: 'c' },
    ]);
    db.close();
  });

  it('dates are Julian days in the file, as Kamailio writes and reads them', () => {
    const file = newFile();
    const db = openSqlite(`sqlite://${file}`);
    const other = new DatabaseSync(file);
    // the number that Kamailio 5.6.3 wrote for a contact which ends at that time
    other.exec("INSERT INTO location (ruid, expires) VALUES ('theirs', 2461372.44969329)");
    db.insert('location', { ruid: 'ours', expires: '2026-11-27 22:47:36' });
    db.insert('location', { ruid: 'default' });
    const raw = other.prepare('SELECT ruid, expires, typeof(expires) t, datetime(expires) d FROM location').all();
    expect(raw[1]).toMatchObject({ t: 'real', d: '2026-11-27 22:47:36' });
    expect(raw[2]).toMatchObject({ t: 'real', d: '2030-05-28 21:32:15' });
    expect(db.select('location', ['ruid', 'expires'], [], { orderBy: 'expires' })).toEqual([
      { ruid: 'theirs', expires: '2026-11-27 22:47:34' },
      { ruid: 'ours', expires: '2026-11-27 22:47:36' },
      { ruid: 'default', expires: '2030-05-28 21:32:15' },
    ]);
    const at = { column: 'expires', value: '2026-11-27 22:47:36' };
    expect(db.delete('location', [{ ...at, op: '<' }])).toBe(1);
    expect(db.update('location', { expires: '2031-01-01 00:00:00' }, [at])).toBe(1);
    other.close();
    db.close();
  });

  it('kill -9 loses nothing that was answered', () => {
    const file = newFile();
    const url = new URL('../../../../src/transport/node/sqlite.ts', import.meta.url).href;
    const script = `import { openSqlite } from '${url}';
      const db = openSqlite('sqlite://${file}');
      for (let i = 0; i < 500; i++) db.insert('subscriber', { username: 'u' + i });
      process.kill(process.pid, 'SIGKILL');`;
    expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })).toThrow();
    const db = openSqlite(`sqlite://${file}`);
    expect(db.select('subscriber', ['id'])).toHaveLength(500);
    db.close();
  });
});
