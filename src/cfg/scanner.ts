/** A position in one text: a file, or the value of a define at the place where it is used. */
import type { ByteStr } from '../core/memory.ts';
import type { At } from './config.ts';

export class Scanner {
  readonly text: ByteStr;
  readonly file: string;
  /** the define whose value this is, '' for a file */
  readonly define: string;
  at = 0;
  #line = 1;
  #lineStart = 0;
  readonly #use: At | undefined;

  /** @param use where the define was used: the position of all that it gives */
  constructor(text: ByteStr, file: string, define = '', use?: At) {
    this.text = text;
    this.file = file;
    this.define = define;
    this.#use = use;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** Position of the next character, or of the offset `from`, which must be on the current line. */
  where(from = this.at): At {
    if (this.#use) return this.#use;
    return { file: this.file, line: this.#line, column: from - this.#lineStart + 1 };
  }

  peek(ahead = 0): string {
    return this.text[this.at + ahead] ?? '';
  }

  starts(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }

  /** @param pattern sticky  @returns what matches here, not yet taken */
  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text);
  }

  /** Goes on to an offset, counting lines. */
  to(end: number): void {
    const { at } = this;
    // Searching in the whole text would look at the rest of a long line for each of its tokens.
    const passed = this.text.slice(at, end);
    for (let n = passed.indexOf('\n'); n >= 0; n = passed.indexOf('\n', n + 1)) {
      this.#line++;
      this.#lineStart = at + n + 1;
    }
    this.at = Math.min(end, this.text.length);
  }

  /** The rest of the line, without its end, which is not taken. */
  restOfLine(): ByteStr {
    const end = this.text.indexOf('\n', this.at);
    const line = this.text.slice(this.at, end < 0 ? undefined : end);
    this.to(end < 0 ? this.text.length : end);
    return line;
  }

  /** The rest of the line and, behind a backslash at its end, of the lines that follow: as one line. */
  restOfLines(): ByteStr {
    let out = '';
    for (;;) {
      const line = this.restOfLine().replace(/\r$/, '');
      if (!line.endsWith('\\') || this.done) return out + line;
      out += line.slice(0, -1);
      this.to(this.at + 1);
    }
  }
}
