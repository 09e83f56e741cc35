/** Conditions and numbers as the core can work them out (core-code.ts); what it cannot is a closure among them. */
import { type ByteStr, byteStr } from '../../core/memory.ts';
import type { BinaryExpr, BinaryOp, CallExpr, Expr } from './ast.ts';
import { automatonOf } from './automaton.ts';
import type { Mode } from './compile-expression.ts';
import { type Context, pvOf } from './context.ts';
import { COMPARISONS, type CorePv, RELATIONS, type Test } from './core-code.ts';
import { RC } from './facts.ts';
import { FIELDS } from './field-names.ts';
import { fieldTest } from './fields.ts';
import type { Machine } from './machine.ts';
import { toInt, toStr, type Value } from './values.ts';

type Evaluate = (m: Machine) => Value;
type InInt = (m: Machine) => number;

/** What the rest of the compiler knows. */
export interface TestParts {
  /** an expression as a closure; only for those that do not wait */
  closure(expr: Expr, mode: Mode, whole: boolean): Evaluate;
  /** a call; undefined where it may have to wait, and is no route(NAME) */
  call(call: CallExpr): Test | undefined;
  waits(expr: Expr): boolean;
  typeOf(expr: Expr): 'int' | 'str' | undefined;
}

const ASCII = /^[\x20-\x7e]*$/;

/** @param whole whether it is all of a condition  @returns undefined where a call in it may have to wait */
export function testOf(cx: Context, parts: TestParts, expr: Expr, whole: boolean): Test | undefined {
  const sub = (of: Expr) => testOf(cx, parts, of, false);
  const known = ((): Test | undefined => {
    switch (expr.kind) {
      case 'int':
        return { kind: 'int', value: expr.value };
      case 'call':
        return parts.call(expr);
      case 'pv': {
        if (RC.test(expr.spec)) return { kind: 'rc' };
        const cell = cellOf(cx, expr);
        return cell ? { kind: 'cell', cell, host: parts.closure(expr, 'int', false) as InInt } : undefined;
      }
      case 'unary': {
        if (expr.op === 'defined') {
          const pv = corePv(cx, expr.of);
          return pv && { kind: 'not', of: { kind: 'null', pv } };
        }
        const of = expr.op === '!' ? sub(expr.of) : undefined;
        return of && { kind: 'not', of };
      }
      case 'binary': {
        if (expr.op !== '&&' && expr.op !== '||') return comparison(cx, parts, expr);
        if (isNeutral(expr.left) || isNeutral(expr.right)) return undefined;
        const left = sub(expr.left);
        const right = left && sub(expr.right);
        return right && { kind: expr.op === '&&' ? 'and' : 'or', left, right };
      }
      default:
        return undefined;
    }
  })();
  if (known || parts.waits(expr)) return known;
  const host = parts.closure(expr, 'int', whole);
  return { kind: 'host', host: host as InInt };
}

/** An operand that Kamailio may leave out with its operator: the closure knows. */
const isNeutral = (expr: Expr): boolean => expr.kind === 'int';

