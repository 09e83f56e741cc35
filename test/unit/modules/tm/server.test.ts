import { expect, test } from 'vitest';
import { answerTo, ask, header, NOTHING, proxy, tagOf } from '../../../support/proxy.ts';

const script = (body: string) => `function ksr_request_route() ${body} end`;

test('t_newtran() and KSR.sl.send_reply(): stateful, sent again for a retransmission, ended by the ACK', () => {
  const p = proxy(
    script(`if KSR.is_ACK() then KSR.err("ack " .. KSR.tm.t_check_trans()) return end
      if KSR.tm.t_check_trans() == 0 then return end
      KSR.err(KSR.tm.t_newtran()) KSR.err(KSR.tm.t_newtran()) KSR.err(KSR.sl.send_reply(404, "Not Found")) KSR.err(KSR.sl.send_reply(404, "Not Found"))`),
  );
  expect(p.from('uac', ask('INVITE'))).toEqual(['uac 404']);
  const tag = tagOf(p.last('uac', '404'));
  expect(tag).toMatch(/^[0-9a-f]{32}-[0-9a-f]{8}$/);
  expect(p.from('uac', ask('INVITE'))).toEqual(['uac 404']);
  expect(p.after(1600)).toEqual(['uac 404', 'uac 404']);
  expect(p.from('uac', ask('ACK', { toTag: tag }))).toEqual([]);
  expect(p.errors()).toEqual(['1', '-10', '1', '-1', 'ack 0']);
  expect(p.after(10_000)).toEqual([]);
  expect(p.left()).toEqual(NOTHING);
});

test('a 200 of our own to an INVITE is sent again until its ACK, which has another branch', () => {
  const p = proxy(script('if KSR.is_ACK() then KSR.tm.t_check_trans() return end KSR.tm.t_send_reply(200, "OK")'));
  p.from('uac', ask('INVITE'));
  expect(p.after(600)).toEqual(['uac 200']);
  expect(p.from('uac', ask('ACK', { branch: 'z9hG4bKack', toTag: tagOf(p.last('uac', '200')) }))).toEqual([]);
  expect(p.after(10_000)).toEqual([]);
  expect(p.left()).toEqual(NOTHING);
});

test('a transaction that the script forgets absorbs what comes again for wt_timer', () => {
  const p = proxy(script('KSR.err(KSR.tm.t_newtran())'));
  expect(p.from('uac', ask('OPTIONS'))).toEqual([]);
  p.from('uac', ask('OPTIONS'));
  expect(p.errors()).toEqual(['1', '0']);
  p.after(5200);
  expect(p.left()).toEqual(NOTHING);
});

test('what cannot be relayed is answered when the route ends: one answer, whatever sl_reply_error() says', () => {
  for (const [uri, first, answer] of [
    ['sip:x@1.2.3.4;transport=tcp', '-7', "500 I'm terribly sorry, server error occurred (7/TM)"],
    ['sip:x@no.example', '-478', '478 Unresolvable destination (478/TM)'],
    ['tel:123', '-478', '478 Unresolvable destination (478/TM)'],
  ]) {
    const p = proxy(script('local r = KSR.tm.t_relay() KSR.err(r) if r < 0 then KSR.err(KSR.sl.sl_reply_error()) end'));
    const out = p.from('uac', ask('OPTIONS', { uri: uri! }));
    expect(out).toHaveLength(1);
    expect(p.last('uac', out[0]!.slice(4))).toContain(`SIP/2.0 ${answer}\r\n`);
    expect(p.errors().filter(e => /^-\d+$/.test(e))).toEqual([first, '-3']);
    p.after(6000);
    expect(p.left()).toEqual(NOTHING);
  }
});

test('the script may answer what could not be relayed, or nobody does', () => {
  const own = proxy(script('KSR.tm.t_newtran() KSR.tm.t_relay() KSR.sl.send_reply(488, "No")'));
  expect(own.from('uac', ask('OPTIONS', { uri: 'tel:1' }))).toEqual(['uac 488']);
  const none = proxy(script('KSR.tm.t_set_disable_internal_reply(1) KSR.tm.t_relay()'));
  expect(none.from('uac', ask('OPTIONS', { uri: 'tel:1' }))).toEqual([]);
  none.after(6000);
  expect(none.left()).toEqual(NOTHING);
});

test('when there are as many transactions as the limit allows, requests get 503, and it is counted', () => {
  const p = proxy(script('KSR.err(KSR.tm.t_relay())'), { limits: { transactions: 2 } });
  for (const id of ['1', '2', '3']) p.from('uac', ask('OPTIONS', { id }));
  expect(p.last('uac', '503')).toContain('Call-ID: 3@');
  expect(p.errors()).toEqual(['1', '1', '-1']);
  expect(p.tm.counters.refused).toBe(1);
  p.after(50_000);
  expect(p.left()).toEqual(NOTHING);
});

