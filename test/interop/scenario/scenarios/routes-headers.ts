/** Record-Route, NAT and what a transaction keeps. */
import { answered, ask, at, ends, invited, refuse } from '../asks.ts';
import { SDP } from '../message.ts';
import type { Play } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const headerRoutes: Scenario[] = [];
const scenario = scenarios('routes', headerRoutes);

/** An INVITE whose Record-Route the script makes; then a BYE of the callee along it. */
for (const route of [
  'rr_params',
  'rr_add_param',
  'rr_twice',
  'rr_remove',
  'rr_forward',
  'rr_preset',
  'rr_preset_one',
  'rr_advertised',
]) {
  scenario(`record-route-${route.slice(3).replaceAll('_', '-')}`, async t => {
    const { got } = await invited(t, route, t.bob, { headers: ['Record-Route: <sip:192.0.2.9;lr>'] });
    t.bob.reply(got, 200, { body: SDP });
    await t.alice.expect(200);
  });
}

scenario('record-route-add-param-two-branches', async t => {
  ask(t, 'rr_add_param_two_branches', { next: [at(t.bob), at(t.carol)] });
  const one = await t.bob.expect('INVITE');
  const two = await t.carol.expect('INVITE');
  t.bob.reply(one, 183);
  await t.alice.expect(183);
  t.carol.reply(two, 200, { body: SDP });
  await t.alice.expect(200);
});

for (const [name, param] of [
  ['nat', ';nat=yes'],
  ['nat-no', ';nat=no'],
  ['ftag-of-the-caller', ';ftag=alice~from'],
  ['ftag-of-the-callee', ';ftag=bob~tag'],
  ['no-param', ''],
] as const) {
  scenario(`route-params-${name}`, async t => {
    t.alice.request('INFO', at(t.bob), {
      route: [`<sip:${t.domain};lr${param}>`],
      to: `<${t.aor('bob')}>;tag=bob~tag`,
      headers: ['X-Do: rr_check'],
    });
    t.bob.reply(await t.bob.expect('INFO'), 200);
    await t.alice.expect(200);
  });
}

for (const [name, route] of [
  ['own', (t: Play) => [`<sip:${t.domain};lr>`]],
  ['own-then-upstream', (t: Play) => [`<sip:${t.domain};lr>`, `<sip:${t.upstream.address};lr>`]],
  ['foreign', (t: Play) => [`<sip:${t.upstream.address};lr>`]],
  ['none', () => []],
] as const) {
  scenario(`preloaded-route-${name}`, async t => {
    t.alice.request('MESSAGE', at(t.bob), { route: route(t), headers: ['X-Do: rr_loose_preloaded'], body: 'hello' });
    await t.settle();
  });
}

scenario('nat-fix-contact', async t => {
  const { invite, got } = await invited(t, 'nat_fix_contact', t.bob, {
    contact: `"Alice" <sip:${t.user('alice')}@192.168.1.7:5070;ob;x=1>;q=0.5`,
    via: [`SIP/2.0/UDP 192.168.1.7:5070;branch=${t.branch()}`],
  });
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('nat-add-received-param', async t => {
  const { invite, got } = await invited(t, 'nat_add_rcv', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('nat-alias-in-both-directions', async t => {
  const { got } = await invited(t, 'nat_alias_reply', t.bob);
  t.bob.reply(got, 200, { body: SDP, contact: `<sip:${t.user('bob')}@192.168.1.8:5060>` });
  await t.alice.expect(200);
});

scenario('nat-sdp', async t => {
  const { invite, got } = await invited(t, 'nat_sdp', t.bob, { body: SDP.replaceAll('192.0.2.9', '192.168.1.7') });
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

for (const [name, options] of [
  ['outside', () => ({})],
  ['contact', (t: Play) => ({ contact: `<sip:${t.user('a')}@10.0.0.1>` })],
  ['via', (t: Play) => ({ via: [`SIP/2.0/UDP 10.0.0.1:5060;branch=${t.branch()};rport`] })],
  ['via-port', (t: Play) => ({ via: [`SIP/2.0/UDP 127.0.0.1:5999;branch=${t.branch()};rport`] })],
  ['sdp', () => ({ body: SDP.replaceAll('192.0.2.9', '10.0.0.9'), type: 'application/sdp' })],
  ['contact-differs', (t: Play) => ({ contact: `<sip:${t.user('a')}@198.51.100.1:5060>` })],
] as const) {
  scenario(`nat-tests-${name}`, async t => {
    ask(t, 'nat_tests', { method: 'MESSAGE', contact: t.alice.contact(), ...options(t) });
    await t.alice.expect(200);
  });
}

scenario('add-local-rport', async t => {
  const { invite, got } = await invited(t, 'add_local_rport', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('variables-of-a-transaction', async t => {
  const { got } = await invited(t, 'avps', t.bob);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  await answered(t, t.bob, got);
});

scenario('which-routes-are-set', async t => {
  const { invite, got } = await invited(t, 'is_set', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});

scenario('edits-then-serial', async t => {
  const invite = ask(t, 'edits_then_relay', {
    next: [at(t.bob), at(t.carol)],
    headers: ['Subject: the subject'],
    body: 'hello hello',
    type: 'text/plain',
  });
  await refuse(t.bob, await t.bob.expect('INVITE'), 486);
  await refuse(t.carol, await t.carol.expect('INVITE'), 486);
  await ends(t, invite);
});

scenario('apply-changes', async t => {
  const { invite, got } = await invited(t, 'apply_changes', t.bob);
  await refuse(t.bob, got, 486);
  await ends(t, invite);
});
