/** wasmoon's build of Lua, as npm brings it. */
import { readFileSync } from 'node:fs';

export const GLUE = new URL('../node_modules/wasmoon/dist/glue.wasm', import.meta.url);

/** Exports of a fresh instance that cannot call anything: its data stands in its memory. */
export function freshGlue(module = new WebAssembly.Module(readFileSync(GLUE))) {
  const imports: WebAssembly.Imports = {};
  for (const i of WebAssembly.Module.imports(module)) {
    imports[i.module] ??= {};
    imports[i.module]![i.name] = () => 0;
  }
  return new WebAssembly.Instance(module, imports).exports as Record<string, (...args: number[]) => number> & {
    memory: WebAssembly.Memory;
  };
}
