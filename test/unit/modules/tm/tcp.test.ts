/** Transactions over connections: nothing is sent again (RFC 3261 17), answers keep to the connection, and a connection that cannot be made is an answer. */
import { describe, expect, test } from 'vitest';
import { byteStr, bytesOf } from '../../../../src/core/memory.ts';
import type { SendHow, Socket } from '../../../../src/kemi/host.ts';
import type { Tm } from '../../../../src/modules/tm/state.ts';
import type { RuntimeOptions } from '../../../../src/runtime/options.ts';
import { all, answerTo, ask, header } from '../../../support/proxy.ts';
import { testRuntime } from '../../../support/runtime.ts';

interface Out {
  readonly text: string;
  readonly proto: Socket['proto'];
  readonly ip: string;
  readonly port: number;
  readonly how: SendHow | undefined;
}

const SCRIPT = (more = '', before = '') => `
function ksr_request_route()
  if KSR.is_CANCEL() then if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end return end
  if KSR.is_ACK() then KSR.tm.t_check_trans() return end
  KSR.tm.t_check_trans()
  ${before}
  if KSR.tm.t_relay() < 0 then KSR.sl.sl_reply_error() end
end
${more}`;

/** A proxy with a socket for UDP and one for TCP. @param refuse what send() says no to */
function proxy(script: string, options: Partial<RuntimeOptions> = {}, refuse: (out: Out) => boolean = () => false) {
  const out: Out[] = [];
  const rt = testRuntime(script, {
    sockets: [
      { proto: 'udp', ip: '192.0.2.100', port: 5060 },
      { proto: 'tcp', ip: '192.0.2.100', port: 5060 },
    ],
    send: (socket, data, ip, port, how) => {
      const one = { text: byteStr(data.slice()), proto: socket.proto, ip, port, how };
      if (refuse(one)) return false;
      out.push(one);
      return true;
    },
    ...options,
  });
  const receive = (text: string, socket: number, from: { ip: string; port: number; connection?: number }) => {
    const before = out.length;
    rt.runtime.receive(bytesOf(text), from, socket);
    return out.slice(before);
  };
  const CALLER = { ip: '192.0.2.1', port: 40001, connection: 7 };
  return {
    ...rt,
    out,
    /** from the caller, over its connection */
    call: (text: string) => receive(text.replace('SIP/2.0/UDP', 'SIP/2.0/TCP'), 1, CALLER),
    callUdp: (text: string) => receive(text, 0, { ip: '192.0.2.1', port: 5070 }),
    /** from the callee, over the connection to it */
    reply: (request: string, code: number, o = {}) =>
      receive(answerTo(request, code, 'Reason', o), 1, { ip: '192.0.2.10', port: 5060, connection: 8 }),
    /** what is sent while the time passes */
    during(ms: number) {
      const before = out.length;
      rt.advance(ms);
      return out.slice(before);
    },
    tm: () => rt.runtime.host.module<Tm>('tm')!,
  };
}

const TO_TCP = { uri: 'sip:bob@192.0.2.10;transport=tcp' };
const first = (text: string) => text.slice(0, text.indexOf('\r'));
const invite = (sent: readonly Out[]) => sent.find(o => o.text.startsWith('INVITE'))!;