test('requests of RFC 2543 are matched by what they have in common; the ACK with another To tag', () => {
  const p = proxy(
    script(
      'if KSR.is_ACK() then KSR.err("ack " .. KSR.tm.t_check_trans()) return end if KSR.tm.t_check_trans() == 0 then return end KSR.tm.t_relay()',
    ),
  );
  const old = (method: string, o = {}) => ask(method, { branch: '1', ...o });
  expect(p.from('uac', old('INVITE'))).toEqual(['uac 100', 'a INVITE']);
  expect(p.from('uac', old('INVITE'))).toEqual(['uac 100']);
  expect(p.from('uac', old('INVITE', { uri: 'sip:other@192.0.2.10' }))).toEqual(['uac 100', 'a INVITE']);
  p.from('a', answerTo(p.sent.find(s => s.text.startsWith('INVITE sip:bob'))!.text, 404));
  expect(p.from('uac', old('ACK', { toTag: 'uas' }))).toEqual([]);
  expect(p.errors()).toEqual(['ack 0']);
  p.after(90_000);
  expect(p.left()).toEqual(NOTHING);
});

test('the same branch from another sent-by, or for another method, is another transaction', () => {
  const p = proxy(script('if KSR.tm.t_check_trans() == 0 then return end KSR.tm.t_relay()'));
  const branch = 'z9hG4bKsame';
  expect(p.from('uac', ask('OPTIONS', { branch }))).toEqual(['a OPTIONS']);
  expect(p.from('uac', ask('MESSAGE', { branch }))).toEqual(['a MESSAGE']);
  expect(p.from('uac', ask('OPTIONS', { branch }).replace('192.0.2.1:5070', '192.0.2.1:5071'))).toEqual(['a OPTIONS']);
  expect(p.from('uac', ask('FOO', { branch }))).toEqual(['a FOO']);
  expect(p.from('uac', ask('BAR', { branch }))).toEqual(['a BAR']);
  expect(p.from('uac', ask('FOO', { branch }))).toEqual([]);
});

test('a CANCEL for nothing: relayed statefully, statelessly, or dropped', () => {
  const body = script('KSR.err(KSR.tm.t_relay())');
  for (const [value, out, alive] of [
    [0, ['a CANCEL'], 1],
    [1, ['a CANCEL'], 0],
    [2, [], 0],
  ] as const) {
    const p = proxy(body, { modparams: [{ module: 'tm', name: 'unmatched_cancel', value }] });
    expect(p.from('uac', ask('CANCEL'))).toEqual(out);
    expect(p.tm.live).toBe(alive);
    p.after(60_000);
    expect(p.left()).toEqual(NOTHING);
  }
});

test('t_relay() of an ACK: to a 2xx statelessly with the same branch each time, to a negative answer not at all', () => {
  const p = proxy(script('KSR.err(KSR.tm.t_relay())'));
  expect(p.from('uac', ask('ACK', { branch: 'z9hG4bKack' }))).toEqual(['a ACK']);
  const first = header(p.last('a', 'ACK'), 'Via');
  p.from('uac', ask('ACK', { branch: 'z9hG4bKack' }));
  expect(header(p.last('a', 'ACK'), 'Via')).toBe(first);
  p.from('uac', ask('INVITE', { id: '2' }));
  p.from('a', answerTo(p.last('a', 'INVITE'), 486));
  expect(p.from('uac', ask('ACK', { id: '2' }))).toEqual([]);
});

test('a reply without a Via below ours is nobody’s', () => {
  const p = proxy(script('KSR.tm.t_relay()'));
  p.from('uac', ask('INVITE'));
  const good = answerTo(p.last('a', 'INVITE'), 180);
  expect(p.from('a', good.replace(/\r\nVia: [^\r]*192\.0\.2\.1:5070[^\r]*/, ''))).toEqual([]);
  expect(p.from('a', good.replace(/\r\nVia: ([^\r]*192\.0\.2\.1:5070[^\r]*)/, ', $1'))).toEqual(['uac 180']);
  expect(p.from('a', good)).toEqual(['uac 180']);
});

test('a spiral: the same call comes by again with another branch and is another transaction', () => {
  const p = proxy(script('if KSR.tm.t_check_trans() == 0 then return end KSR.tm.t_relay()'));
  p.from('uac', ask('INVITE', { uri: 'sip:bob@192.0.2.10' }));
  const looped = p.last('a', 'INVITE');
  expect(p.from('a', looped)).toEqual(['a 100', 'a INVITE']);
  expect(p.tm.live).toBe(2);
});

