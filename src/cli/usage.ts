/** Reading of the command line: one message that says what to do, exit code 2. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { GRANTS, type Grant } from '../components/capabilities.ts';
import { KemiError } from '../errors.ts';
import { closest } from '../kemi/suggest.ts';
import { DEFAULT_LIMITS, type Limits, type ModParamSetting } from '../runtime/options.ts';
import type { ComponentFile } from '../transport/node/components.ts';
import { MAX_WORKERS } from '../transport/node/workers/group.ts';

/** The command line makes no sense. */
export class UsageError extends Error {}

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
}
export type Options = Readonly<Record<string, Option>>;

/** Values by option name: strings, lists of them where `multiple`, true for a flag. */
export interface Parsed {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

/** @throws UsageError naming what is wrong and where help is */
export function readOptions(command: string, args: readonly string[], options: Options): Parsed {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const name = /'([^']*)'/.exec(message)?.[1] ?? '';
    const help = `kemi-wasm ${command} --help shows all`;
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const near = closest(name.replace(/^-+/, ''), Object.keys(options));
      throw new UsageError(`unknown option ${name}${near ? `, did you mean --${near}` : ''}; ${help}`);
    }
    if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') {
      const [option] = name.split(' ').slice(-1);
      const flag = /does not take an argument/.test(message);
      const what = flag ? 'takes no value' : 'needs a value';
      throw new UsageError(
        `option ${flag ? name : option === '' ? name : name.replace(/ <value>$/, '')} ${what}; ${help}`,
      );
    }
    throw new UsageError(`${message}; ${help}`);
  }
}

/** The values of an option that may be given several times. */
export function list(parsed: Parsed, name: string): string[] {
  const value = parsed.values[name];
  return value === undefined ? [] : ((Array.isArray(value) ? value : [value]) as string[]);
}

export function text(parsed: Parsed, name: string): string | undefined {
  return parsed.values[name] as string | undefined;
}

/** One of a few words. @throws UsageError naming them */
export function oneOf<T extends string>(parsed: Parsed, name: string, words: readonly T[], otherwise: T): T {
  const value = text(parsed, name);
  if (value === undefined) return otherwise;
  if (!words.includes(value as T)) throw new UsageError(`--${name} ${value} is not one of ${words.join(', ')}`);
  return value as T;
}

/** Units of --limits: how a name and a number there become a limit. */
const LIMITS: Readonly<
  Record<string, { limit: keyof Limits; scale: number; least: number; most: number; unit: string }>
> = {
  instructions: {
    limit: 'instructions',
    scale: 1,
    least: 0,
    most: 1e12,
    unit: 'Lua instructions of one route, 0 for no limit',
  },
  load: {
    limit: 'loadInstructions',
    scale: 1,
    least: 0,
    most: 1e12,
    unit: 'Lua instructions while the script loads, 0 for no limit',
  },
  memory: { limit: 'memoryPages', scale: 16, least: 16, most: 4096, unit: 'MiB' },
  message: { limit: 'messageBytes', scale: 1, least: 64, most: 65535, unit: 'bytes of one message' },
  messages: { limit: 'messages', scale: 1, least: 1, most: 60000, unit: 'messages alive at once' },
  transactions: { limit: 'transactions', scale: 1, least: 1, most: 1_000_000, unit: 'transactions at once' },
  wait: { limit: 'waitMs', scale: 1, least: 1, most: 3_600_000, unit: 'milliseconds that a suspended call may wait' },
  shared: { limit: 'sharedMiB', scale: 1, least: 1, most: 1024, unit: 'MiB that workers share' },
};

/** `instructions=N,memory=MiB,...`; may be given several times. @throws UsageError */
export function readLimits(texts: readonly string[]): Partial<Limits> {
  const limits: Partial<Record<keyof Limits, number>> = {};
  for (const part of texts.flatMap(t => t.split(','))) {
    const [name = '', value] = part.split('=', 2);
    const known = Object.hasOwn(LIMITS, name) ? LIMITS[name] : undefined;
    if (!known)
      throw new UsageError(
        `--limits ${part}: there is no limit "${name}"; the limits are ${Object.keys(LIMITS).join(', ')}`,
      );
    const number = value !== undefined && /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= known.least && number <= known.most))
      throw new UsageError(`--limits ${part}: write ${name}=N, N from ${known.least} to ${known.most} (${known.unit})`);
    limits[known.limit] = number * known.scale;
  }
  return limits;
}

