/** Expressions of routing blocks, with Kamailio's precedence: that of C, with its words beside the operators. */
import type { At, Token } from '../../cfg/config.ts';
import { utf8Of } from '../../core/memory.ts';
import type { BinaryOp, CallExpr, Expr, UnaryOp } from './ast.ts';
import { FIELDS } from './field-names.ts';
import { Mistake, shown, type TokenList } from './token-list.ts';

/** Binary operators, weakest first; words stand for operators. */
const LEVELS: readonly Readonly<Record<string, BinaryOp>>[] = [
  { '||': '||', or: '||' },
  { '&&': '&&', and: '&&' },
  { '|': '|' },
  { '^': '^' },
  { '&': '&' },
  { '==': '==', '!=': '!=', '=~': '=~', eq: 'eq', ne: 'ne', ieq: 'ieq', ine: 'ine' },
  { '<': '<', '>': '>', '<=': '<=', '>=': '>=' },
  { '<<': '<<', '>>': '>>' },
  { '+': '+', '-': '-' },
  { '*': '*', '/': '/', mod: 'mod' },
];
const UNARY: Readonly<Record<string, UnaryOp>> = {
  '!': '!',
  not: '!',
  '-': '-',
  '~': '~',
  defined: 'defined',
};
/** level of == */
const EQUALITY = 5;
/** operators of one expression, parts in brackets counted by themselves */
const MAX_OPERATORS = 1000;
/** deeper nesting is no expression that somebody wrote */
const MAX_DEPTH = 200;

export class ExpressionParser {
  readonly #tokens: TokenList;
  #depth = 0;

  constructor(tokens: TokenList) {
    this.#tokens = tokens;
  }

  /** Behind an expression that was given up. */
  restart(): void {
    this.#depth = 0;
  }

  /** @throws Mistake */
  expression(): Expr {
    return this.#binary(0);
  }

  /** name(arg, ...) @throws Mistake */
  call(): CallExpr {
    const name = this.#tokens.next();
    this.#tokens.expect('(', 'call');
    const args: Expr[] = [];
    if (!this.#tokens.accept(')')) {
      do args.push(this.#argument());
      while (this.#tokens.accept(','));
      this.#tokens.expect(')', `call of ${utf8Of(name.text)}`);
    }
    return { kind: 'call', name: utf8Of(name.text), args, at: place(name) };
  }

  /** A word alone is a name: of a flag, a route, a protocol; and an address may stand without quotes. */
  #argument(): Expr {
    const token = this.#tokens.peek();
    const behind = this.#tokens.peek(1);
    const alone = behind.kind === 'symbol' && (behind.text === ',' || behind.text === ')');
    if (token.kind === 'word' && alone) {
      this.#tokens.next();
      return { kind: 'word', value: token.text, at: place(token) };
    }
    // uri:host and uri:port, as forward() takes them
    if (token.kind === 'word' && token.text === 'uri' && this.#tokens.isSymbol(':', 1)) {
      this.#tokens.next();
      this.#tokens.next();
      return { kind: 'word', value: `uri:${this.#tokens.next().text}`, at: place(token) };
    }
    // a socket without quotes: udp:127.0.0.1:5060
    if (token.kind === 'word' && /^(udp|tcp|tls|sctp|ws|wss)$/i.test(token.text) && this.#tokens.isSymbol(':', 1)) {
      const { text } = this.#address();
      return { kind: 'str', value: text, at: place(token) };
    }
    return this.expression();
  }

  #binary(level: number): Expr {
    if (level === LEVELS.length) return this.#unary();
    let left = this.#binary(level + 1);
    for (let operators = 0; ; operators++) {
      const token = this.#tokens.peek();
      const op = this.#operator(level, token);
      if (!op) return left;
      if (operators >= MAX_OPERATORS)
        throw new Mistake(
          token,
          `this expression has more than ${MAX_OPERATORS} operators: put a part of it in a variable`,
        );
      this.#tokens.next();
      const right =
        left.kind === 'field' && (op === '==' || op === '!=') ? this.#fieldValue() : this.#binary(level + 1);
      left = { kind: 'binary', op, left, right, at: place(token) };
    }
  }

