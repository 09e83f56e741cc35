/**
 * The grammar of pseudo-variables: text to a tree that src/kemi/pv-eval.ts walks.
 *
 *   pv    = "$$" | "$" name [ "(" inner ")" ] | "$(" name [ "(" inner ")" ] [ "[" index "]" ] *( "{" class "." name *( "," arg ) "}" ) ")"
 *   name  = 1*( ALPHA / DIGIT / "_" / "." / "?" )
 *   index = ["-"] 1*DIGIT / "*" / pv
 *
 * Inner text, indexes and arguments may hold PVs again. Every step consumes a byte or fails, and nesting is bounded, so that text built by a script
 * from network bytes costs linear time and never overflows the stack.
 */
import { trim, trimEnd } from '../core/ascii.ts';
import type { ByteStr } from '../core/memory.ts';
import type { ArgKind, PvClass, Transformation } from './pv-types.ts';
import { closest } from './suggest.ts';
import type { Call } from './table.ts';

/** levels of PVs inside PVs */
export const MAX_PV_DEPTH = 16;
/** bytes of one PV reference or format text */
export const MAX_PV_TEXT = 65535;

/** A class with the state of its module. */
export interface BoundClass {
  readonly cls: PvClass;
  readonly call: Call;
}

export interface PvTables {
  readonly classes: ReadonlyMap<string, BoundClass>;
  /** by 'class.name' */
  readonly transformations: ReadonlyMap<string, Transformation>;
  /** PV names of modules that are not loaded, with the module's name */
  readonly elsewhere: ReadonlyMap<string, string>;
}

/** Text with PVs in it: literal pieces and references in turn. */
export type TextNode = readonly (ByteStr | PvNode)[];
export type ArgNode = number | ByteStr | { readonly pv: PvNode; readonly int: boolean };

export interface TrNode {
  readonly tr: Transformation;
  readonly args: readonly ArgNode[];
}

export interface PvNode extends BoundClass {
  readonly inner: ByteStr | { readonly text: TextNode } | { readonly pv: PvNode };
  readonly index: number | '*' | undefined | { readonly pv: PvNode };
  readonly trs: readonly TrNode[];
}

/** Thrown inside the compiler only; compile functions turn it into an error text. */
export class PvSyntaxError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Parses one PV at `at`, which must be a `$`. @throws PvSyntaxError */
export function parsePv(tables: PvTables, text: ByteStr, at: number, depth = 0): { node: PvNode; end: number } {
  if (depth > MAX_PV_DEPTH) throw new PvSyntaxError(`more than ${MAX_PV_DEPTH} PVs inside each other`, at);
  if (text[at] !== '$') throw new PvSyntaxError('it does not start with $', at);
  const start = at++;
  if (text[at] === '$') return { node: { ...dollar, inner: '', index: undefined, trs: [] }, end: at + 1 };
  const bracketed = text[at] === '(';
  if (bracketed) at++;
  const nameAt = at;
  while (at < text.length && isNameChar(text.charCodeAt(at))) at++;
  const name = text.slice(nameAt, at);
  const bound = tables.classes.get(name);
  if (!bound) throw new PvSyntaxError(unknownPv(tables, name), start);
  const { cls } = bound;

  let inner: PvNode['inner'] = '';
  if (text[at] === '(') {
    if (!cls.inner || cls.inner === 'none') throw new PvSyntaxError(`$${name} takes no name in parentheses`, at);
    const end = matching(text, at, '(', ')');
    inner = parseInner(tables, cls, text.slice(at + 1, end), at + 1, depth);
    at = end + 1;
  } else if (cls.inner === 'required') {
    throw new PvSyntaxError(`$${name} needs a name in parentheses, $${name}(...)`, at);
  }
  let index: PvNode['index'];
  const trs: TrNode[] = [];
  if (bracketed) {
    if (text[at] === '[') {
      if (!cls.indexed) throw new PvSyntaxError(`$${name} takes no index`, at);
      const end = matching(text, at, '[', ']');
      index = parseIndex(tables, text.slice(at + 1, end), at + 1, depth);
      at = end + 1;
    }
    while (text[at] === '{') {
      const end = matching(text, at, '{', '}');
      trs.push(parseTransformation(tables, text.slice(at + 1, end), at + 1, depth));
      at = end + 1;
    }
    while (text[at] === ' ' && trs.length) at++;
    if (text[at] !== ')') throw new PvSyntaxError(`")" is missing after $(${name}`, at);
    at++;
  }
  return { node: { ...bound, inner, index, trs }, end: at };
}

/** Parses text with PVs in it. `base` is added to offsets in errors. @throws PvSyntaxError */
export function parseText(tables: PvTables, text: ByteStr, base = 0, depth = 0): TextNode {
  if (text.length > MAX_PV_TEXT) throw new PvSyntaxError(`it is longer than ${MAX_PV_TEXT} bytes`, base);
  const pieces: (ByteStr | PvNode)[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('$', at);
    if (next < 0) break;
    literal += text.slice(at, next);
    if (text[next + 1] === '$') {
      literal += '$';
      at = next + 2;
      continue;
    }
    const { node, end } = relocated(base, () => parsePv(tables, text, next, depth));
    if (literal) pieces.push(literal);
    literal = '';
    pieces.push(node);
    at = end;
  }
  literal += text.slice(at);
  if (literal) pieces.push(literal);
  return pieces;
}

