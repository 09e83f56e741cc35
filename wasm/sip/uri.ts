/**
 * URIs (RFC 3261 19.1, RFC 3966). An area of 32 bytes takes the parts as pairs whose offsets count from `base`; an absent part is 0, an empty one has an offset.
 *
 *   0 u16 scheme | 2 u16 port | 4 user | 8 password | 12 host | 16 params | 20 headers | 24 port text
 *
 * tel: the number is the user, there is no host. urn: the namespace is the user, the rest the host, as in Kamailio. Other schemes: everything behind the
 * colon is the host.
 */
import {
  D_NURI,
  D_RURI,
  M_BUF,
  M_DONE,
  M_NEWURI,
  M_NURI,
  M_RURI,
  M_URI,
  SCHEME_OTHER,
  SCHEME_SIP,
  SCHEME_SIPS,
  SCHEME_TEL,
  SCHEME_URN,
  ST_URI,
} from '../gen/layout.gen';
import {
  AT,
  BRACKET,
  BRACKET_END,
  byte,
  COLON,
  DIGIT_0,
  DOT,
  digits8,
  find1,
  find2,
  findHostEnd,
  findNameEnd,
  findUserEnd,
  GREATER,
  LESS,
  lower,
  lower4,
  MAX_SPAN,
  MINUS,
  pair,
  QUESTION,
  SEMICOLON,
  SP,
} from '../mem/bytes';
import { fail } from './status';

export const URI_SCHEME: usize = 0;
export const URI_PORT: usize = 2;
export const URI_USER: usize = 4;
export const URI_PASSWORD: usize = 8;
export const URI_HOST: usize = 12;
export const URI_PARAMS: usize = 16;
export const URI_HEADERS: usize = 20;
export const URI_PORT_TEXT: usize = 24;

const MAX_PORT: u32 = 65535;
/** "sip:" and "sips" as little-endian u32; or-ed with LOWER4 the colon stays what it is */
const SIP_COLON: u32 = 0x3a706973;
const SIPS: u32 = 0x73706973;
const TEL_COLON: u32 = 0x3a6c6574;
const URN_COLON: u32 = 0x3a6e7275;
const LONGEST_KNOWN: usize = 5;

/**
 * Parses the URI at [at, end) into `area`.
 * @returns 0 or -ST_URI: no scheme, a scheme that is not letters, digits and "+-." (RFC 3986 3.1), no host, a bad port, or a blank or angle bracket inside
 */
export function parseUri(base: usize, at: usize, end: usize, area: usize): i32 {
  v128.store(area, i64x2.splat(0));
  v128.store(area, i64x2.splat(0), 16);
  const word = lower4(at);
  if (word == SIP_COLON) {
    store<u16>(area, SCHEME_SIP);
    return sipUri(base, at + 4, end, area);
  }
  if (word == SIPS && byte(at + 4) == COLON) {
    store<u16>(area, SCHEME_SIPS);
    return sipUri(base, at + LONGEST_KNOWN, end, area);
  }
  const colon = find1(at, end, <u8>COLON);
  if (colon >= end || colon == at || !isScheme(at, colon)) return fail(ST_URI, at);
  const rest = colon + 1;
  for (let p = rest; p < end; p++) {
    const c = byte(p);
    if (c <= SP || c == LESS || c == GREATER) return fail(ST_URI, p);
  }
  if (word == TEL_COLON) {
    store<u16>(area, SCHEME_TEL);
    const number = find2(rest, end, <u8>SEMICOLON, <u8>QUESTION);
    if (number == rest) return fail(ST_URI, rest);
    pair(area + URI_USER, <i32>(rest - base), <i32>(number - rest));
    paramsAndHeaders(base, number, end, area);
    return 0;
  }
  if (word == URN_COLON) {
    store<u16>(area, SCHEME_URN);
    const specific = find1(rest, end, <u8>COLON);
    if (specific == rest || specific + 1 >= end) return fail(ST_URI, rest);
    pair(area + URI_USER, <i32>(rest - base), <i32>(specific - rest));
    pair(area + URI_HOST, <i32>(specific + 1 - base), <i32>(end - specific - 1));
    return 0;
  }
  store<u16>(area, SCHEME_OTHER);
  pair(area + URI_HOST, <i32>(rest - base), <i32>(end - rest));
  return 0;
}

function isScheme(at: usize, end: usize): bool {
  if (<u32>(lower(byte(at)) - 97) >= 26) return false;
  for (let p = at + 1; p < end; p++) {
    const c = lower(byte(p));
    if (<u32>(c - 97) >= 26 && <u32>(c - DIGIT_0) > 9 && c != 43 && c != 45 && c != DOT) return false;
  }
  return true;
}

