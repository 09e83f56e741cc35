/**
 * Hosts wasmoon's Lua build and our core in one linear memory. Lua's memory is the memory; the core's static data lies in a window that the first
 * malloc takes; Lua calls the core, and the core calls Lua's C API, wasm to wasm. None of wasmoon's JavaScript is used: it hides the memory and
 * the table, and cannot run where WebAssembly may not be compiled from bytes.
 */
import { KemiError } from '../errors.ts';
import { WINDOW_BASE, WINDOW_SIZE } from './gen/layout.gen.ts';
import { type ByteText, Memory } from './memory.ts';

// biome-ignore lint/suspicious/noExplicitAny: raw exports of a wasm module, all of them functions of integers
export type RawExports = Record<string, any>;

/** What the core calls in TypeScript. Set by the bridge and the engine after loading; integers only. */
export interface CoreHooks {
  /** a TypeScript function of the KEMI table: export number (bit 16: may suspend), argument count, address of the argument words */
  hostCall(id: number, argc: number, args: number): number;
  /** value of a PV without an AssemblyScript getter: X_* tag, payload in RET */
  pvGet(pvId: number): number;
  /** PV name to number, 0 when it is not a PV (already logged) */
  pvResolve(at: number, length: number): number;
  /** bytes at `at` go to where the current message's reply goes; 1 sent, 0 not */
  sendReply(at: number, length: number, code: number): number;
  /** replies through the transaction of the current message: code, reason; 1 sent, -1 not */
  tmReply(code: number, at: number, length: number): number;
  /** what tm's functions in the core need of src/modules/tm: an operation of wasm/modules/tm.ts */
  tmCall(op: number, arg: number): number;
  /** is this host ours? IPv6 with or without brackets; port 0 and proto 0 match any; 1 or 0 */
  isMyself(at: number, length: number, port: number, proto: number): number;
  /** what Lua asks of its engine: ENG_* operation, arguments on the stack of L; number of results pushed, -1 for an error value pushed */
  engineCall(L: number, op: number): number;
  /** ARG_* arity error of export `id`; only logs */
  complain(id: number, why: number): void;
  /** a closure of the routing blocks of a kamailio.cfg that run now; gives its value */
  cfgHost(closure: number): number;
  /** a log line: level as in Kamailio (-1 err, 0 warn, 1 notice, 2 info, 3 dbg, -2 crit ...) */
  log(level: number, at: number, length: number): void;
}

export interface LoadOptions {
  lua: WebAssembly.Module;
  core: WebAssembly.Module;
  /** how the host makes byte strings of a buffer; absent: char by char */
  byteText?: (buffer: ArrayBuffer) => ByteText;
  /** upper bound of the linear memory, in pages of 64 KiB; default 4096 (256 MiB) */
  maxPages?: number;
  /** what Lua's stdout and stderr (io.write, warn) print, one line a call */
  print?: (line: string) => void;
  /** wall clock in milliseconds, fractions welcome: os.time, os.clock, os.date */
  now?: () => number;
}

/** One core in one memory. */
export interface Core {
  /** exports of wasm/index.ts */
  readonly x: RawExports;
  /** exports of Lua: the C API, malloc, free, stackSave ... */
  readonly lua: RawExports;
  readonly mem: Memory;
  readonly table: WebAssembly.Table;
  readonly hooks: CoreHooks;
  /** wasm traps that became Lua errors so far: our bugs */
  traps: number;
  /** called when Lua asks for more memory than maxPages, before its allocation fails */
  onMemoryLimit?: () => void;
  /** puts an exported wasm function into the shared table and returns its index */
  addFunction(fn: unknown): number;
}

const LONGJMP = Infinity;