  #operator(level: number, token: Token): BinaryOp | undefined {
    if (token.kind !== 'symbol' && token.kind !== 'word') return undefined;
    if (token.text === '!~') throw new Mistake(token, 'there is no operator !~: write !(x =~ "...")');
    const operators = LEVELS[level]!;
    return Object.hasOwn(operators, token.text) ? operators[token.text] : undefined;
  }

  #deeper(at: At): void {
    if (++this.#depth > MAX_DEPTH) throw new Mistake(at, 'this expression is nested too deeply');
  }

  #unary(): Expr {
    const token = this.#tokens.peek();
    const known = token.kind === 'symbol' || token.kind === 'word';
    const op = known && Object.hasOwn(UNARY, token.text) ? UNARY[token.text] : undefined;
    if (!op) return this.#primary();
    this.#tokens.next();
    this.#deeper(token);
    // a field binds to what it is compared with: !uri==myself is !(uri==myself)
    const next = this.#tokens.peek();
    const field = next.kind === 'word' && (next.text === 'myself' || Object.hasOwn(FIELDS, next.text));
    const of = op === '!' && field ? this.#binary(EQUALITY) : this.#unary();
    this.#depth--;
    if (op === '-' && of.kind === 'int') return { kind: 'int', value: -of.value | 0, at: place(token) };
    return { kind: 'unary', op, of, at: place(token) };
  }

  #primary(): Expr {
    const token = this.#tokens.peek();
    const at = place(token);
    switch (token.kind) {
      case 'number':
        if (this.#isAddress('.')) return this.#address();
        this.#tokens.next();
        return { kind: 'int', value: integer(token), at };
      case 'string':
        this.#tokens.next();
        return { kind: 'str', value: token.text, at };
      case 'pv':
        this.#tokens.next();
        return token.text === '$null' ? { kind: 'null', at } : { kind: 'pv', spec: token.text, at };
      case 'symbol':
        if (token.text === '(') return this.#brackets();
        if (token.text === '@') return this.#select();
        throw new Mistake(token, `"${shown(token)}" stands where a value is expected`);
      case 'word':
        return this.#word(token);
      default:
        throw new Mistake(token, 'a value is missing: the block ends');
    }
  }

  /** @name.name["name"][1]: all of it without blanks */
  #select(): Expr {
    const start = this.#tokens.next();
    let name = '';
    for (let token = this.#tokens.peek(); token.glued; token = this.#tokens.peek()) {
      const { kind, text } = token;
      const inside = name.endsWith('[') || name.endsWith('[-');
      if (kind === 'string' && inside && !text.includes('"')) name += `"${text}"`;
      else if (kind === 'number' ? inside : kind === 'word' && (name === '' || name.endsWith('.'))) name += text;
      else if (kind === 'symbol' && (text === '.' || text === '[' || (inside && (text === '-' || text === '*'))))
        name += text;
      else if (kind === 'symbol' && text === ']' && /\[[^\]]+$/.test(name)) name += text;
      else break;
      this.#tokens.next();
    }
    if (name === '') throw new Mistake(start, 'a name is missing behind "@"');
    return { kind: 'pv', spec: `$sel(${name})`, at: place(start) };
  }

  /** ( expression ), (int) x, (str) x */
  #brackets(): Expr {
    const open = this.#tokens.next();
    const cast = this.#tokens.peek();
    this.#deeper(open);
    let out: Expr;
    if (cast.kind === 'word' && (cast.text === 'int' || cast.text === 'str') && this.#tokens.isSymbol(')', 1)) {
      this.#tokens.next();
      this.#tokens.next();
      out = { kind: 'unary', op: cast.text, of: this.#unary(), at: place(open) };
    } else {
      out = this.expression();
      this.#tokens.expect(')', 'expression');
    }
    this.#depth--;
    return out;
  }

  #word(token: Token): Expr {
    const at = place(token);
    if (this.#tokens.isSymbol('(', 1)) {
      if (token.text !== 'strlen' && token.text !== 'strempty') return this.call();
      this.#tokens.next();
      return { kind: 'unary', op: token.text, of: this.#brackets(), at };
    }
    if (token.text === 'myself') {
      this.#tokens.next();
      return { kind: 'myself', at };
    }
    if (token.text === 'msg' && this.#tokens.isSymbol(':', 1) && this.#tokens.peek(2).text === 'len') {
      for (let i = 0; i < 3; i++) this.#tokens.next();
      return { kind: 'field', name: 'msg:len', at };
    }
    if (Object.hasOwn(FIELDS, token.text)) {
      this.#tokens.next();
      return { kind: 'field', name: token.text, at };
    }
    throw new Mistake(
      token,
      `"${shown(token)}" is no value: a text has quotes, a command has parentheses, a #!define must be there`,
    );
  }

  /** What a field is compared with: an address, a protocol, a method may stand without quotes. */
  #fieldValue(): Expr {
    const token = this.#tokens.peek();
    if (this.#isAddress('.:') || this.#tokens.isSymbol('[') || (token.text === ':' && token.kind === 'symbol'))
      return this.#address();
    const known = token.text === 'myself' || this.#tokens.isSymbol('(', 1) || Object.hasOwn(FIELDS, token.text);
    if (token.kind === 'word' && !known) {
      if (/^[\da-fA-F]+$/.test(token.text) && this.#tokens.isSymbol(':', 1)) return this.#address();
      return this.#name();
    }
    return this.#binary(6);
  }

  /** A word, or the name of a host: its dots and dashes stand without blanks. */
  #name(): Expr {
    const start = this.#tokens.next();
    let { text } = start;
    for (;;) {
      const [joint, next] = [this.#tokens.peek(), this.#tokens.peek(1)];
      const joins = joint.kind === 'symbol' && joint.glued && (joint.text === '.' || joint.text === '-');
      if (!joins || !next.glued || (next.kind !== 'word' && next.kind !== 'number')) break;
      text += this.#tokens.next().text + this.#tokens.next().text;
    }
    return { kind: 'word', value: text, at: place(start) };
  }

  /** Whether an address comes. @param separators '.' for IPv4; ':' besides for IPv6, where no label can stand */
  #isAddress(separators: string): boolean {
    const [token, first, second] = [this.#tokens.peek(), this.#tokens.peek(1), this.#tokens.peek(2)];
    if (token.kind !== 'number' || first.kind !== 'symbol' || !first.glued) return false;
    return separators.includes(first.text) && second.glued;
  }

  #address(): Expr & { kind: 'address' } {
    const start = this.#tokens.next();
    let text = start.text;
    for (;;) {
      const { kind, text: more, glued } = this.#tokens.peek();
      const part = kind === 'word' || kind === 'number' || (kind === 'symbol' && [':', '.', '/', ']'].includes(more));
      if (!glued || !part) break;
      text += this.#tokens.next().text;
    }
    return { kind: 'address', text: utf8Of(text).replace(/[[\]]/g, ''), at: place(start) };
  }
}

/** A position alone: tokens would keep more alive than is needed. */
const place = ({ file, line, column }: At): At => ({ file, line, column });

/** A number's value in 32 bits, as Kamailio reads it: hexadecimal behind 0x, octal behind 0; what is too large loses its upper bits. */
function integer(token: Token): number {
  const { text } = token;
  const octal = /^0[0-7]+$/.test(text);
  const value = octal ? Number.parseInt(text, 8) : Number(text);
  if (!Number.isFinite(value)) throw new Mistake(token, `"${text}" is no number`);
  return Number(BigInt.asIntN(32, BigInt(Math.trunc(value))));
}
