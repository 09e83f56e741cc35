/**
 * Registers the KEMI table with the core and marshals typed parameters between linear memory and TypeScript. Knows no interpreter: engines get the
 * KSR tree as (path, export number) and call through the core's dispatcher, or through `call()`.
 */

import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { Logger } from '../core/log.ts';
import { type ByteStr, byteStrOf, bytesOf, type Memory } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import { KemiError } from '../errors.ts';
import { callName } from './call-name.ts';
import { KAMAILIO_COMMANDS, KAMAILIO_EXPORTS } from './gen/kamailio-exports.gen.ts';
import type { ModuleHost } from './host.ts';
import { closest } from './suggest.ts';
import type { AnyModule, Call, KemiFunction, ParamType, ReturnType, XVal } from './table.ts';

/** A module definition with the state it made for this runtime, and what its functions are called with. */
export interface LoadedModule {
  readonly definition: AnyModule;
  readonly state: unknown;
  readonly call: Call;
}

/** @param host the runtime as modules see it; its `message` is the message the call is about */
export function loadedModule(definition: AnyModule, state: unknown, host: ModuleHost): LoadedModule {
  const call: Call = {
    state,
    host,
    get msg(): SipMsg {
      const msg = host.message;
      if (!msg) throw new KemiError('KEMI_ERR_NO_MSG', 'Cannot read the message: none is being routed');
      return msg;
    },
  };
  return { definition, state, call };
}

/** One function of the KSR tree. */
export interface KsrEntry {
  /** ['is_INVITE'] or ['maxfwd', 'process_maxfwd'] */
  readonly path: readonly string[];
  /** export number: the dispatcher's upvalue */
  readonly id: number;
  /** export of the core that is a C function for this function alone; undefined where all of it runs in TypeScript */
  readonly call?: string;
}

/** A function with what it is called with: for engines that compile calls. */
export interface BoundFunction {
  /** 'is_INVITE' or 'maxfwd.process_maxfwd', below KSR */
  readonly path: string;
  readonly module: string;
  readonly fn: KemiFunction;
  readonly call: Call;
  /** whether it is a native command by its own name when it does not say */
  readonly native: boolean;
}

/** A row of app_lua.api_list, in Kamailio's words. */
export interface ApiRow {
  readonly ret: string;
  readonly module: string;
  readonly name: string;
  readonly params: string;
}

/** What a suspended route waits for. */
export interface Pending {
  readonly promise: Promise<unknown>;
  readonly returns: ReturnType;
  /** KSR path of the function, for messages */
  readonly name: string;
}

interface Bound extends BoundFunction {
  readonly id: number;
  readonly returns: ReturnType;
  /** its first two parameters, 'none' where it has fewer, and how long the first is */
  readonly first: ParamType | 'none';
  readonly second: ParamType | 'none';
  readonly firstBytes: number;
}

const TYPE = { int: L.T_INT, str: L.T_STR, none: L.T_NONE, bool: L.T_BOOL, xval: L.T_XVAL } as const;

/** an integer is one word, a text its address and length */
const bytesOfArgument = (type: ParamType): number => (type === 'int' ? 4 : 8);

/** Reads an argument word, or two. */
function argument(mem: Memory, type: ParamType | 'none', at: number): number | ByteStr {
  return type === 'int' ? mem.i32(at) : mem.str(mem.u32(at), mem.u32(at + 4));
}

export class Bridge {
  readonly #core: Core;
  readonly #bound: Bound[] = [];
  readonly #byPath = new Map<string, Bound>();
  readonly #loaded = new Set<string>();
  readonly #commands: BoundFunction[] = [];
  readonly #ret: number;
  #pending: Pending | undefined;
  /** grows to the longest result: 0 until the first */
  #buffer = 0;
  #bufferBytes = 0;

  readonly #available: readonly string[];

