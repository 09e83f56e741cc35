/** Calls and other requests through the registrar: what passes in both directions. */
import { calling, inDialog, refused, ringing, talking } from '../flows.ts';
import { SDP } from '../message.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const calls: Scenario[] = [];
const scenario = scenarios('basic', calls);

scenario('call-bye-by-caller', async t => {
  const call = await talking(t);
  await inDialog(call.caller, t.bob, 'BYE');
});

scenario('call-bye-by-callee', async t => {
  const call = await talking(t);
  await inDialog(call.callee, t.alice, 'BYE');
});

scenario('call-answered-at-once', async t => {
  const { invite, got } = await calling(t);
  t.bob.reply(got, 200, { body: SDP });
  const caller = invite.dialog(await t.alice.expect(200));
  caller.request('ACK');
  await t.bob.expect('ACK');
  await inDialog(caller, t.bob, 'BYE');
});

scenario('call-callee-sends-100', async t => {
  const { got } = await calling(t);
  t.bob.reply(got, 100);
  await t.settle();
  t.bob.reply(got, 183, { body: SDP });
  await t.alice.expect(183);
  t.bob.reply(got, 200, { body: SDP });
  await t.alice.expect(200);
});

scenario('call-many-provisionals', async t => {
  const { got } = await ringing(t);
  t.bob.reply(got, 180);
  await t.settle();
  t.bob.reply(got, 181, { reason: 'Call Is Being Forwarded' });
  t.bob.reply(got, 183, { body: SDP, tag: 'other~tag' });
  t.bob.reply(got, 182, { reason: 'Queued', tag: null });
  t.bob.reply(got, 199, { reason: 'Early Dialog Terminated' });
  await t.settle();
  t.bob.reply(got, 200, { body: SDP, tag: 'third~tag' });
  await t.alice.expect(200);
});

scenario('call-without-offer', async t => {
  const call = await talking(t, { body: '', type: '' });
  await inDialog(call.caller, t.bob, 'BYE');
});

for (const status of [400, 403, 404, 480, 486, 488, 500, 501, 503, 504, 600, 603, 604, 606]) {
  scenario(`call-refused-${status}`, async t => {
    const call = await ringing(t);
    // Kamailio answers 503 of one hop as 500, RFC 3261 16.7
    await refused(t, call, status, status === 503 ? 500 : status);
  });
}

scenario('call-redirected-302', async t => {
  const call = await calling(t);
  await refused(t, call, 302, 302, [`Contact: ${t.carol.contact()};q=0.7, <sip:x@example.net>;q=0.2`]);
});

scenario('call-refused-401', async t => {
  const call = await calling(t);
  await refused(t, call, 401, 401, ['WWW-Authenticate: Digest realm="bob", nonce="123"']);
});

scenario('call-refused-407-and-again', async t => {
  const call = await calling(t);
  const reply = await refused(t, call, 407, 407, ['Proxy-Authenticate: Digest realm="bob", nonce="123"']);
  const again = t.alice.invite('bob', {
    callId: reply.need('Call-ID'),
    cseq: 2,
    headers: ['Proxy-Authorization: Digest username="alice", realm="bob", nonce="123", uri="sip:bob", response="00"'],
  });
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 200, { body: SDP });
  const caller = again.dialog(await t.alice.expect(200));
  caller.request('ACK');
  await t.bob.expect('ACK');
});

scenario('call-refused-with-headers', async t => {
  const call = await calling(t);
  await refused(t, call, 486, 486, [
    'Retry-After: 30',
    'Reason: Q.850;cause=17',
    'X-Empty:',
    'Warning: 399 bob "busy"',
  ]);
});

scenario('reinvite-by-caller', async t => {
  const call = await talking(t);
  call.caller.request('INVITE', { body: SDP, type: 'application/sdp' });
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 200, { body: SDP });
  await t.alice.expect(200);
  call.caller.request('ACK');
  await t.bob.expect('ACK');
  await inDialog(call.caller, t.bob, 'BYE');
});

