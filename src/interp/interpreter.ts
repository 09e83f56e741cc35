/**
 * The contract of every engine (Lua, native cfg, Python, JavaScript): what the runtime may ask of an interpreter, and what the interpreter gets from
 * outside. Knows no language. test/unit/interp/contract.ts holds each engine to it.
 */
import type { Core } from '../core/load.ts';
import type { ByteStr } from '../core/memory.ts';
import type { KsrEntry } from '../kemi/bridge.ts';
import type { ReturnType } from '../kemi/table.ts';

export type { KsrEntry };

/** What stands in the KSR tree; src/kemi/bridge.ts is one. Paths are below KSR: ['is_INVITE'], ['sl', 'sl_send_reply']. */
export interface KsrTree {
  readonly entries: readonly KsrEntry[];
  /**
   * The error text for a function that Kamailio has and we have not, or whose module is not loaded:
   * 'KSR.dispatcher.ds_select_dst: module dispatcher is not available in this version'. undefined when Kamailio has no such name either.
   */
  unavailable(path: readonly string[]): string | undefined;
  /** @param path of a name that does not exist  @returns the closest one that does, as 'KSR.sl.sl_send_reply' */
  suggest(path: readonly string[]): string | undefined;
}

/** What a suspended call waits for. */
export interface Wait {
  readonly promise: Promise<unknown>;
  readonly returns: ReturnType;
}

/** What an interpreter needs from outside. */
export interface InterpreterOptions {
  readonly core: Core;
  readonly tree: KsrTree;
  /** value of the global KSRVERSION */
  readonly version: string;
  /** Reads a file that the script requires; undefined when it is absent or not granted. */
  readonly readFile?: (path: string) => Uint8Array | undefined;
  /** folders where `require` looks after the script's own */
  readonly searchPath?: readonly string[];
  /** gets what the script prints, one line a call, without its end of line */
  readonly print?: (line: ByteStr) => void;
  readonly limits?: {
    /** instructions of the language's machine for one run; absent: no limit */
    readonly instructions?: number;
    /** the same for the top level of a script; absent: as `instructions` */
    readonly loadInstructions?: number;
    /** what one script may hold, bytes; default 128 MiB */
    readonly memoryBytes?: number;
  };
  /**
   * What the HOST_SUSPEND that hostCall just returned waits for: fetched once, right after the route stopped. The promise gives the call's result as
   * the export declares it (number, boolean, XVal or nothing); a rejection becomes an error at the call in the script.
   */
  readonly takePending?: () => Wait | undefined;
  /** Calls a command of routing blocks by its name (KSR.x.modf). @returns its code; a promise where it waits */
  readonly command?: (name: ByteStr, args: readonly ByteStr[]) => number | Promise<number>;
  /** Says that what the route does next waits: takePending() gives it. */
  readonly wait?: (promise: Promise<number>) => void;
}

export interface RouteError {
  /** as Kamailio logs it: 'file:line: what'; 'unknown' for an error value that is no string */
  readonly message: string;
  readonly traceback: string;
  /** '' and 0 when unknown */
  readonly file: string;
  readonly line: number;
  /** a wasm trap or an engine failure: our bug, not the script's */
  readonly trap?: boolean;
  /** the run was stopped by this limit */
  readonly limit?: 'instructions' | 'memory';
}

/**
 * done: the callback returned; exit: KSR.x.exit() or drop() ended it; missing: the script has no such callback; error: it failed, what it did so far stands;
 * suspended: it waits for an async export.
 */
export type RunState = 'done' | 'exit' | 'missing' | 'error' | 'suspended';

/** Shared and frozen for done, exit and missing: never keep state on it. */
export interface RunResult {
  readonly state: RunState;
  readonly error?: RouteError;
  /** of a suspended run: its end, never 'suspended', never rejected */
  readonly settled?: Promise<RunResult>;
  /** of a suspended run: gives it up; `settled` resolves with an error of this text. Does nothing when the run has ended. */
  readonly abandon?: (why: string) => void;
}

/** One loaded script with its own state. */
export interface Program {
  /** file name as given to load() */
  readonly name: string;
  /** counts the loads of one interpreter from 1 */
  readonly version: number;
  /** whether routes are blocks with kinds, and their names `branch_route[NAME]` and the like; absent: functions, by their names */
  readonly blocks?: boolean;
  /** runs that have not ended: suspended ones and the one being executed */
  readonly inFlight: number;
  /** Whether the script has this callback now. Scripts may define callbacks while they run. */
  has(route: string): boolean;
  /**
   * Runs a callback to its end, or to its first wait. May be called while another run is being executed (a function that runs a route).
   * @param msg address of struct SipMsg, 0 for none; BORROWED until the run has ended, across waits
   * @param arg the callback's argument, as event routes get it
   */
  run(route: string, msg: number, arg?: ByteStr): RunResult;
  /** Frees the state as soon as no run is in flight. Runs may finish, new ones end in an error. */
  dispose(): void;
  /** bytes the script's state holds; 0 after dispose() took effect */
  memoryBytes(): number;
}

export interface Interpreter {
  /** 'lua', 'native', 'python', 'js' */
  readonly kind: string;
  /**
   * Parses the source and runs its top level, without a message.
   * @param source the file's bytes  @param name its path: shown in errors; `require` looks in its folder
   * @throws {ScriptError} the diagnostics name file and line; nothing is left behind
   */
  load(source: Uint8Array, name: string): Program;
}
