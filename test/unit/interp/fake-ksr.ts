/** A core with a small KSR tree of its own: self-test targets and host functions in place of the real modules. */
import { readFileSync } from 'node:fs';
import * as L from '../../../src/core/gen/layout.gen.ts';
import { type Core, loadCore } from '../../../src/core/load.ts';
import { type ByteStr, byteStrOf } from '../../../src/core/memory.ts';
import type { InterpreterOptions, KsrTree, Wait } from '../../../src/interp/interpreter.ts';
import { callName } from '../../../src/kemi/call-name.ts';
import { closest } from '../../../src/kemi/suggest.ts';
import type { ParamType, ReturnType } from '../../../src/kemi/table.ts';

const build = (file: string) =>
  new WebAssembly.Module(readFileSync(new URL(`../../../build/${file}`, import.meta.url)));
const lua = build('lua.wasm');
const release = build('core.wasm');

export interface FakeFunction {
  path: string;
  params?: ParamType[];
  returns?: ReturnType;
  wasm?: string;
  run?: (...args: (number | ByteStr | null)[]) => unknown;
  async?: boolean;
  anytime?: boolean;
  internPv?: boolean;
}

/** What the tests of every engine find on KSR. */
export const STANDARD: FakeFunction[] = [
  { path: 'is_true', returns: 'bool', wasm: 'selfTestOne' },
  { path: 'is_minus', returns: 'bool', wasm: 'selfTestMinusOne' },
  { path: 'info', params: ['str'], returns: 'none', run: () => undefined, anytime: true },
  { path: 'set_drop', returns: 'none', run: () => undefined },
  { path: 't.one', wasm: 'selfTestOne' },
  { path: 't.msg', wasm: 'selfTestMsg' },
  { path: 't.int', params: ['int'], wasm: 'selfTestInt' },
  { path: 't.str', params: ['str'], wasm: 'selfTestStr' },
  { path: 't.none', params: ['int'], returns: 'none', wasm: 'selfTestInt' },
  { path: 't.none0', returns: 'none', wasm: 'selfTestOne' },
  { path: 't.echo', params: ['str'], returns: 'xval', wasm: 'selfTestEcho' },
  { path: 't.text', params: ['int'], returns: 'xval', wasm: 'selfTestText' },
  { path: 't.six', returns: 'xval', wasm: 'selfTestSixBytes' },
  { path: 't.method', params: ['int'], returns: 'xval', wasm: 'selfTestMethod' },
  { path: 't.forty', returns: 'xval', wasm: 'selfTestForty' },
  { path: 't.tag', params: ['int'], returns: 'xval', wasm: 'selfTestTag' },
  { path: 't.pv', params: ['str'], returns: 'xval', wasm: 'selfTestPv', internPv: true },
  { path: 't.pvset', params: ['str', 'str'], wasm: 'selfTestPvSet', internPv: true },
  { path: 't.mixed', params: ['str', 'int', 'str'], wasm: 'selfTestMixed' },
  { path: 't.twelve', params: ['str', 'str', 'str', 'str', 'str', 'str'], wasm: 'selfTestTwelve' },
  { path: 't.anytime', params: ['int'], wasm: 'selfTestInt', anytime: true },
  { path: 't.trap', wasm: 'selfTestTrap' },
  { path: 'h.add', params: ['int', 'int'], run: (a, b) => (a as number) + (b as number) },
  { path: 'h.len', params: ['str'], run: s => (s === null ? -1 : (s as ByteStr).length) },
  {
    path: 'h.up',
    params: ['str'],
    returns: 'xval',
    run: s => (s === null ? null : (s as ByteStr).replace(/[a-z]/g, c => c.toUpperCase())),
  },
  {
    path: 'h.fail',
    run: () => {
      throw new Error('module bug');
    },
  },
];

export interface Fake {
  core: Core;
  options: InterpreterOptions;
  /** what the dispatcher complained of: 'KSR.t.int: 2' */
  complaints: string[];
  printed: string[];
  /** PV names that were resolved */
  resolved: string[];
  files: Map<string, string>;
}

const TYPE = { int: L.T_INT, str: L.T_STR, none: L.T_NONE, bool: L.T_BOOL, xval: L.T_XVAL };

