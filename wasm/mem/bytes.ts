/**
 * Bytes: characters by name, scans, numbers, copies. Scans read up to 63 bytes past `end` (SLACK in the layout table) but never return a hit there.
 * `at` and `end` are addresses here; `end` is exclusive.
 */
import { TK } from '../gen/layout.gen';

export const HTAB: i32 = 9;
export const LF: i32 = 10;
export const CR: i32 = 13;
export const SP: i32 = 32;
export const QUOTE: i32 = 34;
export const PERCENT: i32 = 37;
export const STAR: i32 = 42;
export const COMMA: i32 = 44;
export const MINUS: i32 = 45;
export const DOT: i32 = 46;
export const SLASH: i32 = 47;
export const DIGIT_0: i32 = 48;
export const COLON: i32 = 58;
export const SEMICOLON: i32 = 59;
export const LESS: i32 = 60;
export const EQUALS: i32 = 61;
export const GREATER: i32 = 62;
export const QUESTION: i32 = 63;
export const AT: i32 = 64;
export const BRACKET: i32 = 91;
export const BACKSLASH: i32 = 92;
export const BRACKET_END: i32 = 93;
/** CR LF as a little-endian u16 */
export const CRLF: i32 = 0x0a0d;
/** offsets and lengths in areas are u16: longer input is not parsed */
export const MAX_SPAN: u32 = 65535;
/** or-ed to bytes it makes ASCII letters lower case */
export const LOWER: i32 = 0x20;
const LOWER4: u32 = 0x20202020;
// words of digits8()
const ZEROS: u64 = 0x3030303030303030;
const SIXES: u64 = 0x0606060606060606;
const HIGH_NIBBLES: u64 = 0xf0f0f0f0f0f0f0f0;
const PAIRS: u64 = 0x000000ff000000ff;
const HUNDREDS: u64 = 0x000f424000000064;
const ONES: u64 = 0x0000271000000001;

/** @returns the byte at an address */
export function byte(at: usize): i32 {
  return <i32>load<u8>(at);
}

/** Stores a pair: u16 offset, u16 length. */
export function pair(at: usize, offset: i32, length: i32): void {
  store<u32>(at, (<u32>offset & 0xffff) | ((<u32>length) << 16));
}

/** @returns whether c is linear white space: SP, HTAB, or the CR LF of a fold */
export function isWs(c: i32): bool {
  return c == SP || c == HTAB || c == CR || c == LF;
}

/** @returns address of the first byte `a` in [at, end), else end */
export function find1(at: usize, end: usize, a: u8): usize {
  while (at < end) {
    const hits = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(a)));
    if (hits) {
      at += <usize>ctz(hits);
      return at < end ? at : end;
    }
    at += 16;
  }
  return end;
}

/** @returns address of the first `a` or `c` in [at, end), else end */
export function find2(at: usize, end: usize, a: u8, c: u8): usize {
  while (at < end) {
    const v = v128.load(at);
    const hits = i8x16.bitmask(v128.or(i8x16.eq(v, i8x16.splat(a)), i8x16.eq(v, i8x16.splat(c))));
    if (hits) {
      at += <usize>ctz(hits);
      return at < end ? at : end;
    }
    at += 16;
  }
  return end;
}

/** @returns address of the first of `; , = "` or of a byte up to SP in [at, end), else end */
export function findParamEnd(at: usize, end: usize): usize {
  while (at < end) {
    const v = v128.load(at);
    const hits = i8x16.bitmask(
      v128.or(
        v128.or(
          v128.or(i8x16.eq(v, i8x16.splat(<i8>SEMICOLON)), i8x16.eq(v, i8x16.splat(<i8>COMMA))),
          v128.or(i8x16.eq(v, i8x16.splat(<i8>EQUALS)), i8x16.eq(v, i8x16.splat(<i8>QUOTE))),
        ),
        i8x16.ge_u(i8x16.splat(<i8>SP), v),
      ),
    );
    if (hits) {
      at += <usize>ctz(hits);
      return at < end ? at : end;
    }
    at += 16;
  }
  return end;
}

/** @returns address of the first byte in [at, end) that no host name or IPv4 address holds (`: ; , = < > ? " [ \\ ]` or up to SP), else end */
export function findHostEnd(at: usize, end: usize): usize {
  while (at < end) {
    const v = v128.load(at);
    const hits = i8x16.bitmask(
      v128.or(
        v128.or(
          i8x16.ge_u(i8x16.splat(<i8>(QUESTION - COLON)), i8x16.sub(v, i8x16.splat(<i8>COLON))),
          i8x16.ge_u(i8x16.splat(<i8>(BRACKET_END - BRACKET)), i8x16.sub(v, i8x16.splat(<i8>BRACKET))),
        ),
        v128.or(
          v128.or(i8x16.eq(v, i8x16.splat(<i8>COMMA)), i8x16.eq(v, i8x16.splat(<i8>QUOTE))),
          i8x16.ge_u(i8x16.splat(<i8>SP), v),
        ),
      ),
    );
    if (hits) {
      at += <usize>ctz(hits);
      return at < end ? at : end;
    }
    at += 16;
  }
  return end;
}

