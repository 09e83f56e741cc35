/** Reads a kamailio.cfg from disk: what `-f` gives. */
import fs from 'node:fs';
import type { ConfigHost } from '../../cfg/config.ts';
import { parseConfig } from '../../cfg/parser.ts';
import { type ConfigOptions, resolveConfig } from '../../cfg/resolve.ts';
import { ConfigError, type Diagnostic } from '../../errors.ts';
import { MODULES } from '../../modules/index.ts';
import type { Limits, ModParamSetting, RuntimeOptions } from '../../runtime/options.ts';

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

/** The options of a config without errors; warnings go to `warn`. @throws ConfigError with all of its diagnostics */
export function usableConfig(file: ConfigFile, warn: (warning: Diagnostic) => void): ConfigOptions {
  if (file.diagnostics.some(d => d.severity === 'error')) throw new ConfigError(file.diagnostics);
  for (const warning of file.diagnostics) warn(warning);
  return file.options;
}

/** What a config gives to a runtime; what is given beside it comes behind, and so counts where there can be only one. */
export function configured(
  config: ConfigOptions,
  modparams: readonly ModParamSetting[] = [],
  aliases: readonly string[] = [],
  limits: Partial<Limits> = {},
) {
  const { messageBytes, serverHeader, userAgent, forceRport, logPrefix } = config;
  return {
    modules: config.modules,
    modparams: [...config.modparams, ...modparams],
    defines: config.defines,
    aliases: [...config.aliases, ...aliases],
    limits: { ...(messageBytes !== undefined && { messageBytes }), ...limits },
    callbacks: config.callbacks,
    coreParams: config.coreParams,
    engine: config.engine,
    ...(config.source && { config: config.source }),
    ...(serverHeader !== undefined && { serverHeader }),
    ...(userAgent !== undefined && { userAgent }),
    ...(forceRport !== undefined && { forceRport }),
    ...(logPrefix && { logPrefix }),
  } satisfies Partial<RuntimeOptions>;
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
