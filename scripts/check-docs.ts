/**
 * Holds the documentation to the tables: each function has a doc comment in order, each module's README names its functions, and docs/api.md is
 * what the tables make; links between pages lead somewhere; the README's table of runtimes has the rows and columns there are. `node scripts/check-docs.ts` prints each gap and exits 1.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ABILITIES } from '../test/runtime/contract/suite.ts';
import { RUNTIMES } from '../test/runtime/runtimes.ts';
import { apiPage } from './docs/api-page.ts';
import { type ModuleDoc, readModules } from './docs/read.ts';
import { tableGaps } from './docs/runtimes-table.ts';

/**
 * @param readme text of the module's README.md, undefined when there is none
 * @returns one line per gap
 */
export function checkModule(m: ModuleDoc, readme: string | undefined): string[] {
  const file = `src/modules/${m.folder}`;
  const gaps = m.functions.flatMap(fn => fn.problems.map(p => `${file}/index.ts: KSR.${fn.path}: ${p}`));
  if (readme === undefined) return [...gaps, `${file}/README.md: missing`];
  // A README may say `sht_iterator_start`, `_next`, `_end`.
  const words = new Set(readme.split(/\W+/));
  const named = (name: string) =>
    words.has(name) || [...words].some(w => w.length > 1 && w.startsWith('_') && name.endsWith(w));
  return [
    ...gaps,
    ...m.functions.filter(fn => !named(fn.name)).map(fn => `${file}/README.md: function ${fn.name} is not in it`),
  ];
}

/**
 * @param file path of the page, below root  @param exists whether a path below root is there
 * @returns one line per link that leads nowhere
 */
export function checkLinks(file: string, page: string, exists: (path: string) => boolean): string[] {
  // Code blocks are not links.
  const prose = page.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(match => match[1]!)
    .filter(link => !/^([a-z]+:|#)/.test(link))
    .filter(link => !exists(path.posix.join(path.posix.dirname(file), link.replace(/#.*/, ''))))
    .map(link => `${file}: the link ${link} leads nowhere`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const modules = await readModules(root);
  const gaps = modules.flatMap(m => {
    const file = path.join(root, 'src/modules', m.folder, 'README.md');
    return checkModule(m, existsSync(file) ? readFileSync(file, 'utf8') : undefined);
  });
  const pages = ['README.md', 'CHANGELOG.md', ...readdirSync(path.join(root, 'docs')).map(f => `docs/${f}`)];
  for (const file of pages.filter(f => f.endsWith('.md')))
    gaps.push(...checkLinks(file, readFileSync(path.join(root, file), 'utf8'), p => existsSync(path.join(root, p))));
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  for (const m of modules)
    if (m.name && !readme.includes(`\`${m.name}\``)) gaps.push(`README.md: module ${m.name} is not in it`);
  const columns = RUNTIMES.map(r => r.name);
  gaps.push(...tableGaps(readme, ABILITIES, columns));
  const page = path.join(root, 'docs/api.md');
  if (!existsSync(page) || readFileSync(page, 'utf8') !== apiPage(modules))
    gaps.push('docs/api.md: not what the tables make: run npm run gen and commit it');
  for (const gap of gaps) console.error(gap);
  if (gaps.length > 0) process.exit(1);
}
