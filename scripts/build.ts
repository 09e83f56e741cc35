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
/** id of a section; one that has a segment at 1, which is empty */
const ELEMENTS = 9;
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
  const { WINDOW_BASE } = await import('../src/core/gen/layout.gen.ts');
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
    refuseFunctionValues(readFileSync(path(target === 'release' ? 'build/core.wasm' : 'build/core.debug.wasm')));
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

/** @throws Error when the module puts functions into the table that it shares with Lua: they would take the places of Lua's own */
function refuseFunctionValues(bytes: Uint8Array): void {
  let at = 8;
  const size = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const next = size() + at;
    if (id === ELEMENTS && bytes.subarray(at, next).join() !== NO_ELEMENTS)
      throw new Error('the core has function values: write functions, not arrow functions, in wasm/');
    at = next;
  }
}
