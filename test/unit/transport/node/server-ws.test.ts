/** SIP over WebSocket through a whole server: a script that takes handshakes on the port of SIP, calls from WebSocket to UDP and back, events and RPC. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type Server } from '../../../../src/transport/node/index.ts';
import { answerTo, header } from '../../../support/proxy.ts';
import { tlsFile } from '../../../support/tls.ts';
import { frame, handshake, WsPeer } from '../../../support/ws-peer.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const SCRIPT = `
function ksr_request_route()
  if KSR.pv.gete("$rU") == "close" then
    KSR.pv.seti("$shv(closed)", KSR.websocket.close_reason(4001, "go"))
    return
  end
  if KSR.pv.gete("$rU") == "where" then
    local uris = {}
    for _, name in ipairs({ "$proto", "$Ri", "$RAut", "$Ru", "$su" }) do table.insert(uris, KSR.pv.gete(name)) end
    KSR.sl.sl_send_reply(200, table.concat(uris, " ") .. " " .. tostring(KSR.is_WS()) .. tostring(KSR.is_TCP()))
    return
  end
  KSR.sl.sl_send_reply(200, "OK")
end

function ksr_xhttp_event(event)
  local hu = KSR.xhttp.get_hu()
  if hu == "/phone" then
    if KSR.websocket.handle_handshake() ~= 1 then KSR.warn("no handshake\\n") end
  elseif hu == "/rpc" then
    KSR.jsonrpcs.dispatch()
  elseif hu == "/close" then
    KSR.set_reply_close()
    KSR.xhttp.xhttp_reply(200, "OK", "", "last")
  elseif hu == "/echo" then
    local said = event .. " " .. KSR.pv.gete("$rm") .. " " .. KSR.pv.gete("$hdr(X-A)") .. " " .. KSR.pv.gete("$rb") .. " " .. KSR.pv.gete("$hu")
    local first = KSR.xhttp.xhttp_reply(201, "Made", "text/plain", said)
    KSR.pv.seti("$shv(second)", KSR.xhttp.xhttp_reply(200, "OK", "", ""))
    KSR.pv.seti("$shv(first)", first)
  elseif hu == "/bad" then
    KSR.pv.seti("$shv(bad)", KSR.xhttp.xhttp_reply(200, "OK\\r\\nX: y", "", "") + KSR.xhttp.xhttp_reply(99, "OK", "", "") + KSR.sl.sl_send_reply(200, "OK"))
  elseif hu == "/error" then
    error("broken")
  end
end

function ksr_websocket_event(event)
  KSR.pv.sets("$shv(event)", event .. " " .. KSR.pv.gete("$si") .. ":" .. KSR.pv.gete("$sp") .. " " .. KSR.pv.gete("$ws_conid"))
end
`;

/** A server on TCP, with a script that takes handshakes on /phone. */
async function scripted(listen = ['tcp:127.0.0.1:0']): Promise<Server & { port: number }> {
  const dir = mkdtempSync(path.join(tmpdir(), 'kemi-ws-'));
  closing.push(() => rmSync(dir, { recursive: true }));
  const script = path.join(dir, 'ws.lua');
  writeFileSync(script, SCRIPT);
  const server = await createServer({
    script,
    listen,
    tls: { certificate: tlsFile('server.pem'), privateKey: tlsFile('server.key') },
    modparams: [
      { module: 'xhttp', name: 'event_callback', value: 'ksr_xhttp_event' },
      { module: 'xhttp', name: 'url_skip', value: '^/skip' },
      { module: 'websocket', name: 'event_callback', value: 'ksr_websocket_event' },
      { module: 'websocket', name: 'cors_mode', value: 2 },
    ],
  });
  closing.push(() => server.close(0));
  return Object.assign(server, { port: server.sockets[0]!.port });
}

function peer(port: number): WsPeer {
  const made = new WsPeer(port);
  closing.push(() => made.socket.destroy());
  return made;
}

