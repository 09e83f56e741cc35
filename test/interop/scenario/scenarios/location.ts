/** WITH_USRLOCDB on SQLite: bindings that were in the database before the start, and new ones. */
import type { Play } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const location: Scenario[] = [];
const scenario = scenarios('location', location);

async function fetch(t: Play, user: string): Promise<void> {
  t.dave.request('REGISTER', `sip:${t.domain}`, { from: `<${t.aor(user)}>`, to: `<${t.aor(user)}>` });
  await t.dave.expect(200);
}

scenario('preloaded-contact', async t => {
  await fetch(t, 'bob');
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('preloaded-two-contacts', async t => {
  await fetch(t, 'bob');
  const invite = t.alice.invite('bob');
  t.bob.reply(await t.bob.expect('INVITE'), 486);
  t.carol.reply(await t.carol.expect('INVITE'), 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('preloaded-received', async t => {
  await fetch(t, 'bob');
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  await t.settle();
});

scenario('preloaded-methods', async t => {
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  await t.alice.expect(405);
});

scenario('preloaded-expired', async t => {
  await fetch(t, 'bob');
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  await t.alice.expect(404);
});

scenario('preloaded-refresh', async t => {
  await t.register('bob', ['bob'], { callId: `preloaded~${t.mark}~`, cseq: 20 });
  await fetch(t, 'bob');
});

scenario('preloaded-cseq-too-low', async t => {
  t.bob.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor('bob')}>`,
    to: `<${t.aor('bob')}>`,
    contact: t.bob.contact(),
    callId: `preloaded~${t.mark}~`,
    cseq: 3,
    headers: ['Expires: 300'],
  });
  await t.settle();
  await fetch(t, 'bob');
});

scenario('preloaded-and-another', async t => {
  await t.register('bob', ['carol']);
  await fetch(t, 'bob');
});

scenario('preloaded-star', async t => {
  t.bob.request('REGISTER', `sip:${t.domain}`, {
    from: `<${t.aor('bob')}>`,
    to: `<${t.aor('bob')}>`,
    contact: '*',
    callId: `preloaded~${t.mark}~`,
    cseq: 20,
    headers: ['Expires: 0'],
  });
  await t.bob.expect(200);
  await fetch(t, 'bob');
});

scenario('new-contact', async t => {
  await t.register('bob', ['bob', 'carol']);
  await fetch(t, 'bob');
});
