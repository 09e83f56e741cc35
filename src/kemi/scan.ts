/** Scans of network bytes in one pass. Regular expressions like `/ +$/` take quadratic time on input made for it: these do not. */
import type { ByteStr } from '../core/memory.ts';

export interface Piece {
  /** offset in the text */
  readonly at: number;
  readonly text: ByteStr;
}

/** Cuts a text at a separator that stands outside of quotes and angle brackets. At least one piece. */
export function splitOutside(text: ByteStr, separator: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  let quoted = false;
  let angle = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '<') angle = true;
    else if (c === '>') angle = false;
    else if (c === separator && !angle) {
      out.push({ at: from, text: text.slice(from, i) });
      from = i + 1;
    }
  }
  out.push({ at: from, text: text.slice(from) });
  return out;
}

/** Takes these characters off the end. */
export function trimEndOf(text: ByteStr, characters: string): ByteStr {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** Takes these characters off both ends. */
export function trimOf(text: ByteStr, characters: string): ByteStr {
  let start = 0;
  while (start < text.length && characters.includes(text[start]!)) start++;
  return trimEndOf(text.slice(start), characters);
}