/** @throws KemiError KEMI_ERR_WASM when the modules do not fit each other */
export function loadCore(options: LoadOptions): Core {
  const now = options.now ?? (() => performance.timeOrigin + performance.now());
  const maxPages = options.maxPages ?? 4096;
  let mem: Memory;
  let table: WebAssembly.Table;
  let lua: RawExports;
  const notThere = (what: string) => () => {
    throw new KemiError('KEMI_ERR_WASM', `Cannot call ${what}: no engine or bridge is attached`);
  };
  const hooks: CoreHooks = {
    hostCall: notThere('hostCall'),
    pvGet: notThere('pvGet'),
    pvResolve: notThere('pvResolve'),
    sendReply: () => 0,
    tmReply: () => -1,
    tmCall: () => -1,
    isMyself: () => 0,
    engineCall: notThere('engineCall'),
    complain: () => {},
    cfgHost: notThere('cfgHost'),
    log: () => {},
  };
  const lines: number[] = [];
  const decoder = new TextDecoder();
  /** functions of the table that protected calls have gone to: it only grows, and looking into it costs more than the call */
  const targets: ((L: number, ud: number) => void)[] = [];
  const core: { onMemoryLimit?: () => void; traps: number } = { traps: 0 };

  const env: Record<string, unknown> = {
    abort() {
      throw new WebAssembly.RuntimeError('Lua called abort()');
    },
    exit(code: number) {
      throw new WebAssembly.RuntimeError(`Lua called exit(${code})`);
    },
    // Lua's protected calls come through here. longjmp is a JS exception; a trap or a JS error becomes a Lua error, so that pcall sees it.
    invoke_vii(index: number, L: number, ud: number) {
      const sp = lua.stackSave();
      try {
        (targets[index] ??= table.get(index))(L, ud);
      } catch (error) {
        lua.stackRestore(sp);
        if (error !== LONGJMP) {
          try {
            raise(L, error);
          } catch (raised) {
            if (raised !== LONGJMP) throw raised;
            lua.stackRestore(sp);
          }
        }
        lua.setThrew(1, 0);
      }
    },
    _emscripten_throw_longjmp() {
      throw LONGJMP;
    },
    emscripten_resize_heap(wanted: number) {
      wanted >>>= 0;
      const bytes = mem.memory.buffer.byteLength;
      if (wanted > maxPages * 65536) {
        core.onMemoryLimit?.();
        return 0;
      }
      try {
        mem.memory.grow(Math.ceil((Math.min(Math.max(wanted, bytes * 1.2), maxPages * 65536) - bytes) / 65536));
      } catch {
        return 0;
      }
      return 1;
    },
    emscripten_date_now: now,
    _emscripten_get_now_is_monotonic: () => 1,
    system: () => 0,
  };
  Object.assign(
    env,
    timeImports(() => mem),
  );
  for (const name of ['openat', 'fcntl64', 'ioctl', 'dup3', 'unlinkat', 'rmdir', 'renameat', 'readlinkat'])
    env[`__syscall_${name}`] = () => -52;
  const wasi = {
    fd_write(_fd: number, iov: number, count: number, written: number) {
      let total = 0;
      for (let k = 0; k < count; k++) {
        const at = mem.u32(iov + 8 * k);
        const length = mem.u32(iov + 8 * k + 4);
        for (const byte of mem.u8.subarray(at, at + length)) {
          if (byte !== 10) lines.push(byte);
          else options.print?.(decoder.decode(new Uint8Array(lines.splice(0))));
        }
        total += length;
      }
      mem.setU32(written, total);
      return 0;
    },
    fd_read: () => 8,
    fd_close: () => 0,
    fd_seek: () => 58,
    environ_sizes_get(count: number, size: number) {
      mem.setU32(count, 0);
      mem.setU32(size, 0);
      return 0;
    },
    environ_get: () => 0,
  };
  /** Raises a JS error or a trap as a Lua error on L: luaD_throw longjmps out of lua_error. */
  function raise(L: number, error: unknown): void {
    if (error instanceof WebAssembly.RuntimeError) core.traps++;
    const text = new TextEncoder().encode(
      error instanceof WebAssembly.RuntimeError
        ? `trap: ${error.message}`
        : `${error instanceof Error ? error.message : error}`,
    );
    const at = lua.malloc(text.length + 1);
    mem.u8.set(text, at);
    lua.lua_pushlstring(L, at, text.length);
    lua.free(at);
    lua.lua_error(L);
  }

  try {
    lua = new WebAssembly.Instance(options.lua, { env, wasi_snapshot_preview1: wasi } as WebAssembly.Imports).exports;
  } catch (cause) {
    throw new KemiError(
      'KEMI_ERR_WASM',
      `Cannot instantiate lua.wasm: it is not the pinned wasmoon build (${(cause as Error).message})`,
      { cause },
    );
  }
  mem = new Memory(lua.memory, options.byteText);
  table = lua.__indirect_function_table;
  lua.emscripten_stack_init();
  lua.__wasm_call_ctors();
  const window = lua.malloc(WINDOW_SIZE + 16);
  if (window > WINDOW_BASE || window + 16 < WINDOW_BASE) {
    throw new KemiError(
      'KEMI_ERR_WASM',
      `Cannot place the core: the first block of Lua's heap is at ${window}, the core was built for ${WINDOW_BASE}; run npm run build`,
    );
  }
  const host = {
    hostCall: (id: number, argc: number, args: number) => hooks.hostCall(id, argc, args),
    pvGet: (id: number) => hooks.pvGet(id),
    pvResolve: (at: number, length: number) => hooks.pvResolve(at, length),
    sendReply: (at: number, length: number, code: number) => hooks.sendReply(at, length, code),
    isMyself: (at: number, length: number, port: number, proto: number) => hooks.isMyself(at, length, port, proto),
    tmReply: (code: number, at: number, length: number) => hooks.tmReply(code, at, length),
    tmCall: (op: number, arg: number) => hooks.tmCall(op, arg),
    complain: (id: number, why: number) => hooks.complain(id, why),
    cfgHost: (closure: number) => hooks.cfgHost(closure),
    log: (level: number, at: number, length: number) => hooks.log(level, at, length),
  };
  let x: RawExports;
  try {
    x = new WebAssembly.Instance(options.core, {
      env: { memory: mem.memory, table, abort: env.abort },
      lua,
      host,
      engine: { engineCall: (L: number, op: number) => hooks.engineCall(L, op) },
    } as WebAssembly.Imports).exports;
  } catch (cause) {
    throw new KemiError('KEMI_ERR_WASM', `Cannot instantiate core.wasm: ${(cause as Error).message}`, { cause });
  }
  if (x.staticEnd() > WINDOW_BASE + WINDOW_SIZE) {
    throw new KemiError(
      'KEMI_ERR_WASM',
      `Cannot place the core: its static data ends at ${x.staticEnd()}, outside the window that ends at ${WINDOW_BASE + WINDOW_SIZE}; raise WINDOW_SIZE in scripts/gen-tables.ts`,
    );
  }
  mem.keepTexts(x.textPlace);
  return Object.assign(core, {
    x,
    lua,
    mem,
    table,
    hooks,
    addFunction(fn: unknown) {
      const index = table.grow(1);
      table.set(index, fn);
      return index;
    },
  });
}

