/** Routes, foreign domains, what must not be forwarded. */
import { inDialog } from '../flows.ts';
import { SDP } from '../message.ts';
import type { Play, RequestOptions } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const routing: Scenario[] = [];
const scenario = scenarios('basic', routing);

/** A request that claims to be in a dialog, with whatever Route; where it goes is the question. */
function inDialogWith(name: string, make: (t: Play) => RequestOptions & { method?: string; uri?: string }): void {
  scenario(`route-${name}`, async t => {
    const { method = 'INFO', uri, ...options } = make(t);
    t.alice.request(method, uri ?? `sip:${t.user('bob')}@${t.bob.address}`, {
      to: `<${t.aor('bob')}>;tag=bob~tag`,
      contact: t.alice.contact(),
      ...options,
    });
    await t.settle();
    for (const leg of [t.bob, t.carol, t.upstream, t.alice]) {
      for (const entry of leg.entries) if (!entry.text.startsWith('SIP/2.0')) await answer(leg, entry.text);
    }
  });
  async function answer(leg: Play['bob'], text: string): Promise<void> {
    const got = await leg.expect(m => m.text === text);
    if (got.method !== 'ACK') leg.reply(got, 200);
    await leg.play.settle();
  }
}

inDialogWith('loose', t => ({ route: [`<sip:${t.domain};lr>`] }));
inDialogWith('loose-lr-on', t => ({ route: [`<sip:${t.domain};lr=on>`] }));
inDialogWith('loose-lr-yes', t => ({ route: [`<sip:${t.domain};lr=yes>`] }));
inDialogWith('loose-then-upstream', t => ({ route: [`<sip:${t.domain};lr>, <sip:${t.upstream.address};lr>`] }));
inDialogWith('loose-then-upstream-two-headers', t => ({
  route: [`<sip:${t.domain};lr>`, `<sip:${t.upstream.address};lr>`],
}));
inDialogWith('loose-then-two', t => ({
  route: [`<sip:${t.domain};lr>`, `<sip:${t.upstream.address};lr>, <sip:${t.carol.address};lr>`],
}));
inDialogWith('loose-then-strict', t => ({ route: [`<sip:${t.domain};lr>, <sip:${t.upstream.address}>`] }));
inDialogWith('loose-then-strict-then-more', t => ({
  route: [`<sip:${t.domain};lr>, <sip:${t.upstream.address}>, <sip:${t.carol.address};lr>`],
}));
inDialogWith('double', t => ({ route: [`<sip:${t.domain};r2=on;lr=on>, <sip:${t.domain};r2=on;lr=on>`] }));
inDialogWith('double-two-headers', t => ({ route: [`<sip:${t.domain};r2=on;lr>`, `<sip:${t.domain};r2=on;lr>`] }));
inDialogWith('double-then-upstream', t => ({
  route: [`<sip:${t.domain};r2=on;lr>`, `<sip:${t.domain};r2=on;lr>`, `<sip:${t.upstream.address};lr>`],
}));
inDialogWith('twice-without-r2', t => ({ route: [`<sip:${t.domain};lr>, <sip:${t.domain};lr>`] }));
inDialogWith('strict-peer', t => ({ uri: `sip:${t.domain};lr`, route: [`<sip:${t.user('bob')}@${t.bob.address}>`] }));
inDialogWith('strict-peer-with-more', t => ({
  uri: `sip:${t.domain};lr`,
  route: [`<sip:${t.upstream.address};lr>`, `<sip:${t.user('bob')}@${t.bob.address}>`],
}));
inDialogWith('strict-peer-no-route', t => ({ uri: `sip:${t.domain};lr` }));
inDialogWith('none', () => ({}));
inDialogWith('none-to-local-user', t => ({ uri: t.aor('bob') }));
inDialogWith('foreign-first', t => ({ route: [`<sip:${t.upstream.address};lr>`] }));
inDialogWith('foreign-first-strict', t => ({ route: [`<sip:${t.upstream.address}>`] }));
inDialogWith('with-params', t => ({ route: [`<sip:${t.domain};lr;ftag=abc;x=1>;y=2`] }));
inDialogWith('with-user', t => ({ route: [`<sip:user@${t.domain};lr>`] }));
inDialogWith('with-display-name', t => ({ route: [`"Proxy, one" <sip:${t.domain};lr>`] }));
inDialogWith('capitals', t => ({ route: [`<SIP:${t.domain};LR>`] }));
inDialogWith('malformed', () => ({ route: ['<sip:'] }));
inDialogWith('empty', () => ({ route: [''] }));
inDialogWith('transport-tcp', t => ({ route: [`<sip:${t.domain};transport=tcp;lr>`] }));
inDialogWith('bye', t => ({ method: 'BYE', route: [`<sip:${t.domain};lr>`] }));
inDialogWith('ack', t => ({ method: 'ACK', route: [`<sip:${t.domain};lr>`] }));
inDialogWith('ack-without-route', () => ({ method: 'ACK' }));
inDialogWith('notify', t => ({ method: 'NOTIFY', route: [`<sip:${t.domain};lr>`], headers: ['Event: x'] }));
inDialogWith('invite', t => ({
  method: 'INVITE',
  route: [`<sip:${t.domain};lr>`],
  body: SDP,
  type: 'application/sdp',
}));
inDialogWith('dead', t => ({ uri: `sip:${t.deadAddress}`, route: [`<sip:${t.domain};lr>`] }));

