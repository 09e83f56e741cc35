/** SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash of short input that cannot be predicted without the key. */

const WORD: usize = 8;
const FINAL_ROUNDS: i32 = 4;
const ROUNDS: i32 = 2;

/** @param key address of 16 bytes @param at input, with 7 readable bytes behind it @returns the 64-bit hash of [at, at + length) */
export function sipHash(key: usize, at: usize, length: i32): u64 {
  const k0 = load<u64>(key);
  const k1 = load<u64>(key, 8);
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  const words = (<usize>length >> 3) + 1;
  for (let i: usize = 0; i <= words; i++) {
    // the input's words, then its rest with the length in the top byte, then the finalization
    let word: u64 = 0;
    let rounds = ROUNDS;
    if (i + 1 < words) word = load<u64>(at + i * WORD);
    else if (i < words) {
      const rest = (<u64>(length & 7)) << 3;
      word = (load<u64>(at + i * WORD) & (((<u64>1) << rest) - 1)) | ((<u64>length) << 56);
    } else {
      v2 ^= 0xff;
      rounds = FINAL_ROUNDS;
    }
    v3 ^= word;
    for (; rounds > 0; rounds--) {
      v0 += v1;
      v2 += v3;
      v1 = rotl(v1, 13) ^ v0;
      v3 = rotl(v3, 16) ^ v2;
      v0 = rotl(v0, 32) + v3;
      v2 += v1;
      v3 = rotl(v3, 21) ^ v0;
      v1 = rotl(v1, 17) ^ v2;
      v2 = rotl(v2, 32);
    }
    v0 ^= word;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}