/** os.date, os.time: C's struct tm (11 i32 words) in UTC and local time, and strftime. */
function timeImports(memory: () => Memory): Record<string, unknown> {
  const write = (tm: number, d: Date, utc: boolean) => {
    const get = (what: 'Seconds' | 'Minutes' | 'Hours' | 'Date' | 'Month' | 'FullYear' | 'Day') =>
      utc ? d[`getUTC${what}`]() : d[`get${what}`]();
    const start = utc ? Date.UTC(get('FullYear'), 0, 1) : new Date(get('FullYear'), 0, 1).getTime();
    const fields = [
      get('Seconds'),
      get('Minutes'),
      get('Hours'),
      get('Date'),
      get('Month'),
      get('FullYear') - 1900,
      get('Day'),
      Math.floor((d.getTime() - start) / 86400000),
      0,
    ];
    fields.forEach((value, i) => {
      memory().view.setInt32(tm + 4 * i, value, true);
    });
  };
  const read = (tm: number) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map(i => memory().i32(tm + 4 * i)) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
  const two = (n: number) => String(n).padStart(2, '0');
  const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
  const MONTHS = [
    'January',
    'February',
    'March',
    'April',
    'May',
    'June',
    'July',
    'August',
    'September',
    'October',
    'November',
    'December',
  ];
  const expand = (format: string, tm: ReturnType<typeof read>): string =>
    format.replace(/%[EO]?(.)/g, (all, c: string) => {
      const [sec, min, hour, mday, mon, year0, wday, yday] = tm;
      const year = year0 + 1900;
      switch (c) {
        case 'a':
          return DAYS[wday]?.slice(0, 3) ?? '?';
        case 'A':
          return DAYS[wday] ?? '?';
        case 'b':
        case 'h':
          return MONTHS[mon]?.slice(0, 3) ?? '?';
        case 'B':
          return MONTHS[mon] ?? '?';
        case 'c':
          return expand('%a %b %e %H:%M:%S %Y', tm);
        case 'C':
          return two(Math.floor(year / 100));
        case 'd':
          return two(mday);
        case 'D':
          return expand('%m/%d/%y', tm);
        case 'e':
          return String(mday).padStart(2);
        case 'F':
          return expand('%Y-%m-%d', tm);
        case 'g':
        case 'y':
          return two(year % 100);
        case 'G':
        case 'Y':
          return String(year);
        case 'H':
          return two(hour);
        case 'I':
          return two(hour % 12 || 12);
        case 'j':
          return String(yday + 1).padStart(3, '0');
        case 'm':
          return two(mon + 1);
        case 'M':
          return two(min);
        case 'n':
          return '\n';
        case 'p':
          return hour < 12 ? 'AM' : 'PM';
        case 'r':
          return expand('%I:%M:%S %p', tm);
        case 'R':
          return expand('%H:%M', tm);
        case 'S':
          return two(sec);
        case 't':
          return '\t';
        case 'T':
        case 'X':
          return expand('%H:%M:%S', tm);
        case 'u':
          return String(wday || 7);
        case 'U':
          return two(Math.floor((yday + 7 - wday) / 7));
        case 'w':
          return String(wday);
        case 'W':
          return two(Math.floor((yday + 7 - ((wday + 6) % 7)) / 7));
        case 'x':
          return expand('%m/%d/%y', tm);
        case 'z':
          return '+0000';
        case 'Z':
          return 'UTC';
        case '%':
          return '%';
        default:
          return all;
      }
    });
  return {
    _gmtime_js: (time: bigint, tm: number) => write(tm, new Date(Number(time) * 1000), true),
    _localtime_js: (time: bigint, tm: number) => write(tm, new Date(Number(time) * 1000), false),
    _mktime_js(tm: number) {
      const [sec, min, hour, mday, mon, year] = read(tm);
      const d = new Date(year + 1900, mon, mday, hour, min, sec);
      if (Number.isNaN(d.getTime())) return -1n;
      write(tm, d, false);
      return BigInt(Math.floor(d.getTime() / 1000));
    },
    _tzset_js() {},
    strftime(out: number, max: number, format: number, tm: number) {
      const mem = memory();
      let end = format;
      while (mem.u8[end]) end++;
      const text = new TextEncoder().encode(expand(mem.str(format, end - format), read(tm)));
      if (text.length >= max) return 0;
      mem.u8.set(text, out);
      mem.u8[out + text.length] = 0;
      return text.length;
    },
  };
}
