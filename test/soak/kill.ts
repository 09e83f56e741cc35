/**
 * kill -9: `npm run soak:kill [-- --with kamailio]`.
 * While 10,000 phones register (usrloc db_mode 1 on SQLite) the server is killed three times: after each restart every AoR that was answered 200 is found.
 * While 1,000 calls run it is killed once: it serves again in under 2 s, and every call made then ends well. Exit status 1 when not.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { CallLoad, sleep } from './calls.ts';
import { run } from './load.ts';
import { StatefulServer, type Which } from './stateful.ts';

const PORT = 21770;
const REGISTRATIONS = 10_000;
const CALLS = 1_000;
const BACK_MS = 2_000;

const { values } = parseArgs({
  options: {
    with: { type: 'string', default: 'ours' },
    registrations: { type: 'string', default: String(REGISTRATIONS) },
  },
});
if (values.with !== 'ours' && values.with !== 'kamailio') throw new RangeError('--with takes ours or kamailio');
const which: Which = values.with;
let failed = false;
const fail = (text: string) => {
  failed = true;
  console.log(`FAILED: ${text}`);
};

const register = (n: number, local: number, more: string) =>
  `REGISTER sip:127.0.0.1:${PORT} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${local};branch=z9hG4bK-${n}\r\nMax-Forwards: 70\r\nFrom: <sip:u${n}@127.0.0.1:${PORT}>;tag=${n}\r\nTo: <sip:u${n}@127.0.0.1:${PORT}>\r\nCall-ID: reg-${n}@soak\r\nCSeq: 1 REGISTER\r\n${more}Content-Length: 0\r\n\r\n`;

/** AoRs of `wanted` that the server has no binding of. */
async function notFound(wanted: readonly number[]): Promise<number[]> {
  const missing: number[] = [];
  const found = new Set<number>();
  const lost = await run({
    port: PORT,
    count: wanted.length,
    // what the branch ends in is the place in the list
    request: (i, local) => register(wanted[i]!, local, '').replace(/branch=z9hG4bK-\d+/, `branch=z9hG4bK-${i}`),
    answer(i, bytes) {
      const n = wanted[i]!;
      if (bytes.toString('latin1').includes(`Contact: <sip:u${n}@`)) found.add(n);
      else missing.push(n);
    },
  });
  return [...missing, ...lost.map(i => wanted[i]!)].filter(n => !found.has(n));
}

async function registrations(count: number): Promise<void> {
  const server = new StatefulServer({ which, port: PORT, database: true });
  await server.start();
  const answered = new Set<number>();
  const refused = new Map<string, number>();
  const kills = [0.25, 0.5, 0.75].map(part => Math.floor(count * part));
  try {
    const started = performance.now();
    const lost = await run({
      port: PORT,
      count,
      request: (n, local) => register(n, local, `Contact: <sip:u${n}@127.0.0.1:5070>\r\nExpires: 1800\r\n`),
      answer(n, bytes) {
        const code = bytes.toString('latin1', 8, 11);
        if (code === '200') answered.add(n);
        else refused.set(code, (refused.get(code) ?? 0) + 1);
      },
      before(n) {
        if (n !== kills[0]) return undefined;
        kills.shift();
        return (async () => {
          // with requests under way
          await server.kill();
          const promised = [...answered];
          const ms = await server.start();
          const missing = await notFound(promised);
          console.log(
            `killed after ${promised.length} registrations: back in ${Math.round(ms)} ms, ${missing.length} of them missing`,
          );
          if (missing.length)
            fail(`${missing.length} AoRs that were answered 200 are gone: ${missing.slice(0, 5).join(' ')} ...`);
          if (ms > BACK_MS) fail(`it took ${Math.round(ms)} ms to serve again`);
        })();
      },
    });
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `${answered.size} of ${count} registrations answered 200 in ${seconds.toFixed(1)} s, ${lost.length} cut off by the kills`,
    );
    if (refused.size) fail(`refused: ${[...refused].map(([code, n]) => `${n} ${code}`).join(', ')}`);
    // all that were under way when it died
    if (lost.length > 3 * 64) fail(`${lost.length} registrations were not answered`);
    await server.kill();
    await server.start();
    const missing = await notFound([...answered]);
    console.log(`after the last restart: ${answered.size - missing.length} of ${answered.size} AoRs found`);
    if (missing.length) fail(`${missing.length} AoRs that were answered 200 are gone`);
  } finally {
    await server.close();
  }
}

async function calls(): Promise<void> {
  const server = new StatefulServer({ which, port: PORT, database: true });
  await server.start();
  const kinds = ['a', 'a', 'a', 'c', 'r'] as const;
  const load = new CallLoad({ port: PORT, kind: n => kinds[n % kinds.length]!, window: 100, lostMs: 5_000 });
  await load.open();
  try {
    const running = load.run(CALLS);
    while (load.ended < CALLS / 2) await sleep(1);
    const killed = performance.now();
    await server.kill();
    await server.start();
    const back = performance.now() - killed;
    await running;
    const { done, lost, wrong } = load.tally;
    console.log(
      `killed during ${CALLS} calls: serving again ${Math.round(back)} ms later; ${done} ended well, ${lost} were cut off`,
    );
    if (back > BACK_MS) fail(`it took ${Math.round(back)} ms to serve again`);
    // a request in a dialog of before passes along its record route; what was answered by nobody is cut off
    if (lost > 300) fail(`${lost} calls were cut off`);
    if (wrong.size) console.log(`ended otherwise: ${[...wrong].map(([what, n]) => `${n} x ${what}`).join(', ')}`);
    const before = load.tally.done;
    const lostBefore = load.tally.lost;
    await load.run(CALLS);
    const well = load.tally.done - before;
    console.log(`after the restart: ${well} of ${CALLS} calls ended well, ${load.tally.lost - lostBefore} lost`);
    if (well !== CALLS) fail(`${CALLS - well} calls after the restart did not end well`);
  } finally {
    load.close();
    await server.close();
  }
}

// how fast it is back is a matter of what users run: the build
execFileSync(process.execPath, [new URL('../../scripts/build.ts', import.meta.url).pathname, 'ts'], {
  stdio: 'inherit',
});
process.env.KEMI_BUILT = '1';

await registrations(Number(values.registrations));
await calls();
process.exitCode = failed ? 1 : 0;
