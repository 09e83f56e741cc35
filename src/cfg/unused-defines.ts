/** Which #!defines of a config nothing mentions, anywhere in its files: neither a statement, a condition, a text, nor a part that is left out. Pure. */
import type { ByteStr } from '../core/memory.ts';
import type { At } from './config.ts';

export interface UnusedDefine {
  readonly name: string;
  readonly at: At;
}

export class DefineUses {
  readonly #texts: ByteStr[] = [];
  /** the first definition of each, and how many there are */
  readonly #defined = new Map<string, { readonly at: At; count: number }>();

  /** @param text of a file that is read */
  file(text: ByteStr): void {
    this.#texts.push(text);
  }

  /** @param at of a #!define or its like */
  define(name: string, at: At): void {
    const known = this.#defined.get(name);
    if (known) known.count++;
    else this.#defined.set(name, { at, count: 1 });
  }

  unused(): UnusedDefine[] {
    if (this.#defined.size === 0) return [];
    const mentions = new Map<string, number>();
    for (const text of this.#texts)
      for (const [word] of withoutComments(text).matchAll(/\w+/g))
        if (this.#defined.has(word)) mentions.set(word, (mentions.get(word) ?? 0) + 1);
    return [...this.#defined].flatMap(([name, { at, count }]) =>
      (mentions.get(name) ?? 0) <= count ? [{ name, at }] : [],
    );
  }
}

/** Lines that are a comment, as a whole, say nothing. */
const withoutComments = (text: ByteStr): ByteStr => text.replace(/^[ \t]*(#(?!!)|\/\/).*$/gm, '');
