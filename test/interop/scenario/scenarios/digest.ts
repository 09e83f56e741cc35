/** WITH_AUTH with SHA-256 and nonces that live for 2 s. */
import { credentials } from '../digest.ts';
import type { Play } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const digest: Scenario[] = [];
const scenario = scenarios('digest', digest);

function register(t: Play, cseq: number, authorization?: string): void {
  t.bob.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor('bob')}>`,
    to: `<${t.aor('bob')}>`,
    callId: `reg-bob~${t.mark}~@example.com`,
    contact: t.bob.contact(),
    cseq,
    headers: ['Expires: 600', ...(authorization ? [`Authorization: ${authorization}`] : [])],
  });
}

async function challenged(t: Play): Promise<string> {
  register(t, 1);
  return (await t.bob.expect(401)).need('WWW-Authenticate');
}

const answer = (t: Play, challenge: string, password = 'builder') =>
  credentials({ user: t.user('bob'), password, method: 'REGISTER', uri: `sip:${t.domain}`, challenge });

scenario('sha-256-right-password', async t => {
  register(t, 2, answer(t, await challenged(t)));
  await t.bob.expect(200);
});

scenario('sha-256-wrong-password', async t => {
  register(t, 2, answer(t, await challenged(t), 'wrong'));
  await t.bob.expect(401);
});

scenario('sha-256-answered-with-md5', async t => {
  register(t, 2, answer(t, (await challenged(t)).replace(/, *algorithm=[^,]*/, '')));
  await t.settle();
});

scenario('nonce-used-until-it-expires', async t => {
  const challenge = await challenged(t);
  register(t, 2, answer(t, challenge));
  await t.bob.expect(200);
  register(t, 3, answer(t, challenge));
  await t.bob.expect(200);
  await t.pause(4_000);
  register(t, 4, answer(t, challenge));
  await t.bob.expect(401);
});

scenario('nonce-expired-and-wrong-password', async t => {
  const challenge = await challenged(t);
  await t.pause(4_000);
  register(t, 2, answer(t, challenge, 'wrong'));
  await t.bob.expect(401);
});
