/** The native engine: the routing blocks of a kamailio.cfg, compiled once. Its commands are the functions of the KEMI table. */
import type { ConfigHost, KamailioConfig } from '../../cfg/config.ts';
import { Diagnostics } from '../../cfg/diagnostics.ts';
import { parseConfig } from '../../cfg/parser.ts';
import { utf8Of } from '../../core/memory.ts';
import { type Diagnostic, ScriptError } from '../../errors.ts';
import type { Interpreter, Program } from '../interpreter.ts';
import { type Command, commandsOf, KeptTexts } from './commands.ts';
import { BlockCompiler } from './compile.ts';
import type { Context, Surroundings } from './context.ts';
import type { Code } from './machine.ts';
import { parseBlock } from './parse.ts';
import { CfgProgram } from './program.ts';

export interface NativeOptions extends Surroundings {
  /** what reading the config needs: its includes, #!define, $env() */
  readonly config: ConfigHost;
  readonly limits?: { readonly instructions?: number };
}

/** Kamailio's default for max_while_loops. */
const MAX_ROUNDS = 100;
/** Events that something here raises; a block for another one would wait in vain. */
const EVENTS = /^(tm:(local-request|local-response|sl-reply|branch-failure:.+)|usrloc:contact-expired|htable:.+)$/;

export class NativeInterpreter implements Interpreter {
  readonly kind = 'native';
  readonly #options: NativeOptions;
  readonly #commands: ReadonlyMap<string, readonly Command[]>;
  #version = 0;

  constructor(options: NativeOptions) {
    this.#options = options;
    this.#commands = commandsOf(options.bridge);
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

  /** Every error and warning of a config's routing blocks; what else is wrong with the config is not among them. */
  check(source: Uint8Array, name: string, request: string): Diagnostic[] {
    const { program, diagnostics } = this.compile(source, name);
    const routes = program.has(request);
    program.dispose();
    if (routes) return diagnostics;
    const message = `it has no ${request}: nothing would route requests`;
    return [{ severity: 'error', file: name, line: 0, column: 0, message }, ...diagnostics];
  }

  /** @returns a program that must not run when there are errors among the diagnostics */
  compile(source: Uint8Array, name: string): { program: Program; diagnostics: Diagnostic[]; config: KamailioConfig } {
    const { core, bridge, pvs, host, limits } = this.#options;
    const config = parseConfig(source, name, this.#options.config);
    const kept = new KeptTexts(core);
    const found = new Diagnostics();
    const blocks = this.#blocks(config, found, kept);
    const program = new CfgProgram({
      core,
      bridge,
      pvs,
      host,
      name,
      version: found.found.some(d => d.severity === 'error') ? this.#version : ++this.#version,
      blocks,
      instructions: limits?.instructions ?? 0,
      bytes: source.length,
      free: () => kept.free(),
    });
    return { program, diagnostics: inOrder(found.found, config.files), config };
  }

  #blocks(config: KamailioConfig, found: Diagnostics, kept: KeptTexts): ReadonlyMap<string, Code> {
    const { core, bridge, pvs, host } = this.#options;
    const blocks = new Map<string, Code>();
    const used = new Set<string>();
    let any = false;
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
        used.add(block);
        wanted.push({ block, at });
      },
      usesAny: () => {
        any = true;
      },
      keep: text => kept.keep(text),
    };
    // all names first: a block may call one that stands below it
    for (const route of config.routes)
      blocks.set(blockName(route), { name: blockName(route), at: route.at, run: [], places: [] });
    for (const route of config.routes) {
      const code = blocks.get(blockName(route))!;
      if (route.kind === 'event_route' && !EVENTS.test(utf8Of(route.name)))
        found.warning(route.at, `${code.name} never runs: nothing raises this event in this version`);
      new BlockCompiler(cx, this.#commands, blocks, route, code).statements(parseBlock(route, found));
    }
    for (const { block, at } of wanted)
      if (!blocks.has(block)) found.warning(at, `there is no ${block}: nothing will run`);
    for (const { name, at } of blocks.values())
      if (!any && !used.has(name) && /^(route|branch_route|failure_route|onreply_route)\[/.test(name))
        found.warning(at, `${name} is never used`);
    return blocks;
  }
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
