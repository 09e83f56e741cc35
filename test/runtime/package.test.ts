/** The package as npm packs it, in a project that has it installed: what `exports` and `bin` promise, on every runtime. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { isInstalled, RUNTIMES } from './runtimes.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** how a program is started, by the name of the runtime */
const FLAGS: Readonly<Record<string, readonly string[]>> = { Deno: ['run', '-A'] };

const SMOKE = `
import dgram from 'node:dgram';
import { createRuntime, VERSION } from 'kemi-wasm';
import { createServer, loadWasm, UdpTransport } from 'kemi-wasm/server';
import { UdpTransport as OfNode } from 'kemi-wasm/node';

const sent = [];
const runtime = createRuntime({
  wasm: await loadWasm(),
  sockets: [{ proto: 'udp', ip: '192.0.2.1', port: 5060 }],
  send: (socket, bytes) => sent.push(new TextDecoder().decode(bytes).split('\\r\\n')[0]) > 0,
});
const encode = text => new TextEncoder().encode(text);
const script = 'function ksr_request_route() KSR.sl.sl_send_reply(200, "Packed") end';
runtime.load({ name: 'a.lua', source: encode(script) });
const ask = 'OPTIONS sip:a SIP/2.0\\r\\nVia: SIP/2.0/UDP 127.0.0.1:1;rport;branch=z9hG4bK1\\r\\nFrom: <sip:a@b>;tag=1\\r\\nTo: <sip:c@d>\\r\\nCall-ID: 1\\r\\nCSeq: 1 OPTIONS\\r\\nContent-Length: 0\\r\\n\\r\\n';
runtime.receive(encode(ask), { ip: '198.51.100.7', port: 5060 });
await runtime.close();

const server = await createServer({ script: 'a.lua', listen: ['udp:127.0.0.1:0'] });
const client = dgram.createSocket('udp4');
const answer = await new Promise(resolve => {
  client.once('message', resolve);
  client.send(ask, server.sockets[0].port, '127.0.0.1');
});
client.close();
await server.close(0);
console.log(JSON.stringify({ VERSION, sent, answer: String(answer).split('\\r\\n')[0], own: UdpTransport !== OfNode }));
process.exit();
`;

describe('the packed package', () => {
  let project: string;
  beforeAll(() => {
    project = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'packed-')));
    const modules = path.join(project, 'node_modules');
    fs.mkdirSync(modules);
    const npm = ['pack', '--ignore-scripts', '--silent', '--pack-destination', project];
    const tarball = execFileSync('npm', npm, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n').at(-1)!;
    execFileSync('tar', ['xzf', path.join(project, tarball), '-C', modules]);
    fs.renameSync(path.join(modules, 'package'), path.join(modules, 'kemi-wasm'));
    const { dependencies } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies))
      fs.symlinkSync(path.join(ROOT, 'node_modules', name), path.join(modules, name));
    fs.writeFileSync(path.join(project, 'package.json'), '{ "type": "module" }');
    fs.writeFileSync(path.join(project, 'smoke.js'), SMOKE);
    fs.writeFileSync(
      path.join(project, 'a.lua'),
      'function ksr_request_route() KSR.sl.sl_send_reply(200, "Served") end',
    );
  });
  afterAll(() => fs.rmSync(project, { recursive: true, force: true }));

  for (const { name, program } of RUNTIMES.filter(r => isInstalled(r) && !r.needs)) {
    const run = (...args: string[]) =>
      execFileSync(program, [...(FLAGS[name] ?? []), ...args], { cwd: project, encoding: 'utf8', timeout: 60_000 });

    it(`is imported on ${name}`, () => {
      const { own, ...told } = JSON.parse(run('smoke.js'));
      expect(told).toEqual({ VERSION, sent: ['SIP/2.0 200 Packed'], answer: 'SIP/2.0 200 Served' });
      expect(own).toBe(name === 'Bun');
    });

    it(`has a command on ${name}`, () => {
      expect(run('node_modules/kemi-wasm/build/cli/main.js', '--version')).toBe(`kemi-wasm ${VERSION}\n`);
    });
  }

  it('makes, builds and tests an extension module, with compilers that it does not bring', { timeout: 120_000 }, () => {
    const kemi = (...args: string[]) => {
      const main = 'node_modules/kemi-wasm/build/cli/main.js';
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'module', ...args], {
        cwd: project,
        encoding: 'utf8',
      });
      return { status, text: stdout + stderr };
    };
    expect(kemi('new', 'acme', '--lang', 'assemblyscript')).toMatchObject({ status: 0 });
    expect(kemi('build', 'acme')).toEqual({
      status: 1,
      text: expect.stringContaining('assemblyscript is not installed: npm install --save-dev assemblyscript@'),
    });
    fs.mkdirSync(path.join(project, 'node_modules/@bytecodealliance'));
    for (const name of ['assemblyscript', '@bytecodealliance/jco-transpile'])
      fs.symlinkSync(path.join(ROOT, 'node_modules', name), path.join(project, 'node_modules', name));
    expect(kemi('build', 'acme')).toEqual({
      status: 0,
      text: expect.stringMatching(/^acme\/acme\.wasm {2}\d+ bytes\n$/),
    });
    expect(kemi('test', 'acme')).toEqual({ status: 0, text: expect.stringContaining('# 6 passed, 0 failed') });
  });

  it('holds what it needs and nothing of a build folder beside it', () => {
    const files = fs.readdirSync(path.join(project, 'node_modules/kemi-wasm'), { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(expect.arrayContaining(['build/lua.wasm', 'build/core.wasm', 'examples/basic.lua']));
    expect(
      files.filter(f => /reports|compile-cache|debug|\.stamp$|^examples\/modules\/.*(\.wasm|\/(build|dist))$/.test(f)),
    ).toEqual([]);
  });
});
