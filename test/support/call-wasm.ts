/** Calls AssemblyScript targets as the dispatcher does, without an engine. */
import * as L from '../../src/core/gen/layout.gen.ts';
import type { Core } from '../../src/core/load.ts';
import type { ByteStr } from '../../src/core/memory.ts';
import type { KemiFunction, XVal } from '../../src/kemi/table.ts';

/** An argument of a script: undefined is nil. */
export type Arg = number | ByteStr | null | undefined;

/** @param fn a row with `wasm`  @param args coerced as spec'd: a str that is nil becomes NULL, an int that is nil 0 */
export function callWasm(core: Core, fn: KemiFunction, args: readonly Arg[]): XVal | boolean | undefined {
  const { lua, mem, hooks, x } = core;
  const taken: number[] = [];
  const words: number[] = [];
  const lend = (text: ByteStr): [number, number] => {
    const at = lua.malloc(text.length + L.SLACK);
    taken.push(at);
    mem.putStr(at, text);
    return [at, text.length];
  };
  for (const [i, type] of fn.params.entries()) {
    const arg = args[i];
    if (fn.internPv && i === 0) words.push(hooks.pvResolve(...lend(String(arg ?? ''))));
    else if (type === 'int') words.push(typeof arg === 'number' ? arg : Number(arg ?? 0) || 0);
    else words.push(...(arg === null || arg === undefined ? ([0, 0] as const) : lend(String(arg))));
  }
  const result: number = x[fn.wasm!](...words);
  const value = resultOf(core, fn.returns, result);
  for (const at of taken) lua.free(at);
  return value;
}

/** What the script gets of a target's result. */
export function resultOf(core: Core, returns: KemiFunction['returns'], result: number): XVal | boolean | undefined {
  const { mem, x } = core;
  const ret = x.retArea();
  if (returns === 'none') return undefined;
  if (returns === 'bool') return result !== 0;
  if (returns === 'int') return result;
  switch (result) {
    case L.X_INT:
      return mem.i32(ret);
    case L.X_LONG:
      return Number(mem.view.getBigInt64(ret, true));
    case L.X_STR:
      return mem.str(mem.u32(ret), mem.u32(ret + 4));
    default:
      return null;
  }
}

/** Where hooks.pvGet puts a value for the core. @param at room for a string that lives long enough */
export function encode(core: Core, value: XVal): number {
  const ret = core.x.retArea();
  if (value === null) return L.X_NULL;
  if (typeof value === 'number') {
    core.mem.view.setInt32(ret, value, true);
    return L.X_INT;
  }
  const at = core.lua.malloc(value.length + L.SLACK);
  core.mem.putStr(at, value);
  core.mem.setU32(ret, at);
  core.mem.setU32(ret + 4, value.length);
  return L.X_STR;
}
