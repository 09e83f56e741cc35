/** {s.*}: cutting, searching and changing text. Codecs and digests are in tr-codec.ts. */
import { isDigit, isWs } from '../../core/ascii.ts';
import type { ByteStr } from '../../core/memory.ts';
import { clockOf, strftime } from '../../core/strftime.ts';
import { integer } from '../../kemi/pv-parse.ts';
import type { ArgKind, Transformation } from '../../kemi/pv-types.ts';
import type { XVal } from '../../kemi/table.ts';

/** longest text a transformation makes; beyond it the result is null */
export const MAX_RESULT = 65535;

type Run = (text: ByteStr, ...args: never[]) => XVal;

/** A row of class s whose value is read as text. */
export const s = (
  name: string,
  args: readonly ArgKind[],
  doc: string,
  run: Run,
  more: Partial<Transformation> = {},
): Transformation => ({
  class: 's',
  name,
  args,
  doc,
  ...more,
  run: (value, list) => {
    const out = (run as (text: ByteStr, ...args: (number | ByteStr)[]) => XVal)(String(value), ...list);
    return typeof out === 'string' && out.length > MAX_RESULT ? null : out;
  },
});

/** @param length 0: to the end */
function substr(text: ByteStr, at: number, length: number): XVal {
  const start = at < 0 ? text.length + at : at;
  if (start < 0 || start >= text.length || length < 0) return null;
  return length === 0 ? text.slice(start) : text.slice(start, start + length);
}

const SEPARATORS: Record<string, string> = { '\\\\': '\\', '\\t': '\t', '\\n': '\n', '\\r': '\r', '\\s': ' \t\r\n' };

function select(text: ByteStr, index: number, separator: ByteStr): XVal {
  const set = SEPARATORS[separator] ?? separator;
  const fields: ByteStr[] = [];
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && !set.includes(text[i]!)) continue;
    fields.push(text.slice(start, i));
    start = i + 1;
  }
  return fields.at(index) ?? '';
}

function trimWs(text: ByteStr, left: boolean, right: boolean): ByteStr {
  let at = 0;
  let end = text.length;
  if (left) while (at < end && isWs(text.charCodeAt(at))) at++;
  if (right) while (end > at && isWs(text.charCodeAt(end - 1))) end--;
  return text.slice(at, end);
}

function prefixes(text: ByteStr, most: number | undefined, quote: string): XVal {
  const n = most !== undefined && most > 0 ? Math.min(most, text.length) : text.length;
  // the result has about n*n/2 bytes
  if (n > 400) return null;
  return Array.from({ length: n }, (_, i) => quote + text.slice(0, i + 1) + quote).join(',');
}

const keep = (text: ByteStr, wanted: (c: number) => boolean): ByteStr => {
  let out = '';
  for (let i = 0; i < text.length; i++) if (wanted(text.charCodeAt(i))) out += text[i];
  return out;
};

/** ASCII letters only: other bytes may be parts of UTF-8 characters */
const mapCase = (text: ByteStr, from: number, to: number): ByteStr => {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    out += c >= from && c < from + 26 ? String.fromCharCode(c - from + to) : text[i];
  }
  return out;
};

/** Replaces an end of line and the blanks after it. @param also whether runs of blanks without an end of line are replaced, too */
function unfold(text: ByteStr, by: string, also: boolean): ByteStr {
  let out = '';
  for (let i = 0; i < text.length; ) {
    const start = i;
    if (text[i] === '\r' && text[i + 1] === '\n') i += 2;
    else if (text[i] === '\n') i++;
    const atLine = i > start;
    const blanks = i;
    while (text[i] === ' ' || text[i] === '\t') i++;
    if ((atLine && i > blanks) || (also && !atLine && i > blanks + 1)) out += by;
    else if (i > start) out += text.slice(start, i);
    else out += text[i++];
  }
  return out;
}

/** Lines of n characters; each but the first starts with m times `pad`. */
function formatLines(text: ByteStr, n: number, m: number, pad: string): XVal {
  if (n <= 0 || m < 0) return null;
  if (m > MAX_RESULT || (text.length / n) * (m + 2) > MAX_RESULT) return null;
  const lines: ByteStr[] = [];
  for (let at = 0; at < text.length; at += n) lines.push(text.slice(at, at + n));
  return lines.join(`\r\n${pad.repeat(m)}`);
}

/** Kamailio's hash of strings, as observed: 4 bytes at a time as one big-endian number, folded at the end. */
export function coreHash(text: ByteStr): number {
  let h = 0;
  for (let i = 0; i < text.length; i += 4) {
    let v = 0;
    for (let k = i; k < Math.min(i + 4, text.length); k++) v = ((v << 8) | text.charCodeAt(k)) >>> 0;
    h = (h + ((v ^ (v >>> 3)) >>> 0)) >>> 0;
  }
  return (h + (h >>> 11) + (h >>> 13) + (h >>> 23)) >>> 0;
}

function unquote(text: ByteStr): ByteStr {
  const q = text[0];
  return text.length > 1 && (q === '"' || q === "'") && text.at(-1) === q ? text.slice(1, -1) : text;
}

const BRACKETS: Record<string, string> = { '(': ')', '[': ']', '{': '}', '<': '>' };

function formatTime(text: ByteStr, format: ByteStr): XVal {
  const seconds = integer(text);
  return seconds === undefined ? null : strftime(format, clockOf(seconds * 1000));
}

