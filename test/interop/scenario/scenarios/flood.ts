/** WITH_ANTIFLOOD: addresses that are not the server's own are counted and banned. */
import type { Play } from '../play.ts';
import { type Scenario, scenarios } from '../scenario.ts';

export const flood: Scenario[] = [];
const scenario = scenarios('flood', flood);

const option = (t: Play, n: number) => t.stranger.request('OPTIONS', `sip:${t.domain}`, { headers: [`X-N: ${n}`] });

scenario('stranger-is-served', async t => {
  option(t, 1);
  await t.stranger.expect(200);
});

scenario('local-addresses-are-not-counted', async t => {
  for (let i = 0; i < 100; i++) t.alice.request('OPTIONS', `sip:${t.domain}`, {});
  await t.settle();
  t.alice.count(200, 100);
  t.alice.forget();
});

scenario(
  'too-many-requests-are-banned',
  async t => {
    let served = 0;
    for (let n = 1; n <= 120; n++) {
      option(t, n);
      await t.settle();
      if (t.stranger.entries.length > n - 1) served = n;
      else break;
    }
    // the limit is 16 in 2 s; it is counted per octet of the address, and the 2 s may end in between
    if (served < 16 || served > 100) throw new Error(`${served} requests were served`);
    t.stranger.forget();
    // banned now: no answer, whatever is asked
    option(t, 200);
    t.stranger.request('REGISTER', `sip:${t.domain}`, { from: `<${t.aor('x')}>`, to: `<${t.aor('x')}>` });
    await t.settle();
    t.alice.request('OPTIONS', `sip:${t.domain}`, {});
    await t.alice.expect(200);
    // and the ban outlasts the counting
    await t.pause(2_500);
    option(t, 201);
    await t.settle();
    t.stranger.count(200, 0);
  },
  { alone: true },
);
