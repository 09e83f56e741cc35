/** Blocks into words for the core (wasm/cfg/run.ts), where their instructions have a form for it. */
import * as L from '../../core/gen/layout.gen.ts';
import type { CoreCall, CoreCode, CorePv, Test } from './core-code.ts';
import type { Code, Machine } from './machine.ts';

/** What the core calls back. */
export type Closure = (m: Machine) => number;

/** Compiled blocks as the core runs them. */
export interface Assembly {
  /** by the number that OP_HOST has */
  readonly closures: readonly Closure[];
  /** by the number of an instruction: its block and its place there */
  readonly places: readonly { readonly code: Code; readonly pc: number }[];
  readonly words: Uint32Array;
}

const CALLS = [L.OP_CALL0, L.OP_CALL1, L.OP_CALL2, L.OP_CALL3, L.OP_CALL4] as const;
export const MAX_WORDS = CALLS.length - 1;
/** instructions that have a number; what is beyond runs in TypeScript */
const MAX_INSTRUCTIONS = 1 << 23;
const WANTED = 0x80000000;

/** A place in the words that is known later: where it is used is patched. */
interface Label {
  at: number;
  readonly uses: number[];
}

const label = (): Label => ({ at: -1, uses: [] });

/**
 * Gives each block's instructions their addresses (Code.entries).
 * @param target table index of an export of the core  @param place gets the words: says where they will be
 */
export function assemble(
  blocks: Iterable<Code>,
  target: (name: string) => number,
  place: (bytes: number) => number,
): Assembly {
  return new Assembler(target).all([...blocks], place);
}

class Assembler {
  readonly #words: number[] = [];
  readonly #closures: Closure[] = [];
  readonly #places: { code: Code; pc: number }[] = [];
  readonly #starts = new Map<Code, Label>();
  readonly #uses: Label[] = [];
  readonly #target: (name: string) => number;
  /** number of the first instruction of the block */
  #first = 0;
  /** number of the instruction */
  #at = 0;

  constructor(target: (name: string) => number) {
    this.#target = target;
  }

