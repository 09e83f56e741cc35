/**
 * Expressions into closures. An expression with a call in it that may have to wait becomes instructions with a stack of values instead, so that it can
 * stop in the middle.
 */
import type { At } from '../../cfg/config.ts';
import type { ByteStr } from '../../core/memory.ts';
import { RegexError } from '../../kemi/posix-regex.ts';
import type { BinaryExpr, CallExpr, Expr, UnaryExpr } from './ast.ts';
import { type Context, pvOf } from './context.ts';
import type { Test } from './core-code.ts';
import { fieldTest } from './fields.ts';
import type { Instruction, Machine } from './machine.ts';
import { Mistake } from './token-list.ts';
import { equal, matcher, ON_NUMBERS, ON_TEXTS, plus, toInt, toStr, type Value } from './values.ts';

/** What an expression is wanted as. 'any': with its own type. */
export type Mode = 'any' | 'int' | 'str';
export type Evaluate = (m: Machine) => Value;
type Emit = (instruction: Instruction, at: At) => void;

/** A call inside of an expression. */
export interface CallInExpression {
  readonly waits: boolean;
  /** gives its code; only where it does not wait */
  readonly evaluate?: (m: Machine) => number;
  /** puts its code on the stack; where it waits */
  readonly emit?: Instruction;
  /** what it is for the core; absent where it may have to wait, but for route(NAME) */
  readonly test?: () => Test | undefined;
}

export interface CallCompiler {
  /** @throws Mistake */
  inExpression(call: CallExpr): CallInExpression;
}

const INT_OPERATORS = ['-', '*', '/', 'mod', '|', '^', '&', '<<', '>>', '<', '>', '<=', '>=', '&&', '||'] as const;
const isIntOperator = (op: string): boolean => (INT_OPERATORS as readonly string[]).includes(op);

const CONVERT: Readonly<Record<Mode, (value: Value) => Value>> = { any: v => v, int: toInt, str: toStr };

export class ExpressionCompiler {
  readonly #cx: Context;
  readonly #calls: CallCompiler;

  constructor(cx: Context, calls: CallCompiler) {
    this.#cx = cx;
    this.#calls = calls;
  }

  /** Type where it is known before anything runs; undefined for what a variable decides. */
  typeOf(expr: Expr): 'int' | 'str' | undefined {
    switch (expr.kind) {
      case 'str':
      case 'null':
      case 'word':
      case 'address':
        return 'str';
      case 'pv':
        return undefined;
      case 'unary':
        return expr.op === 'str' ? 'str' : 'int';
      case 'binary':
        return expr.op === '+' ? this.typeOf(expr.left) : 'int';
      default:
        return 'int';
    }
  }

  /** Whether a call in it may have to wait. */
  waits(expr: Expr): boolean {
    switch (expr.kind) {
      case 'call':
        return this.#calls.inExpression(expr).waits;
      case 'unary':
        return this.waits(expr.of);
      case 'binary':
        return this.waits(expr.left) || this.waits(expr.right);
      default:
        return false;
    }
  }

