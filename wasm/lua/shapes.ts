/**
 * What the C functions of wasm/gen/calls.gen.ts are made of: the in-place lane with one function per KSR function, so that a call takes no decision that was
 * known when the core was built, and its target can be inlined. Anything unusual (another number of arguments, a value of another type, no message, a PV name for
 * the first time) goes to luaDispatch, which knows the function by the export number in its upvalue.
 */
import { B_PV, blockOf } from './block';
import { TAG_FALSE, TAG_INT, TAG_LONG, TAG_SHORT, tagOf } from './inplace';

/** TAG_TRUE - TAG_FALSE is 1 << TRUE_SHIFT */
const TRUE_SHIFT: i32 = 4;

/** Writes a boolean at the top and counts it. */
export function giveBool(L: usize, top: usize, r: i32): i32 {
  store<u8>(top, TAG_FALSE + ((<i32>(r != 0)) << TRUE_SHIFT), 8);
  store<usize>(L, top + 16, 12);
  return 1;
}

/** Writes an integer at the top and counts it. */
export function giveInt(L: usize, top: usize, r: i32): i32 {
  store<i64>(top, r);
  store<u8>(top, TAG_INT, 8);
  store<usize>(L, top + 16, 12);
  return 1;
}

/** whether the slot at v holds a string, short or long */
export function isStr(v: usize): bool {
  return (tagOf(v) & ~(TAG_SHORT ^ TAG_LONG)) == TAG_SHORT;
}

/** Cache slot of the PV name in stack slot v, a short string: {characters, PV number}. 0 when the name was not seen yet. */
export function pvSlot(L: usize, v: usize): usize {
  const at = load<usize>(v) + 16;
  const slot = blockOf(L) + B_PV + (((at >> 4) & 255) << 3);
  return load<usize>(slot) == at ? slot : 0;
}
