/**
 * Short texts that were read before: names, hosts and numbers come again and again, and TypeScript has a string of each. Here is which: its number, found by the
 * bytes. A text that is new takes the place of another one.
 */

/** longest text that has a place */
const MAX_BYTES: i32 = 32;
/** a power of two */
const PLACES: u32 = 512;
/** MAX_BYTES of each place, the rest of a shorter text 0 */
const TEXTS: usize = memory.data(16384, 16);
const LENGTHS: usize = memory.data(512, 16);
/** bytes behind the end, to be masked away: 32 times 255, 32 times 0 */
const MASKS: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0,
]);

/**
 * @param length 1..32
 * @returns the number of the text, 0..511; -1 - number when it is new there; -1 - 512: it has none, because it lies too close to the end of memory
 */
export function textPlace(at: usize, length: i32): i32 {
  if (at + <usize>MAX_BYTES > (<usize>memory.size()) << 16) return -1 - <i32>PLACES;
  const mask = MASKS + <usize>(MAX_BYTES - length);
  const a = v128.and(v128.load(at), v128.load(mask));
  const b = v128.and(v128.load(at, 16), v128.load(mask, 16));
  const mixed = v128.xor(a, i64x2.mul(b, i64x2.splat(0x9e3779b97f4a7c15)));
  const low = i64x2.extract_lane(mixed, 0) ^ (i64x2.extract_lane(mixed, 1) * 31);
  const hash = <u64>(low + length) * 0x9e3779b97f4a7c15;
  const place = <u32>(hash >> 55) & (PLACES - 1);
  const kept = TEXTS + ((<usize>place) << 5);
  if (
    load<u8>(LENGTHS + <usize>place) == <u8>length &&
    !v128.any_true(v128.or(v128.xor(a, v128.load(kept)), v128.xor(b, v128.load(kept, 16))))
  )
    return <i32>place;
  store<u8>(LENGTHS + <usize>place, length);
  v128.store(kept, a);
  v128.store(kept, b, 16);
  return -1 - <i32>place;
}
