/** The component that most tests use: one function for each type and each way to fail. */
import { assemble } from './component.ts';

export const ACME_WIT = `
world test {
  include kemi:module/extension@0.1.0;
  include kemi:module/configurable@0.1.0;
  include kemi:module/startable@0.1.0;
  include kemi:module/timed@0.1.0;
  export inc: func(x: s32) -> s32;
  export upper: func(s: string) -> string;
  export bytes: func(s: list<u8>) -> list<u8>;
  export not: func(b: bool) -> bool;
  export half: func(x: u32) -> u32;
  export join: func(a: string, b: string, n: s32) -> string;
  export lookup: func(number: string) -> option<string>;
  export positive: func(x: s32) -> result<s32, string>;
  export even: func(x: s32) -> result<_, string>;
  export read-header: func(name: string) -> option<string>;
  export add-header: func(name: string, value: string) -> bool;
  export say: func(text: string);
  export answer: func(code: s32, reason: string) -> bool;
  export remember: func(key: string, value: string) -> bool;
  export recall: func(key: string) -> option<string>;
  export count: func(key: string) -> s32;
  export tick: func(ms: s32) -> s32;
  export ticks: func() -> s32;
  export now: func() -> string;
  export trap: func() -> s32;
  export spin: func() -> s32;
  export hog: func() -> s32;
  export deep: func(n: s32) -> s32;
  export bad-text: func() -> string;
  export outside: func() -> string;
  export calls: func() -> s32;
}
`;

