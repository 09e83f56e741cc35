/** REGISTER and what lookups find then. */
import type { Leg, Play, RequestOptions, Sent } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const registrar: Scenario[] = [];
const scenario = scenarios('basic', registrar);

/** A REGISTER of the user "bob" from a leg; no Contact unless given. */
function register(t: Play, leg: Leg, cseq: number, options: RequestOptions = {}): Sent {
  return leg.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor('bob')}>`,
    to: `<${t.aor('bob')}>`,
    callId: `reg-${leg.name}~${t.mark}~@example.com`,
    contact: null,
    cseq,
    ...options,
  });
}

/** What the server has for bob. */
async function fetch(t: Play): Promise<void> {
  register(t, t.dave, 1, {});
  await t.dave.expect(200);
}

/** Sends REGISTERs, one behind the other, from bob's phone; whatever is answered counts. Then fetches the bindings. */
function sequence(name: string, steps: (t: Play) => RequestOptions[]): void {
  scenario(`register-${name}`, async t => {
    let cseq = 0;
    for (const options of steps(t)) {
      register(t, t.bob, ++cseq, options);
      await t.settle();
    }
    await fetch(t);
  });
}

const expires = (n: number | string) => ({ headers: [`Expires: ${n}`] });

sequence('new', t => [{ contact: t.bob.contact(), ...expires(600) }]);
sequence('without-expires', t => [{ contact: t.bob.contact() }]);
sequence('refresh', t => [
  { contact: t.bob.contact(), ...expires(600) },
  { contact: t.bob.contact(), ...expires(1200) },
]);
sequence('refresh-other-call-id', t => [
  { contact: t.bob.contact(), ...expires(600) },
  { contact: t.bob.contact(), ...expires(1200), callId: `other~${t.mark}~` },
]);
sequence('cseq-too-low', t => [
  { contact: t.bob.contact(), ...expires(600), cseq: 10 },
  { contact: t.bob.contact(), ...expires(1200), cseq: 9 },
]);
sequence('cseq-same', t => [
  { contact: t.bob.contact(), ...expires(600), cseq: 10 },
  { contact: t.bob.contact(), ...expires(1200), cseq: 10 },
]);
sequence('two-contacts-one-header', t => [{ contact: `${t.bob.contact()}, ${t.carol.contact()}`, ...expires(600) }]);
sequence('two-contacts-two-headers', t => [
  { contact: t.bob.contact(), headers: ['Expires: 600', `Contact: ${t.carol.contact()}`] },
]);
sequence('four-contacts', t => [
  { contact: [t.bob, t.carol, t.dave, t.upstream].map(leg => leg.contact()).join(', '), ...expires(600) },
]);
sequence('q-values', t => [
  { contact: `${t.bob.contact()};q=0.3, ${t.carol.contact()};q=1, ${t.dave.contact()};q=0.75`, ...expires(600) },
]);
sequence('q-malformed', t => [{ contact: `${t.bob.contact()};q=high`, ...expires(600) }]);
sequence('q-above-one', t => [{ contact: `${t.bob.contact()};q=1.5`, ...expires(600) }]);
sequence('expires-param-wins', t => [{ contact: `${t.bob.contact()};expires=300`, ...expires(600) }]);
sequence('expires-per-contact', t => [
  { contact: `${t.bob.contact()};expires=300, ${t.carol.contact()};expires=900, ${t.dave.contact()}`, ...expires(600) },
]);
sequence('expires-above-maximum', t => [{ contact: t.bob.contact(), ...expires(86400) }]);
sequence('expires-below-minimum', t => [{ contact: t.bob.contact(), ...expires(10) }]);
sequence('expires-malformed', t => [{ contact: t.bob.contact(), ...expires('soon') }]);
sequence('expires-param-malformed', t => [{ contact: `${t.bob.contact()};expires=soon`, ...expires(600) }]);
sequence('expires-huge', t => [{ contact: t.bob.contact(), ...expires('99999999999999999999') }]);
sequence('expires-negative', t => [{ contact: `${t.bob.contact()};expires=-1` }]);
sequence('expires-empty', t => [{ contact: t.bob.contact(), ...expires('') }]);
sequence('unregister-by-param', t => [
  { contact: `${t.bob.contact()}, ${t.carol.contact()}`, ...expires(600) },
  { contact: `${t.bob.contact()};expires=0` },
]);
sequence('unregister-by-header', t => [
  { contact: `${t.bob.contact()}, ${t.carol.contact()}`, ...expires(600) },
  { contact: t.carol.contact(), ...expires(0) },
]);
sequence('unregister-the-last', t => [
  { contact: t.bob.contact(), ...expires(600) },
  { contact: t.bob.contact(), ...expires(0) },
]);
sequence('unregister-unknown', t => [{ contact: t.bob.contact(), ...expires(0) }]);
sequence('unregister-cseq-too-low', t => [
  { contact: t.bob.contact(), ...expires(600), cseq: 10 },
  { contact: t.bob.contact(), ...expires(0), cseq: 9 },
]);
sequence('replace-in-one-request', t => [
  { contact: t.bob.contact(), ...expires(600) },
  { contact: `${t.bob.contact()};expires=0, ${t.carol.contact()}`, ...expires(600) },
]);
sequence('star', t => [
  { contact: `${t.bob.contact()}, ${t.carol.contact()}`, ...expires(600) },
  { contact: '*', ...expires(0) },
]);
sequence('star-of-nothing', () => [{ contact: '*', ...expires(0) }]);
sequence('star-with-expires', t => [
  { contact: t.bob.contact(), ...expires(600) },
  { contact: '*', ...expires(600) },
]);
sequence('star-without-expires', t => [{ contact: t.bob.contact(), ...expires(600) }, { contact: '*' }]);
sequence('star-and-contact', t => [
  { contact: t.bob.contact(), ...expires(600) },
  { contact: '*', headers: ['Expires: 0', `Contact: ${t.carol.contact()}`] },
]);
sequence('star-other-call-id', t => [
  { contact: t.bob.contact(), ...expires(600) },
  { contact: '*', ...expires(0), callId: `other~${t.mark}~` },
]);
sequence('fetch-nothing', () => [{}]);
sequence('contact-malformed', () => [{ contact: '<sip:', ...expires(600) }]);
sequence('contact-no-uri', () => [{ contact: '<>', ...expires(600) }]);
sequence('contact-empty', () => [{ contact: '', ...expires(600) }]);
sequence('contact-tel', () => [{ contact: '<tel:+12025550100>', ...expires(600) }]);
sequence('contact-sips', t => [{ contact: `<sips:${t.user('bob')}@${t.bob.address}>`, ...expires(600) }]);
sequence('contact-bare', t => [{ contact: `sip:${t.user('bob')}@${t.bob.address};q=0.5`, ...expires(600) }]);
sequence('contact-display-name', t => [{ contact: `"Bob, the builder" ${t.bob.contact()};q=0.5`, ...expires(600) }]);
sequence('contact-uri-params', t => [{ contact: t.bob.contact(';transport=udp;ob;x=%41'), ...expires(600) }]);
sequence('contact-uri-headers', t => [{ contact: t.bob.contact('?Subject=x'), ...expires(600) }]);
sequence('contact-params', t => [
  {
    contact: `${t.bob.contact()};+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>";reg-id=1;methods="INVITE, BYE";x=y`,
    headers: ['Expires: 600', 'Supported: path, outbound'],
  },
]);
sequence('same-uri-other-params', t => [
  { contact: t.bob.contact(';a=1'), ...expires(600) },
  { contact: t.bob.contact(';a=2'), ...expires(600) },
]);
sequence('same-contact-twice', t => [{ contact: `${t.bob.contact()}, ${t.bob.contact()}`, ...expires(600) }]);
sequence('to-without-user', t => [{ contact: t.bob.contact(), to: `<sip:${t.domain}>`, ...expires(600) }]);
sequence('to-malformed', t => [{ contact: t.bob.contact(), to: `<sip:${t.user('bob')}@>`, ...expires(600) }]);
sequence('to-tel', t => [{ contact: t.bob.contact(), to: '<tel:+12025550100>', ...expires(600) }]);
sequence('to-other-domain', t => [
  { contact: t.bob.contact(), to: `<sip:${t.user('bob')}@elsewhere.example.com>`, ...expires(600) },
]);
sequence('third-party', t => [{ contact: t.bob.contact(), from: `<${t.aor('carol')}>`, ...expires(600) }]);
sequence('user-escaped', t => [
  { contact: t.bob.contact(), to: `<sip:b%6Fb~${t.mark}~@${t.domain}>`, ...expires(600) },
]);
sequence('user-capitals', t => [{ contact: t.bob.contact(), to: `<sip:BOB~${t.mark}~@${t.domain}>`, ...expires(600) }]);
sequence('user-params', t => [{ contact: t.bob.contact(), to: `<${t.aor('bob')};user=phone>`, ...expires(600) }]);
sequence('with-to-tag', t => [{ contact: t.bob.contact(), to: `<${t.aor('bob')}>;tag=~x`, ...expires(600) }]);
sequence('with-path', t => [
  { contact: t.bob.contact(), headers: ['Expires: 600', `Path: <sip:${t.upstream.address};lr>`, 'Supported: path'] },
]);
sequence('with-body', t => [{ contact: t.bob.contact(), ...expires(600), body: 'hello', type: 'text/plain' }]);
sequence('compact-contact', t => [{ headers: ['Expires: 600', `m: ${t.bob.contact()}`] }]);

