/** Reply routes, failure routes and branch failure routes. */
import { answered, ask, at, ends, invited, refuse } from '../asks.ts';
import { SDP } from '../message.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const callbackRoutes: Scenario[] = [];
const scenario = scenarios('routes', callbackRoutes);

scenario('reply-edits', async t => {
  const { got } = await invited(t, 'reply_edits', t.bob);
  t.bob.reply(got, 183, { body: SDP, headers: ['X-Secret: 1'] });
  await t.alice.expect(m => m.status > 100);
  t.bob.reply(got, 200, { body: SDP, headers: ['X-Secret: 1', 'X-Open: 2'] });
  await t.alice.expect(200);
});

scenario('reply-edits-of-a-refusal', async t => {
  const { invite, got } = await invited(t, 'reply_edits', t.bob);
  t.bob.reply(got, 486, { headers: ['X-Secret: 1', 'X-Open: 2'] });
  await t.bob.expect('ACK');
  await ends(t, invite);
});

scenario('reply-edits-of-a-message', async t => {
  ask(t, 'reply_edits', { method: 'MESSAGE', next: [at(t.bob)] });
  t.bob.reply(await t.bob.expect('MESSAGE'), 202, { headers: ['X-Secret: 1'] });
  await t.alice.expect(202);
});

scenario('reply-dropped-provisional', async t => {
  const { got } = await invited(t, 'reply_drop', t.bob);
  t.bob.reply(got, 183);
  await t.settle();
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  await answered(t, t.bob, got);
});

scenario('reply-dropped-final', async t => {
  const { got } = await invited(t, 'reply_drop_final', t.bob);
  t.bob.reply(got, 486);
  await t.settle();
  await t.pause(300);
  t.bob.reply(got, 200, { body: SDP });
  await t.settle();
});

scenario('reply-dropped-by-the-core-route', async t => {
  const { invite, got } = await invited(t, 'relay_absorbs', t.bob);
  t.bob.reply(got, 183, { headers: ['X-Drop: core'] });
  await t.settle();
  t.bob.reply(got, 486, { headers: ['X-Core: 1'] });
  await t.bob.expect('ACK');
  await ends(t, invite);
});

scenario('failure-replies', async t => {
  const { invite, got } = await invited(t, 'fail_reply', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
  t.bob.reply(got, 486);
  await t.bob.expect('ACK');
});

scenario('failure-replies-by-send-reply', async t => {
  const { invite, got } = await invited(t, 'fail_send_reply', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('failure-redirects', async t => {
  const { invite, got } = await invited(t, 'fail_redirect', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('failure-replies-after-timeout', async t => {
  const { invite } = await invited(t, 'fail_reply', t.bob);
  await ends(t, invite, 5_000);
});

scenario('failure-asks', async t => {
  const { invite, got } = await invited(t, 'fail_ask', t.bob);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('failure-asks-after-timeout', async t => {
  const { invite } = await invited(t, 'fail_ask', t.bob);
  await ends(t, invite, 5_000);
});

scenario('failure-asks-of-two-branches', async t => {
  const invite = ask(t, 'fail_ask', { next: [at(t.bob), at(t.carol)] });
  const one = await t.bob.expect('INVITE');
  const two = await t.carol.expect('INVITE');
  await refuse(t.bob, one, 404);
  await t.settle();
  await refuse(t.carol, two, 486);
  await ends(t, invite);
});

scenario('failure-asks-when-cancelled', async t => {
  const { invite, got } = await invited(t, 'fail_ask', t.bob);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  invite.cancel();
  await t.alice.expect(m => m.status === 200 && m.method === 'CANCEL');
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  await refuse(t.bob, got, 487);
  await ends(t, invite);
});

scenario('failure-drops-replies', async t => {
  const invite = ask(t, 'fail_drop_replies', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 404);
  await refuse(t.carol, await t.carol.expect('INVITE'), 486);
  await ends(t, invite);
});

scenario('failure-keeps-replies', async t => {
  const invite = ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 404);
  await refuse(t.carol, await t.carol.expect('INVITE'), 486);
  await ends(t, invite);
});

scenario('failure-raises-an-error', async t => {
  const { invite, got } = await invited(t, 'fail_error', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('missing-callbacks', async t => {
  const { invite, got } = await invited(t, 'missing_callbacks', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('branch-failure-adds-a-branch', async t => {
  const invite = ask(t, 'branch_failure', { next: [at(t.bob), at(t.carol), at(t.dave)] });
  const one = await t.bob.expect('INVITE');
  const two = await t.carol.expect('INVITE');
  t.carol.reply(two, 180);
  await t.alice.expect(180);
  await refuse(t.bob, one, 486);
  await t.settle();
  for (const { text } of [...t.dave.entries]) await refuse(t.dave, await t.dave.expect(m => m.text === text), 486);
  await refuse(t.carol, two, 486);
  await ends(t, invite);
});

scenario('branch-failure-other-status', async t => {
  const invite = ask(t, 'branch_failure', { next: [at(t.bob), at(t.carol), at(t.dave)] });
  const one = await t.bob.expect('INVITE');
  const two = await t.carol.expect('INVITE');
  await refuse(t.bob, one, 404);
  await refuse(t.carol, two, 404);
  await ends(t, invite);
});