/** @param more functions besides STANDARD */
export function fake(more: FakeFunction[] = [], limits?: InterpreterOptions['limits'], maxPages?: number): Fake {
  const core = loadCore({ lua, core: release, ...(maxPages && { maxPages }) });
  const functions = [...STANDARD, ...more];
  const { mem, x } = core;
  const entries = functions.map((f, i) => {
    const id = i + 1;
    const at = x.descsArea() + id * L.DESC_SIZE;
    const params = f.params ?? [];
    mem.setU32(at + L.DS_TARGET, f.wasm ? core.addFunction(x[f.wasm]) : 0);
    mem.u8[at + L.DS_NPARAMS] = params.length;
    mem.u8[at + L.DS_RET] = TYPE[f.returns ?? 'int'];
    mem.u8[at + L.DS_WORDS] = params.reduce((n, p) => n + (p === 'str' ? 2 : 1), 0) - (f.internPv ? 1 : 0);
    mem.u8[at + L.DS_FLAGS] =
      (f.wasm ? 0 : L.F_HOST) |
      (f.async ? L.F_ASYNC : 0) |
      (f.internPv ? L.F_INTERN_PV : 0) |
      (f.anytime ? L.F_ANYTIME : 0);
    params.forEach((p, k) => {
      mem.u8[at + L.DS_TYPES + k] = TYPE[p];
    });
    return {
      id,
      path: f.path.split('.'),
      ...(f.wasm && { call: callName({ ...f, params, returns: f.returns ?? 'int' }) }),
    };
  });
  const complaints: string[] = [];
  const resolved: string[] = [];
  const printed: string[] = [];
  const files = new Map<string, string>();
  let pending: Wait | undefined;
  let text = 0;
  const put = (value: ByteStr) => {
    if (text) core.lua.free(text);
    text = core.lua.malloc(value.length + 1);
    mem.putStr(text, value);
    mem.setU32(x.retArea(), text);
    mem.setU32(x.retArea() + 4, value.length);
  };
  core.hooks.complain = (id, why) => complaints.push(`KSR.${functions[id - 1]!.path}: ${why}`);
  core.hooks.pvResolve = (at, length) => {
    const name = mem.str(at, length);
    resolved.push(name);
    return name.startsWith('$') ? name.length : 0;
  };
  core.hooks.hostCall = (word, argc, args) => {
    const f = functions[(word & 0xffff) - 1]!;
    const values: (number | ByteStr | null)[] = [];
    let at = args;
    for (let i = 0; i < argc; i++) {
      if (f.params![i] === 'int') values.push(mem.i32(at));
      else values.push(mem.u32(at) ? mem.str(mem.u32(at), mem.u32(at + 4)) : null);
      at += f.params![i] === 'int' ? 4 : 8;
    }
    if (f.async && !(word & 0x10000)) {
      put(`KSR.${f.path} cannot wait here`);
      return L.HOST_ERROR;
    }
    const value = f.run!(...values);
    if (value instanceof Promise) {
      pending = { promise: value, returns: f.returns ?? 'int' };
      return L.HOST_SUSPEND;
    }
    if (f.returns === 'bool') return value ? 1 : 0;
    if (f.returns !== 'xval') return Number(value ?? 0);
    if (typeof value === 'string') {
      put(value);
      return L.X_STR;
    }
    if (typeof value !== 'number') return L.X_NULL;
    mem.setU32(x.retArea(), value);
    return L.X_INT;
  };
  const paths = functions.map(f => f.path);
  const tree: KsrTree = {
    entries,
    unavailable(path) {
      if (path[0] === 'dispatcher' && path.length > 1)
        return `KSR.${path.join('.')}: module dispatcher is not available in this version`;
      return undefined;
    },
    suggest(path) {
      const near = closest(path.join('.'), paths);
      return near && `KSR.${near}`;
    },
  };
  const options: InterpreterOptions = {
    core,
    tree,
    version: '6.0.0',
    print: line => printed.push(line),
    readFile: path => {
      const content = files.get(path);
      return content === undefined ? undefined : new TextEncoder().encode(content);
    },
    takePending() {
      const wait = pending;
      pending = undefined;
      return wait;
    },
    ...(limits && { limits }),
  };
  return { core, options, complaints, printed, resolved, files };
}

/** A script's bytes. */
export const source = (text: string) => new TextEncoder().encode(text);
export { byteStrOf };

/** A promise that a test settles when it likes. */
export interface Deferred {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}
export function deferred(): Deferred {
  let resolve!: Deferred['resolve'];
  let reject!: Deferred['reject'];
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