  /**
   * An expression as one closure.
   * @param whole whether it is all of an expression: a call gives its code then; as an operand it gives 1 for true and 0 for false
   * @throws Mistake, also where a call in it may have to wait
   */
  closure(expr: Expr, mode: Mode, whole = false): Evaluate {
    switch (expr.kind) {
      case 'int':
      case 'str': {
        const value = CONVERT[mode](expr.value);
        return () => value;
      }
      case 'null':
        return mode === 'int' ? () => 0 : mode === 'str' ? () => '' : () => null;
      case 'pv': {
        if (/^\$(rc|retcode|\?)$/.test(expr.spec)) return mode === 'str' ? m => String(m.rc) : m => m.rc;
        const pv = pvOf(this.#cx, expr.spec, expr.at);
        if (mode === 'any') return () => pv.get();
        return mode === 'int' ? () => toInt(pv.get()) : () => toStr(pv.get());
      }
      case 'call': {
        const { evaluate, waits } = this.#calls.inExpression(expr);
        if (waits || !evaluate)
          throw new Mistake(expr.at, `${expr.name} may have to wait, and cannot be used in a parameter`);
        const code: Evaluate = whole ? evaluate : m => (evaluate(m) > 0 ? 1 : 0);
        return mode === 'str' ? m => toStr(code(m)) : code;
      }
      case 'unary':
        return this.#unary(expr, mode);
      case 'binary':
        return this.#binary(expr, mode);
      default:
        return this.#alone(expr);
    }
  }

  /** Instructions that put the value on the stack. @throws Mistake */
  emit(expr: Expr, mode: Mode, whole: boolean, out: Instruction[], emit: Emit): void {
    if (!this.waits(expr)) {
      const get = this.closure(expr, mode, whole);
      emit(m => m.stack.push(get(m)), expr.at);
      return;
    }
    switch (expr.kind) {
      case 'call':
        emit(this.#calls.inExpression(expr).emit!, expr.at);
        emit(m => {
          const code = m.stack.pop() as number;
          const value = whole ? code : code > 0 ? 1 : 0;
          m.stack.push(mode === 'str' ? String(value) : value);
        }, expr.at);
        return;
      case 'unary': {
        const { of, apply } = this.#unaryParts(expr);
        this.emit(expr.of, of, false, out, emit);
        emit(m => m.stack.push(CONVERT[mode](apply(m.stack.pop()!))), expr.at);
        return;
      }
      case 'binary':
        if (expr.op === '&&' || expr.op === '||') this.#emitLogic(expr, mode, out, emit);
        else this.#emitBinary(expr, mode, out, emit);
        return;
      default:
        return;
    }
  }

  #emitLogic(expr: BinaryExpr, mode: Mode, out: Instruction[], emit: Emit): void {
    this.#check(expr);
    const same = neutral(expr);
    if (same) {
      this.emit(same, mode === 'str' ? 'str' : 'int', true, out, emit);
      return;
    }
    this.emit(expr.left, 'int', false, out, emit);
    const and = expr.op === '&&';
    const to = (value: number): Value => (mode === 'str' ? String(value) : value);
    let end = 0;
    emit(m => {
      const left = m.stack.pop() as number;
      if ((left !== 0) === and) return;
      m.stack.push(to(and ? 0 : 1));
      m.pc = end;
    }, expr.at);
    this.emit(expr.right, 'int', false, out, emit);
    emit(m => m.stack.push(to(m.stack.pop() !== 0 ? 1 : 0)), expr.at);
    end = out.length;
  }

  #emitBinary(expr: BinaryExpr, mode: Mode, out: Instruction[], emit: Emit): void {
    this.#check(expr);
    if (expr.left.kind === 'field' || expr.left.kind === 'myself')
      throw new Mistake(expr.at, 'what is compared here may have to wait: put it in a variable first');
    const { left, right, apply } = this.#binaryParts(expr, mode);
    this.emit(expr.left, left, false, out, emit);
    this.emit(expr.right, right, false, out, emit);
    emit(m => {
      const b = m.stack.pop()!;
      const a = m.stack.pop()!;
      m.stack.push(CONVERT[mode](apply(a, b)));
    }, expr.at);
  }

