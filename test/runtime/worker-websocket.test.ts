/** The example's worker in workerd over WebSocket: handshakes, frames, calls, sleep, restart, and peers that misbehave. */
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { firstLine, headers, reply, SipPhone } from '../support/sip-phone.ts';
import { PACKAGE_MODULES, startExample, startWorkerd, type Workerd } from '../support/workerd.ts';
import { missing } from './missing.ts';

const TOKEN = { TOKEN: 'secret' };

/** A handshake by hand. @returns status and headers of the answer */
function handshake(url: string, given: Record<string, string>): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        ...given,
      },
    });
    request.on('response', resolve);
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    request.on('error', reject);
  });
}

describe.skipIf(missing('workerd'))('the worker over WebSocket', () => {
  const storage = mkdtempSync(path.join(tmpdir(), 'kemi-worker-ws-'));
  const phones: SipPhone[] = [];
  const servers: Workerd[] = [];
  let server: Workerd;
  beforeAll(async () => {
    server = await startExample(storage, TOKEN);
  });
  afterEach(() => {
    for (const phone of phones.splice(0)) phone.close();
  });
  afterAll(async () => {
    for (const one of [server, ...servers]) await one?.stop();
    rmSync(storage, { recursive: true, force: true });
  });

  const open = async (name: string, at = server) => {
    const phone = await SipPhone.open(at.url.replace('http', 'ws'), name);
    phones.push(phone);
    return phone;
  };
  const health = async (at = server) =>
    (await (await fetch(`${at.url}/health`, { headers: { Authorization: 'Bearer secret' } })).json()) as {
      connections: number;
      uptimeSec: number;
      timers: number;
      liveMessages: number;
      counters: Record<string, number>;
    };
  const rpc = async (method: string, params: unknown[] = [], at = server) => {
    const response = await fetch(`${at.url}/rpc`, {
      method: 'POST',
      headers: { Authorization: 'Bearer secret' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    return (await response.json()) as { result?: unknown; error?: unknown };
  };
  /** @returns the two, registered */
  const pair = async (a: string, b: string, at = server) => {
    const both = [await open(a, at), await open(b, at)] as const;
    for (const phone of both) expect(firstLine(await phone.register())).toBe('SIP/2.0 200 OK');
    return both;
  };
  const call = async (caller: SipPhone, callee: SipPhone) => {
    caller.send(caller.request('INVITE', `${callee.name}@example.com`, [`Contact: ${caller.contact}`]));
    const invite = await callee.next();
    expect(firstLine(invite)).toMatch(/^INVITE /);
    callee.accept(invite, [`Contact: ${callee.contact}`]);
    const answer = await caller.next();
    expect(firstLine(answer)).toBe('SIP/2.0 200 OK');
    caller.send(caller.within(answer, 'ACK', 1));
    expect(firstLine(await callee.next())).toMatch(/^ACK /);
    return answer;
  };
  const hangUp = async (caller: SipPhone, callee: SipPhone, answer: string) => {
    caller.send(caller.within(answer, 'BYE', 2));
    const bye = await callee.next();
    expect(firstLine(bye)).toMatch(/^BYE /);
    callee.accept(bye);
    expect(firstLine(await caller.next())).toBe('SIP/2.0 200 OK');
  };

  it('the handshake takes the sub-protocol sip, and nothing else', async () => {
    for (const [given, status] of [
      ['sip', 101],
      ['chat, sip', 101],
      ['SIP', 101],
      ['xmpp', 400],
      ['', 400],
    ] as const) {
      const answer = await handshake(server.url, given ? { 'Sec-WebSocket-Protocol': given } : {});
      expect([given, answer.statusCode]).toEqual([given, status]);
      if (status === 101) expect(answer.headers['sec-websocket-protocol']).toBe('sip');
    }
  });

  it('two phones register, call each other and hang up', async () => {
    const [alice, bob] = await pair('alice', 'bob');
    await hangUp(alice, bob, await call(alice, bob));
    await hangUp(bob, alice, await call(bob, alice));
  });

  it('a call that is not taken ends: the CANCEL reaches the phone', async () => {
    const [alice, bob] = await pair('alice2', 'bob2');
    const invite = alice.request('INVITE', 'bob2@example.com', [`Contact: ${alice.contact}`]);
    alice.send(invite);
    const came = await bob.next();
    expect(firstLine(came)).toMatch(/^INVITE /);
    bob.send(reply(came, '180 Ringing', 'bob2'));
    const cancel = invite.replace('INVITE', 'CANCEL').replace('1 INVITE', '1 CANCEL');
    alice.send(cancel.replace(/Contact:.*\r\n/, ''));
    expect(firstLine(await alice.next())).toBe('SIP/2.0 200 canceling');
    const canceled = await bob.next();
    expect(firstLine(canceled)).toMatch(/^CANCEL /);
    bob.accept(canceled);
    bob.send(reply(came, '487 Request Terminated', 'bob2'));
    expect(firstLine(await bob.next())).toMatch(/^ACK /);
    expect(firstLine(await alice.next())).toBe('SIP/2.0 487 Request Terminated');
    alice.send(
      invite
        .replace('INVITE', 'ACK')
        .replace('1 INVITE', '1 ACK')
        .replace(/Contact:.*\r\n/, '')
        .replace(/(To: .*)\r/, '$1;tag=bob2\r'),
    );
  });

  it('nobody there: 404; who has gone without a word: 477 or the like, not silence', async () => {
    const [alice, bob] = await pair('alice3', 'bob3');
    expect(firstLine(await alice.ask('MESSAGE', 'nobody@example.com'))).toBe('SIP/2.0 404 Not Found');
    bob.close();
    await bob.closed;
    await expect.poll(async () => (await health()).connections).toBeLessThan(3);
    expect(firstLine(await alice.ask('MESSAGE', 'bob3@example.com'))).toMatch(/^SIP\/2\.0 (404|4[378]0|477) /);
  });

  it('answers keepalives, in the frames that the peer speaks', async () => {
    const phone = await open('carol');
    phone.send('\r\n\r\n');
    expect(await phone.frame()).toBe('\r\n');
    const binary = new TextEncoder().encode(phone.request('OPTIONS', 'example.com'));
    phone.send(binary);
    const answer = await phone.frame();
    expect(answer).toBeInstanceOf(ArrayBuffer);
    phone.send(phone.request('OPTIONS', 'example.com'));
    expect(typeof (await phone.frame())).toBe('string');
  });

  it('bytes that are no UTF-8 arrive as they were sent, in a binary frame', async () => {
    const [alice, bob] = await pair('alice4', 'bob4');
    const text = alice.request('MESSAGE', 'bob4@example.com', ['Subject: ???']);
    alice.send(Uint8Array.from(text, c => (c === '?' ? 0xe9 : c.charCodeAt(0))));
    const frame = await bob.frame();
    expect(frame).toBeInstanceOf(ArrayBuffer);
    const bytes = new Uint8Array(frame as ArrayBuffer);
    expect([...bytes].filter(b => b === 0xe9)).toHaveLength(3);
  });

  it('empty frames, garbage and half a message cost nothing but themselves', async () => {
    const phone = await open('dave');
    const before = (await health()).counters;
    for (const frame of ['', '\r\n', 'hello', '\0\0\0', 'REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS x'])
      phone.send(frame);
    phone.send(new Uint8Array([0xff, 0xfe, 0, 1]));
    phone.send(new Uint8Array(0));
    // half a message says where its answer goes
    expect(firstLine(await phone.next())).toBe('SIP/2.0 400 Bad Request');
    expect(firstLine(await phone.ask('OPTIONS', 'example.com'))).toMatch(/^SIP\/2\.0 (200|404)/);
    const after = (await health()).counters;
    expect(after.bad! - before.bad!).toBeGreaterThanOrEqual(4);
    expect([after.traps, after.scriptErrors]).toEqual([0, 0]);
  });

  it('a message over the limit gets 513, and the connection is closed with 1009', async () => {
    const phone = await open('erin');
    phone.send(phone.request('MESSAGE', 'bob@example.com', [`X: ${'x'.repeat(70_000)}`]));
    expect(firstLine(await phone.next())).toBe('SIP/2.0 513 Message Too Large');
    expect(await phone.closed).toMatchObject({ code: 1009 });
    expect(firstLine(await (await open('erin2')).ask('OPTIONS', 'example.com'))).toMatch(/^SIP/);
  });

  it('module websocket sees them: ws.dump, ws.close, statistics', async () => {
    const phone = await open('frank');
    await phone.ask('OPTIONS', 'example.com');
    const { result } = (await rpc('ws.dump')) as { result: { connections: readonly string[] } };
    const [, id] = /^(\d+): ws:127\.0\.0\.1:\d+ -> ws:127\.0\.0\.1:\d+ \(state: OPEN/.exec(result.connections.at(-1)!)!;
    const statistics = JSON.stringify(await rpc('stats.get_statistics', ['websocket:']));
    expect(statistics).toMatch(/ws_current_connections = [1-9]/);
    expect(statistics).toMatch(/ws_received_frames = [1-9]/);
    await rpc('ws.close', [Number(id)]);
    expect((await phone.closed).code).toBe(1000);
    await rpc('ws.disable');
    expect((await handshake(server.url, { 'Sec-WebSocket-Protocol': 'sip' })).statusCode).toBe(503);
    await rpc('ws.enable');
    expect((await handshake(server.url, { 'Sec-WebSocket-Protocol': 'sip' })).statusCode).toBe(101);
  });

  it('a message over HTTP reaches a phone, and waits for what it answers', async () => {
    const bob = await open('bob5');
    await bob.register();
    const text = bob.request('MESSAGE', 'bob5@example.com').replace(/bob5\.invalid/g, 'push.invalid');
    const response = fetch(`${server.url}/route?wait=5000`, {
      method: 'POST',
      headers: { Authorization: 'Bearer secret' },
      body: text,
    });
    const message = await bob.next();
    expect(firstLine(message)).toMatch(/^MESSAGE sip:bob5@bob5\.invalid/);
    bob.accept(message);
    const { actions } = (await (await response).json()) as {
      actions: { kind: string; sent: boolean; text: string; to: { sender?: boolean } }[];
    };
    expect(actions.map(a => [a.kind, a.sent, a.to.sender === true, firstLine(a.text).slice(0, 12)])).toEqual([
      ['request', true, false, 'MESSAGE sip:'],
      ['reply', true, true, 'SIP/2.0 200 '],
    ]);
  });

  it('while nothing happens the object sleeps; connections, registrations and calls are there behind it', {
    timeout: 90_000,
  }, async () => {
    const other = await startExample(path.join(storage, 'sleeps'), TOKEN);
    servers.push(other);
    const [alice, bob] = await pair('alice6', 'bob6', other);
    const answer = await call(alice, bob);
    await expect.poll(async () => (await health(other)).timers, { timeout: 40_000, interval: 2000 }).toBe(0);
    const before = await health(other);
    // workerd lets go of an object that has done nothing for 10 s
    await new Promise(resolve => setTimeout(resolve, 13_000));
    alice.send('\r\n\r\n');
    expect(await alice.frame()).toBe('\r\n');
    const after = await health(other);
    expect(after.counters.requests).toBe(0);
    expect(after.connections).toBe(before.connections);
    alice.send(alice.request('MESSAGE', 'bob6@example.com'));
    const message = await bob.next();
    expect(firstLine(message)).toMatch(/^MESSAGE sip:bob6@/);
    bob.accept(message);
    expect(firstLine(await alice.next())).toBe('SIP/2.0 200 OK');
    await hangUp(alice, bob, answer);
  });

  it('registrations survive the process', async () => {
    const [, bob] = await pair('alice7', 'bob7');
    const dump = JSON.stringify(await rpc('ul.dump'));
    expect(dump).toContain('bob7@bob7.invalid');
    const gone = bob.closed;
    await server.stop();
    await gone;
    server = await startExample(storage, TOKEN);
    const alice = await open('alice7');
    // his connection is gone, and he is not forgotten
    expect(firstLine(await alice.ask('MESSAGE', 'bob7@example.com'))).toMatch(/^SIP\/2\.0 (4(77|78|80)|5)/);
    expect(JSON.stringify(await rpc('ul.dump'))).toContain('bob7@bob7.invalid');
    const again = await open('bob7');
    expect(firstLine(await again.register())).toBe('SIP/2.0 200 OK');
    const text = alice.request('MESSAGE', 'bob7@example.com');
    alice.send(text);
    const message = await again.next();
    again.accept(message);
    expect(firstLine(await alice.answer(text))).toBe('SIP/2.0 200 OK');
    expect(headers(message, 'Via')).toHaveLength(2);
  });
});

describe.skipIf(missing('workerd'))('limits of connections', () => {
  let server: Workerd;
  const source = `
import { createWorker } from 'kemi-wasm.js';
import core from 'core.wasm';
import lua from 'lua.wasm';
const worker = createWorker({
  core, lua, script: 'function ksr_request_route() KSR.sl.sl_send_reply(200, KSR.pv.gete("$si")) end',
  connections: { connections: 4, perAddress: 2 }, origins: ['https://phones.example'],
  admit: request => !request.url.includes('secret'),
  hibernate: false,
});
export default worker;
export const { SipObject } = worker;
`;
  beforeAll(async () => {
    server = await startWorkerd({
      modules: [{ name: 'worker.js', kind: 'esModule', source }, ...PACKAGE_MODULES],
      object: 'SipObject',
    });
  });
  afterAll(() => server?.stop());

  const SIP = { 'Sec-WebSocket-Protocol': 'sip' };

  it('from one address, and at all: 503; a place is free when one has gone', async () => {
    const url = server.url.replace('http', 'ws');
    const held = [await SipPhone.open(url, 'a'), await SipPhone.open(url, 'b')];
    await expect(SipPhone.open(url, 'c')).rejects.toThrow('handshake failed');
    const refused = await handshake(server.url, SIP);
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '10']);
    held[0]!.close();
    await held[0]!.closed;
    await expect
      .poll(async () => (await handshake(server.url, { ...SIP, 'CF-Connecting-IP': '198.51.100.1' })).statusCode)
      .toBe(101);
    const third = await SipPhone.open(url, 'd');
    third.close();
    held[1]!.close();
  });

  it('hibernate: false has every timer run all the time', async () => {
    const health = (await (await fetch(`${server.url}/health`)).json()) as { timers: number };
    expect(health.timers).toBeGreaterThanOrEqual(2);
  });

  it('the address of a peer is what the platform says', async () => {
    const response = await fetch(`${server.url}/route`, {
      method: 'POST',
      headers: { 'CF-Connecting-IP': '2001:db8::9' },
      body: 'OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n',
    });
    expect(await response.text()).toContain('SIP/2.0 200 2001:db8::9');
  });

  it('other origins, and whom the owner does not admit: 403', async () => {
    expect((await handshake(server.url, { ...SIP, Origin: 'https://evil.example' })).statusCode).toBe(403);
    expect((await handshake(server.url, { ...SIP, Origin: 'https://phones.example' })).statusCode).toBe(101);
    expect((await handshake(`${server.url}/secret`, SIP)).statusCode).toBe(403);
  });
});

describe.skipIf(missing('workerd'))('a worker that cannot start', () => {
  it('says so with 500, and why in its log', async () => {
    const source = `
import { createWorker } from 'kemi-wasm.js';
import core from 'core.wasm';
import lua from 'lua.wasm';
const worker = createWorker({ core, lua, script: 'function ksr_request_route(' });
export default worker;
export const { SipObject } = worker;
`;
    const modules = [{ name: 'worker.js', kind: 'esModule', source }, ...PACKAGE_MODULES] as const;
    const server = await startWorkerd({ modules, object: 'SipObject' });
    try {
      const answer = await handshake(server.url, { 'Sec-WebSocket-Protocol': 'sip' });
      expect(answer.statusCode).toBe(500);
      expect(server.output()).toContain('route.lua:1');
      expect((await fetch(`${server.url}/health`)).status).toBe(500);
    } finally {
      await server.stop();
    }
  });

  it('without an object there is no WebSocket: 501', async () => {
    const source = `
import { createWorker } from 'kemi-wasm.js';
import core from 'core.wasm';
import lua from 'lua.wasm';
export default createWorker({ core, lua, script: 'function ksr_request_route() end' });
`;
    const server = await startWorkerd({
      modules: [{ name: 'worker.js', kind: 'esModule', source }, ...PACKAGE_MODULES],
    });
    try {
      expect((await handshake(server.url, { 'Sec-WebSocket-Protocol': 'sip' })).statusCode).toBe(501);
    } finally {
      await server.stop();
    }
  });
});
