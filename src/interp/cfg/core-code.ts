/** What an instruction is for the core (wasm/cfg/run.ts), where it can run there: beside its closure, which does the same. */
import type { Code, Machine } from './machine.ts';

/** A function of the core with arguments that are known. */
export interface CoreCall {
  /** export of the core */
  readonly target: string;
  /** an integer is one word, a text its address and length: 4 at most */
  readonly words: readonly number[];
  readonly gives: 'int' | 'bool' | 'none';
  /** it may answer NOT_QUICK: then the closure does it */
  readonly quick: boolean;
}

/** A place in a block that is known later. */
export interface Place {
  at: number;
}

/** A PV with a getter in the core. */
export interface CorePv {
  /** export of the core; '' for $hdr(name) */
  readonly getter: string;
  /** kept text */
  readonly name: number;
  readonly nameBytes: number;
}

/** A number, or a question whose answer is 1 or 0. */
export type Test =
  /** a command or a word of the language: its code, true above 0 */
  | {
      readonly kind: 'call';
      readonly core: CoreCall | undefined;
      readonly host: (m: Machine) => number;
      readonly command: boolean;
    }
  /** route(NAME): its value, true above 0. @param index of its instruction */
  | { readonly kind: 'route'; readonly code: Code; readonly index: number }
  | { readonly kind: 'field'; readonly core: CoreCall; readonly host: (m: Machine) => number }
  | { readonly kind: 'not'; readonly of: Test }
  | { readonly kind: 'and' | 'or'; readonly left: Test; readonly right: Test }
  | { readonly kind: 'rc' }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'compare'; readonly left: Test; readonly relation: number; readonly value: number }
  /** a variable as a number; the closure knows what a text is */
  | { readonly kind: 'cell'; readonly cell: number; readonly host: (m: Machine) => number }
  | {
      readonly kind: 'cellEqual';
      readonly cell: number;
      readonly value: number;
      readonly host: (m: Machine) => number;
    }
  | { readonly kind: 'null'; readonly pv: CorePv }
  | {
      readonly kind: 'equal';
      readonly pv: CorePv;
      readonly text: number;
      readonly bytes: number;
      /** the constant as a number, and whether what is not there equals it */
      readonly number: number;
      readonly ofNull: boolean;
      /** letters match both cases */
      readonly folded: boolean;
    }
  | { readonly kind: 'match'; readonly pv: CorePv; readonly automaton: number; readonly host: (m: Machine) => number }
  | { readonly kind: 'host'; readonly host: (m: Machine) => number };

export type CoreCode =
  | { readonly kind: 'call'; readonly call: Test & { kind: 'call' } }
  /** does something that no other instruction hears of; the value of the statement is 1 */
  | { readonly kind: 'do'; readonly host: (m: Machine) => number }
  /** @param span how many instructions it stands for */
  | { readonly kind: 'unless'; readonly test: Test; readonly target: Place; readonly span: number }
  /** @param last becomes the value of the last statement */
  | { readonly kind: 'jump'; readonly target: Place; readonly last?: number }
  | { readonly kind: 'enter'; readonly code: Code }
  | { readonly kind: 'leave'; readonly value: number; readonly asked: boolean }
  | { readonly kind: 'return'; readonly value: Test }
  | { readonly kind: 'exit' }
  /** a variable gets a number */
  | { readonly kind: 'set'; readonly cell: number; readonly value: Test }
  /** goes to the target of the first value that is that of `on`, else to the last target */
  | {
      readonly kind: 'switch';
      readonly on: Test;
      readonly values: readonly number[];
      readonly targets: readonly Place[];
    }
  /** @param on gives the number of the target */
  | { readonly kind: 'choose'; readonly on: Test; readonly targets: readonly Place[] };

/** The order is that of OP_COMPARE. */
export const RELATIONS: readonly string[] = [
  ...['==', '!=', '<', '>', '<=', '>='],
  ...['+', '-', '*', '&', '|', '^', '<<', '>>'],
];
/** Those that compare. */
export const COMPARISONS = 6;
