/** Runs blocks in the core as far as it can: between cfgRun() and Machine. */
import * as L from '../../core/gen/layout.gen.ts';
import type { Core } from '../../core/load.ts';
import type { Assembly } from './assemble.ts';
import { type CoreRun, MAX_FRAMES, type Machine, ReturnCode } from './machine.ts';

const NUMBER = 0x7fffffff;

/** What the core runs now, of all programs: runs nest. */
export class RunningBlocks {
  m: Machine | undefined;
  closures: Assembly['closures'] = [];
  readonly rc: ReturnCode;

  constructor(core: Core) {
    const state: number = core.x.cfgState();
    this.rc = new ReturnCode(core.mem, state + L.CS_RC);
    core.hooks.cfgHost = closure => {
      const m = this.m!;
      const value = this.closures[closure]!(m);
      if (m.ended) core.mem.setU32(state + L.CS_END, 1);
      return value;
    };
  }
}

/** One program's. */
export class ProgramInCore implements CoreRun {
  readonly #core: Core;
  readonly #running: RunningBlocks;
  readonly #assembly: Assembly;
  readonly #state: number;
  /** the core's exports are many: finding one by its name costs as much as its call */
  readonly #cfgRun: (pc: number, msg: number, last: number, budget: number, room: number) => number;

  readonly #cfgStart: (pc: number, msg: number, budget: number, room: number) => number;

  constructor(core: Core, running: RunningBlocks, assembly: Assembly) {
    this.#core = core;
    this.#cfgRun = core.x.cfgRun;
    this.#cfgStart = core.x.cfgStart;
    this.#running = running;
    this.#assembly = assembly;
    this.#state = core.x.cfgState();
  }

  /**
   * Begins a run at the start of the machine's block. Most end there.
   * @returns CFG_END or CFG_LEAVE when it has ended; else the machine has to go on
   */
  start(m: Machine, entry: number): number {
    const running = this.#running;
    const { m: outer, closures } = running;
    running.m = m;
    running.closures = this.#assembly.closures;
    let status: number;
    try {
      status = this.#cfgStart(entry, m.msg, m.budget, MAX_FRAMES);
    } catch (error) {
      this.#flown(m);
      running.rc.value = this.outerCode;
      throw error;
    } finally {
      running.m = outer;
      running.closures = closures;
    }
    return status;
  }

  /** $rc of the route around the run that stopped last. */
  get outerCode(): number {
    return this.#core.mem.i32(this.#state + L.CS_OUTER_RC);
  }

  run(m: Machine, entry: number): boolean {
    const running = this.#running;
    const { m: outer, closures } = running;
    running.m = m;
    running.closures = this.#assembly.closures;
    let status: number;
    try {
      status = this.#cfgRun(entry, m.msg, m.last, m.budget, MAX_FRAMES - m.frames.length);
    } catch (error) {
      this.#flown(m);
      throw error;
    } finally {
      running.m = outer;
      running.closures = closures;
    }
    return this.stopped(m, status);
  }

  /** What the core left of a run. @returns false when the budget is used up */
  stopped(m: Machine, status: number): boolean {
    if (status === L.CFG_END) {
      m.ended = true;
      return true;
    }
    const { mem } = this.#core;
    const at = this.#state;
    if (status === L.CFG_LEAVE) {
      m.budget = mem.i32(at + L.CS_BUDGET);
      m.leave(mem.i32(at + L.CS_LAST), false);
      return true;
    }
    if (status !== L.CFG_FULL) {
      m.budget = mem.i32(at + L.CS_BUDGET);
      m.last = mem.i32(at + L.CS_LAST);
      this.#takeOver(m);
      if (status === L.CFG_BUDGET) return m.refill();
    }
    this.here(m);
    m.code.run[m.pc++]!(m);
    return true;
  }

  /** Something flew through the core: the machine gets the place. */
  #flown(m: Machine): void {
    this.#core.x.cfgUnwind();
    this.#takeOver(m);
    m.pc++;
  }

  here(m: Machine): void {
    if (m.inside) return;
    const { x } = this.#core;
    m.outerMsg = x.currentMsg();
    x.setMsg(m.msg);
    m.inside = true;
  }

  /** Blocks that called each other in the core, and the place there. */
  #takeOver(m: Machine): void {
    const { mem } = this.#core;
    const { places } = this.#assembly;
    const state = this.#state;
    const depth = mem.u32(state + L.CS_DEPTH);
    const frames = mem.u32(state + L.CS_FRAMES);
    for (let i = 0; i < depth; i++) {
      const number = mem.u32(frames + 8 * i + 4);
      const { code, pc } = places[number & NUMBER]!;
      m.frames.push({ code, pc: pc + 1, wanted: number > NUMBER, counters: m.counters });
      m.counters = undefined;
    }
    const { code, pc } = places[mem.u32(state + L.CS_AT)]!;
    m.code = code;
    m.pc = pc;
  }
}
