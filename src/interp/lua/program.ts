/** A loaded Lua script: its routes run here, each on a pooled coroutine. */
import * as C from '../../core/gen/layout.gen.ts';
import type { Core, RawExports } from '../../core/load.ts';
import { type ByteStr, byteStrOf, utf8Of } from '../../core/memory.ts';
import type { InterpreterOptions, Program, RouteError, RunResult, Wait } from '../interpreter.ts';
import { explain, type Place, placeOf, topOfTrace } from './errors.ts';
import { type LuaState, REGISTRY } from './state.ts';

const DONE: RunResult = Object.freeze({ state: 'done' });
const EXIT: RunResult = Object.freeze({ state: 'exit' });
const MISSING: RunResult = Object.freeze({ state: 'missing' });

/** lua_resume(): out of memory */
const ERRMEM = 4;
/** route names come from scripts and configs: a script that makes up names must not fill the memory */
const MAX_NAMES = 1024;
/** coroutines kept for later runs; more wait at once only in a burst */
const MAX_IDLE = 256;

/** What runs now; shared by all programs of one core, because their runs nest. */
export interface Running {
  co: number;
  msg: number;
}

/** A run that waits. */
interface Suspended {
  readonly co: number;
  readonly msg: number;
  ticks: number;
  end?: (result: RunResult) => void;
}

export class LuaProgram implements Program {
  readonly name: string;
  readonly version: number;
  /** source texts by file name, to explain errors with */
  readonly sources = new Map<string, ByteStr>();
  readonly #state: LuaState;
  readonly #x: RawExports;
  readonly #core: Core;
  readonly #options: InterpreterOptions;
  readonly #running: Running;
  readonly #onClosed: () => void;
  readonly #names = new Map<string, number>();
  readonly #idle: number[] = [];
  /** registry indexes of the coroutines, by address */
  readonly #anchors = new Map<number, number>();
  #inFlight = 0;
  #disposed = false;
  #closed = false;
  #line = '';

  constructor(
    state: LuaState,
    name: string,
    version: number,
    options: InterpreterOptions,
    running: Running,
    onClosed: () => void,
  ) {
    this.#state = state;
    this.#core = state.core;
    this.#x = state.core.x;
    this.name = name;
    this.version = version;
    this.#options = options;
    this.#running = running;
    this.#onClosed = onClosed;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  has(route: string): boolean {
    return !this.#closed && this.#x.luaHas(this.#state.L, this.#nameOf(route)) === 1;
  }

  run(route: string, msg: number, arg?: ByteStr): RunResult {
    if (this.#disposed) return failed(`Cannot run ${route}: the script was unloaded`);
    const name = this.#names.get(route) ?? this.#nameOf(route);
    const co = this.#idle.pop() ?? this.#newCoroutine();
    if (!co) return failed('not enough memory', 'memory');
    if (arg !== undefined) return this.#runWith(co, name, msg, arg);
    return this.#enter(co, name, msg, 0, 0);
  }

  dispose(): void {
    this.#disposed = true;
    this.#closeWhenIdle();
  }

  memoryBytes(): number {
    return this.#closed ? 0 : this.#x.luaUsed(this.#state.L);
  }

  /** Runs the script's top level; the parsed chunk is on `co`. @returns the error, undefined when it ran */
  runTopLevel(co: number): RouteError | undefined {
    const result = this.#enter(co, 0, 0, 0, 0);
    if (result.state === 'done') return undefined;
    if (result.state === 'suspended') {
      result.abandon!('cannot wait while the script loads');
      return { message: 'cannot wait while the script loads', traceback: '', file: this.name, line: 0 };
    }
    if (result.state === 'exit')
      return { message: 'KSR.x.exit() outside of a route', traceback: '', file: this.name, line: 0 };
    return result.error;
  }

  /** @returns an idle coroutine, anchored in the registry; 0 when there is no memory for one */
  takeCoroutine(): number {
    return this.#idle.pop() ?? this.#newCoroutine();
  }

  /** What the script writes, cut into lines. */
  write(text: ByteStr): void {
    const lines = (this.#line + text).split('\n');
    // A line without end is passed on before it can fill the memory.
    this.#line = lines.at(-1)!.length > 65536 ? '' : lines.pop()!;
    for (const line of lines) this.#options.print?.(line);
  }

  #enter(co: number, name: number, msg: number, arg: number, argBytes: number): RunResult {
    const running = this.#running;
    const { co: outerCo, msg: outerMsg } = running;
    running.co = co;
    running.msg = msg;
    this.#inFlight++;
    let rc: number;
    try {
      rc = this.#x.luaRun(co, name, msg, arg, argBytes);
    } catch (error) {
      return this.#recover(co, error, outerCo, outerMsg);
    }
    running.co = outerCo;
    running.msg = outerMsg;
    if (rc === C.RUN_SUSPENDED) return this.#suspend(co, msg);
    return this.#finish(co, rc);
  }

  #runWith(co: number, name: number, msg: number, arg: ByteStr): RunResult {
    const { mem, lua } = this.#core;
    const at = lua.malloc(arg.length + 1);
    if (!at) {
      this.#idle.push(co);
      return failed('not enough memory', 'memory');
    }
    mem.putStr(at, arg);
    const result = this.#enter(co, name, msg, at, arg.length);
    lua.free(at);
    return result;
  }

