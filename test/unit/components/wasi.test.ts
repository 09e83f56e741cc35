import { describe, expect, it } from 'vitest';
import type { Grant } from '../../../src/components/capabilities.ts';
import { loadComponent } from '../../../src/components/load.ts';
import { component } from '../../support/component.ts';
import { request, testRuntime } from '../../support/runtime.ts';

/** A component that takes one function of WASI, and gives what it left at an address. @param sort of what it calls, in text */
async function answer(from: string, type: string, wat: string, load: string, grants: readonly Grant[] = []) {
  const bytes = await component(
    `(component
    (import "${from}" (instance $i ${type}))
    (core module $libc (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $mem)) (alias core export $libc "realloc" (core func $realloc))
    (core func $f (canon lower (func $i "f") (memory $mem) (realloc $realloc)))
    (core module $m (import "l" "memory" (memory 1)) ${wat})
    (core instance $host (export "f" (func $f)))
    (core instance $c (instantiate $m (with "l" (instance $libc)) (with "h" (instance $host))))
    (func (export "run") (result u32) (canon lift (core func $c "run"))))`.replaceAll('"f"', `"${load}"`),
  );
  const { receive, log } = testRuntime(
    'function ksr_request_route() KSR.sl.sl_send_reply(200, "=" .. tostring(KSR.w.run())) end',
    { components: [{ name: 'w', component: await loadComponent(bytes, 'w.wasm'), grants }] },
  );
  const text = /=(\S*)\r/.exec(receive(request())[0]!.text)![1];
  return text === 'nil' ? log.lines.find(l => l.level === 'error')?.message : Number(text);
}

const HIGH = '(i32.wrap_i64 (i64.shr_u (call $f) (i64.const 32)))';
const NUMBER = `(import "h" "f" (func $f (result i64))) (func (export "run") (result i32) ${HIGH})`;
const u64 = '(export "f" (func (result u64)))';

describe('WASI', () => {
  it('gives random numbers', async () => {
    // the injected source says 0.5
    expect(await answer('wasi:random/random@0.2.3', u64, NUMBER, 'get-random-u64')).toBe(0x80000000);
    const seed = `(import "h" "f" (func $f (param i32))) (func (export "run") (result i32) (call $f (i32.const 64)) (i32.load (i32.const 76)))`;
    const pair = '(export "f" (func (result (tuple u64 u64))))';
    expect(await answer('wasi:random/insecure-seed@0.2.0', pair, seed, 'insecure-seed')).toBe(0x80000000);
    const bytes = `(import "h" "f" (func $f (param i64 i32))) (func (export "run") (result i32) (call $f (i64.const 4) (i32.const 64))
      (i32.add (i32.load (i32.const 68)) (i32.load (i32.load (i32.const 64)))))`;
    const list = '(export "f" (func (param "len" u64) (result (list u8))))';
    expect(await answer('wasi:random/random@0.2.3', list, bytes, 'get-random-bytes')).toBe(0x80808084);
    expect(
      await answer('wasi:random/random@0.2.3', list, bytes.replace('const 4', 'const 400000'), 'get-random-bytes'),
    ).toContain('it asked for 400000 random bytes at once');
  });

  it('gives the time to those that may have it', async () => {
    const wall = `(import "h" "f" (func $f (param i32))) (func (export "run") (result i32) (call $f (i32.const 64)) (i32.load (i32.const 64)))`;
    const type =
      '(type $d (record (field "seconds" u64) (field "nanoseconds" u32))) (export "datetime" (type $e (eq $d))) (export "f" (func (result $e)))';
    expect(await answer('wasi:clocks/wall-clock@0.2.3', type, wall, 'now', ['clock'])).toBe(1_700_000_000);
    expect(await answer('wasi:clocks/wall-clock@0.2.3', type, wall, 'now')).toContain(
      'w.run failed: it called wasi:clocks/wall-clock now, which it was not granted',
    );
    expect(await answer('wasi:clocks/monotonic-clock@0.2.3', u64, NUMBER, 'now', ['clock'])).toBe(
      Number((BigInt(1_700_000_000_000) * 1_000_000n) >> 32n) >>> 0,
    );
  });

  it('gives nothing else', async () => {
    const exit = `(import "h" "f" (func $f (param i32))) (func (export "run") (result i32) (call $f (i32.const 0)) (i32.const 1))`;
    expect(
      await answer('wasi:cli/exit@0.2.3', '(export "f" (func (param "status" (result))))', exit, 'exit', ['clock']),
    ).toBe('w.run failed: it called wasi:cli/exit exit, which it was not granted; another instance takes over');
  });
});
