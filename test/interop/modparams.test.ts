/**
 * Types of module parameters: a config may give a parameter as a number or as a string exactly where the real Kamailio takes it so. Parameters that 5.6.3 does not know (newer
 * ones, our own) are left out.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadmoduleName, MACHINERY } from '../../src/cfg/modules.ts';
import { MODULES } from '../../src/modules/index.ts';
import { needs } from './needs.ts';

const skipped = needs('kamailio');
/** what some modules need in front of them */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  acc: ['sl', 'tm', 'rr'],
  registrar: ['sl', 'tm', 'usrloc'],
  tmx: ['sl', 'tm'],
  auth_db: ['sl', 'auth'],
  nathelper: ['sl', 'tm', 'usrloc'],
};

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kemi-modparams-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** 'int', 'str', 'any'; undefined when there is no such parameter or module */
function typeThere(module: string, name: string): string | undefined {
  const takes = (value: string): boolean => {
    const file = join(dir, 'kamailio.cfg');
    const loads = [...(BEFORE[module] ?? []), module].map(m => `loadmodule "${m}.so"`);
    writeFileSync(
      file,
      [
        'listen=udp:127.0.0.1:21291',
        'disable_tcp=yes',
        'auto_aliases=no',
        ...loads,
        `modparam("${module}", "${name}", ${value})`,
        '',
      ].join('\n'),
    );
    const { stdout, stderr } = spawnSync('kamailio', ['-c', '-E', '-f', file, '-Y', dir], {
      encoding: 'latin1',
      timeout: 20_000,
    });
    const said = stdout + stderr;
    return !/not found in module|could not find module|failed to load module/.test(said);
  };
  const int = takes('1');
  const str = takes('"1"');
  return int && str ? 'any' : int ? 'int' : str ? 'str' : undefined;
}

const OURS = MODULES.flatMap(m => {
  const name = loadmoduleName(m.name);
  return name === undefined || Object.keys(m.modparams).length === 0
    ? []
    : [[name, Object.entries(m.modparams).map(([param, { type }]) => [param, type] as const)] as const];
});
const THEIRS = Object.entries(MACHINERY)
  .filter(([, m]) => Object.keys(m.params).length > 0)
  .map(([name, m]) => [name, Object.entries(m.params)] as const);

describe.skipIf(skipped)('parameters have the types that Kamailio takes', () => {
  test.each([...OURS, ...THEIRS])(
    '%s',
    (module, params) => {
      const wrong = params.flatMap(([param, type]) => {
        const there = typeThere(module, param);
        return there === undefined || there === type || there === 'any'
          ? []
          : [`${param}: ${type} here, ${there} there`];
      });
      expect(wrong).toEqual([]);
    },
    60_000,
  );
});
