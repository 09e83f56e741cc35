/** onsend_route: what runs before a message that is passed on is sent, as Kamailio 5.6.3 runs it. */
import { expect, test } from 'vitest';
import { request, testRuntime } from '../../../support/runtime.ts';
import { findings, nativeRuntime } from './native.ts';

const ROUTE = `
request_route {
  if ($rU == "local") { sl_send_reply("200", "OK"); exit; }
  $du = "sip:192.0.2.9:5070";
  if ($rU == "stateless") { forward(); xlog("@@sent@@"); exit; }
  if ($rU == "two") append_branch("sip:second@192.0.2.10");
  t_relay();
  xlog("@@relayed $rc@@");
}
`;
const TELL = `onsend_route {
  xlog("@@$rm $rU $snd(ip):$snd(port) $sndto(sproto) $snd(proto) $snd(af) from $sndfrom(ip):$sndfrom(port) $(snd(buf){line.at,0}) $snd(len)@@");
}`;

const invite = (user: string) => request('INVITE', `sip:${user}@127.0.0.1:5060`);

test('it runs for a request that is forwarded, and sees where it goes', () => {
  const { receive, said, sent } = nativeRuntime(ROUTE + TELL);
  receive(invite('stateless'));
  expect(sent).toHaveLength(1);
  expect(said()).toEqual([
    `INVITE stateless 192.0.2.9:5070 udp 1 2 from 127.0.0.1:5060 INVITE sip:stateless@127.0.0.1:5060 SIP/2.0 ${sent[0]!.text.length}`,
    'sent',
  ]);
});

test('it runs for each branch, not for what is sent again, nor for answers of our own', () => {
  const { receive, said, sent, advance } = nativeRuntime(ROUTE + TELL);
  receive(invite('two'));
  expect(said().map(text => text.slice(0, 40))).toEqual([
    expect.stringContaining('INVITE two 192.0.2.9:5070'),
    expect.stringContaining('INVITE two 192.0.2.10:5060'),
    'relayed 1',
  ]);
  const before = sent.length;
  advance(600);
  expect(sent.length).toBe(before + 2);
  expect(said()).toHaveLength(3);
  receive(invite('local'));
  expect(said()).toHaveLength(3);
});

test('drop keeps the message from being sent', () => {
  const { receive, sent } = nativeRuntime(`${ROUTE}onsend_route { if (to_ip == 192.0.2.9) { drop; } }`);
  receive(invite('stateless'));
  expect(sent).toEqual([]);
  // Kamailio 5.6.3: t_relay() fails as if it could not be sent
  receive(invite('alice'));
  expect(sent.map(s => s.text.split('\r\n')[0])).toEqual([
    'SIP/2.0 100 trying -- your call is important to us',
    expect.stringMatching(/^SIP\/2.0 477 /),
  ]);
});

test('one branch may be dropped', () => {
  const { receive, sent } = nativeRuntime(`${ROUTE}onsend_route { if (to_ip == 192.0.2.9) { drop; } }`);
  receive(invite('two'));
  expect(sent.map(s => s.ip)).toContain('192.0.2.10');
  expect(sent.map(s => s.ip)).not.toContain('192.0.2.9');
});

test('fields of what is sent', () => {
  const { receive, said } = nativeRuntime(`${ROUTE}onsend_route {
    if (snd_ip == 127.0.0.1 && snd_port == 5060 && snd_proto == UDP && snd_af == INET && snd_ip == myself) xlog("@@from@@");
    if (to_ip == 192.0.2.0/24 && to_port >= 5070 && to_ip != myself && to_ip =~ "^192") xlog("@@to@@");
  }`);
  receive(invite('stateless'));
  expect(said()).toEqual(['from', 'to', 'sent']);
});

test('replies are looked at with onsend_route_reply', () => {
  const reply = [
    'SIP/2.0 200 OK',
    'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours',
    'Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKtheirs',
    'From: <sip:a@example.com>;tag=1',
    'To: <sip:b@example.com>;tag=2',
    'Call-ID: onsend@example.com',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  const config = 'request_route { exit; }\nonsend_route { xlog("@@$rs $snd(ip):$snd(port)@@"); if ($rs == 200) drop; }';
  const off = nativeRuntime(config);
  off.receive(reply);
  expect(off.said()).toEqual([]);
  expect(off.sent).toHaveLength(1);
  const on = nativeRuntime(config, { coreParams: { onsend_route_reply: 1 } });
  on.receive(reply);
  expect(on.said()).toEqual(['200 198.51.100.7:5062']);
  expect(on.sent).toEqual([]);
});

test('a call that waits does not hold the message up', () => {
  const { receive, sent, log } = nativeRuntime(`${ROUTE}onsend_route { sleep("1"); drop; }`);
  receive(invite('stateless'));
  expect(sent).toHaveLength(1);
  expect(log.lines.map(l => l.message)).toContain('Cannot wait in an onsend route');
});

test('what it may not do is an error', () => {
  expect(
    findings(`request_route { if (snd_ip == 192.0.2.1) exit; }
onsend_route {
  route(A);
  t_relay();
  sl_send_reply("200", "OK");
  forward();
  setflag(1);
  if (snd_ip == 192.0.2.1) drop;
}
route[A] { return; }`).filter(f => f.includes('error')),
  ).toEqual([
    '1:21: error: snd_ip is there in onsend_route only',
    '3:3: error: route cannot be used in onsend_route',
    expect.stringMatching(/^4:3: error: t_relay cannot be used in this block/),
    expect.stringMatching(/^5:3: error: sl_send_reply cannot be used in this block/),
    '6:3: error: forward cannot be used in onsend_route',
  ]);
});

test('ksr_onsend_route in a Lua script sees replies, too', () => {
  const { runtime, receive, sent, log } = testRuntime(`
    function ksr_request_route() KSR.pv.sets("$du", "sip:192.0.2.9") KSR.forward() end
    function ksr_onsend_route()
      KSR.info("@@" .. KSR.pv.gete("$rm") .. KSR.pv.gete("$rs") .. " " .. KSR.pv.gete("$snd(ip)") .. "@@")
      if KSR.pv.gete("$rU") == "gone" then KSR.x.drop() end
    end`);
  receive(request('OPTIONS', 'sip:a@127.0.0.1:5060'));
  receive(request('OPTIONS', 'sip:gone@127.0.0.1:5060'));
  expect(log.lines.filter(l => `${l.message}`.includes('@@')).map(l => l.message)).toEqual([
    '@@OPTIONS 192.0.2.9@@',
    '@@OPTIONS 192.0.2.9@@',
  ]);
  expect(sent).toHaveLength(1);
  expect(runtime.liveMessages).toBe(0);
});
