/** Lua beside the routing blocks of a kamailio.cfg: what lua_run() and its kin run. */
import { type ByteStr, byteStr, byteStrOf, bytesOf } from '../core/memory.ts';
import { ScriptError } from '../errors.ts';
import type { LuaStates } from '../interp/cfg/lua-commands.ts';
import type { Interpreter, Program, RunResult } from '../interp/interpreter.ts';

const HELPERS = { function: '~run', runstring: '~string', dostring: '~string', dofile: '~file' } as const;
/** name of a state that no script was loaded in */
const NO_SCRIPT = 'lua';

export class LuaBeside implements LuaStates {
  readonly #lua: Interpreter;
  readonly #message: () => number;
  readonly #scripts: Program;
  /** the state of lua_dostring() and lua_dofile(): opened with the first of them */
  #strings: Program | undefined;

  /**
   * @param scripts paths in the order in which they run in one state
   * @param message address of the message at hand, 0 for none
   * @throws ScriptError
   */
  constructor(
    lua: Interpreter,
    scripts: readonly string[],
    readFile: ((path: string) => Uint8Array | undefined) | undefined,
    message: () => number,
  ) {
    this.#lua = lua;
    this.#message = message;
    const name = scripts.at(-1);
    if (name === undefined) {
      this.#scripts = lua.load(new Uint8Array(0), NO_SCRIPT);
      return;
    }
    const source = readFile?.(name);
    if (!source) {
      const message = 'cannot read it: no such file, or it is not granted';
      throw new ScriptError([{ severity: 'error', file: name, line: 0, column: 0, message }]);
    }
    // In front of the first line, without an end of line: errors keep their line numbers.
    const before = scripts.slice(0, -1).map(path => `dofile(${luaText(path)}) `);
    const all =
      before.length > 0 ? bytesOf(byteStrOf(before.join('')) + byteStr(source).replace(/^#[^\n]*/, '')) : source;
    this.#scripts = lua.load(all, name);
  }

  run(what: keyof typeof HELPERS, text: ByteStr, args: readonly ByteStr[]): RunResult {
    const shared = what === 'function' || what === 'runstring';
    const program = shared ? this.#scripts : (this.#strings ??= this.#lua.load(new Uint8Array(0), NO_SCRIPT));
    const arg = what === 'function' ? [text, ...args].map(part => `${part.length}:${part}`).join('') : text;
    return program.run(HELPERS[what], this.#message(), arg);
  }

  dispose(): void {
    this.#scripts.dispose();
    this.#strings?.dispose();
  }
}

const luaText = (text: string): string =>
  `"${text.replace(/[\\"\n\r\0]/g, c => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`)}"`;
