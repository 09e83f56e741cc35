/** Kamailio's string hash, found from what cfgutils.core_hash returns. It decides the slot of a htable item and the set of a lock. */
import type { ByteStr } from '../core/memory.ts';

/** @param more a second string, hashed apart and added @returns 32 bits, unsigned */
export function coreHash(text: ByteStr, more: ByteStr = ''): number {
  const sum = (sumOf(text) + sumOf(more)) | 0;
  return (sum + (sum >>> 11) + (sum >>> 13) + (sum >>> 23)) >>> 0;
}

function sumOf(text: ByteStr): number {
  let sum = 0;
  for (let at = 0; at < text.length; at += 4) {
    let word = 0;
    const end = Math.min(at + 4, text.length);
    // bytes are signed, the most significant comes first; a last group of fewer bytes is not filled up
    for (let i = at; i < end; i++) word = ((word << 8) + ((text.charCodeAt(i) << 24) >> 24)) | 0;
    sum = (sum + (word ^ (word >>> 3))) | 0;
  }
  return sum;
}
