/** `kemi-wasm check`: diagnostics of scripts, with file:line:column. */
import fs from 'node:fs';
import type { ConfigOptions } from '../cfg/resolve.ts';
import type { ComponentOptions } from '../components/module.ts';
import { ConfigError, type Diagnostic, KemiError } from '../errors.ts';
import type { ModParamSetting, RuntimeOptions } from '../runtime/options.ts';
import { createRuntime, type Runtime } from '../runtime/runtime.ts';
import { loadWasm } from '../transport/node/assets.ts';
import { readComponents } from '../transport/node/components.ts';
import { configured, readConfigFile } from '../transport/node/config-file.ts';
import { ScriptFiles } from '../transport/node/script-files.ts';
import { openSqlite } from '../transport/node/sqlite.ts';
import { TlsContexts } from '../transport/node/tls-context.ts';
import { tlsSource } from '../transport/node/tls-options.ts';
import { HELP } from './help.ts';
import {
  asUsage,
  list,
  oneOf,
  readDefines,
  readGrants,
  readLimits,
  readModparams,
  readModules,
  readOptions,
  text,
  UsageError,
} from './usage.ts';

const OPTIONS = {
  config: { type: 'string', short: 'f' },
  format: { type: 'string' },
  define: { type: 'string', short: 'A', multiple: true },
  module: { type: 'string', multiple: true },
  grant: { type: 'string', multiple: true },
  modparam: { type: 'string', multiple: true },
  limits: { type: 'string', multiple: true },
  db: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** A script that loops at its top level must not hang a check: the limit that a load has when none is given for it. */
export async function check(args: readonly string[]): Promise<number> {
  const parsed = readOptions('check', args, OPTIONS);
  if (parsed.values.help) {
    process.stdout.write(HELP.check);
    return 0;
  }
  const config = text(parsed, 'config');
  if (parsed.positionals.length === 0 && config === undefined)
    throw new UsageError('no script to check; write kemi-wasm check SCRIPT... or kemi-wasm check -f kamailio.cfg');
  if (parsed.positionals.length > 1 && config !== undefined)
    throw new UsageError(`one script at most beside -f, "${parsed.positionals[1]}" is too much`);
  const format = oneOf(parsed, 'format', ['text', 'json'], 'text');
  const defines = readDefines(list(parsed, 'define'));
  const modparams = readModparams(list(parsed, 'modparam'));
  const limits = readLimits(list(parsed, 'limits'));
  const files = readModules(list(parsed, 'module'));
  const grants = readGrants(list(parsed, 'grant'));
  const db = text(parsed, 'db') === undefined ? {} : { db: NO_DATABASE };
  const wasm = await loadWasm();
  const found: Diagnostic[] = [];
  const counted: string[] = [];
  let configs: readonly string[] = [];
  if (config === undefined) {
    const components = await readComponents(files, grants);
    for (const name of parsed.positionals)
      found.push(...(await checkScript(name, { wasm, defines, modparams, limits, components, ...db })));
    counted.push(plural(parsed.positionals.length, 'script'));
  } else {
    const checked = await checkConfig(
      config,
      { wasm, defines, modparams, limits, ...db },
      parsed.positionals[0],
      options => readComponents(files, grants, options),
    );
    found.push(...checked.found);
    configs = checked.files;
    counted.push('1 config', plural(checked.scripts, 'script'));
  }
  const errors = found.filter(d => d.severity === 'error').length;
  if (format === 'json') process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else {
    const lines = new SourceLines();
    for (const d of found)
      process.stdout.write(`${formatDiagnostic(d)}\n${configs.includes(d.file) ? lines.excerpt(d) : ''}`);
    process.stderr.write(
      `${counted.join(', ')}: ${plural(errors, 'error')}, ${plural(found.length - errors, 'warning')}\n`,
    );
  }
  return errors > 0 ? 1 : 0;
}

/**
 * Everything that is wrong with a kamailio.cfg, what it includes, and its scripts.
 * @param script the script to run, for a config that names none  @param readMore reads the components that the config loads  @returns files: those of the config, without its scripts
 * @throws ConfigError when the config cannot be read
 */
export async function checkConfig(
  path: string,
  {
    wasm,
    defines,
    modparams = [],
    limits = {},
    db,
  }: Pick<Settings, 'wasm' | 'defines' | 'modparams' | 'limits' | 'db'>,
  script?: string,
  readMore: (options: ConfigOptions) => Promise<ComponentOptions[]> = async () => [],
): Promise<{ found: Diagnostic[]; files: readonly string[]; scripts: number }> {
  const { options, diagnostics } = readConfigFile(path, { defines, script });
  const found = [...diagnostics];
  let components: ComponentOptions[] = [];
  try {
    components = await readMore(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    found.push(...error.diagnostics);
  }
  found.push(...tlsFindings(path, options, modparams));
  // Its database is told already; what else is wrong is wanted, too.
  const noDatabase = diagnostics.some(d => /^cannot load module \w+: \w+ databases are not available/.test(d.message));
  const settings: Settings = {
    wasm,
    ...(noDatabase ? { db: NO_DATABASE, anyDatabase: true } : db !== undefined && { db }),
    ...configured(options, modparams, [], limits),
    components,
    path,
    lua: options.luaScripts,
  };
  for (const name of options.scripts) found.push(...(await checkScript(name, settings, options.scripts.length === 1)));
  // as a reader meets them: the config's files, then the scripts
  const file = (d: Diagnostic) => options.files.indexOf(d.file) + 1 || options.files.length + 1;
  found.sort(
    (a, b) => file(a) - file(b) || (options.files.includes(a.file) ? a.line - b.line || a.column - b.column : 0),
  );
  return { found, files: options.files, scripts: options.scripts.length + options.luaScripts.length };
}

/** Mistakes in a tls.cfg; what is wrong with files only warns: the machine that serves may have others. */
function tlsFindings(
  file: string,
  options: ConfigOptions,
  modparams: readonly ModParamSetting[],
): readonly Diagnostic[] {
  const addresses = options.listen.filter(l => l.proto === 'tls');
  if (addresses.length === 0) return [];
  try {
    const contexts = new TlsContexts(tlsSource([...options.modparams, ...modparams], options));
    contexts.load();
    for (const { host, port } of addresses) contexts.serverSide({ ip: host, port });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.diagnostics;
    if (!(error instanceof KemiError)) throw error;
    return [{ severity: 'warning', file, line: 0, column: 0, message: error.message }];
  }
}

const NO_DATABASE = 'sqlite://:memory:';
const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

type Settings = Pick<
  RuntimeOptions,
  | 'wasm'
  | 'components'
  | 'db'
  | 'engine'
  | 'config'
  | 'defines'
  | 'modparams'
  | 'limits'
  | 'modules'
  | 'callbacks'
  | 'aliases'
> & {
  readonly path?: string;
  /** scripts of lua_run() */
  readonly lua?: readonly string[];
  /** takes any URL for an empty database */
  readonly anyDatabase?: boolean;
};

/** @param routes whether it must define the request callback; one of several scripts need not */
async function checkScript(
  name: string,
  { path, lua = [], anyDatabase, ...settings }: Settings,
  routes = true,
): Promise<Diagnostic[]> {
  let source: Uint8Array;
  try {
    source = fs.readFileSync(name);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : message;
    return [{ severity: 'error', file: name, line: 0, column: 0, message: `cannot read it: ${why}` }];
  }
  const make = () =>
    createRuntime({
      sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
      send: () => false,
      // Modules open their databases when they are made: an empty one, nothing of the real one is touched.
      openDatabase: url => openSqlite(anyDatabase || /^sqlite:\/\/./.test(url) ? NO_DATABASE : url),
      readFile: new ScriptFiles(name, ...lua).read,
      // What the script prints is no finding.
      print: line => process.stderr.write(`${line}\n`),
      ...settings,
    });
  if (path === undefined) return judge(asUsage(make), name, source, routes);
  try {
    return await judge(make(), name, source, routes);
  } catch (error) {
    if (!(error instanceof KemiError) || error.code !== 'KEMI_ERR_CONFIG') throw error;
    return [{ severity: 'error', file: path, line: 0, column: 0, message: error.message }];
  }
}

async function judge(runtime: Runtime, name: string, source: Uint8Array, routes: boolean): Promise<Diagnostic[]> {
  const found = runtime.check({ name, source });
  for (const { name: module, file, missing } of runtime.components)
    if (missing.length > 0)
      found.push({
        severity: 'warning',
        file,
        line: 0,
        column: 0,
        message: `${module} wants ${missing.join(', ')}, which it was not granted: calls of it fail; --grant ${module}=${missing.join(',')} grants it`,
      });
  await runtime.close(0);
  return routes ? found : found.filter(d => d.line > 0 || !/^it defines no function/.test(d.message));
}

/** The lines of the files that findings are about, read once. */
class SourceLines {
  readonly #files = new Map<string, readonly string[]>();

  /** The line with a caret below the place; '' when there is none. */
  excerpt({ file, line, column }: Diagnostic): string {
    if (!line || !column) return '';
    let lines = this.#files.get(file);
    if (!lines) this.#files.set(file, (lines = readLines(file)));
    const text = lines[line - 1]?.replace(/\r$/, '');
    if (text === undefined || column > text.length + 1) return '';
    // a long line is cut in front of the place and behind it
    const from = Math.max(0, column - 1 - 60);
    const shown = text.slice(from, from + 120);
    const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ');
    return `    ${shown}\n    ${indent}^\n`;
  }
}

function readLines(file: string): string[] {
  try {
    return fs.readFileSync(file, 'latin1').split('\n');
  } catch {
    return [];
  }
}

/** `file:line:column: severity: message`, without what is not known */
export function formatDiagnostic(d: Diagnostic): string {
  const at = [d.file, ...(d.line ? [d.line] : []), ...(d.line && d.column ? [d.column] : [])].join(':');
  return `${at}: ${d.severity}: ${d.message}`;
}
