/** kemi-wasm user: as a process with a pipe, and the reading of passwords with a stand-in for the terminal. */
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Input, readPassword } from '../../../src/cli/password.ts';
import { UsageError } from '../../../src/cli/usage.ts';
import { user as command } from '../../../src/cli/user.ts';
import { KemiError } from '../../../src/errors.ts';
import { createServer } from '../../../src/transport/node/server.ts';
import { openSqlite } from '../../../src/transport/node/sqlite.ts';
import { credentials, digestOf, nonceOf } from '../../support/digest.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/cli/main.ts');
let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'user-'));
  file = path.join(folder, 'a.db');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** as a process of its own */
const spawned = (args: string, stdin: string) =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>(resolve => {
    const child = spawn(process.execPath, [MAIN, 'user', ...args.split(' '), '--db', file], { cwd: folder });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', chunk => (out.stdout += chunk));
    child.stderr.on('data', chunk => (out.stderr += chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    child.once('close', code => resolve({ code, ...out }));
  });

/** in this process: much faster */
async function user(args: string, stdin = '', db: string | undefined = file) {
  const out = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map(stream =>
    vi.spyOn(process[stream], 'write').mockImplementation(chunk => {
      out[stream] += chunk;
      return true;
    }),
  );
  const words = args.split(' ').filter(w => w);
  try {
    const code = await command([...words, ...(db ? ['--db', db] : [])], {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from(stdin);
      },
    });
    return { code, ...out };
  } catch (error) {
    // main.ts tells these on stderr, and exits 2
    if (error instanceof UsageError || error instanceof KemiError) return { code: 2, ...out, stderr: error.message };
    throw error;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** A server with the database, and a client that registers alice. */
async function serve(script: string) {
  const server = await createServer({ script, listen: ['udp:127.0.0.1:0'], db: file });
  const client = dgram.createSocket('udp4');
  await new Promise<void>(resolve => client.bind(0, '127.0.0.1', resolve));
  let number = 0;
  const send = (more?: string) => {
    const lines = [
      'REGISTER sip:example.com SIP/2.0',
      `Via: SIP/2.0/UDP 127.0.0.1:${client.address().port};rport;branch=z9hG4bK${++number}`,
      'From: <sip:alice@example.com>;tag=1',
      'To: <sip:alice@example.com>',
      'Call-ID: 1',
      `CSeq: ${number} REGISTER`,
      'Max-Forwards: 70',
      ...(more ? [more] : []),
      'Content-Length: 0',
    ];
    return new Promise<string>(resolve => {
      client.once('message', data => resolve(data.toString('latin1')));
      client.send(`${lines.join('\r\n')}\r\n\r\n`, server.sockets[0]!.port, '127.0.0.1');
    });
  };
  const close = async () => {
    client.close();
    await server.close(0);
  };
  return { send, close };
}

const rows = () => {
  const db = openSqlite(`sqlite://${file}`);
  const columns = ['username', 'domain', 'password', 'ha1', 'ha1b', 'ha1_sha256', 'ha1b_sha256'];
  const found = db.select('subscriber', columns, [], { orderBy: 'id' });
  db.close();
  return found;
};

describe('kemi-wasm user', () => {
  it('adds, lists, changes and removes', async () => {
    const added = await user('add alice@example.com', 'secret\n');
    expect(added).toEqual({ code: 0, stdout: '', stderr: 'Added alice@example.com\n' });
    expect(rows()).toEqual([
      {
        username: 'alice',
        domain: 'example.com',
        password: '',
        ha1: digestOf('md5', 'alice:example.com:secret'),
        ha1b: digestOf('md5', 'alice@example.com:example.com:secret'),
        ha1_sha256: digestOf('sha256', 'alice:example.com:secret'),
        ha1b_sha256: digestOf('sha256', 'alice@example.com:example.com:secret'),
      },
    ]);
    expect(await user('add alice@example.com', 'other\n')).toMatchObject({ code: 1 });
    expect(await user('add zoe@example.com --plain', 'p w\r\nmore\n')).toMatchObject({ code: 0 });
    expect(await user('add bob@example.org', 'pw')).toMatchObject({ code: 0 });
    expect(await user('list')).toEqual({
      code: 0,
      stdout: 'alice@example.com\nzoe@example.com\nbob@example.org\n',
      stderr: '',
    });
    expect((await user('list --format json')).stdout).toBe(
      '["alice@example.com","zoe@example.com","bob@example.org"]\n',
    );
    expect(await user('passwd alice@example.com', 'new\n')).toMatchObject({ code: 0 });
    expect(await user('passwd zoe@example.com', 'new\n')).toMatchObject({ code: 0 });
    const [alice, zoe] = rows();
    expect(alice).toMatchObject({ password: '', ha1: digestOf('md5', 'alice:example.com:new') });
    // what somebody relies on is kept right
    expect(zoe).toMatchObject({ password: 'new' });
    expect(await user('rm alice@example.com')).toMatchObject({ code: 0, stderr: 'Removed alice@example.com\n' });
    expect(await user('rm alice@example.com')).toMatchObject({ code: 1 });
    expect(await user('passwd alice@example.com', 'x\n')).toMatchObject({ code: 1 });
    expect(rows()).toHaveLength(2);
  });

  it('a server that runs sees who was added', async () => {
    const script = path.join(folder, 'a.lua');
    fs.writeFileSync(
      script,
      `function ksr_request_route()
        local code = KSR.auth_db.auth_check("example.com", "subscriber", 1)
        if code < 0 then KSR.auth.auth_challenge("example.com", 1) return end
        KSR.sl.sl_send_reply(200, "OK")
      end`,
    );
    const { send, close } = await serve(script);
    try {
      const request = { method: 'REGISTER', uri: 'sip:example.com' };
      const refused = await send();
      expect(refused).toMatch(/^SIP\/2\.0 401 /);
      const answer = credentials(nonceOf(refused), request, { qop: 'auth' });
      expect(await send(answer)).toMatch(/^SIP\/2\.0 401 /);
      expect(await user('add alice@example.com', 'secret\n')).toMatchObject({ code: 0 });
      expect(await send(answer)).toMatch(/^SIP\/2\.0 200 /);
      expect(await user('rm alice@example.com')).toMatchObject({ code: 0 });
      expect(await send(answer)).toMatch(/^SIP\/2\.0 401 /);
    } finally {
      await close();
    }
  });

  it('is a command of its own', async () => {
    expect(await spawned('add alice@example.com', 'secret\n')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Added alice@example.com\n',
    });
    expect(await spawned('add alice', 'secret\n')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('kemi-wasm: '),
    });
    expect(rows()).toHaveLength(1);
  });

  it('serves a database of Kamailio, which has no columns for SHA-256', async () => {
    const db = new DatabaseSync(file);
    db.exec(
      "CREATE TABLE subscriber (id INTEGER PRIMARY KEY, username VARCHAR(64), domain VARCHAR(64), password VARCHAR(64) DEFAULT '', ha1 VARCHAR(128), ha1b VARCHAR(128))",
    );
    db.close();
    expect(await user('add z\u00fc@example.com', 'p\u00e4ss\n')).toMatchObject({
      code: 0,
      stderr: 'Added z\u00fc@example.com\n',
    });
    expect(await user('passwd z\u00fc@example.com', 'pass\n')).toMatchObject({ code: 0 });
    expect((await user('list')).stdout).toBe('z\u00fc@example.com\n');
  });

  it.each([
    ['', undefined, 'nothing to do; write user add, rm, passwd, list'],
    ['ad a@b', undefined, 'unknown command user ad, did you mean user add'],
    ['add', undefined, 'which user? Write NAME@DOMAIN'],
    ['add alice', undefined, '"alice" is not NAME@DOMAIN'],
    ['add a:b@c', undefined, 'is not NAME@DOMAIN'],
    ['add a@b@c', undefined, 'is not NAME@DOMAIN'],
    [`add ${'x'.repeat(65)}@b`, undefined, '64 bytes at most'],
    ['add a@b c', undefined, '"c" is too much'],
    ['list a@b', undefined, '"a@b" is too much'],
    ['add a@b --nosuch', undefined, 'unknown option --nosuch'],
    ['list', undefined, 'there is no database'],
    ['add a@b', '', 'which database? Write --db FILE'],
  ])('user %s: says what is wrong, exits 2', async (args, db, why) => {
    const result = await user(args, 'pw\n', db);
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining(why)]);
    expect(fs.existsSync(file)).toBe(false);
  });

  it.each(['', '\n', '\r\nx', 'a\tb\n', `${'x'.repeat(1025)}\n`])('refuses the password %j', async password => {
    expect(await user('add a@b', password)).toMatchObject({ code: 2, stdout: '' });
    expect(rows()).toEqual([]);
  });

  it('explains itself', async () => {
    const { code, stdout } = await user('--help');
    expect([code, stdout]).toEqual([0, expect.stringContaining('user passwd NAME@DOMAIN')]);
  });

  it('says that the database is no database', async () => {
    fs.writeFileSync(file, 'x'.repeat(2000));
    expect(await user('list')).toMatchObject({ code: 2, stderr: expect.stringContaining('not a database') });
  });
});

