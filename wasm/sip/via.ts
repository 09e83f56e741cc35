/**
 * Via (RFC 3261 20.42, 25.1). An area of 36 bytes takes pairs whose offsets count from `base`:
 *
 *   0 transport | 4 host | 8 branch | 12 received | 16 rport | 20 maddr | 24 params, from the first semicolon
 *   28 u16 port, 0 none | 30 u16 end: a comma, or the end of the value | 32 u16 PROTO_* | 34 u16 rport is there
 */
import {
  D_VIA,
  H_BODY,
  HDR_VIA,
  M_BUF,
  M_DONE,
  M_VIA,
  PROTO_OTHER,
  PROTO_SCTP,
  PROTO_TCP,
  PROTO_TLS,
  PROTO_UDP,
  PROTO_WS,
  PROTO_WSS,
  ST_NO_VIA,
  ST_VIA,
} from '../gen/layout.gen';
import {
  BRACKET,
  byte,
  COLON,
  COMMA,
  digits8,
  findHostEnd,
  lower4,
  MAX_SPAN,
  pair,
  SEMICOLON,
  SLASH,
  SP,
  skipWs,
} from '../mem/bytes';
import { headerById } from './header-index';
import { nextParam, paramName, paramNameLength, paramValue, paramValueEnd } from './params';
import { fail } from './status';
import { hostEnd } from './uri';

export const VIA_TRANSPORT: usize = 0;
export const VIA_HOST: usize = 4;
export const VIA_BRANCH: usize = 8;
export const VIA_RECEIVED: usize = 12;
export const VIA_RPORT: usize = 16;
export const VIA_MADDR: usize = 20;
export const VIA_PARAMS: usize = 24;
export const VIA_PORT: usize = 28;
export const VIA_END: usize = 30;
export const VIA_PROTO: usize = 32;
export const VIA_HAS_RPORT: usize = 34;

const MAX_PORT: u32 = 65535;
const SIP_VERSION_SLASH: u64 = 0x2f302e322f706973;
const LOWER_SIP: u64 = 0x202020;
const THREE_BYTES: u32 = 0xffffff;
// little-endian words of lower-case names
const SIP: u32 = 0x706973;
const UDP: u32 = 0x706475;
const TCP: u32 = 0x706374;
const TLS: u32 = 0x736c74;
const WSS: u32 = 0x737377;
const WS: u32 = 0x7377;
const SCTP: u32 = 0x70746373;
const BRAN: u32 = 0x6e617262;
const CH: u32 = 0x6863;
const RPOR: u32 = 0x726f7072;
const MADD: u32 = 0x6464616d;
const RECE: u32 = 0x65636572;
const IVED: u32 = 0x64657669;
const LETTER_T: i32 = 116;
const LETTER_R: i32 = 114;
const LOWER_LETTER: i32 = 0x20;

/** "SIP / 2.0 / " with blanks round the slashes. @returns the transport's first byte, 0 when it is not that */
function spacedProtocol(at: usize, end: usize): usize {
  if (at + 3 > end || (lower4(at) & THREE_BYTES) != SIP) return 0;
  let p = skipWs(at + 3, end);
  if (p >= end || byte(p) != SLASH) return 0;
  p = skipWs(p + 1, end);
  if (p + 3 > end || byte(p) != 50 || byte(p + 1) != 46 || byte(p + 2) != 48) return 0; // "2.0"
  p = skipWs(p + 3, end);
  if (p >= end || byte(p) != SLASH) return 0;
  return skipWs(p + 1, end);
}

function transportId(at: usize, length: i32): i32 {
  const word = lower4(at);
  if (length == 3) {
    const name = word & THREE_BYTES;
    if (name == UDP) return PROTO_UDP;
    if (name == TCP) return PROTO_TCP;
    if (name == TLS) return PROTO_TLS;
    if (name == WSS) return PROTO_WSS;
  } else if (length == 2) {
    if ((word & 0xffff) == WS) return PROTO_WS;
  } else if (length == 4 && word == SCTP) return PROTO_SCTP;
  return PROTO_OTHER;
}