scenario('register-sent-twice', async t => {
  const sent = register(t, t.bob, 1, { contact: t.bob.contact(), headers: ['Expires: 600'] });
  await t.settle();
  sent.again();
  await t.settle();
  await fetch(t);
});

scenario('register-many-contacts', async t => {
  for (let i = 1; i <= 12; i++) {
    register(t, t.bob, i, { contact: t.bob.contact('', `bob${i}`), headers: ['Expires: 600'] });
    await t.settle();
  }
  await fetch(t);
});

scenario('register-foreign-domain', async t => {
  t.bob.request('REGISTER', `sip:${t.upstream.address}`, {
    from: `<${t.aor('bob')}>`,
    to: `<${t.aor('bob')}>`,
    contact: t.bob.contact(),
  });
  t.upstream.reply(await t.upstream.expect('REGISTER'), 200);
  await t.bob.expect(200);
});

scenario('lookup-nobody', async t => {
  const invite = t.alice.invite('nobody');
  invite.ack(await t.alice.expect(404));
  await t.settle();
});

scenario('lookup-nobody-message', async t => {
  t.alice.request('MESSAGE', t.aor('nobody'), { body: 'hello' });
  await t.alice.expect(404);
});

scenario('lookup-after-unregister', async t => {
  await t.register('bob');
  register(t, t.bob, 9, { contact: '*', headers: ['Expires: 0'], callId: `reg-bob-1~${t.mark}~@example.com` });
  await t.bob.expect(m => m.status === 200 && m.need('CSeq') === '9 REGISTER');
  const invite = t.alice.invite('bob');
  invite.ack(await t.alice.expect(404));
  await t.settle();
});

