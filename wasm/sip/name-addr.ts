/**
 * name-addr and addr-spec with header parameters: From, To, Contact, Route, Record-Route (RFC 3261 20.10, 25.1).
 * An area of 20 bytes takes pairs whose offsets count from `base`:
 *
 *   0 display (quotes kept) | 4 uri | 8 params, without the first semicolon | 12 tag | 16 u16 end: a comma, or the end of the value
 *
 * Without angle brackets everything behind the first semicolon belongs to the header, not to the URI (RFC 3261 20).
 */
import {
  D_FROM,
  D_TO,
  H_BODY,
  HDR_FROM,
  HDR_TO,
  M_BUF,
  M_DONE,
  M_FROM,
  M_TO,
  ST_ADDR,
  ST_DUP_TAG,
} from '../gen/layout.gen';
import {
  byte,
  COLON,
  COMMA,
  find1,
  find2,
  GREATER,
  LESS,
  MAX_SPAN,
  pair,
  QUOTE,
  SEMICOLON,
  skipQuoted,
  skipWs,
  trimEnd,
} from '../mem/bytes';
import { headerById } from './header-index';
import { nextParam, paramName, paramNameLength, paramValue, paramValueEnd } from './params';
import { fail } from './status';

export const ADDR_DISPLAY: usize = 0;
export const ADDR_URI: usize = 4;
export const ADDR_PARAMS: usize = 8;
export const ADDR_TAG: usize = 12;
export const ADDR_END: usize = 16;

/** "tag" in the low three bytes */
const TAG: u32 = 0x676174;
const LOWER3: u32 = 0x202020;
const THREE_BYTES: u32 = 0xffffff;

/**
 * Parses the address at [at, end) into `area`, up to a comma.
 * @returns 0, -ST_ADDR, or -ST_DUP_TAG for a second tag
 */
export function parseAddr(base: usize, at: usize, end: usize, area: usize): i32 {
  v128.store(area, i64x2.splat(0));
  store<u32>(area + ADDR_END, 0);
  let p = find2(at, end, <u8>LESS, <u8>QUOTE);
  // In `sip:a@b;x="<c>"` and `sip:a@b, <sip:c@d>` the URI has no brackets: a colon, then a semicolon or comma, come first.
  if (p > at && p < end) {
    const stop = find2(at, p, <u8>SEMICOLON, <u8>COMMA);
    if (stop < p && find1(at, stop, <u8>COLON) < stop) p = end;
  }
  if (p < end && byte(p) == QUOTE) {
    const open = p;
    p = skipQuoted(p, end);
    if (!p) return fail(ST_ADDR, open);
    p = find1(p, end, <u8>LESS);
    if (p >= end) return fail(ST_ADDR, open);
  }
  if (p < end) {
    pair(area + ADDR_DISPLAY, <i32>(at - base), <i32>(trimEnd(at, p) - at));
    const uri = p + 1;
    const close = find1(uri, end, <u8>GREATER);
    if (close >= end) return fail(ST_ADDR, p);
    pair(area + ADDR_URI, <i32>(uri - base), <i32>(close - uri));
    p = close + 1;
  } else {
    p = find2(at, end, <u8>SEMICOLON, <u8>COMMA);
    const uriEnd = trimEnd(at, p);
    if (uriEnd == at) return fail(ST_ADDR, at);
    pair(area + ADDR_URI, <i32>(at - base), <i32>(uriEnd - at));
  }
  if (p < end && byte(p) != SEMICOLON) p = skipWs(p, end);
  if (p >= end || byte(p) == COMMA) {
    store<u16>(area + ADDR_END, <u16>(p - base));
    return 0;
  }
  if (byte(p) != SEMICOLON) return fail(ST_ADDR, p);
  const params = p + 1;
  while (p < end && byte(p) == SEMICOLON) {
    const semicolon = p;
    p = nextParam(p + 1, end);
    if (!p) return fail(ST_ADDR, semicolon);
    if (paramNameLength == 3 && ((load<u32>(paramName) | LOWER3) & THREE_BYTES) == TAG) {
      if (load<u16>(area + ADDR_TAG + 2)) return fail(ST_DUP_TAG, paramName);
      // A tag is a token: `""` is as empty as nothing, and a reply needs one that is not.
      const length = <i32>(paramValueEnd - paramValue);
      const empty = length == 2 && load<u8>(paramValue) == 0x22;
      pair(area + ADDR_TAG, <i32>(paramValue - base), empty ? 0 : length);
    }
  }
  if (p < end && byte(p) != COMMA) return fail(ST_ADDR, p);
  pair(area + ADDR_PARAMS, <i32>(params - base), <i32>(p - params));
  store<u16>(area + ADDR_END, <u16>(p - base));
  return 0;
}

/**
 * Parses any bytes as name-addr or addr-spec. Reads up to SLACK bytes behind them.
 * @param area 20 bytes; offsets in it count from `at`
 * @returns 0, -ST_ADDR or -ST_DUP_TAG
 */
export function parseAddrAt(at: usize, length: i32, area: usize): i32 {
  return <u32>length > MAX_SPAN ? fail(ST_ADDR, at) : parseAddr(at, at, at + length, area);
}

function parseOne(msg: usize, id: i32, area: usize, bit: u32): i32 {
  const done = load<u32>(msg + M_DONE);
  if (done & bit) return 0;
  const buf = <usize>load<u32>(msg + M_BUF);
  const h = headerById(msg, id);
  if (!h) return fail(ST_ADDR, buf);
  const at = buf + <usize>load<u16>(h + H_BODY);
  const status = parseAddr(buf, at, at + <usize>load<u16>(h + H_BODY + 2), msg + area);
  if (!status) store<u32>(msg + M_DONE, done | bit);
  return status;
}

/** Parses From into M_FROM, once. @returns 0, -ST_ADDR (also when there is none) or -ST_DUP_TAG */
export function parseFrom(msg: usize): i32 {
  return parseOne(msg, HDR_FROM, M_FROM, D_FROM);
}

/** Parses To into M_TO, once. @returns 0, -ST_ADDR (also when there is none) or -ST_DUP_TAG */
export function parseTo(msg: usize): i32 {
  return parseOne(msg, HDR_TO, M_TO, D_TO);
}
