/**
 * A load generator in C that is no part of this project: $LOADGEN is the path of its source. Its six workloads through the sample script, the sample's routing blocks
 * and the package's own config: nothing lost.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { GroupName } from './scenario/scenario.ts';
import { lacksServer, type Which, withServer } from './with-server.ts';

const PORT = 21780;
const SOURCE = process.env.LOADGEN;
const dir = mkdtempSync(join(tmpdir(), 'loadgen-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Path of the compiled program; undefined when it cannot be had. */
function compiled(): string | undefined {
  if (!SOURCE || spawnSync('gcc', ['--version'], { stdio: 'ignore' }).error) {
    console.log('SKIPPED: the source of loadgen ($LOADGEN) or gcc is not there');
    return undefined;
  }
  const program = join(dir, 'loadgen');
  execFileSync('gcc', ['-O2', '-w', '-o', program, SOURCE]);
  return program;
}

const program = compiled();

/** name, arguments, how each request ends */
const WORKLOADS: readonly [name: string, args: string[], code: string][] = [
  ['options', ['-m', 'options', '-n', '4000'], '200'],
  ['too many hops', ['-m', 'options0', '-n', '4000'], '483'],
  ['register', ['-m', 'register', '-n', '2000', '-a', '2000'], '200'],
  ['refresh', ['-m', 'register', '-n', '2000', '-a', '2000', '-q', '100'], '200'],
  ['call', ['-m', 'call', '-n', '1500', '-a', '2000'], '200'],
  ['not found', ['-m', 'notfound', '-n', '2000'], '404'],
];

async function load(args: readonly string[]): Promise<Map<string, string>> {
  const child = spawn(program!, [
    '-t',
    `127.0.0.1:${PORT}`,
    '-s',
    String(PORT + 1),
    '-u',
    String(PORT + 2),
    '-T',
    '2000',
    ...args,
  ]);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text;
  });
  await new Promise(resolve => child.once('close', resolve));
  return new Map([...out.matchAll(/(\S+)=(\S*)/g)].map(m => [m[1]!, m[2]!]));
}

describe.each<[Which, GroupName]>([
  ['kamailio', 'basic'],
  ['ours', 'basic'],
  ['ours', 'native'],
  ['ours', 'native-etc'],
])('with %s as the server, %s', (which, group) => {
  test.skipIf(!program || lacksServer(which))('the six workloads lose nothing', { timeout: 180_000 }, async () => {
    await withServer(which, group, PORT, async () => {
      for (const [name, args, code] of WORKLOADS) {
        const result = await load(args);
        console.log(`${which}, ${group}, ${name}: ${[...result].map(([k, v]) => `${k}=${v}`).join(' ')}`);
        expect(result.get('lost'), name).toBe('0');
        expect(
          [...result.keys()].filter(key => /^c\d{3}$/.test(key)),
          name,
        ).toEqual([`c${code}`]);
      }
    });
  });
});
