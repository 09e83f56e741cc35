/**
 * One kamailio.cfg and one script, whose HTTP route takes handshakes on the port of SIP, with the real Kamailio and with this server: the same handshakes get the
 * same answers, the same frames the same messages.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOSE, frame, handshake, PING, WsPeer } from '../support/ws-peer.ts';
import { findKamailio, startKamailioWith } from './kamailio.ts';
import { needs } from './needs.ts';
import { startServer } from './server.ts';
import type { Which } from './with-server.ts';

const PORT = 22250;

const CONFIG = (modules: string, script: string, port: number) => `#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=1
tcp_accept_no_cl=yes
listen=tcp:127.0.0.1:${port}
listen=udp:127.0.0.1:${port}
mpath="${modules}/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
loadmodule "xhttp.so"
loadmodule "jsonrpcs.so"
loadmodule "websocket.so"
loadmodule "app_lua.so"
modparam("app_lua", "load", "${script}")
modparam("usrloc", "preload", "location")
modparam("xhttp", "event_callback", "ksr_xhttp_event")
modparam("xhttp", "url_skip", "^/skip")
modparam("jsonrpcs", "transport", 1)
modparam("nathelper|registrar", "received_avp", "$avp(received)")
cfgengine "lua"
`;

const SCRIPT = `
function ksr_request_route()
  local to = KSR.pv.gete("$rU")
  if KSR.is_REGISTER() then
    KSR.nathelper.fix_nated_register()
    KSR.registrar.save("location", 0)
  elseif KSR.is_INVITE() then
    KSR.rr.record_route()
    KSR.nathelper.add_contact_alias()
    if KSR.registrar.lookup("location") < 0 then KSR.sl.sl_send_reply(404, "Not Found") return end
    KSR.tm.t_relay()
  elseif to == "close" then
    KSR.websocket.close_reason(4000, "bye")
  elseif to == "where" then
    KSR.sl.sl_send_reply(200, KSR.pv.gete("$proto") .. " " .. KSR.pv.gete("$Ri") .. " " .. KSR.pv.gete("$RAut") .. " " .. KSR.pv.gete("$Ru") .. " " .. KSR.pv.gete("$su") .. " " .. tostring(KSR.is_WS()))
  else
    KSR.sl.sl_send_reply(200, "OK")
  end
end
function ksr_xhttp_event(event)
  local hu = KSR.pv.gete("$hu")
  if hu == "/ws" then
    KSR.websocket.handle_handshake()
  elseif hu == "/rpc" then
    KSR.jsonrpcs.dispatch()
  elseif hu == "/see" then
    KSR.xhttp.xhttp_reply(202, "Seen", "text/plain", KSR.pv.gete("$rm") .. " " .. KSR.pv.gete("$hdr(X-A)") .. " " .. KSR.pv.gete("$rb") .. " " .. KSR.pv.gete("$proto") .. " " .. KSR.xhttp.get_hu() .. " " .. tostring(KSR.pv.get("$ru")) .. " " .. event)
  else
    KSR.xhttp.xhttp_reply(404, "Not found", "", "")
  end
end
`;

const sip = (method: string, uri: string, id: string, extra: readonly string[] = [], length = true) =>
  [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/WS abc.invalid;branch=z9hG4bK${id}`,
    'From: <sip:alice@example.com>;tag=1',
    'To: <sip:bob@example.com>',
    `Call-ID: ${id}`,
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    ...extra,
    ...(length ? ['Content-Length: 0'] : []),
    '\r\n',
  ].join('\r\n');

/** What differs by nature: ports, tags, ids, names of the server, pretty JSON. */
const plain = (text: string): string =>
  text
    .replace(/^Sia: .*\r\n/m, '')
    .replace(/^Server: .*\r\n/gm, '')
    .replace(/^Connection: close\r\n/m, '')
    // two blanks in Kamailio's own
    .replace(/^(Via: SIP\/2\.0\/WS) +/gm, '$1 ')
    .replace(/127\.0\.0\.1[:~]\d+/g, 'ADDRESS')
    .replace(/;tag=[0-9a-f.]{20,}/g, ';tag=T')
    .replace(/branch=z9hG4bK[0-9a-f]+\.[0-9a-f]+\.0/g, 'branch=OURS');

/** Lines of an HTTP answer, in any order. */
const answer = (peer: WsPeer) => {
  const [head = '', body = ''] = plain(peer.text).split('\r\n\r\n');
  const [status = '', ...lines] = head.split('\r\n');
  // our 101 has no Content-Length (RFC 9110 8.6), and Kamailio's writes "upgrade"
  const headers = lines.map(l => l.toLowerCase()).filter(l => l !== 'content-length: 0');
  return { status, headers: headers.sort(), body };
};

