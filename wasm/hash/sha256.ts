/** SHA-256 (FIPS 180-4): digest authentication after RFC 8760. */
import { SHA256_H, SHA256_K } from '../gen/hash.gen';

const BLOCK: usize = 64;
const LENGTH_AT: usize = 56;
const STATE: usize = memory.data(32, 16);
/** message schedule: 64 words */
const W: usize = memory.data(256, 16);
/** the last one or two blocks: the rest of the input, 0x80, zeros, the length in bits */
const TAIL: usize = memory.data(128, 16);

function block(at: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(W + i, bswap(load<u32>(at + i)));
  for (let i: usize = 64; i < 256; i += 4) {
    const x = load<u32>(W + i - 60);
    const y = load<u32>(W + i - 8);
    const s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3);
    const s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >> 10);
    store<u32>(W + i, load<u32>(W + i - 64) + s0 + load<u32>(W + i - 28) + s1);
  }
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  for (let i: usize = 0; i < 256; i += 4) {
    const s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
    const t1 = h + s1 + (g ^ (e & (f ^ g))) + load<u32>(SHA256_K + i) + load<u32>(W + i);
    const s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
    const t2 = s0 + ((a & b) | (c & (a | b)));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  store<u32>(STATE, load<u32>(STATE) + a);
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8);
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16);
  store<u32>(STATE, load<u32>(STATE, 20) + f, 20);
  store<u32>(STATE, load<u32>(STATE, 24) + g, 24);
  store<u32>(STATE, load<u32>(STATE, 28) + h, 28);
}

/** Writes the 32 bytes of the SHA-256 of [at, at + length) to `out`. COPIED; `out` may be anywhere. */
export function sha256(at: usize, length: i32, out: usize): void {
  memory.copy(STATE, SHA256_H, 32);
  const end = at + length;
  for (; at + BLOCK <= end; at += BLOCK) block(at);
  const rest = end - at;
  memory.fill(TAIL, 0, BLOCK * 2);
  memory.copy(TAIL, at, rest);
  store<u8>(TAIL + rest, 0x80);
  const last = rest < LENGTH_AT ? TAIL : TAIL + BLOCK;
  store<u64>(last + LENGTH_AT, bswap((<u64>(<u32>length)) << 3));
  for (let p = TAIL; p <= last; p += BLOCK) block(p);
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap(load<u32>(STATE + i)));
}
