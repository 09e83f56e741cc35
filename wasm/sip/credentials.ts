/**
 * Digest credentials of Authorization and Proxy-Authorization (RFC 3261 25.1, RFC 8760). An area of 44 bytes takes pairs, quotes not included:
 *
 *   0 scheme | 4 username | 8 realm | 12 nonce | 16 uri | 20 response | 24 algorithm | 28 cnonce | 32 nc | 36 qop | 40 opaque
 */
import {
  CRED_SCHEME,
  CRED_SIZE,
  CRED_USERNAME,
  ST_CREDENTIALS,
  TEXT_CREDENTIALS,
  TEXT_CREDENTIALS_LEN,
  TEXT_DIGEST,
  TEXT_DIGEST_LEN,
} from '../gen/layout.gen';
import {
  byte,
  COMMA,
  EQUALS,
  equalNoCase,
  findParamEnd,
  isToken,
  isWs,
  MAX_SPAN,
  pair,
  QUOTE,
  skipQuoted,
  skipWs,
} from '../mem/bytes';
import { fail } from './status';

const SP: i32 = 32;

/** @returns offset in the area for a parameter name, -1 for an unknown one. TEXT_CREDENTIALS is "username realm ...", in the order of the area. */
function slotOf(name: usize, length: i32): i32 {
  let slot = <i32>CRED_USERNAME;
  let word = TEXT_CREDENTIALS;
  const last = TEXT_CREDENTIALS + TEXT_CREDENTIALS_LEN;
  for (let p = word; p <= last; p++) {
    if (p < last && byte(p) != SP) continue;
    if (<i32>(p - word) == length && equalNoCase(word, name, length)) return slot;
    slot += 4;
    word = p + 1;
  }
  return -1;
}

/**
 * Parses credentials. Another scheme than Digest gives its name and nothing else (RFC 4475 3.3.7: not an error of the message).
 * @param area CRED_SIZE bytes; offsets in it count from `at`. Absent parameters are 0, empty ones have an offset
 * @returns 0, or -ST_CREDENTIALS: no scheme, a parameter without name or value, an open quote, no comma between two, or one of the ten twice
 */
export function parseCredentials(at: usize, length: i32, area: usize): i32 {
  memory.fill(area, 0, CRED_SIZE);
  if (<u32>length > MAX_SPAN) return fail(ST_CREDENTIALS, at);
  const end = at + length;
  let p = skipWs(at, end);
  const scheme = p;
  while (p < end && !isWs(byte(p))) p++;
  const schemeLength = <i32>(p - scheme);
  if (!isToken(scheme, schemeLength)) return fail(ST_CREDENTIALS, scheme);
  pair(area + CRED_SCHEME, <i32>(scheme - at), schemeLength);
  if (schemeLength != TEXT_DIGEST_LEN || !equalNoCase(scheme, TEXT_DIGEST, schemeLength)) return 0;
  while (p < end) {
    p = skipWs(p, end);
    const name = p;
    p = findParamEnd(p, end);
    const nameLength = <i32>(p - name);
    p = skipWs(p, end);
    if (!isToken(name, nameLength) || p >= end || byte(p) != EQUALS) return fail(ST_CREDENTIALS, name);
    p = skipWs(p + 1, end);
    let value = p;
    let valueEnd: usize;
    if (p < end && byte(p) == QUOTE) {
      p = skipQuoted(p, end);
      if (!p) return fail(ST_CREDENTIALS, value);
      value++;
      valueEnd = p - 1;
    } else {
      while (p < end && byte(p) != COMMA && !isWs(byte(p)) && byte(p) != QUOTE) p++;
      if (p == value) return fail(ST_CREDENTIALS, value);
      valueEnd = p;
    }
    const slot = slotOf(name, nameLength);
    if (slot >= 0) {
      if (load<u32>(area + slot)) return fail(ST_CREDENTIALS, name);
      pair(area + slot, <i32>(value - at), <i32>(valueEnd - value));
    }
    p = skipWs(p, end);
    if (p >= end) return 0;
    if (byte(p) != COMMA) return fail(ST_CREDENTIALS, p);
    p++;
  }
  return fail(ST_CREDENTIALS, p); // no parameter at all, or a comma at the end
}
