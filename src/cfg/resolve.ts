/**
 * From what a config says to what a runtime and its sockets are started with: modules looked up, parameters checked, core settings applied. Pure. Gives every mistake at
 * once, with its place.
 */
import { type ByteStr, byteStr, utf8Of } from '../core/memory.ts';
import type { Diagnostic } from '../errors.ts';
import { KAMAILIO_EXPORTS } from '../kemi/gen/kamailio-exports.gen.ts';
import { compileRegex, RegexError } from '../kemi/posix-regex.ts';
import { closest } from '../kemi/suggest.ts';
import type { AnyModule, ModParam } from '../kemi/table.ts';
import type { At, ConfigHost, KamailioConfig, ListenSetting, ModparamSetting, Value } from './config.ts';
import { type CoreOptions, coreOptions } from './core-options.ts';
import { Diagnostics } from './diagnostics.ts';
import { broughtBy, insteadOf, loadmoduleName, MACHINERY, WITHOUT_LOADMODULE } from './modules.ts';
import { usesOf } from './script-uses.ts';

/** What there is to resolve against. */
export interface Catalogue {
  readonly modules: readonly AnyModule[];
  /** the script to run, for a config that names none */
  readonly script?: string;
  /** reads a script, to say which of its functions miss a module; undefined when it cannot be read */
  readonly readScript?: (path: string) => Uint8Array | undefined;
}

/** One address to listen on, as transports take it. */
export interface ConfigListen {
  readonly proto: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  readonly advertise?: { readonly host: string; readonly port: number };
  readonly name?: ByteStr;
}

/** The config as options of a runtime and a server. */
export interface ConfigOptions extends CoreOptions {
  /** what routes: a Lua script, or the config's own routing blocks */
  readonly engine: 'lua' | 'native';
  /** paths of the scripts in the order in which they run; one at least. With the native engine, that of the config */
  readonly scripts: readonly string[];
  /** scripts of lua_run() beside the config's own blocks, in the order in which they run; none with the Lua engine */
  readonly luaScripts: readonly string[];
  /** of a config with routing blocks that was read from disk: how it is read again */
  readonly source?: ConfigHost;
  /** every file that was read or looked for */
  readonly files: readonly string[];
  readonly listen: readonly ConfigListen[];
  readonly aliases: readonly string[];
  /** names of our modules */
  readonly modules: readonly string[];
  /** components: name, path as the config writes it, and the place of its loadmodule */
  readonly components: readonly { readonly name: string; readonly file: string; readonly at: At }[];
  readonly modparams: readonly { readonly module: string; readonly name: string; readonly value: Value }[];
  readonly defines: Readonly<Record<string, string>>;
  /** what is accepted without effect, for the log */
  readonly notes: readonly string[];
}

export interface Resolved {
  readonly options: ConfigOptions;
  /** of reading and of resolving, in the order of the files; with an error among them the options must not be used */
  readonly diagnostics: readonly Diagnostic[];
}

const whyNot = (proto: string): string =>
  proto === 'ws' || proto === 'wss'
    ? `as in Kamailio a WebSocket begins on a listener of ${proto === 'ws' ? 'tcp' : 'tls'} with ws_handle_handshake() in event_route[xhttp:request]; --listen ${proto}: needs no script`
    : `${proto} is not available in this version, only udp, tcp and tls are: take the line out or write one of them`;

export function resolveConfig(config: KamailioConfig, catalogue: Catalogue): Resolved {
  return new Resolver(config, catalogue).resolve();
}

class Resolver {
  readonly #config: KamailioConfig;
  readonly #catalogue: Catalogue;
  readonly #found = new Diagnostics();
  readonly #notes: string[] = [];
  readonly #ours: readonly string[];

  constructor(config: KamailioConfig, catalogue: Catalogue) {
    this.#config = config;
    this.#catalogue = catalogue;
    this.#ours = catalogue.modules.map(m => m.name);
  }

