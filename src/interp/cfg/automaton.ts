/**
 * POSIX extended regular expressions as tables for the core (wasm/cfg/match.ts): whether a text matches anywhere, letters in both cases. Each byte of the text is
 * looked at once, whatever the expression. Tables have 8-bit states: what needs more, or is unusual, stays with kemi/posix-regex.ts, whose dialect this is.
 */
import { CLASSES } from '../../kemi/posix-regex.ts';

/** states of a table; their numbers are bytes */
const MAX_STATES = 250;
/** nodes of an expression with its counts written out */
const MAX_NODES = 1500;
const BYTES = 256;
/** steps that making one table may take: some milliseconds */
const MAX_WORK = 200_000;
/** states whose numbers the core knows */
const START = 0;
const MATCHED = 1;
const NEVER = 2;

/** What cannot be a table. */
class Unusual extends Error {}

type Node =
  | { kind: 'bytes'; set: Uint8Array; next: number }
  | { kind: 'fork'; next: number[] }
  | { kind: 'start' | 'end'; next: number }
  | { kind: 'match' };

/** An expression, parsed: what is there once can be written into the automaton many times. */
type Tree =
  | { kind: 'bytes'; set: Uint8Array }
  | { kind: 'start' | 'end' }
  | { kind: 'all'; of: Tree[] }
  | { kind: 'one'; of: Tree[] }
  | { kind: 'repeat'; of: Tree; low: number; high: number };

