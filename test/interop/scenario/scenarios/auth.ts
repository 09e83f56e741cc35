/** WITH_AUTH and WITH_IPAUTH on SQLite: digest authentication of REGISTER and of calls, trusted addresses, no open relay. */
import { credentials } from '../digest.ts';
import { inDialog } from '../flows.ts';
import { type Message, SDP } from '../message.ts';
import type { Leg, Play, RequestOptions, Sent } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const auth: Scenario[] = [];
const scenario = scenarios('auth', auth);

const PASSWORD: Record<string, string> = { alice: 'wonderland', bob: 'builder', carol: 'christmas' };

function register(t: Play, leg: Leg, cseq: number, options: RequestOptions = {}): Sent {
  return leg.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor(leg.name)}>`,
    to: `<${t.aor(leg.name)}>`,
    callId: `reg-${leg.name}~${t.mark}~@example.com`,
    contact: leg.contact(),
    cseq,
    ...options,
    headers: ['Expires: 600', ...(options.headers ?? [])],
  });
}

interface Changes {
  user?: string;
  password?: string;
  uri?: string;
  qop?: 'auth';
  nc?: number;
  realm?: string;
  nonce?: string;
}

function answerTo(t: Play, leg: Leg, challenge: string, method: string, uri: string, changes: Changes = {}): string {
  return credentials({
    user: t.user(leg.name),
    password: PASSWORD[leg.name] ?? '',
    method,
    uri,
    challenge,
    ...changes,
  });
}

/** A registration with right credentials. */
async function registered(t: Play, leg: Leg): Promise<string> {
  register(t, leg, 1);
  const challenge = (await leg.expect(401)).need('WWW-Authenticate');
  register(t, leg, 2, { headers: [`Authorization: ${answerTo(t, leg, challenge, 'REGISTER', `sip:${t.domain}`)}`] });
  await leg.expect(200);
  return challenge;
}

scenario('register-right-password', async t => {
  await registered(t, t.bob);
});

/** bob registers, is challenged, and answers in this way. */
function answered(
  name: string,
  make: (t: Play, challenge: string) => string | string[],
  options?: (t: Play) => RequestOptions,
): void {
  scenario(`register-${name}`, async t => {
    register(t, t.bob, 1);
    const challenge = (await t.bob.expect(401)).need('WWW-Authenticate');
    const made = make(t, challenge);
    const lines = typeof made === 'string' ? [`Authorization: ${made}`] : made;
    register(t, t.bob, 2, { ...options?.(t), headers: lines });
    await t.settle();
  });
}

const registering = (t: Play, challenge: string, changes: Changes = {}) =>
  answerTo(t, t.bob, challenge, 'REGISTER', `sip:${t.domain}`, changes);

answered('wrong-password', (t, challenge) => registering(t, challenge, { password: 'wrong' }));
answered('empty-password', (t, challenge) => registering(t, challenge, { password: '' }));
answered(
  'unknown-user',
  (t, challenge) => registering(t, challenge, { user: `nobody~${t.mark}~` }),
  t => ({
    from: `<sip:nobody~${t.mark}~@${t.domain}>`,
    to: `<sip:nobody~${t.mark}~@${t.domain}>`,
  }),
);
answered('as-another-user', (t, challenge) =>
  registering(t, challenge, { user: t.user('alice'), password: 'wonderland' }),
);
answered('for-another-user', registering, t => ({ to: `<${t.aor('alice')}>` }));
answered('from-another-user', registering, t => ({ from: `<${t.aor('alice')}>` }));
answered('wrong-realm', (t, challenge) => registering(t, challenge, { realm: 'elsewhere' }));
answered('made-up-nonce', (t, challenge) => registering(t, challenge, { nonce: 'abcdef' }));
answered('changed-nonce', (t, challenge) =>
  registering(t, challenge, { nonce: `A${/nonce="([^"]*)"/.exec(challenge)![1]!.slice(1)}` }),
);
answered('empty-nonce', (t, challenge) => registering(t, challenge, { nonce: '' }));
answered('another-uri', (t, challenge) => registering(t, challenge, { uri: 'sip:elsewhere' }));
answered('qop-that-was-not-offered', (t, challenge) => registering(t, challenge, { qop: 'auth' }));
answered('response-changed', (t, challenge) =>
  registering(t, challenge).replace(/response="(.)/, (_, c) => `response="${c === '0' ? '1' : '0'}`),
);
answered('response-in-capitals', (t, challenge) =>
  registering(t, challenge).replace(/response="([^"]*)"/, (_, hex) => `response="${hex.toUpperCase()}"`),
);
answered('response-short', (t, challenge) => registering(t, challenge).replace(/response="[^"]*"/, 'response="12"'));
answered('response-missing', (t, challenge) => registering(t, challenge).replace(/, response="[^"]*"/, ''));
answered('username-missing', (t, challenge) => registering(t, challenge).replace(/username="[^"]*", /, ''));
answered('nonce-missing', (t, challenge) => registering(t, challenge).replace(/nonce="[^"]*", /, ''));
answered('uri-missing', (t, challenge) => registering(t, challenge).replace(/uri="[^"]*", /, ''));
answered('username-with-domain', (t, challenge) => registering(t, challenge, { user: `${t.user('bob')}@127.0.0.1` }));
answered('algorithm-sha-256', (t, challenge) => `${registering(t, challenge)}, algorithm=SHA-256`);
answered('algorithm-md5-named', (t, challenge) => `${registering(t, challenge)}, algorithm=MD5`);
answered('algorithm-md5-sess', (t, challenge) => `${registering(t, challenge)}, algorithm=MD5-sess`);
answered('basic', () => 'Basic Ym9iOmJ1aWxkZXI=');
answered('digest-nothing', () => 'Digest ');
answered('empty-credentials', () => '');
answered('credentials-in-the-wrong-header', (t, challenge) => [`Proxy-Authorization: ${registering(t, challenge)}`]);
answered('two-credentials', (t, challenge) => [
  `Authorization: ${registering(t, challenge, { realm: 'elsewhere' })}`,
  `Authorization: ${registering(t, challenge)}`,
]);
answered('small-digest', (t, challenge) => registering(t, challenge).replace('Digest', 'digest'));
answered('unknown-parameters', (t, challenge) => `${registering(t, challenge)}, x="y, z", opaque="o"`);

scenario('register-same-nonce-twice', async t => {
  const challenge = await registered(t, t.bob);
  register(t, t.bob, 3, { headers: [`Authorization: ${registering(t, challenge)}`] });
  await t.settle();
});

scenario('register-and-unregister', async t => {
  const challenge = await registered(t, t.bob);
  register(t, t.bob, 3, {
    contact: '*',
    headers: ['Expires: 0', `Authorization: ${registering(t, challenge)}`].slice(1),
  });
  await t.settle();
  t.bob.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor('bob')}>`,
    to: `<${t.aor('bob')}>`,
    callId: `reg-bob~${t.mark}~@example.com`,
    cseq: 4,
    contact: '*',
    headers: ['Expires: 0', `Authorization: ${registering(t, challenge)}`],
  });
  await t.settle();
});

