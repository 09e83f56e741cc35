/**
 * The Lua engine: Lua 5.4 in the core's memory, with a prelude for scripts written for Lua 5.1. Each program has a Lua state of its own; every KSR function is
 * one closure over the core's dispatcher.
 */
import * as C from '../../core/gen/layout.gen.ts';
import type { Core } from '../../core/load.ts';
import { type ByteStr, byteStr, byteStrOf, bytesOf, utf8Of } from '../../core/memory.ts';
import { type Diagnostic, KemiError, ScriptError } from '../../errors.ts';
import type { Interpreter, InterpreterOptions, KsrEntry, Program } from '../interpreter.ts';
import { syntaxDiagnostic } from './errors.ts';
import { layoutFault } from './layout-check.ts';
import { printNumbersAs51 } from './numbers.ts';
import { PRELUDE, PRELUDE_NAME } from './prelude.ts';
import { LuaProgram, type Running } from './program.ts';
import { LuaState, TYPE_TABLE } from './state.ts';

/** How KSR functions are called: through Lua's API, or reading Lua's stack in place (faster, needs the pinned build of Lua). */
export type Lane = 'api' | 'inplace';

export interface LuaOptions extends InterpreterOptions {
  /** default 'auto': in place where the layout check allows it */
  readonly lane?: Lane | 'auto';
}

const DEFAULT_MEMORY_BYTES = 128 << 20;
/** instructions between two calls of the limit's hook */
const TICK = 1000;

/** Arguments that Lua 5.1 cuts off to integers, by function: bit i is argument i. */
const INTEGER_ARGS: readonly (readonly [library: string, name: string, mask: number])[] = [
  ['string', 'sub', 0b1100],
  ['string', 'byte', 0b1100],
  ['string', 'rep', 0b100],
  ['string', 'char', -2],
  ['string', 'find', 0b1000],
  ['string', 'match', 0b1000],
  ['string', 'gsub', 0b10000],
  ['math', 'random', 0b110],
  ['table', 'concat', 0b11000],
  ['table', 'unpack', 0b1100],
  ['table', 'remove', 0b100],
];

/** hash slots of the KSR tables for each name in them */
const ROOM = 4;

/** stands before a script's first line, on that line */
const KSR_LOCAL = 'local KSR = KSR ';
/** a script that may put something else in the place of KSR */
const KSR_REPLACED = /\bKSR\s*(?:,[^=\n]*)?=(?!=)|\b_G\b|\b_ENV\b|\bsetfenv\b/;

/** Table indexes of the core's C functions. */
interface Functions {
  readonly dispatch: number;
  readonly unwind: number;
  readonly engine: number;
  readonly truncate: number;
  readonly format: number;
  readonly setMetatable: number;
  readonly find: number;
}

/** One per core: it takes the core's engineCall hook. */
export class LuaInterpreter implements Interpreter {
  readonly kind = 'lua';
  /** the lane in use */
  readonly lane: Lane;
  /** why the in-place lane cannot be used; undefined when it can */
  readonly layoutFault: string | undefined;
  readonly #core: Core;
  readonly #options: LuaOptions;
  readonly #functions: Functions;
  /** table indexes of the C functions that stand for one KSR function */
  readonly #calls = new Map<string, number>();
  readonly #running: Running = { co: 0, msg: 0 };
  /** programs by the address of their state's block */
  readonly #programs = new Map<number, LuaProgram>();
  #loads = 0;

