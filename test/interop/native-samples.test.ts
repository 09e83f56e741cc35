/**
 * Every config among the examples of the Kamailio packages: it is read without an error, or all its errors name a module that is not there, or the real
 * Kamailio refuses it, too, whatever modules there are (examples from the time of SER and OpenSER). The list is printed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkConfig } from '../../src/cli/check.ts';
import type { Diagnostic } from '../../src/errors.ts';
import { wasmModules } from '../support/wasm.ts';
import { findKamailio } from './kamailio.ts';
import { needs } from './needs.ts';

const skipped = needs('kamailio');

/** What stands beside the configs, and is none by itself. */
const NOT_ALONE: readonly (readonly [path: RegExp, why: string])[] = [
  [/\.m4$/, 'source of m4, which no Kamailio reads'],
  [/\/tls\.cfg$/, 'settings of module tls'],
  [/\/ims\/(\w+)\/\1\.cfg$/, 'included by its kamailio.cfg'],
  [/\/ims\/pcscf\/route\//, 'included by its kamailio.cfg'],
  [/\/kamailio-basic-kemi-native\.cfg$/, 'included by kamailio-basic-kemi.cfg'],
];

/** Errors that name a module (or a database, or TLS, which are modules) that this version has not. */
const NAMES_MODULE =
  /(?<!this command of )module \w+ is not available in this version|^cannot load module \w+: |belongs to module \w+, which is not loaded or not available|tls is not available in this version/;

let dir: string;
let samples: string[] = [];

beforeAll(() => {
  if (skipped) return;
  dir = mkdtempSync(join(tmpdir(), 'kemi-wasm-samples-'));
  const packages = execFileSync('dpkg-query', ['-W', '-f', '$' + '{db:Status-Status} $' + '{Package}\n', 'kamailio*'], {
    encoding: 'utf8',
  });
  const installed = packages
    .split('\n')
    .flatMap(l => (l.startsWith('installed ') ? [l.slice('installed '.length)] : []));
  const files = execFileSync('dpkg', ['-L', ...installed], { encoding: 'utf8' }).split('\n');
  const folder = files.find(f => f.endsWith('/kamailio/examples'));
  const wanted = files.filter(f => /\.(cfg|m4)(\.sample)?$/.test(f) && existsSync(f));
  if (folder) cpSync(folder, join(dir, 'examples'), { recursive: true, dereference: true });
  samples = [...new Set(wanted)].map(file => {
    let copy = join(dir, folder && file.startsWith(folder) ? `examples${file.slice(folder.length)}` : file.slice(1));
    if (!copy.startsWith(join(dir, 'examples'))) cpSync(file, copy, { recursive: true });
    if (copy.endsWith('.sample')) {
      renameSync(copy, copy.slice(0, -'.sample'.length));
      copy = copy.slice(0, -'.sample'.length);
    }
    // The one path in them that leads out of the examples.
    const text = readFileSync(copy, 'latin1');
    const here = text.replaceAll(
      '/usr/local/etc/kamailio/kamailio-basic-kemi-',
      `${dirname(copy)}/kamailio-basic-kemi-`,
    );
    if (here !== text) writeFileSync(copy, here, 'latin1');
    return copy;
  });
});
afterAll(() => {
  if (dir) rmSync(dir, { recursive: true, force: true });
});

/** What Kamailio says of a config with its modules looked for where they are, apart from modules that are not installed. */
function kamailioRefuses(file: string): { line: number; message: string }[] {
  const { modules } = findKamailio() as { modules: string };
  const plain = `${file}.plain`;
  const text = readFileSync(file, 'latin1')
    .replace(/^([ \t]*loadmodule[ \t]*\(?[ \t]*")[^"\n]*\/([^"/\n]+")/gm, '$1$2')
    .replace(/^[ \t]*(mpath|loadpath)\b/gm, '#$1');
  writeFileSync(plain, text, 'latin1');
  const { stdout, stderr } = spawnSync('kamailio', ['-c', '-L', modules, '-f', plain], { encoding: 'latin1' });
  rmSync(plain);
  let about = '';
  return `${stdout}${stderr}`.split('\n').flatMap(line => {
    const at = /parse error in config file .*, line (\d+), column [\d-]+: ?(.*)/.exec(line);
    // the reason stands in the line before
    if (!at) about = line.replace(/^.*\]: /, '');
    if (!at || /No module matching|could not find module|could not open module/.test(about)) return [];
    return [{ line: Number(at[1]), message: at[2] === 'unknown command, missing loadmodule?' ? about : at[2]! }];
  });
}

const shown = (d: Diagnostic) => `${d.line}:${d.column}: ${d.message}`;

describe.skipIf(skipped)('the examples of the packages', () => {
  test('each is read, or names what is not there, or is refused by Kamailio, too', { timeout: 300_000 }, async () => {
    const list: string[] = [];
    const counts = { read: 0, modules: 0, refused: 0, parts: 0 };
    const wrong: string[] = [];
    for (const file of samples.sort()) {
      const name = file.slice(dir.length + 1);
      const part = NOT_ALONE.find(([path]) => path.test(file));
      if (part) {
        counts.parts++;
        list.push(`-        ${name}: ${part[1]}`);
        continue;
      }
      const { found } = await checkConfig(file, { wasm: wasmModules() });
      const errors = found.filter(d => d.severity === 'error');
      const others = errors.filter(d => !NAMES_MODULE.test(d.message));
      if (errors.length === 0) {
        counts.read++;
        list.push(`read     ${name}`);
      } else if (others.length === 0) {
        const modules = new Set(
          errors.flatMap(d => /module (\w+)|(tls)/i.exec(d.message)?.slice(1, 3).filter(Boolean) ?? []),
        );
        counts.modules++;
        list.push(`modules  ${name}: ${[...modules].sort().join(' ')}`);
      } else {
        const theirs = kamailioRefuses(file);
        const same =
          theirs.find(t => others.some(o => Math.abs(o.line - t.line) <= 1)) ??
          theirs.find(t => /syntax error/.test(t.message));
        if (!same) wrong.push(`${name}: ${others.map(shown).join('; ')}`);
        counts.refused++;
        list.push(`refused  ${name}: ${same ? `Kamailio, line ${same.line}: ${same.message}` : shown(others[0]!)}`);
      }
    }
    console.log(`${list.join('\n')}\n${JSON.stringify(counts)}`);
    expect(wrong).toEqual([]);
    expect(counts.read).toBeGreaterThanOrEqual(8);
    expect(counts.read + counts.modules + counts.refused + counts.parts).toBe(samples.length);
  });
});