/** alice, registered or not, calls bob: 407, then with credentials. */
async function call(t: Play, changes: Changes = {}): Promise<{ first: Sent; second: Sent; challenged: Message }> {
  await registered(t, t.bob);
  const first = t.alice.invite('bob');
  const challenged = await t.alice.expect(407);
  first.ack(challenged);
  const value = answerTo(t, t.alice, challenged.need('Proxy-Authenticate'), 'INVITE', t.aor('bob'), changes);
  const second = t.alice.invite('bob', {
    callId: challenged.need('Call-ID'),
    cseq: 2,
    headers: [`Proxy-Authorization: ${value}`],
  });
  return { first, second, challenged };
}

scenario('call-right-password', async t => {
  const { second } = await call(t);
  const got = await t.bob.expect('INVITE');
  await t.alice.expect(100);
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  t.bob.reply(got, 200, { body: SDP });
  const caller = second.dialog(await t.alice.expect(200));
  caller.request('ACK');
  await t.bob.expect('ACK');
  await inDialog(caller, t.bob, 'BYE');
});

scenario('call-wrong-password', async t => {
  const { second } = await call(t, { password: 'wrong' });
  second.ack(await t.alice.expect(407));
  await t.settle();
});

scenario('call-cancelled', async t => {
  const { second } = await call(t);
  const got = await t.bob.expect('INVITE');
  t.bob.reply(got, 180);
  await t.alice.expect(180);
  second.cancel();
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(got, 487);
  await t.bob.expect('ACK');
  second.ack(await t.alice.expect(487));
});

scenario('call-challenged-and-sent-again', async t => {
  const first = t.alice.invite('bob');
  const challenged = await t.alice.expect(407);
  first.again();
  await t.alice.expect(407);
  first.ack(challenged);
  await t.settle();
});