  /** @throws {KemiError} KEMI_ERR_NO_MEMORY, KEMI_ERR_WASM */
  constructor(options: LuaOptions) {
    this.#options = options;
    const { core } = options;
    this.#core = core;
    const { x } = core;
    const alloc = core.addFunction(x.luaAlloc);
    const hook = core.addFunction(x.luaHook);
    const afterWait = core.addFunction(x.luaAfterWait);
    x.luaSetup(alloc, hook, afterWait, 0);
    const L = this.#open();
    const state = new LuaState(core, L);
    core.lua.luaL_openlibs(L);
    x.luaSetup(alloc, hook, afterWait, cFunction(state, 'string', 'find'));
    printNumbersAs51(core, L);
    this.layoutFault = layoutFault(core, L);
    x.luaClose(L);
    if (options.lane === 'inplace' && this.layoutFault)
      throw new KemiError('KEMI_ERR_WASM', `Cannot use the in-place lane: Lua's ${this.layoutFault} lies elsewhere`);
    this.lane = options.lane === 'api' || this.layoutFault ? 'api' : 'inplace';
    const inPlace = this.lane === 'inplace';
    this.#functions = {
      dispatch: core.addFunction(inPlace ? x.luaDispatch : x.luaDispatchApi),
      unwind: core.addFunction(inPlace ? x.luaUnwind : x.luaExit),
      engine: core.addFunction(x.luaEngine),
      truncate: core.addFunction(inPlace ? x.luaTruncateInPlace : x.luaTruncate),
      format: core.addFunction(x.luaFormat),
      setMetatable: core.addFunction(x.luaSetMetatable),
      find: inPlace ? core.addFunction(x.luaFind) : 0,
    };
    core.hooks.engineCall = (thread, op) => this.#engineCall(thread, op);
  }

  load(source: Uint8Array, name: string): Program {
    const L = this.#open();
    const { core } = this.#options;
    const { lua, x } = core;
    const state = new LuaState(core, L);
    const block = core.mem.u32(L - 4);
    const program = new LuaProgram(state, name, this.#loads + 1, this.#options, this.#running, () =>
      this.#programs.delete(block),
    );
    this.#programs.set(block, program);
    const sp = lua.stackSave();
    const fail = (diagnostic: Diagnostic): never => {
      program.dispose();
      throw new ScriptError([diagnostic]);
    };
    let co: number;
    try {
      lua.luaL_openlibs(L);
      this.#buildTree(state);
      this.#runPrelude(state, name);
      co = program.takeCoroutine();
      if (!co) throw new Error('not enough memory');
    } catch (cause) {
      lua.stackRestore(sp);
      const refused = x.luaRefused(L) === 1;
      program.dispose();
      const message = `Cannot make a Lua state: ${(cause as Error).message}`;
      throw new KemiError(refused ? 'KEMI_ERR_NO_MEMORY' : 'KEMI_ERR_WASM', message, { cause });
    }
    const bytes = withoutMarks(source);
    const text = byteStr(bytes);
    program.sources.set(name, text);
    const chunk = `@${byteStrOf(name)}`;
    // A local is found without a look-up in the globals: some nanoseconds of every call. A script that fails with it is tried as it stands.
    const asItStands = KSR_REPLACED.test(text) || state.parse(bytesOf(`${KSR_LOCAL}${text}`), chunk, co) !== undefined;
    const syntax = asItStands ? state.parse(bytes, chunk, co) : undefined;
    if (syntax !== undefined) fail(syntaxDiagnostic(utf8Of(syntax), text, program.sources.keys(), name));
    const error = program.runTopLevel(co);
    if (error) {
      const { file, line, traceback } = error;
      const message = error.message.startsWith(`${file}:${line}: `)
        ? error.message.slice(`${file}:${line}: `.length)
        : error.message;
      fail({ severity: 'error', file: file || name, line, column: 0, message, traceback });
    }
    x.luaSetLimit(co, ...hookLimit(this.#options.limits?.instructions));
    this.#loads++;
    return program;
  }

  #open(): number {
    const { limits } = this.#options;
    const [ticks, count] = hookLimit(limits?.loadInstructions ?? limits?.instructions);
    const L = this.#core.x.luaOpen(limits?.memoryBytes ?? DEFAULT_MEMORY_BYTES, ticks, count);
    if (!L) throw new KemiError('KEMI_ERR_NO_MEMORY', 'Cannot open a Lua state: the linear memory is full');
    return L;
  }

  /** The globals KSR and KSRVERSION. */
  #buildTree(state: LuaState): void {
    const { lua, x } = this.#core;
    const { tree, version } = this.#options;
    const { L } = state;
    state.pushGlobals();
    const sizes = new Map<string, number>();
    for (const { path } of tree.entries) {
      const table = path.slice(0, -1).join('.');
      sizes.set(table, (sizes.get(table) ?? 0) + 1);
    }
    // Roomy hash tables: a name found at its first place saves some nanoseconds of every call.
    const room = (table: string) => ((sizes.get(table) ?? 0) + 16) * ROOM;
    lua.lua_createtable(L, 0, room(''));
    for (const entry of tree.entries) {
      const { path, id } = entry;
      x.luaDescribe(id);
      for (const part of path.slice(0, -1)) {
        if (state.getField(-1, part) === TYPE_TABLE) continue;
        state.pop();
        lua.lua_createtable(L, 0, room(part));
        lua.lua_pushvalue(L, -1);
        state.setField(-3, part);
      }
      this.#pushExport(state, entry);
      state.setField(-2, path.at(-1)!);
      state.pop(path.length - 1);
    }
    state.setField(-2, 'KSR');
    state.push(byteStrOf(version));
    state.setField(-2, 'KSRVERSION');
    state.pop();
  }

  /** A closure over the function's own C function, or over the dispatcher, which both know it by the export number in the upvalue. */
  #pushExport(state: LuaState, { id, call = '' }: KsrEntry): void {
    const core = this.#core;
    let index = this.#functions.dispatch;
    if (this.lane === 'inplace' && core.x[call]) {
      index = this.#calls.get(call) ?? core.addFunction(core.x[call]);
      this.#calls.set(call, index);
    }
    state.pushFunction(index, id);
  }

  #runPrelude(state: LuaState, name: string): void {
    const { lua, x } = this.#core;
    const { L } = state;
    const f = this.#functions;
    for (const [library, fn, mask] of INTEGER_ARGS)
      replace(state, library, fn, original => state.pushFunction(f.truncate, original, mask));
    replace(state, 'string', 'format', original => state.pushFunction(f.format, original));
    replace(state, '_G', 'setmetatable', original => state.pushFunction(f.setMetatable, original));
    if (f.find) replace(state, 'string', 'find', () => state.pushFunction(f.find));
    const why = state.parse(bytesOf(PRELUDE), PRELUDE_NAME);
    if (why !== undefined) throw new Error(why);
    lua.lua_createtable(L, 0, 8);
    state.pushFunction(f.unwind);
    state.setField(-2, 'unwind');
    state.pushFunction(f.engine, C.ENG_WRITE);
    state.setField(-2, 'write');
    state.pushFunction(f.engine, C.ENG_READ_FILE);
    state.setField(-2, 'readfile');
    if (this.#options.command) {
      state.pushFunction(f.engine, C.ENG_COMMAND);
      state.setField(-2, 'command');
    }
    lua.lua_pushlightuserdata(L, x.luaWaitMark());
    state.setField(-2, 'wait');
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    state.push(byteStrOf(folder));
    state.setField(-2, 'dir');
    const folders = [folder, ...(this.#options.searchPath ?? []).map(p => (p.endsWith('/') ? p : `${p}/`))];
    state.push(byteStrOf(folders.flatMap(p => [`${p}?.lua`, `${p}?/init.lua`]).join(';')));
    state.setField(-2, 'path');
    if (lua.lua_pcallk(L, 1, 0, 0, 0, 0)) throw new Error(state.text(-1) ?? 'the prelude failed');
  }

  /** What Lua asks for, on thread L. @returns number of results pushed */
  #engineCall(L: number, op: number): number {
    const program = this.#programs.get(this.#core.mem.u32(L - 4));
    if (!program) return 0;
    const state = new LuaState(this.#core, L);
    const text = state.text(1) ?? '';
    if (op === C.ENG_WRITE) {
      program.write(text);
      return 0;
    }
    if (op === C.ENG_COMMAND) return this.#command(state, text);
    const path = new TextDecoder().decode(bytesOf(text));
    const bytes = this.#options.readFile?.(path);
    if (!bytes) return 0;
    const source = byteStr(withoutMarks(bytes));
    program.sources.set(path, source);
    state.push(source);
    return 1;
  }

  /** KSR.x.modf(): the arguments behind the name are texts and numbers. Pushes the code, or the mark of a wait. */
  #command(state: LuaState, name: ByteStr): number {
    const { lua, x } = this.#core;
    const args: ByteStr[] = [];
    for (let i = 2; i <= lua.lua_gettop(state.L); i++) args.push(state.text(i) ?? '');
    const result = this.#options.command!(name, args);
    if (typeof result === 'number') lua.lua_pushinteger(state.L, BigInt(result));
    else {
      this.#options.wait?.(result);
      lua.lua_pushlightuserdata(state.L, x.luaWaitMark());
    }
    return 1;
  }
}

/** Table index of a library's C function. */
function cFunction(state: LuaState, library: ByteStr, name: ByteStr): number {
  state.pushGlobals();
  state.getField(-1, library);
  state.getField(-1, name);
  const index = state.lua.lua_tocfunction(state.L, -1);
  state.pop(3);
  return index;
}

function replace(state: LuaState, library: ByteStr, name: ByteStr, push: (original: number) => void): void {
  const original = cFunction(state, library, name);
  state.pushGlobals();
  state.getField(-1, library);
  push(original);
  state.setField(-2, name);
  state.pop(2);
}

/** Without a byte order mark, and without the text of a first line that starts with '#'. */
function withoutMarks(source: Uint8Array): Uint8Array {
  let bytes = source;
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
  if (bytes[0] !== 0x23) return bytes;
  const end = bytes.indexOf(10);
  return end < 0 ? new Uint8Array(0) : bytes.subarray(end);
}

/** An instruction limit as the hook counts it: ticks of a run, instructions in a tick. */
function hookLimit(instructions = 0): [ticks: number, count: number] {
  const count = Math.min(TICK, instructions);
  return [instructions ? Math.ceil(instructions / count) : 0, count];
}
