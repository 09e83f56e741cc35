/** Commands of the language: the native forms of the KEMI functions, by name, with the fixup of each parameter. */
import type { At } from '../../cfg/config.ts';
import { METHODS, SLACK } from '../../core/gen/layout.gen.ts';
import { type ByteStr, bytesOf } from '../../core/memory.ts';
import type { BoundFunction } from '../../kemi/bridge.ts';
import { COMMAND_ROUTES } from '../../kemi/gen/kamailio-exports.gen.ts';
import type { Pv } from '../../kemi/pv-types.ts';
import { closest } from '../../kemi/suggest.ts';
import type { Fixup, NativeForm, NativeRoute, XVal } from '../../kemi/table.ts';
import type { CallExpr, Expr } from './ast.ts';
import { type Context, type Functions, pvOf, textOf } from './context.ts';
import type { CoreCall } from './core-code.ts';
import type { Machine } from './machine.ts';
import { Mistake } from './token-list.ts';
import { numberOf, toStr, type Value } from './values.ts';

/** Where commands are allowed that do not say it themselves. */
const ROUTES: ReadonlyMap<string, readonly NativeRoute[]> = new Map(
  Object.entries(COMMAND_ROUTES).map(([name, kinds]) => [name, kinds.split(' ') as NativeRoute[]]),
);

/** A command with one set of parameters. */
export interface Command {
  readonly name: string;
  readonly form: NativeForm;
  readonly params: readonly Fixup[];
  readonly bound: BoundFunction;
}

/** A compiled argument: undefined when it has no value of its type. A constant has no function. */
type Argument = { readonly value: number | ByteStr } | { readonly get: (m: Machine) => number | ByteStr | undefined };

/** The commands of the loaded modules. */
export function commandsOf(bridge: Functions): ReadonlyMap<string, readonly Command[]> {
  const out = new Map<string, Command[]>();
  for (const bound of [...bridge.functions, ...bridge.commands]) {
    const { native } = bound.fn;
    if (native === false || (native === undefined && !bound.native)) continue;
    const forms = native === undefined ? [{}] : 'length' in native ? native : [native];
    for (const form of forms as readonly NativeForm[]) {
      const name = form.name ?? bound.fn.name;
      const params = form.params ?? bound.fn.params;
      const command = { name, form, params: form.into ? [...params, 'raw' as const] : params, bound };
      const known = out.get(name);
      if (known) known.push(command);
      else out.set(name, [command]);
    }
  }
  return out;
}

/** What a call of a command runs. @returns a number, or a promise of what the function gives */
export interface CompiledCall {
  readonly waits: boolean;
  readonly invoke: (m: Machine) => number | Promise<unknown>;
  /** what a function gave as the command's code */
  readonly code: (value: unknown) => number;
  /** the same as a call of the core */
  readonly core?: CoreCall;
}

/**
 * @param value compiles an argument that is an expression
 * @param kind of the block it stands in
 * @throws Mistake for an unknown command, a wrong count or type, a block where it is not allowed
 */
export function compileCommand(
  cx: Context,
  commands: ReadonlyMap<string, readonly Command[]>,
  call: CallExpr,
  kind: NativeRoute | 'any',
  value: (expr: Expr) => (m: Machine) => Value,
): CompiledCall {
  const { name, args, at } = call;
  const forms = commands.get(name);
  if (!forms) throw new Mistake(at, unknown(cx, commands, name));
  const fits = forms.find(f => args.length <= f.params.length && args.length >= least(f.params));
  if (!fits) throw new Mistake(at, `${name} takes ${counts(forms)}, not ${args.length}`);
  const { form, params, bound } = fits;
  const routes = form.routes ?? ROUTES.get(name);
  if (kind !== 'any' && routes && !routes.includes(kind))
    throw new Mistake(at, `${name} cannot be used in this block, only in ${routes.join(', ')} blocks`);
  const into = form.into ? variable(cx, args.at(-1)!, name) : undefined;
  const given = (into ? args.slice(0, -1) : args).flatMap((arg, i) => fixed(cx, params[i]!, arg, name, value));
  const { fill = {}, to } = form;
  const all: Argument[] = bound.fn.params.map((type, i) => ({ value: fill[i] ?? (type === 'int' ? 0 : '') }));
  for (const [i, argument] of given.entries()) all[to?.[i] ?? i] = argument;
  // what a variable takes is put there by TypeScript
  const core = into ? undefined : coreCall(cx, bound, all);
  const code = into ? intoOf(into) : codeOf(bound);
  const invoke = invocation(cx, bound, all, core, code, name, at);
  return { waits: bound.fn.async === true, invoke, code, ...(core && { core }) };
}

/** The variable that takes a result. @throws Mistake */
function variable(cx: Context, arg: Expr, name: string): Pv {
  if (arg.kind !== 'pv' && arg.kind !== 'str')
    throw new Mistake(arg.at, `${name}: the last parameter is a variable that takes the result, for example "$var(x)"`);
  const pv = pvOf(cx, arg.kind === 'pv' ? arg.spec : arg.value, arg.at);
  if (!pv.writable) throw new Mistake(arg.at, `${name}: ${pv.spec} cannot be set, and so cannot take the result`);
  return pv;
}

