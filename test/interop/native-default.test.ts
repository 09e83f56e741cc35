/**
 * The package's own kamailio.cfg, routed by its routing blocks: with each of its WITH_* defines it starts and answers, or says which module is not there. The list is
 * printed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkConfig } from '../../src/cli/check.ts';
import { createServer } from '../../src/transport/node/index.ts';
import { wasmModules } from '../support/wasm.ts';
import { answers } from './kamailio.ts';
import { needs } from './needs.ts';
import { createDatabase } from './scenario/database.ts';
import { configuration } from './scenario/servers.ts';
import { lacksServer } from './with-server.ts';

const skipped = needs('kamailio') || lacksServer('ours');
const PORT = 22850;

/** What each define needs that this version may not have; all others start. */
const ABSENT: Readonly<Record<string, readonly string[]>> = {
  WITH_ALIASDB: ['alias_db'],
  WITH_JSONRPC: ['xhttp'],
  WITH_MULTIDOMAIN: ['domain'],
  WITH_MYSQL: ['db_mysql'],
  WITH_NAT: ['rtpproxy'],
  WITH_PRESENCE: ['presence', 'presence_xml'],
  WITH_SPEEDDIAL: ['speeddial'],
  WITH_TLS: ['tls'],
};
/** Defines that change another one. */
const TOGETHER: Readonly<Record<string, readonly string[]>> = {
  WITH_IPAUTH: ['WITH_AUTH'],
  WITH_NATSIPPING: ['WITH_NAT'],
  WITH_RTPENGINE: ['WITH_NAT'],
};

let dir: string;
let file: string;
let defines: string[] = [];

beforeAll(() => {
  if (skipped) return;
  dir = mkdtempSync(join(tmpdir(), 'kemi-wasm-default-'));
  file = join(dir, 'kamailio.cfg');
  const text = configuration('native-etc', PORT, dir);
  writeFileSync(file, text);
  createDatabase(join(dir, 'kamailio.db'), [], PORT);
  defines = [...new Set([...readFileSync(file, 'utf8').matchAll(/^#!ifn?def +(WITH_\w+)/gm)].map(m => m[1]!))].sort();
});
afterAll(() => {
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const given = (names: readonly string[]): Record<string, string> => ({
  DBURL: `"sqlite://${dir}/kamailio.db"`,
  ...Object.fromEntries(names.map(name => [name, ''])),
});

/** Starts it, and lets it answer. */
async function starts(names: readonly string[]): Promise<void> {
  const server = await createServer({ config: file, defines: given(names) });
  try {
    await answers(PORT);
  } finally {
    await server.close();
  }
}

describe.skipIf(skipped)('kamailio.cfg of the package', () => {
  test('each define starts, or names what is not there', { timeout: 240_000 }, async () => {
    const list: string[] = [];
    const good: string[] = [];
    for (const name of defines) {
      const names = [name, ...(TOGETHER[name] ?? [])];
      const { found } = await checkConfig(file, { wasm: wasmModules(), defines: given(names) });
      const errors = found.filter(d => d.severity === 'error');
      const missing = [...new Set(errors.flatMap(d => /^cannot load module (\w+):/.exec(d.message)?.[1] ?? []))];
      if (errors.length === 0) {
        await starts(names);
        good.push(...names);
        list.push(`starts   ${names.join(' ')}`);
      } else list.push(`missing  ${names.join(' ')}: ${missing.join(' ')}`);
      const wanted = new Set(
        names.flatMap(n => (n === 'WITH_NAT' && names.includes('WITH_RTPENGINE') ? ['rtpengine'] : (ABSENT[n] ?? []))),
      );
      // what another version has learned is no mistake here
      expect([...wanted], name).toEqual(expect.arrayContaining(missing));
      expect(errors.length === 0 || missing.length > 0, `${name}: ${errors.map(e => e.message).join('; ')}`).toBe(true);
    }
    await starts([...new Set(good)]);
    list.push(`starts   all of these together: ${[...new Set(good)].join(' ')}`);
    console.log(list.join('\n'));
    expect(good.length).toBeGreaterThanOrEqual(9);
  });
});
