/**
 * ASCII character classes and trimming for byte strings. String.prototype.trim() would take 0xA0 for a blank, which may be part of a UTF-8 character.
 */
import type { ByteStr } from './memory.ts';

export function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}
export function isHex(c: number): boolean {
  return isDigit(c) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102);
}
export function isAlnum(c: number): boolean {
  return isDigit(c) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
}
/** space, tab, CR, LF */
export function isWs(c: number): boolean {
  return c === 32 || c === 9 || c === 13 || c === 10;
}

export function trimStart(text: ByteStr): ByteStr {
  let at = 0;
  while (at < text.length && isWs(text.charCodeAt(at))) at++;
  return text.slice(at);
}

export function trimEnd(text: ByteStr): ByteStr {
  let end = text.length;
  while (end > 0 && isWs(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
}

export function trim(text: ByteStr): ByteStr {
  return trimStart(trimEnd(text));
}
