/** What runs compiled routing blocks: a list of instructions a block, a stack of blocks, and so nothing to unwind when a call has to wait. */
import type { At } from '../../cfg/config.ts';
import type { Memory } from '../../core/memory.ts';
import type { CoreCode } from './core-code.ts';
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
  /** what an instruction is for the core; undefined where it runs here only */
  readonly core: (CoreCode | undefined)[];
  /** addresses of instructions where the core can go on, 0 where it cannot */
  readonly entries: number[];
}

/** The core's part in running blocks: core-run.ts. */
export interface CoreRun {
  /**
   * Runs on in the core from an address, until it stops at an instruction that is not for it.
   * @returns false when the budget is used up
   */
  run(m: Machine, entry: number): boolean;
  /** Called before an instruction runs here. */
  here(m: Machine): void;
}

export interface Frame {
  readonly code: Code;
  readonly pc: number;
  /** whether the value of the block that was called is wanted: a route() inside an expression */
  readonly wanted: boolean;
  readonly counters: number[] | undefined;
}

/** Where $rc is: one place for all runs, which nest. */
export class ReturnCode {
  readonly #mem: Memory;
  readonly #at: number;

  /** @param at its address, where the core sets it */
  constructor(mem: Memory, at: number) {
    this.#mem = mem;
    this.#at = at;
  }

  get value(): number {
    return this.#mem.i32(this.#at);
  }

  set value(code: number) {
    this.#mem.setU32(this.#at, code);
  }
}

/** Kamailio's limit of nested blocks. */
export const MAX_FRAMES = 256;

/** the most instructions that are given at once */
export const BUDGET = 0x3fffffff;

export class Machine {
  code: Code;
  pc = 0;
  /** address of the message, 0 for none */
  msg: number;
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
  /** whether its message is the current one, and which was it before */
  inside = false;
  outerMsg = 0;
  /** instructions it may still run, and how many more when these are used up: one number would be no small integer, and cost as much as the rest */
  budget = 0;
  more = 0;

  readonly #rc: ReturnCode;
  readonly #core: CoreRun;

  constructor(code: Code, msg: number, rc: ReturnCode, core: CoreRun) {
    this.code = code;
    this.msg = msg;
    this.#rc = rc;
    this.#core = core;
  }

  /** As new, for another run. */
  clear(): void {
    this.pc = 0;
    // giving an empty list its length costs more than asking for it
    if (this.frames.length > 0) this.frames.length = 0;
    if (this.stack.length > 0) this.stack.length = 0;
    this.counters = undefined;
    this.last = 1;
    this.ended = false;
    this.done = false;
    this.pending = undefined;
    this.settle = undefined;
    this.keptRc = 0;
  }

  /** $rc: variables in texts read it where they are evaluated, so that it is not the machine's own. */
  get rc(): number {
    return this.#rc.value;
  }
  set rc(code: number) {
    this.#rc.value = code;
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

  /** @param instructions that the run may take, 0 for any number */
  allow(instructions: number): void {
    this.budget = 0;
    this.more = instructions || Number.POSITIVE_INFINITY;
    this.refill();
  }

  /** @returns false when there is no more */
  refill(): boolean {
    if (this.more <= 0) return false;
    const some = Math.min(this.more, BUDGET);
    this.more -= some;
    this.budget += some;
    return true;
  }

  /** Runs until the end, or until something waits. @returns false when the budget is used up */
  run(): boolean {
    while (!this.ended && !this.done && !this.pending) {
      const { code, pc } = this;
      if (pc >= code.run.length) {
        this.leave(this.last, false);
        continue;
      }
      if (--this.budget < 0 && !this.refill()) return false;
      const entry = code.entries[pc];
      if (entry) {
        if (!this.#core.run(this, entry)) return false;
        continue;
      }
      this.#core.here(this);
      this.pc = pc + 1;
      code.run[pc]!(this);
    }
    return true;
  }

  /** Where the instruction stands that ran last. */
  get place(): At {
    return this.code.places[this.pc - 1] ?? this.code.at;
  }
}

/** Constants ask their machine only whether the run has ended. */
export const NOBODY = { ended: false } as Machine;