/** Puts what a function gives into a variable. */
function intoOf(pv: Pv): (value: unknown) => number {
  return value => {
    pv.set(value as XVal);
    return value === null ? -1 : 1;
  };
}

const optional = (fixup: Fixup): boolean => fixup.endsWith('?');
const least = (params: readonly Fixup[]): number => {
  const at = params.findIndex(optional);
  return at < 0 ? params.length : at;
};

function counts(forms: readonly Command[]): string {
  const all = new Set(
    forms.flatMap(f => Array.from({ length: f.params.length - least(f.params) + 1 }, (_, i) => least(f.params) + i)),
  );
  const sorted = [...all].sort((a, b) => a - b);
  const last = sorted.pop()!;
  return `${sorted.length ? `${sorted.join(', ')} or ${last}` : last} parameter${last === 1 && !sorted.length ? '' : 's'}`;
}

/** commands that lua-commands.ts makes for a config that loads app_lua */
const LUA = /^lua_(run|runstring|dostring|dofile)$/;

function unknown(cx: Context, commands: ReadonlyMap<string, unknown>, name: string): string {
  if (LUA.test(name)) return `unknown command ${name}: module app_lua is not loaded`;
  const near = closest(name, commands.keys());
  const hint = near ? `, did you mean ${near}` : '';
  const elsewhere = cx.bridge.whereIs(name);
  return `unknown command ${name}${elsewhere ? `: ${elsewhere}` : hint || ': is its module loaded?'}`;
}

/** One argument as the function's parameters; a pair is two. @throws Mistake */
function fixed(
  cx: Context,
  fixup: Fixup,
  arg: Expr,
  name: string,
  value: (expr: Expr) => (m: Machine) => Value,
): Argument[] {
  const refuse = (what: string): never => {
    throw new Mistake(arg.at, `${name}: ${what}`);
  };
  if (arg.kind === 'word' && !fixup.startsWith('flag')) refuse(`"${arg.value}" needs quotes`);
  switch (fixup) {
    case 'flag':
    case 'flag?':
      return [{ value: flagOf(cx, arg, name) }];
    case 'raw':
    case 'raw?':
      if (arg.kind === 'int') return [{ value: String(arg.value) }];
      return arg.kind === 'str' ? [{ value: arg.value }] : refuse('this parameter is a text in quotes');
    case 'pair':
      return pair(cx, arg, name);
    case 'int':
    case 'int?':
      return [intArgument(cx, arg, refuse, value)];
    default: {
      if (arg.kind === 'int') return [{ value: String(arg.value) }];
      if (arg.kind === 'address') return [{ value: arg.text }];
      const text = textArgument(cx, arg);
      if (text) return [text];
      const get = value(arg);
      return [{ get: m => toStr(get(m)) }];
    }
  }
}

/** A text in quotes, its variables replaced at each call; undefined for what is no text in quotes. */
function textArgument(cx: Context, arg: Expr): Argument | undefined {
  if (arg.kind !== 'str') return undefined;
  if (!arg.value.includes('$')) return { value: arg.value };
  const text = textOf(cx, arg.value, arg.at);
  return { get: () => text.eval() };
}

function intArgument(
  cx: Context,
  arg: Expr,
  refuse: (what: string) => never,
  value: (expr: Expr) => (m: Machine) => Value,
): Argument {
  if (arg.kind === 'int') return { value: arg.value };
  if (arg.kind === 'str' && !arg.value.includes('$'))
    return { value: numberOf(arg.value) ?? refuse(`this parameter is a number, not "${arg.value}"`) };
  let get: (m: Machine) => Value;
  if (arg.kind === 'str') {
    const text = textOf(cx, arg.value, arg.at);
    // one variable alone keeps its type
    const only = /^\$(\w+(\(.*\))?|\(.*\))$/.test(arg.value) ? cx.pvs.compile(arg.value, () => {}) : undefined;
    get = only ? () => only.get() : () => text.eval();
  } else get = value(arg);
  return {
    get: m => {
      const got = get(m);
      return typeof got === 'string' ? numberOf(got) : (got ?? undefined);
    },
  };
}

function flagOf({ flags }: Context, arg: Expr, name: string): number {
  if (arg.kind === 'int') {
    if (arg.value >= 0 && arg.value < 32) return arg.value;
    throw new Mistake(arg.at, `${name}: a flag is 0 to 31, not ${arg.value}`);
  }
  if (arg.kind !== 'word' && arg.kind !== 'str') throw new Mistake(arg.at, `${name}: a flag is a number or a name`);
  const number = flags.get(arg.value) ?? (arg.kind === 'str' ? numberOf(arg.value) : undefined);
  if (number !== undefined && number >= 0 && number < 32) return number;
  throw new Mistake(
    arg.at,
    `${name}: there is no flag ${arg.value}: write #!define ${arg.value} 5, or flags ${arg.value}:5`,
  );
}

