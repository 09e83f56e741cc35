/**
 * SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash of short input that cannot be predicted without the key. One at a time: sipStart, sipAdd, sipEnd.
 */
let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;
/** bytes that do not fill a word yet, and the number of all bytes */
let pending: u64 = 0;
let total: u32 = 0;

function round(): void {
  v0 += v1;
  v1 = rotl(v1, 13) ^ v0;
  v0 = rotl(v0, 32);
  v2 += v3;
  v3 = rotl(v3, 16) ^ v2;
  v0 += v3;
  v3 = rotl(v3, 21) ^ v0;
  v2 += v1;
  v1 = rotl(v1, 17) ^ v2;
  v2 = rotl(v2, 32);
}

function word(m: u64): void {
  v3 ^= m;
  round();
  round();
  v0 ^= m;
}

/** Starts a hash. @param key address of 16 bytes */
export function sipStart(key: usize): void {
  const k0 = load<u64>(key);
  const k1 = load<u64>(key, 8);
  v0 = k0 ^ 0x736f6d6570736575;
  v1 = k1 ^ 0x646f72616e646f6d;
  v2 = k0 ^ 0x6c7967656e657261;
  v3 = k1 ^ 0x7465646279746573;
  pending = 0;
  total = 0;
}

/** Adds one byte. */
export function sipByte(value: u32): void {
  pending |= (<u64>(value & 0xff)) << ((total & 7) << 3);
  total++;
  if ((total & 7) == 0) {
    word(pending);
    pending = 0;
  }
}

/** Adds bytes. */
export function sipAdd(at: usize, length: i32): void {
  const end = at + length;
  if ((total & 7) == 0) {
    for (; at + 8 <= end; at += 8) {
      word(load<u64>(at));
      total += 8;
    }
  }
  while (at < end) sipByte(load<u8>(at++));
}

/** @returns the hash of what was added since sipStart */
export function sipEnd(): u64 {
  word(pending | ((<u64>total) << 56));
  v2 ^= 0xff;
  round();
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}
