/** The compiled modules of this tree, for tests and benches. */
import { readFileSync } from 'node:fs';

const compile = (file: string) => new WebAssembly.Module(readFileSync(new URL(`../../build/${file}`, import.meta.url)));
let cached: { lua: WebAssembly.Module; core: WebAssembly.Module } | undefined;

/** @param debug the core with assertions and names */
export function wasmModules(debug = false): { lua: WebAssembly.Module; core: WebAssembly.Module } {
  if (debug) return { lua: compile('lua.wasm'), core: compile('core.debug.wasm') };
  cached ??= { lua: compile('lua.wasm'), core: compile('core.wasm') };
  return cached;
}
