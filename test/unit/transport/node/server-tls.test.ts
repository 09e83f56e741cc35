/** A server with TLS: what scripts see and do of connections, events, certificates by config and by option, reload. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../../../../src/transport/node/index.ts';
import { recordingLogger } from '../../../support/log.ts';
import { identity, tlsFile, tlsText } from '../../../support/tls.ts';

const closing: (() => unknown)[] = [];
let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(tmpdir(), 'server-tls-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  fs.rmSync(dir, { recursive: true });
});

const FILES = { certificate: tlsFile('server.pem'), privateKey: tlsFile('server.key') };

function write(name: string, text: string): string {
  fs.writeFileSync(path.join(dir, name), text);
  return path.join(dir, name);
}

async function serve(options: ServerOptions) {
  const log = recordingLogger();
  const server = await createServer({
    listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'tls:127.0.0.1:0'],
    tls: FILES,
    log,
    ...options,
  });
  closing.push(() => server.close(0));
  return { server, log, port: (proto: string) => server.sockets.find(s => s.proto === proto)!.port };
}

/** A server with a Lua script. */
const script = (lua: string, options: ServerOptions = {}) => serve({ script: write('route.lua', lua), ...options });

/** A server with a config that routes with its own blocks. */
const config = (text: string, options: ServerOptions = {}) =>
  serve({ config: write('kamailio.cfg', text), ...options });

type Phone = ReturnType<typeof phoneOn>;
function phoneOn(socket: net.Socket) {
  closing.push(() => socket.destroy());
  const got: string[] = [];
  let text = '';
  const state = { closed: false };
  socket.on('error', () => {});
  socket.on('close', () => {
    state.closed = true;
  });
  socket.setEncoding('latin1').on('data', chunk => {
    text += chunk;
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      got.push(text.slice(0, end + 4));
      text = text.slice(end + 4);
      socket.emit('sip');
    }
  });
  return {
    socket,
    state,
    send: (message: string) => socket.write(message, 'latin1'),
    async next(): Promise<string> {
      if (got.length === 0) await once(socket, 'sip', { signal: AbortSignal.timeout(3000) });
      return got.shift()!;
    },
  };
}

const tlsPhone = (port: number, options: tls.ConnectionOptions = {}): Phone =>
  phoneOn(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }));
const tcpPhone = (port: number): Phone => phoneOn(net.connect(port, '127.0.0.1'));

const options = (user: string, via = 'TLS 127.0.0.1:5099') =>
  `OPTIONS sip:${user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/${via};branch=z9hG4bK${user}${Math.random()}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: ${user}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;

const reason = (reply: string) => /^SIP\/2\.0 \d+ (.*)\r/.exec(reply)?.[1];

/** Answers with the values of texts with pseudo-variables. */
const answering = (...texts: string[]) =>
  `function ksr_request_route() KSR.sl.sl_send_reply(200, ${texts.map(t => `KSR.pv.gete("${t}")`).join(' .. "|" .. ')}) end`;

async function until(what: string, holds: () => boolean, ms = 3000): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(5)) if (holds()) return;
  throw new Error(`${what}: not within ${ms} ms`);
}

describe('what a script sees', () => {
  const TEXTS = ['$proto', '$tls_version', '$tls_peer_subject_cn', '$tls_my_subject_cn', '$tls_peer_verified'];

  it('of a peer with a certificate, of one without, and of TCP', async () => {
    const lua = `function ksr_request_route() KSR.sl.sl_send_reply(200, "R " .. KSR.tls.is_peer_verified() .. " " .. tostring(KSR.tls.cget("tls_peer_san_uri")) .. " "
      .. tostring(KSR.tls.cget("tls_cipher_info")) .. " " .. tostring(KSR.tls.cget("nonsense")) .. " " .. tostring(KSR.is_TLS())) end`;
    const { port } = await script(lua, {
      tls: { ...FILES, caList: tlsFile('ca.pem') },
      modparams: [{ module: 'tls', name: 'verify_client', value: 'optional_no_ca' }],
    });
    const alice = tlsPhone(port('tls'), identity('client'));
    alice.send(options('a'));
    expect(reason(await alice.next())).toBe('R 1 sip:alice@example.com TLS_AES_256_GCM_SHA384 nil true');
    const stranger = tlsPhone(port('tls'), { ...identity('stranger'), maxVersion: 'TLSv1.2' });
    stranger.send(options('a'));
    expect(reason(await stranger.next())).toMatch(/^R -1 nil ECDHE-ECDSA-AES\S+ nil true$/);
    const nobody = tcpPhone(port('tcp'));
    nobody.send(options('a', 'TCP 127.0.0.1'));
    expect(reason(await nobody.next())).toBe('R -1 nil nil nil false');
  });

  it('in pseudo-variables', async () => {
    const { port } = await script(answering(...TEXTS));
    const phone = tlsPhone(port('tls'));
    phone.send(options('a'));
    expect(reason(await phone.next())).toBe('tls|TLSv1.3||localhost|0');
  });
});

describe('connections', () => {
  const OPS = `
