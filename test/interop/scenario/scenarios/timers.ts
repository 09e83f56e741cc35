/** Timers and retransmissions, in both directions. What times are checked here is T1 = 500 ms and the two shortened timers of servers.ts. */
import { calling, inDialog, ringing, talking } from '../flows.ts';
import { SDP } from '../message.ts';
import { FR_INV_TIMER_MS, FR_TIMER_MS, type Scenario, scenarios } from '../scenario.ts';

export const timers: Scenario[] = [];
const scenario = scenarios('basic', timers);

/** how much later than asked for a timer may end: Kamailio's tick, and a busy machine */
const LATE_MS = 1_500;

scenario('invite-nobody-answers', async t => {
  const { invite } = await calling(t);
  const timeout = await t.alice.expectAt(408, 0, FR_TIMER_MS - 300, FR_TIMER_MS + LATE_MS);
  t.bob.count('INVITE', 3);
  t.bob.gaps('INVITE').forEach((gap, i) => {
    if (gap < 250 || gap > 500 * 2 ** i + 600) throw new Error(`retransmission ${i + 1} after ${Math.round(gap)} ms`);
  });
  invite.ack(timeout);
  await t.settle();
});

scenario('invite-rings-for-ever', async t => {
  const { invite } = await ringing(t);
  const since = t.elapsed();
  const timeout = await t.alice.expectAt(408, since, FR_INV_TIMER_MS - 300, FR_INV_TIMER_MS + LATE_MS);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  invite.ack(timeout);
  await t.settle();
  t.bob.count('INVITE', 1);
});

scenario('invite-100-then-nothing', async t => {
  const { invite, got } = await calling(t);
  t.bob.reply(got, 100);
  const since = t.elapsed();
  const timeout = await t.alice.expectAt(408, since, FR_TIMER_MS - 300, FR_INV_TIMER_MS + LATE_MS);
  t.bob.count('INVITE', 1);
  invite.ack(timeout);
  await t.settle();
});

scenario('invite-late-final-after-408', async t => {
  const { invite, got } = await calling(t);
  invite.ack(await t.alice.expect(408, FR_TIMER_MS + LATE_MS));
  t.bob.reply(got, 486);
  await t.settle();
});

scenario('invite-late-200-after-408', async t => {
  const { invite, got } = await ringing(t);
  invite.ack(await t.alice.expect(408, FR_INV_TIMER_MS + LATE_MS));
  await t.bob.expect('CANCEL');
  t.bob.reply(got, 200, { body: SDP });
  await t.settle();
});

scenario('invite-provisional-stops-retransmission', async t => {
  const { invite, got } = await calling(t);
  await t.pause(700);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  await t.pause(1_300);
  t.bob.count('INVITE', 2);
  t.bob.reply(got, 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('message-nobody-answers', async t => {
  await t.register('bob');
  const since = t.elapsed();
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  await t.bob.expect('MESSAGE');
  await t.alice.expectAt(408, since, FR_TIMER_MS - 300, FR_TIMER_MS + LATE_MS);
  t.bob.count('MESSAGE', 3);
});

scenario('message-provisional-then-nothing', async t => {
  await t.register('bob');
  const since = t.elapsed();
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 183);
  await t.alice.expectAt(408, since, FR_TIMER_MS - 300, FR_INV_TIMER_MS + LATE_MS);
});

scenario('bye-nobody-answers', async t => {
  const call = await talking(t);
  const since = t.elapsed();
  call.caller.request('BYE');
  await t.bob.expect('BYE');
  await t.alice.expectAt(408, since, FR_TIMER_MS - 300, FR_TIMER_MS + LATE_MS);
  t.bob.count('BYE', 3);
});

scenario('negative-reply-is-sent-until-ack', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 486);
  const busy = await t.alice.expect(486);
  await t.alice.expect(486);
  await t.alice.expect(486);
  invite.ack(busy);
  await t.settle();
  await t.pause(1_500);
  t.alice.count(486, 3);
});

scenario('negative-reply-of-the-server-is-sent-until-ack', async t => {
  const invite = t.alice.invite('nobody');
  const reply = await t.alice.expect(404);
  await t.alice.expect(404);
  invite.ack(reply);
  await t.settle();
  await t.pause(1_200);
  t.alice.count(404, 2);
});

scenario('negative-reply-without-ack-ends', async t => {
  const { got } = await ringing(t);
  t.bob.reply(got, 486);
  await t.alice.expect(486);
  await t.pause(4_000);
  t.alice.count(486, 2, 5);
});

scenario('ok-is-not-sent-again-by-the-server', async t => {
  const { got } = await ringing(t);
  t.bob.reply(got, 200, { body: SDP });
  await t.alice.expect(200);
  await t.pause(1_200);
  t.alice.count(200, 1);
});