  all(blocks: readonly Code[], place: (bytes: number) => number): Assembly {
    const count = blocks.reduce((n, code) => n + code.run.length + 1, 0);
    const entries: [Code, Label[]][] = [];
    if (count < MAX_INSTRUCTIONS) {
      for (const code of blocks) this.#starts.set(code, this.#label());
      for (const code of blocks) entries.push([code, this.#block(code)]);
    }
    const base = place(this.#words.length * 4);
    for (const { at, uses } of this.#uses) for (const use of uses) this.#words[use] = base + at * 4;
    for (const [code, labels] of entries)
      labels.forEach((l, i) => {
        code.entries[i] = code.core[i] && l.at >= 0 ? base + l.at * 4 : 0;
      });
    return { closures: this.#closures, places: this.#places, words: Uint32Array.from(this.#words, w => w >>> 0) };
  }

  #block(code: Code): Label[] {
    const labels = Array.from({ length: code.run.length + 1 }, () => this.#label());
    this.#first = this.#places.length;
    for (let pc = 0; pc <= code.run.length; pc++) this.#places.push({ code, pc });
    this.#set(this.#starts.get(code)!);
    for (let pc = 0; pc < code.run.length; ) {
      this.#at = this.#first + pc;
      this.#set(labels[pc]!);
      const form = code.core[pc];
      if (form) this.#instruction(form, labels);
      else this.#op(L.OP_OUT);
      pc += form?.kind === 'unless' ? form.span : 1;
    }
    this.#at = this.#first + code.run.length;
    this.#set(labels[code.run.length]!);
    this.#op(L.OP_LEAVE_LAST);
    return labels;
  }

  #instruction(form: CoreCode, labels: readonly Label[]): void {
    switch (form.kind) {
      case 'call':
        this.#call(form.call, L.CF_LAST);
        return;
      case 'do':
        this.#op(L.OP_HOST, 0, this.#closure(form.host));
        this.#op(L.OP_LAST, 1);
        return;
      case 'unless':
        this.#unless(form.test, labels[form.target.at]!, form.span > 1);
        return;
      case 'jump':
        if (form.last !== undefined) this.#op(L.OP_LAST, form.last);
        this.#jump(L.OP_JUMP, labels[form.target.at]!);
        return;
      case 'enter':
        this.#enter(form.code, 0);
        return;
      case 'leave':
        this.#op(L.OP_LEAVE, form.value, form.asked ? 1 : 0);
        return;
      case 'return':
        this.#value(form.value);
        this.#op(L.OP_RETURN);
        return;
      case 'exit':
        this.#op(L.OP_EXIT);
        return;
      case 'set':
        this.#value(form.value);
        this.#op(L.OP_CELL_SET, form.cell);
        this.#op(L.OP_LAST, 1);
        return;
      case 'switch':
        this.#op(L.OP_LAST, 1);
        this.#value(form.on);
        this.#op(L.OP_SWITCH, form.values.length);
        form.values.forEach((value, i) => {
          this.#words.push(value);
          this.#use(labels[form.targets[i]!.at]!);
        });
        this.#use(labels[form.targets.at(-1)!.at]!);
        return;
      default:
        this.#op(L.OP_LAST, 1);
        this.#value(form.on);
        this.#op(L.OP_CHOOSE, form.targets.length - 1);
        for (const { at } of form.targets) this.#use(labels[at]!);
    }
  }

  /** @param routes whether blocks run in the test, which have last values of their own */
  #unless(test: Test, target: Label, routes: boolean): void {
    if (!routes) {
      this.#op(L.OP_LAST, 1);
      this.#branch(test, true, target, true);
      return;
    }
    const no = this.#label();
    const end = this.#label();
    this.#branch(test, true, no, true);
    this.#op(L.OP_LAST, 1);
    this.#jump(L.OP_JUMP, end);
    this.#set(no);
    this.#op(L.OP_LAST, 1);
    this.#jump(L.OP_JUMP, target);
    this.#set(end);
  }

  /**
   * Goes to `target` when a test is not true, or when it is.
   * @param whole whether it is all of a condition: a number is true above 0 then, as an operand when it is not 0
   */
  #branch(test: Test, whole: boolean, target: Label, unless: boolean): void {
    switch (test.kind) {
      case 'not':
        this.#branch(test.of, false, target, !unless);
        return;
      case 'and':
      case 'or': {
        // where the left side decides, it goes to the target or behind the right side
        const decides = test.kind === 'and';
        if (decides === unless) {
          this.#branch(test.left, false, target, unless);
          this.#branch(test.right, false, target, unless);
          return;
        }
        const behind = this.#label();
        this.#branch(test.left, false, behind, !unless);
        this.#branch(test.right, false, target, unless);
        this.#set(behind);
        return;
      }
      default: {
        this.#value(test);
        const positive = whole || test.kind === 'call' || test.kind === 'route';
        this.#jump(positive ? (unless ? L.OP_JLE : L.OP_JGT) : unless ? L.OP_JZ : L.OP_JNZ, target);
      }
    }
  }

  /** Leaves a number. */
  #value(test: Test): void {
    switch (test.kind) {
      case 'call':
        this.#call(test, 0);
        return;
      case 'route':
        this.#at = this.#first + test.index;
        this.#enter(test.code, WANTED);
        return;
      case 'field':
        this.#core(test.core, test.host, 0);
        return;
      case 'rc':
        this.#op(L.OP_RC);
        return;
      case 'int':
        this.#op(L.OP_INT, test.value);
        return;
      case 'compare':
        this.#value(test.left);
        this.#op(L.OP_COMPARE, test.relation, test.value);
        return;
      case 'cell':
        this.#op(L.OP_CELL, test.cell, this.#closure(test.host));
        return;
      case 'cellEqual':
        this.#op(L.OP_CELL_EQUAL, test.cell, test.value, this.#closure(test.host));
        return;
      case 'null':
        this.#op(L.OP_PV_NULL, ...this.#pv(test.pv));
        return;
      case 'equal': {
        const { text, bytes, number } = test;
        const rest = [text, bytes, number, test.ofNull ? 1 : 0, test.folded ? 1 : 0];
        this.#op(L.OP_PV_EQUAL, ...this.#pv(test.pv), ...rest);
        return;
      }
      case 'match':
        this.#op(L.OP_PV_MATCH, ...this.#pv(test.pv), test.automaton, this.#closure(test.host));
        return;
      case 'host':
        this.#op(L.OP_HOST, 0, this.#closure(test.host));
        return;
      default: {
        // a question as a number
        const no = this.#label();
        const end = this.#label();
        this.#branch(test, false, no, true);
        this.#op(L.OP_INT, 1);
        this.#jump(L.OP_JUMP, end);
        this.#set(no);
        this.#op(L.OP_INT, 0);
        this.#set(end);
      }
    }
  }

  #call({ core, host, command }: Test & { kind: 'call' }, more: number): void {
    const flags = more | (command ? L.CF_COMMAND : 0);
    if (core) this.#core(core, host, flags);
    else this.#op(L.OP_HOST, flags, this.#closure(host));
  }

  #core({ target, words, gives, quick }: CoreCall, host: Closure, more: number): void {
    const made = gives === 'bool' ? L.CF_BOOL : gives === 'none' ? L.CF_NONE : 0;
    const rest = quick ? [this.#closure(host)] : [];
    this.#op(CALLS[words.length]!, this.#target(target), made | more | (quick ? L.CF_QUICK : 0), ...words, ...rest);
  }

  #pv({ getter, name, nameBytes }: CorePv): number[] {
    return [getter ? this.#target(getter) : 0, name, nameBytes];
  }

  #enter(code: Code, wanted: number): void {
    this.#op(L.OP_ENTER);
    this.#use(this.#starts.get(code)!);
    this.#words.push(code.run.length + 1, wanted);
  }

  #op(op: number, ...operands: number[]): void {
    this.#words.push(op | (this.#at << 8), ...operands);
  }

  #jump(op: number, to: Label): void {
    this.#op(op);
    this.#use(to);
  }

  #use(to: Label): void {
    to.uses.push(this.#words.length);
    this.#words.push(0);
  }

  #label(): Label {
    const made = label();
    this.#uses.push(made);
    return made;
  }

  #set(l: Label): void {
    l.at = this.#words.length;
  }

  #closure(fn: Closure): number {
    return this.#closures.push(fn) - 1;
  }
}
