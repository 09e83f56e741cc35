import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GRANTS, INTERFACES, WIT_VERSION } from '../../../src/components/capabilities.ts';
import { decodeComponent } from '../../../src/components/decode.ts';
import { loadComponent, takeApart } from '../../../src/components/load.ts';
import { luaStub } from '../../../src/components/stubs.ts';
import { KemiError } from '../../../src/errors.ts';
import { acmeBytes } from '../../support/acme.ts';
import { component, wrapText } from '../../support/component.ts';

/** Why bytes cannot be loaded. */
async function why(bytes: Uint8Array | Promise<Uint8Array>): Promise<string> {
  try {
    await loadComponent(await bytes, 'm.wasm');
  } catch (error) {
    expect(error).toBeInstanceOf(KemiError);
    expect((error as KemiError).code).toBe('KEMI_ERR_COMPONENT');
    const { message } = error as KemiError;
    expect(message).not.toContain('\n');
    expect(message.startsWith('Cannot load component m.wasm: ')).toBe(true);
    return message.slice('Cannot load component m.wasm: '.length);
  }
  return 'it loads';
}

const world = (wit: string) => `world test { include kemi:module/extension@0.1.0; ${wit} }`;
const MEMORY =
  '(memory (export "memory") 1) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8))';

describe('loadComponent() says what a file is, and what to do', () => {
  it('that is none', async () => {
    const none = 'it is no WebAssembly file: build a component, for example with kemi-wasm module build';
    expect(await why(new Uint8Array())).toBe(none);
    expect(await why(Uint8Array.from('function acme() end', c => c.charCodeAt(0)))).toBe(none);
  });

  it('that is a core module, or of another version', async () => {
    expect(await why(component('(module)'))).toBe(
      'it is a core module, not a component: make one of it with kemi-wasm module build, or with wasm-tools component new',
    );
    expect(await why(Uint8Array.of(0, 97, 115, 109, 14, 0, 1, 0))).toBe(
      'it has version 0x1000e of the binary format, only components of version 0x1000d can be loaded',
    );
  });

  it('that exports nothing', async () => {
    expect(await why(component('(component)'))).toBe(
      'it exports no function: its world needs at least one line like "export lookup: func(s: string) -> string"',
    );
  });

  it('whose types KEMI cannot carry', async () => {
    const one = (wit: string, core: string) => why(wrapText(`(module ${MEMORY} ${core})`, world(wit)));
    expect(await one('export f: func(x: f64);', '(func (export "f") (param f64))')).toBe(
      'parameter x of its function f is f64, which KEMI cannot carry: make it s32, u32, bool, string or list<u8>',
    );
    expect(await one('export f: func(x: s64);', '(func (export "f") (param i64))')).toContain(
      'parameter x of its function f is s64',
    );
    expect(await one('export f: func(x: list<string>);', '(func (export "f") (param i32 i32))')).toContain(
      'is list<string>, which',
    );
    expect(await one('export f: func() -> tuple<s32, s32>;', '(func (export "f") (result i32) (i32.const 0))')).toBe(
      'its function f gives tuple, which KEMI cannot carry: make it s32, u32, bool, string, list<u8>, option<...> of them, result<..., string>, or nothing',
    );
    expect(
      await one('export f: func() -> result<s32, s32>;', '(func (export "f") (result i32) (i32.const 0))'),
    ).toContain('gives result<s32, s32>, which');
    expect(
      await one('export f: func() -> option<option<s32>>;', '(func (export "f") (result i32) (i32.const 0))'),
    ).toContain('gives option<option<s32>>, which');
    const seven = 'export f: func(a: s32, b: s32, c: s32, d: s32, e: s32, f: s32, g: s32);';
    expect(await one(seven, '(func (export "f") (param i32 i32 i32 i32 i32 i32 i32))')).toBe(
      'its function f has 7 parameters: 6 are the most that KEMI has',
    );
  });

  it('whose functions for the host have other types, or whose names are the same', async () => {
    expect(await why(wrapText('(module (func (export "configure")))', world('export configure: func();')))).toBe(
      'its configure is func(): make it func(string, string) -> result<_, string>, as in wit/kemi.wit',
    );
    const twice = `interface a { look-up: func(); } interface b { look-up: func(); } world test { export a; export b; }`;
    expect(
      await why(
        wrapText('(module (func (export "test:module/a#look-up")) (func (export "test:module/b#look-up")))', twice),
      ),
    ).toBe('it exports look_up twice: rename one of them');
  });

  it('that was built for another kemi:module', async () => {
    const imports = (name: string, inner: string) =>
      why(
        component(`(component
          (import "${name}" (instance $i ${inner}))
          (core module $m (import "h" "f" (func)) (func (export "run")))
          (core func $f (canon lower (func $i "f")))
          (core instance $h (export "f" (func $f)))
          (core instance $c (instantiate $m (with "h" (instance $h))))
          (func (export "run") (canon lift (core func $c "run"))))`),
      );
    const nothing = '(export "f" (func))';
    expect(await imports('kemi:module/log@0.7.0', nothing)).toBe(
      'it was built for kemi:module 0.7.0, this version has 0.1.0: build it again with the wit/kemi.wit of this version',
    );
    expect(await imports('kemi:module/files@0.1.0', nothing)).toBe(
      'it imports kemi:module/files@0.1.0, which is none of message, edit, reply, log, kv, timer, clock: build it with the wit/kemi.wit of this version',
    );
    expect(await imports('kemi:module/log@0.1.9', nothing)).toBe(
      'it imports log.f, which is not there: build it with the wit/kemi.wit of this version',
    );
    expect(await imports('wasi:filesystem/types@0.2.3', nothing)).toBe('it loads');
  });

  it('that takes a function of the host for another', async () => {
    expect(
      await why(
        component(`(component
          (import "kemi:module/message@0.1.0" (instance $i (export "status" (func (result u32)))))
          (core module $m (import "h" "status" (func (result i32))) (func (export "run")))
          (core func $f (canon lower (func $i "status")))
          (core instance $h (export "status" (func $f)))
          (core instance $c (instantiate $m (with "h" (instance $h))))
          (func (export "run") (canon lift (core func $c "run"))))`),
      ),
    ).toBe(
      'it takes message.status for func() -> u32, and it is func() -> s32: build it with the wit/kemi.wit of this version',
    );
  });

  it('that needs what nothing would limit', async () => {
    const run = (core: string) =>
      why(
        component(`(component (core module $m ${core} (func (export "run")))
          (core instance $c (instantiate $m)) (func (export "run") (canon lift (core func $c "run"))))`),
      );
    expect(await run('(memory 1 2 shared)')).toContain('it uses shared memory');
    expect(await run('(memory i64 1)')).toContain('it uses a 64-bit memory');
    expect(await run('(type (array i8)) ')).toContain('it uses garbage collected types');
    expect(await run('(table 200000 funcref)')).toBe('it has a table of 200000 elements, 100000 is the most');
    expect(await run('(func (drop (ref.i31 (i32.const 1))))')).toContain('it uses garbage collected objects');
    expect(await run('(global (export "kemi:steps") i32 (i32.const 1))')).toContain('its limits are built in already');
  });

  it('that the component model has and this version has not', async () => {
    expect(
      await why(
        component(`(component (core module $m (func (export "run") (param i32 i32)) (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
          (core instance $c (instantiate $m))
          (alias core export $c "memory" (core memory $mem)) (alias core export $c "realloc" (core func $r))
          (func (export "run") (param "s" string) (canon lift (core func $c "run") string-encoding=utf16 (memory $mem) (realloc $r))))`),
      ),
    ).toBe('its texts are UTF-16, which this version does not read: build it with UTF-8');
  });

  it('whose types are written in a few lines and would not fit into any memory', async () => {
    // each type is a result of the one above, twice
    const types = Array.from({ length: 60 }, (_, i) => `(type $t${i + 1} (result $t${i} (error $t${i})))`).join(' ');
    const bomb = `(component (type $t0 (result)) ${types}
      (core module $m (func (export "f") (result i32) (i32.const 0)) (memory (export "memory") 1))
      (core instance $c (instantiate $m)) (alias core export $c "memory" (core memory $mem))
      (type $f (func (result $t60)))
      (func (export "f") (type $f) (canon lift (core func $c "f") (memory $mem))))`;
    expect(await why(component(bomb))).toContain('its function f gives');
    const named = `(component (core module $m (func (export "f"))) (core instance $c (instantiate $m))
      (core instance $i (export "__proto__" (func $c "f"))))`;
    expect(await why(component(named))).toBe('it has something with the name __proto__');
  });

  it('that is cut off or changed anywhere: an error or a component, never anything else', async () => {
    const bytes = await acmeBytes();
    for (let end = 0; end < bytes.length; end += 7) {
      try {
        takeApart(bytes.subarray(0, end), 'm.wasm');
      } catch (error) {
        expect((error as KemiError).code).toBe('KEMI_ERR_COMPONENT');
      }
    }
    let seed = 1;
    const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
    for (let i = 0; i < 3000; i++) {
      const broken = bytes.slice();
      for (let k = 0; k <= random(3); k++) broken[random(broken.length)] = random(256);
      try {
        takeApart(broken, 'm.wasm');
      } catch (error) {
        expect((error as KemiError).code, String((error as Error).stack)).toBe('KEMI_ERR_COMPONENT');
      }
    }
  });
});

