/** Shell patterns, as fnmatch(3) without flags: `*` `?` `[a-z]` `[!a]` `[[:alpha:]]` and `\` before a special character. `*` matches slashes and dots too. */
import type { ByteStr } from '../../core/memory.ts';

const CLASSES: Readonly<Record<string, RegExp>> = {
  alpha: /[A-Za-z]/,
  digit: /[0-9]/,
  alnum: /[A-Za-z0-9]/,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  space: /[\t-\r ]/,
  blank: /[\t ]/,
  punct: /[!-/:-@[-`{-~]/,
  xdigit: /[0-9A-Fa-f]/,
  print: /[ -~]/,
  graph: /[!-~]/,
  cntrl: /[^ -~\x80-\xff]/,
};

/** Whether the pattern matches the whole value. Time is at most the product of both lengths. */
export function fnmatch(value: ByteStr, pattern: ByteStr, anyCase: boolean): boolean {
  const text = anyCase ? value.toLowerCase() : value;
  const glob = anyCase ? pattern.toLowerCase() : pattern;
  let v = 0;
  let p = 0;
  let star = -1;
  let mark = 0;
  while (v < text.length) {
    const c = glob[p];
    if (c === '*') {
      star = ++p;
      mark = v;
      continue;
    }
    const end = c === undefined ? -1 : one(glob, p, text[v]!);
    if (end > 0) {
      p = end;
      v++;
    } else if (star >= 0) {
      // Back to the last star, which takes one more byte: earlier stars need not be tried again.
      p = star;
      v = ++mark;
    } else return false;
  }
  while (glob[p] === '*') p++;
  return p === glob.length;
}

/** Matches one byte against the pattern element at `p`. @returns offset behind the element, -1 when it does not match */
function one(glob: ByteStr, p: number, byte: string): number {
  const c = glob[p];
  if (c === '?') return p + 1;
  if (c === '\\') return glob[p + 1] === byte ? p + 2 : -1;
  if (c === '[') {
    const end = setEnd(glob, p);
    if (end > 0) return inSet(glob.slice(p + 1, end), byte) ? end + 1 : -1;
  }
  return c === byte ? p + 1 : -1;
}

/** offset of the bracket that closes the set, -1 when it is not closed and thus plain text */
function setEnd(glob: ByteStr, at: number): number {
  let p = at + 1;
  if (glob[p] === '!' || glob[p] === '^') p++;
  if (glob[p] === ']') p++;
  for (; p < glob.length; p++) {
    if (glob[p] === ']') return p;
    if (glob[p] === '\\') p++;
    else if (glob.startsWith('[:', p)) {
      const close = glob.indexOf(':]', p + 2);
      if (close > 0) p = close + 1;
    }
  }
  return -1;
}

function inSet(set: ByteStr, byte: string): boolean {
  const negated = set[0] === '!' || set[0] === '^';
  let hit = false;
  for (let p = negated ? 1 : 0; p < set.length; ) {
    const named = /^\[:(\w+):\]/.exec(set.slice(p, p + 12));
    if (named) {
      hit ||= CLASSES[named[1]!]?.test(byte) ?? false;
      p += named[0].length;
      continue;
    }
    if (set[p] === '\\' && p + 1 < set.length) p++;
    const low = set[p++]!;
    if (set[p] === '-' && p + 1 < set.length) {
      hit ||= low <= byte && byte <= set[p + 1]!;
      p += 2;
    } else hit ||= low === byte;
  }
  return hit !== negated;
}