  #finish(co: number, rc: number): RunResult {
    this.#inFlight--;
    const result =
      rc === C.RUN_DONE ? DONE : rc === C.RUN_EXIT ? EXIT : rc === C.RUN_MISSING ? MISSING : this.#failure(co, rc);
    // Lua lets no hook run again on a thread that died in one.
    if (result.error?.limit === 'instructions' || this.#idle.length >= MAX_IDLE) this.#dropCoroutine(co);
    else this.#idle.push(co);
    if (this.#disposed) this.#closeWhenIdle();
    return result;
  }

  /** Something flew through lua_resume: only this coroutine is hurt, the main thread was not in use. */
  #recover(co: number, error: unknown, outerCo: number, outerMsg: number): RunResult {
    const running = this.#running;
    running.co = outerCo;
    running.msg = outerMsg;
    this.#x.luaRestore(outerCo, outerMsg);
    const text = error instanceof Error ? error.message : String(error);
    this.#core.mem.setU32(co + 48, 0); // errorJmp: nobody is there to be jumped to
    this.#inFlight--;
    try {
      this.#x.luaReset(co);
    } catch {
      // It is not used again.
    }
    this.#dropCoroutine(co);
    // Values that were pushed outside of any protected call: the abort is Lua's way to say that there is no memory.
    const memory = this.#x.luaRefused(this.#state.L) === 1;
    if (this.#disposed) this.#closeWhenIdle();
    if (memory) return failed('not enough memory', 'memory');
    return { state: 'error', error: { message: text, traceback: '', file: '', line: 0, trap: true } };
  }

  #failure(co: number, rc: number): RunResult {
    const stray = rc === C.RUN_STRAY_YIELD;
    const raw = stray ? 'attempt to yield from outside a coroutine' : this.#state.text(-1, co);
    const traceback = utf8Of(this.#state.traceback(co));
    const refused = this.#x.luaRefused(this.#state.L) === 1;
    const names = this.sources.keys();
    const text = raw === undefined ? 'unknown' : utf8Of(raw);
    let place: Place = placeOf(text, names);
    let message = text;
    const told = explain(place, this.sources.get(place.file), this.#options.tree);
    if (told) message = `${text.slice(0, text.length - place.what.length)}${told}`;
    const instructions =
      !stray && this.#x.luaTicks() <= 0 && (this.#options.limits?.instructions || text.includes('instruction limit'))
        ? ('instructions' as const)
        : undefined;
    // A thread that died in a hook is dropped as it is: its __close handlers would run with no hook to stop them.
    if (!instructions) this.#x.luaReset(co);
    const memory = rc === ERRMEM || (refused && text.includes('not enough memory')) ? ('memory' as const) : undefined;
    const limit = instructions ?? memory;
    const trap = text.startsWith('trap: ') && this.#core.traps > 0;
    if (!place.line) {
      place = topOfTrace(traceback, names) ?? place;
      if (place.line && (limit || trap)) message = `${place.file}:${place.line}: ${message}`;
    }
    const error: RouteError = {
      message,
      traceback,
      file: place.file,
      line: place.line,
      ...(trap && { trap }),
      ...(limit && { limit }),
    };
    return { state: 'error', error };
  }

  #suspend(co: number, msg: number): RunResult {
    const run: Suspended = { co, msg, ticks: this.#x.luaTicks() };
    const settled = new Promise<RunResult>(resolve => {
      run.end = resolve;
    });
    this.#await(run);
    const abandon = (why: string) => {
      if (!run.end) return;
      const traceback = utf8Of(this.#state.traceback(co));
      const { file, line } = topOfTrace(traceback, this.sources.keys()) ?? { file: '', line: 0 };
      this.#x.luaReset(co);
      this.#end(run, { state: 'error', error: { message: why, traceback, file, line } });
    };
    return { state: 'suspended', settled, abandon };
  }

  #end(run: Suspended, result: RunResult): void {
    const end = run.end!;
    delete run.end;
    this.#inFlight--;
    if (this.#idle.length < MAX_IDLE) this.#idle.push(run.co);
    else this.#dropCoroutine(run.co);
    if (this.#disposed) this.#closeWhenIdle();
    end(result);
  }

  #await(run: Suspended): void {
    const wait = this.#options.takePending?.();
    const promise = wait?.promise ?? Promise.reject(new Error('nothing to wait for'));
    const returns = wait?.returns ?? 'none';
    promise.then(
      value => this.#resume(run, returns, value, undefined),
      error => this.#resume(run, returns, undefined, error instanceof Error ? error.message : String(error)),
    );
  }

  #resume(run: Suspended, returns: Wait['returns'], value: unknown, error: string | undefined): void {
    if (!run.end) return;
    const { co, msg } = run;
    const running = this.#running;
    const { co: outerCo, msg: outerMsg } = running;
    running.co = co;
    running.msg = msg;
    let rc: number;
    let text = 0;
    try {
      const [tag, at] = error === undefined ? this.#encode(returns, value) : [-1, this.#lend(byteStrOf(error))];
      text = at;
      rc = this.#x.luaResume(co, msg, tag, run.ticks);
    } catch (thrown) {
      const result = this.#recover(co, thrown, outerCo, outerMsg);
      const { end } = run;
      delete run.end;
      end!(result);
      return;
    } finally {
      if (text) this.#core.lua.free(text);
    }
    running.co = outerCo;
    running.msg = outerMsg;
    if (rc === C.RUN_SUSPENDED) {
      run.ticks = this.#x.luaTicks();
      this.#await(run);
      return;
    }
    const { end } = run;
    delete run.end;
    end!(this.#finish(co, rc));
  }

  /** Puts an awaited value where luaResume() reads it. @returns X_* tag, and the address to free afterwards */
  #encode(returns: Wait['returns'], value: unknown): [tag: number, text: number] {
    const { mem, x } = this.#core;
    if (returns === 'bool') return [value ? C.X_TRUE : C.X_FALSE, 0];
    if (returns === 'xval' && typeof value === 'string') return [C.X_STR, this.#lend(value)];
    if (returns === 'xval' && typeof value !== 'number') return [C.X_NULL, 0];
    const n = returns === 'none' ? 0 : Math.trunc(Number(value)) || 0;
    mem.view.setBigInt64(x.retArea(), Number.isFinite(n) ? BigInt.asIntN(64, BigInt(n)) : 0n, true);
    return [returns === 'xval' ? C.X_LONG : C.X_INT, 0];
  }

  #lend(text: ByteStr): number {
    const { mem, lua, x } = this.#core;
    const at = lua.malloc(text.length + 1);
    if (!at) throw new Error('not enough memory');
    mem.putStr(at, text);
    mem.setU32(x.retArea(), at);
    mem.setU32(x.retArea() + 4, text.length);
    return at;
  }

  /** Registry index of a route's name as a Lua string. */
  #nameOf(route: string): number {
    const known = this.#names.get(route);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_NAMES) {
      for (const ref of this.#names.values()) this.#core.lua.luaL_unref(this.#state.L, REGISTRY, ref);
      this.#names.clear();
    }
    this.#state.push(byteStrOf(route));
    const ref = this.#state.ref();
    this.#names.set(route, ref);
    return ref;
  }

  /** @returns 0 when there is no memory for one */
  #newCoroutine(): number {
    const { lua } = this.#core;
    const { L } = this.#state;
    const sp = lua.stackSave();
    const top = lua.lua_gettop(L);
    try {
      const co = lua.lua_newthread(L);
      this.#anchors.set(co, this.#state.ref());
      return co;
    } catch {
      // Nothing protects this call: Lua's error handler aborts.
      lua.stackRestore(sp);
      lua.lua_settop(L, top);
      return 0;
    }
  }

  #dropCoroutine(co: number): void {
    this.#core.lua.luaL_unref(this.#state.L, REGISTRY, this.#anchors.get(co));
    this.#anchors.delete(co);
  }

  #closeWhenIdle(): void {
    if (this.#inFlight > 0 || this.#closed) return;
    this.#closed = true;
    if (this.#line) this.#options.print?.(this.#line);
    this.#onClosed();
    this.#x.luaClose(this.#state.L);
  }
}

function failed(message: string, limit?: RouteError['limit']): RunResult {
  return { state: 'error', error: { message, traceback: '', file: '', line: 0, ...(limit && { limit }) } };
}
