/** CANCEL in every state of a call. */
import { calling, inDialog, ringing, talking } from '../flows.ts';
import { SDP } from '../message.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const cancel: Scenario[] = [];
const scenario = scenarios('basic', cancel);

scenario('cancel-while-ringing', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 487);
  await t.bob.expect('ACK');
  invite.ack(await t.alice.expect(487));
  await t.settle();
});

scenario('cancel-after-100-of-the-callee', async t => {
  const { invite, got } = await calling(t);
  t.bob.reply(got, 100);
  await t.settle();
  invite.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 487);
  await t.bob.expect('ACK');
  invite.ack(await t.alice.expect(487));
  await t.settle();
});

scenario('cancel-before-any-reply', async t => {
  const { invite } = await calling(t);
  const since = t.elapsed();
  invite.cancel();
  await t.alice.expect(200);
  invite.ack(await t.alice.expectAt(487, since, 0, 6_000));
  await t.settle();
});

scenario('cancel-before-any-reply-then-180', async t => {
  const { invite, got } = await calling(t);
  invite.cancel();
  await t.alice.expect(200);
  await t.settle();
  t.bob.reply(got, 180);
  await t.settle();
  await t.pause(300);
});

scenario('cancel-before-any-reply-then-200', async t => {
  const { invite, got } = await calling(t);
  invite.cancel();
  await t.alice.expect(200);
  await t.settle();
  t.bob.reply(got, 200, { body: SDP });
  await t.settle();
  await t.pause(300);
});

scenario('cancel-crosses-200', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel();
  await t.alice.expect(m => m.status === 200 && m.method === 'CANCEL');
  const stop = await t.bob.expect('CANCEL');
  t.bob.reply(got, 200, { body: SDP });
  t.bob.reply(stop, 481);
  const caller = invite.dialog(await t.alice.expect(m => m.status === 200 && m.method === 'INVITE'));
  caller.request('ACK');
  await t.bob.expect('ACK');
  await inDialog(caller, t.bob, 'BYE');
});

scenario('cancel-after-200', async t => {
  const call = await talking(t);
  call.invite.cancel();
  await t.settle();
  await inDialog(call.caller, t.bob, 'BYE');
});

scenario('cancel-after-486', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 486);
  await t.bob.expect('ACK');
  const busy = await t.alice.expect(486);
  invite.cancel();
  await t.settle();
  invite.ack(busy);
  await t.settle();
});

scenario('cancel-of-nothing', async t => {
  t.alice.request('CANCEL', t.aor('bob'), {});
  await t.settle();
});

scenario('cancel-with-another-branch', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel({ branch: t.branch() });
  await t.settle();
  t.bob.reply(got, 486);
  await t.bob.expect('ACK');
  invite.ack(await t.alice.expect(486));
});

scenario('cancel-from-another-port', async t => {
  const { invite, got } = await ringing(t);
  t.carol.request('CANCEL', invite.uri, { ...invite.options, contact: null, body: '', type: '' });
  await t.settle();
  t.bob.reply(got, 486);
  await t.bob.expect('ACK');
  invite.ack(await t.alice.expect(486));
});

scenario('cancel-with-another-call-id', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel({ callId: t.callId() });
  await t.settle();
  t.bob.reply(got, 486);
  await t.settle();
});

scenario('cancel-with-another-cseq', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel({ cseq: 7 });
  await t.settle();
  t.bob.reply(got, 486);
  await t.settle();
});

scenario('cancel-with-another-uri', async t => {
  const { invite, got } = await ringing(t);
  t.alice.request('CANCEL', t.aor('carol'), {
    ...invite.options,
    to: `<${invite.uri}>`,
    contact: null,
    body: '',
    type: '',
  });
  await t.settle();
  t.bob.reply(got, 486);
  await t.settle();
});

scenario('cancel-of-a-message', async t => {
  await t.register('bob');
  const message = t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  const got = await t.bob.expect('MESSAGE');
  message.cancel();
  await t.settle();
  t.bob.reply(got, 200);
  await t.settle();
});

scenario('cancel-with-reason', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel({ headers: ['Reason: SIP;cause=200;text="Call completed elsewhere"', 'X-Other: 1'] });
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 487);
  await t.bob.expect('ACK');
  invite.ack(await t.alice.expect(487));
  await t.settle();
});

scenario('cancel-with-max-forwards-0', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel({ maxForwards: 0 });
  await t.settle();
  t.bob.reply(got, 486);
  await t.settle();
});

scenario('cancel-sent-twice', async t => {
  const { invite, got } = await ringing(t);
  const stop = invite.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  stop.again();
  await t.alice.expect(200);
  await t.settle();
  t.bob.reply(got, 487);
  await t.bob.expect('ACK');
  const terminated = await t.alice.expect(487);
  stop.again();
  await t.settle();
  invite.ack(terminated);
  await t.settle();
  stop.again();
  await t.settle();
});

scenario('cancel-then-486', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 486);
  await t.bob.expect('ACK');
  invite.ack(await t.alice.expect(m => m.status > 299));
  await t.settle();
});

scenario('cancel-then-180', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 180);
  t.bob.reply(got, 183);
  await t.settle();
  t.bob.reply(got, 487);
  invite.ack(await t.alice.expect(487));
  await t.settle();
});

scenario('cancel-is-sent-again-until-answered', async t => {
  const { invite, got } = await ringing(t);
  invite.cancel();
  await t.alice.expect(200);
  const stop = await t.bob.expect('CANCEL');
  await t.bob.expect('CANCEL');
  t.bob.reply(stop, 200);
  await t.settle();
  await t.pause(1_200);
  t.bob.count('CANCEL', 2, 3);
  t.bob.reply(got, 487);
  await t.bob.expect('ACK');
  invite.ack(await t.alice.expect(487));
});

scenario('cancel-the-callee-is-gone', async t => {
  const { invite } = await ringing(t);
  const since = t.elapsed();
  invite.cancel();
  await t.alice.expect(200);
  await t.bob.expect('CANCEL');
  invite.ack(await t.alice.expectAt(m => m.status > 299, since, 1_000, 6_000));
  await t.settle();
});

scenario('cancel-answered-but-never-487', async t => {
  const { invite } = await ringing(t);
  const since = t.elapsed();
  invite.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  invite.ack(await t.alice.expectAt(m => m.status > 299, since, 1_000, 6_000));
  await t.settle();
});

scenario('cancel-with-route', async t => {
  const invite = t.alice.invite('bob', { route: [`<sip:${t.domain};lr>`, `<sip:${t.upstream.address};lr>`] });
  await t.settle();
  invite.cancel();
  await t.settle();
});

scenario('cancel-to-a-foreign-domain', async t => {
  const invite = t.alice.request('INVITE', `sip:${t.user('x')}@${t.upstream.address}`, {
    body: SDP,
    type: 'application/sdp',
  });
  const got = await t.upstream.expect('INVITE');
  await t.alice.expect(100);
  t.upstream.reply(got, 183, { body: SDP });
  await t.alice.expect(183);
  invite.cancel();
  await t.alice.expect(200);
  t.upstream.reply(await t.upstream.expect('CANCEL'), 200);
  t.upstream.reply(got, 487);
  await t.upstream.expect('ACK');
  invite.ack(await t.alice.expect(487));
});