scenario('preloaded-route-to-the-server', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), { route: [`<sip:${t.domain};lr>`], body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('preloaded-route-to-somebody', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), { route: [`<sip:${t.upstream.address};lr>`], body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('foreign-domain-message', async t => {
  t.alice.request('MESSAGE', `sip:${t.user('x')}@${t.upstream.address}`, { body: 'hello' });
  t.upstream.reply(await t.upstream.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('foreign-domain-call', async t => {
  const invite = t.alice.request('INVITE', `sip:${t.user('x')}@${t.upstream.address};x=y`, {
    body: SDP,
    type: 'application/sdp',
  });
  const got = await t.upstream.expect('INVITE');
  await t.alice.expect(100);
  // the next proxy puts itself into the route
  t.upstream.reply(got, 200, {
    body: SDP,
    edit: text => text.replace('Record-Route:', `Record-Route: <sip:${t.upstream.address};lr>\r\nRecord-Route:`),
  });
  const caller = invite.dialog(await t.alice.expect(200));
  caller.request('ACK');
  await t.upstream.expect('ACK');
  await inDialog(caller, t.upstream, 'BYE');
});

scenario('foreign-domain-options', async t => {
  t.alice.request('OPTIONS', `sip:${t.upstream.address}`);
  t.upstream.reply(await t.upstream.expect('OPTIONS'), 200);
  await t.alice.expect(200);
});

scenario('foreign-domain-from-upstream-to-local-user', async t => {
  await t.register('bob');
  const invite = t.upstream.request('INVITE', t.aor('bob'), {
    from: `<sip:${t.user('x')}@example.com>`,
    via: [
      `SIP/2.0/UDP ${t.upstream.address};branch=${t.branch()}`,
      `SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK~${t.mark}~x;received=192.0.2.6;rport=5070`,
    ],
    headers: [`Record-Route: <sip:${t.upstream.address};lr;ftag=x>`],
    body: SDP,
    type: 'application/sdp',
  });
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 200, { body: SDP });
  const caller = invite.dialog(await t.upstream.expect(200));
  caller.request('ACK', { route: [`<sip:${t.domain};lr=on>`] });
  await t.bob.expect('ACK');
  await inDialog(t.bob.dialogOf(got), t.upstream, 'BYE');
});

scenario('foreign-domain-name-does-not-resolve', async t => {
  t.alice.request('MESSAGE', `sip:${t.user('x')}@name.invalid`, { body: 'hello' });
  await t.alice.expect(m => m.status > 299, 10_000);
});

scenario('tel-uri', async t => {
  t.alice.request('MESSAGE', 'tel:+12025550100', { to: '<tel:+12025550100>', body: 'hello' });
  await t.settle();
  await t.pause(300);
});

for (const value of [0, 1, 2, 10, 69, 70, 255, 256, -1, 'x', '', null] as const) {
  scenario(
    `max-forwards-${value === '' ? 'empty' : value === null ? 'none' : value === -1 ? 'negative' : value}`,
    async t => {
      await t.register('bob');
      t.alice.request('MESSAGE', t.aor('bob'), { maxForwards: value, body: 'hello' });
      await t.settle();
    },
  );
}

scenario('max-forwards-0-options', async t => {
  t.alice.request('OPTIONS', `sip:${t.domain}`, { maxForwards: 0 });
  await t.settle();
});

scenario('max-forwards-0-invite', async t => {
  const invite = t.alice.invite('bob', { maxForwards: 0 });
  const reply = await t.alice.expect(483);
  invite.ack(reply);
  await t.settle();
});

for (const agent of ['friendly-scanner', 'sipcli/v1.8', 'sipvicious', 'My scanner', 'Friendly', 'SIPCLI']) {
  scenario(`user-agent-${agent.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`, async t => {
    t.alice.request('OPTIONS', t.aor('bob'), { headers: [`User-Agent: ${agent}`] });
    await t.settle();
  });
}

/** A MESSAGE to bob that something is wrong with. */
function broken(name: string, edit: (text: string, t: Play) => string): void {
  scenario(`broken-${name}`, async t => {
    await t.register('bob');
    const made = t.carol.request('OPTIONS', `sip:${t.domain}`, {});
    await t.carol.expect(200);
    const text = made.text
      .replace(/^OPTIONS sip:[^ ]*/, `MESSAGE ${t.aor('bob')}`)
      .replace('1 OPTIONS', '2 MESSAGE')
      .replace(t.carol.address, t.alice.address)
      .replace(/branch=[^\r]*/, `branch=${t.branch()}`)
      .replace(/^Call-ID: [^\r]*/m, `Call-ID: ${t.callId()}`);
    t.alice.raw(edit(text, t));
    await t.settle();
  });
}

broken('nothing', text => text);
broken('sip-version', text => text.replace(' SIP/2.0\r\n', ' SIP/3.0\r\n'));
broken('via-version', text => text.replace('Via: SIP/2.0', 'Via: SIP/3.0'));
broken('via-transport-unknown', text => text.replace('SIP/2.0/UDP', 'SIP/2.0/XYZ'));
broken('via-transport-tcp', text => text.replace('SIP/2.0/UDP', 'SIP/2.0/TCP'));
broken('uri-scheme', text => text.replace('MESSAGE sip:', 'MESSAGE nosuch:'));
broken('uri-sips', text => text.replace('MESSAGE sip:', 'MESSAGE sips:'));
broken('uri-two-at', text => text.replace('MESSAGE sip:', 'MESSAGE sip:a@'));
broken('uri-port', text => text.replace(/^(MESSAGE [^ ]*):\d+/, '$1:99999'));
broken('uri-in-brackets', text => text.replace(/^MESSAGE ([^ ]*)/, 'MESSAGE <$1>'));
broken('uri-transport', text => text.replace(/^(MESSAGE [^ ]*)/, '$1;transport=xyz'));
broken('cseq-method', text => text.replace('CSeq: 2 MESSAGE', 'CSeq: 2 INFO'));
broken('cseq-number', text => text.replace('CSeq: 2', 'CSeq: x'));
broken('cseq-negative', text => text.replace('CSeq: 2', 'CSeq: -2'));
broken('cseq-too-large', text => text.replace('CSeq: 2', 'CSeq: 99999999999'));
broken('cseq-missing', text => text.replace(/^CSeq:[^\r]*\r\n/m, ''));
broken('from-missing', text => text.replace(/^From:[^\r]*\r\n/m, ''));
broken('from-without-tag', text => text.replace(/;tag=[^\r]*/, ''));
broken('from-uri', text => text.replace(/^From: <sip:[^>]*>/m, 'From: <sip:>'));
broken('to-missing', text => text.replace(/^To:[^\r]*\r\n/m, ''));
broken('to-uri', text => text.replace(/^To: <sip:[^>]*>/m, 'To: <nosuch:x>'));
broken('call-id-empty', text => text.replace(/^Call-ID:[^\r]*/m, 'Call-ID:'));
broken('content-length-too-large', text => text.replace('Content-Length: 0', 'Content-Length: 10'));
broken('content-length-too-small', text => `${text.replace('Content-Length: 0', 'Content-Length: 2')}hello`);
broken('content-length-negative', text => text.replace('Content-Length: 0', 'Content-Length: -1'));
broken('content-length-text', text => text.replace('Content-Length: 0', 'Content-Length: x'));
broken('content-length-missing', text => text.replace('Content-Length: 0\r\n', ''));
broken('content-length-twice', text => text.replace('Content-Length: 0', 'Content-Length: 0\r\nContent-Length: 5'));
broken('expires-text', text => text.replace('Content-Length', 'Expires: soon\r\nContent-Length'));
broken('proxy-require', text => text.replace('Content-Length', 'Proxy-Require: nothing-you-know\r\nContent-Length'));
broken('require', text => text.replace('Content-Length', 'Require: nothing-you-know\r\nContent-Length'));
broken('max-forwards-twice', text => text.replace('Max-Forwards: 70', 'Max-Forwards: 70\r\nMax-Forwards: 3'));
broken('header-without-colon', text => text.replace('Content-Length', 'Nonsense\r\nContent-Length'));
broken('credentials', text => text.replace('Content-Length', 'Proxy-Authorization: Digest nothing\r\nContent-Length'));
broken('two-vias-in-one-and-empty', text => text.replace(/^(Via: [^\r]*)/m, '$1, '));
broken('no-blank-line', text => text.replace('\r\n\r\n', '\r\n'));
broken('only-lf', text => text.replaceAll('\r\n', '\n'));
broken('method-small', text => text.replace(/^MESSAGE/, 'message').replace('2 MESSAGE', '2 message'));
broken('route-malformed', text => text.replace('Max-Forwards', 'Route: <sip:;lr\r\nMax-Forwards'));
broken('contact-malformed', text => text.replace('Max-Forwards', 'Contact: <<>\r\nMax-Forwards'));