function pair(cx: Context, arg: Expr, name: string): Argument[] {
  if (arg.kind !== 'str') throw new Mistake(arg.at, `${name}: this parameter is a text "name=>key"`);
  const at = arg.value.indexOf('=>');
  if (at < 0) throw new Mistake(arg.at, `${name}: "=>" is missing in "${arg.value}"`);
  return [arg.value.slice(0, at), arg.value.slice(at + 2)].map(
    part => textArgument(cx, { kind: 'str', value: part, at: arg.at })!,
  );
}

/** What a function gives, as a command's code: true is 1 and false is -1. */
function codeOf({ fn }: BoundFunction): (value: unknown) => number {
  if (fn.returns === 'bool') return value => (value ? 1 : -1);
  if (fn.returns === 'int') return value => Math.trunc(value as number) | 0;
  return value => (typeof value === 'number' ? value | 0 : 1);
}

function invocation(
  cx: Context,
  bound: BoundFunction,
  args: readonly Argument[],
  core: CoreCall | undefined,
  code: (value: unknown) => number,
  name: string,
  at: At,
): (m: Machine) => number | Promise<unknown> {
  if (core && !core.quick) {
    const direct = wasmCall(cx, core);
    return () => code(direct());
  }
  const constant = args.map(a => ('value' in a ? a.value : undefined));
  if (constant.every(v => v !== undefined)) {
    const values = constant as (number | ByteStr)[];
    return () => finish(cx.bridge.invoke(bound, values), code);
  }
  return m => {
    const values: (number | ByteStr)[] = [];
    for (const arg of args) {
      const value = 'value' in arg ? arg.value : arg.get(m);
      if (value === undefined) {
        cx.host.log.error({ file: at.file, line: at.line }, `Cannot call ${name}: a parameter is no number`);
        return -1;
      }
      values.push(value);
    }
    return finish(cx.bridge.invoke(bound, values), code);
  };
}

const finish = (value: unknown, code: (value: unknown) => number): number | Promise<unknown> =>
  value instanceof Promise ? value : code(value);

/** A function of the core with constant arguments: its words are made once. */
function coreCall(cx: Context, { fn }: BoundFunction, args: readonly Argument[]): CoreCall | undefined {
  const target = fn.wasm ?? fn.quick;
  if (!target || fn.internPv || fn.returns === 'xval' || args.some(a => !('value' in a))) return undefined;
  const methods = target === 'isMethod' ? methodBits((args[0] as { value: number | ByteStr }).value) : 0;
  if (methods) return { target: 'isMethodOf', words: [methods], gives: fn.returns, quick: false };
  const words: number[] = [];
  for (const [i, type] of fn.params.entries()) {
    const { value } = args[i] as { value: number | ByteStr };
    if (type === 'int') words.push(Number(value) | 0);
    else {
      const text = String(value);
      words.push(cx.keep(text), text.length);
    }
  }
  return { target, words, gives: fn.returns, quick: !fn.wasm };
}

/** "INVITE|ACK" as bits 1 << METHOD_*; 0 where a name is not known, or written in another way: isMethod() knows what is meant. */
function methodBits(list: number | ByteStr): number {
  let bits = 0;
  for (const name of String(list).split('|')) {
    const id = name ? METHODS.indexOf(name) : -1;
    if (id < 0) return 0;
    bits |= 1 << id;
  }
  return bits;
}

function wasmCall(cx: Context, { target: name, words }: CoreCall): () => number {
  const target = cx.core.x[name] as (...words: number[]) => number;
  if (words.length === 0) return () => target();
  if (words.length === 1) return () => target(words[0]!);
  if (words.length === 2) return () => target(words[0]!, words[1]!);
  return () => target(...words);
}

/** What stays in the core's memory until they are given back. */
export class KeptTexts {
  readonly #core: Context['core'];
  readonly #texts = new Map<ByteStr, number>();
  #code = 0;

  constructor(core: Context['core']) {
    this.#core = core;
  }

  keep(text: ByteStr): number {
    let at = this.#texts.get(text);
    if (at === undefined) {
      at = this.#malloc(text.length + SLACK);
      this.#core.mem.u8.set(bytesOf(text), at);
      this.#texts.set(text, at);
    }
    return at;
  }

  /** Memory for the words of the program. @returns its address */
  room(bytes: number): number {
    this.#code = this.#malloc(bytes);
    return this.#code;
  }

  fill(words: Uint32Array): void {
    this.#core.mem.u8.set(new Uint8Array(words.buffer), this.#code);
  }

  #malloc(bytes: number): number {
    const at = this.#core.lua.malloc(bytes) as number;
    if (!at) throw new Error('not enough memory');
    return at;
  }

  free(): void {
    if (this.#code) this.#core.lua.free(this.#code);
    this.#code = 0;
    for (const at of this.#texts.values()) this.#core.lua.free(at);
    this.#texts.clear();
  }
}