/** Parses a text that is exactly one PV. @throws PvSyntaxError */
export function parseWhole(tables: PvTables, text: ByteStr, base = 0, depth = 0): PvNode {
  return relocated(base, () => {
    if (text.length > MAX_PV_TEXT) throw new PvSyntaxError(`it is longer than ${MAX_PV_TEXT} bytes`, 0);
    const { node, end } = parsePv(tables, text, 0, depth);
    if (end !== text.length) throw new PvSyntaxError('there is more after the pseudo-variable', end);
    return node;
  });
}

function parseInner(tables: PvTables, cls: PvClass, inner: ByteStr, base: number, depth: number): PvNode['inner'] {
  if (!inner && cls.inner === 'required') throw new PvSyntaxError(`the name in $${cls.name}() is empty`, base);
  const mode = cls.innerAs ?? 'text';
  if (mode === 'pv' && inner.includes('$')) return { pv: parseWhole(tables, inner, base, depth + 1) };
  if (mode === 'text' && inner.includes('$')) return { text: parseText(tables, inner, base, depth + 1) };
  const wrong = cls.check?.(inner);
  if (wrong) throw new PvSyntaxError(wrong, base);
  return inner;
}

function parseIndex(tables: PvTables, index: ByteStr, base: number, depth: number): PvNode['index'] {
  if (index === '*') return '*';
  if (index[0] === '$') return { pv: parseWhole(tables, index, base, depth + 1) };
  const value = integer(index);
  if (value === undefined) throw new PvSyntaxError(`the index "${index}" is not a number`, base);
  return value;
}

function parseTransformation(tables: PvTables, text: ByteStr, base: number, depth: number): TrNode {
  const comma = text.indexOf(',');
  const head = trimEnd(comma < 0 ? text : text.slice(0, comma));
  const tr = tables.transformations.get(head);
  if (!tr) {
    const near = closest(head, tables.transformations.keys());
    throw new PvSyntaxError(`there is no transformation {${head}}${near ? `; did you mean {${near}}?` : ''}`, base);
  }
  const kinds = tr.args ?? [];
  const needed = kinds.filter(kind => !kind.endsWith('?')).length;
  const args: ArgNode[] = [];
  let at = comma < 0 ? text.length + 1 : comma + 1;
  for (const kind of kinds) {
    if (at > text.length) break;
    const end = kind.startsWith('raw') ? text.length : argumentEnd(text, at);
    args.push(parseArgument(tables, kind, text.slice(at, end), base + at, depth));
    at = end + 1;
  }
  if (args.length < needed || at <= text.length) {
    const wants = needed === kinds.length ? `${needed}` : `${needed} to ${kinds.length}`;
    throw new PvSyntaxError(`{${head}} takes ${wants} argument${wants === '1' ? '' : 's'}`, base);
  }
  const wrong = tr.check?.(args.map(arg => (typeof arg === 'object' ? undefined : arg)));
  if (wrong) throw new PvSyntaxError(`{${head}}: ${wrong}`, base);
  return { tr, args };
}

function parseArgument(tables: PvTables, kind: ArgKind, text: ByteStr, base: number, depth: number): ArgNode {
  const int = kind.startsWith('int');
  if (kind.startsWith('raw')) return text;
  const trimmed = trim(text);
  if (trimmed[0] === '$') return { pv: parseWhole(tables, trimmed, base, depth + 1), int };
  if (!int) return text;
  const value = integer(trimmed);
  if (value === undefined) throw new PvSyntaxError(`the argument "${text}" is not a number`, base);
  return value;
}

/** The end of one argument: the next comma that is in no parentheses, braces or brackets of a nested PV. */
function argumentEnd(text: ByteStr, at: number): number {
  let depth = 0;
  let nested = false;
  for (let i = at; i < text.length; i++) {
    const c = text[i];
    if (c === '$') nested = true;
    else if (c === ',' && depth === 0) return i;
    else if (nested && (c === '(' || c === '{' || c === '[')) depth++;
    else if (nested && depth && (c === ')' || c === '}' || c === ']')) depth--;
  }
  return text.length;
}

/** The place of the bracket that closes the one at `at`. @throws PvSyntaxError */
function matching(text: ByteStr, at: number, open: string, close: string): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === open) depth++;
    else if (text[i] === close && --depth === 0) return i;
  }
  throw new PvSyntaxError(`"${close}" is missing`, text.length);
}

function relocated<T>(base: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (base && error instanceof PvSyntaxError) throw new PvSyntaxError(error.message, error.offset + base);
    throw error;
  }
}

function unknownPv(tables: PvTables, name: string): string {
  if (!name) return 'the name is missing after $';
  const module = tables.elsewhere.get(name);
  if (module) return `$${name} belongs to module ${module}, which is not loaded or not available in this version`;
  const near = closest(name, tables.classes.keys());
  return `there is no pseudo-variable $${name}${near ? `; did you mean $${near}?` : ''}`;
}

function isNameChar(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95 || c === 46 || c === 63;
}

/** A decimal integer with an optional sign, within 32 bits; undefined otherwise. */
export function integer(text: ByteStr): number | undefined {
  let at = text[0] === '-' || text[0] === '+' ? 1 : 0;
  if (at === text.length || text.length > 11) return undefined;
  let value = 0;
  for (; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  if (value > 0x7fffffff) return undefined;
  return text[0] === '-' ? -value : value;
}

const dollar: BoundClass = {
  cls: { name: '$', get: () => '$', anytime: true, doc: 'The character $.' },
  call: {} as Call,
};