function ksr_request_route()
  local f = KSR.pv.get("$rU")
  local id = KSR.pv.get("$conid")
  local r = {}
  local function t(name, ...) r[#r + 1] = KSR.tcpops[name](...) end
  if f == "alive" then
    t("tcp_conid_alive", id) t("tcp_conid_alive", 0) t("tcp_con_alive", tostring(id)) t("tcp_con_alive", "127.0.0.1:" .. KSR.pv.get("$sp")) t("tcp_con_alive", "127.0.0.1:1")
    t("tcp_conid_state", id) t("tcp_conid_state", 12345)
    t("tcp_get_conid", "127.0.0.1:" .. KSR.pv.get("$sp"), "$var(x)") r[#r + 1] = tostring(KSR.pv.get("$var(x)") == id)
    t("tcp_get_conid", "127.0.0.1:1", "$var(x)") r[#r + 1] = KSR.pv.get("$var(x)")
    t("tcp_get_conid", "nonsense:x:y", "$var(x)") t("tcp_get_conid", "127.0.0.1:1", "$si")
  elseif f == "keep" then
    t("tcp_keepalive_enable", 60, 5, 5) t("tcp_keepalive_enable", 0, 5, 5) t("tcp_keepalive_enable_cid", id, 60, 5, 5) t("tcp_keepalive_enable_cid", 1, 60, 5, 5)
    t("tcp_keepalive_disable") t("tcp_keepalive_disable_cid", id) t("tcp_keepalive_disable_cid", 1)
    t("tcp_set_connection_lifetime", 100) t("tcp_set_connection_lifetime", -1) t("tcp_set_connection_lifetime_cid", id, 100) t("tcp_set_connection_lifetime_cid", 1, 100)
    t("tcp_enable_closed_event") t("tcp_enable_closed_event_cid", id) t("tcp_enable_closed_event_cid", 1)
    t("tcp_set_otcpid", id) t("tcp_set_otcpid_flag", 1) t("tcp_close_connection_id", 1)
  elseif f == "short" then
    t("tcp_set_connection_lifetime", 0)
  elseif f == "close" then
    t("tcp_close_connection")
  elseif f == "alias" then
    r = { KSR.add_tcp_alias(7000), KSR.add_tcp_alias_via(), KSR.add_tcp_alias(0), KSR.add_tcp_alias(7001), KSR.add_tcp_alias(7002), KSR.add_tcp_alias(70000) }
  end
  KSR.info("RESULT " .. f .. " " .. table.concat(r, " "))
  KSR.sl.sl_send_reply(200, "R " .. table.concat(r, " "))
end
function on_event(name)
  KSR.info("EVENT " .. name .. " " .. KSR.pv.gete("$proto") .. " " .. KSR.pv.gete("$conid") .. " " .. KSR.pv.gete("$si") .. ":" .. KSR.pv.gete("$sp"))
end`;
  const ops = (value: number) =>
    script(OPS, {
      modparams: [
        { module: 'tcpops', name: 'event_callback', value: 'on_event' },
        { module: 'tcpops', name: 'closed_event', value },
      ],
    });
  const events = (log: ReturnType<typeof recordingLogger>) =>
    log.lines.map(l => l.message.replace('<script>: ', '')).filter(m => m.startsWith('EVENT'));

  it.each(['tcp', 'tls'])('KSR.tcpops over %s', async proto => {
    const { port } = await ops(2);
    const phone = proto === 'tls' ? tlsPhone(port('tls')) : tcpPhone(port('tcp'));
    const via = `${proto.toUpperCase()} 127.0.0.1:5099`;
    phone.send(options('alive', via));
    expect(reason(await phone.next())).toBe('R 1 -1 1 1 -1 1 -1 1 true -1 0 -1 -1');
    phone.send(options('keep', via));
    expect(reason(await phone.next())).toBe('R 1 -1 1 -1 1 1 -1 1 -1 1 -1 1 1 -1 1 1 -1');
    phone.send(options('alias', via));
    expect(reason(await phone.next())).toBe('R 1 1 1 1 -1 -1');
  });

  it('over UDP there are none', async () => {
    const { server, log } = await ops(1);
    const from = { ip: '127.0.0.1', port: 5099 };
    const receive = (user: string) => server.runtime.receive(Buffer.from(options(user, 'UDP 127.0.0.1:5099')), from, 0);
    receive('keep');
    receive('alias');
    receive('close');
    expect(log.lines.map(l => l.message).filter(m => m.startsWith('RESULT'))).toEqual([
      'RESULT keep -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 1 1 -1',
      'RESULT alias 1 1 1 1 1 1',
      'RESULT close -1',
    ]);
  });

  it('events: closed and reset, with the connection; none for the end of a lifetime', async () => {
    const { port, log, server } = await ops(1);
    const one = tlsPhone(port('tls'));
    one.send(options('x'));
    const id = /R/.test(await one.next()) && server.runtime.host.connections!.list()[0]!.id;
    const local = one.socket.localPort;
    one.socket.end();
    await until('closed', () => events(log).length === 1);
    expect(events(log)).toEqual([`EVENT tcp:closed tls ${id} 127.0.0.1:${local}`]);
    const two = tcpPhone(port('tcp'));
    two.send(options('x', 'TCP 127.0.0.1'));
    await two.next();
    two.socket.resetAndDestroy();
    await until('reset', () => events(log).length === 2);
    expect(events(log)[1]).toMatch(/^EVENT tcp:reset tcp /);
    const three = tcpPhone(port('tcp'));
    three.send(options('close', 'TCP 127.0.0.1'));
    await until('closed by us', () => three.state.closed && events(log).length === 3);
    expect(events(log)[2]).toMatch(/^EVENT tcp:closed tcp /);
    const four = tcpPhone(port('tcp'));
    four.send(options('short', 'TCP 127.0.0.1'));
    await until('expired', () => four.state.closed);
    await sleep(20);
    expect(events(log).length).toBe(3);
    expect(server.runtime.liveMessages).toBe(0);
  });

  it('closed_event 2: only those that were asked for; 0: none', async () => {
    for (const [mode, count] of [
      [2, 1],
      [0, 0],
    ] as const) {
      const { port, log, server } = await ops(mode);
      const asked = tcpPhone(port('tcp'));
      asked.send(options('keep', 'TCP 127.0.0.1'));
      await asked.next();
      const other = tcpPhone(port('tcp'));
      other.send(options('x', 'TCP 127.0.0.1'));
      await other.next();
      asked.socket.end();
      other.socket.end();
      await until('both', () => server.runtime.host.connections!.count() === 0);
      expect(events(log).length).toBe(count);
    }
  });

  it('event routes of a config', async () => {
    const { port, log } = await config(`
enable_tls=yes
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "tls.so"
loadmodule "tcpops.so"
request_route {
  if ($tls_version == "TLSv1.3" && !is_peer_verified()) { tcp_set_connection_lifetime("100"); tcp_keepalive_enable("$conid", "60", "5", "5"); }
  sl_send_reply("200", "$rc $(tls_my_san_ip)");
}
event_route[tcp:closed] { xlog("L_NOTICE", "EVENT $proto $si\\n"); }
`);
    const phone = tlsPhone(port('tls'));
    phone.send(options('x'));
    expect(reason(await phone.next())).toBe('1 127.0.0.1');
    phone.socket.end();
    await until('the event', () => events(log).length === 1);
    expect(events(log)).toEqual(['EVENT tls 127.0.0.1']);
  });
});

describe('where requests go', () => {
  const RELAY = `
function ksr_request_route()
  if KSR.pv.get("$rU") == "alias" then KSR.add_tcp_alias(7100) KSR.sl.sl_send_reply(200, "OK") return end
  if KSR.pv.get("$rU") == "id" then KSR.tls.set_connect_server_id("second") end
  KSR.pv.sets("$du", KSR.pv.gete("$hdr(To-Uri)"))
  if KSR.tm.t_relay() < 0 then KSR.sl.sl_reply_error() end
end
function ksr_tls_event(name)
  KSR.info("EVENT " .. name .. " " .. KSR.pv.gete("$si"))
  if refuse then KSR.set_drop() end
end`;
  const to = (user: string, uri: string, via?: string) =>
    options(user, via).replace('Max-Forwards', `To-Uri: ${uri}\r\nMax-Forwards`);

  /** A TLS server that answers 200 and keeps what it got. */
  async function callee(settings: tls.TlsOptions = identity('server')) {
    const got: string[] = [];
    const sni: unknown[] = [];
    const peers: string[] = [];
    const server = tls.createServer({ ...settings, requestCert: true, rejectUnauthorized: false }, socket => {
      sni.push(socket.servername);
      peers.push(socket.getPeerCertificate().subject?.CN?.toString() ?? '');
      const phone = phoneOn(socket);
      socket.on('sip', () => {
        void phone.next().then(request => {
          got.push(request);
          const keep = request.split('\r\n').filter(l => /^(Via|From|To|Call-ID|CSeq):/.test(l));
          phone.send(['SIP/2.0 200 OK', ...keep, 'Content-Length: 0', '', ''].join('\r\n'));
        });
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    return { got, sni, peers, port: (server.address() as net.AddressInfo).port };
  }

  it('by transport=tls and sips:, with a Via of TLS; one connection for both', async () => {
    const there = await callee();
    const { port, server } = await script(RELAY);
    const phone = tcpPhone(port('tcp'));
    phone.send(to('x', `sip:127.0.0.1:${there.port};transport=tls`, 'TCP 127.0.0.1:5099'));
    expect(await phone.next()).toMatch(/^SIP\/2\.0 200/);
    phone.send(to('y', `sips:127.0.0.1:${there.port}`, 'TCP 127.0.0.1:5099'));
    expect(await phone.next()).toMatch(/^SIP\/2\.0 200/);
    expect(there.got.map(r => /Via: (\S+ \S+?);/.exec(r)?.[1])).toEqual(
      Array(2).fill(`SIP/2.0/TLS 127.0.0.1:${port('tls')}`),
    );
    expect(there.peers).toEqual(['localhost']);
    const list = (await server.runtime.rpc.call('tls.list')) as {
      dst_port: number;
      src_port: number;
      cipher: string;
    }[];
    expect(list).toMatchObject([{ src_port: there.port, cipher: 'TLS_AES_256_GCM_SHA384', state: 'established' }]);
    expect(await server.runtime.rpc.call('core.tcp_list')).toMatchObject([
      { type: 'TCP', state: 'CONN_OK', timeout: expect.any(Number), lifetime: 120 },
      { type: 'TLS', state: 'CONN_OK', src_port: there.port, lifetime: 120 },
    ]);
    expect(await server.runtime.rpc.call('core.tcp_info')).toMatchObject({
      opened_connections: 2,
      opened_tls_connections: 1,
    });
    expect(await server.runtime.rpc.call('tls.info')).toMatchObject({ opened_connections: 1, max_connections: 2048 });
    expect(await server.runtime.rpc.call('core.tcp_options')).toMatchObject({ connect_timeout: 10, crlf_ping: 1 });
  });

  it('a server whose certificate is not good gets nothing: 477', async () => {
    const there = await callee(identity('stranger'));
    const { port, log } = await script(RELAY, {
      tls: { ...FILES, caList: tlsFile('ca.pem') },
      modparams: [{ module: 'tls', name: 'verify_certificate', value: 1 }],
    });
    const phone = tcpPhone(port('tcp'));
    phone.send(to('x', `sips:127.0.0.1:${there.port}`, 'TCP 127.0.0.1:5099'));
    expect(await phone.next()).toMatch(/^SIP\/2\.0 477/);
    expect(there.got).toEqual([]);
    expect(log.lines.map(l => l.message)).toContainEqual(
      expect.stringMatching(/the peer's certificate is not trusted/),
    );
  });

  it('event tls:connection-out: drop sends nothing', async () => {
    const there = await callee();
    const modparams = [{ module: 'tls', name: 'event_callback', value: 'ksr_tls_event' }];
    const { port, log } = await script(RELAY, { modparams });
    const phone = tcpPhone(port('tcp'));
    phone.send(to('x', `sips:127.0.0.1:${there.port}`, 'TCP 127.0.0.1:5099'));
    expect(await phone.next()).toMatch(/^SIP\/2\.0 200/);
    expect(log.lines.map(l => l.message)).toContain('EVENT tls:connection-out 127.0.0.1');
    const refusing = await script(`refuse = true\n${RELAY}`, { modparams });
    const other = tcpPhone(refusing.port('tcp'));
    other.send(to('x', `sips:127.0.0.1:${there.port}`, 'TCP 127.0.0.1:5099'));
    expect(await other.next()).toMatch(/^SIP\/2\.0 477/);
    expect(there.got.length).toBe(1);
  });

  it('the client profile that the script names', async () => {
    const there = await callee();
    const text = `[server:default]\ncertificate = ${FILES.certificate}\nprivate_key = ${FILES.privateKey}\n[client:default]\n[client:any]\nserver_id = second\nserver_name = localhost\ncertificate = ${tlsFile('client.pem')}\nprivate_key = ${tlsFile('client.key')}\n`;
    const { port, server } = await script(RELAY, {
      tls: {},
      modparams: [{ module: 'tls', name: 'config', value: write('tls.cfg', text) }],
    });
    const phone = tcpPhone(port('tcp'));
    const send = async (user: string) => {
      phone.send(to(user, `sips:127.0.0.1:${there.port}`, 'TCP 127.0.0.1:5099'));
      expect(await phone.next()).toMatch(/^SIP\/2\.0 200/);
    };
    await send('x');
    for (const { id, proto } of server.runtime.host.connections!.list())
      if (proto === 'tls') server.runtime.host.connections!.close(id);
    await until('closed', () => server.runtime.host.connections!.count('tls') === 0);
    await send('id');
    expect([there.sni, there.peers]).toEqual([
      [false, 'localhost'],
      ['', 'alice'],
    ]);
  });

  it.each(['tcp', 'tls'])('an alias leads to the connection of its peer: %s', async proto => {
    const { port } = await script(RELAY);
    const via = `${proto.toUpperCase()} 127.0.0.1:5099`;
    const phone = proto === 'tls' ? tlsPhone(port('tls')) : tcpPhone(port('tcp'));
    phone.send(options('alias', via));
    expect(await phone.next()).toMatch(/^SIP\/2\.0 200/);
    phone.send(to('x', `sip:127.0.0.1:7100;transport=${proto}`, via));
    expect(await phone.next()).toMatch(/^OPTIONS sip:x@127\.0\.0\.1 /);
  });

  it('tcp_accept_aliases: the Via asks for it; not without the parameter', async () => {
    for (const value of ['yes', 'no']) {
      const { port } = await config(
        `tcp_accept_aliases=${value}\nloadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "pv.so"\nrequest_route { if ($rU == "alias") { sl_send_reply("200", "OK"); exit; }\n  $du = "sip:127.0.0.1:7200;transport=tcp"; set_forward_no_connect(); t_relay(); }`,
      );
      const phone = tcpPhone(port('tcp'));
      phone.send(options('alias', 'TCP 127.0.0.1:7200;alias'));
      expect(await phone.next()).toMatch(/^SIP\/2\.0 200/);
      phone.send(options('x', 'TCP 127.0.0.1:7200'));
      expect(await phone.next()).toMatch(value === 'yes' ? /^OPTIONS / : /^SIP\/2\.0 477/);
    }
  });
});

describe('peers that vanish', () => {
  const RELAY = `
function ksr_request_route()
  if KSR.pv.get("$rU") == "ping" then KSR.sl.sl_send_reply(200, "OK") return end
  KSR.pv.sets("$du", KSR.pv.gete("$hdr(To-Uri)"))
  KSR.tm.t_relay()
end`;
  const modparams = [
    { module: 'tm', name: 'fr_timer', value: 300 },
    { module: 'tm', name: 'wt_timer', value: 100 },
  ];
  const invite = (uri: string) =>
    options('bob', 'TLS 127.0.0.1:9')
      .replaceAll('OPTIONS', 'INVITE')
      .replace('Max-Forwards', `To-Uri: ${uri}\r\nMax-Forwards`);

  /** A TLS phone that is called; what it does with the call is the test's. */
  async function callee(onCall: (phone: Phone, request: string) => void) {
    const server = tls.createServer(identity('server'), socket => {
      const phone = phoneOn(socket);
      socket.on('sip', () => void phone.next().then(request => onCall(phone, request)));
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    return `sips:127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  }
  const answer = (request: string, status: string) => {
    const keep = request.split('\r\n').filter(l => /^(Via|From|To|Call-ID|CSeq):/.test(l));
    return [`SIP/2.0 ${status}`, ...keep, 'Content-Length: 0', '', ''].join('\r\n');
  };

  it('the caller, in the middle of a call: its answer is lost, nothing stays behind', async () => {
    const { port, server } = await script(RELAY, { modparams });
    const caller = tlsPhone(port('tls'));
    let called: { phone: Phone; request: string } | undefined;
    const uri = await callee((phone, request) => {
      called ??= { phone, request };
    });
    caller.send(invite(uri));
    await until('the call', () => called !== undefined);
    caller.socket.destroy();
    await until('noticed', () => server.runtime.host.connections!.count('tls') === 1);
    called!.phone.send(answer(called!.request, '486 Busy Here'));
    await until('the end of the transaction', () => server.runtime.liveMessages === 0);
    const next = tlsPhone(port('tls'));
    next.send(options('ping'));
    expect(await next.next()).toMatch(/^SIP\/2\.0 200/);
  });

  it('the callee: the caller hears of it when the time is over', async () => {
    const { port, server } = await script(RELAY, { modparams });
    const caller = tlsPhone(port('tls'));
    const uri = await callee(phone => void phone.socket.destroy());
    caller.send(invite(uri));
    expect(await caller.next()).toMatch(/^SIP\/2\.0 100/);
    expect(await caller.next()).toMatch(/^SIP\/2\.0 408/);
    caller.socket.destroy();
    await until('the end of the transaction', () => server.runtime.liveMessages === 0, 5000);
    await until('no connection', () => server.runtime.host.connections!.count() === 0);
  });

  it('a slow one: a message that does not become whole in time, over TLS', async () => {
    const { port } = await config(
      'tcp_msg_read_timeout=1\nenable_tls=yes\nloadmodule "sl.so"\nloadmodule "tls.so"\nrequest_route { sl_send_reply("200", "OK"); }\n',
    );
    const slow = tlsPhone(port('tls'));
    const drip = setInterval(() => slow.send('x'), 50);
    closing.push(() => clearInterval(drip));
    await until('the close', () => slow.state.closed, 4000);
  });
});