/** Parses the Via at [at, end) into `area`, up to a comma. @returns 0 or -ST_VIA */
export function parseVia(base: usize, at: usize, end: usize, area: usize): i32 {
  const zero = i64x2.splat(0);
  v128.store(area, zero);
  v128.store(area, zero, 16);
  store<u32>(area + VIA_PROTO, 0);
  let p = at;
  if (p + 8 < end && (load<u64>(p) | LOWER_SIP) == SIP_VERSION_SLASH) p += 8;
  else {
    p = spacedProtocol(p, end);
    if (!p) return fail(ST_VIA, at);
  }
  const transport = p;
  let proto = p + 3 < end && byte(p + 3) == SP ? transportId(p, 3) : PROTO_OTHER;
  if (proto != PROTO_OTHER) p += 3;
  else {
    while (p < end && byte(p) > SP && byte(p) != SEMICOLON && byte(p) != COMMA) p++;
    if (p == transport || p >= end || byte(p) > SP) return fail(ST_VIA, p);
    proto = transportId(transport, <i32>(p - transport));
  }
  pair(area + VIA_TRANSPORT, <i32>(transport - base), <i32>(p - transport));
  store<u16>(area + VIA_PROTO, proto);
  p++;
  if (p < end && byte(p) <= SP) p = skipWs(p, end);
  const host = p;
  p = sentByEnd(p, end);
  if (!p) return fail(ST_VIA, host);
  pair(area + VIA_HOST, <i32>(host - base), <i32>(p - host));
  if (p < end && byte(p) <= SP) p = skipWs(p, end);
  if (p < end && byte(p) == COLON) {
    p = skipWs(p + 1, end);
    const digits = digits8(p, end);
    if (!digits || digits >> 4 > MAX_PORT) return fail(ST_VIA, p);
    p += digits & 15;
    store<u16>(area + VIA_PORT, digits >> 4);
    if (p < end && byte(p) <= SP) p = skipWs(p, end);
  }
  const params = p;
  while (p < end && byte(p) == SEMICOLON) {
    const semicolon = p;
    p = nextParam(p + 1, end);
    if (!p || !paramNameLength) return fail(ST_VIA, semicolon);
    keepParam(base, area);
  }
  if (p < end && byte(p) != COMMA) return fail(ST_VIA, p);
  pair(area + VIA_PARAMS, <i32>(params - base), <i32>(p - params));
  store<u16>(area + VIA_END, <u16>(p - base));
  return 0;
}

/** host of sent-by: ends at a colon, semicolon, comma or blank. @returns 0 when it is empty */
function sentByEnd(at: usize, end: usize): usize {
  if (at < end && byte(at) == BRACKET) return hostEnd(at, end);
  const p = findHostEnd(at, end);
  if (p == at) return 0;
  if (p == end) return p;
  const c = byte(p);
  return c == COLON || c == SEMICOLON || c == COMMA || c <= SP ? p : 0;
}

/** Keeps the parameter that nextParam() read if it is one of the five. */
function keepParam(base: usize, area: usize): void {
  const word = lower4(paramName);
  const value = <i32>(paramValue - base);
  const length = <i32>(paramValueEnd - paramValue);
  if (paramNameLength == 6) {
    if (word == BRAN && (<u32>load<u16>(paramName + 4) | 0x2020) == CH) pair(area + VIA_BRANCH, value, length);
  } else if (paramNameLength == 5) {
    const last = byte(paramName + 4) | LOWER_LETTER;
    if (word == RPOR && last == LETTER_T) {
      pair(area + VIA_RPORT, value, length);
      store<u16>(area + VIA_HAS_RPORT, 1);
    } else if (word == MADD && last == LETTER_R) pair(area + VIA_MADDR, value, length);
  } else if (paramNameLength == 8) {
    if (word == RECE && lower4(paramName + 4) == IVED) pair(area + VIA_RECEIVED, value, length);
  }
}

/**
 * Parses any bytes as a Via value. Reads up to SLACK bytes behind them.
 * @param area 36 bytes; offsets in it count from `at`
 * @returns 0 or -ST_VIA
 */
export function parseViaAt(at: usize, length: i32, area: usize): i32 {
  return <u32>length > MAX_SPAN ? fail(ST_VIA, at) : parseVia(at, at, at + length, area);
}

/** Parses the top Via into M_VIA, once. @returns 0, -ST_VIA or -ST_NO_VIA */
export function parseTopVia(msg: usize): i32 {
  const done = load<u32>(msg + M_DONE);
  if (done & D_VIA) return 0;
  const buf = <usize>load<u32>(msg + M_BUF);
  const h = headerById(msg, HDR_VIA);
  if (!h) return fail(ST_NO_VIA, buf);
  const at = buf + <usize>load<u16>(h + H_BODY);
  const status = parseVia(buf, at, at + <usize>load<u16>(h + H_BODY + 2), msg + M_VIA);
  if (!status) store<u32>(msg + M_DONE, done | D_VIA);
  return status;
}