scenario('call-of-somebody-else', async t => {
  const { second } = await call(t, { user: t.user('carol'), password: 'christmas' });
  second.ack(await t.alice.expect(m => m.status > 299));
  await t.settle();
});

for (const method of ['MESSAGE', 'OPTIONS', 'SUBSCRIBE', 'REFER']) {
  scenario(`${method.toLowerCase()}-challenged-then-through`, async t => {
    await registered(t, t.bob);
    t.alice.request(method, t.aor('bob'), { body: 'hello' });
    const challenged = await t.alice.expect(407);
    const value = answerTo(t, t.alice, challenged.need('Proxy-Authenticate'), method, t.aor('bob'));
    t.alice.request(method, t.aor('bob'), {
      callId: challenged.need('Call-ID'),
      cseq: 2,
      body: 'hello',
      headers: [`Proxy-Authorization: ${value}`, 'X-After: 1'],
    });
    t.bob.reply(await t.bob.expect(method), 200);
    await t.alice.expect(200);
  });
}

for (const [name, callee] of [
  ['own-presence', 'alice'],
  ['presence-of-another', 'bob'],
] as const) {
  // a PUBLISH is for the user in To, as a REGISTER is
  scenario(`publish-${name}`, async t => {
    t.alice.request('PUBLISH', t.aor(callee), { body: 'hello' });
    const challenged = await t.alice.expect(407);
    const value = answerTo(t, t.alice, challenged.need('Proxy-Authenticate'), 'PUBLISH', t.aor(callee));
    t.alice.request('PUBLISH', t.aor(callee), { cseq: 2, body: 'hello', headers: [`Proxy-Authorization: ${value}`] });
    await t.settle();
  });
}

scenario('message-with-credentials-of-two-proxies', async t => {
  await registered(t, t.bob);
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  const challenged = await t.alice.expect(407);
  const value = answerTo(t, t.alice, challenged.need('Proxy-Authenticate'), 'MESSAGE', t.aor('bob'));
  t.alice.request('MESSAGE', t.aor('bob'), {
    cseq: 2,
    body: 'hello',
    headers: [
      'Proxy-Authorization: Digest username="x", realm="next.example.com", nonce="n", uri="u", response="00"',
      `Proxy-Authorization: ${value}`,
    ],
  });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('foreign-caller-to-local-user', async t => {
  await registered(t, t.bob);
  t.upstream.request('MESSAGE', t.aor('bob'), { from: `<sip:${t.user('x')}@example.com>`, body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.upstream.expect(200);
});

scenario('foreign-caller-to-foreign-user', async t => {
  t.alice.request('MESSAGE', `sip:${t.user('y')}@${t.upstream.address}`, {
    from: `<sip:${t.user('x')}@example.com>`,
    body: 'hello',
  });
  await t.settle();
});

scenario('foreign-caller-invites-foreign-user', async t => {
  const invite = t.alice.request('INVITE', `sip:${t.user('y')}@${t.upstream.address}`, {
    from: `<sip:${t.user('x')}@example.com>`,
  });
  invite.ack(await t.alice.expect(403));
  await t.settle();
});

scenario('local-caller-to-foreign-user', async t => {
  const uri = `sip:${t.user('y')}@${t.upstream.address}`;
  t.alice.request('MESSAGE', uri, { body: 'hello' });
  const challenged = await t.alice.expect(407);
  const value = answerTo(t, t.alice, challenged.need('Proxy-Authenticate'), 'MESSAGE', uri);
  t.alice.request('MESSAGE', uri, { cseq: 2, body: 'hello', headers: [`Proxy-Authorization: ${value}`] });
  t.upstream.reply(await t.upstream.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('trusted-address-needs-no-password', async t => {
  await registered(t, t.bob);
  t.stranger.request('MESSAGE', t.aor('bob'), { from: `<${t.aor('alice')}>`, body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.stranger.expect(200);
});

scenario('trusted-address-registers', async t => {
  t.stranger.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor('alice')}>`,
    to: `<${t.aor('alice')}>`,
    contact: t.stranger.contact(),
  });
  await t.stranger.expect(401);
});

scenario('trusted-address-relays', async t => {
  t.stranger.request('MESSAGE', `sip:${t.user('y')}@${t.upstream.address}`, {
    from: `<sip:${t.user('x')}@example.com>`,
    body: 'hello',
  });
  t.upstream.reply(await t.upstream.expect('MESSAGE'), 200);
  await t.stranger.expect(200);
});