/** The defaults, in the units of --limits. */
export function limitsHelp(): string {
  return Object.entries(LIMITS)
    .map(([name, l]) => `${name}=${DEFAULT_LIMITS[l.limit] / l.scale}`)
    .join(',');
}

/** `module:name=value`. @throws UsageError */
export function readModparams(texts: readonly string[]): ModParamSetting[] {
  return texts.map(given => {
    const match = /^(\w+)[:.](\w+)=(.*)$/s.exec(given);
    if (!match)
      throw new UsageError(`--modparam ${given}: write module:name=value, for example htable:htable='a=>size=8;'`);
    const [, module, name, value] = match as unknown as [string, string, string, string];
    return { module, name, value: /^-?\d+$/.test(value) ? Number(value) : value };
  });
}

/** `[NAME=]FILE` of --module. @throws UsageError */
export function readModules(texts: readonly string[]): ComponentFile[] {
  return texts.map(given => {
    const [, name, file] = /^(?:([^=/]*)=)?(.*)$/s.exec(given) as unknown as [string, string | undefined, string];
    if (!file) throw new UsageError(`--module ${given}: write [NAME=]FILE, for example --module ./acme.wasm`);
    return { file, ...(name !== undefined && { name }) };
  });
}

/** `NAME=CAPABILITY[,...]` of --grant. @throws UsageError */
export function readGrants(texts: readonly string[]): Record<string, Grant[]> {
  const grants: Record<string, Grant[]> = {};
  for (const given of texts) {
    const [name = '', list = ''] = given.split('=', 2);
    const words = list.split(',').filter(word => word);
    if (!name || words.length === 0)
      throw new UsageError(`--grant ${given}: write NAME=WHAT[,WHAT...], WHAT one of ${GRANTS.join(', ')}`);
    for (const word of words) {
      const grant = GRANTS.find(g => g === word);
      const near = closest(word, GRANTS);
      if (!grant)
        throw new UsageError(
          `--grant ${given}: ${word} is none of ${GRANTS.join(', ')}${near ? `, did you mean ${near}` : ''}`,
        );
      (grants[name] ??= []).push(grant);
    }
  }
  return grants;
}

/** `NAME` or `NAME=VALUE`. @throws UsageError */
export function readDefines(texts: readonly string[]): Record<string, string> {
  const defines: Record<string, string> = {};
  for (const given of texts) {
    const match = /^([A-Za-z_]\w*)(?:=(.*))?$/s.exec(given);
    if (!match) throw new UsageError(`-A ${given}: write NAME or NAME=VALUE; a name has letters, digits and _`);
    defines[match[1]!] = match[2] ?? '';
  }
  return defines;
}

/**
 * `N`, `auto` or `cfg`; 1 when not given.
 * @param children what the config says with children=N
 * @throws UsageError
 */
export function readWorkers(given: string | undefined, children: unknown, processors = availableParallelism()): number {
  if (given === undefined) return 1;
  if (given === 'auto') return Math.min(processors, MAX_WORKERS);
  if (given === 'cfg') {
    if (typeof children !== 'number')
      throw new UsageError('--workers cfg: there is no config that says children=N; write --workers N');
    return Math.min(Math.max(children, 1), MAX_WORKERS);
  }
  const number = /^\d+$/.test(given) ? Number(given) : 0;
  if (number < 1 || number > MAX_WORKERS)
    throw new UsageError(`--workers ${given}: write a number from 1 to ${MAX_WORKERS}, auto, or cfg`);
  return number;
}

/** Runs fn; what it says about an option (KEMI_ERR_CONFIG) is a mistake on the command line. */
export function asUsage<T>(fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    if (error instanceof KemiError && error.code === 'KEMI_ERR_CONFIG')
      throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
