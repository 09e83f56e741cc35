/**
 * POSIX extended regular expressions, as Kamailio's functions take them, on a linear-time engine (re2js): leftmost-longest, no lazy quantifiers, GNU's
 * `\w \W \s \S \b \B \< \>`. No expression can make the server hang. Back references inside an expression are refused: they cannot be matched in linear time.
 */
import { RE2JS } from 're2js';
import type { ByteStr } from '../core/memory.ts';

export interface RegexOptions {
  /** letters match both cases */
  readonly ignoreCase?: boolean;
  /** REG_NEWLINE: `.` and `[^...]` do not match a line feed, `^` and `$` match at lines */
  readonly newline?: boolean;
}

/** Offsets of one match: [start, end] of the whole and of each group; -1 for a group that took no part. */
export type Match = readonly (readonly [start: number, end: number])[];

export interface Regex {
  /** @param from where the search starts  @returns the leftmost, then longest match */
  exec(text: ByteStr, from?: number): Match | undefined;
  test(text: ByteStr): boolean;
  readonly groups: number;
}

/** largest count in `{n,m}`: re2js refuses more */
const MAX_REPEAT = 1000;
const MAX_CACHED = 512;
const MAX_SOURCE = 4096;

export const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\t-\\r ',
  blank: '\\t ',
  punct: '!-/:-@\\[-`{-~',
  print: ' -~',
  graph: '!-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9a-fA-F',
};
const WORD = 'a-zA-Z0-9_';
const SPACE = '\\t-\\r ';

/** Says why an expression is refused. */
export class RegexError extends Error {}

const literal = (c: string): string => (/[a-zA-Z0-9]/.test(c) ? c : `\\x{${c.charCodeAt(0).toString(16)}}`);

/** @throws RegexError */
export function translate(source: ByteStr, newline: boolean): string {
  if (source.length > MAX_SOURCE) throw new RegexError(`it is longer than ${MAX_SOURCE} bytes`);
  // finished pieces of the current alternative; a group is one piece, so a second quantifier can wrap it
  const stack: string[][] = [];
  let out: string[] = [];
  let quantified = false;
  let canRepeat = false;
  let at = 0;
  const atom = (text: string) => {
    out.push(text);
    canRepeat = true;
    quantified = false;
  };
  const anchor = (text: string) => {
    out.push(text);
    canRepeat = false;
    quantified = false;
  };
  const repeat = (text: string) => {
    if (!canRepeat) throw new RegexError(`nothing to repeat before "${text}"`);
    const last = out.pop()!;
    out.push(`${quantified ? `(?:${last})` : last}${text}`);
    quantified = true;
  };
  while (at < source.length) {
    const c = source[at]!;
    if (c === '\\') {
      const next = source[at + 1];
      if (next === undefined) throw new RegexError('it ends with a backslash');
      at += 2;
      if (/[1-9]/.test(next)) throw new RegexError('a back reference cannot be matched in linear time');
      if (next === 'w') atom(`[${WORD}]`);
      else if (next === 'W') atom(`[^${WORD}${newline ? '\\n' : ''}]`);
      else if (next === 's') atom(`[${SPACE}]`);
      else if (next === 'S') atom(`[^${SPACE}]`);
      else if (next === 'b' || next === '<' || next === '>') anchor('\\b');
      else if (next === 'B') anchor('\\B');
      else if (next === '`') anchor('\\A');
      else if (next === "'") anchor('\\z');
      else atom(literal(next));
    } else if (c === '[') {
      const { text, end } = bracket(source, at, newline);
      atom(text);
      at = end;
    } else if (c === '(') {
      stack.push(out);
      out = [];
      canRepeat = false;
      quantified = false;
      at++;
    } else if (c === ')' && stack.length > 0) {
      const inside = out.join('');
      out = stack.pop()!;
      atom(`(${inside})`);
      at++;
    } else if (c === '|') {
      anchor('|');
      at++;
    } else if (c === '^') {
      anchor(newline ? '(?m:^)' : '\\A');
      at++;
    } else if (c === '$') {
      anchor(newline ? '(?m:$)' : '\\z');
      at++;
    } else if (c === '.') {
      atom(newline ? '[^\\n]' : '(?s:.)');
      at++;
    } else if (c === '*' || c === '+' || c === '?') {
      repeat(c);
      at++;
    } else if (c === '{') {
      const m = /^\{(\d*)(,?)(\d*)\}/.exec(source.slice(at, at + 16));
      if (!m || (m[1] === '' && m[3] === '')) throw new RegexError('a "{" is not closed');
      const low = Number(m[1] || 0);
      const high = m[3] ? Number(m[3]) : undefined;
      if (low > MAX_REPEAT || (high ?? 0) > MAX_REPEAT) throw new RegexError(`a count is above ${MAX_REPEAT}`);
      if (high !== undefined && high < low) throw new RegexError('a count range is the wrong way round');
      repeat(m[2] ? `{${low},${high ?? ''}}` : `{${low}}`);
      at += m[0].length;
    } else {
      atom(literal(c));
      at++;
    }
  }
  if (stack.length > 0) throw new RegexError('a "(" is not closed');
  return out.join('');
}

