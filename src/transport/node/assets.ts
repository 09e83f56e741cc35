/** Files of the package itself: the two wasm modules, and the built-in config and script. */
import fs from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ByteText } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';

/** The package's root: this file is src/transport/node/assets.ts, or build/transport/node/assets.js. */
const ROOT = new URL('../../../', import.meta.url);

/** What runs when neither a config nor a script is given: a registrar and proxy. */
export const BASIC_CONFIG = fileURLToPath(new URL('examples/basic.cfg', ROOT));
export const BASIC_SCRIPT = fileURLToPath(new URL('examples/basic.lua', ROOT));

/**
 * Compiles Lua and the core from the package's files.
 * @throws KemiError KEMI_ERR_WASM when they were not built
 */
export async function loadWasm(): Promise<{
  lua: WebAssembly.Module;
  core: WebAssembly.Module;
  byteText: (buffer: ArrayBuffer) => ByteText;
}> {
  const [lua, core] = await Promise.all(['lua', 'core'].map(compile));
  return { lua: lua!, core: core!, byteText };
}

/** How Node makes byte strings of a buffer. */
export function byteText(buffer: ArrayBufferLike): ByteText {
  const bytes = Buffer.from(buffer);
  if (!isLatin1(bytes))
    return {
      read: (at, end) => bytes.toString('latin1', at, end),
      write: (at, text) => void bytes.write(text, at, text.length, 'latin1'),
    };
  return {
    read: (at, end) => bytes.latin1Slice(at, end),
    write: (at, text) => void bytes.latin1Write(text, at, text.length),
  };
}

/** What toString() and write() call in the end; Node and Bun have had them for ever, and have never written them down. */
interface Latin1 {
  latin1Slice(at: number, end: number): string;
  latin1Write(text: string, at: number, bytes: number): number;
}

function isLatin1(bytes: object): bytes is Latin1 {
  return ['latin1Slice', 'latin1Write'].every(name => typeof Reflect.get(bytes, name) === 'function');
}

async function compile(name: string): Promise<WebAssembly.Module> {
  const file = new URL(`build/${name}.wasm`, ROOT);
  try {
    return await WebAssembly.compile(await fs.readFile(file));
  } catch (cause) {
    throw new KemiError(
      'KEMI_ERR_WASM',
      `Cannot load ${fileURLToPath(file)}: ${(cause as Error).message}; run npm run build`,
      { cause },
    );
  }
}
