/** Makes docs/api.md and build/stubs/lua/ksr.lua from the module tables. `node scripts/gen-docs.ts` */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../src/version.ts';
import { apiPage } from './docs/api-page.ts';
import { luaStubs } from './docs/lua-stubs.ts';
import { readModules } from './docs/read.ts';

/** Writes the editor stubs: part of every build. */
export async function generateStubs(root: string): Promise<void> {
  write(path.join(root, 'build/stubs/lua/ksr.lua'), luaStubs(await readModules(root), VERSION));
}

/** Writes the reference page: it is in git, so that it can be read there. */
export async function generatePage(root: string): Promise<void> {
  write(path.join(root, 'docs/api.md'), apiPage(await readModules(root)));
}

function write(file: string, text: string): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  await generateStubs(root);
  await generatePage(root);
}
