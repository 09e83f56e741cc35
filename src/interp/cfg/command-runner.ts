/** Commands of routing blocks, called by name with texts: KSR.x.modf(). Each name with its texts is compiled once. */
import { Diagnostics } from '../../cfg/diagnostics.ts';
import * as L from '../../core/gen/layout.gen.ts';
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import { type Command, type CompiledCall, commandsOf, compileCommand, KeptTexts } from './commands.ts';
import type { Context, Surroundings } from './context.ts';
import { isKeyword } from './keywords.ts';
import { type Code, type CoreRun, Machine, ReturnCode } from './machine.ts';
import { Mistake } from './token-list.ts';

/** Calls kept; a script that makes up its texts must not fill the memory. */
const MAX_KEPT = 256;
const NOWHERE = { file: '', line: 0, column: 0 };
/** One command has no instructions for the core. */
const NOT_IN_CORE: CoreRun = { run: () => true, here: () => {} };
const CODE: Code = { name: 'modf', at: NOWHERE, run: [], places: [], core: [], entries: [] };

export class CommandRunner {
  readonly #surroundings: Surroundings;
  readonly #commands: ReadonlyMap<string, readonly Command[]>;
  readonly #calls = new Map<string, CompiledCall>();
  readonly #rc: ReturnCode;
  #kept: KeptTexts;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#commands = commandsOf(surroundings.bridge);
    const { core } = surroundings;
    this.#rc = new ReturnCode(core.mem, core.x.cfgState() + L.CS_RC);
    this.#kept = new KeptTexts(core);
  }

  /**
   * @param args texts, in which variables are replaced as in routing blocks
   * @returns the command's code, a promise of it where it waits; -1 (logged) for what cannot be called
   */
  run(name: ByteStr, args: readonly ByteStr[]): number | Promise<number> {
    const { host } = this.#surroundings;
    let call: CompiledCall;
    try {
      call = this.#compiled(name, args);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      host.log.error({ command: utf8Of(name) }, `Cannot run KSR.x.modf(${utf8Of(name)}): ${error.message}`);
      return -1;
    }
    const result = call.invoke(new Machine(CODE, 0, this.#rc, NOT_IN_CORE));
    return typeof result === 'number' ? result : result.then(value => call.code(value));
  }

  #compiled(name: ByteStr, args: readonly ByteStr[]): CompiledCall {
    if (isKeyword(name)) throw new Mistake(NOWHERE, `${name} is a word of the language, no command`);
    const key = [name, ...args].map(text => `${text.length}:${text}`).join('');
    const known = this.#calls.get(key);
    if (known) return known;
    if (this.#calls.size >= MAX_KEPT) {
      this.#calls.clear();
      // runs that wait have read their texts
      this.#kept.free();
      this.#kept = new KeptTexts(this.#surroundings.core);
    }
    const { core, bridge, pvs, host } = this.#surroundings;
    const cx: Context = {
      core,
      bridge,
      pvs,
      host,
      found: new Diagnostics(),
      flags: new Map(),
      maxRounds: 0,
      uses: () => {},
      usesAny: () => {},
      keep: text => this.#kept.keep(text),
    };
    const given = args.map(value => ({ kind: 'str', value, at: NOWHERE }) as const);
    const call = compileCommand(
      cx,
      this.#commands,
      { kind: 'call', name: utf8Of(name), args: given, at: NOWHERE },
      'any',
      () => {
        throw new Mistake(NOWHERE, 'a parameter is a text');
      },
    );
    this.#calls.set(key, call);
    return call;
  }
}
