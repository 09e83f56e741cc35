import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RpcError } from '../../../../src/errors.ts';
import { type CtlServer, callCtl, defaultCtlPath, listenCtl } from '../../../../src/transport/node/ctl.ts';

let folder: string;
let file: string;
const servers: CtlServer[] = [];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ctl-'));
  file = path.join(folder, 'in', 'ctl.sock');
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map(s => s.close()));
  fs.rmSync(folder, { recursive: true, force: true });
});

const listen = async (options: { path?: string; idleMs?: number } = {}) => {
  const server = await listenCtl(
    async (method, params) => {
      if (method === 'fail') throw new RpcError(404, 'Variable not found');
      if (method === 'big') return 'x'.repeat(4 << 20);
      return { method, params };
    },
    { path: file, ...options },
  );
  servers.push(server);
  return server;
};
/** sends raw text, gives all that comes back until the server closes or `lines` lines came */
const raw = (text: string, lines = Number.POSITIVE_INFINITY) =>
  new Promise<string>((resolve, reject) => {
    let got = '';
    const socket = net.connect(file, () =>
      lines === Number.POSITIVE_INFINITY ? socket.end(text) : socket.write(text),
    );
    socket.on('data', chunk => {
      got += chunk;
      if (got.split('\n').length > lines) socket.destroy();
    });
    socket.on('close', () => resolve(got));
    socket.on('error', reject);
  });

describe('listenCtl()', () => {
  it('makes the folder for its owner only and the socket for its owner only', async () => {
    await listen();
    expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  });

  it('answers calls of callCtl(), with parameters', async () => {
    await listen();
    expect(await callCtl(file, 'core.echo', ['a', 1])).toEqual({ method: 'core.echo', params: ['a', 1] });
  });

  it('passes an error on with its code', async () => {
    await listen();
    await expect(callCtl(file, 'fail', [])).rejects.toMatchObject({ rpcCode: 404, message: 'Variable not found' });
  });

  it('answers several requests of one client, cut anywhere, in order', async () => {
    await listen();
    const requests = [1, 2, 3].map(id => `${JSON.stringify({ jsonrpc: '2.0', id, method: 'é' })}\n`).join('');
    const bytes = Buffer.from(requests);
    const got = await new Promise<string>(resolve => {
      let text = '';
      const socket = net.connect(file, async () => {
        for (const byte of bytes) {
          socket.write(Buffer.of(byte));
          await new Promise(setImmediate);
        }
        socket.end();
      });
      socket.on('data', chunk => (text += chunk));
      socket.on('close', () => resolve(text));
    });
    expect(
      got
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toMatchObject([{ id: 1, result: { method: 'é' } }, { id: 2 }, { id: 3 }]);
  });

  it('answers a request without a line end when the client closes its side', async () => {
    await listen();
    expect(await raw('{"jsonrpc":"2.0","id":5,"method":"a"}')).toBe(
      '{"jsonrpc":"2.0","id":5,"result":{"method":"a"}}\n',
    );
  });

  it('answers what is no JSON with an error and goes on with the next line', async () => {
    await listen();
    const got = await raw('hello\n\n{"jsonrpc":"2.0","id":5,"method":"a"}\n', 2);
    expect(got).toMatch(/-32700.*\n.*"id":5/);
  });

  it('refuses a request of more than 1 MiB and lives on', async () => {
    await listen();
    const got = await raw('x'.repeat((1 << 20) + 1), 1);
    expect(got).toMatch(/-32600.*longer than 1048576 bytes/);
    expect(await callCtl(file, 'a', [])).toMatchObject({ method: 'a' });
  });

  it('a client that asks and never reads is cut off, others are answered meanwhile', async () => {
    await listen({ idleMs: 300 });
    const rude = net.connect(file);
    rude.on('error', () => {});
    rude.pause();
    const gone = new Promise<void>(resolve => rude.once('close', () => resolve()));
    for (let id = 0; id < 8; id++) rude.write(`{"jsonrpc":"2.0","id":${id},"method":"big"}\n`);
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(await callCtl(file, 'a', [])).toMatchObject({ method: 'a' });
    await new Promise(resolve => setTimeout(resolve, 400));
    rude.resume();
    await gone;
    expect(await callCtl(file, 'a', [])).toMatchObject({ method: 'a' });
  });

  it('a client that goes away in the middle of a request or of an answer harms nobody', async () => {
    await listen();
    for (const text of ['{"jsonrpc"', '{"jsonrpc":"2.0","id":1,"method":"big"}\n']) {
      const socket = net.connect(file, () => socket.write(text, () => socket.destroy()));
      await new Promise(resolve => socket.once('close', resolve));
    }
    expect(await callCtl(file, 'a', [])).toMatchObject({ method: 'a' });
  });

  it('replaces a socket file that nobody serves', async () => {
    fs.mkdirSync(path.dirname(file));
    // a process that dies leaves its file behind: rename keeps close() from removing it
    const dead = net.createServer();
    await new Promise<void>(resolve => dead.listen(`${file}.0`, resolve));
    fs.renameSync(`${file}.0`, file);
    await new Promise(resolve => dead.close(resolve));
    expect(fs.existsSync(file)).toBe(true);
    await listen();
    expect(await callCtl(file, 'a', [])).toMatchObject({ method: 'a' });
  });

  it('leaves a live socket alone and says what to do', async () => {
    await listen();
    await expect(listen()).rejects.toThrow(/a server that runs is reached there; stop it, or .*--ctl PATH/);
    expect(await callCtl(file, 'a', [])).toMatchObject({ method: 'a' });
  });

  it('leaves a file that is no socket alone', async () => {
    fs.mkdirSync(path.dirname(file));
    fs.writeFileSync(file, 'precious');
    await expect(listen()).rejects.toMatchObject({ code: 'KEMI_ERR_LISTEN' });
    expect(fs.readFileSync(file, 'utf8')).toBe('precious');
  });

  it('says so when the path is too long for a socket', async () => {
    await expect(listen({ path: `${folder}/${'x'.repeat(120)}` })).rejects.toThrow(/choose a shorter one with --ctl/);
  });

  it('close() removes the file and cuts off clients', async () => {
    const server = await listen();
    const idle = net.connect(file);
    const closed = new Promise<void>(resolve => idle.once('close', () => resolve()));
    await new Promise(resolve => idle.once('connect', resolve));
    await server.close();
    await closed;
    expect(fs.existsSync(file)).toBe(false);
  });
});

describe('callCtl()', () => {
  it('says what to do when no server is there', async () => {
    await expect(callCtl(file, 'core.uptime', [])).rejects.toThrow(
      `Cannot call core.uptime: no server is reached at ${file}; start one with kemi-wasm run`,
    );
  });

  it('gives up when no answer comes', async () => {
    const mute = net.createServer(() => {});
    fs.mkdirSync(path.dirname(file));
    await new Promise<void>(resolve => mute.listen(file, resolve));
    await expect(callCtl(file, 'a', [], 100)).rejects.toThrow(/no answer from .* within 0.1 s/);
    mute.close();
  });
});

it('defaultCtlPath() is in XDG_RUNTIME_DIR, else in a folder of the user in the temporary one', () => {
  expect(defaultCtlPath({ XDG_RUNTIME_DIR: '/run/user/7' })).toBe('/run/user/7/kemi-wasm/ctl.sock');
  expect(defaultCtlPath({})).toBe(path.join(os.tmpdir(), `kemi-wasm-${os.userInfo().uid}`, 'ctl.sock'));
});
