/** The modules as a Lua script sees them. */
import { expect, test } from 'vitest';
import { request, testRuntime } from '../../support/runtime.ts';

const route = (body: string) => `function ksr_request_route() ${body} end`;

test('a script forwards a request, and the reply finds its way back', () => {
  const { receive } = testRuntime(
    `${route('KSR.seturi("sip:bob@192.0.2.5:5080"); KSR.forward()')} function ksr_reply_route() end`,
  );
  const [out] = receive(request('INVITE'));
  expect([out?.ip, out?.port]).toEqual(['192.0.2.5', 5080]);
  const [line, via] = out!.text.split('\r\n');
  expect(line).toBe('INVITE sip:bob@192.0.2.5:5080 SIP/2.0');
  expect(via).toMatch(/^Via: SIP\/2\.0\/UDP 127\.0\.0\.1;branch=z9hG4bK[0-9a-f]{4}\.[0-9a-f]{32}\.0$/);
  const reply = out!.text.replace(line!, 'SIP/2.0 180 Ringing');
  const [back] = receive(reply, { ip: '192.0.2.5', port: 5080 });
  expect([back?.ip, back?.port]).toEqual(['127.0.0.1', 5062]);
  expect(back!.text).not.toContain(via!);
});

test('a script drops a reply', () => {
  const { receive } = testRuntime(`${route('')} function ksr_reply_route() KSR.x.drop() end`);
  const reply =
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK2\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n';
  expect(receive(reply)).toEqual([]);
});

test('a script that sleeps lets another message pass', async () => {
  const { receive, advance, sent } = testRuntime(
    route('if KSR.is_INVITE() then KSR.cfgutils.sleep(1) end KSR.sl.sl_send_reply(200, "OK")'),
  );
  expect(receive(request('INVITE'))).toEqual([]);
  expect(receive(request('OPTIONS'))).toHaveLength(1);
  advance(1000);
  await new Promise(setImmediate);
  expect(sent).toHaveLength(2);
  expect(sent[1]!.text).toContain('CSeq: 7 INVITE');
});

test('a script counts in htable across messages, and pike and ipops answer', () => {
  const { receive } = testRuntime(
    route(`
      local n = KSR.htable.sht_inc("t", KSR.kx.get_srcip())
      KSR.pv.sets("$sht(t=>last)", "x" .. n)
      local pike = KSR.pike.pike_check_req()
      local kind = KSR.ipops.ip_type(KSR.kx.get_srcip())
      KSR.statistics.update_stat("calls", 2)
      KSR.sl.sl_send_reply(200, n .. " " .. KSR.pv.get("$sht(t=>last)") .. " " .. pike .. " " .. kind .. " " .. KSR.pv.get("$stat(calls)"))`),
    {
      modparams: [
        { module: 'htable', name: 'htable', value: 't=>size=4;initval=0' },
        { module: 'statistics', name: 'variable', value: 'calls' },
      ],
    },
  );
  const reason = () => receive(request())[0]!.text.split('\r\n')[0];
  expect([reason(), reason()]).toEqual(['SIP/2.0 200 1 x1 1 1 2', 'SIP/2.0 200 2 x2 1 1 4']);
});

test('a script asks the DNS and goes on when the answer is there', async () => {
  const { receive, sent } = testRuntime(
    route(
      'local r = KSR.ipops.dns_query("example.org", "d"); KSR.sl.sl_send_reply(200, r .. " " .. KSR.pv.gete("$dns(d=>addr)"))',
    ),
    {
      resolver: {
        addresses: async () => [{ ip: '192.0.2.77', family: 4 }],
        srv: async () => [],
        naptr: async () => [],
        ptr: async () => [],
      },
    },
  );
  expect(receive(request())).toEqual([]);
  await new Promise(setImmediate);
  expect(sent[0]?.text).toContain('SIP/2.0 200 1 192.0.2.77\r\n');
});

test('htable tells the script that it is there, and of each item that expires', () => {
  const { advance, receive } = testRuntime(
    `function ht_event(name)
      KSR.htable.sht_sets("log", name, KSR.pv.gete("$shtrecord(key)") .. "=" .. KSR.pv.gete("$shtrecord(value)"))
    end
    function ksr_request_route()
      KSR.htable.sht_sets("t", "k", "v")
      KSR.sl.sl_send_reply(200, KSR.htable.sht_getw("log", "htable:mod-init") .. " " .. KSR.htable.sht_getw("log", "htable:expired:t"))
    end`,
    {
      modparams: [
        { module: 'htable', name: 'htable', value: 't=>size=4;autoexpire=5' },
        { module: 'htable', name: 'htable', value: 'log=>size=4' },
        { module: 'htable', name: 'event_callback', value: 'ht_event' },
        { module: 'htable', name: 'timer_interval', value: 1 },
      ],
    },
  );
  const reason = () => receive(request())[0]!.text.split('\r\n')[0];
  advance(0);
  expect(reason()).toBe('SIP/2.0 200 = <null>');
  advance(6000);
  expect(reason()).toBe('SIP/2.0 200 = k=v');
});