function comparison(cx: Context, parts: TestParts, { op, left, right }: BinaryExpr): Test | undefined {
  const operation = RELATIONS.indexOf(op);
  if (operation >= COMPARISONS) {
    // with a text on its left, + joins
    if (right.kind !== 'int' || left.kind === 'call' || parts.typeOf(left) === 'str') return undefined;
    const number = testOf(cx, parts, left, false);
    return number && { kind: 'compare', left: number, relation: operation, value: right.value };
  }
  const swapped = left.kind === 'myself';
  const [on, by] = swapped ? [right, left] : [left, right];
  const equality = op === '==' || op === '!=';
  const not = (test: Test): Test => (op === '!=' ? { kind: 'not', of: test } : test);
  if (on.kind === 'field' && op !== '=~') {
    const test = equality ? fieldOf(cx, parts, on, by) : undefined;
    return test && not(test);
  }
  if (op === '=~' && by.kind === 'str')
    return match(cx, parts, { kind: 'binary', op, left, right, at: left.at }, by.value);
  if (on.kind !== 'pv') return undefined;
  const cell = RC.test(on.spec) ? 0 : cellOf(cx, on);
  if (cell || RC.test(on.spec)) {
    const relation = RELATIONS.indexOf(op);
    if (relation < 0 || by.kind !== 'int') return undefined;
    if (!cell) return { kind: 'compare', left: { kind: 'rc' }, relation, value: by.value };
    if (equality) {
      // a text is compared as a text
      const positive: Expr = { kind: 'binary', op: '==', left: on, right: by, at: on.at };
      const host = parts.closure(positive, 'int', false) as InInt;
      return not({ kind: 'cellEqual', cell, value: by.value, host });
    }
    const number: Test = { kind: 'cell', cell, host: parts.closure(on, 'int', false) as InInt };
    return { kind: 'compare', left: number, relation, value: by.value };
  }
  const pv = corePv(cx, on);
  if (!pv || !equality) return undefined;
  if (by.kind === 'null') return not({ kind: 'null', pv });
  if (by.kind !== 'int' && by.kind !== 'str') return undefined;
  return not(equalTo(cx, pv, by.value, false));
}

function equalTo(cx: Context, pv: CorePv, value: number | ByteStr, folded: boolean): Test {
  const text = toStr(value);
  return {
    kind: 'equal',
    pv,
    text: cx.keep(text),
    bytes: text.length,
    number: toInt(value),
    ofNull: value === '' || value === 0,
    folded,
  };
}

function match(cx: Context, parts: TestParts, expr: BinaryExpr, regex: ByteStr): Test | undefined {
  const { left } = expr;
  const pv =
    left.kind === 'field' && left.name === 'method' ? { getter: 'pvRm', name: 0, nameBytes: 0 } : corePv(cx, left);
  const table = pv && automatonOf(regex);
  if (!table) return undefined;
  const host = parts.closure(expr, 'int', false) as InInt;
  return { kind: 'match', pv, automaton: cx.keep(byteStr(table)), host };
}

/** Address of a variable's cell, 0 where it has none. */
export function cellOf(cx: Context, expr: Expr): number {
  return expr.kind === 'pv' ? (pvOf(cx, expr.spec, expr.at).cell ?? 0) : 0;
}

/** A variable with a getter in the core; undefined for all others. */
function corePv(cx: Context, expr: Expr): CorePv | undefined {
  if (expr.kind !== 'pv') return undefined;
  const pv = pvOf(cx, expr.spec, expr.at);
  const { cls, header } = pv;
  if (header !== undefined) return { getter: '', name: cx.keep(header), nameBytes: header.length };
  if (!pv.plain || !cls.wasm || cls.get || cls.anytime) return undefined;
  return { getter: cls.wasm, name: 0, nameBytes: 0 };
}

const MYSELF: Readonly<Record<string, readonly [target: string, quick: boolean]>> = {
  uri: ['uriIsMyself', false],
  src_ip: ['isMyselfSrcip', false],
  from_uri: ['fromUriIsMyself', true],
  to_uri: ['toUriIsMyself', true],
};

/** A field that is equal to something. */
function fieldOf(cx: Context, parts: TestParts, field: Expr & { kind: 'field' }, right: Expr): Test | undefined {
  if (right.kind === 'myself') {
    const known = Object.hasOwn(MYSELF, field.name) ? MYSELF[field.name] : undefined;
    if (!known) return undefined;
    const [target, quick] = known;
    const host = fieldTest(cx, field, '==' as BinaryOp, right, expr => parts.closure(expr, 'any', false));
    return { kind: 'field', core: { target, words: [], gives: 'int', quick }, host };
  }
  if (FIELDS[field.name] !== 'method' || (right.kind !== 'word' && right.kind !== 'str')) return undefined;
  if (!ASCII.test(right.value)) return undefined;
  return equalTo(cx, { getter: 'pvRm', name: 0, nameBytes: 0 }, right.value, true);
}
