/** Timers of one transaction, replies of the script, ways to relay. */
import { answered, ask, at, ends, invited, refuse } from '../asks.ts';
import { Message } from '../message.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const relayRoutes: Scenario[] = [];
const scenario = scenarios('routes', relayRoutes);

scenario('timers-of-one-transaction', async t => {
  const { invite } = await invited(t, 'short_timers', t.bob);
  invite.ack(await t.alice.expectAt(408, 0, 400, 2_200));
  await t.settle();
});

scenario('timers-of-one-transaction-ringing', async t => {
  const { invite, got } = await invited(t, 'short_timers', t.bob);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  const since = t.elapsed();
  invite.ack(await t.alice.expectAt(408, since, 700, 2_500));
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  await t.settle();
});

scenario('lifetime-of-one-transaction', async t => {
  const { invite, got } = await invited(t, 'short_lifetime', t.bob);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  await t.pause(700);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  invite.ack(await t.alice.expectAt(408, 0, 800, 4_000));
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  await t.settle();
});

scenario('retransmission-of-one-transaction', async t => {
  const { invite } = await invited(t, 'slow_retransmission', t.bob);
  invite.ack(await t.alice.expect(408, 4_000));
  t.bob.count('INVITE', 5, 7);
  // faster than what the trace takes for a timer
  t.bob.forget(1);
  await t.settle();
});

scenario('failure-after-timeout', async t => {
  ask(t, 'fail_on_timeout', { next: [at(t.bob), at(t.carol), at(t.dave)] });
  await t.bob.expect('INVITE');
  const got = await t.carol.expect('INVITE');
  await answered(t, t.carol, got);
});

scenario('failure-after-timeout-ringing', async t => {
  ask(t, 'fail_on_timeout', { next: [at(t.bob), at(t.carol), at(t.dave)] });
  t.bob.reply(await t.bob.expect('INVITE'), 180);
  await t.alice.expect(180);
  const got = await t.dave.expect('INVITE', 4_000);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  await answered(t, t.dave, got);
});

for (const route of [
  'newtran_reply',
  'reply_without_transaction',
  'send_reply_creates',
  'send_reply_stateless',
  'sl_reply_in_transaction',
  'newtran_twice',
  'script_error_before',
  'nothing',
]) {
  scenario(`script-replies-${route.replaceAll('_', '-')}`, async t => {
    const invite = ask(t, route);
    await t.settle();
    if (t.alice.entries.some(e => /^SIP\/2.0 [3-6]/.test(e.text))) await ends(t, invite);
    invite.again();
    await t.settle();
  });
  scenario(`script-replies-${route.replaceAll('_', '-')}-message`, async t => {
    const message = ask(t, route, { method: 'MESSAGE' });
    await t.settle();
    message.again();
    await t.settle();
  });
}

for (const route of ['newtran_and_nothing', 'script_error']) {
  for (const method of ['INVITE', 'MESSAGE']) {
    scenario(`transaction-without-an-end-${route.replaceAll('_', '-')}-${method.toLowerCase()}`, async t => {
      const sent = ask(t, route, { method });
      await t.settle();
      sent.again();
      await t.settle();
      await t.pause(3_000);
      sent.again();
      await t.settle();
    });
  }
}

scenario('newtran-then-relay', async t => {
  const { got } = await invited(t, 'newtran_then_relay', t.bob);
  await answered(t, t.bob, got);
});

scenario('provisional-of-the-script-then-relay', async t => {
  const { got } = await invited(t, 'provisional_then_relay', t.bob);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  await answered(t, t.bob, got);
});

scenario('relay-twice', async t => {
  const invite = ask(t, 'relay_twice', { next: [at(t.bob), at(t.carol)] });
  await t.bob.expect('INVITE');
  await t.settle();
  for (const leg of [t.bob, t.carol]) {
    for (const entry of leg.entries.filter(e => e.text.startsWith('INVITE'))) {
      leg.reply(entry.taken ? new Message(entry.text) : await leg.expect(m => m.text === entry.text), 486);
      await leg.expect('ACK');
    }
  }
  await ends(t, invite);
});

scenario('reply-after-relay', async t => {
  const { invite, got } = await invited(t, 'reply_after_relay', t.bob);
  await ends(t, invite);
  t.bob.reply(got, 180);
  await t.settle();
  await t.pause(300);
});

scenario('no-automatic-100', async t => {
  const { invite, got } = await invited(t, 'no_auto_100', t.bob);
  await t.settle();
  t.alice.count(100, 0);
  invite.again();
  await t.settle();
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('disable-6xx', async t => {
  ask(t, 'disable_6xx', { next: [at(t.bob), at(t.carol)] });
  const one = await t.bob.expect('INVITE');
  const two = await t.carol.expect('INVITE');
  t.carol.reply(two, 180);
  await t.alice.expect(180);
  await refuse(t.bob, one, 603);
  await t.settle();
  await answered(t, t.carol, two);
});

scenario('relay-without-internal-reply', async t => {
  const invite = ask(t, 'relay_without_internal_reply', { next: ['sip:name.invalid'] });
  await ends(t, invite, 8_000);
});

for (const route of [
  'relay_to_proxy',
  'relay_to_proto',
  'relay_to_proto_addr',
  'dsturi',
  'dsturi_loose',
  'forward',
  'forward_uri',
  'relay_absorbs',
  'precheck',
]) {
  scenario(`relay-by-${route.replaceAll('_', '-')}`, async t => {
    const { invite, got } = await invited(t, route, t.bob);
    invite.again();
    await t.settle();
    t.bob.reply(got, 180);
    await t.alice.expect(180);
    t.bob.reply(got, 486);
    await t.settle();
    if (t.alice.entries.some(e => /^SIP\/2.0 [3-6]/.test(e.text))) await ends(t, invite);
  });
}

scenario('replicate', async t => {
  ask(t, 'replicate', { method: 'MESSAGE', next: [at(t.bob)], body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 404);
  await t.alice.expect(200);
  await t.settle();
});

scenario('redirect-by-script', async t => {
  const invite = ask(t, 'redirect', { next: ['sip:one@example.net', 'sip:two@example.net'] });
  await ends(t, invite);
});
