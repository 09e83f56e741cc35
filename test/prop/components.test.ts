/** Our binding against jco's, on the same component: whatever is passed, both give the same. And a module with limits does what it did without. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Value } from '../../src/components/canonical.ts';
import { decodeComponent } from '../../src/components/decode.ts';
import { Instance } from '../../src/components/instance.ts';
import { loadComponent } from '../../src/components/load.ts';
import { meter } from '../../src/components/meter.ts';
import { Malformed } from '../../src/components/reader.ts';
import { byteStr, byteStrOf, utf8Of } from '../../src/core/memory.ts';
import { acmeBytes } from '../support/acme.ts';

// biome-ignore lint/suspicious/noExplicitAny: functions of a component by their names in JavaScript
let theirs: any;
let ours: (name: string, ...args: Value[]) => Value;
let folder: string;
const header = { value: '' };

beforeAll(async () => {
  const bytes = await acmeBytes();
  folder = mkdtempSync(path.join(tmpdir(), 'kemi-jco-'));
  const { files } = await transpileBytes(bytes, {
    name: 'acme',
    instantiation: { tag: 'sync' },
    nodejsCompat: false,
    base64Cutoff: 0,
  });
  const cores = new Map<string, WebAssembly.Module>();
  for (const [name, data] of Object.entries(files as Record<string, Uint8Array>)) {
    if (name.endsWith('.wasm')) cores.set(name, new WebAssembly.Module(data.slice()));
    if (name.endsWith('.js')) writeFileSync(path.join(folder, 'acme.mjs'), data);
  }
  const { instantiate } = await import(pathToFileURL(path.join(folder, 'acme.mjs')).href);
  const nothing = () => 0;
  theirs = instantiate((name: string) => cores.get(name), {
    'kemi:module/message': { header: (name: string, index: number) => `${name} ${index} ${header.value}` },
    'kemi:module/edit': { appendHeader: (name: string, value: string) => name.length < value.length },
    'kemi:module/log': { info: nothing },
    'kemi:module/reply': { send: nothing },
    'kemi:module/kv': {
      set: nothing,
      get: () => undefined,
      add: (_table: string, key: string, by: number) => key.length + by,
    },
    'kemi:module/timer': { every: nothing },
    'kemi:module/clock': { now: () => 1234567890123456789n },
  });
  const component = await loadComponent(bytes, 'acme.wasm');
  const functions: Record<string, (...args: never[]) => Value> = {
    header: (name: string, index: number) => `${name} ${index} ${byteStrOf(header.value)}`,
    'append-header': (name: string, value: string) => utf8Of(name).length < utf8Of(value).length,
    add: (_table: string, key: string, by: number) => utf8Of(key).length + by,
    get: () => null,
  };
  const instance = new Instance(component, {
    memoryPages: 1024,
    steps: 100_000_000,
    resolve: (_from, name) => (functions[name] ?? nothing) as (...args: Value[]) => Value,
  });
  const places = new Map(component.plan.exports.map((e, i) => [e.name, i]));
  ours = (name, ...args) => {
    const [a, b, c] = args;
    return instance.call(places.get(name)!, a, b, c);
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 300 }));
const int = fc.integer({ min: -0x80000000, max: 0x7fffffff });

/** A result of jco's in our form. */
function inOurs(value: unknown): Value {
  if (typeof value === 'string') return byteStrOf(value);
  if (value instanceof Uint8Array) return byteStr(value);
  return (value ?? null) as Value;
}