describe('a request over TCP', () => {
  test('goes out once, with a Via of TCP, and times out with 408', () => {
    const p = proxy(SCRIPT());
    const sent = p.call(ask('INVITE', TO_TCP));
    expect(sent.map(o => [first(o.text), o.proto, o.ip, o.port])).toEqual([
      ['SIP/2.0 100 trying -- your call is important to us', 'tcp', '192.0.2.1', 5070],
      ['INVITE sip:bob@192.0.2.10;transport=tcp SIP/2.0', 'tcp', '192.0.2.10', 5060],
    ]);
    expect(all(invite(sent).text, 'Via')[0]).toMatch(/^SIP\/2\.0\/TCP 192\.0\.2\.100;branch=z9hG4bK/);
    const late = p.during(40_000);
    expect(late.map(o => first(o.text))).toEqual(['SIP/2.0 408 Request Timeout']);
  });

  test.each(['OPTIONS', 'INVITE'])('%s: over UDP the same request is sent again', method => {
    const p = proxy(SCRIPT());
    p.call(ask(method, { uri: 'sip:bob@192.0.2.10' }));
    expect(p.during(3000).filter(o => o.text.startsWith(method)).length).toBe(2);
    const tcp = proxy(SCRIPT());
    tcp.call(ask(method, TO_TCP));
    expect(tcp.during(3000)).toEqual([]);
  });

  test('is cancelled with one CANCEL', () => {
    const p = proxy(SCRIPT());
    const { text } = invite(p.call(ask('INVITE', TO_TCP)));
    p.reply(text, 180);
    const sent = p.call(ask('CANCEL', TO_TCP));
    expect(sent.map(o => [first(o.text), o.proto])).toEqual(
      expect.arrayContaining([[`CANCEL sip:bob@192.0.2.10;transport=tcp SIP/2.0`, 'tcp']]),
    );
    expect(p.during(20_000).filter(o => o.text.startsWith('CANCEL'))).toEqual([]);
    expect(p.tm().wheel.count).toBeGreaterThan(0);
  });

  test('its negative answer is acknowledged by the connection, and is not sent again to the caller', () => {
    const p = proxy(SCRIPT());
    const { text } = invite(p.call(ask('INVITE', TO_TCP)));
    const sent = p.reply(text, 486, { tag: 'b' });
    expect(sent.map(o => [first(o.text), o.proto, o.how?.connection])).toEqual([
      ['ACK sip:bob@192.0.2.10;transport=tcp SIP/2.0', 'tcp', undefined],
      ['SIP/2.0 486 Reason', 'tcp', 7],
    ]);
    expect(p.during(35_000)).toEqual([]);
    p.during(10_000);
    expect([p.runtime.liveMessages, p.tm().wheel.count]).toEqual([0, 0]);
  });

  test('over UDP the same answer is sent again until its ACK comes', () => {
    const p = proxy(SCRIPT());
    const { text } = invite(p.callUdp(ask('INVITE', TO_TCP)));
    p.reply(text, 486, { tag: 'b' });
    expect(p.during(3000).map(o => [first(o.text), o.proto])).toEqual([
      ['SIP/2.0 486 Reason', 'udp'],
      ['SIP/2.0 486 Reason', 'udp'],
    ]);
  });
});

describe('answers', () => {
  test('go by the connection of the request; without it to the port of the Via, whatever rport says', () => {
    const p = proxy(SCRIPT('', 'KSR.force_rport()'));
    const sent = p.call(ask('INVITE', TO_TCP));
    const replies = [sent[0]!, p.reply(invite(sent).text, 200, { tag: 'b' })[0]!];
    expect(replies.map(o => [o.ip, o.port, o.how])).toEqual(
      replies.map(() => ['192.0.2.1', 5070, { connection: 7, noConnect: false, close: false, ...anyDestination }]),
    );
    expect(all(invite(sent).text, 'Via')[1]).toContain(';rport=40001');
  });

  const anyDestination = { socket: 1, proto: 'tcp', ip: '192.0.2.1', port: 5070 };

  test('keep to what the script asks: no new connection, or the end of it', () => {
    const p = proxy(
      SCRIPT(
        '',
        'KSR.set_reply_no_connect() KSR.set_reply_close() KSR.tm.t_newtran() KSR.tm.t_reply(480, "Gone") KSR.x.exit()',
      ),
    );
    const made = p.call(ask('OPTIONS', TO_TCP));
    expect(made.map(o => [first(o.text), o.how])).toEqual([
      ['SIP/2.0 480 Gone', { connection: 7, noConnect: true, close: true, ...anyDestination }],
    ]);
    const stateless = proxy(
      'function ksr_request_route() KSR.set_reply_no_connect() KSR.sl.sl_send_reply(200, "OK") end',
    );
    expect(stateless.call(ask('OPTIONS')).map(o => [o.ip, o.port, o.how])).toEqual([
      ['192.0.2.1', 5070, { connection: 7, noConnect: true, close: false }],
    ]);
  });
});