  #unaryParts(expr: UnaryExpr): { of: Mode; apply: (value: Value) => Value } {
    const { op, of } = expr;
    const type = this.typeOf(of);
    if ((op === '!' || op === '-' || op === '~') && type === 'str' && of.kind !== 'null')
      throw new Mistake(of.at, `"${op}" needs a number, this is a text`);
    if ((op === 'strlen' || op === 'strempty') && type === 'int')
      throw new Mistake(of.at, `${op} needs a text, this is a number`);
    switch (op) {
      case '!':
        return { of: 'int', apply: v => (v === 0 ? 1 : 0) };
      case '-':
        return { of: 'int', apply: v => -(v as number) | 0 };
      case '~':
        return { of: 'int', apply: v => ~(v as number) };
      case 'int':
        return { of: 'int', apply: v => v };
      case 'str':
        return { of: 'str', apply: v => v };
      case 'strlen':
        return { of: 'str', apply: v => (v as ByteStr).length };
      case 'strempty':
        return { of: 'str', apply: v => (v === '' ? 1 : 0) };
      default:
        return { of: 'any', apply: v => (v === null ? 0 : 1) };
    }
  }

  #unary(expr: UnaryExpr, mode: Mode): Evaluate {
    const { of, apply } = this.#unaryParts(expr);
    const get = this.closure(expr.of, of);
    const result = this.typeOf(expr);
    if (mode === 'any' || mode === result) return m => apply(get(m));
    const convert = CONVERT[mode];
    return m => convert(apply(get(m)));
  }

  /** How both sides of an operator are read, and what is made of them. */
  #binaryParts(expr: BinaryExpr, mode: Mode): { left: Mode; right: Mode; apply: (left: Value, right: Value) => Value } {
    const { op } = expr;
    const type = this.typeOf(expr.left);
    if (op === '+') {
      if (type === 'str') return { left: 'str', right: 'str', apply: (l, r) => (l as ByteStr) + (r as ByteStr) };
      // a variable on the left of a sum that must be a number is taken as a number
      if (type === 'int' || mode === 'int') return { left: 'int', right: 'int', apply: ON_NUMBERS['+'] as never };
      return { left: 'any', right: 'any', apply: plus };
    }
    if (isIntOperator(op) || op === 'ieq' || op === 'ine')
      return { left: 'int', right: 'int', apply: ON_NUMBERS[op] as never };
    if (op === '=~' || op === 'eq' || op === 'ne') return { left: 'str', right: 'str', apply: ON_TEXTS[op] as never };
    if (expr.right.kind === 'null') {
      if (type === 'str' && expr.left.kind !== 'null')
        return { left: 'any', right: 'any', apply: () => (op === '==' ? 0 : 1) };
      return { left: 'any', right: 'any', apply: l => ((l === null) === (op === '==') ? 1 : 0) };
    }
    if (type === 'int') return { left: 'int', right: 'int', apply: ON_NUMBERS[op] as never };
    if (type === 'str' && expr.left.kind !== 'null') return { left: 'str', right: 'str', apply: ON_TEXTS[op] as never };
    return { left: 'any', right: 'any', apply: (l, r) => (equal(l, r) === (op === '==') ? 1 : 0) };
  }

  #binary(expr: BinaryExpr, mode: Mode): Evaluate {
    const { op, left, right } = expr;
    const convert = CONVERT[mode];
    const test = this.#comparison(expr);
    if (test) return mode === 'str' ? m => String(test(m)) : test;
    this.#check(expr);
    if (op === '&&' || op === '||') {
      const same = neutral(expr);
      if (same) {
        const get = this.closure(same, mode === 'str' ? 'str' : 'int', true);
        return get;
      }
      const a = this.closure(left, 'int');
      const b = this.closure(right, 'int');
      // a command that gave 0 has ended the run: what is behind it does not run
      const result: Evaluate =
        op === '&&'
          ? m => (a(m) !== 0 && !m.ended && b(m) !== 0 ? 1 : 0)
          : m => (a(m) !== 0 || (!m.ended && b(m) !== 0) ? 1 : 0);
      return mode === 'str' ? m => toStr(result(m)) : result;
    }
    if (op === '=~' && right.kind === 'str') return this.#match(left, right, mode);
    const parts = this.#binaryParts(expr, mode);
    const a = this.closure(left, parts.left);
    const b = this.closure(right, parts.right);
    const { apply } = parts;
    const type = this.typeOf(expr);
    if (mode === 'any' || mode === type || (mode === 'int' && parts.left === 'int')) return m => apply(a(m), b(m));
    return m => convert(apply(a(m), b(m)));
  }

  /** A match with an expression that is known: compiled once. */
  #match(left: Expr, right: Expr & { kind: 'str' }, mode: Mode): Evaluate {
    const text = this.closure(left, 'str');
    let regex: (text: ByteStr) => boolean;
    try {
      regex = matcher(right.value);
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      throw new Mistake(right.at, `this regular expression makes no sense: ${error.message}`);
    }
    const test: Evaluate = m => (regex(text(m) as ByteStr) ? 1 : 0);
    return mode === 'str' ? m => toStr(test(m)) : test;
  }

  /** A comparison of a field, or of myself. */
  #comparison({ op, left, right }: BinaryExpr): ((m: Machine) => number) | undefined {
    const value = (expr: Expr) => this.closure(expr, 'any');
    if (left.kind === 'field') return fieldTest(this.#cx, left, op, right, value);
    if (left.kind !== 'myself') return undefined;
    if (right.kind !== 'field')
      throw new Mistake(right.at, 'myself is compared with uri, from_uri, to_uri, src_ip or dst_ip');
    return fieldTest(this.#cx, right, op, left, value);
  }

  /** What cannot be meant: a text where a number is needed. @throws Mistake */
  #check({ op, left, right }: BinaryExpr): void {
    const [a, b] = [this.typeOf(left), this.typeOf(right)];
    const number = (expr: Expr) => new Mistake(expr.at, `"${op}" needs a number here, this is a text`);
    const text = (expr: Expr) => new Mistake(expr.at, `"${op}" needs a text here, this is a number`);
    if (left.kind === 'word' || left.kind === 'address') this.#alone(left);
    if (right.kind === 'word' || right.kind === 'address') this.#alone(right);
    if (isIntOperator(op) || op === 'ieq' || op === 'ine') {
      if (a === 'str' && left.kind !== 'null') throw number(left);
      if (b === 'str' && right.kind !== 'null') throw number(right);
    } else if (op === '+' || op === '==' || op === '!=') {
      if (a === 'int' && b === 'str') throw number(right);
    } else if (op === '=~' || op === 'eq' || op === 'ne') {
      if (a === 'int') throw text(left);
    }
  }

  #alone(expr: Expr): never {
    if (expr.kind === 'field') throw new Mistake(expr.at, `${expr.name} must be compared with something`);
    if (expr.kind === 'myself') throw new Mistake(expr.at, 'myself must be compared with something');
    throw new Mistake(expr.at, 'a text needs quotes here');
  }
}

/** The other side of `x && 1` and `x || 0`: Kamailio leaves such an operator out. */
function neutral({ op, left, right }: BinaryExpr): Expr | undefined {
  const value = op === '&&' ? 1 : 0;
  if (right.kind === 'int' && right.value === value) return left;
  if (left.kind === 'int' && left.value === value) return right;
  return undefined;
}
