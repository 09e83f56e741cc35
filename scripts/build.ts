/**
 * Builds everything that is not in git: generated tables, build/core.wasm (and the debug one), build/*.js with their types, build/stubs.
 * `node scripts/build.ts [gen|wasm|debug|ts|stubs]...`; no argument is all. Needs nothing but what `npm ci` installed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { generateCalls } from './gen-calls.ts';
import { generate } from './gen-tables.ts';
import { buildLua } from './lua-wasm.ts';

const root = new URL('..', import.meta.url);
const path = (p: string) => new URL(p, root).pathname;
const only = process.argv.slice(2);
const wants = (part: string) => only.length === 0 || only.includes(part);
/** a section with one segment at 1, which is empty */
const NO_ELEMENTS = '1,0,65,1,11,0';
const run = (bin: string, ...args: string[]) =>
  execFileSync(process.execPath, [path(bin), ...args], { cwd: path('.'), stdio: 'inherit' });

mkdirSync(path('build'), { recursive: true });
generate();
if (wants('gen') || wants('wasm') || wants('debug')) {
  const { MODULES } = await import('../src/modules/index.ts');
  generateCalls(MODULES.flatMap(module => module.functions));
}
if (wants('wasm') || wants('debug')) {
  const { WINDOW_BASE, WINDOW_SIZE } = await import('../src/core/gen/layout.gen.ts');
  for (const target of only.includes('debug') ? ['debug'] : only.length ? ['release'] : ['release', 'debug']) {
    run(
      'node_modules/assemblyscript/bin/asc.js',
      '--config',
      'asconfig.json',
      '--target',
      target,
      '--memoryBase',
      String(WINDOW_BASE),
    );
    const file = path(target === 'release' ? 'build/core.wasm' : 'build/core.debug.wasm');
    const end = dataEnd(readFileSync(file));
    if (end > WINDOW_BASE + WINDOW_SIZE)
      throw new Error(
        `static data of ${file} ends at ${end}, outside the window that ends at ${WINDOW_BASE + WINDOW_SIZE}: raise WINDOW_SIZE in scripts/gen-tables.ts`,
      );
  }
  await buildLua(path('build/lua.wasm'));
}
if (wants('ts') && existsSync(path('src/index.ts'))) {
  // what a file that is gone left behind
  for (const { name } of readdirSync(path('src'), { withFileTypes: true }).filter(entry => entry.isDirectory()))
    rmSync(path(`build/${name}`), { recursive: true, force: true });
  // tsc writes the types only
  run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json');
  await (await import('./javascript.ts')).compile(path('.'));
  await (await import('./standalone.ts')).bundle(path('.'));
}

if (wants('stubs')) await (await import('./gen-docs.ts')).generateStubs(path('.'));

/** The address behind the last byte of the module's active data segments. */
function dataEnd(bytes: Uint8Array): number {
  let at = 8,
    end = 0;
  const leb = (signed = false) => {
    let value = 0,
      shift = 0,
      byte: number;
    do {
      byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte & 128);
    return signed && shift < 32 && byte & 64 ? value | (-1 << shift) : value;
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const next = leb() + at;
    // they would take the places of Lua's in the table that both share
    if (id === 9 && bytes.subarray(at, next).join() !== NO_ELEMENTS)
      throw new Error('the core has function values: write functions, not arrow functions, in wasm/');
    if (id === 11) {
      for (let n = leb(); n > 0; n--) {
        if (leb() !== 0 || bytes[at++] !== 0x41) throw new Error('a data segment that is not at a constant address');
        const from = leb(true);
        at++;
        const length = leb();
        at += length;
        end = Math.max(end, from + length);
      }
    }
    at = next;
  }
  return end;
}