/** @returns address of the first byte in [at, end) that is no letter, digit, "-" or ".", else end */
export function findNameEnd(at: usize, end: usize): usize {
  while (at < end) {
    const v = v128.load(at);
    const letters = i8x16.ge_u(i8x16.splat(25), i8x16.sub(v128.or(v, i8x16.splat(<i8>LOWER)), i8x16.splat(97)));
    const digits = i8x16.ge_u(i8x16.splat(9), i8x16.sub(v, i8x16.splat(<i8>DIGIT_0)));
    const marks = i8x16.ge_u(i8x16.splat(<i8>(DOT - MINUS)), i8x16.sub(v, i8x16.splat(<i8>MINUS)));
    const others = i8x16.bitmask(v128.or(v128.or(letters, digits), marks)) ^ 0xffff;
    if (others) {
      at += <usize>ctz(others);
      return at < end ? at : end;
    }
    at += 16;
  }
  return end;
}

/** @returns address of the first `:`, `[` or `]` in [at, end), else end */
export function findUserEnd(at: usize, end: usize): usize {
  while (at < end) {
    const v = v128.load(at);
    const hits = i8x16.bitmask(
      v128.or(
        i8x16.eq(v, i8x16.splat(<i8>COLON)),
        v128.or(i8x16.eq(v, i8x16.splat(<i8>BRACKET)), i8x16.eq(v, i8x16.splat(<i8>BRACKET_END))),
      ),
    );
    if (hits) {
      at += <usize>ctz(hits);
      return at < end ? at : end;
    }
    at += 16;
  }
  return end;
}

/** Skips linear white space. @returns the first other byte, or end */
export function skipWs(at: usize, end: usize): usize {
  while (at < end && isWs(byte(at))) at++;
  return at;
}

/** Trims linear white space at the end. @returns the new end, not before `at` */
export function trimEnd(at: usize, end: usize): usize {
  while (end > at && isWs(byte(end - 1))) end--;
  return end;
}

/** @returns the byte after a quoted string whose opening quote is at `at` (RFC 3261 25.1: backslash takes the next byte along); 0 when it never closes */
export function skipQuoted(at: usize, end: usize): usize {
  at++;
  while (at < end) {
    at = find2(at, end, <u8>QUOTE, <u8>BACKSLASH);
    if (at >= end) return 0;
    if (byte(at) == QUOTE) return at + 1;
    at += 2;
  }
  return 0;
}

/** @returns whether [at, at + length) is a token of RFC 3261 25.1, at least one byte */
export function isToken(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) if (!load<u8>(TK + <usize>load<u8>(at + i))) return false;
  return length > 0;
}

/** @returns c with A..Z made lower case, other bytes as they are */
export function lower(c: i32): i32 {
  return <u32>(c - 65) < 26 ? c + 32 : c;
}

/** @returns whether two byte ranges of one length are equal, ASCII letters in any case */
export function equalNoCase(a: usize, b: usize, length: i32): bool {
  for (let i = 0; i < length; i++) if (lower(byte(a + i)) != lower(byte(b + i))) return false;
  return true;
}

/** @returns whether two byte ranges of one length are the same bytes */
export function equalBytes(a: usize, b: usize, length: i32): bool {
  for (let i = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** Four bytes at `at`, letters in lower case, for a compare with a constant. Reads four bytes whatever the length is. */
export function lower4(at: usize): u32 {
  return load<u32>(at) | LOWER4;
}

/**
 * Reads an unsigned decimal of digits only.
 * @returns its value, -1 when [at, end) is empty, has another byte, or exceeds 2^32-1
 */
export function decimal(at: usize, end: usize): i64 {
  if (at >= end) return -1;
  let value: i64 = 0;
  while (at < end) {
    const d = byte(at++) - DIGIT_0;
    if (<u32>d > 9) return -1;
    value = value * 10 + d;
    if (value > 0xffffffff) return -1;
  }
  return value;
}

/**
 * Reads up to 8 digits at `at` without a loop: how many there are is hard to predict.
 * @returns value << 4 | number of digits; 0 when there is none. With 8 digits there may be more behind them
 */
export function digits8(at: usize, end: usize): u32 {
  const x = load<u64>(at) ^ ZEROS;
  const others = (x | (x + SIXES)) & HIGH_NIBBLES;
  const room = end > at ? end - at : 0;
  const n = min<u64>(min<u64>(others ? ctz(others) >> 3 : 8, 8), <u64>room);
  if (!n) return 0;
  // the digits at the top, zeros below; then tens and ones, and those four together
  let y = x << (64 - (n << 3));
  y = y * 10 + (y >> 8);
  y = ((y & PAIRS) * HUNDREDS + ((y >> 16) & PAIRS) * ONES) >> 32;
  return ((<u32>y) << 4) | <u32>n;
}

/** Writes an unsigned decimal. @returns the address behind its last digit (at most 10 digits) */
export function putDecimal(at: usize, value: u32): usize {
  let digits: usize = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits++;
  for (let p = at + digits; p > at; ) {
    store<u8>(--p, DIGIT_0 + (value % 10));
    value /= 10;
  }
  return at + digits;
}

/**
 * Copies with 16-byte stores: fast for the short pieces that messages are made of. Writes up to 15 bytes behind the end and reads as many:
 * the next piece overwrites them, and every area written so has slack. @returns the address behind the copy
 */
export function put(to: usize, from: usize, length: usize): usize {
  const end = to + length;
  while (to + 64 <= end) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32);
    v128.store(to, v128.load(from, 48), 48);
    to += 64;
    from += 64;
  }
  while (to < end) {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
  }
  return end;
}
