/** Expressions of #!ifexp, #!defexp and #!defexps: numbers, strings, names of defines, and Kamailio's operators. Pure. */
import type { ByteStr } from '../core/memory.ts';

/** Says what is wrong with an expression. */
export class ExpressionError extends Error {}

type Operand = number | ByteStr;

const TOKEN =
  /[ \t]+|(\d+(?:\.\d+)?|0[xX][\da-fA-F]+)|"([^"]*)"|'([^']*)'|([A-Za-z_]\w*)|(\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^<>!(),])/y;

/** Binding of the binary operators, weakest first. */
const LEVELS: readonly (readonly string[])[] = [
  [','],
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
  ['**'],
];
/** deeper nesting is no expression that somebody wrote */
const MAX_DEPTH = 100;

interface Piece {
  readonly kind: 'value' | 'name' | 'operator';
  readonly text: string;
  readonly value: Operand;
}

/**
 * @param lookup the value of a defined name (with its quotes), '' when it has none, undefined when it is not defined
 * @throws ExpressionError
 */
export function evaluate(text: ByteStr, lookup: (name: string) => ByteStr | undefined): Operand {
  const pieces = split(text);
  let at = 0;
  const operator = () => (pieces[at]?.kind === 'operator' ? pieces[at]!.text : '');

  function binary(level: number, depth: number): Operand {
    if (depth > MAX_DEPTH) throw new ExpressionError('it is nested too deeply');
    if (level === LEVELS.length) return unary(depth);
    let left = binary(level + 1, depth);
    while (LEVELS[level]!.includes(operator())) {
      const name = pieces[at++]!.text;
      // ** binds to the right
      left = apply(name, left, binary(name === '**' ? level : level + 1, depth + 1));
    }
    return left;
  }

  function unary(depth: number): Operand {
    const piece = pieces[at++];
    if (!piece) throw new ExpressionError('it ends too early');
    if (depth > MAX_DEPTH) throw new ExpressionError('it is nested too deeply');
    if (piece.kind === 'value') return piece.value;
    if (piece.kind === 'name') {
      const value = lookup(piece.text);
      return value === undefined ? 0 : value === '' ? 1 : unquoted(value);
    }
    if (piece.text === '(') {
      const value = binary(0, depth + 1);
      if (operator() !== ')') throw new ExpressionError('a ")" is missing');
      at++;
      return value;
    }
    const value = () => unary(depth + 1);
    if (piece.text === '!') return truth(value()) ? 0 : 1;
    if (piece.text === '-') return -number(value());
    if (piece.text === '+') return number(value());
    if (piece.text === '^') return ~number(value());
    throw new ExpressionError(`"${piece.text}" stands where a value is expected`);
  }

  const result = binary(0, 0);
  if (at < pieces.length) throw new ExpressionError(`"${pieces[at]!.text}" makes no sense there`);
  return result;
}

/** Whether a result counts as true: a number other than 0, a text that is not empty. */
export const truth = (value: Operand): boolean => (typeof value === 'number' ? value !== 0 : value !== '');

/** A result as the text of a define. */
export const textOf = (value: Operand): ByteStr => String(value);

function split(text: ByteStr): Piece[] {
  const pieces: Piece[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw new ExpressionError(`"${text.slice(at, at + 10)}" is not understood`);
    at = TOKEN.lastIndex;
    const [whole, digits, double, single, name, operator] = match;
    if (digits !== undefined) pieces.push({ kind: 'value', text: whole, value: Number(digits) });
    else if (double !== undefined || single !== undefined)
      pieces.push({ kind: 'value', text: whole, value: double ?? single! });
    else if (name !== undefined) pieces.push({ kind: 'name', text: name, value: 0 });
    else if (operator !== undefined) pieces.push({ kind: 'operator', text: operator, value: 0 });
  }
  return pieces;
}

const unquoted = (text: ByteStr): ByteStr =>
  /^"(.*)"$|^'(.*)'$/s
    .exec(text)
    ?.slice(1)
    .find(t => t !== undefined) ?? text;

function number(value: Operand): number {
  if (typeof value === 'number') return value;
  const read = Number.parseFloat(value);
  return Number.isNaN(read) ? 0 : read;
}

/** The right side is taken as what the left side is. */
function apply(operator: string, left: Operand, right: Operand): Operand {
  if (operator === ',') return right;
  if (operator === '&&') return truth(left) && truth(right) ? 1 : 0;
  if (operator === '||') return truth(left) || truth(right) ? 1 : 0;
  if (typeof left === 'string') {
    const text = String(right);
    if (operator === '+') return left + text;
    const order = left < text ? -1 : left > text ? 1 : 0;
    const compared = compare(operator, order, 0);
    if (compared !== undefined) return compared;
  }
  const a = number(left);
  const b = number(right);
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? fail('it divides by 0') : a / b;
    case '%':
      return b === 0 ? fail('it divides by 0') : a % b;
    case '**':
      return a ** b;
    case '<<':
      return a << b;
    case '>>':
      return a >> b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    default:
      return compare(operator, a, b) ?? fail(`"${operator}" is not understood`);
  }
}

function compare(operator: string, a: number, b: number): number | undefined {
  switch (operator) {
    case '==':
      return Number(a === b);
    case '!=':
      return Number(a !== b);
    case '<':
      return Number(a < b);
    case '>':
      return Number(a > b);
    case '<=':
      return Number(a <= b);
    case '>=':
      return Number(a >= b);
    default:
      return undefined;
  }
}

function fail(why: string): never {
  throw new ExpressionError(why);
}