/** @returns the table; undefined for what is no such expression, or needs more than a table holds */
export function automatonOf(source: string): Uint8Array | undefined {
  try {
    return tableOf(new Parser(source).whole());
  } catch (error) {
    if (error instanceof Unusual) return undefined;
    throw error;
  }
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): Tree {
    const tree = this.#alternatives();
    if (this.#at < this.#source.length) throw new Unusual();
    return tree;
  }

  #alternatives(): Tree {
    const of = [this.#sequence()];
    while (this.#source[this.#at] === '|') {
      this.#at++;
      of.push(this.#sequence());
    }
    return of.length === 1 ? of[0]! : { kind: 'one', of };
  }

  #sequence(): Tree {
    const of: Tree[] = [];
    for (;;) {
      const c = this.#source[this.#at];
      if (c === undefined || c === '|' || (c === ')' && this.#depth > 0)) return { kind: 'all', of };
      if (c === '*' || c === '+' || c === '?' || c === '{') {
        const last = of.pop();
        if (!last || last.kind === 'start' || last.kind === 'end') throw new Unusual();
        of.push({ kind: 'repeat', of: last, ...this.#count(c) });
      } else of.push(this.#piece(c));
    }
  }

  #count(c: string): { low: number; high: number } {
    if (c !== '{') {
      this.#at++;
      return { low: c === '+' ? 1 : 0, high: c === '?' ? 1 : Number.POSITIVE_INFINITY };
    }
    const m = /^\{(\d{1,3})(,?)(\d{0,3})\}/.exec(this.#source.slice(this.#at, this.#at + 10));
    if (!m) throw new Unusual();
    this.#at += m[0].length;
    const low = Number(m[1]);
    return { low, high: m[3] ? Number(m[3]) : m[2] ? Number.POSITIVE_INFINITY : low };
  }

  #piece(c: string): Tree {
    this.#at++;
    switch (c) {
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '.':
        return { kind: 'bytes', set: new Uint8Array(BYTES).fill(1) };
      case '(': {
        if (++this.#depth > 50) throw new Unusual();
        const tree = this.#alternatives();
        if (this.#source[this.#at++] !== ')') throw new Unusual();
        this.#depth--;
        return tree;
      }
      case '[':
        return { kind: 'bytes', set: this.#bracket() };
      case '\\': {
        const next = this.#source[this.#at++];
        if (next === undefined || /[1-9bB<>`']/.test(next)) throw new Unusual();
        const set = new Uint8Array(BYTES);
        if (next === 'w' || next === 'W') addClass(set, 'a-zA-Z0-9_');
        else if (next === 's' || next === 'S') addClass(set, '\\t-\\r ');
        else addByte(set, next);
        return { kind: 'bytes', set: next === 'W' || next === 'S' ? inverted(set) : set };
      }
      default: {
        const set = new Uint8Array(BYTES);
        addByte(set, c);
        return { kind: 'bytes', set };
      }
    }
  }

  /** Behind a `[`. */
  #bracket(): Uint8Array {
    const source = this.#source;
    const set = new Uint8Array(BYTES);
    const negated = source[this.#at] === '^';
    if (negated) this.#at++;
    for (let first = true; ; first = false) {
      const c = source[this.#at++];
      if (c === undefined) throw new Unusual();
      if (c === ']' && !first) break;
      const named = c === '[' ? /^\[:([a-z]+):\]/.exec(source.slice(this.#at - 1, this.#at + 12)) : null;
      if (named) {
        const known = Object.hasOwn(CLASSES, named[1]!) ? CLASSES[named[1]!] : undefined;
        if (known === undefined) throw new Unusual();
        addClass(set, known);
        this.#at += named[0].length - 1;
        continue;
      }
      if (c === '[' && /[.=:]/.test(source[this.#at] ?? '')) throw new Unusual();
      const range = source[this.#at] === '-' && source[this.#at + 1] !== undefined && source[this.#at + 1] !== ']';
      if (!range) {
        addByte(set, c);
        continue;
      }
      const high = source[this.#at + 1]!;
      if (high === '[' || high < c) throw new Unusual();
      this.#at += 2;
      for (let code = c.charCodeAt(0); code <= high.charCodeAt(0); code++) addByte(set, String.fromCharCode(code));
    }
    return negated ? inverted(set) : set;
  }
}

/** Letters in both cases. Which letters belong together above ASCII is a question of character sets: those are left out. */
function addByte(set: Uint8Array, c: string): void {
  const code = c.charCodeAt(0);
  if (code > 127) throw new Unusual();
  set[code] = 1;
  set[c.toLowerCase().charCodeAt(0)] = 1;
  set[c.toUpperCase().charCodeAt(0)] = 1;
}

/** @param text as between the brackets of a JavaScript expression */
function addClass(set: Uint8Array, text: string): void {
  const class_ = new RegExp(`[${text}]`);
  for (let code = 0; code < 128; code++) {
    const c = String.fromCharCode(code);
    if (class_.test(c)) addByte(set, c);
  }
}

const inverted = (set: Uint8Array): Uint8Array => set.map(in_ => 1 - in_);

/** Thompson's construction: each tree is written in front of what follows it. */
class Nodes {
  readonly list: Node[] = [{ kind: 'match' }];

  add(node: Node): number {
    if (this.list.length >= MAX_NODES) throw new Unusual();
    return this.list.push(node) - 1;
  }

  /** @returns where it begins */
  write(tree: Tree, next: number): number {
    switch (tree.kind) {
      case 'bytes':
        return this.add({ kind: 'bytes', set: tree.set, next });
      case 'start':
      case 'end':
        return this.add({ kind: tree.kind, next });
      case 'all':
        return tree.of.reduceRight((behind, of) => this.write(of, behind), next);
      case 'one':
        return this.add({ kind: 'fork', next: tree.of.map(of => this.write(of, next)) });
      default: {
        const { of, low, high } = tree;
        let at = next;
        if (high === Number.POSITIVE_INFINITY) {
          const ways: number[] = [next];
          at = this.add({ kind: 'fork', next: ways });
          ways.push(this.write(of, at));
        } else for (let i = low; i < high; i++) at = this.add({ kind: 'fork', next: [next, this.write(of, at)] });
        for (let i = 0; i < low; i++) at = this.write(of, at);
        return at;
      }
    }
  }
}

function tableOf(tree: Tree): Uint8Array {
  const nodes = new Nodes();
  const first = nodes.write(tree, 0);
  const { list } = nodes;
  const { classes, samples } = classesOf(list);
  let work = 0;

  /** Everything that can be reached without a byte. */
  const closure = (from: Iterable<number>, atStart: boolean, atEnd: boolean): Set<number> => {
    const seen = new Set<number>();
    const open = [...from];
    while (open.length > 0) {
      const at = open.pop()!;
      if (seen.has(at)) continue;
      if (++work > MAX_WORK) throw new Unusual();
      seen.add(at);
      const node = list[at]!;
      if (node.kind === 'fork') open.push(...node.next);
      else if ((node.kind === 'start' && atStart) || (node.kind === 'end' && atEnd)) open.push(node.next);
    }
    return seen;
  };

  const states: Set<number>[] = [closure([first], true, false), new Set(), new Set()];
  const numbers = new Map<string, number>();
  const stateOf = (set: Set<number>): number => {
    if (set.has(0)) return MATCHED;
    const live = [...set].filter(at => list[at]!.kind === 'bytes' || list[at]!.kind === 'end').sort((a, b) => a - b);
    if (live.length === 0) return NEVER;
    const key = live.join(' ');
    let number = numbers.get(key);
    if (number === undefined) {
      if (states.length >= MAX_STATES) throw new Unusual();
      number = states.push(set) - 1;
      numbers.set(key, number);
    }
    return number;
  };

  const width = samples.length + 1;
  const rows: number[][] = [];
  for (let number = 0; number < states.length; number++) {
    const set = states[number]!;
    const fixed =
      number === MATCHED || (number === START && set.has(0)) ? MATCHED : number === NEVER ? NEVER : undefined;
    if (fixed !== undefined) {
      rows.push([...samples.map(() => fixed), fixed === MATCHED ? 1 : 0]);
      continue;
    }
    const row = samples.map(sample => {
      const moved = [first];
      for (const at of set) {
        const node = list[at]!;
        if (node.kind === 'bytes' && node.set[sample]) moved.push(node.next);
      }
      return stateOf(closure(moved, false, false));
    });
    rows.push([...row, closure(set, number === START, true).has(0) ? 1 : 0]);
  }

  const table = new Uint8Array(4 + BYTES + rows.length * width);
  new DataView(table.buffer).setUint32(0, width, true);
  table.set(classes, 4);
  rows.forEach((row, i) => {
    table.set(row, 4 + BYTES + i * width);
  });
  return table;
}

/** Bytes that no node tells from each other. @returns the class of each byte, and a byte of each class */
function classesOf(list: readonly Node[]): { classes: Uint8Array; samples: number[] } {
  const sets = [...new Set(list.flatMap(node => (node.kind === 'bytes' ? [node.set] : [])))];
  const known = new Map<string, number>();
  const samples: number[] = [];
  const classes = Uint8Array.from({ length: BYTES }, (_, byte) => {
    const key = sets.map(set => set[byte]).join('');
    let number = known.get(key);
    if (number === undefined) {
      number = samples.push(byte) - 1;
      known.set(key, number);
    }
    return number;
  });
  if (samples.length >= BYTES) throw new Unusual();
  return { classes, samples };
}
