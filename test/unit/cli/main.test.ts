/** The command as its users start it: a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../../src/version.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/cli/main.ts');
/** Types are stripped and code is compiled once for all processes; the cache goes by content, so it is never stale. */
const CACHE = path.resolve(import.meta.dirname, '../../../build/compile-cache');
let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'cli-')));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
});

const script = (name: string, text: string) => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, text);
  return file;
};
const start = (args: string[]) => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, XDG_RUNTIME_DIR: folder, NODE_COMPILE_CACHE: CACHE },
  });
  children.push(child);
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', chunk => (out.stdout += chunk));
  child.stderr.on('data', chunk => (out.stderr += chunk));
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)));
  return { child, out, ended };
};
/** runs to its end */
const run = async (...args: string[]) => {
  const { out, ended } = start(args);
  return { code: await ended, ...out };
};
/** a server, once it listens */
const serve = async (...args: string[]) => {
  const server = start(['run', '--listen', 'udp:127.0.0.1:0', '--log-format', 'json', ...args]);
  const logged = async (what: string | RegExp, from = 0) => {
    for (;;) {
      const lines = server.out.stdout.split('\n').filter(l => l !== '');
      const found = lines.slice(from).find(line => (typeof what === 'string' ? line.includes(what) : what.test(line)));
      if (found) return JSON.parse(found);
      if (server.child.exitCode !== null) throw new Error(`it ended: ${server.out.stdout}${server.out.stderr}`);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  };
  const first = await logged('Listening');
  return { ...server, logged, first, port: Number(first.listen[0].split(':').at(-1)) };
};
/** no socket that another server could hold */
const QUIET = ['--no-ctl', '--listen', 'udp:127.0.0.1:0'];
const GOOD = 'function ksr_request_route() KSR.sl.sl_send_reply(200, "ONE") end\n';
const BETTER = GOOD.replace('ONE', 'TWO');
const BROKEN = 'function ksr_request_route()\n  if then\nend\n';

/** the status line that an OPTIONS gets */
const options = (port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = dgram.createSocket('udp4');
    const timer = setTimeout(() => {
      socket.close();
      reject(new Error('no answer'));
    }, 3000);
    socket.once('message', bytes => {
      clearTimeout(timer);
      socket.close();
      resolve(bytes.toString().split('\r\n')[0]!);
    });
    socket.bind(0, '127.0.0.1', () => {
      const own = socket.address().port;
      const lines = [
        `OPTIONS sip:127.0.0.1:${port} SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${own};rport;branch=z9hG4bKcli${own}`,
        'From: <sip:a@127.0.0.1>;tag=a',
        `To: <sip:127.0.0.1:${port}>`,
        `Call-ID: ${own}@cli`,
        'CSeq: 1 OPTIONS',
        'Max-Forwards: 70',
        'Content-Length: 0',
      ];
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1');
    });
  });

describe('kemi-wasm', () => {
  it('--version and --help answer on stdout, help for each command', async () => {
    expect(await run('--version')).toEqual({ code: 0, stdout: `kemi-wasm ${VERSION}\n`, stderr: '' });
    for (const args of [['--help'], ['run', '--help'], ['check', '-h'], ['ctl', '--help'], ['help', 'run']]) {
      const { code, stdout, stderr } = await run(...args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/usage: kemi-wasm/);
    }
  });

  it('a mistake on the command line is exit 2 and one message that says what to do', async () => {
    const cases: [string[], string][] = [
      [[], 'no command: write run, check, ctl, user or module'],
      [['rnu'], 'unknown command rnu, did you mean run'],
      [['route.lua'], 'unknown command route.lua, did you mean kemi-wasm run route.lua'],
      [['run', 'a.lua', 'b.lua'], 'one script at most'],
      [['run', '--log-level', 'loud'], '--log-level loud is not one of trace, debug'],
      [['run', '--listen', 'udp:x:y:z'], 'Cannot listen on "udp:x:y:z"'],
      [['run', ...QUIET, '--alias', 'a b'], 'Cannot use alias "a b"'],
      [['run', ...QUIET, '--modparam', 'nosuch:a=1'], 'Cannot set modparam nosuch.a: module nosuch is not loaded'],
      [['check'], 'no script to check'],
      [['ctl'], 'no method to call'],
      [['ctl', '--timeout', 'x', 'a'], '--timeout takes seconds'],
    ];
    const results = await Promise.all(cases.map(([args]) => run(...args)));
    for (const [i, { code, stdout, stderr }] of results.entries()) {
      expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`kemi-wasm: ${cases[i]![1]}`);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });
});

