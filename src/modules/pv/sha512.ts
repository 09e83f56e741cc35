/** SHA-512 and SHA-384 (FIPS 180-4) for {s.sha512} and {s.sha384}: seldom asked for, so small rather than fast. */
import { type ByteStr, bytesOf } from '../../core/memory.ts';

const MASK = (1n << 64n) - 1n;

/** The first 64 bits of the fractional part of the root of n, by Newton's method on integers. */
function fraction(n: number, root: 2n | 3n): bigint {
  const target = BigInt(n) << (64n * root);
  let x = 1n << 68n;
  for (;;) {
    const next = root === 2n ? (x + target / x) / 2n : (2n * x + target / (x * x)) / 3n;
    if (next >= x) return x & MASK;
    x = next;
  }
}

function primes(count: number): number[] {
  const out: number[] = [];
  for (let n = 2; out.length < count; n++) if (out.every(p => n % p !== 0)) out.push(n);
  return out;
}

interface Tables {
  readonly k: readonly bigint[];
  readonly h512: readonly bigint[];
  readonly h384: readonly bigint[];
}
let made: Tables | undefined;
/** FIPS 180-4 4.2.3, 5.3.4 and 5.3.5: the constants are roots of the first primes. */
function tables(): Tables {
  if (!made) {
    const first = primes(80);
    made = {
      k: first.map(p => fraction(p, 3n)),
      h512: first.slice(0, 8).map(p => fraction(p, 2n)),
      h384: first.slice(8, 16).map(p => fraction(p, 2n)),
    };
  }
  return made;
}

const rotr = (x: bigint, n: bigint) => ((x >> n) | (x << (64n - n))) & MASK;

/** @returns lower-case hex, 128 or 96 digits */
export function sha512(data: ByteStr, bits: 512 | 384 = 512): string {
  const { k, h512, h384 } = tables();
  const bytes = bytesOf(data);
  const padded = new Uint8Array(Math.ceil((bytes.length + 17) / 128) * 128);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = [...(bits === 512 ? h512 : h384)];
  const w = new Array<bigint>(80);
  for (let block = 0; block < padded.length; block += 128) {
    for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(block + 8 * i);
    for (let i = 16; i < 80; i++) {
      const a = w[i - 15]!;
      const b = w[i - 2]!;
      const s0 = rotr(a, 1n) ^ rotr(a, 8n) ^ (a >> 7n);
      const s1 = rotr(b, 19n) ^ rotr(b, 61n) ^ (b >> 6n);
      w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) & MASK;
    }
    let [a, b, c, d, e, f, g, h] = state as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
    for (let i = 0; i < 80; i++) {
      const s1 = rotr(e, 14n) ^ rotr(e, 18n) ^ rotr(e, 41n);
      const t1 = h + s1 + ((e & f) ^ (~e & MASK & g)) + k[i]! + w[i]!;
      const s0 = rotr(a, 28n) ^ rotr(a, 34n) ^ rotr(a, 39n);
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK, c, b, a, (t1 + t2) & MASK];
    }
    for (const [i, v] of [a, b, c, d, e, f, g, h].entries()) state[i] = (state[i]! + v) & MASK;
  }
  return state
    .map(v => v.toString(16).padStart(16, '0'))
    .join('')
    .slice(0, bits / 4);
}
