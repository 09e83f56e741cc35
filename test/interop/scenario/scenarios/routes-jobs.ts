/** Suspended transactions, requests of the script, registrar functions. */
import { answered, ask, at, ends, invited, refuse } from '../asks.ts';
import { refused } from '../flows.ts';
import { SDP } from '../message.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const jobRoutes: Scenario[] = [];
const scenario = scenarios('routes', jobRoutes);

scenario('suspended-and-continued', async t => {
  const invite = ask(t, 'suspend', { next: [at(t.bob)], headers: [`X-Job: ${t.mark}`] });
  await t.alice.expect(183);
  invite.again();
  await t.settle();
  t.carol.request('MESSAGE', t.aor('x'), { headers: ['X-Do: continue', `X-Job: ${t.mark}`] });
  await t.carol.expect(200);
  await answered(t, t.bob, await t.bob.expect('INVITE'));
});

scenario('suspended-and-cancelled', async t => {
  const invite = ask(t, 'suspend', { next: [at(t.bob)], headers: [`X-Job: ${t.mark}`] });
  await t.alice.expect(183);
  invite.cancel();
  await t.settle();
  await t.pause(200);
});

scenario('suspended-for-too-long', async t => {
  const invite = ask(t, 'suspend', { next: [at(t.bob)], headers: [`X-Job: ${t.mark}`] });
  await t.alice.expect(183);
  await ends(t, invite, 8_000);
});

scenario('continue-of-nothing', async t => {
  t.carol.request('MESSAGE', t.aor('x'), { headers: ['X-Do: continue', `X-Job: ${t.mark}`] });
  await t.settle();
});

scenario('cancel-the-other-branches', async t => {
  ask(t, 'cancel_branches', { next: [at(t.bob), at(t.carol)] });
  const one = await t.bob.expect('INVITE');
  const two = await t.carol.expect('INVITE');
  t.carol.reply(two, 180);
  await t.alice.expect(180);
  t.bob.reply(one, 183, { body: SDP });
  await t.alice.expect(183);
  t.carol.reply(await t.carol.expect('CANCEL'), 200);
  await refuse(t.carol, two, 487);
  await answered(t, t.bob, one);
});

scenario('cancel-by-call-id', async t => {
  const { invite, got } = await invited(t, 'relay_absorbs', t.bob);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  t.carol.request('MESSAGE', t.aor('x'), { headers: ['X-Do: cancel_callid', `X-Call: ${invite.options.callId}`] });
  await t.carol.expect(200);
  await t.settle();
  if (t.bob.entries.some(e => e.text.startsWith('CANCEL'))) {
    t.bob.reply(await t.bob.expect('CANCEL'), 200);
    await refuse(t.bob, got, 487);
    await ends(t, invite);
  }
});

scenario('reply-by-call-id', async t => {
  const { invite, got } = await invited(t, 'relay_absorbs', t.bob);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  t.carol.request('MESSAGE', t.aor('x'), { headers: ['X-Do: reply_callid', `X-Call: ${invite.options.callId}`] });
  await t.carol.expect(200);
  await t.settle();
  if (t.alice.entries.some(e => e.text.startsWith('SIP/2.0 488'))) await ends(t, invite);
});

scenario('request-of-the-script', async t => {
  ask(t, 'uac_send', { method: 'MESSAGE', next: [at(t.bob)], headers: [`X-Mark: ~${t.mark}~`] });
  await t.alice.expect(200);
  await t.settle();
  if (t.bob.entries.length) {
    t.bob.reply(await t.bob.expect('NOTIFY'), 200);
    await t.settle();
  }
});

scenario('lookup-of-a-transaction', async t => {
  ask(t, 'lookup_request', { method: 'MESSAGE' });
  await t.settle();
});

/** Registers bob's phone through a route of the script; then what is there. */
for (const [name, route, extra] of [
  ['quiet', 'save_quiet', []],
  ['one-contact-only', 'save_one', []],
  ['for-a-given-uri', 'save_uri', ['X-Uri']],
] as const) {
  scenario(`save-${name}`, async t => {
    await t.register('bob', ['dave']);
    t.bob.request('REGISTER', `sip:${t.domain}`, {
      from: `<${t.aor('bob')}>`,
      to: `<${t.aor('bob')}>`,
      contact: t.bob.contact(),
      headers: [`X-Do: ${route}`, ...extra.map(h => `${h}: ${t.aor('carol')}`), 'Expires: 600'],
    });
    await t.settle();
    for (const [user, leg] of [
      ['bob', t.dave],
      ['carol', t.carol],
    ] as const) {
      leg.request('REGISTER', `sip:${t.domain}`, { from: `<${t.aor(user)}>`, to: `<${t.aor(user)}>` });
      await leg.expect(200);
    }
  });
}

scenario('save-more-than-max-contacts', async t => {
  await t.register('bob', ['bob', 'carol', 'dave']);
  t.upstream.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor('bob')}>`,
    to: `<${t.aor('bob')}>`,
    contact: t.upstream.contact(),
    headers: ['Expires: 600'],
  });
  await t.settle();
  t.alice.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor('carol')}>`,
    to: `<${t.aor('carol')}>`,
    contact: [t.alice, t.bob, t.carol, t.dave].map(leg => leg.contact()).join(', '),
  });
  await t.settle();
});

scenario('registered', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), { headers: ['X-Do: registered', `X-Uri: ${t.aor('bob')}`] });
  await t.alice.expect(200);
  t.alice.request('MESSAGE', t.aor('nobody'), { headers: ['X-Do: registered', `X-Uri: ${t.aor('nobody')}`] });
  await t.alice.expect(200);
});

scenario('unregister-by-script', async t => {
  await t.register('bob');
  for (const user of ['bob', 'nobody']) {
    t.alice.request('MESSAGE', t.aor(user), { headers: ['X-Do: unregister', `X-Uri: ${t.aor(user)}`] });
    await t.alice.expect(200);
  }
  t.dave.request('REGISTER', `sip:${t.domain}`, { from: `<${t.aor('bob')}>`, to: `<${t.aor('bob')}>` });
  await t.dave.expect(200);
});

for (const route of ['lookup_branches', 'lookup_uri', 'lookup_to_dset']) {
  scenario(`script-${route.replaceAll('_', '-')}`, async t => {
    await t.register('bob', ['bob', 'carol']);
    const invite = t.alice.request('INVITE', t.aor('bob'), {
      headers: [`X-Do: ${route}`, `X-Uri: ${t.aor('bob')}`, `X-Next: ${at(t.dave)}`],
    });
    await t.settle();
    for (const leg of [t.bob, t.carol, t.dave]) {
      for (const entry of leg.entries.filter(e => e.text.startsWith('INVITE'))) {
        await refuse(leg, await leg.expect(m => m.text === entry.text), 486);
      }
    }
    await ends(t, invite);
  });
}

scenario('script-lookup-uri-nobody', async t => {
  const invite = t.alice.request('INVITE', t.aor('bob'), {
    headers: ['X-Do: lookup_uri', `X-Uri: ${t.aor('nobody')}`],
  });
  await ends(t, invite);
});

scenario('relayed-refusal', async t => {
  const call = await invited(t, 'relay_absorbs', t.bob);
  await refused(t, call, 486);
});
