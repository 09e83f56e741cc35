/** Makes docs/api.md and build/stubs/lua/ksr.lua from the module tables. `node scripts/gen-docs.ts` */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../src/version.ts';
import { apiPage } from './docs/api-page.ts';
import { luaStubs } from './docs/lua-stubs.ts';
import { readModules } from './docs/read.ts';

/** @returns files (below root) and what belongs in them */
export async function docFiles(root: string): Promise<Map<string, string>> {
  const modules = await readModules(root);
  return new Map([
    ['docs/api.md', apiPage(modules)],
    ['build/stubs/lua/ksr.lua', luaStubs(modules, VERSION)],
  ]);
}

/** Writes what differs. */
export async function generateDocs(root: string): Promise<void> {
  for (const [name, text] of await docFiles(root)) {
    const file = path.join(root, name);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await generateDocs(fileURLToPath(new URL('..', import.meta.url)));
