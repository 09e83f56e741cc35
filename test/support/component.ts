/** Components for tests, made of source at test time: AssemblyScript or text, wrapped by the component model's own tools (jco's wasm-tools). */
import { readFileSync } from 'node:fs';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import asc from 'assemblyscript/asc';
import binaryen from 'binaryen';

/** wit/kemi.wit as a package within another file */
export const KEMI_WIT = readFileSync(new URL('../../wit/kemi.wit', import.meta.url), 'utf8').replace(
  /package kemi:module@([\d.]+);([\s\S]*)$/,
  'package kemi:module@$1 {$2}\n',
);

/** What AssemblyScript needs to speak the canonical ABI: memory that is given back behind each call, texts in and out. */
const PRELUDE = `
const HEAP: usize = 4096;
let top: usize = HEAP;
const RET: usize = 64;
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  const at = (top + align - 1) & ~(align - 1);
  top = at + size;
  const need = <i32>((top + 0xffff) >>> 16) - memory.size();
  if (need > 0 && memory.grow(need) < 0) unreachable();
  if (old) memory.copy(at, old, oldSize);
  return at;
}
function give(at: usize, length: usize): usize { store<u32>(RET, at); store<u32>(RET, length, 4); return RET; }
function some(at: usize, length: usize): usize { store<u8>(RET, 1); store<u32>(RET, at, 4); store<u32>(RET, length, 8); return RET; }
function none(): usize { store<u8>(RET, 0); return RET; }
function free(): void { top = HEAP; }
`;

/** @param source AssemblyScript; an export a_b of it is a-b of the world */
export async function assemble(source: string, wit: string, prelude = PRELUDE): Promise<Uint8Array> {
  let core: Uint8Array | undefined;
  const errors = asc.createMemoryStream();
  const { error } = await asc.main(
    ['mod.ts', '-o', 'mod.wasm', '-O3', '--runtime', 'stub', '--use', 'abort=', '--enable', 'simd,bulk-memory'],
    {
      stderr: errors,
      readFile: name => (name === 'mod.ts' ? prelude + source : null),
      writeFile: (name, data) => {
        if (name === 'mod.wasm') core = data as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !core) throw new Error(`${error?.message}\n${errors.toString()}`);
  return wrap(core, wit);
}

/** A component of a core module. */
export async function wrap(core: Uint8Array, wit: string): Promise<Uint8Array> {
  const witSource = `package test:module;\n${wit}\n${KEMI_WIT}`;
  return componentNew(await componentEmbed({ binary: kebab(core), witSource, world: 'test' }), []);
}

/** @param wat text of a core module */
export async function wrapText(wat: string, wit: string): Promise<Uint8Array> {
  return wrap(await parse(wat), wit);
}

/** A component, or a core module, of its text. */
export function component(wat: string): Promise<Uint8Array> {
  return parse(wat);
}

/** Exports with the names that WIT has for them. */
function kebab(core: Uint8Array): Uint8Array {
  const module = binaryen.readBinary(core);
  for (let i = 0; i < module.getNumExports(); i++) {
    const { name, value, kind } = binaryen.getExportInfo(module.getExportByIndex(i));
    const wanted = name.replace(/^(cabi_post_)?(.*)$/, (all, post = '', rest: string) =>
      /^(cabi_realloc|memory|_initialize)$/.test(all) ? all : post + rest.replaceAll('_', '-'),
    );
    if (kind !== binaryen.ExternalFunction || wanted === name) continue;
    module.removeExport(name);
    module.addFunctionExport(value, wanted);
    i = -1;
  }
  module.setFeatures(binaryen.Features.All);
  const out = module.emitBinary();
  module.dispose();
  return out;
}