describe('what a component says of itself', () => {
  it('is its exports: of the world, and of its interfaces', async () => {
    const wit = `interface numbers { twice: func(n: s32) -> s32; }
      world test { export numbers; export look-up: func(); }`;
    const core = `(module (func (export "test:module/numbers#twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
      (func (export "look-up")))`;
    const { plan } = await loadComponent(await wrapText(core, wit), 'm.wasm');
    expect(plan.exports.map(e => [e.from, e.name])).toEqual([
      [undefined, 'look-up'],
      ['test:module/numbers', 'twice'],
    ]);
  });

  it('is plain data: a plan is the same behind JSON', async () => {
    const { plan } = decodeComponent(await acmeBytes());
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });
});

describe('luaStub()', () => {
  it('has the functions with their types', async () => {
    const stub = luaStub('acme', decodeComponent(await acmeBytes()).plan);
    expect(stub).toMatch(/^---@meta\n\nKSR\.acme = \{\}\n\n---WIT/);
    expect(stub).toContain(
      '---WIT: func(s32) -> s32\n---@param x integer\n---@return integer # -255 when the component failed\nfunction KSR.acme.inc(x) end',
    );
    expect(stub).toContain(
      '---@param number string|number\n---@return string|nil\nfunction KSR.acme.lookup(number) end',
    );
    expect(stub).toContain(
      '---@return boolean # false, too, when the component failed\nKSR.acme["not"] = function(b) end',
    );
    expect(stub).toContain('---@return integer|nil\nfunction KSR.acme.half(x) end');
    expect(stub).toContain('function KSR.acme.say(text) end');
  });
});

describe('wit/kemi.wit', () => {
  it('has exactly the functions that the host has, with their types', () => {
    const wit = readFileSync('wit/kemi.wit', 'utf8').replace(/\/\/.*$/gm, '');
    expect(wit).toContain(`package kemi:module@${WIT_VERSION};`);
    const found: Record<string, Record<string, string>> = {};
    for (const [, name, body] of wit.matchAll(/interface ([\w-]+) \{([^}]*)\}/g))
      for (const [, fn, params, result] of body!.matchAll(/([\w-]+): func\(([^)]*)\)(?: -> ([^;]+))?;/g)) {
        const types = params!.split(',').map(p => p.replace(/^.*?:/, '').trim());
        (found[name!] ??= {})[fn!] = `func(${types.filter(t => t).join(', ')})${result ? ` -> ${result}` : ''}`;
      }
    expect(Object.keys(found)).toEqual([...GRANTS]);
    const ours = Object.fromEntries(
      GRANTS.map(g => [g, Object.fromEntries(Object.entries(INTERFACES[g]).map(([name, f]) => [name, f.type]))]),
    );
    expect(found).toEqual(ours);
  });
});
