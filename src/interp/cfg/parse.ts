/** Statements out of the tokens of a routing block. It goes on behind a mistake, at the next statement, so that all mistakes are told at once. */
import type { At, RouteBlock, Token } from '../../cfg/config.ts';
import type { Diagnostics } from '../../cfg/diagnostics.ts';
import { utf8Of } from '../../core/memory.ts';
import type { Case, Expr, Statement } from './ast.ts';
import { ExpressionParser } from './parse-expression.ts';
import { Mistake, shown, TokenList } from './token-list.ts';

/** Deeper blocks are no config that somebody wrote. */
const MAX_DEPTH = 100;
/** links of an if - else if - else if ... */
const MAX_CHAIN = 1000;

/** @param found gets what is wrong, with its place */
export function parseBlock(block: RouteBlock, found: Diagnostics): Statement[] {
  return new BlockParser(new TokenList(block.body, block.at), found).whole();
}

class BlockParser {
  readonly #tokens: TokenList;
  readonly #expressions: ExpressionParser;
  readonly #found: Diagnostics;
  #depth = 0;
  #chain = 0;

  constructor(tokens: TokenList, found: Diagnostics) {
    this.#tokens = tokens;
    this.#expressions = new ExpressionParser(tokens);
    this.#found = found;
  }

  whole(): Statement[] {
    const out: Statement[] = [];
    while (!this.#tokens.done && !this.#found.full) this.#into(out);
    return out;
  }

  /** One statement; a mistake in it is reported, and what is left of it is left out. */
  #into(out: Statement[]): void {
    const [depth, chain] = [this.#depth, this.#chain];
    try {
      const statement = this.#statement();
      if (statement) out.push(statement);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.#found.error(error.at, error.message);
      [this.#depth, this.#chain] = [depth, chain];
      this.#expressions.restart();
      this.#recover();
    }
  }

  /** What belongs to an if that was given up. */
  get #isElse(): boolean {
    const { kind, text } = this.#tokens.peek();
    return kind === 'word' && text === 'else';
  }

  /** To behind the next semicolon, or to the brace that ends this block. */
  #recover(): void {
    for (let depth = 0; !this.#tokens.done; ) {
      const { kind, text } = this.#tokens.peek();
      if (kind === 'symbol' && text === '}' && depth === 0) {
        // at the end of the route there is no block to close
        if (this.#depth > 0) return;
      } else if (kind === 'symbol' && text === '{') depth++;
      else if (kind === 'symbol' && text === '}') {
        if (--depth === 0) {
          this.#tokens.next();
          if (this.#isElse) continue;
          return;
        }
      } else if (kind === 'symbol' && text === ';' && depth === 0) {
        this.#tokens.next();
        if (this.#isElse) continue;
        return;
      }
      this.#tokens.next();
    }
  }

  /** @returns undefined for a semicolon alone  @throws Mistake */
  #statement(): Statement | undefined {
    const tokens = this.#tokens;
    const start = tokens.peek();
    if (tokens.accept(';')) return undefined;
    if (start.kind === 'pv') return this.#assignment();
    if (start.kind !== 'word') throw new Mistake(start, `"${shown(start)}" starts no statement`);
    switch (start.text) {
      case 'if':
        return this.#if();
      case 'while':
        tokens.next();
        return { kind: 'while', test: this.#expressions.expression(), body: this.#body('while'), at: start };
      case 'switch':
        return this.#switch();
      case 'return':
        return this.#return();
      case 'break':
        tokens.next();
        this.#end(start);
        return { kind: 'break', at: start };
      case 'exit':
      case 'drop':
        return this.#leave(start.text);
      case 'else':
      case 'case':
      case 'default':
        throw new Mistake(start, `"${start.text}" stands where no ${start.text === 'else' ? 'if' : 'switch'} is open`);
      default:
        return this.#call(start);
    }
  }

  #call(start: Token): Statement {
    if (!this.#tokens.isSymbol('(', 1)) {
      const next = this.#tokens.peek(1);
      const hint = next.kind === 'symbol' && next.text === '=' ? ': parameters are set outside of routing blocks' : '';
      throw new Mistake(start, `"${utf8Of(start.text)}" is no statement${hint || ': a command has parentheses'}`);
    }
    const call = this.#expressions.call();
    this.#end(start);
    return { kind: 'call', call, at: start };
  }

  #assignment(): Statement {
    const pv = this.#tokens.next();
    const operator = this.#tokens.peek();
    if (!this.#tokens.accept('=')) {
      const hint = operator.text === '+' ? ': there is no +=, write $x = $x + ...' : `, not "${shown(operator)}"`;
      throw new Mistake(operator, `an assignment needs "=" behind ${utf8Of(pv.text)}${hint}`);
    }
    const value = this.#expressions.expression();
    this.#end(pv);
    return { kind: 'assign', spec: pv.text, value, at: pv };
  }

  #if(): Statement {
    const at = this.#tokens.next();
    const test = this.#expressions.expression();
    const then = this.#body('if');
    const otherwise = this.#tokens.peek();
    if (otherwise.kind !== 'word' || otherwise.text !== 'else') return { kind: 'if', test, then, else: [], at };
    this.#tokens.next();
    const link = this.#tokens.peek();
    if (link.kind !== 'word' || link.text !== 'if') return { kind: 'if', test, then, else: this.#body('else'), at };
    if (++this.#chain > MAX_CHAIN)
      throw new Mistake(link, `more than ${MAX_CHAIN} else if behind one another: use switch`);
    const next = this.#if();
    this.#chain--;
    return { kind: 'if', test, then, else: [next], at };
  }

  /** Statements in braces, or one without. */
  #body(what: string): Statement[] {
    const open = this.#tokens.peek();
    const out: Statement[] = [];
    this.#deeper(open);
    if (this.#tokens.accept('{')) {
      while (!this.#tokens.accept('}')) {
        if (this.#tokens.done) throw new Mistake(open, `this ${what} is not closed: a "}" is missing`);
        this.#into(out);
      }
    } else {
      if (this.#tokens.done) throw new Mistake(open, `${what} needs a statement or a block in braces`);
      const statement = this.#statement();
      if (statement) out.push(statement);
    }
    this.#depth--;
    return out;
  }

  #deeper(at: At): void {
    if (++this.#depth > MAX_DEPTH) throw new Mistake(at, `blocks are nested more than ${MAX_DEPTH} deep`);
  }

  #switch(): Statement {
    const at = this.#tokens.next();
    const on = this.#expressions.expression();
    this.#tokens.expect('{', 'switch');
    this.#deeper(at);
    const cases: Case[] = [];
    while (!this.#tokens.accept('}')) {
      const start = this.#tokens.next();
      if (start.kind === 'word' && start.text === 'case') {
        const regex = this.#tokens.accept('/');
        const value = this.#expressions.expression();
        this.#tokens.expect(':', 'case');
        cases.push({ value, regex, body: this.#caseBody(), at: start });
      } else if (start.kind === 'word' && start.text === 'default') {
        this.#tokens.expect(':', 'default');
        cases.push({ regex: false, body: this.#caseBody(), at: start });
      } else throw new Mistake(start, `switch holds "case" and "default", not "${shown(start)}"`);
    }
    this.#depth--;
    return { kind: 'switch', on, cases, at };
  }

  #caseBody(): Statement[] {
    const out: Statement[] = [];
    for (;;) {
      const { kind, text } = this.#tokens.peek();
      const ends = (kind === 'word' && (text === 'case' || text === 'default')) || (kind === 'symbol' && text === '}');
      if (ends || this.#tokens.done) return out;
      this.#into(out);
    }
  }

  #return(): Statement {
    const at = this.#tokens.next();
    if (this.#tokens.isSymbol(';')) {
      this.#tokens.next();
      return { kind: 'return', at };
    }
    // return() is return
    if (this.#tokens.isSymbol('(') && this.#tokens.isSymbol(')', 1)) {
      this.#tokens.next();
      this.#tokens.next();
      this.#end(at);
      return { kind: 'return', at };
    }
    const value: Expr = this.#expressions.expression();
    this.#end(at);
    return { kind: 'return', value, at };
  }

  /** exit and drop, with or without parentheses; a number in them means nothing. */
  #leave(kind: 'exit' | 'drop'): Statement {
    const at = this.#tokens.next();
    if (this.#tokens.accept('(')) {
      if (!this.#tokens.accept(')')) {
        this.#expressions.expression();
        this.#tokens.expect(')', kind);
      }
    } else if (this.#tokens.peek().kind === 'number') this.#tokens.next();
    this.#end(at);
    return { kind, at };
  }

  #end(start: Token): void {
    if (this.#tokens.accept(';')) return;
    const token = this.#tokens.peek();
    const after = this.#tokens.last ?? start;
    const instead = token.kind === 'end' ? 'the block ends' : `there is "${shown(token)}"`;
    throw new Mistake(after, `";" is missing behind this: ${instead}`);
  }
}