scenario('lookup-capitals', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', `sip:BOB~${t.mark}~@${t.domain}`, { body: 'hello' });
  await t.settle();
});

scenario('lookup-uri-params', async t => {
  await t.register('bob');
  t.alice.request('MESSAGE', `${t.aor('bob')};user=phone;x=1`, { body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('lookup-method-not-allowed', async t => {
  await t.register('bob', ['bob'], { headers: ['Expires: 600', 'Allow: INVITE, ACK, CANCEL, BYE'] });
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  await t.alice.expect(405);
});

scenario('lookup-method-allowed', async t => {
  await t.register('bob', ['bob'], { headers: ['Expires: 600', 'Allow: INVITE, ACK, CANCEL, BYE, MESSAGE'] });
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 202);
  await t.alice.expect(202);
});

scenario('lookup-methods-param-of-one', async t => {
  await t.register('bob', [
    { leg: 'bob', contact: `${t.bob.contact()};methods="INVITE,BYE"` },
    { leg: 'carol', contact: `${t.carol.contact()};methods="MESSAGE"` },
  ]);
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  t.carol.reply(await t.carol.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('lookup-without-user', async t => {
  const invite = t.alice.request('INVITE', `sip:${t.domain}`, {});
  invite.ack(await t.alice.expect(484));
  await t.settle();
});

scenario('lookup-with-path', async t => {
  await t.register('bob', ['bob'], {
    headers: ['Expires: 600', `Path: <sip:${t.upstream.address};lr>`, 'Supported: path'],
  });
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  await t.settle();
});