async function conversation(port: number) {
  const out: Record<string, unknown> = {};
  const peers: WsPeer[] = [];
  const peer = () => {
    const made = new WsPeer(port);
    peers.push(made);
    return made;
  };
  const http = async (text: string) => {
    const a = peer();
    a.write(text);
    await a.until('an answer', () => a.text.includes('\r\n\r\n'));
    await sleep(50);
    return answer(a);
  };
  const rpc = async (method: string, params: readonly unknown[] = []) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const got = await http(`POST /rpc HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    return { status: got.status, body: JSON.parse(got.body) as unknown };
  };
  const open = async () => {
    const a = peer();
    a.write(handshake({}, 'GET /ws HTTP/1.1'));
    await a.until('101', () => a.text.endsWith('\r\n\r\n'));
    return a;
  };
  const said = async (a: WsPeer, count: number) => {
    await a.until(`${count} frames`, () => a.frames.length >= count);
    return a.frames.map(f => ({ opcode: f.opcode, text: plain(f.text) }));
  };
  try {
    out.see = await http('POST /see HTTP/1.1\r\nHost: h\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody');
    out.other = await http('GET /other HTTP/1.1\r\nHost: h\r\n\r\n');
    out.unknown = (await rpc('no.such')).status.slice(0, 29);
    for (const [what, changes] of Object.entries({
      right: {},
      'two protocols': { 'Sec-WebSocket-Protocol': 'mqtt, sip' },
      'no protocol': { 'Sec-WebSocket-Protocol': undefined },
      'bad protocol': { 'Sec-WebSocket-Protocol': 'mqtt' },
      'no key': { 'Sec-WebSocket-Key': undefined },
      'version 8': { 'Sec-WebSocket-Version': '8' },
      'no version': { 'Sec-WebSocket-Version': undefined },
      'no connection': { Connection: undefined },
      'more connection': { Connection: 'keep-alive, Upgrade' },
      'no upgrade': { Upgrade: undefined },
      'other upgrade': { Upgrade: 'h2c' },
    }))
      out[what] = await http(handshake(changes, 'GET /ws HTTP/1.1'));

    const a = await open();
    a.write(frame(sip('OPTIONS', 'sip:where@127.0.0.1', 'o1')));
    await said(a, 1);
    a.write(frame(sip('OPTIONS', 'sip:x@127.0.0.1', 'o2', [], false), { opcode: 2 }));
    await said(a, 2);
    a.write(frame('\r\n\r\n'));
    await said(a, 3);
    a.write(frame('\r\n'));
    await said(a, 4);
    a.write(frame('hey', { opcode: PING }));
    await said(a, 5);
    a.write(frame(sip('OPTIONS', 'sip:x@127.0.0.1', 'o3\xff'), { opcode: 2 }));
    await said(a, 6);
    const parts = sip('OPTIONS', 'sip:x@127.0.0.1', 'o4');
    a.write(frame(parts.slice(0, 50), { fin: false }));
    a.write(frame(parts.slice(50), { opcode: 0 }));
    out.frames = await said(a, 7);
    out.ping = (await rpc('ws.ping', [999_999_999])).body;
    out.order = (await rpc('ws.dump', ['nonsense'])).body;

    for (const [what, bytes] of Object.entries({ empty: frame(''), rubbish: frame('hello world') })) {
      const bad = await open();
      bad.write(bytes);
      await bad.until('the end', () => bad.closed || bad.closeCode !== undefined);
      out[what] = 'closed';
    }

    const bob = await open();
    bob.write(
      frame(sip('REGISTER', 'sip:example.com', 'r1', ['Contact: <sip:bob@xyz.invalid;transport=ws>;expires=600'])),
    );
    await said(bob, 1);
    a.write(frame(sip('INVITE', 'sip:bob@example.com', 'i1', ['Contact: <sip:alice@qqq.invalid;transport=ws>'])));
    out.callee = await said(bob, 2);
    const invite = bob.frames[1]!.text;
    const vias = invite.match(/^Via: .*$/gm)!.join('\n');
    bob.write(
      frame(
        `SIP/2.0 486 Busy Here\r\n${vias.replace(/\r?\n/g, '\r\n')}\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>;tag=b\r\nCall-ID: i1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
    await said(bob, 3);
    out.caller = (await said(a, 9)).slice(7);
    out.ack = bob.frames[2]!.text.slice(0, 40);

    a.write(frame(sip('MESSAGE', 'sip:close@example.com', 'm1')));
    await a.until('a close frame', () => a.closeCode !== undefined);
    out.closeCode = a.closeCode;
    a.write(frame('\x0f\xa0', { opcode: CLOSE }));
    a.socket.end();
    out.disabled = (await rpc('ws.disable')).body;
    out.refused = (await http(handshake({}, 'GET /ws HTTP/1.1'))).status;
    return out;
  } finally {
    for (const p of peers) p.socket.destroy();
  }
}

describe.skipIf(needs('kamailio-websocket-modules'))('One config with WebSocket on the port of SIP', () => {
  const found = needs('kamailio') ? undefined : findKamailio();
  const folder = mkdtempSync(join(tmpdir(), 'ws-'));
  const results = new Map<Which, Record<string, unknown>>();
  const talk = async (which: Which, port: number) => {
    const script = join(folder, 'ws.lua');
    const config = join(folder, `${which}.cfg`);
    writeFileSync(script, SCRIPT);
    writeFileSync(config, CONFIG(found && 'modules' in found ? found.modules : '', script, port));
    const server =
      which === 'kamailio'
        ? await startKamailioWith(config, port, folder)
        : await startServer(['-f', config, '--no-ctl', '--log-level', 'error'], port, 20_000);
    try {
      results.set(which, await conversation(port));
    } catch (error) {
      throw new Error(`${which}: ${(error as Error).message}\n${server.log().slice(-3000)}`);
    } finally {
      await server.stop();
    }
  };
  beforeAll(async () => {
    await talk('kamailio', PORT);
    await talk('ours', PORT + 1);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('answers requests of HTTP, handshakes and frames as Kamailio does', () => {
    expect(results.get('ours')).toEqual(results.get('kamailio'));
  });
});
