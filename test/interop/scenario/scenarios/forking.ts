/** A user with several phones: parallel forking. */
import { type Message, SDP } from '../message.ts';
import type { Leg, Play, RequestOptions, Sent } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const forking: Scenario[] = [];
const scenario = scenarios('basic', forking);

interface Forked {
  invite: Sent;
  got: Message[];
}

/** alice calls bob, who has one contact at each of these legs. */
async function forked(t: Play, legs: readonly Leg[], options: RequestOptions = {}): Promise<Forked> {
  await t.register(
    'bob',
    legs.map(leg => leg.name),
  );
  const invite = t.alice.invite('bob', options);
  const got: Message[] = [];
  for (const leg of legs) got.push(await leg.expect('INVITE'));
  await t.alice.expect(100);
  return { invite, got };
}

/** The phone takes the CANCEL and ends its INVITE. */
async function stopped(leg: Leg, got: Message): Promise<void> {
  leg.reply(await leg.expect('CANCEL'), 200);
  leg.reply(got, 487);
  await leg.expect('ACK');
}

scenario('fork-first-200-wins', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.bob.reply(got[0]!, 180);
  await t.alice.expect(180);
  t.carol.reply(got[1]!, 180);
  await t.alice.expect(180);
  t.carol.reply(got[1]!, 200, { body: SDP });
  const caller = invite.dialog(await t.alice.expect(200));
  await stopped(t.bob, got[0]!);
  caller.request('ACK');
  await t.carol.expect('ACK');
  caller.request('BYE');
  t.carol.reply(await t.carol.expect('BYE'), 200);
  await t.alice.expect(200);
});

scenario('fork-of-four', async t => {
  const legs = [t.bob, t.carol, t.dave, t.upstream];
  const { invite, got } = await forked(t, legs);
  for (const [i, leg] of legs.entries()) {
    leg.reply(got[i]!, 180);
    await t.alice.expect(180);
  }
  t.dave.reply(got[2]!, 200, { body: SDP });
  const caller = invite.dialog(await t.alice.expect(200));
  for (const i of [0, 1, 3]) await stopped(legs[i]!, got[i]!);
  caller.request('ACK');
  await t.dave.expect('ACK');
});

scenario('fork-branch-that-did-not-answer-is-not-cancelled', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.carol.reply(got[1]!, 200, { body: SDP });
  const caller = invite.dialog(await t.alice.expect(200));
  caller.request('ACK');
  await t.carol.expect('ACK');
  await t.settle();
  // its first provisional reply is what makes the CANCEL go
  t.bob.reply(got[0]!, 180);
  await t.settle();
  await t.pause(300);
});

scenario('fork-with-caller-cancel', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.bob.reply(got[0]!, 180);
  await t.alice.expect(180);
  t.carol.reply(got[1]!, 180);
  await t.alice.expect(180);
  invite.cancel();
  await t.alice.expect(200);
  await stopped(t.bob, got[0]!);
  await stopped(t.carol, got[1]!);
  invite.ack(await t.alice.expect(487));
  await t.settle();
});

/** Each phone refuses in turn; what alice gets is the choice of the server. */
function allRefuse(statuses: readonly number[], headers: readonly string[][] = []): void {
  scenario(`fork-refused-${statuses.join('-')}`, async t => {
    const legs = [t.bob, t.carol, t.dave].slice(0, statuses.length);
    const { invite, got } = await forked(t, legs);
    for (const [i, leg] of legs.entries()) {
      leg.reply(got[i]!, 180);
      await t.alice.expect(180);
    }
    for (const [i, leg] of legs.entries()) {
      leg.reply(got[i]!, statuses[i]!, { headers: headers[i] ?? [] });
      await leg.expect('ACK');
      await t.settle();
    }
    invite.ack(await t.alice.expect(m => m.status > 299));
    await t.settle();
  });
}

allRefuse([486, 486]);
allRefuse([486, 404]);
allRefuse([404, 486]);
allRefuse([480, 408]);
allRefuse([500, 486]);
allRefuse([503, 404]);
allRefuse([503, 503]);
allRefuse([302, 486], [['Contact: <sip:elsewhere@example.net>']]);
allRefuse([486, 600]);
allRefuse([404, 480, 486]);
allRefuse([500, 503, 501]);
allRefuse([407, 486], [['Proxy-Authenticate: Digest realm="bob", nonce="1"']]);
allRefuse(
  [401, 407],
  [['WWW-Authenticate: Digest realm="bob", nonce="1"'], ['Proxy-Authenticate: Digest realm="carol", nonce="2"']],
);
allRefuse(
  [401, 401],
  [['WWW-Authenticate: Digest realm="bob", nonce="1"'], ['WWW-Authenticate: Digest realm="carol", nonce="2"']],
);
allRefuse([415, 420, 484]);
allRefuse([487, 486]);
allRefuse([403, 404]);

scenario('fork-600-ends-the-others', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.carol.reply(got[1]!, 180);
  await t.alice.expect(180);
  t.bob.reply(got[0]!, 603);
  await t.bob.expect('ACK');
  await t.settle();
  await stopped(t.carol, got[1]!);
  invite.ack(await t.alice.expect(m => m.status > 299));
  await t.settle();
});

scenario('fork-one-refuses-one-answers', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.bob.reply(got[0]!, 486);
  await t.bob.expect('ACK');
  await t.settle();
  t.carol.reply(got[1]!, 200, { body: SDP });
  invite.dialog(await t.alice.expect(200)).request('ACK');
  await t.carol.expect('ACK');
});