describe('certificates', () => {
  const ask = async (port: number, servername?: string) => {
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...(servername && { servername }),
    });
    closing.push(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate().subject.CN;
  };

  it('from a config: relative to it, by SNI; reloaded by RPC', async () => {
    for (const name of ['server', 'example']) {
      write(`${name}.pem`, tlsText(`${name}.pem`));
      write(`${name}.key`, tlsText(`${name}.key`));
    }
    write(
      'tls.cfg',
      '[server:default]\ncertificate=server.pem\nprivate_key=server.key\n[server:any]\nserver_name=example.com\ncertificate=example.pem\nprivate_key=example.key\n',
    );
    const { server, port, log } = await config(
      'enable_tls=yes\nloadmodule "sl.so"\nloadmodule "tls.so"\nmodparam("tls", "config", "tls.cfg")\nrequest_route { sl_send_reply("200", "OK"); }\n',
      { tls: {} },
    );
    expect([await ask(port('tls')), await ask(port('tls'), 'example.com')]).toEqual(['localhost', 'sip.example.com']);
    write('tls.cfg', '[server:default]\ncertificate=example.pem\nprivate_key=server.key\n');
    await expect(server.runtime.rpc.call('tls.reload')).rejects.toThrow(
      `Reload Failed: Cannot use the TLS profile [server:default]: the private key ${dir}/server.key does not belong to the certificate ${dir}/example.pem`,
    );
    expect(await ask(port('tls'))).toBe('localhost');
    write('tls.cfg', '[server:default]\ncertificate=example.pem\nprivate_key=example.key\n');
    expect(await server.runtime.rpc.call('tls.reload')).toBe('Ok. TLS configuration reloaded.');
    expect(await ask(port('tls'))).toBe('sip.example.com');
    expect(log.lines.map(l => l.message)).toContain('Reloaded TLS: new connections use the new certificates');
    expect(await server.runtime.rpc.call('tls.options')).toMatchObject({
      config: 'tls.cfg',
      profiles: [
        { name: '[server:default]', certificate: 'example.pem', private_key: 'example.key', verify_client: 'off' },
        { name: '[client:default]', verify_client: 'off' },
      ],
    });
  });

  it.each([
    ['none', {}, /Cannot serve TLS on tls:127\.0\.0\.1:\d+: it has no certificate; give --tls-cert FILE/],
    [
      'of another key',
      { certificate: tlsFile('server.pem'), privateKey: tlsFile('client.key') },
      /the private key .*client\.key does not belong to the certificate .*server\.pem/,
    ],
  ])('%s: the server does not start, and says why', async (_what, files, message) => {
    await expect(serve({ tls: files })).rejects.toThrow(message);
  });

  it('the built-in pair has tls.reload where it serves TLS', async () => {
    const { server } = await serve({});
    expect(server.runtime.modules).toContain('tls');
    const without = await serve({ listen: ['udp:127.0.0.1:0'], tls: {} });
    expect(without.server.runtime.modules).not.toContain('tls');
    expect(server satisfies Server).toBeDefined();
  });
});
