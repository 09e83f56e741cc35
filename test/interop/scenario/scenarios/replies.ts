/** Replies that are not quite what they should be: from strangers, late, twice, malformed. */
import { calling, refused, ringing } from '../flows.ts';
import { SDP } from '../message.ts';
import type { Play, ReplyOptions } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const replies: Scenario[] = [];
const scenario = scenarios('basic', replies);

scenario('reply-from-a-stranger', async t => {
  const { invite, got } = await calling(t);
  // the branch is right, the source is not the callee's
  t.carol.reply(got, 180, { contact: t.bob.contact() });
  await t.settle();
  t.carol.reply(got, 486);
  await t.settle();
  const reply = t.alice.entries.find(e => e.text.startsWith('SIP/2.0 486'));
  if (reply) invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('reply-from-another-ip', async t => {
  const { got } = await calling(t);
  t.stranger.reply(got, 180, { contact: t.bob.contact() });
  await t.settle();
  t.bob.reply(got, 486);
  await t.settle();
});

/** A reply to bob's INVITE before the right one. */
function odd(name: string, status: number, options: (t: Play, via: string[]) => ReplyOptions): void {
  scenario(`odd-reply-${name}`, async t => {
    const call = await calling(t);
    t.bob.reply(call.got, status, options(t, call.got.headers('Via')));
    await t.settle();
    t.bob.reply(call.got, 180);
    await t.settle();
    await refused(t, call, 486).catch(async () => t.settle());
  });
}

odd('unknown-branch', 180, (_t, via) => ({
  via: [via[0]!.replace(/branch=.*/, 'branch=z9hG4bK1234.0123456789abcdef0123456789abcdef.0'), ...via.slice(1)],
}));
odd('branch-of-another-index', 180, (_t, via) => ({ via: [via[0]!.replace(/\.0$/, '.1'), ...via.slice(1)] }));
odd('branch-index-99', 180, (_t, via) => ({ via: [via[0]!.replace(/\.0$/, '.99'), ...via.slice(1)] }));
odd('branch-not-hex', 180, (_t, via) => ({ via: [via[0]!.replace(/z9hG4bK..../, 'z9hG4bKzzzz'), ...via.slice(1)] }));
odd('branch-without-cookie', 180, (_t, via) => ({ via: [via[0]!.replace('z9hG4bK', ''), ...via.slice(1)] }));
odd('branch-missing', 180, (_t, via) => ({ via: [via[0]!.replace(/;branch=.*/, ''), ...via.slice(1)] }));
odd('one-via', 180, (_t, via) => ({ via: via.slice(0, 1) }));
odd('no-via', 180, () => ({ via: [] }));
odd('vias-in-one-header', 180, (_t, via) => ({ via: [via.join(', ')] }));
odd('via-not-ours', 180, (t, via) => ({ via: [`SIP/2.0/UDP ${t.carol.address};branch=z9hG4bK~x`, ...via.slice(1)] }));
odd('via-first-another-then-ours', 180, (t, via) => ({
  via: [`SIP/2.0/UDP ${t.carol.address};branch=z9hG4bK~x`, ...via],
}));
odd('via-with-received', 180, (_t, via) => ({ via: [`${via[0]};received=127.0.0.1;rport=9`, ...via.slice(1)] }));
odd('cseq-method', 180, () => ({ edit: text => text.replace('CSeq: 1 INVITE', 'CSeq: 1 BYE') }));
odd('cseq-number', 180, () => ({ edit: text => text.replace('CSeq: 1', 'CSeq: 2') }));
odd('cseq-missing', 180, () => ({ edit: text => text.replace(/^CSeq[^\r]*\r\n/m, '') }));
odd('call-id', 180, t => ({ edit: text => text.replace(/^Call-ID[^\r]*/m, `Call-ID: other~${t.mark}~`) }));
odd('from-tag', 180, () => ({ edit: text => text.replace('tag=alice~from', 'tag=other~from') }));
odd('to-missing', 180, () => ({ edit: text => text.replace(/^To[^\r]*\r\n/m, '') }));
odd('status-099', 99, () => ({ edit: text => text.replace('SIP/2.0 99', 'SIP/2.0 099') }));
odd('status-700', 700, () => ({}));
odd('status-text', 180, () => ({ edit: text => text.replace('SIP/2.0 180', 'SIP/2.0 abc') }));
odd('status-no-reason', 180, () => ({ edit: text => text.replace('180 Ringing', '180 ') }));
odd('status-no-reason-no-blank', 180, () => ({ edit: text => text.replace('180 Ringing', '180') }));
odd('version', 180, () => ({ edit: text => text.replace('SIP/2.0 180', 'SIP/3.0 180') }));
odd('content-length', 180, () => ({ edit: text => text.replace('Content-Length: 0', 'Content-Length: 9') }));
odd('header-without-colon', 180, () => ({
  edit: text => text.replace('Content-Length', 'Nonsense\r\nContent-Length'),
}));
odd('contact-malformed', 180, () => ({ contact: '<sip:' }));
odd('record-route-missing', 180, () => ({ noRoutes: true }));
odd('to-without-tag', 180, () => ({ tag: null }));
odd('reason-phrase-bytes', 180, () => ({ reason: 'Klingelt \u00fc \u0001 ;:"' }));
odd('1xx-unknown', 123, () => ({ reason: 'Counting' }));

scenario('reply-nobody-asked-for', async t => {
  t.bob.raw(
    `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP ${t.domain};branch=z9hG4bKab12.0123456789abcdef0123456789abcdef.0\r\nVia: SIP/2.0/UDP ${t.alice.address};branch=z9hG4bK~x\r\nFrom: <sip:a@example.com>;tag=a~1\r\nTo: <sip:b@example.com>;tag=b~1\r\nCall-ID: ${t.callId()}\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n`,
  );
  await t.settle();
});

scenario('reply-nobody-asked-for-rport', async t => {
  t.bob.raw(
    `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP ${t.domain};branch=z9hG4bKab12.0123456789abcdef0123456789abcdef.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK~x;received=127.0.0.1;rport=${t.alice.address.split(':')[1]}\r\nFrom: <sip:a@example.com>;tag=a~1\r\nTo: <sip:b@example.com>;tag=b~1\r\nCall-ID: ${t.callId()}\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n`,
  );
  await t.settle();
});

scenario('provisional-after-200', async t => {
  const { got } = await ringing(t);
  t.bob.reply(got, 200, { body: SDP });
  await t.alice.expect(200);
  t.bob.reply(got, 183, { body: SDP });
  await t.settle();
});

scenario('provisional-after-486', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 486);
  invite.ack(await t.alice.expect(486));
  t.bob.reply(got, 180);
  await t.settle();
});

scenario('second-200-with-another-tag', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 200, { body: SDP });
  const first = invite.dialog(await t.alice.expect(200));
  t.bob.reply(got, 200, { body: SDP, tag: 'second~tag' });
  const second = invite.dialog(await t.alice.expect(200));
  for (const dialog of [first, second]) {
    dialog.request('ACK');
    await t.bob.expect('ACK');
  }
});

scenario('final-486-after-200', async t => {
  const { got } = await ringing(t);
  t.bob.reply(got, 200, { body: SDP });
  await t.alice.expect(200);
  t.bob.reply(got, 486);
  await t.settle();
});

scenario('final-200-after-486', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 486);
  invite.ack(await t.alice.expect(486));
  t.bob.reply(got, 200, { body: SDP });
  await t.settle();
});

scenario('another-486-after-486', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 486);
  invite.ack(await t.alice.expect(486));
  t.bob.reply(got, 480, { tag: 'other~tag' });
  await t.settle();
});

scenario('message-final-twice', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  const got = await t.bob.expect('MESSAGE');
  t.bob.reply(got, 202);
  await t.alice.expect(202);
  t.bob.reply(got, 404);
  await t.settle();
});
