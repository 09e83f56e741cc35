/** Serial and parallel forking by the script; branch routes. */
import { answered, ask, at, ends, refuse } from '../asks.ts';
import { SDP } from '../message.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const forkingRoutes: Scenario[] = [];
const scenario = scenarios('routes', forkingRoutes);

scenario('serial-second-answers', async t => {
  ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  await answered(t, t.carol, await t.carol.expect('INVITE'));
});

scenario('serial-all-refuse', async t => {
  const invite = ask(t, 'serial', { next: [at(t.bob), at(t.carol), at(t.dave)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  await refuse(t.carol, await t.carol.expect('INVITE'), 404);
  await refuse(t.dave, await t.dave.expect('INVITE'), 480);
  await ends(t, invite);
});

scenario('serial-after-timeout', async t => {
  ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  await t.bob.expect('INVITE');
  await answered(t, t.carol, await t.carol.expect('INVITE', 4_000));
});

scenario('serial-after-ringing-timeout', async t => {
  ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  const second = await t.carol.expect('INVITE', 6_000);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 487);
  await t.bob.expect('ACK');
  await answered(t, t.carol, second);
});

scenario('serial-cancelled-at-the-first', async t => {
  const invite = ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  invite.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  await refuse(t.bob, got, 487);
  await ends(t, invite);
});

scenario('serial-cancelled-at-the-second', async t => {
  const invite = ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  const got = await t.carol.expect('INVITE');
  t.carol.reply(got, 180);
  await t.alice.expect(180);
  invite.cancel();
  await t.alice.expect(200);
  t.carol.reply(await t.carol.expect('CANCEL'), 200);
  await refuse(t.carol, got, 487);
  await ends(t, invite);
});

scenario('serial-late-200-of-the-first', async t => {
  ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  const got = await t.bob.expect('INVITE');
  const second = await t.carol.expect('INVITE', 4_000);
  t.carol.reply(second, 180);
  await t.alice.expect(180);
  t.bob.reply(got, 200, { body: SDP });
  await t.settle();
  await t.pause(300);
});

scenario('serial-late-refusal-of-the-first', async t => {
  ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  const got = await t.bob.expect('INVITE');
  const second = await t.carol.expect('INVITE', 4_000);
  t.bob.reply(got, 486);
  await t.settle();
  await answered(t, t.carol, second);
});

scenario('serial-of-a-message', async t => {
  ask(t, 'serial', { method: 'MESSAGE', body: 'hello', next: [at(t.bob), at(t.carol)] });
  t.bob.reply(await t.bob.expect('MESSAGE'), 404);
  t.carol.reply(await t.carol.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('serial-after-302', async t => {
  ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 302);
  await answered(t, t.carol, await t.carol.expect('INVITE'));
});

scenario('serial-after-600', async t => {
  const invite = ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 600);
  await t.settle();
  if (t.carol.entries.length) await refuse(t.carol, await t.carol.expect('INVITE'), 486);
  await ends(t, invite);
});

scenario('serial-to-a-dead-port', async t => {
  ask(t, 'serial', { next: [`sip:${t.user('x')}@${t.deadAddress}`, at(t.carol)] });
  await answered(t, t.carol, await t.carol.expect('INVITE', 4_000));
});

scenario('serial-to-an-impossible-uri', async t => {
  const invite = ask(t, 'serial', { next: [at(t.bob), 'sip:name.invalid'] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  await ends(t, invite, 8_000);
});

scenario('serial-invite-sent-again-in-between', async t => {
  const invite = ask(t, 'serial', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  const got = await t.carol.expect('INVITE');
  invite.again();
  await t.settle();
  await answered(t, t.carol, got);
});

scenario('serial-append-busy', async t => {
  const invite = ask(t, 'serial_append', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  await t.settle();
  for (const entry of [...t.bob.entries, ...t.carol.entries].filter(e => !e.taken)) {
    const leg = t.bob.entries.includes(entry) ? t.bob : t.carol;
    await refuse(leg, await leg.expect(m => m.text === entry.text), 480);
  }
  await ends(t, invite);
});

scenario('serial-append-other-status', async t => {
  const invite = ask(t, 'serial_append', { next: [at(t.bob), at(t.carol)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 404);
  await ends(t, invite);
});

scenario('serial-then-parallel', async t => {
  ask(t, 'serial_then_parallel', { next: [at(t.bob), at(t.carol), at(t.dave)] });
  await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  const one = await t.carol.expect('INVITE');
  const two = await t.dave.expect('INVITE');
  t.carol.reply(one, 180);
  await t.alice.expect(180);
  t.dave.reply(two, 200, { body: SDP });
  await t.alice.expect(200);
  t.carol.reply(await t.carol.expect('CANCEL'), 200);
  await refuse(t.carol, one, 487);
});

scenario('parallel-by-script', async t => {
  const legs = [t.bob, t.carol, t.dave, t.upstream];
  const invite = ask(t, 'parallel', { next: legs.map(at) });
  const got = await Promise.all(legs.map(leg => leg.expect('INVITE')));
  for (const [i, leg] of legs.entries()) await refuse(leg, got[i]!, [486, 404, 480, 603][i]!);
  await ends(t, invite);
});

scenario('parallel-the-same-uri-twice', async t => {
  const invite = ask(t, 'parallel', { next: [at(t.bob), at(t.bob)] });
  await t.bob.expect('INVITE');
  await t.settle();
  const got = t.bob.entries.map(e => e.text);
  for (const text of got) {
    if (text !== got[0]) await t.bob.expect(m => m.text === text);
  }
  invite.cancel();
  await t.settle();
});

scenario('serial-by-q', async t => {
  const invite = ask(t, 'parallel_q', { next: [at(t.bob), at(t.carol), at(t.dave)] });
  await t.settle();
  for (let i = 0; i < 3; i++) {
    const leg = [t.bob, t.carol, t.dave].find(l => l.entries.some(e => !e.taken));
    if (!leg) break;
    await refuse(leg, await leg.expect('INVITE'), 486);
    await t.settle();
  }
  await ends(t, invite);
});

scenario('branch-edits', async t => {
  const invite = ask(t, 'branch_edits', { next: [at(t.bob), at(t.carol)], headers: ['Subject: the subject'] });
  const one = await t.bob.expect('INVITE');
  const two = await t.carol.expect('INVITE');
  await refuse(t.bob, one, 486);
  await refuse(t.carol, two, 486);
  await ends(t, invite);
});

scenario('branch-edits-cancelled', async t => {
  const invite = ask(t, 'branch_edits', { next: [at(t.bob), at(t.carol)], headers: ['Subject: the subject'] });
  const one = await t.bob.expect('INVITE');
  const two = await t.carol.expect('INVITE');
  t.bob.reply(one, 180);
  t.carol.reply(two, 180);
  await t.settle();
  invite.cancel();
  await t.alice.expect(200);
  for (const [leg, got] of [
    [t.bob, one],
    [t.carol, two],
  ] as const) {
    leg.reply(await leg.expect('CANCEL'), 200);
    await refuse(leg, got, 487);
  }
  await ends(t, invite);
});

scenario('branch-dropped', async t => {
  // Kamailio gives up at the first branch that cannot be made
  const invite = ask(t, 'branch_drop', { next: [at(t.bob), at(t.carol)] });
  await t.settle();
  if (t.carol.entries.length) await answered(t, t.carol, await t.carol.expect('INVITE'));
  else await ends(t, invite);
});

scenario('branch-dropped-second', async t => {
  const invite = ask(t, 'branch_drop_second', { next: [at(t.bob), at(t.carol)] });
  await t.settle();
  if (t.bob.entries.length) await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  await ends(t, invite);
});

scenario('branch-dropped-all', async t => {
  const invite = ask(t, 'branch_drop_all', { next: [at(t.bob)] });
  await t.settle();
  await t.pause(200);
  if (t.alice.entries.some(e => /^SIP\/2.0 [3-6]/.test(e.text))) await ends(t, invite);
});
