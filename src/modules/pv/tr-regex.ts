/** {re.subst,/expression/replacement/flags}: POSIX extended expressions in linear time; \0 to \9 and PVs in the replacement. */
import { trim } from '../../core/ascii.ts';
import type { ByteStr } from '../../core/memory.ts';
import { compileRegex, type Match, type Regex, RegexError } from '../../kemi/posix-regex.ts';
import type { Transformation, TransformationHost } from '../../kemi/pv-types.ts';
import type { XVal } from '../../kemi/table.ts';
import { MAX_RESULT } from './tr-string.ts';

/** literal text, text with PVs in it, or the number of a group */
type Piece = { readonly text: ByteStr } | { readonly format: ByteStr } | { readonly group: number };

interface Subst {
  readonly regex: Regex;
  readonly pieces: readonly Piece[];
  readonly all: boolean;
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/** @returns the substitution, or why it is none */
function parse(source: ByteStr): Subst | string {
  const separator = source[0];
  if (separator === undefined || separator === '\\') return 'it starts with no separator';
  const next = (from: number): number => {
    for (let i = from; i < source.length; i++) {
      if (source[i] === '\\') i++;
      else if (source[i] === separator) return i;
    }
    return -1;
  };
  const middle = next(1);
  const end = middle < 0 ? -1 : next(middle + 1);
  if (end < 0) return `a separator "${separator}" is missing`;
  const flags = trim(source.slice(end + 1));
  for (const flag of flags) if (!'igs'.includes(flag)) return `there is no flag "${flag}", but i, g, s`;
  const expression = source.slice(1, middle).replaceAll(`\\${separator}`, separator);
  if (!expression) return 'the expression is empty';
  try {
    const regex = compileRegex(expression, { ignoreCase: flags.includes('i'), newline: !flags.includes('s') });
    return { regex, pieces: replacement(source.slice(middle + 1, end), separator), all: flags.includes('g') };
  } catch (error) {
    if (error instanceof RegexError) return error.message;
    throw error;
  }
}

function replacement(text: ByteStr, separator: string): Piece[] {
  const out: Piece[] = [];
  let literal = '';
  const flush = () => {
    if (literal) out.push(literal.includes('$') ? { format: literal } : { text: literal });
    literal = '';
  };
  for (let i = 0; i < text.length; i++) {
    const next = text[i + 1];
    if (text[i] !== '\\' || next === undefined) literal += text[i];
    else {
      i++;
      if (next >= '0' && next <= '9') {
        flush();
        out.push({ group: Number(next) });
      } else literal += next === separator ? next : (ESCAPES[next] ?? next);
    }
  }
  flush();
  return out;
}

const MAX_CACHED = 256;
const caches = new WeakMap<TransformationHost, Map<ByteStr, Subst | string>>();

/** Compiled once in each runtime. */
function substOf(source: ByteStr, host: TransformationHost): Subst | string {
  let cache = caches.get(host);
  if (!cache) caches.set(host, (cache = new Map()));
  let subst = cache.get(source);
  if (subst === undefined) {
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(source, (subst = parse(source)));
  }
  return subst;
}

/** undefined when a PV in the replacement does not parse */
function fill(pieces: readonly Piece[], text: ByteStr, match: Match, host: TransformationHost): ByteStr | undefined {
  let out = '';
  for (const piece of pieces) {
    if ('text' in piece) out += piece.text;
    else if ('format' in piece) {
      const value = host.format(piece.format);
      if (value === undefined) return undefined;
      out += value;
    } else {
      const group = match[piece.group];
      if (group && group[0] >= 0) out += text.slice(group[0], group[1]);
    }
  }
  return out;
}

/** An empty match is an error and gives null, as in Kamailio. */
function substitute(text: ByteStr, source: ByteStr, host: TransformationHost): XVal {
  const subst = substOf(source, host);
  if (typeof subst === 'string') return null;
  let out = '';
  let at = 0;
  for (;;) {
    const match = subst.regex.exec(text, at);
    if (!match) break;
    const [start, end] = match[0]!;
    if (start === end) return null;
    const filled = fill(subst.pieces, text, match, host);
    if (filled === undefined) return null;
    out += text.slice(at, start) + filled;
    if (out.length > MAX_RESULT) return null;
    at = end;
    if (!subst.all) break;
  }
  return out + text.slice(at);
}

export const regexes: readonly Transformation[] = [
  {
    class: 're',
    name: 'subst',
    args: ['raw'],
    doc: 'Substitution /expression/replacement/flags: POSIX extended expression; \\0 to \\9 and PVs in the replacement; flags i (any case), g (all), s (across lines).',
    check: ([source]) => {
      const text = String(source);
      const subst = text[0] === '$' ? undefined : parse(text);
      return typeof subst === 'string' ? subst : undefined;
    },
    run: (value, [source], host) => {
      const text = String(source);
      // a PV that holds the substitution
      const given = text[0] === '$' ? host.format(text) : text;
      return given === undefined ? null : substitute(String(value), given, host);
    },
  },
];
