/** {line.*} and {val.*}: lines of a text, and values for other formats. */
import { trimStart } from '../../core/ascii.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Transformation } from '../../kemi/pv-types.ts';

/** Lines without their ends; the end of the last one may be missing. */
function linesOf(text: ByteStr): ByteStr[] {
  const lines = text.split('\n').map(line => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '' && text.endsWith('\n')) lines.pop();
  return lines;
}

const SHORT: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** Escaped for a JSON string (RFC 8259 7); bytes above 127 stay, so that UTF-8 survives. */
export function jsonEscape(text: ByteStr): ByteStr {
  let out = '';
  for (const c of text) {
    const code = c.charCodeAt(0);
    out += SHORT[c] ?? (code < 32 ? `\\u${code.toString(16).padStart(4, '0')}` : c);
  }
  return out;
}

export const texts: readonly Transformation[] = [
  {
    class: 'line',
    name: 'count',
    doc: 'How many lines there are, as text.',
    run: v => (v === '' ? null : String(linesOf(String(v)).length)),
  },
  {
    class: 'line',
    name: 'at',
    args: ['int'],
    doc: 'The line at a place (negative: from the end); "" when there is none.',
    run: (v, [at]) => linesOf(String(v)).at(Number(at)) ?? '',
  },
  {
    class: 'line',
    name: 'sw',
    args: ['str'],
    doc: 'The first line that starts with a text; "" when there is none.',
    run: (v, [start]) => linesOf(String(v)).find(line => line.startsWith(trimStart(String(start)))) ?? '',
  },
  { class: 'val', name: 'n0', onNull: 0, doc: '0 for null.', run: v => v },
  { class: 'val', name: 'ne', onNull: '', doc: '"" for null.', run: v => v },
  {
    class: 'val',
    name: 'json',
    onNull: '',
    doc: 'Text escaped for a JSON string; "" for null.',
    run: v => (typeof v === 'number' ? v : jsonEscape(v)),
  },
  {
    class: 'val',
    name: 'jsonqe',
    onNull: '""',
    doc: 'A JSON value: text escaped and in quotes, a number as it is; "" in quotes for null.',
    run: v => (typeof v === 'number' ? v : `"${jsonEscape(v)}"`),
  },
];
