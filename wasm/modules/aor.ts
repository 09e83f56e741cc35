/** Addresses of record: what a URI is stored and found by in location tables. */
import { M_BUF, M_KIND, M_NEWURI, M_NURI, M_RURI } from '../gen/layout.gen';
import { AT, byte, EQUALS, find1, find2, lower, PERCENT, SEMICOLON } from '../mem/bytes';
import { parseNewUri, parseRuri, parseUriAt, URI_HOST, URI_PARAMS, URI_SCHEME, URI_USER } from '../sip/uri';
import { REQUEST } from './value';

/**
 * The result, i32 each: 0 address and 4 length of the address of record | 8 address and 12 length of the value of the parameter gr (RFC 5627), 0 and 0 when
 * there is no such parameter | 16 for lookup.ts
 */
export const AOR_READ: usize = memory.data(20, 16);
const URI: usize = memory.data(32, 16);
/** user, @ and host */
const AOR: usize = memory.data(272, 16);

/** bits of `wants` */
export const AOR_CASE_SENSITIVE: i32 = 1;
export const AOR_DOMAIN: i32 = 2;

/** Why a URI has none: it does not parse; user and host are too long; an escape is none, or stands for a control or non-ASCII byte. */
export const AOR_PARSE: i32 = 1;
export const AOR_LONG: i32 = 2;
export const AOR_UNESCAPE: i32 = 3;

const MAX_AOR_BYTES: i32 = 256;
const FIRST_PRINTABLE: i32 = 0x20;
const LAST_PRINTABLE: i32 = 0x7e;
const G: i32 = 103;
const R: i32 = 114;

/** Reads the address of record of the URI at `at` into AOR_READ. @returns 0 or AOR_* */
export function aorAt(at: usize, length: i32, wants: i32): i32 {
  return parseUriAt(at, length, URI) ? AOR_PARSE : ofParsed(at, URI, wants);
}

/** As aorAt(), of the request URI as the script left it. @returns AOR_PARSE too for a reply whose URI nobody set */
export function aorOfRequest(msg: usize, wants: i32): i32 {
  const changed = <usize>load<u32>(msg + M_NEWURI);
  if (changed) return parseNewUri(msg) ? AOR_PARSE : ofParsed(changed, msg + M_NURI, wants);
  if (load<u8>(msg + M_KIND) != REQUEST || parseRuri(msg)) return AOR_PARSE;
  return ofParsed(<usize>load<u32>(msg + M_BUF), msg + M_RURI, wants);
}

/** @param uri area of a parsed URI  @param base what its offsets count from */
function ofParsed(base: usize, uri: usize, wants: i32): i32 {
  if (!load<u16>(uri + URI_SCHEME)) return AOR_PARSE;
  const userLength = <i32>load<u16>(uri + URI_USER + 2);
  const hostLength = <i32>load<u16>(uri + URI_HOST + 2);
  if (userLength + hostLength > MAX_AOR_BYTES) return AOR_LONG;
  let to = AOR;
  let p = base + <usize>load<u16>(uri + URI_USER);
  for (const end = p + <usize>userLength; p < end; p++) {
    let c = byte(p);
    if (c == PERCENT) {
      if (p + 2 >= end) return AOR_UNESCAPE;
      c = (hex(byte(p + 1)) << 4) | hex(byte(p + 2));
      if (c < FIRST_PRINTABLE || c > LAST_PRINTABLE) return AOR_UNESCAPE;
      p += 2;
    }
    store<u8>(to++, <u8>(wants & AOR_CASE_SENSITIVE ? c : lower(c)));
  }
  if (wants & AOR_DOMAIN) {
    store<u8>(to++, <u8>AT);
    p = base + <usize>load<u16>(uri + URI_HOST);
    for (const end = p + <usize>hostLength; p < end; p++) store<u8>(to++, <u8>lower(byte(p)));
  }
  store<usize>(AOR_READ, AOR);
  store<i32>(AOR_READ, <i32>(to - AOR), 4);
  store<i64>(AOR_READ, 0, 8);
  const params = <i32>load<u16>(uri + URI_PARAMS + 2);
  if (params) readGr(base + <usize>load<u16>(uri + URI_PARAMS), params);
  return 0;
}

/** @returns value of a hex digit; -1, which makes every byte that it is a part of negative, for another character */
function hex(c: i32): i32 {
  const digit = c - 48;
  if (<u32>digit < 10) return digit;
  const letter = lower(c) - 97;
  return <u32>letter < 6 ? letter + 10 : -1;
}

/** Where the value of the first parameter gr is. */
function readGr(at: usize, length: i32): void {
  for (let p = at, end = at + <usize>length; p < end; ) {
    const stop = find1(p, end, <u8>SEMICOLON);
    const name = find2(p, stop, <u8>EQUALS, <u8>SEMICOLON);
    if (name == p + 2 && lower(byte(p)) == G && lower(byte(p + 1)) == R) {
      const value = name < stop ? name + 1 : name;
      store<usize>(AOR_READ, value, 8);
      store<i32>(AOR_READ, <i32>(stop - value), 12);
      return;
    }
    p = stop + 1;
  }
}
