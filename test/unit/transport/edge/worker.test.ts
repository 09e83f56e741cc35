import { describe, expect, it } from 'vitest';
import { loadComponent } from '../../../../src/index.ts';
import { createWorker, type LogLine, type WorkerOptions } from '../../../../src/transport/edge/index.ts';
import type { ObjectState, ServerSocket } from '../../../../src/transport/edge/platform.ts';
import { loadWasm } from '../../../../src/transport/node/assets.ts';
import { wrapText } from '../../../support/component.ts';

const { core, lua } = await loadWasm();

const MESSAGE =
  'OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/WS phone.invalid;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n' +
  'From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n';

/** @returns status and first line of what was answered, and the log */
async function route(options: Omit<WorkerOptions, 'core' | 'lua'>, env = {}, url = 'https://sip.example.com/route') {
  const log: LogLine[] = [];
  const worker = createWorker({ core, lua, log: line => log.push(line), ...options });
  const response = await worker.fetch(new Request(url, { method: 'POST', body: MESSAGE }), env);
  const body = (await response.json()) as { error?: string; actions?: { text: string }[] };
  return { status: response.status, text: body.actions?.map(a => a.text).join('') ?? body.error ?? '', log };
}

describe('createWorker()', () => {
  it('routes with the blocks of a kamailio.cfg', async () => {
    const cfg = `
loadmodule "sl.so"
loadmodule "pv.so"
request_route { sl_send_reply("200", "Hello $fU"); }`;
    expect((await route({ cfg })).text).toMatch(/^SIP\/2\.0 200 Hello alice\r\n/);
  });

  it('takes modules, parameters and defines of a kamailio.cfg for a script', async () => {
    const cfg = `
#!ifdef WITH_LIMIT
loadmodule "maxfwd.so"
modparam("maxfwd", "max_limit", 5)
#!endif
loadmodule "sl.so"
loadmodule "app_lua.so"
cfgengine "lua"`;
    const script = 'function ksr_request_route() KSR.sl.sl_send_reply(200, KSR.maxfwd and "limited" or "free") end';
    expect((await route({ cfg, script })).text).toMatch(/^SIP\/2\.0 200 free\r\n/);
    expect((await route({ cfg, script, defines: { WITH_LIMIT: '' } })).text).toMatch(/^SIP\/2\.0 200 limited\r\n/);
  });

  it('has components that were built ahead of time, for scripts and for routing blocks', async () => {
    const bytes = await wrapText(
      '(module (func (export "twice") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1))))',
      'world test { export twice: func(n: s32) -> s32; }',
    );
    const components = [{ name: 'acme', component: await loadComponent(bytes, 'acme.wasm') }];
    const script = 'function ksr_request_route() KSR.sl.sl_send_reply(200, "=" .. KSR.acme.twice(21)) end';
    expect((await route({ script, components })).text).toMatch(/^SIP\/2\.0 200 =42\r\n/);
    const cfg = `
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "acme.wasm"
modparam("acme", "component_steps", 5000)
request_route { acme_twice(4); sl_send_reply("200", "=$rc"); }`;
    expect((await route({ cfg, components })).text).toMatch(/^SIP\/2\.0 200 =8\r\n/);
    expect((await route({ cfg })).log.map(l => l.msg).join()).toContain(
      'cannot load acme.wasm: nothing is read or compiled here, give it as a component with the name acme, built ahead of time',
    );
  });

  it('a script requires the files that it was given, and no others', async () => {
    const script = `
local greeting = require("greeting")
function ksr_request_route() KSR.sl.sl_send_reply(200, greeting) end`;
    const files = { 'greeting.lua': 'return "Good day"' };
    expect((await route({ script, files })).text).toMatch(/^SIP\/2\.0 200 Good day\r\n/);
    const without = await route({ script });
    expect([without.status, without.text]).toEqual([500, 'the server cannot start: its log says why']);
    expect(without.log.at(-1)?.msg).toContain('greeting');
  });

  it('the environment of scripts is made of that of the worker', async () => {
    const script = 'function ksr_request_route() KSR.sl.sl_send_reply(200, KSR.pv.getw("$env(NAME)")) end';
    expect((await route({ script, env: { NAME: 'fixed' } })).text).toMatch(/^SIP\/2\.0 200 fixed/);
    const env = ({ NAME }: Readonly<Record<string, unknown>>) => ({ NAME: String(NAME ?? '') });
    expect((await route({ script, env }, { NAME: 'bound' })).text).toMatch(/^SIP\/2\.0 200 bound/);
    expect((await route({ script, env })).text).toMatch(/^SIP\/2\.0 200 <null>/);
  });

  it('is known by the host of the request, or by what it is told', async () => {
    const script =
      'function ksr_request_route() KSR.sl.sl_send_reply(200, KSR.pv.gete("$RAi") .. ":" .. KSR.pv.gete("$RAp")) end';
    expect((await route({ script })).text).toMatch(/^SIP\/2\.0 200 sip\.example\.com:443/);
    expect((await route({ script, address: 'phones.example:8443' })).text).toMatch(
      /^SIP\/2\.0 200 phones\.example:8443/,
    );
    expect((await route({ script }, {}, 'http://[::1]:8080/route')).text).toMatch(/^SIP\/2\.0 200 ::1:8080/);
    const wrong = await route({ script, address: 'phones.example/x' });
    expect([wrong.status, wrong.log.at(-1)?.msg]).toEqual([
      500,
      'Cannot start: Cannot use the address phones.example/x: write HOST:PORT',
    ]);
  });

  it('says what is wrong with a config: file and line', async () => {
    const { status, log } = await route({ cfg: 'loadmodule "nosuch.so"\nrequest_route { exit; }' });
    expect(status).toBe(500);
    expect(log.at(-1)?.msg).toMatch(/kamailio\.cfg:1: cannot load module nosuch/);
    expect((await route({})).log.at(-1)?.msg).toContain('give it a script, or a cfg');
  });

  it('the owner has the last word', async () => {
    const script = 'function ksr_request_route() KSR.sl.sl_send_reply(200, "OK") end';
    expect((await route({ script, admit: () => false })).status).toBe(403);
    expect((await route({ script, admit: async request => request.url.endsWith('/route') })).status).toBe(200);
    expect((await route({ script, admit: () => Response.json({ error: 'busy' }, { status: 429 }) })).status).toBe(429);
    expect((await route({ script, peerAddress: () => 'nonsense' })).text).toContain('received=127.0.0.1');
    expect((await route({ script, peerAddress: () => '198.51.100.7' })).text).toContain('received=198.51.100.7');
  });
});

