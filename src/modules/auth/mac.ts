/** HMAC-SHA-256 (RFC 2104) of short texts, calculated where the core's hash is, without a copy of the key for each. */
import type { Core } from '../../core/load.ts';
import type { ByteStr } from '../../core/memory.ts';

const BLOCK = 64;
const HASH = 32;
/** bytes that are authenticated at most */
const MAX_DATA = 64;

/** The area: inner key | data | outer key | inner hash | result */
const DATA = BLOCK;
const OUTER = DATA + MAX_DATA;
const INNER_HASH = OUTER + BLOCK;
const RESULT = INNER_HASH + HASH;
const SIZE = RESULT + HASH;

export class Mac {
  readonly #core: Core;
  /** for the life of the core */
  readonly #at: number;

  /** @param key 64 bytes at most */
  constructor(core: Core, key: ByteStr) {
    if (key.length > BLOCK) throw new RangeError('a key has 64 bytes at most');
    this.#core = core;
    this.#at = core.lua.malloc(SIZE);
    const { u8 } = core.mem;
    for (let i = 0; i < BLOCK; i++) {
      const byte = i < key.length ? key.charCodeAt(i) : 0;
      u8[this.#at + i] = byte ^ 0x36;
      u8[this.#at + OUTER + i] = byte ^ 0x5c;
    }
  }

  /** @param data 64 bytes at most  @param length of the result, up to 32 bytes */
  of(data: ByteStr, length: number): ByteStr {
    if (data.length > MAX_DATA) throw new RangeError('only 64 bytes are authenticated');
    const { x, mem } = this.#core;
    const at = this.#at;
    mem.putStr(at + DATA, data);
    x.sha256(at, BLOCK + data.length, at + INNER_HASH);
    x.sha256(at + OUTER, BLOCK + HASH, at + RESULT);
    return mem.str(at + RESULT, length);
  }
}