describe('the canonical ABI, as jco has it', () => {
  it('passes texts, and gives them', () => {
    fc.assert(
      fc.property(text, text, fc.nat(5), (a, b, n) => {
        expect(ours('upper', byteStrOf(a))).toBe(inOurs(theirs.upper(a)));
        expect(ours('join', byteStrOf(a), byteStrOf(b), n)).toBe(inOurs(theirs.join(a, b, n)));
        expect(ours('lookup', byteStrOf(a))).toBe(inOurs(theirs.lookup(a)));
      }),
      { numRuns: 500 },
    );
  });

  it('passes bytes, numbers and truth', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), int, fc.boolean(), (bytes, n, truth) => {
        expect(ours('bytes', byteStr(bytes))).toBe(inOurs(theirs.bytes(bytes)));
        expect(ours('inc', n)).toBe(theirs.inc(n));
        expect(ours('half', n)).toBe(theirs.half(n));
        expect(ours('not', truth)).toBe(theirs.not(truth));
      }),
      { numRuns: 500 },
    );
  });

  it('passes results and options, also those of the host', () => {
    const outcome = (fn: () => unknown): Value => {
      try {
        return { ok: true, value: inOurs(fn()) };
      } catch (error) {
        // what jco throws for an error that is a text
        return { ok: false, value: byteStrOf(String(error)) };
      }
    };
    fc.assert(
      fc.property(int, text, text, (n, a, b) => {
        expect(ours('positive', n)).toEqual(outcome(() => theirs.positive(n)));
        const even = ours('even', n) as { ok: boolean; value: Value };
        expect({ ...even, value: even.value ?? null }).toEqual(outcome(() => theirs.even(n)));
        header.value = b;
        expect(ours('read-header', byteStrOf(a))).toBe(inOurs(theirs.readHeader(a)));
        expect(ours('add-header', byteStrOf(a), byteStrOf(b))).toBe(theirs.addHeader(a, b));
        expect(ours('count', byteStrOf(a))).toBe(theirs.count(a));
      }),
      { numRuns: 500 },
    );
    expect(ours('recall', 'x')).toBe(inOurs(theirs.recall('x')));
  });

  it('replaces what is no UTF-8, as a decoder does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
        expect(ours('join', byteStr(bytes), '', 0)).toBe(byteStrOf(decoded));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('meter()', () => {
  /** A module with one function of each kind of instruction that is looked at. */
  const WAT = `(module
    (import "env" "g" (global $given i32))
    (import "env" "f" (func $host (param i32) (result i32)))
    (type $two (func (param i32 i32) (result i32)))
    (table $t 4 funcref) (elem (i32.const 0) $add $sub)
    (memory (export "m") 1 4) (data $d "0123456789")
    (tag $e (param i32))
    (global $count (mut i32) (i32.const 0))
    (func $add (type $two) (i32.add (local.get 0) (local.get 1)))
    (func $sub (type $two) (i32.sub (local.get 0) (local.get 1)))
    (func (export "sum") (param i32) (result i64) (local i64 i64)
      (loop $l (local.set 1 (i64.add (local.get 1) (i64.extend_i32_s (local.get 0))))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))
    (func $fib (export "fib") (param i32) (result i32)
      (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
        (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "table") (param i32 i32 i32) (result i32)
      (call_indirect (type $two) (local.get 1) (local.get 2) (i32.and (local.get 0) (i32.const 1))))
    (func (export "bulk") (param i32) (result i32)
      (memory.fill (i32.const 100) (local.get 0) (i32.const 50))
      (memory.init $d (i32.const 110) (i32.const 2) (i32.const 5))
      (memory.copy (i32.const 300) (i32.const 100) (i32.const 60))
      (i32.load (i32.const 312)))
    (func (export "simd") (param i32) (result i32)
      (i32x4.extract_lane 2 (i32x4.add (i32x4.splat (local.get 0)) (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
        (v128.const i32x4 1 2 3 4) (v128.load (i32.const 16))))))
    (func (export "catch") (param i32) (result i32)
      (block $h (result i32) (try_table (result i32) (catch $e $h) (throw $e (local.get 0)))))
    (func (export "switch") (param i32) (result i32)
      (block $a (block $b (block $c (br_table $a $b $c (local.get 0))) (return (i32.const 3))) (return (i32.const 2))) (i32.const 1))
    (func (export "grow") (param i32) (result i32) (drop (memory.grow (local.get 0))) (memory.size))
    (func (export "tgrow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
    (func (export "host") (param i32) (result i32) (global.set $count (call $host (local.get 0)))
      (i32.add (global.get $count) (global.get $given)))
    (func (export "float") (param i32) (result f64) (f64.add (f64.const 1.5) (f64.promote_f32 (f32.const 0.25)))))`;

  it('changes nothing but the limits', async () => {
    const plain = await parse(WAT);
    const env = { g: 7, f: (n: number) => n * 3 };
    const make = (bytes: Uint8Array) => new WebAssembly.Instance(new WebAssembly.Module(bytes.slice()), { env });
    const a = make(plain).exports as Record<string, (...args: number[]) => unknown>;
    const b = make(meter(plain)).exports as Record<string, (...args: number[]) => unknown>;
    fc.assert(
      fc.property(int, int, int, (x, y, z) => {
        b['kemi:refill']!(2_000_000_000);
        for (const name of ['bulk', 'simd', 'catch', 'switch', 'host', 'float', 'grow'])
          expect([name, b[name]!(x)]).toEqual([name, a[name]!(x)]);
        expect(b.table!(x, y, z)).toBe(a.table!(x, y, z));
        expect(b.sum!((x & 0xfff) + 1)).toBe(a.sum!((x & 0xfff) + 1));
        expect(b.fib!(x & 15)).toBe(a.fib!(x & 15));
        expect(b.tgrow!(x & 255)).toBe(a.tgrow!(x & 255));
        expect(new Uint8Array((b.m as unknown as WebAssembly.Memory).buffer, 0, 400)).toEqual(
          new Uint8Array((a.m as unknown as WebAssembly.Memory).buffer, 0, 400),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('stops what runs for too long: loops, recursion, calls in a tail', async () => {
    const spin = await parse(`(module (type $v (func))
      (func (export "loop") (loop (br 0)))
      (func $r (export "tail") (return_call $r))
      (func $x (export "tree") (param i32) (if (local.get 0) (then
        (call $x (i32.sub (local.get 0) (i32.const 1))) (call $x (i32.sub (local.get 0) (i32.const 1))))))
      (memory 1) (func (export "fill") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0)))
      (func (export "catching") (loop $again (block $h (try_table (catch_all $h) (loop (br 0)))) (br $again))))`);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(meter(spin)));
    const {
      loop,
      tail,
      tree,
      fill,
      catching,
      'kemi:refill': refill,
      'kemi:steps': steps,
    } = exports as Record<string, (n?: number) => void>;
    for (const fn of [loop, tail, tree, fill, catching]) {
      refill!(1_000_000);
      const from = performance.now();
      expect(() => fn!(60)).toThrow(WebAssembly.RuntimeError);
      expect(performance.now() - from).toBeLessThan(2000);
      expect((steps as unknown as WebAssembly.Global).value).toBeLessThan(0);
    }
    refill!(1000);
    expect(() => tree!(3)).not.toThrow();
  });

  it('of changed bytes gives an error, or a module where there was one', async () => {
    const modules = [await parse(WAT), ...decodeComponent(await acmeBytes()).modules];
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
        (which, changes) => {
          const changed = modules[which % modules.length]!.slice();
          for (const [at, byte] of changes) changed[at % changed.length] = byte;
          let metered: Uint8Array<ArrayBuffer> | undefined;
          try {
            metered = meter(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(Malformed);
          }
          if (metered && WebAssembly.validate(changed)) expect(WebAssembly.validate(metered)).toBe(true);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