/** A terminal on which this is typed. */
function terminal(typed: string): Input & { raw: boolean[] } {
  const raw: boolean[] = [];
  return {
    raw,
    isTTY: true,
    setRawMode: on => raw.push(on),
    async *[Symbol.asyncIterator]() {
      yield* [...Buffer.from(typed)].map(byte => Uint8Array.of(byte));
    },
  };
}

describe('readPassword() on a terminal', () => {
  const read = async (typed: string) => {
    const said: string[] = [];
    const input = terminal(typed);
    const result = await readPassword(input, text => said.push(text)).catch((error: Error) => error.message);
    expect(input.raw).toEqual([true, false]);
    return { result, said: said.join('') };
  };

  it('asks twice and shows nothing of it', async () => {
    expect(await read('secret\rsecret\r')).toEqual({ result: 'secret', said: 'Password: \nOnce more: \n' });
  });

  it('knows the keys that take something back', async () => {
    expect((await read('ab\x7fc\rac\n')).result).toBe('ac');
    expect((await read('wrong\x15right\rright\r')).result).toBe('right');
    expect((await read('a\u00fc\x7fb\rab\r')).result).toBe('ab');
    expect((await read('\x7f\x7fa\ra\r')).result).toBe('a');
    expect((await read('\u00fc\r\u00fc\r')).result).toBe('\xc3\xbc');
  });

  it.each([
    ['a\rb\r', 'the two passwords are not the same'],
    ['\r\r', 'the password is empty'],
    ['abc\x03', 'nothing was changed'],
    ['\x04', 'nothing was changed'],
    ['abc', 'nothing was changed'],
    ['a\x1b[A\ra\x1b[A\r', 'control characters'],
    [`${'x'.repeat(1025)}\r`, 'longer than 1024 bytes'],
  ])('%j: %s', async (typed, why) => {
    expect((await read(typed)).result).toContain(why);
  });
});
