/** The native engine: the routing blocks of a kamailio.cfg, compiled once. Its commands are the functions of the KEMI table. */
import type { ConfigHost, KamailioConfig } from '../../cfg/config.ts';
import { Diagnostics } from '../../cfg/diagnostics.ts';
import { parseConfig } from '../../cfg/parser.ts';
import { utf8Of } from '../../core/memory.ts';
import { type Diagnostic, ScriptError } from '../../errors.ts';
import type { Interpreter, Program } from '../interpreter.ts';
import { assemble } from './assemble.ts';
import { type Command, commandsOf, KeptTexts } from './commands.ts';
import { BlockCompiler } from './compile.ts';
import type { Context, Surroundings } from './context.ts';
import { RunningBlocks } from './core-run.ts';
import { type LuaStates, luaCommands, type StartLua, type Waits } from './lua-commands.ts';
import type { Code } from './machine.ts';
import { parseBlock } from './parse.ts';
import { CfgProgram } from './program.ts';

export interface NativeOptions extends Surroundings {
  /** what reading the config needs: its includes, #!define, $env() */
  readonly config: ConfigHost;
  readonly limits?: { readonly instructions?: number };
  /** Lua for lua_run() and its kin; absent: there is none */
  readonly startLua?: StartLua;
  /** false: every instruction runs in TypeScript; absent: the core runs what it can */
  readonly inCore?: boolean;
}

type Commands = ReadonlyMap<string, readonly Command[]>;

/** Kamailio's default for max_while_loops. */
const MAX_ROUNDS = 100;
/** Events that something here raises; a block for another one would wait in vain. */
const EVENTS =
  /^(tm:(local-request|local-response|sl-reply|branch-failure:.+)|usrloc:contact-expired|htable:.+|tcp:(closed|timeout|reset)|tls:connection-out)$/;

export class NativeInterpreter implements Interpreter {
  readonly kind = 'native';
  readonly #options: NativeOptions;
  readonly #commands: ReadonlyMap<string, readonly Command[]>;
  readonly #running: RunningBlocks;
  /** places in the shared table of what the core calls for us */
  readonly #targets = new Map<string, number>();
  #version = 0;

  constructor(options: NativeOptions) {
    this.#options = options;
    this.#commands = commandsOf(options.bridge);
    this.#running = new RunningBlocks(options.core);
  }

  load(source: Uint8Array, name: string): Program {
    const { program, diagnostics, config } = this.compile(source, name);
    const errors = [...config.diagnostics, ...diagnostics].filter(d => d.severity === 'error');
    if (errors.length > 0) {
      program.dispose();
      throw new ScriptError(errors);
    }
    return program;
  }

  /** Every error and warning of a config's routing blocks, and the Lua scripts beside them; what else is wrong with the config is not among them. */
  check(source: Uint8Array, name: string, request: string): { diagnostics: Diagnostic[]; lua: string[] } {
    const { program, diagnostics, config } = this.compile(source, name);
    const lua = this.#options.startLua && loadsLua(config) ? luaScripts(config) : [];
    const routes = program.has(request);
    program.dispose();
    if (routes) return { diagnostics, lua };
    const message = `it has no ${request}: nothing would route requests`;
    return { diagnostics: [{ severity: 'error', file: name, line: 0, column: 0, message }, ...diagnostics], lua };
  }

