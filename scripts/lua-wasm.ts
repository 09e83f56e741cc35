/**
 * Makes build/lua.wasm from wasmoon's glue.wasm: the same Lua, compiled once more for speed. Three steps, on the text of the module:
 *
 *   1. luaV_execute selects an instruction by one br_table, in place of a table in memory that leads to a second one.
 *   2. luaV_execute calls a C function itself, where no hook, no growing stack and no list of results is in the way: three WebAssembly frames fewer.
 *   3. Binaryen inlines more than emscripten let it.
 *
 * Imports, exports and data stay as they are (scripts/check-exports.ts, test/unit/scripts/lua-wasm.test.ts). Deterministic: the same bytes on every machine.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { freshGlue, GLUE } from './glue.ts';

/** wasmoon 1.16.0. Another build of Lua needs another look at the patterns below, and at wasm/lua/inplace.ts. */
const GLUE_SHA256 = '95f3f19ddb740125883bc41d5ec670cd0828e7b58c8bdad385323cbff497b55c';

const OPCODES = 128;

const hash = (...parts: (string | Uint8Array)[]): string => {
  const sha = createHash('sha256');
  for (const part of parts) sha.update(part);
  return sha.digest('hex');
};

/** A pattern whose blanks stand for any white space. */
const pattern = (text: string) => new RegExp(text.replace(/\s+/g, '\\s+').replaceAll(')\\s+)', ')\\s*)'), 'g');

/** The only match. @throws when there is none, or more than one */
function only(wat: string, what: string, wanted: RegExp): RegExpMatchArray & { index: number } {
  const found = [...wat.matchAll(wanted)];
  if (found.length !== 1) throw new Error(`Cannot build lua.wasm: ${what} was found ${found.length} times`);
  return found[0]!;
}

function replaceAt(wat: string, match: RegExpMatchArray & { index: number }, text: string): string {
  return wat.slice(0, match.index) + text + wat.slice(match.index + match[0].length);
}

/** br_table(memory[table + 4 * opcode] - first) -> br_table(opcode). @param table what the module's data has at an address */
export function selectAtOnce(wat: string, table: (at: number) => number): string {
  const match = only(
    wat,
    'the selection of an instruction',
    pattern(
      String.raw`\(br_table ([^(]+?) \(i32\.sub \(i32\.load \(i32\.add \(i32\.shl (\(i32\.and \(local\.tee \$\d+ \(i32\.load \(local\.get \$\d+\) \) \) \(i32\.const ${OPCODES - 1}\) \)) \(i32\.const 2\) \) \(i32\.const (\d+)\) \) \) \(i32\.const (\d+)\) \) \)`,
    ),
  );
  const [, labels, opcode, base, first] = match;
  const targets = labels!.trim().split(/\s+/);
  const other = targets.pop()!;
  const direct = Array.from(
    { length: OPCODES },
    (_, op) => targets[table(Number(base) + 4 * op) - Number(first)] ?? other,
  );
  while (direct.at(-1) === other) direct.pop();
  return replaceAt(wat, match, `(br_table ${direct.join(' ')} ${other} ${opcode})`);
}

/**
 * OP_CALL of a C function without a hook, for no result or one: what luaD_precall, precallC and luaD_poscall do for it, in their order. lua_State 12 top, 20 ci, 24
 * stack_last, 112 hookmask; CallInfo 0 func, 4 top, 8 previous, 12 next, 32 u16 nresults, 34 u16 callstatus; CClosure 12 f.
 */
