/** A loaded kamailio.cfg: its routing blocks run here. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Program, RouteError, RunResult } from '../interpreter.ts';
import type { Assembly } from './assemble.ts';
import type { Surroundings } from './context.ts';
import { ProgramInCore, type RunningBlocks } from './core-run.ts';
import { type Code, Machine, type ReturnCode } from './machine.ts';

const DONE: RunResult = Object.freeze({ state: 'done' });
const EXIT: RunResult = Object.freeze({ state: 'exit' });
const MISSING: RunResult = Object.freeze({ state: 'missing' });

export interface CfgProgramParts extends Surroundings {
  readonly name: string;
  readonly version: number;
  readonly blocks: ReadonlyMap<string, Code>;
  readonly assembly: Assembly;
  readonly running: RunningBlocks;
  /** instructions that one run may take; 0: no limit */
  readonly instructions: number;
  /** bytes of the config */
  readonly bytes: number;
  /** gives back what the program holds in the core's memory */
  readonly free: () => void;
  /** gives up what a run of this program waits for, when it can be */
  readonly giveUp?: (wait: Promise<unknown>, why: string) => void;
}

const MAX_IDLE = 16;

/** A run that waits. */
interface Suspended {
  readonly m: Machine;
  wait?: Promise<unknown>;
  end?: (result: RunResult) => void;
}

export class CfgProgram implements Program {
  readonly name: string;
  readonly version: number;
  readonly blocks = true;
  readonly #parts: CfgProgramParts;
  readonly #core: ProgramInCore;
  readonly #rc: ReturnCode;
  /** machines of runs that have ended: most need one alone */
  readonly #idle: Machine[] = [];
  /** the block that ran last: its name is asked for again and again */
  #route = '';
  #code: Code | undefined;
  #inFlight = 0;
  #disposed = false;
  #freed = false;

  constructor(parts: CfgProgramParts) {
    this.name = parts.name;
    this.version = parts.version;
    this.#parts = parts;
    this.#core = new ProgramInCore(parts.core, parts.running, parts.assembly);
    this.#rc = parts.running.rc;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  has(route: string): boolean {
    return !this.#freed && this.#block(route) !== undefined;
  }

  run(route: string, msg: number, _arg?: ByteStr): RunResult {
    if (this.#disposed) return failed(`Cannot run ${route}: the config was unloaded`, '', 0);
    const code = route === this.#route ? this.#code : this.#block(route);
    if (!code) return MISSING;
    this.#route = route;
    this.#code = code;
    this.#inFlight++;
    const m = this.#idle.pop() ?? new Machine(code, msg, this.#rc, this.#core);
    m.code = code;
    m.msg = msg;
    m.allow(this.#parts.instructions);
    const entry = code.entries[0];
    const result = entry ? this.#start(m, entry) : this.#around(m, this.#rc.value, undefined);
    if (!result) return this.#suspend(m);
    if (this.#idle.length < MAX_IDLE) this.#idle.push(m);
    this.#finish();
    return result;
  }

  /** Runs in the core; what does not end there goes on here. @returns undefined when it waits */
  #start(m: Machine, entry: number): RunResult | undefined {
    let status: number;
    try {
      status = this.#core.start(m, entry);
    } catch (error) {
      const result: RunResult = { state: 'error', error: this.#failure(m, error) };
      m.clear();
      return result;
    }
    if (status > L.CFG_LEAVE) return this.#around(m, this.#core.outerCode, status);
    m.ended = false;
    return status === L.CFG_END ? EXIT : DONE;
  }

  /** @param rc $rc of the route around this one, for which that of this one is nothing  @param status how the core stopped; undefined: nothing ran yet */
  #around(m: Machine, rc: number, status: number | undefined): RunResult | undefined {
    if (status === undefined) this.#rc.value = 0;
    const result = this.#go(m, status);
    this.#rc.value = rc;
    if (result) m.clear();
    return result;
  }

  dispose(): void {
    this.#disposed = true;
    this.#freeWhenIdle();
  }

  memoryBytes(): number {
    return this.#freed ? 0 : this.#parts.bytes;
  }

  /** A block by its name; a name alone is that of a route[..]. */
  #block(route: string): Code | undefined {
    const { blocks } = this.#parts;
    return blocks.get(route) ?? blocks.get(`route[${route}]`);
  }

  /** Runs on. @param status how the core stopped, where it did  @returns undefined when it waits */
  #go(m: Machine, status?: number): RunResult | undefined {
    try {
      const on = status === undefined || this.#core.stopped(m, status);
      if (!on || !m.run()) {
        const error = this.#failure(m, new Error('the instruction limit was reached'));
        return { state: 'error', error: { ...error, limit: 'instructions' } };
      }
      if (m.ended) return EXIT;
      if (!m.pending) return DONE;
      m.keptRc = m.rc;
      return undefined;
    } catch (error) {
      return { state: 'error', error: this.#failure(m, error) };
    } finally {
      if (m.inside) {
        m.inside = false;
        this.#parts.core.x.setMsg(m.outerMsg);
      }
    }
  }

  #failure(m: Machine, error: unknown): RouteError {
    const { file, line } = m.place;
    const what = error instanceof Error ? error.message : String(error);
    const calls = m.frames
      .map(f => ({ name: f.code.name, at: f.code.places[f.pc - 1] ?? f.code.at }))
      .concat({ name: m.code.name, at: m.place })
      .reverse();
    return {
      message: `${file}:${line}: ${what}`,
      traceback: ['traceback:', ...calls.map(c => `\t${c.at.file}:${c.at.line}: in ${c.name}`)].join('\n'),
      file,
      line,
      ...(error instanceof WebAssembly.RuntimeError && { trap: true }),
    };
  }

  #suspend(m: Machine): RunResult {
    const run: Suspended = { m };
    const settled = new Promise<RunResult>(resolve => {
      run.end = resolve;
    });
    this.#await(run);
    const abandon = (why: string) => {
      if (!run.end) return;
      const { message: _, ...rest } = this.#failure(m, why);
      const { wait } = run;
      this.#end(run, { state: 'error', error: { ...rest, message: why } });
      if (wait) this.#parts.giveUp?.(wait, why);
    };
    return { state: 'suspended', settled, abandon };
  }

  #await(run: Suspended): void {
    const { m } = run;
    const { pending, settle } = m;
    m.pending = undefined;
    m.settle = undefined;
    run.wait = pending!;
    pending!.then(
      value => this.#resume(run, () => settle!(value)),
      error =>
        this.#resume(run, () => {
          throw error;
        }),
    );
  }

  #resume(run: Suspended, take: () => void): void {
    if (!run.end) return;
    const rc = this.#rc;
    const around = rc.value;
    let result: RunResult | undefined;
    try {
      rc.value = run.m.keptRc;
      take();
      result = this.#go(run.m);
    } catch (error) {
      result = { state: 'error', error: this.#failure(run.m, error) };
    }
    rc.value = around;
    if (result) this.#end(run, result);
    else this.#await(run);
  }

  #end(run: Suspended, result: RunResult): void {
    const end = run.end!;
    delete run.end;
    this.#finish();
    end(result);
  }

  #finish(): void {
    this.#inFlight--;
    if (this.#disposed) this.#freeWhenIdle();
  }

  #freeWhenIdle(): void {
    if (this.#inFlight > 0 || this.#freed) return;
    this.#freed = true;
    this.#parts.free();
  }
}

function failed(message: string, file: string, line: number): RunResult {
  return { state: 'error', error: { message, traceback: '', file, line } };
}