  resolve(): Resolved {
    const config = this.#config;
    const scripts = this.#scripts();
    const core = coreOptions(config, this.#found, this.#notes);
    const options: ConfigOptions = {
      ...core,
      engine: this.#native ? 'native' : 'lua',
      files: config.files,
      scripts,
      luaScripts: this.#native
        ? this.#loads()
            .map(m => utf8Of(String(m.value)))
            .reverse()
        : [],
      modules: this.#modules(scripts),
      components: config.modules.flatMap(({ name, component: file, at }) =>
        file === undefined ? [] : [{ name, file, at }],
      ),
      modparams: this.#modparams(),
      listen: this.#listen(core),
      aliases: [...new Set(config.aliases.map(a => a.text))],
      defines: Object.fromEntries(Object.entries(config.defines).map(([name, value]) => [name, utf8Of(value)])),
      notes: this.#notes,
    };
    return { options, diagnostics: inOrder(config, [...config.diagnostics, ...this.#found.found]) };
  }

  /** Whether the config's own blocks route. */
  get #native(): boolean {
    const { engine, routes } = this.#config;
    if (engine) return ['native', 'default'].includes(engine.name);
    return this.#catalogue.script === undefined || routes.length > 0;
  }

  #modules(scripts: readonly string[]): string[] {
    const names = new Set(WITHOUT_LOADMODULE);
    for (const { name, at, component } of this.#config.modules) {
      if (component !== undefined) continue;
      const brought = broughtBy(name, this.#ours);
      for (const b of brought) names.add(b);
      if (brought.length > 0) continue;
      const machinery = Object.hasOwn(MACHINERY, name) ? MACHINERY[name] : undefined;
      if (machinery) {
        if (name !== 'app_lua') this.#notes.push(`loadmodule "${name}" does nothing: ${machinery.why}`);
      } else this.#found.error(at, this.#absent(name, scripts));
    }
    return [...names].filter(n => this.#ours.includes(n));
  }

  #absent(name: string, scripts: readonly string[]): string {
    const instead = insteadOf(name);
    if (instead) return `cannot load module ${name}: ${instead}`;
    if (!Object.hasOwn(KAMAILIO_EXPORTS, name)) {
      const names = [
        ...this.#ours.map(loadmoduleName).filter(n => n !== undefined),
        ...Object.keys(MACHINERY),
        ...Object.keys(KAMAILIO_EXPORTS),
      ];
      const near = closest(name, names);
      return `cannot load module ${name}: module not available in this version${near && near !== name ? `, did you mean ${near}` : ''}; take the line out if the script does without it`;
    }
    const why = `cannot load module ${name}: module not available in this version`;
    // what its own blocks use is said there
    if (this.#native) return why;
    const sources = scripts.flatMap(script => {
      const source = this.#catalogue.readScript?.(script);
      return source ? [{ script, used: usesOf(byteStr(source), name) }] : [];
    });
    const uses = sources.filter(s => s.used.length > 0).map(s => `${s.script}: ${s.used.join(', ')}`);
    if (uses.length > 0) return `${why}; KSR.${name} would be missing in ${uses.join('; ')}`;
    return sources.length > 0 ? `${why}; the script does not use it: take the line out` : why;
  }

  #modparams(): ConfigOptions['modparams'] {
    const out: { module: string; name: string; value: Value }[] = [];
    for (const setting of this.#config.modparams) {
      const { at, loaded } = setting;
      let names: string[];
      try {
        const regex = compileRegex(`^(${setting.modules})$`, { ignoreCase: true });
        names = this.#config.modules
          .slice(0, loaded)
          .map(m => m.name)
          .filter(n => regex.test(n));
        if (names.length === 0)
          this.#unmatched(
            setting,
            this.#config.modules.map(m => m.name).filter(n => regex.test(n)),
          );
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
        this.#found.error(at, `cannot use "${utf8Of(setting.modules)}" as names of modules: ${error.message}`);
        continue;
      }
      for (const name of names) {
        const module = this.#checked(name, setting);
        if (module !== undefined) out.push({ module, name: setting.name, value: setting.value });
      }
    }
    return out;
  }

  #unmatched(setting: ModparamSetting, later: readonly string[]): void {
    const { at } = setting;
    const modules = utf8Of(setting.modules);
    const near = closest(
      modules,
      this.#config.modules.map(m => m.name),
    );
    const why = later.length
      ? `it is loaded only further down: move loadmodule "${later[0]}.so" above`
      : `it is not loaded${near ? `, did you mean ${near}` : `: write loadmodule "${modules.split('|')[0]}.so" above`}`;
    this.#found.error(at, `cannot set modparam ${modules}.${utf8Of(setting.name)}: no module ${modules}: ${why}`);
  }

  /** @returns the name of our module that takes the value; undefined when none does */
  #checked(name: string, { name: param, value, at }: ModparamSetting): string | undefined {
    // A component knows its parameters itself.
    if (this.#config.modules.some(m => m.name === name && m.component !== undefined)) return name;
    const brought = broughtBy(name, this.#ours);
    const machinery = Object.hasOwn(MACHINERY, name) ? MACHINERY[name] : undefined;
    // The module itself is an error already.
    if (brought.length === 0 && !machinery) return undefined;
    const definitions = this.#catalogue.modules.filter(m => brought.includes(m.name));
    const definition = definitions.find(m => Object.hasOwn(m.modparams, param));
    const type = machinery && Object.hasOwn(machinery.params, param) ? machinery.params[param] : undefined;
    if (definition)
      return this.#fits(`${name}.${param}`, definition.modparams[param]!, value, at) ? definition.name : undefined;
    if (type !== undefined) {
      this.#fits(`${name}.${utf8Of(param)}`, { type, doc: '' }, value, at);
      return undefined;
    }
    const near = closest(
      param,
      machinery ? Object.keys(machinery.params) : definitions.flatMap(d => Object.keys(d.modparams)),
    );
    this.#found.error(
      at,
      `cannot set modparam ${name}.${utf8Of(param)}: module ${name} has no such parameter${near ? `, did you mean ${near}` : ''}`,
    );
    return undefined;
  }

  /** Kamailio converts nothing: a parameter is a number or a string. */
  #fits(name: string, param: ModParam, value: Value, at: At): boolean {
    const shown = typeof value === 'string' ? `"${utf8Of(value)}"` : String(value);
    const wrong = (what: string) => {
      this.#found.error(at, `cannot set modparam ${name} to ${shown}: ${what}`);
      return false;
    };
    if (param.type === 'any') return true;
    if (param.type === 'str')
      return typeof value === 'string' || wrong(`it takes a string: write "${shown}" in quotes`);
    if (typeof value === 'string')
      return wrong(`it takes a number${/^-?\d+$/.test(value) ? ': write it without quotes' : ''}`);
    const { min = -0x80000000, max = 0x7fffffff } = param;
    return (value >= min && value <= max) || wrong(`it must be a whole number from ${min} to ${max}`);
  }