export function callAtOnce(wat: string): string {
  const back = only(
    wat,
    'the return from a C function',
    pattern(
      String.raw`\(call (\$\d+) \(local\.get (\$\d+)\) \(local\.get \$\d+\) \(local\.tee \2 \(call_indirect \(type (\$\d+)\) \(local\.get \2\)`,
    ),
  );
  const call = only(
    wat,
    'OP_CALL',
    pattern(
      String.raw`(\(i32\.store offset=16 \(local\.get (\$\d+)\) \(local\.get \$\d+\) \) \(br_if \$\w+ \(local\.tee \$\d+ )\(call (\$\d+) \(local\.get (\$\d+)\) \(local\.get (\$\d+)\) (\(i32\.sub \(i32\.shr_u \(local\.get \$\d+\) \(i32\.const 24\) \) \(i32\.const 1\) \)) \) \) \)`,
    ),
  );
  const [, poscall, , type] = back;
  const [, before, ci, precall, L, ra, wanted] = call;
  const get = (name: string) => `(local.get ${name})`;
  const fast = `(block $called (result i32)
 (local.set $wanted ${wanted})
 (block $slow
  (local.set $f (i32.load ${get(ra!)}))
  ;; LUA_VCCL, collectable, or LUA_VLCF: the function itself
  (if (i32.eq (i32.load8_u offset=8 ${get(ra!)}) (i32.const 102))
   (then (local.set $f (i32.load offset=12 (local.get $f))))
   (else (br_if $slow (i32.ne (i32.load8_u offset=8 ${get(ra!)}) (i32.const 22)))))
  (br_if $slow (i32.gt_u (local.get $wanted) (i32.const 1)))
  (br_if $slow (i32.load offset=112 ${get(L!)}))
  ;; LUA_MINSTACK values must fit
  (br_if $slow (i32.le_s
   (i32.sub (i32.load offset=24 ${get(L!)}) (local.tee $n (i32.load offset=12 ${get(L!)})))
   (i32.const 335)))
  (br_if $slow (i32.eqz (local.tee $callee (i32.load offset=12 ${get(ci!)}))))
  ;; CIST_C
  (i32.store offset=32 (local.get $callee) (i32.or (local.get $wanted) (i32.const 0x20000)))
  (i32.store (local.get $callee) ${get(ra!)})
  (i32.store offset=4 (local.get $callee) (i32.add (local.get $n) (i32.const 320)))
  (i32.store offset=20 ${get(L!)} (local.get $callee))
  (local.set $n (call_indirect (type ${type}) ${get(L!)} (local.get $f)))
  ;; the function may have set a hook, or have something to be closed (then nresults is another)
  (if (i32.or (i32.load offset=112 ${get(L!)}) (i32.ne (i32.load16_u offset=32 (local.get $callee)) (local.get $wanted))) (then
   (call ${poscall} ${get(L!)} (local.get $callee) (local.get $n))
   (br $called (i32.const 0))))
  ;; the stack may have moved
  (local.set $result (i32.load (local.get $callee)))
  (if (local.get $wanted) (then
   (if (local.get $n)
    (then
     (local.set $n (i32.sub (i32.load offset=12 ${get(L!)}) (i32.shl (local.get $n) (i32.const 4))))
     (i64.store (local.get $result) (i64.load (local.get $n)))
     (i32.store8 offset=8 (local.get $result) (i32.load8_u offset=8 (local.get $n))))
    (else (i32.store8 offset=8 (local.get $result) (i32.const 0))))
   (local.set $result (i32.add (local.get $result) (i32.const 16)))))
  (i32.store offset=12 ${get(L!)} (local.get $result))
  (i32.store offset=20 ${get(L!)} ${get(ci!)})
  (br $called (i32.const 0)))
 (call ${precall} ${get(L!)} ${get(ra!)} (local.get $wanted)))`;
  const patched = replaceAt(wat, call, `${before}${fast}))`);
  const head = patched.lastIndexOf('\n (func ', call.index);
  const line = patched.indexOf('\n', head + 1);
  return `${patched.slice(0, line)}
  (local $callee i32) (local $f i32) (local $n i32) (local $result i32) (local $wanted i32)${patched.slice(line)}`;
}

/** Writes build/lua.wasm, unless what it is made of has not changed since the last time. */
export async function buildLua(file: string): Promise<void> {
  const glue = readFileSync(GLUE);
  if (hash(glue) !== GLUE_SHA256)
    throw new Error(`Cannot build lua.wasm: node_modules/wasmoon/dist/glue.wasm is not wasmoon 1.16.0's`);
  const root = new URL('..', import.meta.url);
  const { version } = JSON.parse(readFileSync(new URL('node_modules/binaryen/package.json', root), 'utf8'));
  const made = hash(glue, readFileSync(new URL(import.meta.url)), version);
  const stamp = `${file}.stamp`;
  if (existsSync(file) && existsSync(stamp) && readFileSync(stamp, 'utf8') === `${made} ${hash(readFileSync(file))}`)
    return;

  const { default: binaryen } = await import('binaryen');
  const data = new DataView(freshGlue().memory.buffer);
  const wat = callAtOnce(selectAtOnce(binaryen.readBinary(glue).emitText(), at => data.getUint32(at, true)));
  const module = binaryen.parseText(wat);
  const { MVP, MutableGlobals, SignExt, BulkMemory, BulkMemoryOpt, NontrappingFPToInt } = binaryen.Features;
  module.setFeatures(MVP | MutableGlobals | SignExt | BulkMemory | BulkMemoryOpt | NontrappingFPToInt);
  binaryen.setOptimizeLevel(4);
  binaryen.setShrinkLevel(0);
  binaryen.setAlwaysInlineMaxSize(30);
  binaryen.setFlexibleInlineMaxSize(80);
  binaryen.setOneCallerInlineMaxSize(500);
  binaryen.setAllowInliningFunctionsWithLoops(true);
  module.optimize();
  if (!module.validate()) throw new Error('Cannot build lua.wasm: Binaryen made a module that is not valid');
  const bytes = module.emitBinary();
  writeFileSync(file, bytes);
  writeFileSync(stamp, `${made} ${hash(bytes)}`);
}
