/** The command with a kamailio.cfg: -f, -c, -A. */
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = path.resolve(import.meta.dirname, '../../../src/cli/main.ts');
let folder: string;
const ends: (() => void)[] = [];
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'cli-')));
  fs.writeFileSync(path.join(folder, 'route.lua'), SCRIPT);
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  fs.rmSync(folder, { recursive: true, force: true });
});

const SCRIPT = `function ksr_request_route()
  KSR.sl.sl_send_reply(200, "OK " .. tostring(KSR.kx.get_def("GREETING")) .. " " .. tostring(KSR.textops == nil) .. " " .. KSR.pv.get("$RAi"))
end
`;
const CONFIG = `#!KAMAILIO
debug=0
server_header="Server: demo"
disable_tcp=yes
listen=udp:127.0.0.1:0 advertise 192.0.2.9 name "s1"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "kemix.so"
loadmodule "app_lua.so"
#!ifndef SCRIPT
#!define SCRIPT "route.lua"
#!endif
modparam("app_lua", "load", SCRIPT)
cfgengine "lua"
`;

const write = (name: string, text: string) => fs.writeFileSync(path.join(folder, name), text);
function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, XDG_RUNTIME_DIR: folder },
  });
  ends.push(() => child.kill('SIGKILL'));
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', chunk => (out.stdout += chunk));
  child.stderr.on('data', chunk => (out.stderr += chunk));
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)));
  return { child, out, ended };
}
async function run(...args: string[]) {
  const { out, ended } = start(...args);
  return { code: await ended, ...out };
}
async function serve(...args: string[]): Promise<number> {
  const { out, child } = start('run', '--no-ctl', '--log-format', 'json', ...args);
  for (;;) {
    const line = out.stdout.split('\n').find(l => l.includes('Listening'));
    if (line) return Number(JSON.parse(line).listen[0].split(':').at(-1));
    if (child.exitCode !== null) throw new Error(`it ended: ${out.stdout}${out.stderr}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
async function ask(port: number): Promise<string> {
  const socket = dgram.createSocket('udp4');
  ends.push(() => socket.close());
  const answer = new Promise<string>(resolve => socket.once('message', bytes => resolve(bytes.toString())));
  socket.send(
    'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n',
    port,
    '127.0.0.1',
  );
  return answer;
}

describe('run -f', () => {
  it('serves as the config says: address, modules, defines, header, script', async () => {
    write('kamailio.cfg', CONFIG);
    const answer = await ask(await serve('-f', 'kamailio.cfg', '-A', 'GREETING=hello'));
    expect(answer).toMatch(/^SIP\/2\.0 200 OK hello true 192\.0\.2\.9\r\n/);
    expect(answer).toContain('\r\nServer: demo\r\n');
  });

  it('says what is wrong, all of it, and does not start', async () => {
    write('kamailio.cfg', `${CONFIG}debug="x"\nloadmodule "dispatcher.so"\nlisen=lo\n`);
    const { code, stderr, stdout } = await run('run', '-f', 'kamailio.cfg', '--no-ctl');
    expect(stderr.split('\n').slice(0, -1)).toEqual([
      'kemi-wasm: kamailio.cfg:15:7: error: debug needs a number, without quotes, not "x"',
      'kemi-wasm: kamailio.cfg:16:12: error: cannot load module dispatcher: module not available in this version; the script does not use it: take the line out',
      'kemi-wasm: kamailio.cfg:17:1: warning: core parameter "lisen" is unknown and is ignored, did you mean listen',
    ]);
    expect([code, stdout]).toEqual([1, '']);
  });

  it('options beside it win', async () => {
    write('kamailio.cfg', CONFIG.replace('127.0.0.1:0', '192.0.2.200:1'));
    const port = await serve('-f', 'kamailio.cfg', '--listen', 'udp:127.0.0.1:0');
    expect(await ask(port)).toMatch(/^SIP\/2\.0 200 OK {2}true 127\.0\.0\.1\r\n/);
  });

  it('two scripts run in one state, the last one first; a reload keeps both', async () => {
    write('other.lua', '#!/usr/bin/lua\nfunction answer() return "two" end\n');
    write('route.lua', '#!/usr/bin/lua\nfunction ksr_request_route() KSR.sl.sl_send_reply(200, answer()) end\n');
    write('kamailio.cfg', CONFIG.replace('cfgengine', 'modparam("app_lua", "load", "other.lua")\ncfgengine'));
    const { child, out } = start(
      'run',
      '--no-ctl',
      '--log-format',
      'json',
      '--log-level',
      'info',
      '-f',
      'kamailio.cfg',
    );
    const logged = async (what: string) => {
      while (!out.stdout.includes(what)) {
        if (child.exitCode !== null) throw new Error(out.stdout + out.stderr);
        await new Promise(resolve => setTimeout(resolve, 10));
      }
      return JSON.parse(out.stdout.split('\n').find(l => l.includes(what))!);
    };
    const port = Number((await logged('Listening')).listen[0].split(':').at(-1));
    expect(await ask(port)).toMatch(/^SIP\/2\.0 200 two\r\n/);
    write('other.lua', 'function answer() return "new" end\n');
    child.kill('SIGHUP');
    await logged('Reloaded');
    expect(await ask(port)).toMatch(/^SIP\/2\.0 200 new\r\n/);
  });

  it('a file that is not there', async () => {
    expect(await run('run', '-f', 'none.cfg')).toMatchObject({
      code: 1,
      stderr: 'kemi-wasm: none.cfg: error: cannot read it: no such file\n',
    });
  });
});

describe('check', () => {
  it('-f: the config and its script; run -c is the same', async () => {
    write('kamailio.cfg', CONFIG);
    write('route.lua', `${SCRIPT}function f() KSR.textops.remove_hf("a") KSR.sl.send_rply(200, "a") end\n`);
    const expected = {
      code: 1,
      stdout:
        'route.lua:4:26: warning: KSR.textops.remove_hf: module textops is not loaded\nroute.lua:4:48: error: KSR.sl.send_rply does not exist, did you mean KSR.sl.send_reply\n',
      stderr: '1 config, 1 script: 1 error, 1 warning\n',
    };
    expect(await run('check', '-f', 'kamailio.cfg')).toEqual(expected);
    expect(await run('run', '-c', '-f', 'kamailio.cfg')).toEqual(expected);
  });

  it('-f: tls.cfg with its lines; files that this machine lacks only warn', async () => {
    const text = `enable_tls=yes\nlisten=tls:127.0.0.1:5061\nloadmodule "tls.so"\nmodparam("tls", "config", "tls.cfg")\n${CONFIG.replace('disable_tcp=yes\n', '')}`;
    write('kamailio.cfg', text);
    const lines = async () => (await run('check', '-f', 'kamailio.cfg')).stdout.split('\n').slice(0, -1);
    expect(await lines()).toEqual(['kamailio.cfg: warning: Cannot read the TLS config tls.cfg: no such file']);
    write('tls.cfg', '[server:default]\nverify_dept = 3\n');
    expect(await lines()).toEqual([
      'tls.cfg:2:1: error: verify_dept: there is no such setting, did you mean verify_depth',
    ]);
    write('tls.cfg', '[server:default]\ncertificate = /nowhere.pem\n');
    expect(await lines()).toEqual(['kamailio.cfg: warning: Cannot read the certificate /nowhere.pem: no such file']);
  });

  it('as JSON, with mistakes of both', async () => {
    write('kamailio.cfg', `${CONFIG}foo=1\nmodparam("sl", "default_code", "x")\n`);
    const { code, stdout } = await run('check', '-f', 'kamailio.cfg', '--format', 'json', '-A', 'SCRIPT="none.lua"');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      {
        severity: 'warning',
        file: 'kamailio.cfg',
        line: 15,
        column: 1,
        message: 'core parameter "foo" is unknown and is ignored',
      },
      {
        severity: 'error',
        file: 'kamailio.cfg',
        line: 16,
        column: 16,
        message: 'cannot set modparam sl.default_code to "x": it takes a number',
      },
      { severity: 'error', file: 'none.lua', line: 0, column: 0, message: 'cannot read it: no such file' },
    ]);
  });

  it('a parameter that its module refuses', async () => {
    write('kamailio.cfg', CONFIG.replace('cfgengine', 'modparam("pv", "varset", "x")\ncfgengine'));
    const { code, stdout } = await run('check', '-f', 'kamailio.cfg');
    expect([code, stdout]).toEqual([
      1,
      'kamailio.cfg: error: Cannot set modparam pv varset: "x" is not name=s:text or name=i:number\n',
    ]);
  });

  it('databases are not touched', async () => {
    const acc = (url: string) =>
      CONFIG.replace(
        'cfgengine',
        `loadmodule "tm.so"\nloadmodule "rr.so"\nloadmodule "acc.so"\nmodparam("acc", "db_url", "${url}")\nmodparam("acc", "db_flag", 1)\ncfgengine`,
      );
    write('kamailio.cfg', acc('sqlite://x.db'));
    expect((await run('check', '-f', 'kamailio.cfg', '--db', 'y.db')).stderr).toBe(
      '1 config, 1 script: 0 errors, 0 warnings\n',
    );
    expect(fs.readdirSync(folder).sort()).toEqual(['kamailio.cfg', 'route.lua']);
    write('kamailio.cfg', acc('mysql://a:b@localhost/c'));
    expect((await run('check', '-f', 'kamailio.cfg')).stdout).toContain(
      'kamailio.cfg: error: Cannot open the database mysql://a:b@localhost/c',
    );
  });

  it('all well', async () => {
    write('kamailio.cfg', CONFIG);
    expect(await run('run', '-f', 'kamailio.cfg', '-c', '-L', '/usr/lib/kamailio')).toEqual({
      code: 0,
      stdout: '',
      stderr: '1 config, 1 script: 0 errors, 0 warnings\n',
    });
    expect((await run('run', '-c')).stderr).toBe(
      'kemi-wasm: -c checks a config or a script: write -f FILE or a script\n',
    );
  });
});
