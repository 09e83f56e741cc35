/** The tokens of one routing block, read from front to back. */
import type { At, Token } from '../../cfg/config.ts';
import { utf8Of } from '../../core/memory.ts';

/** A mistake at a place; the statement it stands in is given up. */
export class Mistake extends Error {
  readonly at: At;

  constructor(at: At, message: string) {
    super(message);
    this.at = at;
  }
}

/** A token for a message. */
export function shown(token: Token): string {
  if (token.kind === 'end') return 'the end of the block';
  const text = utf8Of(token.text);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

export class TokenList {
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  #next = 0;

  /** @param block where the block starts: the place of its end when it is empty */
  constructor(tokens: readonly Token[], block: At) {
    this.#tokens = tokens;
    const { file, line, column } = tokens.at(-1) ?? block;
    this.#end = { kind: 'end', text: '', file, line, column, glued: false, first: true };
  }

  get done(): boolean {
    return this.#next >= this.#tokens.length;
  }

  /** The token taken last. */
  get last(): Token | undefined {
    return this.#tokens[this.#next - 1];
  }

  peek(ahead = 0): Token {
    return this.#tokens[this.#next + ahead] ?? this.#end;
  }

  next(): Token {
    const token = this.peek();
    if (!this.done) this.#next++;
    return token;
  }

  isSymbol(symbol: string, ahead = 0): boolean {
    const { kind, text } = this.peek(ahead);
    return kind === 'symbol' && text === symbol;
  }

  /** Takes a symbol if it comes next. */
  accept(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false;
    this.#next++;
    return true;
  }

  /** @throws Mistake */
  expect(symbol: string, where: string): void {
    if (this.accept(symbol)) return;
    const token = this.peek();
    throw new Mistake(token, `"${symbol}" is missing in this ${where}: there is "${shown(token)}" instead`);
  }
}
