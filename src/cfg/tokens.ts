/** Tokens with some read ahead, and what every statement takes from them. */
import type { ByteStr } from '../core/memory.ts';
import type { At, Token } from './config.ts';
import type { Preprocessor } from './preprocessor.ts';

/** A mistake at a place; the statement it stands in is given up. */
export class Mistake extends Error {
  readonly at: At;

  constructor(at: At, message: string) {
    super(message);
    this.at = at;
  }
}

const NOTHING: Token = { kind: 'end', text: '', file: '', line: 0, column: 0, glued: false, first: true };

export class Tokens {
  readonly #reader: Preprocessor | undefined;
  readonly #ahead: Token[] = [];

  /** @param reader undefined when the file could not be read at all: there are no tokens */
  constructor(reader: Preprocessor | undefined) {
    this.#reader = reader;
  }

  peek(ahead = 0): Token {
    while (this.#ahead.length <= ahead) this.#ahead.push(this.#reader?.next() ?? NOTHING);
    return this.#ahead[ahead]!;
  }

  next(): Token {
    return this.#ahead.shift() ?? this.#reader?.next() ?? NOTHING;
  }

  /** Takes a symbol if it comes next. */
  accept(symbol: string): boolean {
    const token = this.peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.next();
    return true;
  }

  /** @param start the statement, for the message  @throws Mistake */
  expect(symbol: string, start: Token): void {
    const token = this.peek();
    if (this.accept(symbol)) return;
    const instead = token.kind === 'end' ? 'the end of the file' : `"${token.text.slice(0, 40)}"`;
    throw new Mistake(token, `"${symbol}" is missing in this ${start.text}: there is ${instead} instead`);
  }

  /** @throws Mistake with this message */
  string(message: string): Token {
    const token = this.peek();
    if (token.kind !== 'string') throw new Mistake(token, message);
    return this.next();
  }

  /** Text without quotes, up to the next blank: a path, a name, an address. @throws Mistake when there is none */
  bare(start: Token): ByteStr {
    const first = this.peek();
    const statement = first.first && first.kind === 'word' && this.peek(1).text === '=';
    if (first.kind === 'end' || first.text === ';' || statement)
      throw new Mistake(first, `${start.text} needs a value`);
    let text = this.next().text;
    for (let token = this.peek(); token.glued && token.text !== ';' && token.kind !== 'end'; token = this.peek())
      text += this.next().text;
    return text;
  }
}