  /** An address without a protocol means each that there is, as in Kamailio. */
  #listen(core: CoreOptions): ConfigListen[] {
    const { listen } = this.#config;
    const port = core.port ?? 5060;
    const tcp = core.coreParams.disable_tcp !== 1;
    const tls = tcp && this.#tls(core);
    const each: readonly ConfigListen['proto'][] = [
      'udp',
      ...(tcp ? (['tcp'] as const) : []),
      ...(tls ? (['tls'] as const) : []),
    ];
    // as in Kamailio: of an address with a port TLS has the next one
    const portOf = (proto: ConfigListen['proto'], given: number | undefined, asked: boolean) =>
      proto !== 'tls'
        ? (given ?? port)
        : given === undefined
          ? Number(core.coreParams.tls_port_no ?? 5061)
          : asked
            ? given
            : given + 1;
    if (listen.length === 0)
      return each.map(proto => {
        const own = portOf(proto, undefined, false);
        return { proto, host: '0.0.0.0', port: own, ...advertised({}, own, core) };
      });
    const out: ConfigListen[] = [];
    const off: { at: At; why: string }[] = [];
    for (const one of listen) {
      const { proto: asked } = one;
      if (asked !== undefined && asked !== 'udp' && asked !== 'tcp' && asked !== 'tls') {
        this.#found.error(one.at, `cannot listen on ${asked}:${one.host}: ${whyNot(asked)}`);
        continue;
      }
      if (asked !== undefined && !each.includes(asked)) {
        const why = tcp
          ? 'TLS needs enable_tls=yes and loadmodule "tls.so"'
          : `disable_tcp=yes turns ${asked.toUpperCase()} off`;
        off.push({ at: one.at, why: `${asked}:${one.host} is not listened on: ${why}` });
      }
      for (const proto of asked ? each.filter(p => p === asked) : each) {
        const at = portOf(proto, one.port, asked !== undefined);
        if (out.some(o => o.proto === proto && o.host === one.host && o.port === at)) continue;
        out.push({
          proto,
          host: one.host,
          port: at,
          ...advertised(one, at, core),
          ...(one.name !== undefined && { name: one.name }),
        });
      }
    }
    // without any address the default ones would be opened: nobody asked for those
    for (const { at, why } of off)
      if (out.length > 0) this.#found.warning(at, why);
      else this.#found.error(at, why);
    return out;
  }

  /** Whether TLS is on: Kamailio wants both the parameter and the module. */
  #tls({ coreParams }: CoreOptions): boolean {
    const asked = coreParams.enable_tls === 1 || (coreParams.disable_tls === 0 && coreParams.enable_tls === undefined);
    const loaded = this.#config.modules.some(m => m.name === 'tls');
    if (asked && loaded) return true;
    const setting = this.#config.settings.find(({ name }) => name === 'enable_tls' || name === 'disable_tls');
    if (asked && setting)
      this.#found.warning(setting.at, `${setting.name}: without loadmodule "tls.so" there is no TLS`);
    return false;
  }

  /** The scripts of app_lua, the last one first, as they run in Kamailio; or the one that was given beside the config. */
  #scripts(): readonly string[] {
    const { engine, file, routes } = this.#config;
    const given = this.#catalogue.script;
    if (this.#native) {
      if (given !== undefined) {
        const at = engine?.at ?? routes.find(r => r.kind === 'request_route')?.at ?? { file, line: 0, column: 0 };
        this.#found.error(at, `the config routes with its own blocks: ${given} cannot be given beside it`);
      }
      return [file];
    }
    if (engine) this.#engine(engine);
    this.#blocks();
    const loads = this.#loads();
    if (given !== undefined) {
      if (loads[0])
        this.#found.error(loads[0].at, `the config says which script runs: ${given} cannot be given beside it`);
      return [given];
    }
    if (loads.length === 0 && engine?.name === 'lua')
      this.#found.error(engine.at, 'there is no script to run: write modparam("app_lua", "load", "SCRIPT.lua")');
    return loads.map(m => utf8Of(String(m.value))).reverse();
  }

  /** What app_lua loads. */
  #loads(): ModparamSetting[] {
    return this.#config.modparams.filter(
      m => /^app_lua$/i.test(m.modules) && m.name === 'load' && typeof m.value === 'string',
    );
  }

  #engine({ name, loaded, at }: NonNullable<KamailioConfig['engine']>): void {
    if (name !== 'lua')
      this.#found.error(at, `cfgengine "${utf8Of(name)}" is not available in this version: only "lua" is`);
    else if (!this.#config.modules.slice(0, loaded).some(m => m.name === 'app_lua'))
      this.#found.error(at, 'cfgengine "lua" needs loadmodule "app_lua.so" above it');
  }

  #blocks(): void {
    for (const { kind, name, at } of this.#config.routes) {
      const what = `${kind}${name && `[${utf8Of(name)}]`}`;
      if (kind === 'request_route')
        this.#found.error(
          at,
          `${what} would run in place of the script: take it out, or use another cfgengine than "lua"`,
        );
      else this.#found.warning(at, `${what} is not run: routing is the script's`);
    }
  }
}

function advertised(
  { advertise }: Pick<ListenSetting, 'advertise'>,
  port: number,
  core: CoreOptions,
): { advertise?: NonNullable<ConfigListen['advertise']> } {
  const host = advertise?.host ?? core.advertisedAddress;
  const advertisedPort = advertise ? (advertise.port ?? port) : (core.advertisedPort ?? port);
  if (host === undefined) return {};
  return { advertise: { host, port: advertisedPort } };
}

/** Findings in the order in which a reader meets them: file by file. */
function inOrder(config: KamailioConfig, found: readonly Diagnostic[]): Diagnostic[] {
  const order = (file: string) => {
    const at = config.files.indexOf(file);
    return at < 0 ? config.files.length : at;
  };
  return [...found].sort((a, b) => order(a.file) - order(b.file) || a.line - b.line || a.column - b.column);
}