/** `ctx` of a Durable Object without SQLite. */
class FakeState implements ObjectState {
  readonly sockets: ServerSocket[] = [];
  alarm: number | null = null;
  readonly storage: ObjectState['storage'] = {
    transactionSync: fn => fn(),
    getAlarm: async () => this.alarm,
    setAlarm: async at => {
      this.alarm = at;
    },
  };

  acceptWebSocket(socket: ServerSocket): void {
    this.sockets.push(socket);
  }

  getWebSockets(): ServerSocket[] {
    return this.sockets;
  }

  setWebSocketAutoResponse(): void {}
}

class FakeSocket implements ServerSocket {
  readonly sent: (string | Uint8Array)[] = [];
  readonly codes: (number | undefined)[] = [];
  #attachment: unknown;

  constructor(attachment?: unknown) {
    this.#attachment = attachment;
  }

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }

  close(code?: number): void {
    this.codes.push(code);
  }

  serializeAttachment(value: unknown): void {
    this.#attachment = value;
  }

  deserializeAttachment(): unknown {
    return this.#attachment;
  }
}

describe('an object that wakes', () => {
  const script = 'function ksr_request_route() KSR.sl.sl_send_reply(200, KSR.pv.gete("$RAi")) end';
  const address = { host: 'sip.example.com', port: 443 };
  const wake = (sockets: readonly ServerSocket[], options: Partial<WorkerOptions> = {}) => {
    const log: LogLine[] = [];
    Object.assign(globalThis, { WebSocketRequestResponsePair: class {} });
    const { SipObject } = createWorker({ core, lua, script, log: line => log.push(line), ...options });
    const state = new FakeState();
    state.sockets.push(...sockets);
    return { object: new SipObject(state, {}), state, log };
  };

  it('finds its connections again, and knows by what name it is known', async () => {
    const socket = new FakeSocket({ id: 7, ip: '198.51.100.7', port: 2000, address });
    const { object, state } = wake([socket]);
    object.webSocketMessage(socket, MESSAGE);
    expect(String(socket.sent[0])).toMatch(/^SIP\/2\.0 200 sip\.example\.com\r\nVia: [^\r]*received=198\.51\.100\.7/);
    await Promise.resolve();
    expect(state.alarm).toBeGreaterThan(Date.now());
  });

  it('closes a socket that it cannot know', () => {
    for (const attachment of [undefined, 'x', { id: 'x' }]) {
      const socket = new FakeSocket(attachment);
      const { object } = wake([socket]);
      object.webSocketMessage(socket, MESSAGE);
      expect([socket.sent, socket.codes]).toEqual([[], [1011]]);
    }
  });

  it('its alarm tidies up, and is set again while somebody is connected', async () => {
    const socket = new FakeSocket({ id: 7, ip: '198.51.100.7', port: 2000, address });
    const { object, state } = wake([socket]);
    await object.alarm();
    await Promise.resolve();
    expect(state.alarm).not.toBeNull();
    state.alarm = null;
    object.webSocketClose(socket, 1005, '');
    expect(socket.codes).toEqual([1000]);
    await object.alarm();
    expect(state.alarm).toBeNull();
    const empty = wake([]);
    await empty.object.alarm();
    expect([empty.state.alarm, empty.log]).toEqual([null, []]);
  });

  it('a script that does not load costs the connection, and is in the log', () => {
    const socket = new FakeSocket({ id: 7, ip: '198.51.100.7', port: 2000, address });
    const { object, log } = wake([socket], { script: 'function (' });
    object.webSocketMessage(socket, MESSAGE);
    expect(socket.sent).toEqual([]);
    expect(log.map(l => l.level)).toEqual(['fatal']);
    expect(log[0]?.err).toMatchObject({ message: expect.stringContaining('route.lua:1') });
  });
});
