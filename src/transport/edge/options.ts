/** What a worker is made of, and what of it a runtime gets. */
import type { ConfigHost } from '../../cfg/config.ts';
import { parseConfig } from '../../cfg/parser.ts';
import { resolveConfig } from '../../cfg/resolve.ts';
import type { ComponentOptions } from '../../components/module.ts';
import { ConfigError, KemiError } from '../../errors.ts';
import type { OpenDatabase } from '../../kemi/db.ts';
import type { AnyModule } from '../../kemi/table.ts';
import { MODULES } from '../../modules/index.ts';
import { configured, usableConfig } from '../../runtime/configured.ts';
import type { Limits, ModParamSetting, RuntimeOptions } from '../../runtime/options.ts';
import type { Script } from '../../runtime/runtime.ts';
import type { ConnectionLimits } from './connections.ts';
import type { LogLevel, LogLine } from './log.ts';
import type { Env } from './platform.ts';

/** Text in UTF-8, or bytes as they are. */
export type Text = string | Uint8Array;

export interface WorkerOptions {
  /** kemi-wasm/core.wasm and kemi-wasm/lua.wasm, imported: nothing is compiled where the worker runs */
  readonly core: WebAssembly.Module;
  readonly lua: WebAssembly.Module;
  /** the Lua script that routes. Absent: `cfg` says what routes */
  readonly script?: Text;
  /** what the script is called in logs; default route.lua */
  readonly scriptName?: string;
  /** text of a kamailio.cfg: modules, parameters, and routing blocks where it has some */
  readonly cfg?: Text;
  /** what the config is called in logs; default kamailio.cfg */
  readonly cfgName?: string;
  /** files that the script requires and the config includes, by their paths as they are asked for */
  readonly files?: Readonly<Record<string, Text>>;
  /** modules to load, by name; all there are when absent */
  readonly modules?: readonly string[];
  /** modules of your own */
  readonly extraModules?: readonly AnyModule[];
  /** WebAssembly components that were built ahead of time: the ones that `cfg` loads by their names, and others */
  readonly components?: readonly ComponentOptions[];
  readonly modparams?: readonly ModParamSetting[];
  readonly defines?: Readonly<Record<string, string>>;
  /** host, host:port or proto:host:port that count as ourselves */
  readonly aliases?: readonly string[];
  /** environment variables that scripts may read; a function makes them of the worker's own. None when absent */
  readonly env?: Readonly<Record<string, string>> | ((env: Env) => Readonly<Record<string, string | undefined>>);
  readonly serverHeader?: string;
  /** limits of the runtime; those that are not given are EDGE_LIMITS, then the runtime's own */
  readonly limits?: Partial<Limits>;
  readonly connections?: Partial<ConnectionLimits>;
  /** host:port by which the world knows this server, for Via and Record-Route; default: host and port that the first request asked for */
  readonly address?: string;
  /** name of the binding of the Durable Object namespace; default SIP. Without such a binding there is no WebSocket, and each message gets a runtime of its own */
  readonly binding?: string;
  /** which object serves a request: two names are two servers that know nothing of each other; default: one for all */
  readonly objectName?: (request: Request) => string;
  /**
   * Where modules keep what must survive the object's memory: 'object' (its own SQLite; registrations are written at once), 'memory' (nowhere), or what opens another
   * database, with the db_url of modules that were given none. Default: 'object' where it has SQLite.
   */
  readonly store?: 'object' | 'memory' | { readonly open: OpenDatabase; readonly url: string };
  /** whoever sends messages over HTTP, or commands, must know it: `Authorization: Bearer TOKEN`. Commands are off without one */
  readonly token?: string | ((env: Env) => string | undefined);
  /** values of Origin that are served; absent: all */
  readonly origins?: readonly string[];
  /** A last word on who is served: false is 403, a Response is sent as it is. */
  readonly admit?: (request: Request, env: Env) => boolean | Response | Promise<boolean | Response>;
  /** Address of the peer; default: the header CF-Connecting-IP, else 127.0.0.1. */
  readonly peerAddress?: (request: Request) => string;
  /** false: timers of modules run all the time, and the object never sleeps while somebody is connected; default true */
  readonly hibernate?: boolean;
  /** default info */
  readonly logLevel?: LogLevel;
  /** where log lines go; default: the console, as JSON */
  readonly log?: (line: LogLine) => void;
}

