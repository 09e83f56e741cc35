/** Reads a kamailio.cfg from disk: what `-f` gives. */
import fs from 'node:fs';
import type { ConfigHost } from '../../cfg/config.ts';
import { parseConfig } from '../../cfg/parser.ts';
import { type ConfigOptions, resolveConfig } from '../../cfg/resolve.ts';
import { ConfigError, type Diagnostic } from '../../errors.ts';
import { MODULES } from '../../modules/index.ts';

export { configured, usableConfig } from '../../runtime/configured.ts';

export interface ConfigFile {
  readonly path: string;
  /** what to start with; not to be used when there are errors */
  readonly options: ConfigOptions;
  /** warnings and errors, in the order of the files */
  readonly diagnostics: readonly Diagnostic[];
  /** every file that was read or looked for */
  readonly files: readonly string[];
}

export interface ConfigFileOptions {
  /** -A NAME[=VALUE] */
  readonly defines?: Readonly<Record<string, string>> | undefined;
  /** for #!defenv and $env(); the process's own when absent */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** the script to run, for a config that names none */
  readonly script?: string | undefined;
}

/**
 * Reads a kamailio.cfg and all it includes, and looks up its modules and parameters.
 * @throws ConfigError when the file itself cannot be read; mistakes in it are among the diagnostics
 */
export function readConfigFile(path: string, given: ConfigFileOptions = {}): ConfigFile {
  const { defines = {}, env = process.env, script } = given;
  let source: Uint8Array;
  try {
    source = readFile(path) ?? fail('no such file');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([{ severity: 'error', file: path, line: 0, column: 0, message: `cannot read it: ${why}` }]);
  }
  const host = configHost(defines, env);
  const config = parseConfig(source, path, host);
  const { options, diagnostics } = resolveConfig(config, {
    modules: MODULES,
    readScript,
    ...(script !== undefined && { script }),
  });
  return { path, options: { ...options, source: host }, diagnostics, files: config.files };
}

/** How a config is read from disk. */
export function configHost(
  defines: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>>,
): ConfigHost {
  return { readFile, defines, env, os: process.platform };
}

/** Larger than any config; a device or a log is not read by mistake. */
const MAX_FILE_BYTES = 8 << 20;

/** @returns undefined when there is no such file  @throws Error saying why it cannot be read */
function readFile(path: string): Uint8Array | undefined {
  let stat: fs.Stats;
  try {
    stat = fs.statSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new Error(code === 'EACCES' ? 'not allowed' : message);
  }
  if (!stat.isFile()) throw new Error('it is no plain file');
  if (stat.size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES >> 20} MiB`);
  return fs.readFileSync(path);
}

function readScript(path: string): Uint8Array | undefined {
  try {
    return readFile(path);
  } catch {
    return undefined;
  }
}

function fail(why: string): never {
  throw new Error(why);
}
