/** Targets of every shape for the tests of the dispatcher (test/unit/interp, test/bench/dispatch.ts). No script can reach them unless a test puts them into a tree. */
import { METHOD_COUNT, X_INT, X_LONG, X_NULL, X_STR } from '../gen/layout.gen';
import { MSG, RET, SCRATCH } from '../mem/state';
import { methodName } from '../modules/value';

const SIX: usize = memory.data(16, 4);

/** ()->int|bool: 1 */
export function selfTestOne(): i32 {
  return 1;
}
/** ()->int|bool: -1 */
export function selfTestMinusOne(): i32 {
  return -1;
}
/** ()->int: the current message */
export function selfTestMsg(): i32 {
  return <i32>MSG;
}
/** int->int: the argument */
export function selfTestInt(n: i32): i32 {
  return n;
}
/** str->int: its length, -1 for the NULL string */
export function selfTestStr(p: usize, n: i32): i32 {
  return p ? n : -1;
}
/** str->xval: the same bytes, nil for the NULL string */
export function selfTestEcho(p: usize, n: i32): i32 {
  store<usize>(RET, p);
  store<i32>(RET, n, 4);
  return p ? X_STR : X_NULL;
}
/** int->xval: that many bytes, 0..4096, of a repeating pattern */
export function selfTestText(n: i32): i32 {
  const length = min(max(n, 0), 4096);
  for (let i = 0; i < length; i++) store<u8>(SCRATCH + i, <u8>(97 + (i % 26)));
  store<usize>(RET, SCRATCH);
  store<i32>(RET, length, 4);
  return X_STR;
}
/** ()->xval: 6 constant bytes, as a method name is */
export function selfTestSixBytes(): i32 {
  store<u32>(SIX, 0x49564e49);
  store<u16>(SIX, 0x4554, 4);
  store<usize>(RET, SIX);
  store<i32>(RET, 6, 4);
  return X_STR;
}
/** int->xval: the name of that METHOD_*, where the table of names has it */
export function selfTestMethod(id: i32): i32 {
  return methodName(min(max(id, 1), METHOD_COUNT - 1));
}
/** ()->xval: 40 bytes that lie in SCRATCH */
export function selfTestForty(): i32 {
  store<usize>(RET, SCRATCH);
  store<i32>(RET, 40, 4);
  return X_STR;
}
/** int->xval: the X_* tag of that number, payload 7 */
export function selfTestTag(tag: i32): i32 {
  store<i64>(RET, tag == X_LONG ? 7000000000 : 7);
  return tag;
}
/** pv->xval: the PV number */
export function selfTestPv(pv: i32): i32 {
  store<i32>(RET, pv);
  return X_INT;
}
/** pv,str->int: PV number * 1000 + length */
export function selfTestPvSet(pv: i32, p: usize, n: i32): i32 {
  return pv * 1000 + (p ? n : -1);
}
/** str,int,str->int */
export function selfTestMixed(p: usize, n: i32, k: i32, q: usize, m: i32): i32 {
  return (p ? n : -1) * 10000 + k * 100 + (q ? m : -1);
}
/** str x 6 -> int: the lengths as decimal digits */
export function selfTestTwelve(
  _a: usize,
  an: i32,
  _b: usize,
  bn: i32,
  _c: usize,
  cn: i32,
  _d: usize,
  dn: i32,
  _e: usize,
  en: i32,
  _f: usize,
  fn: i32,
): i32 {
  return an * 100000 + bn * 10000 + cn * 1000 + dn * 100 + en * 10 + fn;
}
/** ()->int: traps */
export function selfTestTrap(): i32 {
  unreachable();
  return 0;
}