test('drop() in the transaction’s reply route drops provisional answers, never final ones', () => {
  const p = proxy(
    `function ksr_request_route() if KSR.is_ACK() then return end KSR.tm.t_on_reply("rep") KSR.tm.t_relay() end function rep() KSR.x.drop() end`,
  );
  p.from('uac', ask('INVITE'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 180))).toEqual([]);
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 404))).toEqual(['a ACK', 'uac 404']);
});

test('drop() in the core’s reply route: tm never sees the reply', () => {
  const p = proxy(
    `function ksr_request_route() KSR.tm.t_relay() end function ksr_reply_route() if KSR.kx.get_status() == 486 then KSR.x.drop() end end`,
  );
  p.from('uac', ask('INVITE'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 486))).toEqual([]);
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 180))).toEqual(['uac 180']);
});

test('t_relay() waits for a name while other messages are routed; a CANCEL meanwhile ends it', async () => {
  const wanted: ((list: { ip: string; family: 4 }[]) => void)[] = [];
  const p = proxy(
    `function ksr_request_route()
      if KSR.is_CANCEL() then if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end return end
      if KSR.tmx.t_precheck_trans() > 0 then KSR.err("pre") return end
      if KSR.tm.t_check_trans() == 0 then return end
      KSR.err(KSR.tm.t_relay()) end`,
    {
      resolver: {
        addresses: () => new Promise(resolve => wanted.push(resolve)),
        srv: async () => [],
        naptr: async () => [],
        ptr: async () => [],
      },
    },
  );
  expect(p.from('uac', ask('INVITE', { uri: 'sip:a@a.example' }))).toEqual(['uac 100']);
  await p.settle();
  expect(p.from('uac', ask('INVITE', { uri: 'sip:a@a.example' }))).toEqual(['uac 100']);
  expect(p.from('uac', ask('OPTIONS', { id: '9' }))).toEqual(['a OPTIONS']);
  wanted[0]!([{ ip: '192.0.2.10', family: 4 }]);
  expect(await p.settle()).toEqual(['a INVITE']);
  p.from('a', answerTo(p.last('a', 'INVITE'), 200));

  p.from('uac', ask('INVITE', { id: '2', uri: 'sip:a@a.example' }));
  await p.settle();
  expect(p.from('uac', ask('CANCEL', { id: '2' })).sort()).toEqual(['uac 200', 'uac 487']);
  wanted[1]!([{ ip: '192.0.2.10', family: 4 }]);
  expect(await p.settle()).toEqual([]);
  p.from('uac', ask('ACK', { id: '2', toTag: 'x' }));
  p.after(60_000);
  await p.settle();
  expect(p.left()).toEqual(NOTHING);
});

test('an address that does not answer, or says 503, is followed by the next one of the name', async () => {
  const resolver = {
    addresses: async () => ['192.0.2.10', '192.0.2.11', '192.0.2.12'].map(ip => ({ ip, family: 4 as const })),
    srv: async () => [],
    naptr: async () => [],
    ptr: async () => [],
  };
  const p = proxy(
    script(
      'if KSR.is_ACK() then return end KSR.hdr.insert("X-First: 1\\r\\n") KSR.tm.t_set_fr(0, 700) KSR.tm.t_relay()',
    ),
    { resolver },
  );
  p.from('uac', ask('INVITE', { uri: 'sip:x@three.example' }));
  expect(await p.settle()).toEqual(['a INVITE']);
  expect(p.after(800)).toEqual(['a INVITE', 'b INVITE']);
  const [first, second] = [p.last('a', 'INVITE'), p.last('b', 'INVITE')];
  expect(second.replace(/^Via: .*127\.0\.0\.1.*\r\n/m, '')).toBe(first.replace(/^Via: .*127\.0\.0\.1.*\r\n/m, ''));
  expect(header(second, 'Via')).toMatch(/\.1$/);
  expect(p.from('b', answerTo(second, 503))).toEqual(['b ACK', 'c INVITE']);
  expect(p.from('c', answerTo(p.last('c', 'INVITE'), 200))).toEqual(['uac 200']);
  p.after(10_000);
  expect(p.left()).toEqual(NOTHING);

  p.from('uac', ask('OPTIONS', { id: '2', uri: 'sip:x@three.example' }));
  await p.settle();
  expect(p.after(2500).filter(o => o.startsWith('uac'))).toEqual(['uac 408']);
  const off = proxy(script('KSR.tm.t_set_disable_failover(1) KSR.tm.t_set_fr(0, 700) KSR.tm.t_relay()'), { resolver });
  off.from('uac', ask('OPTIONS', { uri: 'sip:x@three.example' }));
  await off.settle();
  expect(off.after(800)).toEqual(['a OPTIONS', 'uac 408']);
});