  /** @returns a program that must not run when there are errors among the diagnostics */
  compile(source: Uint8Array, name: string): { program: Program; diagnostics: Diagnostic[]; config: KamailioConfig } {
    const { core, bridge, pvs, host, limits, inCore } = this.#options;
    const config = parseConfig(source, name, this.#options.config);
    const kept = new KeptTexts(core);
    const found = new Diagnostics();
    const waits: Waits = new WeakMap();
    let lua: LuaStates | undefined;
    const blocks = this.#blocks(
      config,
      found,
      kept,
      this.#withLua(config, () => lua, waits),
    );
    lua = this.#startLua(config, found);
    const assembly = assemble(inCore === false ? [] : blocks.values(), this.#target, bytes => kept.room(bytes));
    kept.fill(assembly.words);
    for (const { name: define, at } of config.unusedDefines) found.warning(at, `define ${define} is never used`);
    const program = new CfgProgram({
      assembly,
      running: this.#running,
      core,
      bridge,
      pvs,
      host,
      name,
      version: found.found.some(d => d.severity === 'error') ? this.#version : ++this.#version,
      blocks,
      instructions: limits?.instructions ?? 0,
      bytes: source.length,
      free: () => {
        kept.free();
        lua?.dispose();
      },
      giveUp: (wait, why) => waits.get(wait)?.(why),
    });
    return { program, diagnostics: inOrder(found.found, config.files), config };
  }

  /** The commands of a config: with those of app_lua where it is loaded. */
  #withLua(config: KamailioConfig, states: () => LuaStates | undefined, waits: Waits): Commands {
    if (!this.#options.startLua || !loadsLua(config)) return this.#commands;
    return new Map([...this.#commands, ...luaCommands(this.#options.host, states, waits)]);
  }

  /** Runs what app_lua loads; what is wrong with it is reported. */
  #startLua(config: KamailioConfig, found: Diagnostics): LuaStates | undefined {
    const { startLua } = this.#options;
    if (!startLua || !loadsLua(config)) return undefined;
    try {
      return startLua(luaScripts(config));
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      for (const d of error.diagnostics) found.error(d, d.message);
      return undefined;
    }
  }

  readonly #target = (name: string): number => {
    const { core } = this.#options;
    let index = this.#targets.get(name);
    if (index === undefined) this.#targets.set(name, (index = core.addFunction(core.x[name])));
    return index;
  };

  #blocks(config: KamailioConfig, found: Diagnostics, kept: KeptTexts, commands: Commands): ReadonlyMap<string, Code> {
    const { core, bridge, pvs, host } = this.#options;
    const blocks = new Map<string, Code>();
    const calls = new Map<string, Set<string>>();
    let caller = '';
    // Lua may name any block
    let any = loadsLua(config);
    const wanted: { block: string; at: Parameters<Context['uses']>[1] }[] = [];
    const rounds = config.settings.findLast(s => s.name === 'max_while_loops')?.value;
    const cx: Context = {
      core,
      bridge,
      pvs,
      host,
      found,
      flags: config.flags,
      maxRounds: typeof rounds === 'number' && rounds > 0 ? rounds : MAX_ROUNDS,
      uses: (block, at) => {
        const callees = calls.get(caller);
        if (callees) callees.add(block);
        else calls.set(caller, new Set([block]));
        wanted.push({ block, at });
      },
      usesAny: () => {
        any = true;
      },
      keep: text => kept.keep(text),
    };
    // all names first: a block may call one that stands below it
    for (const route of config.routes)
      blocks.set(blockName(route), {
        name: blockName(route),
        at: route.at,
        run: [],
        places: [],
        core: [],
        entries: [],
      });
    for (const route of config.routes) {
      const code = blocks.get(blockName(route))!;
      caller = code.name;
      if (route.kind === 'event_route' && !EVENTS.test(utf8Of(route.name)))
        found.warning(route.at, `${code.name} never runs: nothing raises this event in this version`);
      new BlockCompiler(cx, commands, blocks, route, code).statements(parseBlock(route, found));
    }
    for (const { block, at } of wanted)
      if (!blocks.has(block)) found.warning(at, `there is no ${block}: nothing will run`);
    if (!any) for (const { at, why } of unreached(blocks, calls)) found.warning(at, why);
    return blocks;
  }
}

/** Blocks that no message comes to: nothing calls them, or only such blocks do. */
function unreached(blocks: ReadonlyMap<string, Code>, calls: ReadonlyMap<string, ReadonlySet<string>>) {
  const called = /^(route|branch_route|failure_route|onreply_route)\[/;
  const reached = new Set([...blocks.keys()].filter(name => !called.test(name)));
  for (const name of reached) for (const callee of calls.get(name) ?? []) reached.add(callee);
  return [...blocks.values()].flatMap(({ name, at }) => {
    if (reached.has(name)) return [];
    const by = [...calls].find(([caller, callees]) => caller !== name && callees.has(name))?.[0];
    return [
      {
        at,
        why: by ? `${name} is never used: only ${by} calls it, which is not used either` : `${name} is never used`,
      },
    ];
  });
}

const loadsLua = (config: KamailioConfig): boolean => config.modules.some(m => m.name === 'app_lua');

/** The scripts that app_lua loads, in the order in which they run: the last one first, as in Kamailio. */
export function luaScripts(config: KamailioConfig): string[] {
  return config.modparams
    .filter(m => /^app_lua$/i.test(m.modules) && m.name === 'load' && typeof m.value === 'string')
    .map(m => utf8Of(String(m.value)))
    .reverse();
}

/** Findings in the order in which a reader meets them, file by file. */
function inOrder(found: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const file = (d: Diagnostic) => files.indexOf(d.file);
  return [...found].sort((a, b) => file(a) - file(b) || a.line - b.line || a.column - b.column);
}

/** request_route, reply_route, route[NAME] ... */
function blockName({ kind, name }: KamailioConfig['routes'][number]): string {
  if (kind === 'onreply_route' && name === '') return 'reply_route';
  return name === '' ? kind : `${kind}[${utf8Of(name)}]`;
}