scenario('fork-two-200', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.bob.reply(got[0]!, 180);
  t.carol.reply(got[1]!, 180);
  await t.settle();
  t.bob.reply(got[0]!, 200, { body: SDP });
  await t.alice.expect(200);
  await t.carol.expect('CANCEL');
  t.carol.reply(got[1]!, 200, { body: SDP });
  const second = invite.dialog(await t.alice.expect(200));
  second.request('ACK');
  await t.carol.expect('ACK');
  second.request('BYE');
  t.carol.reply(await t.carol.expect('BYE'), 200);
  await t.alice.expect(200);
});

scenario('fork-late-refusal-after-200', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.bob.reply(got[0]!, 180);
  await t.alice.expect(180);
  t.carol.reply(got[1]!, 200, { body: SDP });
  invite.dialog(await t.alice.expect(200)).request('ACK');
  await t.carol.expect('ACK');
  t.bob.reply(await t.bob.expect('CANCEL'), 481);
  t.bob.reply(got[0]!, 486);
  await t.bob.expect('ACK');
});

scenario('fork-one-times-out-one-refuses', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.carol.reply(got[1]!, 486);
  await t.carol.expect('ACK');
  invite.ack(await t.alice.expect(m => m.status > 299, 4_000));
  await t.settle();
});

scenario('fork-all-time-out', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.carol.reply(got[1]!, 180);
  await t.alice.expect(180);
  const timeout = await t.alice.expect(408, 6_000);
  await t.carol.expect('CANCEL');
  invite.ack(timeout);
  await t.settle();
});

scenario('fork-message', async t => {
  await t.register('bob', ['bob', 'carol']);
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  const one = await t.bob.expect('MESSAGE');
  const two = await t.carol.expect('MESSAGE');
  t.bob.reply(one, 200);
  await t.alice.expect(200);
  t.carol.reply(two, 200);
  await t.settle();
});

scenario('fork-message-one-refuses', async t => {
  await t.register('bob', ['bob', 'carol']);
  t.alice.request('MESSAGE', t.aor('bob'), { body: 'hello' });
  t.bob.reply(await t.bob.expect('MESSAGE'), 415);
  await t.settle();
  t.carol.reply(await t.carol.expect('MESSAGE'), 200);
  await t.alice.expect(200);
});

scenario('fork-by-q', async t => {
  await t.register('bob', [
    { leg: 'bob', contact: `${t.bob.contact()};q=0.2` },
    { leg: 'carol', contact: `${t.carol.contact()};q=0.9` },
    { leg: 'dave', contact: `${t.dave.contact()};q=0.5` },
  ]);
  const invite = t.alice.invite('bob');
  for (const leg of [t.bob, t.carol, t.dave]) leg.reply(await leg.expect('INVITE'), 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('fork-two-contacts-at-one-phone', async t => {
  await t.register('bob', [
    { leg: 'bob', contact: t.bob.contact('', 'line1') },
    { leg: 'bob', contact: t.bob.contact('', 'line2') },
  ]);
  const invite = t.alice.invite('bob');
  const one = await t.bob.expect('INVITE');
  const two = await t.bob.expect('INVITE');
  t.bob.reply(one, 180, { tag: 'one~tag' });
  t.bob.reply(two, 180, { tag: 'two~tag' });
  await t.settle();
  t.bob.reply(two, 200, { body: SDP, tag: 'two~tag' });
  await t.alice.expect(200);
  t.bob.reply(await t.bob.expect('CANCEL'), 200);
  t.bob.reply(one, 487, { tag: 'one~tag' });
  await t.bob.expect('ACK');
  await t.settle();
  invite.again();
  await t.settle();
});

scenario('fork-early-media-of-both', async t => {
  const { invite, got } = await forked(t, [t.bob, t.carol]);
  t.bob.reply(got[0]!, 183, { body: SDP });
  await t.alice.expect(183);
  t.carol.reply(got[1]!, 183, { body: SDP });
  await t.alice.expect(183);
  invite.again();
  await t.settle();
  t.bob.reply(got[0]!, 486);
  t.carol.reply(got[1]!, 486);
  invite.ack(await t.alice.expect(486));
  await t.settle();
});

scenario('fork-one-port-is-dead', async t => {
  await t.register('bob', [
    { leg: 'bob', contact: t.bob.contact() },
    { leg: 'carol', contact: `<sip:${t.user('dead')}@${t.deadAddress}>` },
  ]);
  const invite = t.alice.invite('bob');
  t.bob.reply(await t.bob.expect('INVITE'), 200, { body: SDP });
  invite.dialog(await t.alice.expect(200)).request('ACK');
  await t.bob.expect('ACK');
});

scenario('fork-spiral-through-the-server', async t => {
  // one contact is another user of the same server: the request comes back and is a new one
  await t.register('carol');
  await t.register('bob', [{ leg: 'bob', contact: `<${t.aor('carol')}>` }]);
  const invite = t.alice.invite('bob');
  const got = await t.carol.expect('INVITE');
  t.carol.reply(got, 180);
  await t.alice.expect(180);
  t.carol.reply(got, 200, { body: SDP });
  invite.dialog(await t.alice.expect(200)).request('ACK');
  await t.carol.expect('ACK');
});