scenario('reinvite-by-callee', async t => {
  const call = await talking(t);
  call.callee.request('INVITE', { body: SDP, type: 'application/sdp' });
  const got = await t.alice.expect('INVITE');
  t.alice.reply(got, 200, { body: SDP });
  await t.bob.expect(200);
  call.callee.request('ACK');
  await t.alice.expect('ACK');
  await inDialog(call.callee, t.alice, 'BYE');
});

scenario('reinvite-refused-491', async t => {
  const call = await talking(t);
  const again = call.caller.request('INVITE', { body: SDP, type: 'application/sdp' });
  t.bob.reply(await t.bob.expect('INVITE'), 491, { reason: 'Request Pending' });
  await t.bob.expect('ACK');
  again.ack(await t.alice.expect(491));
  await t.settle();
});

scenario('reinvite-and-cancel', async t => {
  const call = await talking(t);
  const again = call.caller.request('INVITE', { body: SDP, type: 'application/sdp' });
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  again.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 487);
  await t.bob.expect('ACK');
  again.ack(await t.alice.expect(487));
  await t.settle();
});

for (const method of [
  'INFO',
  'UPDATE',
  'MESSAGE',
  'REFER',
  'NOTIFY',
  'OPTIONS',
  'PRACK',
  'SUBSCRIBE',
  'PUBLISH',
  'FOO',
]) {
  scenario(`in-dialog-${method.toLowerCase()}-both-ways`, async t => {
    const call = await talking(t);
    await inDialog(call.caller, t.bob, method, { headers: ['X-Header: 1'], body: 'hello' });
    await inDialog(call.callee, t.alice, method, { headers: ['X-Header: 2'] });
  });
  scenario(`out-of-dialog-${method.toLowerCase()}`, async t => {
    await t.register('bob');
    t.alice.request(method, t.aor('bob'), { headers: ['X-Header: 1'], body: 'hello' });
    t.bob.reply(await t.bob.expect(method), 200);
    await t.alice.expect(200);
  });
}

scenario('in-dialog-refused-481', async t => {
  const call = await talking(t);
  await inDialog(call.caller, t.bob, 'BYE', {}, 481);
});

scenario('in-dialog-authenticated-407', async t => {
  const call = await talking(t);
  await inDialog(call.caller, t.bob, 'INFO', {}, 407);
  await inDialog(call.caller, t.bob, 'INFO', { headers: ['Proxy-Authorization: Digest username="a"'] });
});

scenario('prack-of-early-dialog', async t => {
  const { invite, got } = await calling(t, { headers: ['Supported: 100rel'] });
  t.bob.reply(got, 183, { body: SDP, headers: ['Require: 100rel', 'RSeq: 1'] });
  const early = invite.dialog(await t.alice.expect(183));
  await inDialog(early, t.bob, 'PRACK', { headers: ['RAck: 1 1 INVITE'] });
  await inDialog(early, t.bob, 'UPDATE', { body: SDP, type: 'application/sdp' });
  t.bob.reply(got, 200, { body: SDP });
  await t.alice.expect(m => m.status === 200 && m.method === 'INVITE');
  early.request('ACK', { cseq: 1 });
  await t.bob.expect('ACK');
});

scenario('subscribe-and-notify', async t => {
  await t.register('bob');
  const subscribe = t.alice.request('SUBSCRIBE', t.aor('bob'), { headers: ['Event: presence', 'Expires: 600'] });
  const got = await t.bob.expect('SUBSCRIBE');
  t.bob.reply(got, 202, { headers: ['Expires: 600'] });
  const subscriber = subscribe.dialog(await t.alice.expect(202));
  const notifier = t.bob.dialogOf(got);
  await inDialog(notifier, t.alice, 'NOTIFY', {
    headers: ['Event: presence', 'Subscription-State: active'],
    body: '<x/>',
  });
  await inDialog(subscriber, t.bob, 'SUBSCRIBE', { headers: ['Event: presence', 'Expires: 0'] });
  await inDialog(notifier, t.alice, 'NOTIFY', { headers: ['Event: presence', 'Subscription-State: terminated'] });
});

