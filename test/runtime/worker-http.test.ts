/** The worker in workerd over HTTP: one message in, what it led to out; limits, the token, scripts that fail. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_MODULES, startWorkerd, type Workerd } from '../support/workerd.ts';
import { missing } from './missing.ts';

const SCRIPT = `
function ksr_request_route()
  local what = KSR.pv.gete("$rU")
  if what == "error" then error("broken on purpose") end
  if what == "loop" then while true do end end
  if what == "eat" then local t = {} while true do t[#t + 1] = string.rep("x", 100000) .. #t end end
  if what == "wait" then KSR.cfgutils.usleep(30000) end
  if what == "relay" then
    KSR.pv.sets("$du", "sip:198.51.100.9:5070") KSR.tm.t_relay() KSR.x.exit()
  end
  KSR.info("asked for " .. what .. "\\n")
  KSR.sl.sl_send_reply(200, "Hello " .. KSR.pv.gete("$fU"))
end`;

const WORKER = `
import { createWorker, defineModule } from 'kemi-wasm.js';
import core from 'core.wasm';
import lua from 'lua.wasm';
import script from 'route.lua';
const broken = defineModule({
  name: 'broken', modparams: {}, create: () => ({}), functions: [],
  onRequest(_state, _host, msg) {
    if (msg.callId.startsWith('trap')) throw new WebAssembly.RuntimeError('unreachable');
    return false;
  },
});
const worker = createWorker({ core, lua, script, token: env => env.TOKEN, extraModules: [broken], limits: { messageBytes: 4096, instructions: 1000000 } });
export default worker;
export const { SipObject } = worker;
`;

const modules = [
  { name: 'worker.js', kind: 'esModule', source: WORKER },
  { name: 'route.lua', kind: 'text', source: SCRIPT },
  ...PACKAGE_MODULES,
] as const;

interface Answer {
  readonly verdict: string;
  readonly from: { readonly proto: string; readonly ip: string; readonly port: number };
  readonly actions: readonly {
    readonly kind: string;
    readonly to: { readonly proto: string; readonly ip: string; readonly port: number; readonly sender?: boolean };
    readonly sent: boolean;
    readonly text?: string;
    readonly base64?: string;
  }[];
  readonly log: readonly { readonly level: string; readonly msg: string }[];
  readonly memoryBytes: number;
  readonly error?: string;
}

const message = (user: string, callId = `${user}@example.com`, more = '') =>
  `OPTIONS sip:${user}@example.com SIP/2.0\r\nVia: SIP/2.0/WS phone.invalid;branch=z9hG4bK${callId}\r\nMax-Forwards: 70\r\n` +
  `From: <sip:alice@example.com>;tag=1\r\nTo: <sip:${user}@example.com>\r\nCall-ID: ${callId}\r\nCSeq: 1 OPTIONS\r\n${more}Content-Length: 0\r\n\r\n`;

describe.skipIf(missing('workerd'))('the worker over HTTP', () => {
  const storage = mkdtempSync(path.join(tmpdir(), 'kemi-worker-http-'));
  let alone: Workerd;
  let object: Workerd;
  let open: Workerd;
  beforeAll(async () => {
    alone = await startWorkerd({ modules });
    open = await startWorkerd({ modules, object: 'SipObject', storage: path.join(storage, 'open') });
    object = await startWorkerd({
      modules,
      object: 'SipObject',
      storage: path.join(storage, 'token'),
      env: { TOKEN: 'secret' },
    });
  });
  afterAll(async () => {
    for (const server of [alone, object, open]) await server?.stop();
    rmSync(storage, { recursive: true, force: true });
  });

  const TOKEN = { Authorization: 'Bearer secret' };
  const post = async (
    server: Workerd,
    body: string | Uint8Array<ArrayBuffer>,
    query = '',
    headers: Record<string, string> = server === object ? TOKEN : {},
  ) => {
    const response = await fetch(`${server.url}/route${query}`, { method: 'POST', body, headers });
    return { status: response.status, answer: (await response.json()) as Answer };
  };

  for (const [name, server] of [
    ['without an object', () => alone],
    ['in an object', () => object],
  ] as const)
    describe(name, () => {
      it('routes a message, says what was sent where and what was logged', async () => {
        const { status, answer } = await post(server(), message('bob'));
        expect(status).toBe(200);
        expect(answer).toMatchObject({ verdict: 'routed', from: { proto: 'ws', ip: '127.0.0.1' } });
        expect(answer.actions).toHaveLength(1);
        expect(answer.actions[0]).toMatchObject({ kind: 'reply', to: { proto: 'ws', sender: true }, sent: true });
        expect(answer.actions[0]?.text).toMatch(/^SIP\/2\.0 200 Hello alice\r\n/);
        expect(answer.log.map(l => l.msg)).toContain('asked for bob');
        expect(answer.memoryBytes).toBe(16 << 20);
      });

      it('takes base64, and gives it where the bytes are no UTF-8', async () => {
        const bytes = Uint8Array.from(message('bob', 'b64', 'X: ??\r\n'), c => (c === '?' ? 0xe9 : c.charCodeAt(0)));
        const text = btoa(String.fromCharCode(...bytes)).replace(/(.{76})/g, '$1\r\n');
        const ways: readonly [string, Record<string, string>][] = [
          ['', { 'Content-Transfer-Encoding': 'base64' }],
          ['?encoding=base64', {}],
        ];
        for (const [query, headers] of ways) {
          const given = server() === object ? { ...TOKEN, ...headers } : headers;
          const { status, answer } = await post(server(), text, query, given);
          expect([status, answer.actions[0]?.text?.slice(0, 11)]).toEqual([200, 'SIP/2.0 200']);
        }
        const { answer } = await post(
          server(),
          bytes.map(b => b),
        );
        expect(answer.verdict).toBe('routed');
        expect((await post(server(), '!!!', '?encoding=base64')).status).toBe(400);
      });

      it('bare line feeds will do: curl and editors write them', async () => {
        const { answer } = await post(server(), message('bob', 'lf').replaceAll('\r\n', '\n'));
        expect(answer.verdict).toBe('routed');
      });

      it('waits for a route that waits', async () => {
        const { status, answer } = await post(server(), message('wait'));
        expect([status, answer.verdict]).toEqual([200, 'suspended']);
        expect(answer.actions[0]?.text).toMatch(/^SIP\/2\.0 200/);
        expect(answer.log.map(l => l.msg)).toContain('asked for wait');
      });

      it('a script error is 500, says the line, and costs that message only', async () => {
        const { status, answer } = await post(server(), message('error'));
        expect(status).toBe(500);
        expect(answer.log.at(-1)).toMatchObject({ level: 'error', file: 'route.lua', line: 4 });
        expect(answer.log.at(-1)?.msg).toContain('broken on purpose');
        expect((await post(server(), message('bob'))).status).toBe(200);
      });

      it('a route that does not end, or eats all memory, is stopped: 500, in SIP too', {
        timeout: 60_000,
      }, async () => {
        for (const what of ['loop', 'eat']) {
          const { status, answer } = await post(server(), message(what));
          expect([what, status, answer.actions[0]?.text?.slice(0, 11)]).toEqual([what, 500, 'SIP/2.0 500']);
          expect(answer.memoryBytes).toBeLessThanOrEqual(64 << 20);
        }
        expect((await post(server(), message('bob'))).status).toBe(200);
      });

      it('a trap is 500, and the next message gets a new runtime', async () => {
        const { status, answer } = await post(server(), message('bob', 'trap'));
        expect([status, answer.verdict]).toEqual([500, 'failed']);
        expect(answer.log.at(-1)).toMatchObject({ level: 'fatal', err: { message: 'unreachable' } });
        const after = await post(server(), message('bob'));
        expect([after.status, after.answer.memoryBytes]).toEqual([200, 16 << 20]);
      });

      it('what is no SIP is 400, and says so in SIP where there is somebody to tell', async () => {
        const { status, answer } = await post(server(), 'GET / HTTP/1.1\r\n\r\n');
        expect([status, answer.verdict, answer.actions]).toEqual([400, 'bad', []]);
        const bad = await post(server(), message('bob').replace('CSeq: 1 OPTIONS\r\n', ''));
        expect(bad.status).toBe(400);
        expect(bad.answer.actions[0]?.text).toMatch(/^SIP\/2\.0 400/);
        expect((await post(server(), '')).status).toBe(400);
      });

      it('a body that is too long is 413, whether it says so or not', async () => {
        expect((await post(server(), message('bob', 'long', `X: ${'x'.repeat(4096)}\r\n`))).status).toBe(413);
        let sent = 0;
        const body = new ReadableStream<Uint8Array>({
          pull(controller) {
            if (sent++ > 1000) controller.close();
            else controller.enqueue(new Uint8Array(65536));
          },
        });
        const init = { method: 'POST', body, duplex: 'half', headers: server() === object ? TOKEN : {} };
        // It may hang up before all was sent: that is a refusal, too.
        const status = await fetch(`${server().url}/route`, init).then(
          r => r.status,
          () => 413,
        );
        expect(status).toBe(413);
        expect((await post(server(), btoa('x'.repeat(4097)), '?encoding=base64')).status).toBe(413);
      });

      it('other methods and other paths are refused by name', async () => {
        const get = await fetch(`${server().url}/route`, { headers: TOKEN });
        expect([get.status, get.headers.get('Allow')]).toEqual([405, 'POST']);
        expect((await fetch(`${server().url}/nothing`)).status).toBe(404);
        const odd = await post(server(), message('bob'), '?wait=soon');
        expect([odd.status, odd.answer.error]).toEqual([400, 'wait: write milliseconds, 0 to 30000']);
      });
    });

  it('without an object a message may come from anywhere, and goes anywhere on paper', async () => {
    const { answer } = await post(alone, message('relay', 'r1'), '?from=udp:198.51.100.7:5062');
    expect(answer.from).toEqual({ proto: 'udp', ip: '198.51.100.7', port: 5062 });
    expect(answer.actions.map(a => [a.kind, a.to.proto, a.to.ip, a.to.port, a.sent])).toEqual([
      ['request', 'udp', '198.51.100.9', 5070, true],
    ]);
    expect((await post(alone, message('bob'), '?from=udp:nowhere:1')).status).toBe(400);
    const six = await post(alone, message('bob', 'six'), '?from=tcp:[2001:db8::7]:5062');
    expect(six.answer.actions[0]).toMatchObject({ to: { proto: 'tcp', ip: '2001:db8::7', port: 5062, sender: true } });
  });

  it('in an object nothing is sent where nobody is connected', async () => {
    const { status, answer } = await post(object, message('relay', 'r2'));
    expect(status).toBe(200);
    expect(answer.actions.filter(a => a.sent && !a.to.sender)).toEqual([]);
    expect((await post(object, message('bob'), '?from=udp:198.51.100.7:5062')).status).toBe(400);
    expect((await post(open, message('bob'), '?from=ws:198.51.100.7:5062')).status).toBe(403);
  });

  it('with a token nobody without it sends messages or commands', async () => {
    for (const given of ['', 'Bearer wrong', 'Bearer secret2', 'Basic secret']) {
      const headers = given ? { Authorization: given } : undefined;
      for (const where of ['route', 'rpc']) {
        const response = await fetch(`${object.url}/${where}`, { method: 'POST', body: message('bob'), headers });
        expect([given, where, response.status]).toEqual([given, where, 401]);
      }
    }
  });

  it('commands: JSON-RPC with the token, none where there is no token', async () => {
    const call = (server: Workerd, body: string) =>
      fetch(`${server.url}/rpc`, { method: 'POST', body, headers: TOKEN });
    const uptime = await (await call(object, '{"jsonrpc":"2.0","id":1,"method":"core.uptime"}')).json();
    expect(uptime).toMatchObject({ id: 1, result: { uptime: expect.any(Number) } });
    expect(await (await call(object, 'no json')).json()).toMatchObject({ error: { code: -32700 } });
    expect((await call(object, '{"jsonrpc":"2.0","method":"core.uptime"}')).status).toBe(204);
    expect((await call(object, 'x'.repeat(70_000))).status).toBe(413);
    expect((await call(open, '{}')).status).toBe(403);
  });

  it('health: without the token only that it is well', async () => {
    const health = async (server: Workerd, headers = {}) =>
      (await (await fetch(`${server.url}/health`, { headers })).json()) as Record<string, unknown>;
    expect(Object.keys(await health(object))).toEqual(['status', 'version']);
    const { memoryBytes, script } = await health(object, TOKEN);
    console.log(`an object takes ${Number(memoryBytes) >> 20} MiB of linear memory; an isolate may have 128 MB`);
    expect(script).toEqual({ name: 'route.lua', version: 1 });
    expect(await health(alone)).toEqual({ status: 'ok', version: expect.any(String), object: false });
  });

  it('more messages at once than there is memory for runtimes of their own: 503', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, (_, i) => post(alone, message('wait', `at${i}`))));
    const codes = all.map(a => a.status);
    expect(codes.filter(c => c === 200).length).toBeGreaterThanOrEqual(1);
    expect(codes.filter(c => c !== 200 && c !== 503)).toEqual([]);
    expect((await post(alone, message('bob'))).status).toBe(200);
  });
});