  /**
   * @param log hears of calls with wrong arguments
   * @param available modules that could be loaded
   * @throws KemiError KEMI_ERR_WASM when a declared AssemblyScript export does not exist
   */
  constructor(core: Core, modules: readonly LoadedModule[], log: Logger, available: readonly string[] = []) {
    this.#available = available;
    this.#core = core;
    this.#ret = core.x.retArea();
    for (const { definition, call } of modules) {
      if (definition.name) this.#loaded.add(definition.name);
      for (const fn of definition.functions) this.#register(definition.name, fn, call, definition.native !== false);
      for (const fn of definition.commands ?? [])
        this.#commands.push({ path: fn.name, module: definition.name, fn, call, native: true });
    }
    core.hooks.hostCall = this.#hostCall;
    core.hooks.complain = (id, why) => log.error({ function: this.#bound[id - 1]?.path }, this.#complaint(id, why));
  }

  /** every function, for the engines to build their KSR tree */
  get entries(): KsrEntry[] {
    return this.#bound.map(({ path, id, fn }) => ({
      path: path.split('.'),
      id,
      ...((fn.wasm ?? fn.quick) && { call: callName(fn) }),
    }));
  }

  /** every function, for engines that compile calls */
  get functions(): readonly BoundFunction[] {
    return this.#bound;
  }

  /** what only routing blocks can call */
  get commands(): readonly BoundFunction[] {
    return this.#commands;
  }

  /** modules whose table stands on KSR */
  get modules(): ReadonlySet<string> {
    return this.#loaded;
  }

  /** app_lua.api_list */
  apiList(): ApiRow[] {
    return this.#bound.map(({ fn, module }) => ({
      ret: fn.returns,
      module,
      name: fn.name,
      params: fn.params.join(', '),
    }));
  }

  /** whether KSR.<path> is there */
  has(path: string): boolean {
    return this.#byPath.has(path);
  }

  /** parameter types of KSR.<path>, undefined when it is not there */
  params(path: string): readonly ParamType[] | undefined {
    return this.#byPath.get(path)?.fn.params;
  }

  /** Why a function that Kamailio has is not here: the text of the error that its call raises. undefined for names Kamailio does not know either. */
  unavailable(path: readonly string[]): string | undefined {
    const module = path.length > 1 ? path[0]! : '';
    const name = path.at(-1)!;
    if (this.has(path.join('.'))) return undefined;
    const known = KAMAILIO_EXPORTS[module];
    if (known === undefined) return undefined;
    const full = `KSR.${path.join('.')}`;
    if (module && !this.#loaded.has(module))
      return this.#available.includes(module)
        ? `${full}: module ${module} is not loaded`
        : `${full}: module ${module} is not available in this version`;
    return known.split(' ').includes(name) ? `${full}: this function is not available in this version` : undefined;
  }

  /** Why there is no function of this name, whatever its module: that module's text; undefined when no module of Kamailio has it. */
  whereIs(name: string): string | undefined {
    for (const [module, names] of Object.entries(KAMAILIO_COMMANDS))
      if (names.split(' ').includes(name))
        return (
          this.unavailable([module, name])?.replace(/^[^:]*: /, '') ??
          (this.#loaded.has(module)
            ? `this command of module ${module} is not available in this version`
            : `module ${module} is not available in this version`)
        );
    for (const [module, names] of Object.entries(KAMAILIO_EXPORTS))
      if (module && names.split(' ').includes(name)) return this.unavailable([module, name])?.replace(/^[^:]*: /, '');
    return undefined;
  }

  /** The existing path nearest to a misspelt one, e.g. 'KSR.sl.sl_send_reply'. */
  suggest(path: readonly string[]): string | undefined {
    const here = closest(path.join('.'), this.#byPath.keys());
    if (here) return `KSR.${here}`;
    const name = path.at(-1)!;
    for (const known of this.#byPath.keys()) if (known.endsWith(`.${name}`)) return `KSR.${known}`;
    return undefined;
  }

  /** Says what the route waits for, when an engine does it for itself. */
  wait(promise: Promise<number>): void {
    promise.catch(() => {});
    this.#pending = { promise, returns: 'int', name: 'KSR.x.modf' };
  }

  /** Takes what the last HOST_SUSPEND waits for. */
  takePending(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }

  /**
   * Calls a function by its KSR path from TypeScript, with the same marshalling; the current message is the host's.
   * @throws KemiError KEMI_ERR_SCRIPT for an unknown path
   */
  call(path: string, ...args: (number | ByteStr)[]): unknown {
    const bound = this.#byPath.get(path);
    if (!bound)
      throw new KemiError(
        'KEMI_ERR_SCRIPT',
        `Cannot call KSR.${path}: ${this.unavailable(path.split('.')) ?? 'no such function'}`,
      );
    return this.invoke(bound, args);
  }

  /** Calls a function: a promise where it waits. @param args one for each parameter, of its type  @throws what the implementation throws */
  invoke({ fn, call }: BoundFunction, args: readonly (number | ByteStr)[]): unknown {
    if (!fn.wasm) return fn.run!(call, ...args);
    const core = this.#core;
    const taken: number[] = [];
    const words: number[] = [];
    try {
      for (let i = 0; i < fn.params.length; i++) {
        const value = args[i];
        if (fn.internPv && i === 0) words.push(core.hooks.pvResolve(...this.#lend(String(value ?? ''), taken)));
        else if (fn.params[i] === 'int') words.push(Number(value ?? 0) | 0);
        else words.push(...this.#lend(String(value ?? ''), taken));
      }
      const result = core.x[fn.wasm](...words) as number;
      if (fn.returns === 'xval') return this.xval(result);
      if (fn.returns === 'bool') return result !== 0;
      return fn.returns === 'none' ? undefined : result;
    } finally {
      for (const at of taken) core.lua.free(at);
    }
  }

  /** Reads an xval that an AssemblyScript target returned. @param tag X_* */
  xval(tag: number): XVal {
    const { mem } = this.#core;
    switch (tag) {
      case L.X_INT:
        return mem.i32(this.#ret);
      case L.X_LONG:
        return Number(mem.view.getBigInt64(this.#ret, true));
      case L.X_STR:
        return mem.str(mem.u32(this.#ret), mem.u32(this.#ret + 4));
      default:
        return null;
    }
  }

  /** Puts an xval where the dispatcher expects it. BORROWED: valid until the next result. @returns X_* */
  encode(value: XVal | boolean | undefined): number {
    const { mem } = this.#core;
    switch (typeof value) {
      case 'number':
        if (Number.isInteger(value) && value >= -0x80000000 && value <= 0x7fffffff) {
          mem.setU32(this.#ret, value);
          return L.X_INT;
        }
        mem.view.setBigInt64(
          this.#ret,
          Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : 0n,
          true,
        );
        return L.X_LONG;
      case 'string':
        this.#putResult(value);
        return L.X_STR;
      case 'boolean':
        return value ? L.X_TRUE : L.X_FALSE;
      default:
        return L.X_NULL;
    }
  }

  #register(module: string, fn: KemiFunction, call: Call, native: boolean): void {
    const core = this.#core;
    const id = this.#bound.length + 1;
    if (id >= L.MAX_EXPORTS)
      throw new KemiError(
        'KEMI_ERR_WASM',
        `Cannot register ${module}.${fn.name}: the export table holds ${L.MAX_EXPORTS}`,
      );
    const path = module ? `${module}.${fn.name}` : fn.name;
    const target = fn.wasm ? core.x[fn.wasm] : undefined;
    if (fn.wasm && !target)
      throw new KemiError(
        'KEMI_ERR_WASM',
        `Cannot register KSR.${path}: core.wasm has no export ${fn.wasm}; run npm run build`,
      );
    const at = core.x.descsArea() + id * L.DESC_SIZE;
    const index = target ? core.addFunction(target) : 0;
    const { mem } = core;
    mem.setU32(at + L.DS_TARGET, index);
    mem.u8[at + L.DS_NPARAMS] = fn.params.length;
    mem.u8[at + L.DS_RET] = TYPE[fn.returns];
    mem.u8[at + L.DS_WORDS] = fn.params.reduce((n, p) => n + (p === 'str' ? 2 : 1), 0) - (fn.internPv ? 1 : 0);
    mem.u8[at + L.DS_FLAGS] =
      (target ? 0 : L.F_HOST) |
      (fn.async ? L.F_ASYNC : 0) |
      (fn.internPv ? L.F_INTERN_PV : 0) |
      (fn.anytime ? L.F_ANYTIME : 0);
    fn.params.forEach((p, i) => {
      mem.u8[at + L.DS_TYPES + i] = TYPE[p];
    });
    const [first = 'none', second = 'none'] = fn.params;
    const firstBytes = first === 'int' ? 4 : 8;
    const bound: Bound = { id, path, module, fn, call, native, returns: fn.returns, first, second, firstBytes };
    this.#bound.push(bound);
    this.#byPath.set(path, bound);
  }

  /** Calls a function for the dispatcher. @param word export number, bit 16: it may wait */
  readonly #hostCall = (word: number, argc: number, args: number): number => {
    const bound = this.#bound[(word & 0xffff) - 1]!;
    const { fn, call, returns } = bound;
    try {
      const { mem } = this.#core;
      let result: unknown;
      // most have two at most: no list, and no call that spreads it
      if (argc === 0) result = fn.run!(call);
      else if (argc === 1) result = fn.run!(call, argument(mem, bound.first, args));
      else if (argc === 2)
        result = fn.run!(call, argument(mem, bound.first, args), argument(mem, bound.second, args + bound.firstBytes));
      else {
        const values: (number | ByteStr)[] = [];
        let at = args;
        for (let i = 0; i < argc; i++) {
          const type = fn.params[i]!;
          values.push(argument(mem, type, at));
          at += bytesOfArgument(type);
        }
        result = fn.run!(call, ...values);
      }
      // what most calls give: 1 or -1
      if (typeof result === 'number' && returns === 'int' && (result | 0) === result && result > L.HOST_ERROR)
        return result;
      return result instanceof Promise ? this.#suspend(word, bound, result) : this.result(returns, result);
    } catch (error) {
      return this.#error(`KSR.${bound.path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  #suspend(word: number, { path, returns }: Bound, promise: Promise<unknown>): number {
    if (!(word & 0x10000)) {
      promise.catch(() => {});
      return this.#error(`KSR.${path} has to wait, and cannot wait here`);
    }
    this.#pending = { promise, returns, name: `KSR.${path}` };
    return L.HOST_SUSPEND;
  }

  /** A TypeScript function's result as the word the dispatcher expects. */
  result(returns: ReturnType, value: unknown): number {
    switch (returns) {
      case 'int':
        return Math.max(L.HOST_ERROR + 1, Math.min(0x7fffffff, Math.trunc(value as number) || 0));
      case 'bool':
        return value ? 1 : 0;
      case 'xval':
        return this.encode(value as XVal);
      default:
        return 0;
    }
  }

  #error(text: string): number {
    this.#putResult(byteStrOf(text));
    return L.HOST_ERROR;
  }

  #putResult(text: ByteStr): void {
    const core = this.#core;
    if (text.length > this.#bufferBytes) {
      if (this.#buffer) core.lua.free(this.#buffer);
      this.#bufferBytes = Math.max(256, text.length * 2);
      this.#buffer = core.lua.malloc(this.#bufferBytes);
      if (!this.#buffer) {
        this.#bufferBytes = 0;
        throw new KemiError('KEMI_ERR_NO_MEMORY', `Cannot return ${text.length} bytes: the linear memory is full`);
      }
    }
    core.mem.putStr(this.#buffer, text);
    core.mem.setU32(this.#ret, this.#buffer);
    core.mem.setU32(this.#ret + 4, text.length);
  }

  #lend(text: ByteStr, taken: number[]): [number, number] {
    const core = this.#core;
    const at = core.lua.malloc(text.length + 16);
    core.mem.u8.set(bytesOf(text), at);
    taken.push(at);
    return [at, text.length];
  }

  #complaint(id: number, why: number): string {
    const bound = this.#bound[id - 1];
    const name = bound ? `KSR.${bound.path}` : `export ${id}`;
    const wants = bound ? `(${bound.fn.params.join(', ')})` : '';
    switch (why) {
      case L.ARG_NO_MSG:
        return `Cannot call ${name}: no SIP message is being routed (code at load time?)`;
      case L.ARG_NONE_GIVEN:
        return `Cannot call ${name}: invalid number of parameters, none given, expected ${wants}`;
      case L.ARG_TOO_FEW:
        return `Cannot call ${name}: not enough parameters, expected ${wants}`;
      case L.ARG_TOO_MANY:
        return `Cannot call ${name}: too many parameters, at most 6, expected ${wants}`;
      default:
        return `Cannot call ${name}: it takes no parameters`;
    }
  }
}