scenario('refer-then-notify', async t => {
  const call = await talking(t);
  await inDialog(call.caller, t.bob, 'REFER', { headers: [`Refer-To: <${t.aor('carol')}>`] }, 202);
  await inDialog(call.callee, t.alice, 'NOTIFY', {
    headers: ['Event: refer', 'Subscription-State: active'],
    body: 'SIP/2.0 100 Trying',
    type: 'message/sipfrag',
  });
});

scenario('options-to-the-server', async t => {
  t.alice.request('OPTIONS', `sip:${t.domain}`);
  await t.alice.expect(200);
});

scenario('options-to-nobody', async t => {
  t.alice.request('OPTIONS', t.aor('nobody'));
  await t.alice.expect(404);
});

scenario('headers-pass-as-they-are', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), {
    headers: [
      'x-lower:  two blanks',
      'X-Folded: one,\r\n two;\r\n\tthree',
      'X-Twice: a',
      'Subject: \u00e9\u00ff bytes above 127',
      'X-Twice: b',
      'k: path, timer',
      'X-Empty:',
      'X-Long: '.padEnd(1_500, 'x'),
      'Date: Thu, 21 Feb 2002 13:02:03 GMT',
    ],
    body: 'bytes \u0000\u0001\u00ff\r\n\r\nmore',
    type: 'application/octet-stream',
  });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200, {
    headers: ['x-lower:  two blanks', 'X-Folded: a\r\n b', 'X-Empty:'],
  });
  await t.alice.expect(200);
});

scenario('compact-headers', async t => {
  await t.register('bob');
  const text = [
    `MESSAGE ${t.aor('bob')} SIP/2.0`,
    `v: SIP/2.0/UDP ${t.alice.address};branch=${t.branch()}`,
    `f: <${t.aor('alice')}>;tag=alice~from`,
    `t: <${t.aor('bob')}>`,
    `i: ${t.callId()}`,
    'CSeq: 1 MESSAGE',
    'c: text/plain',
    'l: 5',
    '',
    'hello',
  ];
  t.alice.raw(text.join('\r\n'));
  const got = await t.bob.expect('MESSAGE');
  const line = (name: string) => got.text.split('\r\n').filter(l => l.startsWith(`${name}:`));
  t.bob.raw(
    [
      'SIP/2.0 200 OK',
      ...line('Via'),
      ...line('v'),
      ...line('f'),
      ...line('t'),
      ...line('i'),
      'CSeq: 1 MESSAGE',
      'l: 0',
      '',
      '',
    ].join('\r\n'),
  );
  await t.alice.expect(200);
});

scenario('display-names', async t => {
  const call = await talking(t, {
    from: `"Alice \\"A\\" <x>" <${t.aor('alice')};x=1>;tag=alice~from;y=2`,
    to: `Bob B <${t.aor('bob')}>;z=3`,
  });
  await inDialog(call.caller, t.bob, 'BYE');
});

scenario('several-vias', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), {
    via: [
      `SIP/2.0/UDP ${t.alice.address};branch=${t.branch()};rport`,
      `SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK~${t.mark}~a, SIP/2.0/TCP host.example.com;branch=z9hG4bK~${t.mark}~b;received=192.0.2.7`,
    ],
    body: 'hello',
  });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('big-body', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), { body: '0123456789'.repeat(700) });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('call-to-self', async t => {
  await t.register('alice');
  const invite = t.alice.invite('alice');
  const got = await t.alice.expect('INVITE');
  t.alice.reply(got, 486);
  await t.alice.expect('ACK');
  invite.ack(await t.alice.expect(486));
  await t.settle();
});
