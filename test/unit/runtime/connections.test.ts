/** Messages that come by connections: what the script sees of them, where answers go, and what is told when a connection is gone. */
import { describe, expect, test } from 'vitest';
import { byteStr, bytesOf } from '../../../src/core/memory.ts';
import type { SendHow, Socket } from '../../../src/kemi/host.ts';
import type { RuntimeOptions } from '../../../src/runtime/options.ts';
import { answerTo } from '../../support/proxy.ts';
import { request, testRuntime } from '../../support/runtime.ts';

const FROM = { ip: '192.0.2.1', port: 40001, connection: 0x12ab };

function serve(script: string, options: Partial<RuntimeOptions> = {}) {
  const out: { text: string; proto: Socket['proto']; ip: string; port: number; how: SendHow | undefined }[] = [];
  const t = testRuntime(script, {
    sockets: [
      { proto: 'udp', ip: '192.0.2.100', port: 5060 },
      { proto: 'tcp', ip: '192.0.2.100', port: 5060 },
    ],
    send: (socket, data, ip, port, how) => {
      out.push({ text: byteStr(data.slice()), proto: socket.proto, ip, port, how });
      return true;
    },
    ...options,
  });
  const receive = (text: string, from: Parameters<typeof t.runtime.receive>[1] = FROM, socket = 1) => {
    const before = out.length;
    const verdict = t.runtime.receive(bytesOf(text), from, socket);
    return { verdict, sent: out.slice(before) };
  };
  return { ...t, receive };
}

const tcp = (text: string) => text.replace('SIP/2.0/UDP 127.0.0.1:5062;rport', 'SIP/2.0/TCP 192.0.2.1:5062');
const header = (text: string, name: string) =>
  [...text.matchAll(new RegExp(`^${name}: (.*)\\r$`, 'gm'))].map(m => m[1]);

describe('what a script sees', () => {
  const script = `
function ksr_request_route()
  KSR.info(string.format("%s %s %s %s %s %s", KSR.pv.gete("$proto"), tostring(KSR.pv.get("$conid")), tostring(KSR.kx.get_conid()),
    tostring(KSR.is_TCP()), tostring(KSR.is_UDP()), KSR.pv.gete("$su")))
end`;
  test('of a connection', () => {
    const { receive, log } = serve(script);
    receive(tcp(request()));
    expect(log.lines.at(-1)!.message).toBe('tcp 4779 4779 true false sip:192.0.2.1:40001;transport=tcp');
  });

  test('of a datagram, also in the memory of a message that came by a connection', () => {
    const { receive, log } = serve(script);
    receive(tcp(request()));
    receive(request(), { ip: '192.0.2.1', port: 5062 }, 0);
    expect(log.lines.at(-1)!.message).toBe('udp nil -1 false true sip:192.0.2.1:5062');
  });
});

test('a message of which only the start is there is answered with 513', () => {
  const { receive, runtime } = serve('function ksr_request_route() KSR.info("seen") end');
  const { sent, verdict } = receive(tcp(request()).replace('Content-Length: 0', 'Content-Length: 999999'), {
    ...FROM,
    tooLong: true,
  });
  expect(verdict).toBe('ignored');
  expect(sent.map(o => [o.text.slice(0, 29), o.how?.connection])).toEqual([['SIP/2.0 513 Message Too Large', 0x12ab]]);
  expect([runtime.liveMessages, runtime.counters.tooBig]).toEqual([0, 1]);
});

describe('stateless forwarding', () => {
  const script = 'function ksr_request_route() KSR.forward() end';

  test('the Via names the connection; the answer goes by it', () => {
    const { receive } = serve(script);
    const [forwarded] = receive(tcp(request('OPTIONS', 'sip:bob@192.0.2.10'))).sent;
    expect(forwarded!.proto).toBe('udp');
    expect(header(forwarded!.text, 'Via')[0]).toMatch(/;i=000012ab$/);
    const [back] = receive(answerTo(forwarded!.text, 200), { ip: '192.0.2.10', port: 5060 }, 0).sent;
    expect([back!.proto, back!.ip, back!.port, back!.how?.connection]).toEqual(['tcp', '192.0.2.1', 5062, 0x12ab]);
  });

  test('a datagram leaves no trace of that', () => {
    const { receive } = serve(script);
    const [forwarded] = receive(
      request('OPTIONS', 'sip:bob@192.0.2.10;transport=tcp'),
      { ip: '192.0.2.1', port: 5062 },
      0,
    ).sent;
    expect(forwarded!.proto).toBe('tcp');
    expect(header(forwarded!.text, 'Via')[0]).not.toContain(';i=');
    const [back] = receive(answerTo(forwarded!.text, 200), { ip: '192.0.2.10', port: 5060, connection: 9 }, 1).sent;
    expect([back!.proto, back!.port, back!.how]).toEqual(['udp', 5062, undefined]);
  });
});

test('a request that crosses from TCP to UDP has two Record-Routes, each for its side', () => {
  const { receive } = serve('function ksr_request_route() KSR.rr.record_route() KSR.tm.t_relay() end');
  const invite = tcp(request('INVITE', 'sip:bob@192.0.2.10', ['Contact: <sip:alice@192.0.2.1;transport=tcp>']));
  const { text } = receive(invite).sent.find(o => o.text.startsWith('INVITE'))!;
  expect(header(text, 'Record-Route')).toEqual([
    '<sip:192.0.2.100;r2=on;lr;ftag=a1>',
    '<sip:192.0.2.100;transport=tcp;r2=on;lr;ftag=a1>',
  ]);
});

test('usrloc: with handle_lost_tcp a contact goes with its connection', () => {
  const script = `
function ksr_request_route()
  if KSR.is_REGISTER() then KSR.registrar.save("location", 0)
  else KSR.sl.sl_send_reply(KSR.registrar.lookup("location") > 0 and 200 or 404, "x") end
end`;
  const modparams = [{ module: 'usrloc', name: 'handle_lost_tcp', value: 1 }];
  const { receive, runtime } = serve(script, { modparams });
  const contact = ['Contact: <sip:bob@192.0.2.1:40001;transport=tcp>', 'Expires: 600'];
  const registered = receive(tcp(request('REGISTER', 'sip:example.com', contact))).sent[0]!.text;
  expect(registered).toMatch(/^SIP\/2\.0 200 [\s\S]*Contact: <sip:bob@192\.0\.2\.1:40001;transport=tcp>/);
  const found = () => receive(tcp(request('OPTIONS', 'sip:bob@example.com'))).sent[0]!.text.slice(8, 11);
  expect(found()).toBe('200');
  runtime.connectionClosed(0x9999);
  expect(found()).toBe('200');
  runtime.connectionClosed(0x12ab);
  expect(found()).toBe('404');
});
