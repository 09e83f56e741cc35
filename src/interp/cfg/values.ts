/** Values of routing blocks, and how they become one another: as Kamailio does it (test/fixtures/native/expressions.jsonl holds what it answered). Pure. */
import type { ByteStr } from '../../core/memory.ts';
import { compileRegex, RegexError } from '../../kemi/posix-regex.ts';

/** null: an undefined variable */
export type Value = number | ByteStr | null;

const NUMBER = /^[+-]?(?:0[xX][\da-fA-F]{1,8}|\d{1,10})$/;

/** A text that is a whole number of 32 bits, and nothing else; undefined otherwise. */
export function numberOf(text: ByteStr): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = text[0] === '-' ? -Number(text.slice(1)) : Number(text[0] === '+' ? text.slice(1) : text);
  return value >= -0x80000000 && value <= 0xffffffff ? value | 0 : undefined;
}

/** 0 for what is no number. */
export const toInt = (value: Value): number =>
  typeof value === 'number' ? value | 0 : value === null ? 0 : (numberOf(value) ?? 0);

export const toStr = (value: Value): ByteStr =>
  typeof value === 'string' ? value : value === null ? '' : String(value);

/** The left side says what is done: texts are joined, numbers are added; an undefined left side is what the right one is. */
export function plus(left: Value, right: Value): Value {
  if (typeof left === 'string' || (left === null && typeof right !== 'number')) return toStr(left) + toStr(right);
  return (toInt(left) + toInt(right)) | 0;
}

/** The right side is taken as what the left side is; undefined equals undefined, 0 and ''. */
export function equal(left: Value, right: Value): boolean {
  if (typeof left === 'string' || (left === null && typeof right === 'string')) return toStr(left) === toStr(right);
  return toInt(left) === toInt(right);
}

/** Thrown where an expression has no value; the statement says what becomes of it. */
export class NoValue extends Error {}
const DIVISION = new NoValue('it divides by 0');

const truth = (value: boolean): number => (value ? 1 : 0);

/** Operators on numbers. */
export const ON_NUMBERS: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (l, r) => (l + r) | 0,
  '-': (l, r) => (l - r) | 0,
  '*': Math.imul,
  '/': (l, r) => (r === 0 ? fail() : (l / r) | 0),
  mod: (l, r) => (r === 0 ? fail() : (l % r) | 0),
  '|': (l, r) => l | r,
  '^': (l, r) => l ^ r,
  '&': (l, r) => l & r,
  '<<': (l, r) => l << r,
  '>>': (l, r) => l >> r,
  '<': (l, r) => truth(l < r),
  '>': (l, r) => truth(l > r),
  '<=': (l, r) => truth(l <= r),
  '>=': (l, r) => truth(l >= r),
  '==': (l, r) => truth(l === r),
  '!=': (l, r) => truth(l !== r),
  ieq: (l, r) => truth(l === r),
  ine: (l, r) => truth(l !== r),
  '&&': (l, r) => truth(l !== 0 && r !== 0),
  '||': (l, r) => truth(l !== 0 || r !== 0),
};

/** Operators on texts; `+` is not among them, its result is a text. */
export const ON_TEXTS: Readonly<Record<string, (left: ByteStr, right: ByteStr) => number>> = {
  '==': (l, r) => truth(l === r),
  '!=': (l, r) => truth(l !== r),
  eq: (l, r) => truth(l === r),
  ne: (l, r) => truth(l !== r),
  '=~': (l, r) => truth(matches(l, r)),
};

function fail(): never {
  throw DIVISION;
}

/**
 * What an expression may be made of so that JavaScript's own engine may match it: nothing that repeats without a bound, so that no text keeps it busy, and
 * nothing that the two dialects read differently.
 */
const PLAIN =
  /^(?:[A-Za-z0-9 _@:;,<>/=!#%&~"'`-]|\\[.?*+^$()[\]|/]|\[\^?[A-Za-z0-9_.@:;+*]+(?:-[A-Za-z0-9])?[A-Za-z0-9_.@:;+*]*\]|[.^$()|]|\?(?![?*+{]))*$/;

/** A test for matches with an expression, letters of both cases. @throws RegexError */
export function matcher(source: ByteStr): (text: ByteStr) => boolean {
  if (source === '') return () => true;
  const regex = compileRegex(source, { ignoreCase: true });
  if (!PLAIN.test(source)) return text => regex.test(text);
  let fast: RegExp;
  try {
    fast = new RegExp(source, 'is');
  } catch {
    return text => regex.test(text);
  }
  return text => fast.test(text);
}

/** Expressions of routing blocks match letters of both cases. An expression that does not compile matches nothing. */
export function matches(text: ByteStr, regex: ByteStr): boolean {
  if (regex === '') return true;
  try {
    return compileRegex(regex, { ignoreCase: true }).test(text);
  } catch (error) {
    if (error instanceof RegexError) return false;
    throw error;
  }
}
