/**
 * Modules in AssemblyScript. The exported functions of the source are the module's: their types make its WIT, and a file between them and the canonical
 * ABI is compiled with them.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Project } from './project.ts';
import { HOME, importPackage, KitError } from './tools.ts';
import { componentOf, writeWit } from './wit.ts';

/** The parts of the compiler's syntax tree that are looked at. */
interface AscRange {
  readonly start: number;
  readonly end: number;
}
interface AscType {
  readonly range: AscRange;
}
interface AscStatement {
  readonly kind: number;
  readonly flags?: number;
  readonly range: AscRange;
  readonly name?: { readonly text: string };
  readonly typeParameters?: unknown;
  readonly signature?: {
    readonly parameters: readonly { readonly name: { readonly text: string }; readonly type: AscType }[];
    readonly returnType: AscType;
  };
}
interface AscSource {
  readonly normalizedPath: string;
  readonly text: string;
  readonly statements: readonly AscStatement[];
}
interface AscParser {
  readonly sources: readonly AscSource[];
  parseFile(text: string, path: string, isEntry: boolean): void;
}
interface AscModule {
  addFunctionExport(internal: string, external: string): unknown;
  removeExport(external: string): void;
}
interface Asc {
  createMemoryStream(): { write(text: string | Uint8Array): void; toString(): string };
  main(
    args: readonly string[],
    options: {
      stdout: object;
      stderr: object;
      readFile(name: string, dir: string): string | null;
      writeFile(name: string, data: Uint8Array | string): void;
      listFiles(): string[];
      transforms: readonly object[];
    },
  ): Promise<{ error: Error | null }>;
}

/** NodeKind.Export and FunctionDeclaration, CommonFlags.Export of the compiler */
interface AscNames {
  readonly NodeKind: { readonly Export: number; readonly FunctionDeclaration: number };
  readonly CommonFlags: { readonly Export: number };
}

export interface AsFunction {
  /** in the source */
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly type: AsType }[];
  readonly result: AsType | 'void';
  /** text of its doc comment */
  readonly doc?: string;
}

const TYPES = {
  i32: 's32',
  u32: 'u32',
  bool: 'bool',
  string: 'string',
  Uint8Array: 'list<u8>',
  'string | null': 'option<string>',
  'Uint8Array | null': 'option<list<u8>>',
} as const;
type AsType = keyof typeof TYPES;
const PARAMS: readonly AsType[] = ['i32', 'u32', 'bool', 'string', 'Uint8Array'];

/** Functions that the server calls; their results mean something else. */
const HOOKS: Readonly<Record<string, { wit: string; world: string; type: string }>> = {
  configure: { wit: 'configure', world: 'configurable', type: '(name: string, value: string): string | null' },
  start: { wit: 'start', world: 'startable', type: '(): string | null' },
  onTimer: { wit: 'on-timer', world: 'timed', type: '(id: u32): void' },
};

/** The package that authors import from, and what is between their source and the host. */
const LIBRARY = 'kemi-wasm/module-as';
const GLUE = 'kemi-glue';
const ENTRY = 'kemi-entry';

