/**
 * Reload under load: `npm run bench:reload [-- --port N]`. Twenty reloads, good and broken in turn, while 20,000 OPTIONS are answered. None stays unanswered, each
 * answer carries the version that was loaded then, and each broken script is refused with its file and line. Exit status 1 when one of it fails.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { callCtl } from '../../src/transport/node/ctl.ts';
import { startServer } from '../interop/server.ts';
import { options, run } from './load.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '20640' } } });
const port = Number(values.port);
const MESSAGES = 20_000;
const RELOADS = 20;
const GOOD = readFileSync(new URL('../fixtures/soak.lua', import.meta.url), 'utf8');

/**
 * Ways of breaking a script: the text, and the line that Lua names, which is the line of the token it stumbles over: for a text that ends too early its
 * last one, for `ted` in place of `end` the line behind it. Each would answer with version "half" if it were ever used.
 */
const BROKEN: readonly (readonly [why: string, source: string, line: number])[] = [
  ['a text that ends too early', `${versioned('half')}\nfunction oops(\n`, 14],
  ['an error half way down', versioned('half').replace('\nfunction', '\nnosuch.thing = 1\nfunction'), 4],
  ['no request route', 'VERSION = "half"\nfunction ksr_reply_route() end\n', 0],
  ['a misspelt end', versioned('half').replace('\tend', '\ted'), 9],
  ['a file written by half', versioned('half').slice(0, versioned('half').indexOf('X-Version') + 4), 9],
];

function versioned(version: string): string {
  return GOOD.replace('VERSION = "1"', `VERSION = "${version}"`);
}

const dir = mkdtempSync(join(tmpdir(), 'reload-'));
const script = join(dir, 'routing.lua');
const ctl = join(dir, 'ctl.sock');
writeFileSync(script, GOOD);
const server = await startServer(
  [script, '--listen', `udp:127.0.0.1:${port}`, '--ctl', ctl, '--log-level', 'fatal'],
  port,
);
const problems: string[] = [];
const seen = new Map<string, number>();
let loaded = 1;
let reported = 0;
let pending = Promise.resolve();

async function reload(k: number): Promise<void> {
  if (k % 2 === 0) {
    // From the swap on only the new version may answer, until then only the old one.
    writeFileSync(script, versioned(String(loaded + 1)));
    await callCtl(ctl, 'app_lua.reload', [], 5_000);
    loaded++;
    return;
  }
  const [why, source, line] = BROKEN[((k - 1) / 2) % BROKEN.length]!;
  writeFileSync(script, source);
  try {
    await callCtl(ctl, 'app_lua.reload', [], 5_000);
    problems.push(`reload ${k + 1}, ${why}: it was accepted`);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const place = line ? `${script}:${line}: ` : `${script}: `;
    if (text.includes(place)) reported++;
    else problems.push(`reload ${k + 1}, ${why}: the report does not name ${place}: ${text}`);
  }
}

try {
  const each = MESSAGES / RELOADS;
  const sentWith = new Int32Array(MESSAGES);
  const lost = await run({
    port,
    count: MESSAGES,
    window: 32,
    // Reloads go on beside the load: nobody waits for them but the next one.
    before: n => {
      sentWith[n] = loaded;
      if (n % each === each / 2) pending = pending.then(() => reload((n - each / 2) / each));
      return n % each === each - 1 ? pending : undefined;
    },
    request: (n, local) => options(n, local, 70),
    answer: (n, bytes) => {
      const version = /\r\nX-Version: (\w+)\r\n/.exec(bytes.toString('latin1'))?.[1] ?? 'none';
      seen.set(version, (seen.get(version) ?? 0) + 1);
      const number = Number(version);
      if (!(number >= sentWith[n]! && number <= loaded + 1))
        problems.push(
          `request ${n} was answered by version ${version} while version ${sentWith[n]} to ${loaded} was loaded`,
        );
    },
  });
  await pending;
  if (lost.length) problems.push(`${lost.length} requests were not answered`);
  if (loaded !== 1 + RELOADS / 2) problems.push(`${loaded - 1} of ${RELOADS / 2} good scripts were loaded`);
  console.log(
    `${MESSAGES} OPTIONS, ${lost.length} unanswered; ${loaded - 1} good reloads; ${reported} broken ones refused with their place; answers by version: ${[...seen].map(([v, n]) => `${v}: ${n}`).join(', ')}`,
  );
  for (const problem of problems.slice(0, 20)) console.log(problem);
  process.exitCode = problems.length ? 1 : 0;
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
