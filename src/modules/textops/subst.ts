/** Substitutions `/regex/replacement/flags`: any separator, back references \0 to \9, PVs, flags i (any case), g (all), s (across lines). */
import type { ByteStr } from '../../core/memory.ts';
import type { Match, Regex, RegexCache } from '../../kemi/posix-regex.ts';
import type { Pv } from '../../kemi/pv-types.ts';

/** literal text, the number of a group, or a PV */
type Piece = ByteStr | number | { readonly pv: Pv };
interface Part {
  readonly piece: Piece;
  readonly isUri?: boolean;
}
export interface Subst {
  readonly regex: Regex;
  readonly parts: readonly Part[];
  readonly global: boolean;
}
/** One place to change: bytes [start, end) become text. */
export interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: ByteStr;
}

const MAX_CACHED = 256;

export class SubstCache {
  readonly #regexes: RegexCache;
  readonly #entries = new Map<ByteStr, Subst | string>();

  constructor(regexes: RegexCache) {
    this.#regexes = regexes;
  }

  /** @returns the substitution, or why it is refused */
  get(source: ByteStr, pv: (spec: ByteStr) => Pv | undefined): Subst | string {
    let entry = this.#entries.get(source);
    if (entry === undefined) {
      if (this.#entries.size >= MAX_CACHED) this.#entries.clear();
      entry = parse(source, this.#regexes, pv);
      this.#entries.set(source, entry);
    }
    return entry;
  }
}

function parse(source: ByteStr, regexes: RegexCache, pv: (spec: ByteStr) => Pv | undefined): Subst | string {
  const separator = source.charAt(0);
  if (!separator || separator === '\\') return 'there is no separator';
  const split = (from: number): number => {
    for (let i = from; i < source.length; i++) {
      if (source[i] === '\\') i++;
      else if (source[i] === separator) return i;
    }
    return -1;
  };
  const middle = split(1);
  const end = middle < 0 ? -1 : split(middle + 1);
  if (end < 0) return `a separator "${separator}" is missing`;
  let ignoreCase = false;
  let global = false;
  let newline = true;
  for (const flag of source.slice(end + 1)) {
    if (flag === 'i') ignoreCase = true;
    else if (flag === 'g') global = true;
    else if (flag === 's') newline = false;
    else return `the flag "${flag}" is not known`;
  }
  const unescaped = source.slice(1, middle).replaceAll(`\\${separator}`, separator);
  const regex = regexes.get(unescaped, { ignoreCase, newline });
  if (typeof regex === 'string') return regex;
  const parts = replacement(source.slice(middle + 1, end), separator, pv);
  return typeof parts === 'string' ? parts : { regex, parts, global };
}

const ESCAPES: Readonly<Record<string, ByteStr>> = { n: '\n', r: '\r', t: '\t' };

function replacement(text: ByteStr, separator: string, pv: (spec: ByteStr) => Pv | undefined): Part[] | string {
  const parts: Part[] = [];
  let literal = '';
  const flush = () => {
    if (literal) parts.push({ piece: literal });
    literal = '';
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\') {
      const next = text[++i];
      if (next === undefined) return 'it ends with a backslash';
      if (next >= '0' && next <= '9') {
        flush();
        parts.push({ piece: Number(next) });
      } else if (next === 'u') {
        flush();
        parts.push({ piece: '', isUri: true });
      } else literal += next === separator ? next : (ESCAPES[next] ?? next);
    } else if (c === '$') {
      const length = pvLength(text, i);
      if (text[i + 1] === '$') {
        literal += '$';
        i++;
        continue;
      }
      const found = length ? pv(text.slice(i, i + length)) : undefined;
      if (!found) return `"${text.slice(i)}" does not start with a pseudo-variable`;
      flush();
      parts.push({ piece: { pv: found } });
      i += length - 1;
    } else literal += c;
  }
  flush();
  return parts;
}

/** Length of the PV reference that starts at `at`: `$name`, `$name(inner)` or `$(...)`; 0 when it has no end. */
function pvLength(text: ByteStr, at: number): number {
  let p = at + 1;
  if (text[p] !== '(') while (p < text.length && /[\w.]/.test(text[p]!)) p++;
  if (text[p] !== '(') return p - at;
  for (let depth = 0; p < text.length; p++) {
    if (text[p] === '(') depth++;
    else if (text[p] === ')' && --depth === 0) return p + 1 - at;
  }
  return 0;
}

/**
 * Finds what a substitution changes.
 * @param uri what \u stands for
 * @returns the changes in order, none when nothing matches; undefined when a match is empty, which is an error as in Kamailio
 */
export function changes(subst: Subst, text: ByteStr, uri: () => ByteStr): Change[] | undefined {
  const out: Change[] = [];
  let at = 0;
  for (;;) {
    const match = subst.regex.exec(text, at);
    if (!match) return out;
    const [start, end] = match[0]!;
    if (start === end) return undefined;
    out.push({ start, end, text: fill(subst.parts, text, match, uri) });
    at = end;
    if (!subst.global) return out;
  }
}

function fill(parts: readonly Part[], text: ByteStr, match: Match, uri: () => ByteStr): ByteStr {
  let out = '';
  for (const { piece, isUri } of parts) {
    if (isUri) out += uri();
    else if (typeof piece === 'string') out += piece;
    else if (typeof piece === 'number') {
      const group = match[piece];
      if (group && group[0] >= 0) out += text.slice(group[0], group[1]);
    } else out += String(piece.pv.get() ?? '');
  }
  return out;
}

/** The text with the changes made. */
export function changed(text: ByteStr, list: readonly Change[]): ByteStr {
  let out = '';
  let at = 0;
  for (const c of list) {
    out += text.slice(at, c.start) + c.text;
    at = c.end;
  }
  return out + text.slice(at);
}
