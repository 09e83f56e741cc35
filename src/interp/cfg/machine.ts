/** What runs compiled routing blocks: a list of instructions a block, a stack of blocks, and so nothing to unwind when a call has to wait. */
import type { At } from '../../cfg/config.ts';
import type { Value } from './values.ts';

export type Instruction = (m: Machine) => void;

/** A compiled block. */
export interface Code {
  /** request_route, route[NAME], failure_route[NAME] ... */
  readonly name: string;
  readonly at: At;
  readonly run: Instruction[];
  /** where each instruction stands in the config */
  readonly places: At[];
}

export interface Frame {
  readonly code: Code;
  readonly pc: number;
  /** whether the value of the block that was called is wanted: a route() inside an expression */
  readonly wanted: boolean;
  readonly counters: number[] | undefined;
}

/** Where $rc is: one place for all runs, which nest. */
export interface Registers {
  returnCode?: number;
}

/** Kamailio's limit of nested blocks. */
export const MAX_FRAMES = 256;

export class Machine {
  code: Code;
  pc = 0;
  /** address of the message, 0 for none */
  readonly msg: number;
  readonly frames: Frame[] = [];
  /** values of expressions that wait for a call */
  readonly stack: Value[] = [];
  /** rounds of the loops of this block */
  counters: number[] | undefined;
  /** value of the last statement: what a block gives that ends without return */
  last = 1;
  /** set by exit, drop, return 0 and a command that gives 0: the run ends */
  ended = false;
  /** set when the outermost block has ended */
  done = false;
  /** what the run waits for */
  pending: Promise<unknown> | undefined;
  /** takes the value of what was waited for */
  settle: ((value: unknown) => void) | undefined;
  /** $rc while it waits */
  keptRc = 0;
  /** instructions it may still run */
  budget: number;

  readonly #registers: Registers;

  constructor(code: Code, msg: number, registers: Registers, budget: number) {
    this.code = code;
    this.msg = msg;
    this.#registers = registers;
    this.budget = budget;
  }

  /** $rc: variables in texts read it where they are evaluated, so that it is not the machine's own. */
  get rc(): number {
    return this.#registers.returnCode ?? 0;
  }
  set rc(code: number) {
    this.#registers.returnCode = code;
  }

  /** Goes into a block. @throws Error when they are nested too deeply */
  enter(code: Code, wanted: boolean): void {
    if (this.frames.length >= MAX_FRAMES) throw new Error(`blocks call each other more than ${MAX_FRAMES} deep`);
    this.frames.push({ code: this.code, pc: this.pc, wanted, counters: this.counters });
    this.counters = undefined;
    this.code = code;
    this.pc = 0;
    this.last = 1;
  }

  /** Leaves the block with a value. @param asked whether `return` gave it: 0 ends the run then */
  leave(value: number, asked: boolean): void {
    if (asked && value === 0) {
      this.ended = true;
      return;
    }
    const frame = this.frames.pop();
    if (!frame) {
      this.done = true;
      return;
    }
    this.code = frame.code;
    this.pc = frame.pc;
    this.counters = frame.counters;
    this.rc = value;
    this.last = value;
    if (frame.wanted) this.stack.push(value);
  }

  /** Runs until the end, or until something waits. @returns false when the budget is used up */
  run(): boolean {
    while (!this.ended && !this.done && !this.pending) {
      const { code } = this;
      if (this.pc >= code.run.length) {
        this.leave(this.last, false);
        continue;
      }
      if (--this.budget < 0) return false;
      code.run[this.pc++]!(this);
    }
    return true;
  }

  /** Where the instruction stands that ran last. */
  get place(): At {
    return this.code.places[this.pc - 1] ?? this.code.at;
  }
}