describe('a connection that cannot be made', () => {
  test('is a 477 of the branch: the failure route can go elsewhere', () => {
    const more = `
function failed() KSR.info(KSR.tm.t_get_status_code() .. " failed\\n") KSR.pv.sets("$ru", "sip:bob@192.0.2.11;transport=tcp") KSR.tm.t_relay() end`;
    const p = proxy(SCRIPT(more, 'KSR.tm.t_on_failure("failed")'));
    const { how } = invite(p.call(ask('INVITE', TO_TCP)));
    const before = p.out.length;
    how!.lost!();
    expect(p.log.lines.map(l => l.message)).toContain('477 failed');
    expect(p.out.slice(before).map(o => [first(o.text), o.ip])).toEqual([
      ['INVITE sip:bob@192.0.2.11;transport=tcp SIP/2.0', '192.0.2.11'],
    ]);
    how!.lost!();
    expect(p.out.length).toBe(before + 1);
  });

  test('answers the caller with 477 when nothing else is left, and nothing stays behind', () => {
    const p = proxy(SCRIPT());
    const sent = p.call(ask('OPTIONS', TO_TCP));
    const before = p.out.length;
    sent[0]!.how!.lost!();
    expect(p.out.slice(before).map(o => first(o.text))).toEqual(['SIP/2.0 477 Send failed']);
    p.during(60_000);
    expect([p.runtime.liveMessages, p.tm().wheel.count]).toEqual([0, 0]);
    // told once more when the transaction is gone
    sent[0]!.how!.lost!();
  });

  test('tries the next address of a name (RFC 3263 4.3)', async () => {
    const resolver = {
      addresses: async () => [
        { ip: '192.0.2.10', family: 4 as const },
        { ip: '192.0.2.11', family: 4 as const },
      ],
      srv: async () => [],
      naptr: async () => [],
      ptr: async () => [],
    };
    const p = proxy(SCRIPT(), { resolver });
    p.call(ask('INVITE', { uri: 'sip:bob@peers.example.com:5060;transport=tcp' }));
    await new Promise(resolve => setTimeout(resolve, 20));
    const [one] = p.out.filter(o => o.text.startsWith('INVITE'));
    expect(one!.ip).toBe('192.0.2.10');
    one!.how!.lost!();
    const [, two] = p.out.filter(o => o.text.startsWith('INVITE'));
    expect([two!.ip, header(two!.text, 'Call-ID')]).toEqual(['192.0.2.11', header(one!.text, 'Call-ID')]);
  });

  test('after a provisional answer it changes nothing; send() that says no at once is 477, too', () => {
    const p = proxy(SCRIPT());
    const { how, text } = invite(p.call(ask('INVITE', TO_TCP)));
    p.reply(text, 180);
    const before = p.out.length;
    how!.lost!();
    expect(p.out.length).toBe(before);
    const never = proxy(SCRIPT(), {}, o => o.text.startsWith('OPTIONS'));
    // sl_reply_error() of the script is not held back, as in Kamailio
    expect(never.call(ask('OPTIONS', TO_TCP)).map(o => first(o.text).slice(0, 11))).toEqual([
      'SIP/2.0 500',
      'SIP/2.0 477',
    ]);
  });
});

test('forwarding flags of the script reach the transport', () => {
  const p = proxy(SCRIPT('', 'KSR.set_forward_no_connect() KSR.set_forward_close()'));
  expect(p.call(ask('OPTIONS', TO_TCP))[0]!.how).toMatchObject({ noConnect: true, close: true });
  const stateless = proxy('function ksr_request_route() KSR.set_forward_no_connect() KSR.forward() end');
  expect(stateless.call(ask('OPTIONS', TO_TCP))[0]!.how).toMatchObject({ noConnect: true, close: false });
});

test('a datagram is sent without a word about connections', () => {
  const p = proxy(SCRIPT());
  expect(p.callUdp(ask('INVITE')).map(o => [o.proto, o.how])).toEqual([
    ['udp', undefined],
    ['udp', undefined],
  ]);
});
