/**
 * RPC commands: those of the core, of the statistics and of the script here, those of the modules from their tables. Names, results and error codes
 * are Kamailio's. Knows no transport: a call is (method, params) -> promise of JSON.
 */
import { byteStrOf, utf8Of } from '../core/memory.ts';
import { KemiError, RpcError, ScriptError } from '../errors.ts';
import type { ApiRow } from '../kemi/bridge.ts';
import type { Connections, ModuleHost, Socket, Statistics } from '../kemi/host.ts';
import { closest } from '../kemi/suggest.ts';
import type { AnyModule, InWorkers } from '../kemi/table.ts';
import { connectionCommands } from './connections.ts';
import { coreCommands } from './core.ts';
import { type ComponentInfo, moduleCommands } from './modules.ts';
import { scriptCommands } from './script.ts';
import { statisticsCommands } from './statistics.ts';

/** A script that runs. */
export interface ScriptInfo {
  /** path or name it was loaded from */
  readonly name: string;
  /** counts successful loads from 1 */
  readonly version: number;
  /** when this version was loaded, milliseconds since 1970 */
  readonly loadedMs: number;
}

/** What the commands need of a runtime. */
export interface RpcHost {
  /** version of the package: '0.1.0' */
  readonly version: string;
  /** when the runtime was made, milliseconds since 1970 */
  readonly startedMs: number;
  now(): number;
  readonly stats: Statistics;
  readonly sockets: readonly Socket[];
  /** names that are ours, as given: 'example.com', 'example.com:5060' */
  readonly aliases: readonly string[];
  /** undefined where no transport has any */
  readonly connections: Connections | undefined;
  /** names set with -A, for core.ppdefines */
  readonly defines: ReadonlyMap<string, string>;
  /** loaded modules in load order */
  readonly modules: readonly RpcModule[];
  /** undefined before the first load */
  readonly script: ScriptInfo | undefined;
  /**
   * Loads the script anew from where it came.
   * @throws ScriptError the script is broken; the one that ran runs on
   */
  reload(): Promise<ScriptInfo>;
  /** components that are loaded */
  components(): readonly ComponentInfo[];
  /**
   * Reads a component again and swaps it in.
   * @returns its version
   * @throws RpcError it cannot be read again; KemiError it is broken, the one that ran runs on
   */
  reloadComponent(name: string): Promise<number>;
  /** rows of app_lua.api_list */
  apiList(): readonly ApiRow[];
}

export interface RpcModule {
  readonly definition: Pick<AnyModule, 'name' | 'rpc'>;
  readonly state: unknown;
  readonly host: ModuleHost;
}

export interface Command {
  readonly name: string;
  readonly doc: string;
  readonly run: (params: readonly unknown[]) => unknown;
  readonly workers?: InWorkers;
}

/** The commands of one runtime. */
export class Rpc {
  readonly #commands = new Map<string, Command>();

  constructor(host: RpcHost) {
    for (const command of [
      ...coreCommands(host, this),
      ...connectionCommands(host),
      ...statisticsCommands(host),
      ...scriptCommands(host),
      ...moduleCommands(host),
    ])
      this.#commands.set(command.name, command);
    for (const { definition, state, host: moduleHost } of host.modules) {
      for (const row of definition.rpc ?? []) {
        this.#commands.set(row.name, {
          name: row.name,
          doc: row.doc,
          ...(row.workers && { workers: row.workers }),
          // Modules speak byte strings, JSON speaks Unicode.
          run: params => {
            const result = row.run({ state, host: moduleHost }, mapStrings(params, byteStrOf) as unknown[]);
            return result instanceof Promise ? result.then(r => mapStrings(r, utf8Of)) : mapStrings(result, utf8Of);
          },
        });
      }
    }
  }

  /** in alphabetical order */
  get methods(): string[] {
    return [...this.#commands.keys()].sort();
  }

  /** What a command is where several runtimes serve. */
  inWorkers(method: string): InWorkers {
    return this.#commands.get(method)?.workers ?? 'one';
  }

  command(method: string): Command | undefined {
    return this.#commands.get(method);
  }

  /**
   * Runs a command now.
   * @param params positional; of an object, its values in their order, as Kamailio takes them
   * @returns the result, or a promise of it where the command waits
   * @throws RpcError with Kamailio's code: 500 no such method, 400 bad parameters; ScriptError from app_lua.reload
   */
  run(method: string, params?: unknown): unknown {
    const command = this.#commands.get(method);
    if (!command) {
      const near = closest(method, this.#commands.keys());
      throw new RpcError(500, `Method Not Found: "${method}"${near ? `; did you mean ${near}?` : ''}`);
    }
    const list =
      params === undefined || params === null
        ? []
        : Array.isArray(params)
          ? params
          : typeof params === 'object'
            ? Object.values(params)
            : [params];
    const result = command.run(list);
    // Kamailio's answer to a command that returns nothing
    return result instanceof Promise ? result.then(r => r ?? {}) : (result ?? {});
  }

  /** As run(), always a promise. */
  async call(method: string, params?: unknown): Promise<unknown> {
    return this.run(method, params);
  }
}

/** What a failure looks like in a JSON-RPC response. */
export function rpcFailure(error: unknown): { code: number; message: string; data?: unknown } {
  if (error instanceof ScriptError)
    return { code: 500, message: `Reload Failed: ${error.message}`, data: { diagnostics: error.diagnostics } };
  if (error instanceof RpcError) return { code: error.rpcCode, message: error.message };
  if (error instanceof KemiError && (error.code === 'KEMI_ERR_COMPONENT' || error.code === 'KEMI_ERR_CONFIG'))
    return { code: 500, message: `Reload Failed: ${error.message}` };
  return { code: 500, message: `Internal error: ${error instanceof Error ? error.message : String(error)}` };
}

/** Applies fn to each string of a JSON value, keys of objects included. */
function mapStrings(value: unknown, fn: (text: string) => string): unknown {
  if (typeof value === 'string') return fn(value);
  if (Array.isArray(value)) return value.map(v => mapStrings(v, fn));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [fn(k), mapStrings(v, fn)]));
  return value;
}