/** what follows "sip:" or "sips:" */
function sipUri(base: usize, start: usize, end: usize, area: usize): i32 {
  if (start >= end) return fail(ST_URI, end);
  // The first @ ends the user part: neither parameters nor headers may hold one unescaped (RFC 3261 25.1), but the user may hold ; and ?
  const at = find1(start, end, <u8>AT);
  let host = start;
  let p: usize;
  if (at < end) {
    host = at + 1;
    const second = find1(host, end, <u8>AT);
    if (second < end) return fail(ST_URI, second);
    p = userInfo(base, start, at, area);
    if (p) return fail(ST_URI, p);
    p = byte(host) == BRACKET ? hostEnd(host, end) : nameEnd(host, end);
  } else p = hostEnd(host, end);
  if (!p) return fail(ST_URI, host);
  pair(area + URI_HOST, <i32>(host - base), <i32>(p - host));
  if (p < end && byte(p) == COLON) {
    const text = ++p;
    const digits = digits8(p, end);
    if (digits >> 4 > MAX_PORT) return fail(ST_URI, text);
    // No digits: not a URI of RFC 3261, but one of RFC 3986 and of Kamailio. Its port is the scheme's
    p += digits & 15;
    store<u16>(area + URI_PORT, digits >> 4);
    pair(area + URI_PORT_TEXT, <i32>(text - base), <i32>(p - text));
  }
  if (p >= end) return 0;
  const c = byte(p);
  if (c != SEMICOLON && c != QUESTION) return fail(ST_URI, p);
  paramsAndHeaders(base, p, end, area);
  return 0;
}

/** user[:password] at [start, at). RFC 3261 25.1 forbids more bytes than those refused here; Kamailio takes the others. @returns where it is wrong, else 0 */
function userInfo(base: usize, start: usize, at: usize, area: usize): usize {
  const user = findUserEnd(start, at);
  if (user == start) return start;
  pair(area + URI_USER, <i32>(start - base), <i32>(user - start));
  if (user == at) return 0;
  if (byte(user) != COLON) return user;
  for (let p = user + 1; p < at; p++) {
    const c = byte(p);
    if (c == COLON || c == SEMICOLON || c == QUESTION || c == BRACKET || c == BRACKET_END) return p;
  }
  pair(area + URI_PASSWORD, <i32>(user + 1 - base), <i32>(at - user - 1));
  return 0;
}

/** `;params?headers` at [p, end), which starts with one of the two marks; each may be missing */
function paramsAndHeaders(base: usize, p: usize, end: usize, area: usize): void {
  if (p >= end) return;
  if (byte(p) == SEMICOLON) {
    const params = p + 1;
    p = find1(params, end, <u8>QUESTION);
    pair(area + URI_PARAMS, <i32>(params - base), <i32>(p - params));
    if (p >= end) return;
  }
  pair(area + URI_HEADERS, <i32>(p + 1 - base), <i32>(end - p - 1));
}

/** @returns the byte behind the host name or IPv4 address at [at, end) that follows a user: letters, digits, "-" and ".", the first no mark; 0 when it is none */
function nameEnd(at: usize, end: usize): usize {
  if (at >= end || byte(at) == MINUS || byte(at) == DOT) return 0;
  const p = findNameEnd(at, end);
  return p > at && endsHost(p, end) ? p : 0;
}

function endsHost(p: usize, end: usize): bool {
  if (p >= end) return true;
  const c = byte(p);
  return c == COLON || c == SEMICOLON || c == QUESTION;
}

/** @returns the byte behind the host at [at, end): a name, an IPv4 address or a bracketed IPv6 reference; 0 when there is none */
export function hostEnd(at: usize, end: usize): usize {
  let p = at;
  if (p < end && byte(p) == BRACKET) {
    for (p++; p < end; p++) {
      const c = lower(byte(p));
      if (c == BRACKET_END) return p > at + 2 ? p + 1 : 0;
      if (<u32>(c - DIGIT_0) > 9 && <u32>(c - 97) > 5 && c != COLON && c != DOT) return 0;
    }
    return 0;
  }
  p = findHostEnd(at, end);
  return p > at && endsHost(p, end) ? p : 0;
}

/**
 * Parses any bytes as a URI. Reads up to SLACK bytes behind them.
 * @param area 32 bytes; offsets in it count from `at`
 * @returns 0 or -ST_URI
 */
export function parseUriAt(at: usize, length: i32, area: usize): i32 {
  return <u32>length > MAX_SPAN ? fail(ST_URI, at) : parseUri(at, at, at + length, area);
}

/** Parses the received request URI into M_RURI, once. @returns 0 or -ST_URI */
export function parseRuri(msg: usize): i32 {
  const done = load<u32>(msg + M_DONE);
  if (done & D_RURI) return 0;
  const buf = <usize>load<u32>(msg + M_BUF);
  const at = buf + <usize>load<u16>(msg + M_URI);
  const status = parseUri(buf, at, at + <usize>load<u16>(msg + M_URI + 2), msg + M_RURI);
  if (!status) store<u32>(msg + M_DONE, done | D_RURI);
  return status;
}

/** Parses the request URI that the script set into M_NURI, once. @returns 0 or -ST_URI; -ST_URI too when none is set */
export function parseNewUri(msg: usize): i32 {
  const done = load<u32>(msg + M_DONE);
  if (done & D_NURI) return 0;
  const at = <usize>load<u32>(msg + M_NEWURI);
  if (!at) return fail(ST_URI, msg);
  const status = parseUriAt(at, load<i32>(msg + M_NEWURI + 4), msg + M_NURI);
  if (!status) store<u32>(msg + M_DONE, done | D_NURI);
  return status;
}