describe('kemi-wasm run', () => {
  it('serves the script, tells what it does, and ends with 0 on Ctrl-C', async () => {
    const file = script('route.lua', GOOD);
    const server = await serve(file);
    expect(server.first).toMatchObject({
      level: 'info',
      script: file,
      version: 1,
      ctl: path.join(folder, 'kemi-wasm', 'ctl.sock'),
      msg: `Listening on udp:127.0.0.1:${server.port}; routing with ${file}, version 1; control with kemi-wasm ctl METHOD`,
    });
    expect(await options(server.port)).toBe('SIP/2.0 200 ONE');
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(0);
    expect(server.out.stdout).toContain('"Stopped"');
    expect(fs.existsSync(server.first.ctl)).toBe(false);
  });

  it('without a script serves the built-in one', async () => {
    const server = await serve('--no-ctl');
    expect(await options(server.port)).toBe('SIP/2.0 200 OK');
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });

  it('a port in use, a script that is missing or broken: one message, exit 1', async () => {
    const server = await serve(script('route.lua', GOOD));
    const busy = await run('run', '--no-ctl', '--listen', `udp:127.0.0.1:${server.port}`);
    expect(busy).toMatchObject({ code: 1 });
    expect(busy.stderr).toMatch(/the address is in use; stop the other program .* or choose another with --listen/);
    const twice = await run('run', '--listen', 'udp:127.0.0.1:0', path.join(folder, 'route.lua'));
    expect(twice).toMatchObject({ code: 1 });
    expect(twice.stderr).toMatch(/a server that runs is reached there; stop it, or give this one its own socket/);
    const absent = await run('run', '--no-ctl', '--listen', 'udp:127.0.0.1:0', 'none.lua');
    expect(absent).toEqual({
      code: 1,
      stdout: '',
      stderr: 'kemi-wasm: none.lua: error: cannot read it: no such file\n',
    });
    const broken = await run('run', '--no-ctl', '--listen', 'udp:127.0.0.1:0', script('b.lua', BROKEN));
    expect(broken).toMatchObject({ code: 1, stdout: '' });
    expect(broken.stderr).toMatch(/b\.lua:2:.* error: .*then/);
    const python = await run('run', '--no-ctl', '--listen', 'udp:127.0.0.1:0', 'route.py');
    expect(python).toMatchObject({ code: 2 });
    expect(python.stderr).toContain('only Lua scripts (.lua) run in this version');
  });

  it('SIGHUP reloads; a broken script is logged with file and line, and the old one runs on', async () => {
    const file = script('route.lua', GOOD);
    const server = await serve(file);
    script('route.lua', BETTER);
    server.child.kill('SIGHUP');
    expect(await server.logged('Reloaded')).toMatchObject({ script: file, version: 2 });
    expect(await options(server.port)).toBe('SIP/2.0 200 TWO');
    script('route.lua', BROKEN);
    server.child.kill('SIGHUP');
    const line = await server.logged('Cannot reload');
    expect(line).toMatchObject({ level: 'error', version: 2, diagnostics: [{ file, line: 2 }] });
    expect(await options(server.port)).toBe('SIP/2.0 200 TWO');
  });

  it('--workers: all of them reload on SIGHUP, their lines are in the log, and they end with 0 on SIGTERM', async () => {
    const file = script('route.lua', GOOD);
    const server = await serve('--workers', '2', file);
    expect(await options(server.port)).toBe('SIP/2.0 200 ONE');
    script('route.lua', `KSR.err("loaded\\n")\n${BETTER}`);
    server.child.kill('SIGHUP');
    expect(await server.logged('Reloaded')).toMatchObject({ script: file, version: 2 });
    expect(await server.logged(/"worker":1.*loaded/)).toMatchObject({ worker: 1, level: 'error' });
    for (let i = 0; i < 6; i++) expect(await options(server.port)).toBe('SIP/2.0 200 TWO');
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    const wrong = await run('run', ...QUIET, '--workers', '0', file);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      'kemi-wasm: --workers 0: write a number from 1 to 64, auto, or cfg\n',
    ]);
  });

  it('--watch reloads when the script or a file it requires changes', async () => {
    const file = script('route.lua', `local reason = require("reason")\n${GOOD.replace('"ONE"', 'reason')}`);
    script('reason.lua', 'return "A"\n');
    const server = await serve('--watch', file);
    expect(await options(server.port)).toBe('SIP/2.0 200 A');
    script('reason.lua', 'return "B"\n');
    await server.logged(/Reloaded.*version 2/);
    expect(await options(server.port)).toBe('SIP/2.0 200 B');
    script('reason.lua', 'return +\n');
    await server.logged('Cannot reload');
    expect(await options(server.port)).toBe('SIP/2.0 200 B');
    script('reason.lua', 'return "C"\n');
    await server.logged(/"Reloaded(?!.*version 2)/);
    expect(await options(server.port)).toBe('SIP/2.0 200 C');
  });
});