const shv = (server: Server, name: string) => server.runtime.host.pv(`$shv(${name})`)!.get();

const sip = (method: string, uri: string, extra: readonly string[] = [], cseq = 1) =>
  [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/WS a1b2.invalid;branch=z9hG4bK${method}${cseq}${Math.random()}`,
    'From: <sip:alice@example.com>;tag=a',
    'To: <sip:bob@example.com>',
    `Call-ID: ws-${method}`,
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    ...extra,
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');

async function udpPhone(port: number) {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  closing.push(() => socket.close());
  await once(socket, 'listening');
  const got: string[] = [];
  socket.on('message', data => got.push(data.toString('latin1')));
  return {
    port: socket.address().port,
    send: (message: string) => socket.send(message, port, '127.0.0.1'),
    async next(start: string): Promise<string> {
      for (;;) {
        const message = got.shift();
        if (message === undefined) await once(socket, 'message');
        else if (message.startsWith(start)) return message;
      }
    },
  };
}

describe('HTTP on the port of SIP', () => {
  const ask = async (port: number, text: string) => {
    const a = peer(port);
    a.write(text);
    await a.until('an answer', () => a.text.includes('\r\n\r\n'));
    return a;
  };

  it('runs the event route, which sees the request and answers it once', async () => {
    const server = await scripted();
    const a = await ask(server.port, 'POST /echo HTTP/1.1\r\nHost: h\r\nX-A: yes\r\nContent-Length: 4\r\n\r\nbody');
    await a.until('the body', () => a.text.endsWith('/echo'));
    expect(a.text).toMatch(
      /^HTTP\/1\.1 201 Made\r\nContent-Type: text\/plain\r\nServer: [^\r]+\r\nContent-Length: \d+\r\n\r\n/,
    );
    expect(a.text).toMatch(/xhttp:request POST yes body \/echo$/);
    expect([shv(server, 'first'), shv(server, 'second')]).toEqual([1, -1]);
    // the connection stays, and speaks HTTP
    a.write('GET /close HTTP/1.1\r\nHost: h\r\n\r\n');
    await a.until('the end', () => a.closed);
    expect(a.text).toMatch(/Connection: close\r\nContent-Length: 4\r\n\r\nlast$/);
    expect(server.runtime.liveMessages).toBe(0);
  });

  it.each([
    ['/', '404 Not Found'],
    ['/skip', '404 Not Found'],
    ['/bad', '404 Not Found'],
    ['/error', '500 Internal Server Error'],
  ])('answers where the script does not answer %s: %s', async (target, status) => {
    const server = await scripted();
    const a = await ask(server.port, `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect(a.status).toBe(`HTTP/1.1 ${status}`);
    if (target === '/bad') expect(shv(server, 'bad')).toBe(-3);
    expect(server.runtime.liveMessages).toBe(0);
  });

  it('answers several requests in one segment, in order', async () => {
    const { port } = await scripted();
    const a = await ask(
      port,
      'GET /echo HTTP/1.1\r\nX-A: 1\r\n\r\nGET /echo HTTP/1.1\r\nX-A: 2\r\n\r\nGET /close HTTP/1.1\r\n\r\n',
    );
    await a.until('the end', () => a.closed);
    expect([...a.text.matchAll(/request GET (\d)/g)].map(m => m[1])).toEqual(['1', '2']);
    expect(a.text).toMatch(/last$/);
  });

  it('runs JSON-RPC commands for the script, commands that wait too', async () => {
    const { port } = await scripted();
    const rpc = async (body: string) => {
      const a = await ask(port, `POST /rpc HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await a.until('a body', () => !a.text.endsWith('\r\n\r\n') || a.status.includes('404'));
      return a;
    };
    const good = await rpc('{"jsonrpc":"2.0","id":1,"method":"core.echo","params":["x"]}');
    expect(good.text).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: application\/json\r\n/);
    expect(good.text).toContain('"result"');
    expect((await rpc('{"jsonrpc":"2.0","id":1,"method":"app_lua.reload"}')).status).toBe('HTTP/1.1 200 OK');
    expect((await rpc('{"jsonrpc":"2.0","id":1,"method":"no.such"}')).status).toMatch(
      /^HTTP\/1\.1 500 Method Not Found/,
    );
    expect((await rpc('no JSON')).status).toBe('HTTP/1.1 404 Not Found');
  });

  it('still speaks SIP on the same port', async () => {
    const { port } = await scripted();
    const a = peer(port);
    for (const char of sip('OPTIONS', 'sip:x@127.0.0.1').replace('/WS ', '/TCP ')) a.write(char);
    await a.until('an answer', () => a.text.includes('\r\n\r\n'));
    expect(a.status).toBe('SIP/2.0 200 OK');
  });
});

describe('WebSocket on the port of SIP', () => {
  it('is what the script makes of a connection, with Origin allowed as cors_mode says', async () => {
    const server = await scripted();
    const a = peer(server.port);
    a.write(handshake({ Origin: 'https://page.example' }, 'GET /phone HTTP/1.1'));
    await a.until('101', () => a.text.endsWith('\r\n\r\n'));
    expect(a.status).toBe('HTTP/1.1 101 Switching Protocols');
    expect(a.text).toContain('Access-Control-Allow-Origin: https://page.example\r\n');
    a.write(frame(sip('OPTIONS', 'sip:where@127.0.0.1')));
    await a.until('an answer', () => a.frames.length === 1);
    const at = `sip:127.0.0.1:${server.port};transport=ws`;
    expect(a.frames[0]!.text).toMatch(
      `SIP/2.0 200 ws 127.0.0.1 ${at} ${at} sip:127.0.0.1:${a.socket.localPort};transport=ws truefalse\r\n`,
    );
  });

  it('answers a bad handshake as Kamailio does, and closes', async () => {
    const { port } = await scripted();
    const a = peer(port);
    a.write(handshake({ 'Sec-WebSocket-Protocol': 'mqtt' }, 'GET /phone HTTP/1.1'));
    await a.until('the end', () => a.closed);
    expect(a.text).toBe(
      'HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
  });

  it('is closed by the script, which hears of it', async () => {
    const server = await scripted();
    const a = peer(server.port);
    a.write(handshake({}, 'GET /phone HTTP/1.1'));
    await a.until('101', () => a.text.endsWith('\r\n\r\n'));
    const id = [...server.runtime.host.webSockets!.all()][0]!.id;
    const { localPort } = a.socket;
    a.write(frame(sip('MESSAGE', 'sip:close@127.0.0.1')));
    await a.until('a close frame', () => a.closeCode === 4001);
    a.socket.end();
    await a.until('the event', () => shv(server, 'event') !== 0 && shv(server, 'event') !== null);
    expect(shv(server, 'closed')).toBe(1);
    expect(shv(server, 'event')).toBe(`websocket:closed 127.0.0.1:${localPort} ${id}`);
    expect(server.runtime.liveMessages).toBe(0);
  });

  it('is listed, pinged, closed and disabled by RPC, and counted', async () => {
    const server = await scripted();
    const { rpc } = server.runtime;
    const a = peer(server.port);
    a.write(handshake({}, 'GET /phone HTTP/1.1'));
    await a.until('101', () => a.text.endsWith('\r\n\r\n'));
    const { id } = [...server.runtime.host.webSockets!.all()][0]!;
    const line = `${id}: ws:127.0.0.1:${a.socket.localPort} -> ws:127.0.0.1:${server.port} (state: OPEN,  last used 0s ago, sub-protocol: sip)`;
    expect(await rpc.call('ws.dump')).toEqual({ connections: [line], info: { wscounter: 1, truncated: 'no' } });
    expect(await rpc.call('ws.dump', ['used_desc'])).toMatchObject({ connections: [line] });
    await expect(rpc.call('ws.dump', ['x'])).rejects.toThrow('Bad display order parameter');
    await expect(rpc.call('ws.ping', [1])).rejects.toThrow('Unknown connection ID');
    await expect(rpc.call('ws.ping', [])).rejects.toThrow('Invalid Parameters');
    await rpc.call('ws.ping', [id]);
    await rpc.call('ws.pong', [id]);
    await a.until('two frames', () => a.frames.length === 2);
    await rpc.call('ws.disable');
    const b = peer(server.port);
    b.write(handshake({}, 'GET /phone HTTP/1.1'));
    await b.until('503', () => b.status.includes('503'));
    await rpc.call('ws.enable');
    await rpc.call('ws.close', [id]);
    await a.until('a close frame', () => a.closeCode === 1000);
    const stats = Object.fromEntries(
      server.runtime.stats
        .list()
        .filter(s => s.group === 'websocket')
        .map(s => [s.name, s.value]),
    );
    expect(stats).toMatchObject({
      ws_successful_handshakes: 1,
      ws_sip_transmitted_frames: 2,
      ws_max_concurrent_connections: 1,
    });
  });
});

describe('The built-in registrar and proxy', () => {
  /** A WebSocket that takes messages out of its frames. */
  async function wsPhone(port: number) {
    const socket = await peer(port).open();
    let read = 0;
    return {
      socket,
      send: (message: string) => socket.write(frame(message)),
      async next(start: string): Promise<string> {
        for (;;) {
          await socket.until(start, () => socket.frames.length > read);
          const { text } = socket.frames[read++]!;
          if (text.startsWith(start)) return text;
        }
      },
    };
  }

  it('calls from WebSocket to UDP with two Record-Routes, and a phone behind a WebSocket from UDP', async () => {
    const server = await createServer({ listen: ['udp:127.0.0.1:0', 'ws:127.0.0.1:0'], aliases: ['example.com'] });
    closing.push(() => server.close(0));
    const [udp, ws] = server.sockets;
    const bob = await udpPhone(udp!.port);
    const alice = await wsPhone(ws!.port);
    const register = (user: string, contact: string, via: string, branch: string) =>
      [
        'REGISTER sip:example.com SIP/2.0',
        `Via: SIP/2.0/${via};branch=z9hG4bK${branch}`,
        `From: <sip:${user}@example.com>;tag=1`,
        `To: <sip:${user}@example.com>`,
        `Call-ID: reg-${user}`,
        'CSeq: 1 REGISTER',
        'Max-Forwards: 70',
        `Contact: <${contact}>;expires=300`,
        'Content-Length: 0',
        '\r\n',
      ].join('\r\n');
    bob.send(register('bob', `sip:bob@127.0.0.1:${bob.port}`, `UDP 127.0.0.1:${bob.port}`, 'r1'));
    expect(await bob.next('SIP/2.0')).toMatch('SIP/2.0 200 OK');
    alice.send(register('alice', 'sip:abc@xyz.invalid;transport=ws', 'WS xyz.invalid', 'r2'));
    expect(await alice.next('SIP/2.0')).toMatch('SIP/2.0 200 OK');

    // WebSocket to UDP
    alice.send(sip('INVITE', 'sip:bob@example.com', ['Contact: <sip:abc@xyz.invalid;transport=ws>']));
    const invite = await bob.next('INVITE');
    const routes = [...invite.matchAll(/^Record-Route: <([^>]+)>/gm)].map(m => m[1]!);
    expect(routes[0]).toMatch(`sip:127.0.0.1:${udp!.port};r2=on;lr`);
    expect(routes[1]).toMatch(`sip:127.0.0.1:${ws!.port};transport=ws;r2=on;lr`);
    expect(invite).toMatch(`Via: SIP/2.0/UDP 127.0.0.1:${udp!.port};branch=`);
    expect(header(invite, 'Contact')).toBe(
      `<sip:abc@xyz.invalid;transport=ws;alias=127.0.0.1~${alice.socket.socket.localPort}~5>`,
    );
    bob.send(answerTo(invite, 200, 'OK', { headers: [`Contact: <sip:bob@127.0.0.1:${bob.port}>`] }));
    const ok = await alice.next('SIP/2.0 200');
    const toTag = header(ok, 'To')!;
    const route = `Route: ${routes
      .toReversed()
      .map(r => `<${r}>`)
      .join(', ')}`;
    alice.send(
      sip('ACK', `sip:bob@127.0.0.1:${bob.port}`, [route])
        .replace('To: <sip:bob@example.com>', `To: ${toTag}`)
        .replace('ws-ACK', 'ws-INVITE'),
    );
    expect(await bob.next('ACK')).not.toContain('\r\nRoute:');

    // back: the phone behind the WebSocket is reached by its alias
    const bye = [
      `BYE ${/<([^>]+)>/.exec(header(invite, 'Contact')!)![1]} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${bob.port};branch=z9hG4bKbye`,
      ...routes.map(r => `Route: <${r}>`),
      `From: ${toTag}`,
      'To: <sip:alice@example.com>;tag=a',
      'Call-ID: ws-INVITE',
      'CSeq: 1 BYE',
      'Max-Forwards: 70',
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n');
    bob.send(bye);
    const got = await alice.next('BYE');
    expect(got).toMatch(/^BYE sip:abc@xyz\.invalid;transport=ws SIP/);
    expect(got).toMatch(`Via: SIP/2.0/WS 127.0.0.1:${ws!.port};branch=`);
    alice.send(answerTo(got, 200, 'OK'));
    expect(await bob.next('SIP/2.0 200')).toContain('CSeq: 1 BYE');

    // UDP to WebSocket
    const call = (id: string) =>
      sip('INVITE', 'sip:alice@example.com', [`Contact: <sip:bob@127.0.0.1:${bob.port}>`])
        .replace('WS a1b2.invalid', `UDP 127.0.0.1:${bob.port}`)
        .replace('Call-ID: ws-INVITE', `Call-ID: ${id}`);
    bob.send(call('there'));
    const there = await alice.next('INVITE');
    expect(there).toMatch(/^INVITE sip:abc@xyz\.invalid;transport=ws SIP/);
    expect([...there.matchAll(/^Record-Route: <sip:127\.0\.0\.1:(\d+)/gm)].map(m => Number(m[1]))).toEqual([
      ws!.port,
      udp!.port,
    ]);
    alice.send(answerTo(there, 603, 'Decline'));
    expect(await bob.next('SIP/2.0 603')).toContain('Call-ID: there');
    expect(JSON.stringify(await server.runtime.rpc.call('ul.dump'))).toContain(`ws:127.0.0.1:${ws!.port}`);

    // a call to a WebSocket that is gone is no call
    alice.socket.socket.destroy();
    await alice.socket.until('gone', () => [...server.runtime.host.webSockets!.all()].length === 0);
    bob.send(call('gone'));
    expect(await bob.next('SIP/2.0 4')).toMatch(/^SIP\/2\.0 4(04|77|80)/);
  });
});

it('inside of a call a phone is found by our own name for it (GRUU)', async () => {
  const server = await createServer({ listen: ['udp:127.0.0.1:0'], aliases: ['example.com'] });
  closing.push(() => server.close(0));
  const { port } = server.sockets[0]!;
  const [alice, bob] = [await udpPhone(port), await udpPhone(port)];
  const from = (text: string, local: number) => text.replace('WS a1b2.invalid', `UDP 127.0.0.1:${local}`);
  const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000000000001>"';
  bob.send(
    from(
      sip('REGISTER', 'sip:example.com', ['Supported: gruu', `Contact: <sip:bob@127.0.0.1:${bob.port}>;${instance}`]),
      bob.port,
    ).replace('From: <sip:alice', 'From: <sip:bob'),
  );
  const gruu = /pub-gruu="([^"]+)"/.exec(await bob.next('SIP/2.0 200'))![1]!;
  expect(gruu).toMatch(/^sip:bob@example\.com;gr=urn:uuid:/);
  alice.send(from(sip('INVITE', 'sip:bob@example.com', [`Contact: <sip:alice@127.0.0.1:${alice.port}>`]), alice.port));
  const invite = await bob.next('INVITE');
  bob.send(answerTo(invite, 200, 'OK', { headers: [`Contact: <${gruu}>`] }));
  const ok = await alice.next('SIP/2.0 200');
  const inside = (method: string, cseq: number) =>
    from(sip(method, gruu, [`Route: ${header(ok, 'Record-Route')}`], cseq), alice.port)
      .replace('To: <sip:bob@example.com>', `To: ${header(ok, 'To')}`)
      .replace(`Call-ID: ws-${method}`, 'Call-ID: ws-INVITE');
  alice.send(inside('ACK', 1));
  expect(await bob.next('ACK')).toMatch(`ACK sip:bob@127.0.0.1:${bob.port} SIP/2.0`);
  alice.send(inside('BYE', 2));
  bob.send(answerTo(await bob.next('BYE'), 200, 'OK'));
  expect(await alice.next('SIP/2.0 200')).toContain('CSeq: 2 BYE');
});

it('speaks TLS on wss: listeners, and on a tls: listener whose script takes handshakes', async () => {
  const server = await createServer({
    listen: ['wss:127.0.0.1:0'],
    tls: { certificate: tlsFile('server.pem'), privateKey: tlsFile('server.key') },
  });
  closing.push(() => server.close(0));
  const [socket] = server.sockets;
  expect(socket).toMatchObject({ proto: 'wss' });
  const a = new WsPeer(socket!.port, { tls: true });
  closing.push(() => a.socket.destroy());
  await a.open();
  a.write(frame(sip('OPTIONS', 'sip:127.0.0.1').replace('/WS ', '/WSS ')));
  await a.until('an answer', () => a.frames.length === 1);
  expect(a.frames[0]!.text).toMatch('SIP/2.0 200 OK');
  expect([...server.runtime.host.webSockets!.all()]).toHaveLength(1);
  // no TLS, no WebSocket
  const b = peer(socket!.port);
  b.write(handshake());
  await b.until('the end', () => b.closed);
  expect(b.text).not.toContain('101');

  const other = await scripted(['tls:127.0.0.1:0']);
  const c = new WsPeer(other.port, { tls: true });
  closing.push(() => c.socket.destroy());
  c.write(handshake({}, 'GET /phone HTTP/1.1'));
  await c.until('101', () => c.text.endsWith('\r\n\r\n'));
  c.write(frame(sip('OPTIONS', 'sip:where@127.0.0.1')));
  await c.until('an answer', () => c.frames.length === 1);
  expect(c.frames[0]!.text).toMatch(`SIP/2.0 200 wss 127.0.0.1 sip:127.0.0.1:${other.port};transport=ws`);
});

it('takes WebSockets on IPv6', async () => {
  const probe = net.createServer();
  const has = await new Promise(resolve => {
    probe.once('error', () => resolve(false)).listen(0, '::1', () => resolve(true));
  });
  probe.close();
  if (!has) return;
  const server = await createServer({ listen: ['ws:[::1]:0'] });
  closing.push(() => server.close(0));
  const a = new WsPeer(server.sockets[0]!.port, { host: '::1' });
  closing.push(() => a.socket.destroy());
  await a.open({ Host: `[::1]:${server.sockets[0]!.port}` });
  a.write(frame(sip('OPTIONS', 'sip:[::1]')));
  await a.until('an answer', () => a.frames.length === 1);
  expect(a.frames[0]!.text).toContain('received=::1');
});
