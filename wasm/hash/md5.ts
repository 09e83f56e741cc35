/** MD5 (RFC 1321): digest authentication and hashes that Kamailio's functions give; not for anything that needs collision resistance. */
import { MD5_K, MD5_SHIFTS } from '../gen/hash.gen';

const BLOCK: usize = 64;
const LENGTH_AT: usize = 56;
const STATE: usize = memory.data(16, 16);
/** the last one or two blocks: the rest of the input, 0x80, zeros, the length in bits */
const TAIL: usize = memory.data(128, 16);

function block(at: usize): void {
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  for (let i: u32 = 0; i < 64; i++) {
    let f: u32;
    let g: u32;
    if (i < 16) {
      f = d ^ (b & (c ^ d));
      g = i;
    } else if (i < 32) {
      f = c ^ (d & (b ^ c));
      g = (5 * i + 1) & 15;
    } else if (i < 48) {
      f = b ^ c ^ d;
      g = (3 * i + 5) & 15;
    } else {
      f = c ^ (b | ~d);
      g = (7 * i) & 15;
    }
    const sum = a + f + load<u32>(MD5_K + ((<usize>i) << 2)) + load<u32>(at + ((<usize>g) << 2));
    a = d;
    d = c;
    c = b;
    b += rotl(sum, load<u8>(MD5_SHIFTS + ((<usize>i >> 4) << 2) + (<usize>i & 3)));
  }
  store<u32>(STATE, load<u32>(STATE) + a);
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8);
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
}

/** Writes the 16 bytes of the MD5 of [at, at + length) to `out`. COPIED; `out` may be anywhere. */
export function md5(at: usize, length: i32, out: usize): void {
  store<u32>(STATE, 0x67452301);
  store<u32>(STATE, 0xefcdab89, 4);
  store<u32>(STATE, 0x98badcfe, 8);
  store<u32>(STATE, 0x10325476, 12);
  const end = at + length;
  for (; at + BLOCK <= end; at += BLOCK) block(at);
  const rest = end - at;
  memory.fill(TAIL, 0, BLOCK * 2);
  memory.copy(TAIL, at, rest);
  store<u8>(TAIL + rest, 0x80);
  const last = rest < LENGTH_AT ? TAIL : TAIL + BLOCK;
  store<u64>(last + LENGTH_AT, (<u64>(<u32>length)) << 3);
  for (let p = TAIL; p <= last; p += BLOCK) block(p);
  memory.copy(out, STATE, 16);
}