/** @throws KitError with what the compiler says */
export async function buildAssemblyScript(project: Project): Promise<Uint8Array> {
  const asc = await importPackage<Asc>('assemblyscript', project.dir);
  const names = await importPackage<AscNames>('assemblyscript', project.dir, 'dist/assemblyscript.js');
  const source = project.source.replace(/\.ts$/, '');
  const library = fs.readFileSync(path.join(HOME, 'kit/module-as.ts'), 'utf8');
  let functions: AsFunction[] = [];
  let core: Uint8Array | undefined;
  const said = asc.createMemoryStream();
  const { error } = await asc.main(
    [
      `${ENTRY}.ts`,
      ...['-o', 'module.wasm', '-O3', '--runtime', 'incremental', '--exportStart', '_initialize'],
      ...['--use', `abort=~lib/${LIBRARY}/moduleAbort`, '--enable', 'simd,bulk-memory', '--baseDir', project.dir],
    ],
    {
      stdout: asc.createMemoryStream(),
      stderr: said,
      readFile(name) {
        if (name === `${ENTRY}.ts`) return `import './${source}';\nimport '${LIBRARY}';\n`;
        // wherever it is looked for: the library is the one of this version
        if (name.split(path.sep).join('/').endsWith(`node_modules/${LIBRARY}.ts`)) return library;
        try {
          return fs.readFileSync(path.resolve(project.dir, name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile(name, data) {
        if (name === 'module.wasm' && typeof data !== 'string') core = data;
      },
      listFiles: () => [],
      transforms: [
        {
          afterParse(parser: AscParser) {
            const main = parser.sources.find(s => s.normalizedPath === `${source}.ts`);
            if (!main) throw new Error(`there is no ${source}.ts`);
            functions = readFunctions(main, names);
            parser.parseFile(glue(functions, source), `${GLUE}.ts`, true);
          },
          // AssemblyScript has no way to write the names that the canonical ABI has for exports.
          afterCompile(module: AscModule) {
            const rename = (from: string, to: string) => {
              module.removeExport(from);
              module.addFunctionExport(`${GLUE}/${from}`, to);
            };
            for (const { name, result } of functions) {
              rename(`f_${name}`, witName(name));
              if (GIVE[result] !== undefined) rename(`post_${name}`, `cabi_post_${witName(name)}`);
            }
          },
        },
      ],
    },
  );
  if (error || !core) throw new KitError(said.toString().trim() || `the compiler failed: ${error?.message}`);
  const { text } = writeWit(project, witOf(project, functions));
  try {
    return await componentOf(core, text, project);
  } catch (error) {
    const missing = error instanceof KitError && /`env::([^`]+)`/.exec(error.message)?.[1];
    if (!missing) throw error;
    const used = missing === 'seed' ? 'Math.random()' : missing === 'Date.now' ? 'Date.now()' : missing;
    throw new KitError(
      `${project.source} uses ${used}, which a component has not${used === 'Date.now()' ? ': clock.now() is there' : ''}`,
      { cause: error },
    );
  }
}

/** The functions that a source exports. @throws KitError naming one that cannot be called from a script */
export function readFunctions(source: AscSource, { NodeKind, CommonFlags }: AscNames): AsFunction[] {
  const found: AsFunction[] = [];
  const text = ({ start, end }: AscRange) => source.text.slice(start, end).trim();
  const where = (range: AscRange) => `${source.normalizedPath}:${source.text.slice(0, range.start).split('\n').length}`;
  for (const statement of source.statements) {
    if (statement.kind === NodeKind.Export)
      throw new KitError(
        `${where(statement.range)}: "${text(statement.range)}": write "export function" in front of each function of the module instead`,
      );
    if (statement.kind !== NodeKind.FunctionDeclaration || !((statement.flags ?? 0) & CommonFlags.Export)) continue;
    const { name, signature, range } = statement;
    if (!name || !signature) continue;
    const at = where(range);
    const params = signature.parameters.map(p => {
      const type = asType(text(p.type.range));
      if (!type || !PARAMS.includes(type))
        throw new KitError(
          `${at}: ${name.text}() has a parameter ${p.name.text} of type ${text(p.type.range)}: scripts can pass ${PARAMS.join(', ')}`,
        );
      return { name: p.name.text, type };
    });
    const returns = text(signature.returnType.range);
    const result: AsFunction['result'] | undefined = returns === 'void' ? returns : asType(returns);
    if (!result || statement.typeParameters)
      throw new KitError(
        `${at}: ${name.text}() gives ${returns || 'what it does not say'}: a function for scripts gives ${Object.keys(TYPES).join(', ')} or void`,
      );
    const fn: AsFunction = { name: name.text, params, result, ...docOf(source.text, range.start) };
    checkHook(fn, at);
    found.push(fn);
  }
  if (!found.some(f => !Object.hasOwn(HOOKS, f.name)))
    throw new KitError(
      `${source.normalizedPath} has no function for scripts: write "export function lookup(number: string): string { ... }"`,
    );
  return found;
}

function checkHook(fn: AsFunction, at: string): void {
  const hook = Object.hasOwn(HOOKS, fn.name) ? HOOKS[fn.name]! : undefined;
  const types = (f: string) => f.replace(/\w+: /g, '');
  const own = `(${fn.params.map(p => p.type).join(', ')}): ${fn.result}`;
  if (hook && types(hook.type) !== own)
    throw new KitError(`${at}: the server calls ${fn.name}: write export function ${fn.name}${hook.type}`);
}

function asType(text: string): AsType | undefined {
  const parts = text.split('|').map(p => p.trim());
  const type = parts.length === 2 && parts[0] === 'null' ? `${parts[1]} | null` : parts.join(' | ');
  return Object.hasOwn(TYPES, type) ? (type as AsType) : undefined;
}

/** The doc comment right in front of a place. */
function docOf(text: string, start: number): { doc?: string } {
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:export\s*)?$/.exec(text.slice(0, start))?.[1];
  if (comment === undefined) return {};
  const lines = comment.split('\n').map(line => line.replace(/^\s*\*? ?/, '').trimEnd());
  return { doc: lines.join('\n').trim() };
}

/** lookUp and look_up are look-up. */
export function witName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
}

/** Words of WIT are names behind a %. */
const escaped = (name: string) => `%${witName(name)}`;

function witOf(project: Project, functions: readonly AsFunction[]): string {
  const lines = ['  include kemi:module/extension@0.1.0;'];
  for (const { name, params, result, doc } of functions) {
    const hook = Object.hasOwn(HOOKS, name) ? HOOKS[name] : undefined;
    if (hook) {
      lines.push(`  include kemi:module/${hook.world}@0.1.0;`);
      continue;
    }
    for (const line of doc?.split('\n') ?? []) lines.push(`  /// ${line}`.trimEnd());
    const list = params.map(p => `${escaped(p.name)}: ${TYPES[p.type]}`).join(', ');
    lines.push(`  export ${escaped(name)}: func(${list})${result === 'void' ? '' : ` -> ${TYPES[result]}`};`);
  }
  return `package module:${project.name};\n\nworld %${project.name} {\n${lines.join('\n')}\n}\n`;
}

/** How a result goes to the host: the function of the library that puts it down. */
const GIVE: Readonly<Partial<Record<AsType | 'void', string>>> = {
  string: 'giveText',
  Uint8Array: 'giveBytes',
  'string | null': 'giveOption',
  'Uint8Array | null': 'giveOptionBytes',
};

/** Source of what stands between the functions and the host. */
export function glue(functions: readonly AsFunction[], source: string): string {
  const out = [
    `import * as module from './${source}';`,
    `import { giveText, giveBytes, giveOption, giveOptionBytes, release, takeBytes, takeText } from '${LIBRARY}';`,
    `export { cabi_realloc } from '${LIBRARY}';`,
  ];
  for (const { name, params, result } of functions) {
    const taken: string[] = [];
    const values = params.map(({ type }, i) => {
      if (type === 'string' || type === 'Uint8Array') {
        taken.push(`a${i}: usize, n${i}: usize`);
        return `${type === 'string' ? 'takeText' : 'takeBytes'}(a${i}, n${i})`;
      }
      taken.push(`a${i}: ${type === 'bool' ? 'i32' : type}`);
      return type === 'bool' ? `a${i} != 0` : `a${i}`;
    });
    const call = `module.${name}(${values.join(', ')})`;
    const give = GIVE[result];
    if (give) {
      out.push(`export function f_${name}(${taken.join(', ')}): usize { return ${give}(${call}); }`);
      out.push(`export function post_${name}(ret: usize): void { release(); }`);
    } else if (result === 'void') out.push(`export function f_${name}(${taken.join(', ')}): void { ${call}; }`);
    else if (result === 'bool')
      out.push(`export function f_${name}(${taken.join(', ')}): i32 { return ${call} ? 1 : 0; }`);
    else out.push(`export function f_${name}(${taken.join(', ')}): ${result} { return ${call}; }`);
  }
  return `${out.join('\n')}\n`;
}
