/** `kemi-wasm/browser`: the runtime in a page. It has no sockets there: messages go in by hand, and what the script sends comes out by a call. */
import { KemiError } from '../../errors.ts';

/**
 * Fetches and compiles Lua and the core.
 * @param base where core.wasm and lua.wasm are: a folder, with its slash, or a file beside them
 * @throws KemiError KEMI_ERR_WASM they are not there, or not what they should be
 */
export async function loadWasm(base: string | URL): Promise<{ lua: WebAssembly.Module; core: WebAssembly.Module }> {
  const [lua, core] = await Promise.all([compile('lua.wasm', base), compile('core.wasm', base)]);
  return { lua, core };
}

async function compile(name: string, base: string | URL): Promise<WebAssembly.Module> {
  const url = new URL(name, base);
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    // Not compileStreaming(): small servers of files do not know the type of .wasm.
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    throw new KemiError('KEMI_ERR_WASM', `Cannot load ${url}: ${(cause as Error).message}`, { cause });
  }
}