/** An isolate has 128 MB for all of it, and a clock that stands still while a script runs away. */
export const EDGE_LIMITS: Partial<Limits> = {
  memoryPages: 1024,
  instructions: 10_000_000,
  messages: 2000,
  transactions: 5000,
};

/** What a runtime is made with, whoever owns it. */
export interface Setup {
  readonly options: Omit<RuntimeOptions, 'sockets' | 'send' | 'log' | 'now' | 'monotonic' | 'every' | 'after'>;
  readonly script: Script;
}

/**
 * @param env bindings of the worker
 * @throws KemiError KEMI_ERR_CONFIG  @throws ConfigError mistakes in the config, with their places
 */
export function setupOf(given: WorkerOptions, env: Env): Setup {
  const variables = variablesOf(given.env, env);
  const files = new Map(Object.entries(given.files ?? {}).map(([path, text]) => [path, bytesOf(text)]));
  const readFile = (path: string) => files.get(path);
  const limits = { ...EDGE_LIMITS, ...given.limits };
  const scriptName = given.scriptName ?? 'route.lua';
  const common = {
    wasm: { lua: given.lua, core: given.core },
    readFile,
    env: variables,
    ...pick(given, ['serverHeader', 'extraModules', 'components']),
  };
  if (given.cfg === undefined) {
    if (given.script === undefined)
      throw new KemiError('KEMI_ERR_CONFIG', 'Cannot make a worker: give it a script, or a cfg');
    return {
      options: { ...common, limits, ...pick(given, ['modules', 'modparams', 'defines', 'aliases']) },
      script: { name: scriptName, source: bytesOf(given.script) },
    };
  }
  if (given.script !== undefined) files.set(scriptName, bytesOf(given.script));
  const cfgName = given.cfgName ?? 'kamailio.cfg';
  const source = bytesOf(given.cfg);
  files.set(cfgName, source);
  const host: ConfigHost = { readFile, defines: given.defines ?? {}, env: variables };
  const config = parseConfig(source, cfgName, host);
  const resolved = resolveConfig(config, {
    modules: [...MODULES, ...(given.extraModules ?? [])],
    readScript: readFile,
    ...(given.script !== undefined && { script: scriptName }),
  });
  const usable = usableConfig({ ...resolved, options: { ...resolved.options, source: host } }, () => {});
  for (const { name, file, at } of usable.components)
    if (!given.components?.some(c => c.name === name))
      throw new ConfigError([
        {
          severity: 'error',
          ...at,
          message: `cannot load ${file}: nothing is read or compiled here, give it as a component with the name ${name}, built ahead of time`,
        },
      ]);
  const [name] = usable.scripts;
  const program = name === undefined ? undefined : files.get(name);
  if (name === undefined || !program || usable.scripts.length > 1)
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot make a worker: ${cfgName} runs ${usable.scripts.join(' and ')}; give it one script, or that file in files`,
    );
  return {
    options: { ...common, ...configured(usable, given.modparams, given.aliases, limits) },
    script: { name, source: program },
  };
}

function variablesOf(given: WorkerOptions['env'], env: Env): Record<string, string> {
  const all = typeof given === 'function' ? given(env) : (given ?? {});
  const set = Object.entries(all).filter((e): e is [string, string] => typeof e[1] === 'string' && e[1] !== '');
  return Object.fromEntries(set);
}

function bytesOf(text: Text): Uint8Array {
  return typeof text === 'string' ? new TextEncoder().encode(text) : text;
}

function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter(k => from[k] !== undefined).map(k => [k, from[k]])) as Pick<T, K>;
}
