/**
 * Checks the seam between JavaScript and the two wasm modules: wasmoon's build imports exactly what src/core/load.ts gives (the pin is the list),
 * lua.wasm exports all that wasmoon's build does, the core imports only Lua's API and the hooks, and every core export that src/ names exists. Exit 1 with a list
 * otherwise. What package.json exports is built, and build/kemi-wasm.js stands alone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { callName } from '../src/kemi/call-name.ts';
import { MODULES } from '../src/modules/index.ts';
import { GLUE } from './glue.ts';

const root = new URL('..', import.meta.url).pathname;
const load = (file: string) => new WebAssembly.Module(readFileSync(join(root, 'build', file)));

/** The imports of wasmoon 1.16.0's glue.wasm. Another list means another build: check the in-place lane before changing it. */
const LUA_IMPORTS =
  'env.abort env.invoke_vii env.strftime env.system env.exit env.emscripten_date_now env._emscripten_get_now_is_monotonic env.__syscall_openat env.__syscall_fcntl64 env.__syscall_ioctl wasi_snapshot_preview1.fd_write wasi_snapshot_preview1.fd_read wasi_snapshot_preview1.fd_close env.__syscall_dup3 wasi_snapshot_preview1.environ_sizes_get wasi_snapshot_preview1.environ_get wasi_snapshot_preview1.fd_seek env._mktime_js env._localtime_js env._gmtime_js env.__syscall_unlinkat env.__syscall_rmdir env.__syscall_renameat env.__syscall_readlinkat env._tzset_js env.emscripten_resize_heap env._emscripten_throw_longjmp'.split(
    ' ',
  );
/** what load.ts gives the core, by import module */
const HOOKS: Readonly<Record<string, readonly string[]>> = {
  host: ['hostCall', 'pvGet', 'pvResolve', 'sendReply', 'tmReply', 'tmCall', 'isMyself', 'complain', 'cfgHost', 'log'],
  engine: ['engineCall'],
  env: ['memory', 'table', 'abort'],
};

const problems: string[] = [];
const lua = load('lua.wasm');
const luaImports = WebAssembly.Module.imports(lua).map(i => `${i.module}.${i.name}`);
for (const name of luaImports)
  if (!LUA_IMPORTS.includes(name)) problems.push(`lua.wasm imports ${name}, which is not in the pinned list`);
for (const name of LUA_IMPORTS) if (!luaImports.includes(name)) problems.push(`lua.wasm no longer imports ${name}`);

const luaExports = new Set(WebAssembly.Module.exports(lua).map(e => e.name));
const glueExports = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(GLUE))).map(e => e.name);
for (const name of glueExports) if (!luaExports.has(name)) problems.push(`lua.wasm does not export ${name}`);

const functions = MODULES.flatMap(module => module.functions).filter(fn => fn.wasm ?? fn.quick);
for (const file of ['core.wasm', 'core.debug.wasm']) {
  const core = load(file);
  for (const i of WebAssembly.Module.imports(core)) {
    const allowed = i.module === 'lua' ? luaExports.has(i.name) : HOOKS[i.module]?.includes(i.name);
    if (!allowed) problems.push(`${file} imports ${i.module}.${i.name}, which nobody gives`);
  }
  const exports = new Set(WebAssembly.Module.exports(core).map(e => e.name));
  for (const { file: source, name } of namedExports())
    if (!exports.has(name)) problems.push(`${source} uses the core export ${name}, which ${file} does not have`);
  for (const name of functions.map(callName))
    if (!exports.has(name)) problems.push(`${file} has no C function ${name}: run npm run build`);
}

/** Core exports that the sources name: `x.name(`, `core.x.name` and `wasm: 'name'`. */
function namedExports(): { file: string; name: string }[] {
  const found: { file: string; name: string }[] = [];
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    // The prelude is Lua.
    if (!entry.endsWith('.ts') || entry.includes('gen/') || entry.endsWith('prelude.ts')) continue;
    const text = readFileSync(join(root, 'src', entry), 'utf8');
    for (const m of text.matchAll(/\bcore\.x\.(\w+)|[^.\w]x\.(\w+)\(|\b(?:wasm|quick): '(\w+)'/g))
      found.push({ file: `src/${entry}`, name: (m[1] ?? m[2] ?? m[3])! });
  }
  return found;
}

/** What package.json promises to importers is there; the file that stands alone has what the others have, and imports nothing. */
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, Target>;
};
type Target = string | { readonly [condition: string]: Target };
const filesOf = (target: Target): string[] =>
  typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
for (const [name, target] of Object.entries(exports))
  for (const file of filesOf(target))
    if (!existsSync(join(root, file))) problems.push(`package.json exports ${name} as ${file}, which is not there`);
const standalone = join(root, 'build/kemi-wasm.js');
if (existsSync(standalone)) {
  const names = Object.keys((await import(standalone)) as object);
  for (const file of ['index', 'transport/edge/index', 'transport/browser/index'])
    for (const name of Object.keys((await import(join(root, `src/${file}.ts`))) as object))
      if (!names.includes(name)) problems.push(`build/kemi-wasm.js does not export ${name} of src/${file}.ts`);
  if (/^\s*import\b(?!\s*\.)/m.test(readFileSync(standalone, 'utf8')))
    problems.push('build/kemi-wasm.js imports something');
}

for (const problem of new Set(problems)) console.error(problem);
console.log(`check-exports: ${problems.length ? `${problems.length} problems` : 'the seams fit'}`);
process.exit(problems.length ? 1 : 0);
