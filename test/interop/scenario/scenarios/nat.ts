/** WITH_NAT, without an RTP proxy: phones behind NAT are reached where their requests came from. */
import { inDialog } from '../flows.ts';
import { SDP } from '../message.ts';
import type { Leg, Play, RequestOptions } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const nat: Scenario[] = [];
const scenario = scenarios('nat', nat);

/** What a phone behind NAT writes: addresses that nobody else can reach. */
const inside = (t: Play, leg: Leg, params = '') => ({
  via: [`SIP/2.0/UDP 192.168.1.7:5060;branch=${t.branch()}${params}`],
  contact: `<sip:${t.user(leg.name)}@192.168.1.7:5060>`,
});

async function registerInside(t: Play, leg: Leg, options: RequestOptions = {}): Promise<void> {
  leg.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor(leg.name)}>`,
    to: `<${t.aor(leg.name)}>`,
    headers: ['Expires: 600'],
    ...inside(t, leg, ';rport'),
    ...options,
  });
  await leg.expect(200);
}

scenario('register-inside', async t => {
  await registerInside(t, t.bob);
});

scenario('register-inside-without-rport', async t => {
  await registerInside(t, t.bob, inside(t, t.bob));
});

scenario('register-inside-with-received', async t => {
  await registerInside(t, t.bob, inside(t, t.bob, ';rport;received=10.0.0.1'));
});

for (const [name, address] of [
  ['10', '10.1.2.3:5060'],
  ['172-16', '172.16.0.1:5060'],
  ['172-31', '172.31.255.255:5060'],
  ['172-32', '172.32.0.1:5060'],
  ['192-168', '192.168.0.1'],
  ['100-64', '100.64.0.1:5060'],
  ['169-254', '169.254.1.1:5060'],
  ['public', '198.51.100.1:5060'],
  ['name', 'phone.example.com:5060'],
] as const) {
  scenario(`register-contact-${name}`, async t => {
    t.bob.request('REGISTER', `sip:${t.domain}`, {
      from: `<${t.aor('bob')}>`,
      to: `<${t.aor('bob')}>`,
      headers: ['Expires: 600'],
      contact: `<sip:${t.user('bob')}@${address}>`,
    });
    await t.bob.expect(200);
  });
}

scenario('register-via-port-differs', async t => {
  await registerInside(t, t.bob, {
    via: [`SIP/2.0/UDP 127.0.0.1:5999;branch=${t.branch()};rport`],
    contact: t.bob.contact(),
  });
});

scenario('register-via-name', async t => {
  await registerInside(t, t.bob, {
    via: [`SIP/2.0/UDP localhost:${t.bob.address.split(':')[1]};branch=${t.branch()}`],
    contact: t.bob.contact(),
  });
});

scenario('register-outside', async t => {
  await t.register('bob');
});

scenario('call-to-inside', async t => {
  await registerInside(t, t.bob);
  const invite = t.alice.invite('bob');
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 180, { contact: `<sip:${t.user('bob')}@192.168.1.7:5060>` });
  await t.alice.expect(180);
  t.bob.reply(got, 200, { body: SDP, contact: `<sip:${t.user('bob')}@192.168.1.7:5060>` });
  await t.alice.expect(200);
  invite.cancel();
  await t.settle();
});

/** alice is behind NAT and calls bob, who answers; the dialog goes on in both directions. */
scenario('call-from-inside', async t => {
  await t.register('bob');
  const invite = t.alice.invite('bob', inside(t, t.alice, ';rport'));
  const got = await t.bob.expect('INVITE');
  await t.alice.expect(100);
  t.bob.reply(got, 200, { body: SDP });
  const caller = invite.dialog(await t.alice.expect(200));
  caller.request('ACK', { via: inside(t, t.alice).via });
  await t.bob.expect('ACK');
  await inDialog(caller, t.bob, 'INFO', { via: inside(t, t.alice, ';rport').via });
  // the contact that bob got has the alias: requests to it come back to where alice is
  await inDialog(t.bob.dialogOf(got), t.alice, 'INFO');
  await inDialog(t.bob.dialogOf(got, undefined, 200), t.alice, 'BYE');
});

scenario('call-from-inside-refused', async t => {
  await t.register('bob');
  const invite = t.alice.invite('bob', inside(t, t.alice, ';rport'));
  t.bob.reply(await t.bob.expect('INVITE'), 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('call-from-inside-cancelled', async t => {
  await t.register('bob');
  const invite = t.alice.invite('bob', inside(t, t.alice, ';rport'));
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  invite.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 487);
  invite.ack(await t.alice.expect(487));
  await t.settle();
});

scenario('call-from-inside-to-inside', async t => {
  await registerInside(t, t.bob);
  const invite = t.alice.invite('bob', inside(t, t.alice, ';rport'));
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 200, { body: SDP, contact: `<sip:${t.user('bob')}@192.168.1.8:5060>` });
  await t.alice.expect(200);
  void invite;
});

scenario('second-hop-is-not-touched', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', t.aor('bob'), {
    via: [`SIP/2.0/UDP ${t.alice.address};branch=${t.branch()}`, `SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK~${t.mark}~x`],
    contact: `<sip:${t.user('alice')}@192.168.1.7>`,
    body: 'hello',
  });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

/** A request in a dialog to a URI with an alias. */
function alias(name: string, uri: (t: Play) => string): void {
  scenario(`alias-${name}`, async t => {
    t.alice.request('INFO', uri(t), { route: [`<sip:${t.domain};lr>`], to: `<${t.aor('bob')}>;tag=bob~tag` });
    // what the server sends to itself comes behind the question of settle()
    for (let hops = 0; hops < 3; hops++) await t.settle();
  });
}

const bobAt = (t: Play) => t.bob.address.replace(':', '~');
alias('right', t => `sip:${t.user('bob')}@192.168.1.7:5060;alias=${bobAt(t)}~1`);
alias('with-other-params', t => `sip:${t.user('bob')}@192.168.1.7:5060;a=1;alias=${bobAt(t)}~1;b=2`);
alias('proto-tcp', t => `sip:${t.user('bob')}@192.168.1.7:5060;alias=${bobAt(t)}~2`);
alias('proto-9', t => `sip:${t.user('bob')}@192.168.1.7:5060;alias=${bobAt(t)}~9`);
alias('no-proto', t => `sip:${t.user('bob')}@${t.bob.address};alias=${bobAt(t)}`);
alias('malformed', t => `sip:${t.user('bob')}@${t.bob.address};alias=xyz`);
alias('empty', t => `sip:${t.user('bob')}@${t.bob.address};alias=`);
alias('none', t => `sip:${t.user('bob')}@${t.bob.address}`);
alias('twice', t => `sip:${t.user('bob')}@192.168.1.7;alias=${bobAt(t)}~1;alias=127.0.0.1~9~1`);
alias('of-the-server', t => `sip:${t.user('bob')}@192.168.1.7;alias=${t.domain.replace(':', '~')}~1`);
alias('capitals', t => `sip:${t.user('bob')}@${t.bob.address};ALIAS=${bobAt(t)}~1`);

scenario('alias-behind-another-route', async t => {
  t.alice.request('INFO', `sip:${t.user('bob')}@192.168.1.7:5060;alias=${bobAt(t)}~1`, {
    route: [`<sip:${t.domain};lr>`, `<sip:${t.upstream.address};lr>`],
    to: `<${t.aor('bob')}>;tag=bob~tag`,
  });
  await t.upstream.expect('INFO');
});

scenario('keepalive-pings-reach-the-phone', async t => {
  await registerInside(t, t.bob);
  const ping = await t.bob.expect(m => m.method === 'OPTIONS' && m.text.includes('pinger@kamailio.org'), 5_000);
  t.bob.reply(ping, 200, { headers: [`X-Mark: ~${t.mark}~`] });
  await t.settle();
});