/** A bracket expression at `at`. */
function bracket(source: ByteStr, at: number, newline: boolean): { text: string; end: number } {
  let p = at + 1;
  const negated = source[p] === '^';
  if (negated) p++;
  let set = '';
  let first = true;
  /** one element: a class's text, or a single character */
  const element = (): { set: string } | { char: string } => {
    const named = /^\[([:.=])/.exec(source.slice(p, p + 2));
    if (!named) return { char: source[p++]! };
    const close = source.indexOf(`${named[1]}]`, p + 2);
    if (close < 0) throw new RegexError('a "[" is not closed');
    const name = source.slice(p + 2, close);
    p = close + 2;
    if (named[1] !== ':') {
      if (name.length !== 1) throw new RegexError(`"${name}" is no character`);
      return { char: name };
    }
    const known = CLASSES[name];
    if (known === undefined) throw new RegexError(`there is no class "${name}"`);
    return { set: known };
  };
  for (;;) {
    if (p >= source.length) throw new RegexError('a "[" is not closed');
    if (source[p] === ']' && !first) break;
    first = false;
    const low = element();
    if ('set' in low) {
      set += low.set;
      continue;
    }
    if (source[p] === '-' && p + 1 < source.length && source[p + 1] !== ']') {
      p++;
      const high = element();
      if ('set' in high || high.char < low.char) throw new RegexError('a range is the wrong way round');
      set += `${literal(low.char)}-${literal(high.char)}`;
    } else set += literal(low.char);
  }
  if (negated && newline) set += '\\n';
  return { text: `[${negated ? '^' : ''}${set}]`, end: p + 1 };
}

/** @throws RegexError when the expression is not valid or cannot be matched in linear time */
export function compileRegex(source: ByteStr, options: RegexOptions = {}): Regex {
  const text = translate(source, options.newline ?? false);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(text, RE2JS.LONGEST_MATCH | (options.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0));
  } catch (error) {
    throw new RegexError((error as Error).message);
  }
  const groups = compiled.groupCount();
  return {
    groups,
    test: subject => compiled.matcher(subject).find(),
    exec(subject, from = 0) {
      const m = compiled.matcher(subject);
      if (from > subject.length || !m.find(from)) return undefined;
      const out: [number, number][] = [];
      for (let i = 0; i <= groups; i++) out.push([m.start(i), m.end(i)]);
      return out;
    },
  };
}

/** Compiles each expression once; failures are remembered too. One per module state. */
export class RegexCache {
  readonly #entries = new Map<string, Regex | string>();

  /** @returns the expression, or why it is refused */
  get(source: ByteStr, options: RegexOptions = {}): Regex | string {
    const key = `${options.ignoreCase ? 'i' : ''}${options.newline ? 'n' : ''}:${source}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= MAX_CACHED) this.#entries.clear();
      try {
        entry = compileRegex(source, options);
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
        entry = error.message;
      }
      this.#entries.set(key, entry);
    }
    return entry;
  }
}