/** the place of the first character of `x` */
const find = (text: ByteStr, x: ByteStr): number => (x ? text.indexOf(x[0]!) : -1);
const rfind = (text: ByteStr, x: ByteStr): number => (x ? text.lastIndexOf(x[0]!) : -1);

export const strings: readonly Transformation[] = [
  s('len', [], 'Length in bytes.', text => text.length),
  s('int', [], 'The number that the text spells; "" is 0, anything else null.', text =>
    text === '' ? 0 : (integer(text) ?? minimum(text)),
  ),
  s('substr', ['int', 'int'], 'Part of the text: offset (negative: from the end) and length (0: to the end).', substr),
  s(
    'select',
    ['int', 'raw'],
    'Field by number (negative: from the end) and separator: one character, or \\\\ \\t \\n \\r \\s (any white space).',
    select,
    {
      check: ([, separator]) =>
        String(separator).length === 1 || SEPARATORS[String(separator)]
          ? undefined
          : `the separator "${separator}" is not one character`,
    },
  ),
  s('numeric', [], 'Digits only.', text => keep(text, isDigit)),
  s('tolower', [], 'ASCII letters in lower case.', text => mapCase(text, 65, 97)),
  s('toupper', [], 'ASCII letters in upper case.', text => mapCase(text, 97, 65)),
  s('strip', ['int'], 'Without the first n bytes.', (text, n: number) => (n <= 0 ? text : text.slice(n))),
  s('striptail', ['int'], 'Without the last n bytes.', (text, n: number) =>
    n <= 0 ? text : text.slice(0, Math.max(0, text.length - n)),
  ),
  s('prefixes', ['int?'], 'All prefixes, comma-separated, up to a length.', (text, n?: number) =>
    prefixes(text, n, ''),
  ),
  s(
    'prefixes.quoted',
    ['int?'],
    'All prefixes in single quotes, comma-separated, up to a length.',
    (text, n?: number) => prefixes(text, n, "'"),
  ),
  s(
    'replace',
    ['str', 'str'],
    'Every occurrence of the first text replaced by the second.',
    (text, a: ByteStr, b: ByteStr) => (a ? replaceAll(text, a, b) : text),
  ),
  s('rm', ['str'], 'Without every occurrence of a text.', (text, a: ByteStr) => (a ? text.split(a).join('') : text)),
  s('ftime', ['str'], 'A number of seconds since 1970 by a format of strftime(), in local time.', formatTime),
  s('trim', [], 'Without white space at both ends.', text => trimWs(text, true, true)),
  s('ltrim', [], 'Without white space at the start.', text => trimWs(text, true, false)),
  s('rtrim', [], 'Without white space at the end.', text => trimWs(text, false, true)),
  s('rmws', [], 'Without any white space.', text => keep(text, c => !isWs(c))),
  s('rmhdws', [], 'Runs of blanks, and ends of line with the blanks after them, as one blank.', text =>
    unfold(text, ' ', true),
  ),
  s('rmhlws', [], 'Without ends of line and the blanks after them.', text => unfold(text, '', false)),
  s('count', ['str'], 'How often a character occurs.', (text, x: ByteStr) => (x ? text.split(x[0]!).length - 1 : 0)),
  s(
    'corehash',
    ['int?'],
    "Kamailio's hash of strings, as text; with n (a power of two) modulo n.",
    (text, n?: number) => {
      const hash = coreHash(text);
      return String(n !== undefined && n > 0 ? (hash & (n - 1)) >>> 0 : hash);
    },
  ),
  s('after', ['str'], 'What follows the first of a character; "" without one.', (text, x: ByteStr) => {
    const at = find(text, x);
    return at < 0 ? '' : text.slice(at + 1);
  }),
  s('rafter', ['str'], 'What follows the last of a character; "" without one.', (text, x: ByteStr) => {
    const at = rfind(text, x);
    return at < 0 ? '' : text.slice(at + 1);
  }),
  s('before', ['str'], 'What precedes the first of a character; all without one.', (text, x: ByteStr) => {
    const at = find(text, x);
    return at < 0 ? text : text.slice(0, at);
  }),
  s('rbefore', ['str'], 'What precedes the last of a character; all without one.', (text, x: ByteStr) => {
    const at = rfind(text, x);
    return at < 0 ? text : text.slice(0, at);
  }),
  s(
    'fmtlines',
    ['int', 'int'],
    'Lines of n bytes, those after the first with m blanks before them.',
    (text, n: number, m: number) => formatLines(text, n, m, ' '),
  ),
  s('fmtlinet', ['int', 'int'], 'As fmtlines, with tabs.', (text, n: number, m: number) =>
    formatLines(text, n, m, '\t'),
  ),
  s('unquote', [], 'Without the quotes around it, single or double.', unquote),
  s('unbracket', [], 'Without the brackets around it: () [] {} <>.', text =>
    text.length > 1 && BRACKETS[text[0]!] === text.at(-1) ? text.slice(1, -1) : text,
  ),
];

/** -2147483648, which has no positive twin in 32 bits */
const minimum = (text: ByteStr): number | null => (text === '-2147483648' ? -0x80000000 : null);

/** Bounded before it is made: a short text can ask for a huge one. */
function replaceAll(text: ByteStr, a: ByteStr, b: ByteStr): XVal {
  const parts = text.split(a);
  return text.length + (parts.length - 1) * (b.length - a.length) > MAX_RESULT ? null : parts.join(b);
}