test('t_precheck_trans() sees a request whose route waits and has no transaction', async () => {
  let settle: (list: { ip: string; family: 4 }[]) => void = () => {};
  const p = proxy(
    `function ksr_request_route()
      if KSR.tmx.t_precheck_trans() > 0 then KSR.err("pre") return end
      KSR.err(KSR.forward_uri("sip:a.example")) end`,
    {
      resolver: {
        addresses: () => new Promise(resolve => (settle = resolve)),
        srv: async () => [],
        naptr: async () => [],
        ptr: async () => [],
      },
    },
  );
  p.from('uac', ask('OPTIONS'));
  await p.settle();
  p.from('uac', ask('OPTIONS'));
  p.from('uac', ask('OPTIONS', { id: '2' }));
  await p.settle();
  expect(p.errors()).toEqual(['pre']);
  settle([{ ip: '192.0.2.10', family: 4 }]);
  await p.settle();
});

test('auto_inv_100 and its reason; t_set_auto_inv_100', () => {
  const relay = script('if KSR.kx.gete_ruser() == "off" then KSR.tm.t_set_auto_inv_100(0) end KSR.tm.t_relay()');
  const p = proxy(relay, { modparams: [{ module: 'tm', name: 'auto_inv_100_reason', value: 'Trying' }] });
  p.from('uac', ask('INVITE'));
  expect(p.last('uac', '100')).toContain('SIP/2.0 100 Trying\r\n');
  expect(p.from('uac', ask('INVITE', { id: '2', uri: 'sip:off@192.0.2.10' }))).toEqual(['a INVITE']);
  expect(
    proxy(relay, { modparams: [{ module: 'tm', name: 'auto_inv_100', value: 0 }] }).from('uac', ask('INVITE')),
  ).toEqual(['a INVITE']);
});

test('timers of one request: t_set_fr, t_set_retr, t_set_max_lifetime, fr_timer_avp', () => {
  const timed = (body: string, options = {}) => {
    const p = proxy(script(`${body} KSR.tm.t_relay()`), options);
    p.from('uac', ask('OPTIONS'));
    return p.after(20_000);
  };
  expect(timed('KSR.tm.t_set_fr(0, 1200)')).toEqual(['a OPTIONS', 'uac 408']);
  expect(timed('KSR.tm.t_set_retr(1000, 1000) KSR.tm.t_set_fr(0, 3500)')).toEqual([
    'a OPTIONS',
    'a OPTIONS',
    'a OPTIONS',
    'uac 408',
  ]);
  expect(timed('KSR.tm.t_set_max_lifetime(0, 1000)')).toEqual(['a OPTIONS', 'uac 408']);
  expect(
    timed('KSR.pv.seti("$avp(fr)", 1)', { modparams: [{ module: 'tm', name: 'fr_timer_avp', value: '$avp(fr)' }] }),
  ).toEqual(['a OPTIONS', 'uac 408']);
  expect(timed('KSR.tm.t_set_fr(0, 1200) KSR.tm.t_reset_fr()').at(-1)).toBe('a OPTIONS');
});

test('t_replicate(): a copy without interest in its answers; the script answers', () => {
  const p = proxy(script('KSR.err(KSR.tm.t_replicate("sip:192.0.2.12")) KSR.tm.t_reply(200, "OK")'));
  expect(p.from('uac', ask('REGISTER'))).toEqual(['c REGISTER', 'uac 200']);
  expect(p.from('c', answerTo(p.last('c', 'REGISTER'), 500))).toEqual([]);
  p.after(40_000);
  expect(p.left()).toEqual(NOTHING);
});

test('t_relay_to_proto_addr, t_relay_to_proxy and the flags', () => {
  const to = (call: string) => proxy(script(`KSR.err(${call})`)).from('uac', ask('INVITE', { uri: 'sip:x@y.example' }));
  expect(to('KSR.tm.t_relay_to_proto_addr("udp", "192.0.2.11", 5060)')).toEqual(['uac 100', 'b INVITE']);
  expect(to('KSR.tm.t_relay_to_proxy("udp:192.0.2.12:5060")')).toEqual(['uac 100', 'c INVITE']);
  expect(to('KSR.tm.t_relay_to_proxy_flags("192.0.2.12", 1)')).toEqual(['c INVITE']);
  expect(to('KSR.tm.t_relay_to_flags(3)')).toEqual([]);
});

test('a script error behind t_relay() changes nothing; one before t_newtran() leaves nothing', () => {
  const p = proxy(script('KSR.tm.t_relay() error("boom")'));
  expect(p.from('uac', ask('INVITE'))).toEqual(['uac 100', 'a INVITE']);
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 200))).toEqual(['uac 200']);
  p.after(6000);
  expect(p.left()).toEqual(NOTHING);
});