describe('kemi-wasm ctl', () => {
  it('calls commands of the server; text for people, json for programs', async () => {
    const file = script('route.lua', GOOD);
    await serve(file);
    expect(await run('ctl', 'core.version')).toEqual({ code: 0, stdout: `kemi-wasm ${VERSION}\n`, stderr: '' });
    expect(await run('ctl', 'core.echo', '-1', 'x', '{"a":1}')).toMatchObject({ stdout: '-1\nx\n[object Object]\n' });
    const uptime = await run('ctl', '--format', 'json', 'core.uptime');
    expect(JSON.parse(uptime.stdout)).toMatchObject({ uptime: expect.any(Number) });
    expect(await run('ctl', 'app_lua.list')).toMatchObject({ stdout: `0: [${file}]\n` });
  });

  it('the counters of core, sl and udp count', async () => {
    const { port } = await serve(script('route.lua', GOOD));
    await options(port);
    await options(port);
    const { stdout } = await run(
      'ctl',
      'stats.get_statistics',
      'rcv_requests',
      '200_replies',
      'udp:received',
      'udp:sent',
    );
    expect(stdout).toBe('core:rcv_requests = 2\nsl:200_replies = 2\nudp:received = 2\nudp:sent = 2\n');
    expect(JSON.parse((await run('ctl', 'sl.stats')).stdout)).toMatchObject({ 200: 2, 404: 0 });
  });

  it('an error of the server is exit 1 with its code', async () => {
    await serve(script('route.lua', GOOD));
    expect(await run('ctl', 'core.uptme')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'kemi-wasm: 500 Method Not Found: "core.uptme"; did you mean core.uptime?\n',
    });
  });

  it('app_lua.reload reports the new version, or the diagnostics; the server logs both', async () => {
    const file = script('route.lua', GOOD);
    const server = await serve(file);
    script('route.lua', BETTER);
    expect(JSON.parse((await run('ctl', 'app_lua.reload')).stdout)).toEqual({ name: file, version: 2 });
    await server.logged('Reloaded');
    script('route.lua', BROKEN);
    const failed = await run('ctl', 'app_lua.reload');
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(/^kemi-wasm: 500 Reload Failed: .*route\.lua:2:/);
    await server.logged('Cannot reload');
    expect(await options(server.port)).toBe('SIP/2.0 200 TWO');
  });

  it('no server: exit 1 and what to do', async () => {
    const { code, stderr } = await run('ctl', '--ctl', path.join(folder, 'none.sock'), 'core.uptime');
    expect(code).toBe(1);
    expect(stderr).toMatch(/no server is reached at .*none\.sock; start one with kemi-wasm run/);
  });
});

describe('kemi-wasm check', () => {
  it('a sound script: exit 0, nothing on stdout', async () => {
    expect(await run('check', script('a.lua', GOOD))).toEqual({
      code: 0,
      stdout: '',
      stderr: '1 script: 0 errors, 0 warnings\n',
    });
  });

  it('prints file:line:column of each finding, exit 1 when one is an error', async () => {
    const a = script('a.lua', BROKEN);
    const b = script('b.lua', 'function ksr_request_route()\n  KSR.sl.sl_send_replyy(200, "x")\nend\n');
    const { code, stdout } = await run('check', a, b, path.join(folder, 'none.lua'));
    expect(code).toBe(1);
    expect(stdout).toMatch(/a\.lua:2:.*error: /);
    expect(stdout).toContain(
      `${b}:2:10: error: KSR.sl.sl_send_replyy does not exist, did you mean KSR.sl.sl_send_reply\n`,
    );
    expect(stdout).toContain('none.lua: error: cannot read it: no such file');
  });

  it('--format json gives the diagnostics', async () => {
    const file = script('a.lua', 'function nothing() end\n');
    const { code, stdout } = await run('check', '--format', 'json', file);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { severity: 'error', file, message: expect.stringContaining('ksr_request_route') },
    ]);
  });

  it('a script that loops while it loads ends with an error', async () => {
    const { code, stdout } = await run('check', '--limits', 'load=1000000', script('a.lua', 'while true do end\n'));
    expect(code).toBe(1);
    expect(stdout).toMatch(/a\.lua:1: error: /);
  });
});
