/** Quoted strings: double quotes with escapes, single quotes without. Both may go over lines. */
import type { ByteStr } from '../core/memory.ts';
import type { Scanner } from './scanner.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', '\\': '\\', '"': '"' };
const ESCAPE = /\\(?:([nrta\\"])|x([\da-fA-F]{1,2})|([0-7]{3})|(\r?\n)|([\s\S]))/g;

/**
 * Takes the string that starts here.
 * @returns its value; undefined when it is not closed: all is taken then
 */
export function readString(source: Scanner): ByteStr | undefined {
  const { text } = source;
  const start = source.at + 1;
  if (source.peek() === "'") {
    const end = text.indexOf("'", start);
    source.to(end < 0 ? text.length : end + 1);
    return end < 0 ? undefined : text.slice(start, end);
  }
  let end = start;
  // A loop, not one expression: long strings must not fill the stack of the expression's matcher.
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  if (end >= text.length) {
    source.to(text.length);
    return undefined;
  }
  source.to(end + 1);
  const raw = text.slice(start, end);
  if (!raw.includes('\\')) return raw;
  return raw.replace(ESCAPE, (whole, simple, hex, octal, newline) => {
    if (simple !== undefined) return ESCAPES[simple]!;
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 255);
    // A backslash at the end of a line joins it with the next.
    return newline !== undefined ? '' : whole;
  });
}
