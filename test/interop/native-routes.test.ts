/** Where commands are allowed: each of ours in each kind of block, against what the real Kamailio says of it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Command, commandsOf } from '../../src/interp/cfg/commands.ts';
import { testRuntime } from '../support/runtime.ts';
import { findings } from '../unit/interp/cfg/native.ts';
import { findKamailio } from './kamailio.ts';
import { needs } from './needs.ts';

const skipped = needs('kamailio-sqlite-modules');

const BLOCKS: Readonly<Record<string, string>> = {
  request: 'request_route',
  failure: 'failure_route[F]',
  branch: 'branch_route[B]',
  onreply: 'onreply_route[R]',
  reply: 'reply_route',
  event: 'event_route[tm:local-request]',
  onsend: 'onsend_route',
};
/** Those of the loaded modules that Debian's packages above have. */
const MODULES =
  'tm sl tmx rr pv xlog textops textopsx maxfwd siputils corex cfgutils kex usrloc registrar nathelper auth sanity htable ipops statistics counters pike permissions uuid jsonrpcs kemix acc db_sqlite auth_db'.split(
    ' ',
  );

function argument(fixup: string): string {
  if (fixup.startsWith('int')) return '"1"';
  if (fixup.startsWith('flag')) return '1';
  return fixup === 'pair' ? '"a=>b"' : '"x"';
}

/** A call with the parameters that it must have. */
const callOf = ({ name, params }: Command): string =>
  `${name}(${params
    .filter(p => !p.endsWith('?'))
    .map(argument)
    .join(',')});`;

/** Lines, counted from 0 below the head, that Kamailio refuses for the block they stand in; undefined for those that it does not know or that it refuses for something else. */
function kamailio(dir: string, block: string, calls: readonly string[]): (boolean | undefined)[] {
  const { modules } = findKamailio() as { modules: string };
  const main = block === 'request_route' ? '' : 'request_route { exit; }\n';
  const head = `#!KAMAILIO\nmpath="${modules}/"\n${MODULES.map(m => `loadmodule "${m}.so"\n`).join('')}${main}${block} {\n`;
  const file = join(dir, 'k.cfg');
  writeFileSync(file, `${head}${calls.join('\n')}\n}\n`);
  const { stdout, stderr } = spawnSync('kamailio', ['-c', '-f', file], { encoding: 'latin1' });
  const said = new Map<number, string>();
  let before = '';
  for (const line of `${stdout}${stderr}`.split('\n')) {
    const at = /, line (\d+), column [\d-]+: ?(.*)/.exec(line);
    if (at) said.set(Number(at[1]), `${said.get(Number(at[1])) ?? ''}${before} ${at[2]}`);
    else before = line;
  }
  const first = head.split('\n').length;
  return calls.map((_, i) => {
    const text = said.get(first + i) ?? '';
    if (/failed to find|syntax error/.test(text)) return undefined;
    return /misused command|not allowed/.test(text);
  });
}

test.skipIf(skipped)('each command is allowed where Kamailio allows it', { timeout: 120_000 }, () => {
  const { runtime } = testRuntime(undefined, { engine: 'native' });
  const calls = [...new Set([...commandsOf(runtime.bridge).values()].flat().map(callOf))];
  const dir = mkdtempSync(join(tmpdir(), 'kemi-wasm-routes-'));
  const wrong: string[] = [];
  let compared = 0;
  try {
    for (const [kind, block] of Object.entries(BLOCKS)) {
      const theirs = kamailio(dir, block, calls);
      const main = block === 'request_route' ? '' : 'request_route { exit; }\n';
      const found = findings(`${main}${block} {\n${calls.join('\n')}\n}\n`);
      const first = main ? 3 : 2;
      const refused = new Set(
        found.flatMap(f => {
          const at = /^(\d+):\d+: error: \w+ cannot be used in/.exec(f);
          return at ? [Number(at[1]) - first] : [];
        }),
      );
      theirs.forEach((refuses, i) => {
        if (refuses === undefined) return;
        compared++;
        if (refuses !== refused.has(i))
          wrong.push(`${kind}: ${calls[i]} ${refuses ? 'is refused' : 'is allowed'} there`);
      });
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  console.log(`${calls.length} commands in ${Object.keys(BLOCKS).length} kinds of blocks: ${compared} compared`);
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(1000);
});
