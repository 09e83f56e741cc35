/** Modules built by the kit: every type there is, and what is said when something is wrong. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildModule, componentFile } from '../../../../src/cli/kit/build.ts';
import { openProject } from '../../../../src/cli/kit/project.ts';
import { testModule } from '../../../../src/cli/kit/test.ts';
import { copyExample } from '../../../support/example-module.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function make(name: string, kit: object, files: Record<string, string>): string {
  const dir = path.join(folder, name);
  mkdirSync(dir);
  writeFileSync(path.join(dir, 'package.json'), JSON.stringify({ name, 'kemi-wasm': kit }));
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(dir, file), text);
  return dir;
}
const as = (name: string, source: string, files: Record<string, string> = {}) =>
  make(name, { language: 'assemblyscript', source: 'main.ts' }, { 'main.ts': source, ...files });
const test = async (dir: string) => {
  const lines: string[] = [];
  const failed = await testModule(openProject(dir), line => lines.push(line));
  return { failed, text: lines.join('\n') };
};
const build = (dir: string, ahead = false) => buildModule(openProject(dir), ahead);

describe('AssemblyScript', () => {
  it('carries every type, capabilities, timers and errors', { timeout: 120_000 }, async () => {
    const dir = as(
      'all-types',
      `import { clock, edit, kv, log, message, reply, timer } from 'kemi-wasm/module-as';
      import { twice } from './other';
      let configured = '';
      let started = false;
      let due = 0;
      export function configure(name: string, value: string): string | null { configured += name + '=' + value + ';'; return null; }
      export function start(): string | null { started = true; return null; }
      export function onTimer(id: u32): void { due++; }
      export function settings(): string { return configured + started.toString(); }
      export function int(x: i32): i32 { return twice(x); }
      export function unsigned(x: u32): u32 { return x / 2; }
      export function not(x: bool): bool { return !x; }
      export function text_of(text: string, n: i32): string { return text.repeat(n); }
      export function maybe(text: string): string | null { return text == '' ? null : text + '!'; }
      export function reversed(bytes: Uint8Array): Uint8Array { return bytes.reverse(); }
      export function maybeBytes(bytes: Uint8Array): Uint8Array | null { return bytes.length > 2 ? bytes : null; }
      export function nothing(): void { log.info('nothing to do'); }
      export function fails(text: string): i32 { if (text != '') throw new Error('no ' + text); return 1; }
      export function half(): string { return String.fromCharCode(0xd83d); }
      export function about(): string {
        return [message.method(), message.status().toString(), message.sourceIp(), message.sourcePort().toString(), message.isRequest().toString(),
          message.headerCount('X-A').toString(), message.header('X-A', -1)!, message.headerBytes('x-a')!.length.toString(), message.body().length.toString(),
          message.pv('$rU')!, message.format('<$rd>')!, (message.header('X-None') === null).toString(), (clock.now() > 1600000000000).toString(),
          (clock.monotonic() >= 0).toString()].join(' ');
      }
      export function change(): i32 {
        edit.appendHeader('X-New', 'ü'.repeat(600));
        edit.setPv('$rU', 'carol');
        edit.setBody(Uint8Array.wrap(String.UTF8.encode('hello')), 'text/plain');
        return edit.removeHeader('X-A');
      }
      export function tell(): bool { edit.appendToReply('X-From', 'here'); return reply.send(486, 'Busy'); }
      export function count(): i32 { kv.add('t', 'n', 5); return kv.add('t', 'n', 2); }
      export function keep(): string { kv.set('t', 'k', 'v'); const was = kv.get('t', 'k'); kv.remove('t', 'k'); return was! + (kv.get('t', 'k') === null).toString(); }
      export function timers(): bool { const id = timer.after(50); timer.cancel(id); return timer.every(1000) > id; }`,
      {
        'other.ts': 'export function twice(x: i32): i32 { return 2 * x; }',
        'all-types.test.js': `
          export const grants = ['edit', 'reply', 'kv', 'timer', 'clock'];
          export const modparams = { a: ['1', 'ü'], b: 2 };
          const headers = { 'X-A': ['1', 'two'] };
          export default [
            { name: 'settings', call: 'KSR.all_types.settings()', expect: 'a=1;a=ü;b=2;true' },
            { name: 'int', call: 'KSR.all_types.int(-21)', expect: -42 },
            { name: 'unsigned', call: 'KSR.all_types.unsigned(9)', expect: 4 },
            { name: 'not', call: 'KSR.all_types["not"](0)', expect: true },
            { name: 'text', call: "KSR.all_types.text_of('aü', 3)", expect: 'aüaüaü' },
            { name: 'long text', call: "#KSR.all_types.text_of('ab', 5000)", expect: 10000 },
            { name: 'maybe', call: "KSR.all_types.maybe('x')", expect: 'x!' },
            { name: 'maybe not', call: "KSR.all_types.maybe('')", expect: null },
            { name: 'bytes', call: "KSR.all_types.reversed('abc\\\\255')", expect: /cba$/ },
            { name: 'maybe bytes', call: "KSR.all_types.maybe_bytes('abc')", expect: 'abc' },
            { name: 'maybe no bytes', call: "KSR.all_types.maybe_bytes('ab')", expect: null },
            { name: 'nothing', call: 'KSR.all_types.nothing()' },
            { name: 'fails', call: "KSR.all_types.fails('luck')", expect: -255 },
            { name: 'and goes on', call: "KSR.all_types.fails('')", expect: 1 },
            { name: 'half a letter', call: 'KSR.all_types.half()', expect: '\\ufffd' },
            { name: 'about', headers, body: 'four', call: 'KSR.all_types.about()', expect: 'OPTIONS 0 198.51.100.7 5062 true 2 two 1 4 bob <192.0.2.1> true true true' },
            { name: 'change', headers, call: 'KSR.all_types.change()', expect: 2, message: /^OPTIONS sip:carol@[^]*X-New: ü{600}\\r\\n[^]*hello$/ },
            { name: 'reply', call: 'KSR.all_types.tell()', expect: true, reply: /^SIP.2.0 486 Busy[^]*X-From: here/ },
            { name: 'timers', call: 'KSR.all_types.timers()', expect: true },
          ];`,
      },
    );
    await build(dir);
    expect(await test(dir)).toEqual({ failed: 0, text: expect.stringContaining('# 19 passed, 0 failed') });
    expect(readFileSync(path.join(dir, 'build/all-types.wit'), 'utf8')).toContain(
      'export %text-of: func(%text: string, %n: s32) -> string;',
    );
  });

  it.each([
    ['no-functions', 'const x = 1;', 'main.ts has no function for scripts: write "export function'],
    ['parameter', 'export function f(x: f64): i32 { return 1; }', 'main.ts:1: f() has a parameter x of type f64'],
    [
      'result',
      '\nexport function f(): f32 { return 1; }',
      'main.ts:2: f() gives f32: a function for scripts gives i32',
    ],
    ['list', 'function f(): void {}\nexport { f };', 'main.ts:2: "export { f }'],
    ['hook', 'export function configure(n: string): void {}', 'main.ts:1: the server calls configure: write'],
    ['syntax', 'export function f(: i32 {', 'main.ts(1,'],
    ['types', "export function f(): i32 { return 'x'; }", 'is not assignable to type'],
    [
      'clock',
      'export function f(): string { return Date.now().toString(); }',
      'main.ts uses Date.now(), which a component has not: clock.now() is there',
    ],
    ['import', "import { x } from './nowhere';\nexport function f(): void { x(); }", 'nowhere'],
  ])('says what is wrong: %s', { timeout: 60_000 }, async (name, source, message) => {
    await expect(build(as(name, source))).rejects.toThrow(message);
  });
});

describe('module test', () => {
  it('shows what was expected, what came, and the log', { timeout: 60_000 }, async () => {
    const dir = as(
      'wrong',
      "import { log } from 'kemi-wasm/module-as';\nexport function f(x: i32): i32 { if (x > 1) throw new Error('too much'); return x; }\nexport function g(): string { log.info('called'); return 'yes'; }",
    );
    await expect(test(dir)).rejects.toThrow('kemi-wasm module build makes it');
    await build(dir);
    await expect(test(dir)).rejects.toThrow('it says what to call');
    const file = path.join(dir, 'wrong.test.js');
    writeFileSync(
      file,
      `export default [
        { name: 'right', call: 'KSR.wrong.f(1)', expect: 1 },
        { name: 'number', call: 'KSR.wrong.f(1)', expect: 2 },
        { name: 'text', call: 'KSR.wrong.g()', expect: 'no' },
        { name: 'trap', call: 'KSR.wrong.f(2)', expect: 2 },
        { name: 'error', call: 'KSR.wrong.none()', expect: 2 },
        { name: 'message', call: 'KSR.wrong.f(0)', message: 'X-Missing' },
      ];`,
    );
    const { failed, text } = await test(dir);
    expect(failed).toBe(5);
    expect(text).toContain(
      'ok 1 - right\nnot ok 2 - number\n    call      KSR.wrong.f(1)\n    expected  2\n    got       1\n',
    );
    expect(text).toContain('    expected  "no"\n    got       "yes"\n    log       info: ');
    expect(text).toMatch(/got {7}-255\n.*too much \(main\.ts:2:/s);
    expect(text).toMatch(
      /not ok 5 - error\n.*expected {2}that the call ends\n {4}got {7}an error\n {4}log {7}error: /s,
    );
    expect(text).toContain('expected  "X-Missing" in the message');
    expect(text).toContain('# 1 passed, 5 failed');
  });

  it('says which case is no Lua', { timeout: 60_000 }, async () => {
    const dir = as('no-lua', 'export function f(): void {}', {
      'no-lua.test.js': "export default [{ name: 'a', call: 'KSR.no_lua.f()' }, { name: 'b', call: 'KSR.no_lua.f(' }];",
    });
    await build(dir);
    await expect(test(dir)).rejects.toThrow(/^case "b": KSR\.no_lua\.f\(: /);
  });
});

describe('C', () => {
  const skip = ['clang', 'wasm-ld'].some(program => spawnSync(program, ['-v'], { stdio: 'ignore' }).error);

  it.skipIf(skip)('carries every type', { timeout: 60_000 }, async () => {
    const dir = make(
      'c-types',
      { language: 'c', source: 'c-types.c', wit: 'c-types.wit' },
      {
        'c-types.wit': `package acme:c-types;
          world c-types {
            include kemi:module/extension@0.1.0;
            include kemi:module/startable@0.1.0;
            export int: func(x: s32) -> s32;
            export half: func(x: u32) -> u32;
            export not: func(x: bool) -> bool;
            export copy: func(text: string, int: s32) -> string;
            export bytes: func(value: list<u8>) -> option<list<u8>>;
            export maybe: func(x: s32) -> option<s32>;
            export two: func(x: s32) -> result<bool, string>;
            export check: func(x: s32) -> result<_, string>;
            export value: func(x: s32) -> result<string, string>;
            export bare: func(x: bool) -> result;
            export nothing: func();
            export hog: func(n: s32) -> s32;
            export count-of: func(name: string) -> s32;
          }`,
        'c-types.c': `#include "c-types.h"
          static bool started;
          bool c_types_start(kemi_text *error) { (void)error; return started = true; }
          int32_t c_types_int(int32_t x) { return started ? 2 * x : 0; }
          uint32_t c_types_half(uint32_t x) { return x / 2; }
          bool c_types_not(bool x) { return !x; }
          kemi_text c_types_copy(kemi_text text, int32_t n) {
            kemi_text all = KEMI_TEXT("");
            while (n-- > 0) all = kemi_join(all, text);
            return all;
          }
          bool c_types_bytes(kemi_text x, kemi_text *value) { *value = x; return x.length > 2; }
          bool c_types_maybe(int32_t x, int32_t *value) { *value = x + 1; return x > 0; }
          bool c_types_two(int32_t x, bool *value, kemi_text *error) { *value = x > 1; *error = KEMI_TEXT("few"); return x > 0; }
          bool c_types_check(int32_t x, kemi_text *error) { *error = KEMI_TEXT("odd"); return x % 2 == 0; }
          bool c_types_value(int32_t x, kemi_text *value, kemi_text *error) { *value = KEMI_TEXT("fine"); *error = KEMI_TEXT("bad"); return x > 0; }
          bool c_types_bare(bool x) { return x; }
          void c_types_nothing(void) { kemi_log_info(KEMI_TEXT("nothing")); }
          int32_t c_types_hog(int32_t n) { uint8_t *at = kemi_alloc(n); memset(at, 7, n); return at[n - 1]; }
          int32_t c_types_count_of(kemi_text name) { return kemi_message_header_count(name); }`,
        'c-types.test.js': `export default [
            { name: 'int', call: 'KSR.c_types.int(21)', expect: 42 },
            { name: 'half', call: 'KSR.c_types.half(9)', expect: 4 },
            { name: 'not', call: 'KSR.c_types["not"](0)', expect: true },
            { name: 'copy', call: "KSR.c_types.copy('aü', 3)", expect: 'aüaüaü' },
            { name: 'copy much', call: "#KSR.c_types.copy(string.rep('x', 1000), 60)", expect: 60000 },
            { name: 'bytes', call: "KSR.c_types.bytes('abc')", expect: 'abc' },
            { name: 'no bytes', call: "KSR.c_types.bytes('ab')", expect: null },
            { name: 'maybe', call: 'KSR.c_types.maybe(1)', expect: 2 },
            { name: 'maybe not', call: 'KSR.c_types.maybe(0)', expect: null },
            { name: 'true', call: 'KSR.c_types.two(2)', expect: true },
            { name: 'false', call: 'KSR.c_types.two(1)', expect: false },
            { name: 'even', call: 'KSR.c_types.check(2)', expect: 1 },
            { name: 'odd', call: 'KSR.c_types.check(1)', expect: -1 },
            { name: 'value', call: 'KSR.c_types.value(1)', expect: 'fine' },
            { name: 'no value', call: 'KSR.c_types.value(0)', expect: null },
            { name: 'bare', call: 'KSR.c_types.bare(1)', expect: 1 },
            { name: 'bare error', call: 'KSR.c_types.bare(0)', expect: -1 },
            { name: 'nothing', call: 'KSR.c_types.nothing()' },
            { name: 'much memory, again and again', call: '(function() for i = 1, 200 do if KSR.c_types.hog(1000000 + i) ~= 7 then return i end end return 0 end)()', expect: 0 },
            { name: 'too much memory', call: 'KSR.c_types.hog(60000000)', expect: -255 },
            { name: 'host', headers: { 'X-A': ['1', '2'] }, call: "KSR.c_types.count_of('x-a')", expect: 2 },
          ];`,
      },
    );
    await build(dir);
    expect(await test(dir)).toEqual({ failed: 0, text: expect.stringContaining('# 21 passed, 0 failed') });
    writeFileSync(path.join(dir, 'c-types.c'), 'int x = ;');
    await expect(build(dir)).rejects.toThrow(/clang failed:\nc-types\.c:1:9: error/);
    writeFileSync(path.join(dir, 'c-types.c'), '#include "c-types.h"\n');
    await expect(build(dir)).rejects.toThrow('undefined symbol: c_types_int');
    writeFileSync(path.join(dir, 'c-types.wit'), 'package a:b; world w { export f: func(x: float) -> s32; }');
    await expect(build(dir)).rejects.toThrow('c-types.wit: ');
    writeFileSync(path.join(dir, 'c-types.wit'), 'package a:b; world w { export f: func(x: f64) -> s32; }');
    await expect(build(dir)).rejects.toThrow('f64');
  });
});

it('says what a JavaScript module does not export, and where it is wrong', { timeout: 60_000 }, async () => {
  const files = { 'm.wit': 'package a:b; world w { export look-up: func(s: string) -> string; }' };
  const js = (name: string, text: string) =>
    make(name, { language: 'javascript', source: 'm.js', wit: 'm.wit' }, { ...files, 'm.js': text });
  await expect(build(js('js-none', 'export const lookup = s => s;'))).rejects.toThrow(
    'm.js does not export lookUp(), which m.wit has as look-up',
  );
  await expect(build(js('js-syntax', 'export function lookUp( {'))).rejects.toThrow(/^m\.js: .*JavaScript module/s);
  const dir = js('js-good', 'const lookUp = s => s + "!"; export { lookUp };');
  writeFileSync(
    path.join(dir, 'js-good.test.js'),
    'export default [{ name: "a", call: "KSR.js_good.look_up([[x]])", expect: "x!" }];',
  );
  await build(dir);
  expect((await test(dir)).failed).toBe(0);
});

it('builds ahead of time: a JavaScript module and its core modules', { timeout: 60_000 }, async () => {
  const dir = path.join(folder, 'ahead');
  copyExample('assemblyscript', dir);
  const files = await build(dir, true);
  expect(files.map(f => path.relative(dir, f.file)).sort()).toEqual([
    'dist/numport.core0.wasm',
    'dist/numport.core1.wasm',
    'dist/numport.core2.wasm',
    'dist/numport.d.ts',
    'dist/numport.js',
    'numport.wasm',
  ]);
  expect(files.find(f => f.file === componentFile(openProject(dir)))!.bytes).toBeLessThan(32 << 10);
});
