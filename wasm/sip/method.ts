/** Method names to ids. Case-sensitive (RFC 3261 7.1). */
import { METHOD_MULTIPLIER, METHOD_NAMES, METHOD_SHIFT, MT } from '../gen/layout.gen';

const ROW_SHIFT: usize = 4;
/** the length stands in the last byte of a row of 16 */
const LENGTH_SHIFT: u64 = 56;
const WORD_BYTES: i32 = 8;
const MAX_LENGTH: i32 = 15;

/** The bytes of a word that a name of `length` has: all for 8 and more. */
function keep(word: u64, length: i32): u64 {
  return length <= 0 ? 0 : length >= WORD_BYTES ? word : word & (((<u64>1) << ((<u64>length) << 3)) - 1);
}

/** @returns METHOD_* of the name at [at, at + length), 0 when it is not one of the known. Reads up to 16 bytes */
export function methodId(at: usize, length: i32): i32 {
  if (<u32>length > <u32>MAX_LENGTH) return 0;
  const first = keep(load<u64>(at), length);
  const key = <u32>first ^ <u32>(first >> 32);
  const id = <i32>load<u8>(MT + <usize>((key * METHOD_MULTIPLIER) >> METHOD_SHIFT));
  const row = METHOD_NAMES + ((<usize>id) << ROW_SHIFT);
  const second = keep(load<u64>(at, 8), length - WORD_BYTES) | ((<u64>length) << LENGTH_SHIFT);
  return load<u64>(row) == first && load<u64>(row, 8) == second ? id : 0;
}