scenario('invite-sent-again-before-any-reply', async t => {
  const { invite, got } = await calling(t);
  invite.again();
  await t.settle();
  t.alice.count(100, 2);
  t.bob.count('INVITE', 1);
  t.bob.reply(got, 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('invite-sent-again-while-ringing', async t => {
  const { invite, got } = await ringing(t);
  invite.again();
  await t.settle();
  invite.again();
  await t.settle();
  t.bob.reply(got, 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('invite-sent-again-after-183-with-body', async t => {
  const { invite, got } = await calling(t);
  t.bob.reply(got, 183, { body: SDP });
  await t.alice.expect(183);
  invite.again();
  await t.settle();
  t.bob.reply(got, 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('invite-sent-again-after-486', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 486);
  const busy = await t.alice.expect(486);
  invite.again();
  await t.settle();
  invite.ack(busy);
  await t.settle();
  invite.again();
  await t.settle();
});

scenario('invite-sent-again-after-404-of-the-server', async t => {
  const invite = t.alice.invite('nobody');
  const reply = await t.alice.expect(404);
  invite.again();
  await t.settle();
  invite.ack(reply);
  await t.settle();
  invite.again();
  await t.settle();
});

scenario('invite-sent-again-after-200', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 200, { body: SDP });
  await t.alice.expect(200);
  invite.again();
  await t.settle();
  t.bob.reply(got, 200, { body: SDP });
  await t.alice.expect(200);
});

scenario('invite-sent-again-after-ack', async t => {
  const call = await talking(t);
  call.invite.again();
  await t.settle();
  await inDialog(call.caller, t.bob, 'BYE');
});

scenario('message-sent-again-before-a-reply', async t => {
  await t.register('bob');
  const message = t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  const got = await t.bob.expect('MESSAGE');
  message.again();
  await t.settle();
  t.bob.reply(got, 200);
  await t.alice.expect(200);
});

scenario('message-sent-again-after-the-reply', async t => {
  await t.register('bob');
  const message = t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
  message.again();
  await t.alice.expect(200);
});

scenario('message-sent-again-after-a-provisional', async t => {
  await t.register('bob');
  const message = t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  const got = await t.bob.expect('MESSAGE');
  t.bob.reply(got, 183);
  await t.settle();
  message.again();
  await t.settle();
  t.bob.reply(got, 200);
  await t.alice.expect(200);
});

scenario('bye-sent-again-after-the-reply', async t => {
  const call = await talking(t);
  const bye = call.caller.request('BYE');
  t.bob.reply(await t.bob.expect('BYE'), 200);
  await t.alice.expect(200);
  bye.again();
  await t.alice.expect(200);
});

scenario('options-sent-again', async t => {
  const options = t.alice.request('OPTIONS', `sip:${t.domain}`);
  await t.alice.expect(200);
  options.again();
  await t.alice.expect(200);
});

scenario('reply-486-sent-again', async t => {
  const { invite, got } = await ringing(t);
  const bytes = t.bob.reply(got, 486);
  await t.bob.expect('ACK');
  const busy = await t.alice.expect(486);
  t.bob.raw(bytes);
  await t.bob.expect('ACK');
  invite.ack(busy);
  await t.settle();
  t.bob.raw(bytes);
  await t.bob.expect('ACK');
});

scenario('reply-200-sent-again', async t => {
  const call = await ringing(t);
  const bytes = t.bob.reply(call.got, 200, { body: SDP });
  const ok = await t.alice.expect(200);
  t.bob.raw(bytes);
  await t.alice.expect(200);
  const caller = call.invite.dialog(ok);
  caller.request('ACK');
  await t.bob.expect('ACK');
  t.bob.raw(bytes);
  await t.alice.expect(200);
  caller.request('ACK');
  await t.bob.expect('ACK');
});

scenario('reply-180-sent-again', async t => {
  const { invite, got } = await calling(t);
  const bytes = t.bob.reply(got, 180);
  await t.alice.expect(180);
  t.bob.raw(bytes);
  await t.settle();
  t.bob.reply(got, 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('reply-to-message-sent-again', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  const bytes = t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
  t.bob.raw(bytes);
  await t.settle();
});

scenario('ack-of-200-sent-again', async t => {
  const call = await talking(t);
  call.caller.request('ACK');
  await t.bob.expect('ACK');
  call.caller.request('ACK', { headers: ['X-Late: 1'] });
  await t.bob.expect('ACK');
});

scenario('ack-of-486-sent-twice', async t => {
  const { invite, got } = await ringing(t);
  t.bob.reply(got, 486);
  const busy = await t.alice.expect(486);
  invite.ack(busy);
  invite.ack(busy);
  await t.settle();
});

scenario('dead-port-invite', async t => {
  const invite = t.alice.request('INVITE', `sip:${t.user('x')}@${t.deadAddress}`, {
    body: SDP,
    type: 'application/sdp',
  });
  const since = t.elapsed();
  invite.ack(await t.alice.expectAt(m => m.status > 299, since, 0, FR_TIMER_MS + LATE_MS));
  await t.settle();
});

scenario('dead-port-message', async t => {
  t.alice.request('MESSAGE', `sip:${t.user('x')}@${t.deadAddress}`, { body: 'hello' });
  await t.alice.expect(m => m.status > 299, FR_TIMER_MS + LATE_MS);
});

scenario('server-transaction-ends', async t => {
  // the transaction is forgotten 5 s after its end: then the same request is a new one
  await t.register('bob');
  const message = t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
  await t.pause(6_500);
  // Kamailio makes the same branch of the same request
  t.bob.forget();
  message.again();
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});