const SOURCE = `
@external("kemi:module/message@0.1.0", "header") declare function header(p: usize, n: usize, index: i32, ret: usize): void;
@external("kemi:module/edit@0.1.0", "append-header") declare function appendHeader(p: usize, n: usize, v: usize, vn: usize): i32;
@external("kemi:module/log@0.1.0", "info") declare function logInfo(p: usize, n: usize): void;
@external("kemi:module/reply@0.1.0", "send") declare function send(code: i32, p: usize, n: usize): i32;
@external("kemi:module/kv@0.1.0", "set") declare function kvSet(t: usize, tn: usize, k: usize, kn: usize, v: usize, vn: usize, ttl: u32): i32;
@external("kemi:module/kv@0.1.0", "get") declare function kvGet(t: usize, tn: usize, k: usize, kn: usize, ret: usize): void;
@external("kemi:module/kv@0.1.0", "add") declare function kvAdd(t: usize, tn: usize, k: usize, kn: usize, by: i32, ret: usize): void;
@external("kemi:module/timer@0.1.0", "every") declare function every(ms: u32): u32;
@external("kemi:module/clock@0.1.0", "now") declare function wall(): u64;

const TABLE: usize = memory.data<u8>([0x74]); // "t"
const ODD: usize = memory.data<u8>([0x6f, 0x64, 0x64]);
const NEGATIVE: usize = memory.data<u8>([0x6e, 0x65, 0x67, 0x61, 0x74, 0x69, 0x76, 0x65]);
const UNKNOWN: usize = memory.data<u8>([0x6e, 0x6f, 0x20, 0x73, 0x75, 0x63, 0x68]);
const BAD: usize = memory.data<u8>([0xff, 0xfe]);
const STORE: usize = memory.data(512, 8);
let stored: usize = 0;
let called: i32 = 0;
let ticked: i32 = 0;

/** modparam("acme", "entry", "number=>carrier"): kept as it is; lookup() walks over what there is */
export function configure(n: usize, nl: usize, v: usize, vl: usize): usize {
  free();
  if (nl != 5 || stored + vl + 1 > 512) {
    store<u8>(RET, 1); store<u32>(RET, UNKNOWN, 4); store<u32>(RET, 7, 8);
    return RET;
  }
  memory.copy(STORE + stored, v, vl);
  stored += vl;
  store<u8>(STORE + stored, 0);
  stored += 1;
  store<u8>(RET, 0);
  return RET;
}
export function start(): usize { store<u8>(RET, 0); return RET; }
export function on_timer(id: u32): void { ticked++; }
export function inc(x: i32): i32 { called++; return x + 1; }
export function upper(p: usize, n: usize): usize {
  for (let i: usize = 0; i < n; i++) { const c = load<u8>(p + i); if (c >= 0x61 && c <= 0x7a) store<u8>(p + i, c - 32); }
  return give(p, n);
}
export function cabi_post_upper(r: usize): void { free(); }
export function bytes(p: usize, n: usize): usize { return give(p, n); }
export function cabi_post_bytes(r: usize): void { free(); }
export function not(b: i32): i32 { return b ? 0 : 1; }
export function half(x: u32): u32 { return x >>> 1; }
export function join(a: usize, an: usize, b: usize, bn: usize, n: i32): usize {
  const at = cabi_realloc(0, 0, 1, an + <usize>n * bn);
  memory.copy(at, a, an);
  for (let i = 0; i < n; i++) memory.copy(at + an + <usize>i * bn, b, bn);
  return give(at, an + <usize>n * bn);
}
export function cabi_post_join(r: usize): void { free(); }
export function lookup(p: usize, n: usize): usize {
  for (let at: usize = 0; at < stored; ) {
    let end = at;
    while (load<u8>(STORE + end)) end++;
    if (end - at > n + 2 && !memory.compare(STORE + at, p, n) && load<u16>(STORE + at + n) == 0x3e3d) return some(STORE + at + n + 2, end - at - n - 2);
    at = end + 1;
  }
  return none();
}
export function cabi_post_lookup(r: usize): void { free(); }
export function positive(x: i32): usize {
  if (x > 0) { store<u8>(RET, 0); store<i32>(RET, x, 4); }
  else { store<u8>(RET, 1); store<u32>(RET, NEGATIVE, 4); store<u32>(RET, 8, 8); }
  return RET;
}
export function even(x: i32): usize {
  if (x & 1) { store<u8>(RET, 1); store<u32>(RET, ODD, 4); store<u32>(RET, 3, 8); } else store<u8>(RET, 0);
  return RET;
}
export function read_header(p: usize, n: usize): usize { header(p, n, 0, RET); return RET; }
export function cabi_post_read_header(r: usize): void { free(); }
export function add_header(p: usize, n: usize, v: usize, vn: usize): i32 { const r = appendHeader(p, n, v, vn); free(); return r; }
export function say(p: usize, n: usize): void { logInfo(p, n); free(); }
export function answer(code: i32, p: usize, n: usize): i32 { const r = send(code, p, n); free(); return r; }
export function remember(k: usize, kn: usize, v: usize, vn: usize): i32 { const r = kvSet(TABLE, 1, k, kn, v, vn, 0); free(); return r; }
export function recall(k: usize, kn: usize): usize { kvGet(TABLE, 1, k, kn, RET); return RET; }
export function cabi_post_recall(r: usize): void { free(); }
export function count(k: usize, kn: usize): i32 { kvAdd(TABLE, 1, k, kn, 1, RET); free(); return load<u8>(RET) ? load<i32>(RET, 4) : -1; }
export function tick(ms: i32): i32 { return every(ms); }
export function ticks(): i32 { return ticked; }
export function now(): usize {
  let t = wall();
  let at: usize = RET + 64;
  let n: usize = 0;
  do { at--; store<u8>(at, 0x30 + <u8>(t % 10)); t /= 10; n++; } while (t);
  return give(at, n);
}
export function trap(): i32 { called++; unreachable(); return 0; }
export function spin(): i32 { while (true) called++; return 0; }
export function hog(): i32 { let n = 0; while (true) { cabi_realloc(0, 0, 8, 60000); n++; } return n; }
export function deep(n: i32): i32 { return n ? deep(n - 1) + 1 : 0; }
export function bad_text(): usize { return give(BAD, 2); }
export function outside(): usize { return give(0x7ffffff0, 100); }
export function calls(): i32 { return called; }
`;

export const acmeBytes = (): Promise<Uint8Array> => (built ??= assemble(SOURCE, ACME_WIT));
let built: Promise<Uint8Array> | undefined;
