/**
 * `kemi-wasm/standalone`: all that runs without Node, which scripts/build.ts makes one ES module of, with everything it imports: for a page without a bundler and for
 * workerd. core.wasm and lua.wasm lie beside it.
 */
import { loadWasm as loadFrom } from './transport/browser/index.ts';

export * from './index.ts';
export * from './transport/edge/index.ts';

/** Fetches and compiles Lua and the core. @param base default: beside this file  @throws KemiError KEMI_ERR_WASM */
export function loadWasm(base: string | URL = import.meta.url): ReturnType<typeof loadFrom> {
  return loadFrom(base);
}
