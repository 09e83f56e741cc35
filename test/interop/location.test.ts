/**
 * registrar and usrloc of the real Kamailio: its answers to the steps of test/fixtures/location/cases.ts are what test/unit/modules/registrar compares
 * with. RECORD=1 writes them; without it they must still be what was recorded.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { expect, test } from 'vitest';
import { CLIENT, GROUPS, type Group, SERVER } from '../fixtures/location/cases.ts';
import {
  type Exchange,
  fence,
  fenceResults,
  normalised,
  readGolden,
  writeGolden,
} from '../fixtures/location/golden.ts';
import { startKamailio } from './kamailio.ts';
import { needs } from './needs.ts';

const record = process.env.RECORD === '1';
const script = new URL('../fixtures/location/location.lua', import.meta.url).pathname;

async function run(group: Group): Promise<Exchange[]> {
  const config = [
    ...['usrloc', 'registrar', 'jsonrpcs'].map(name => `loadmodule "${name}.so"`),
    'modparam("jsonrpcs", "transport", 0)',
    'modparam("usrloc", "preload", "location")',
    ...group.params.map(([m, n, v]) => `modparam("${m}", "${n}", ${typeof v === 'number' ? v : `"${v}"`})`),
  ].join('\n');
  const kamailio = await startKamailio({ port: SERVER.port, script, config, debug: -2 });
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(CLIENT.port, CLIENT.ip, resolve));
  const out: Exchange[] = [];
  try {
    for (const [step, what] of group.steps.entries()) {
      if (typeof what === 'number') {
        await new Promise(resolve => setTimeout(resolve, what));
        continue;
      }
      const replies: string[] = [];
      const results = await new Promise<string[]>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`silent after step ${step} of ${group.name}`)), 3000);
        socket.removeAllListeners('message').on('message', data => {
          const text = data.toString('latin1');
          const found = fenceResults(text);
          if (!found) {
            replies.push(text);
            return;
          }
          clearTimeout(late);
          resolve(found);
        });
        socket.send(Buffer.from(what, 'latin1'), SERVER.port, SERVER.ip);
        socket.send(fence(step), SERVER.port, SERVER.ip);
      });
      out.push({ group: group.name, step, ...normalised({ replies, results }) });
    }
  } finally {
    socket.close();
    await kamailio.stop();
  }
  return out;
}

/** seconds that pass in between may show */
const withoutSeconds = (exchanges: readonly Exchange[]) =>
  JSON.stringify(exchanges, null, 1).replace(
    /expires=(\d+)/g,
    (_all, sec) => `expires=${Math.round(Number(sec) / 5) * 5}`,
  );

test.skipIf(needs('kamailio'))('Kamailio answers REGISTER as it was recorded', { timeout: 120_000 }, async () => {
  const all: Exchange[] = [];
  for (const group of GROUPS) all.push(...(await run(group)));
  if (record) {
    const version = execFileSync('kamailio', ['-v'], { encoding: 'utf8' }).split('\n')[0]!.trim();
    writeGolden(version, all);
  }
  expect(withoutSeconds(all)).toBe(withoutSeconds(readGolden().exchanges));
});
