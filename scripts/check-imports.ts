/**
 * Holds the source to its rooms: imports point one way, nobody reaches into another module's internals, and only transport/<runtime>/ and cli/ know
 * what they run on. `node scripts/check-imports.ts [ROOT]` prints each breach as file:line and exits 1.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Breach {
  readonly file: string;
  /** 1-based */
  readonly line: number;
  readonly message: string;
}

/** Whom each room may import, besides itself. Files directly in src/ are rooms of their own. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'version.ts': [],
  core: ['errors.ts'],
  kemi: ['core', 'errors.ts'],
  interp: ['cfg', 'kemi', 'core', 'errors.ts'],
  modules: ['kemi', 'core', 'errors.ts'],
  // modules that are WebAssembly components
  components: ['kemi', 'core', 'errors.ts'],
  // the text of a kamailio.cfg
  cfg: ['kemi', 'core', 'errors.ts'],
  rpc: ['kemi', 'core', 'errors.ts', 'version.ts'],
  runtime: ['cfg', 'rpc', 'components', 'interp', 'modules', 'kemi', 'core', 'errors.ts', 'version.ts'],
  // transport/*.ts, the contract
  transport: ['kemi', 'core', 'errors.ts'],
  'transport/': [
    'cfg',
    'components',
    'modules',
    'runtime',
    'rpc',
    'kemi',
    'core',
    'errors.ts',
    'version.ts',
    'index.ts',
  ],
  'standalone.ts': ['index.ts', 'transport/edge', 'transport/browser'],
  'index.ts': ['cfg', 'components', 'runtime', 'rpc', 'interp', 'modules', 'kemi', 'core', 'errors.ts', 'version.ts'],
};

/** Open to all: what a room promises to others. */
const CONTRACTS = [/^transport\/[\w-]+\.ts$/, /^interp\/interpreter\.ts$/, /^modules\/[\w-]+\/api\.ts$/];

const IMPORT =
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])([^'"]+)\1|^[ \t]*import\s*(['"])([^'"]+)\3|\bimport\(\s*(['"])([^'"]+)\5/gm;
const RUNTIME_GLOBAL = /(?<![\w.$'"])(Deno|Bun|Buffer|process)\s*\.|\b__dirname\b|(?<![\w.$])require\(\s*['"]/;

/** @param root folder that has src/  @returns breaches in file order */
export function checkImports(root: string): Breach[] {
  const src = path.join(root, 'src');
  const breaches: Breach[] = [];
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    const from = file.split(path.sep).join('/');
    const text = readFileSync(path.join(src, file), 'utf8');
    const found: { at: number; message: string }[] = [];
    for (const match of text.matchAll(IMPORT)) {
      const to = match[2] ?? match[4] ?? match[6]!;
      const message = judge(from, to);
      if (message) found.push({ at: match.index + match[0].search(/\S/), message });
    }
    if (!ownsRuntime(from)) {
      let at = 0;
      for (const line of text.split('\n')) {
        const code = /^\s*(\*|\/[/*])/.test(line) ? '' : line.replace(/\/\/.*/, '');
        const name = RUNTIME_GLOBAL.exec(code)?.[0];
        if (name)
          found.push({
            at,
            message: `${name.trim()} is of one runtime: only transport/<runtime>/ and cli/ may use it`,
          });
        at += line.length + 1;
      }
    }
    found.sort((a, b) => a.at - b.at);
    for (const { at, message } of found)
      breaches.push({ file: `src/${from}`, line: text.slice(0, at).split('\n').length, message });
  }
  return breaches;
}

/** transport/<runtime>/ and cli/ */
function ownsRuntime(file: string): boolean {
  return /^(cli|transport\/(?!memory\/)[\w-]+)\//.test(file);
}

/** @param from file below src/  @param to what it imports, as written  @returns what is wrong with it */
function judge(from: string, to: string): string | undefined {
  if (!to.startsWith('.')) {
    if (ownsRuntime(from)) return undefined;
    if (isBuiltin(to) || /^(node|cloudflare|bun|deno|jsr):/.test(to))
      return `"${to}" is of one runtime: only transport/<runtime>/ and cli/ may import it`;
    return undefined;
  }
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(from), to));
  if (target.startsWith('..')) return `"${to}" leads out of src/`;
  const room = roomOf(from);
  if (room === 'cli' || CONTRACTS.some(c => c.test(target))) return undefined;
  const other = roomOf(target);
  if (room === other) return sibling(from, target, to);
  // Bun and Deno have Node's interfaces and take what is good of them.
  if (other === 'transport/node' && ['transport/bun', 'transport/deno'].includes(room)) return undefined;
  const may = MAY[room.startsWith('transport/') ? 'transport/' : room];
  if (!may) return `${room} is no room of scripts/check-imports.ts: say there what it may import`;
  if (!may.includes(other)) return `${room} may not import ${other} ("${to}"): imports point the other way`;
  return inner(target, to);
}

/** Within one room: interpreters know nothing of each other, modules only what another one shows. */
function sibling(from: string, target: string, to: string): string | undefined {
  const [room, a] = from.split('/');
  const [, b, ...rest] = target.split('/');
  if (room !== 'interp' && room !== 'modules') return undefined;
  // The list of all (modules/index.ts) imports each, and files beside the folders belong to all of them.
  if (!from.includes('/', room.length + 1)) return inner(target, to);
  if (rest.length === 0 || a === b) return undefined;
  if (room === 'interp') return `interpreters do not import each other: ${a} imports "${to}"`;
  return inner(target, to);
}

/** What lies in a module's folder is its own, but for index.ts and api.ts. */
function inner(target: string, to: string): string | undefined {
  const parts = target.split('/');
  if (parts[0] !== 'modules' || parts.length < 3) return undefined;
  if (parts.length === 3 && (parts[2] === 'index.ts' || parts[2] === 'api.ts')) return undefined;
  return `"${to}" is internal to module ${parts[1]}: only its index.ts and api.ts are for others`;
}

/** 'core', 'transport' (its contract files), 'transport/node', 'errors.ts' */
function roomOf(file: string): string {
  const parts = file.split('/');
  if (parts.length === 1) return parts[0]!;
  if (parts[0] === 'transport' && parts.length > 2) return `transport/${parts[1]}`;
  return parts[0]!;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
  const breaches = checkImports(root);
  for (const { file, line, message } of breaches) console.error(`${file}:${line}: ${message}`);
  if (breaches.length > 0) process.exit(1);
}
