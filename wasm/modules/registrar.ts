/**
 * What the REGISTER of most phones says, read in one go: one Contact with nothing but `expires` among its header parameters that registrar knows, no Require, no
 * Path, no edits. The others, and all that is wrong, are read by src/modules/registrar, which comes to the same where both can.
 */
import {
  H_BODY,
  H_ID,
  HDR_ALLOW,
  HDR_CALL_ID,
  HDR_CONTACT,
  HDR_EXPIRES,
  HDR_PATH,
  HDR_REQUIRE,
  HDR_USER_AGENT,
  M_BUF,
  M_CSEQ,
  M_FIRST,
  M_KIND,
  M_NEDITS,
  M_NHDR,
  M_TO,
  SCHEME_SIP,
  SCHEME_SIPS,
} from '../gen/layout.gen';
import { AT, byte, decimal, equalBytes, equalNoCase, GREATER, LESS, lower, QUOTE, SEMICOLON, SP } from '../mem/bytes';
import { SCRATCH } from '../mem/state';
import { nextAddr } from '../sip/addr-list';
import { parseCseq } from '../sip/cseq';
import { headerAt, headerById } from '../sip/header-index';
import { ADDR_DISPLAY, ADDR_PARAMS, ADDR_URI, parseTo } from '../sip/name-addr';
import { expires } from '../sip/numbers';
import { nextParam, paramName, paramNameLength, paramValue, paramValueEnd } from '../sip/params';
import { parseUri, URI_HOST, URI_SCHEME, URI_USER } from '../sip/uri';
import { REQUEST } from './value';

/**
 * The result, 44 bytes of i32: address and length of
 *
 *   0 address of record | 8 URI of the contact | 16 Call-ID | 24 User-Agent (0, 0: none)
 *   32 seconds asked for, -1 none | 36 CSeq number | 40 set of Allow | 44 KNOWN: 40 says it; NEW: one header that registerAllow() shall hear of; MANY
 */
const READ: usize = memory.data(48, 16);
const AREA: usize = memory.data(32, 16);
const URI: usize = memory.data(32, 16);
/** offset in SCRATCH that keeps clear of what others build there */
const AOR: usize = SCRATCH + 3072;

/** wants: bits of registerRead() */
const CASE_SENSITIVE: i32 = 1;
const USE_DOMAIN: i32 = 2;

const MAX_AOR_BYTES: i32 = 256;
const MAX_TEXT_BYTES: i32 = 255;
const STAR: i32 = 42;
const PERCENT: i32 = 37;
const FIRST_NON_ASCII: i32 = 0x80;
const DEL: i32 = 0x7f;

const EXPIRES: usize = memory.data<u8>([101, 120, 112, 105, 114, 101, 115]);
const EXPIRES_BYTES: i32 = 7;
/** digits of seconds that always fit */
const MAX_DIGITS: i32 = 9;

// ---- the Allow header seen last, and its set: phones of one kind send the same
const MAX_ALLOW: i32 = 512;
const ALLOW: usize = memory.data(512, 16);
let allowLength: i32 = -1;
let allowSet: i32 = 0;
/** set of a message with no Allow */
const ALL_METHODS: i32 = -1;
const NEW: i32 = 0;
const KNOWN: i32 = 1;
const MANY: i32 = 2;

/** Remembers the set of an Allow header. COPIED. */
export function registerAllow(at: usize, length: i32, set: i32): void {
  if (<u32>length > <u32>MAX_ALLOW) return;
  memory.copy(ALLOW, at, length);
  allowLength = length;
  allowSet = set;
}

/**
 * Reads a REGISTER.
 * @param wants bits: 1 users of different case are different, 2 an address of record has a domain
 * @returns address of READ, BORROWED until the next call; 0 it is not such a one
 */
export function registerRead(msg: usize, wants: i32): usize {
  const first = msg + M_FIRST;
  if (
    load<u8>(msg + M_KIND) != REQUEST ||
    load<u16>(msg + M_NEDITS) ||
    byte(first + HDR_REQUIRE) ||
    byte(first + HDR_PATH) ||
    !byte(first + HDR_CALL_ID)
  )
    return 0;
  const buf = <usize>load<u32>(msg + M_BUF);
  let seconds = -1;
  if (byte(first + HDR_EXPIRES)) {
    seconds = expires(msg);
    if (seconds < 0) return 0;
  }
  const asked = contact(msg, buf);
  if (asked < -1) return 0;
  if (asked >= 0) seconds = asked;
  if (parseCseq(msg) || !record(msg, buf, wants)) return 0;
  store<i32>(READ, seconds, 32);
  store<u32>(READ, load<u32>(msg + M_CSEQ), 36);
  if (body(buf, headerById(msg, HDR_CALL_ID), 16) > MAX_TEXT_BYTES) return 0;
  const agent = headerById(msg, HDR_USER_AGENT);
  if (!agent) store<i64>(READ, 0, 24);
  else if (body(buf, agent, 24) > MAX_TEXT_BYTES) return 0;
  allow(msg, buf);
  return READ;
}

/** Writes where a header's body is. @returns its length */
function body(buf: usize, h: usize, to: usize): i32 {
  const length = <i32>load<u16>(h + H_BODY + 2);
  store<usize>(READ + to, buf + <usize>load<u16>(h + H_BODY));
  store<i32>(READ + to, length, 4);
  return length;
}

/** The only contact. @returns seconds of its expires, -1 when it has none, -2 when it is not of the usual kind */
function contact(msg: usize, buf: usize): i32 {
  const cursor = nextAddr(msg, HDR_CONTACT, 0, AREA);
  if (cursor <= 0) return -2;
  const display = <usize>load<u16>(AREA + ADDR_DISPLAY);
  if (load<u16>(AREA + ADDR_DISPLAY + 2) && byte(buf + display) == STAR) return -2;
  const at = buf + <usize>load<u16>(AREA + ADDR_URI);
  const end = at + <usize>load<u16>(AREA + ADDR_URI + 2);
  const params = buf + <usize>load<u16>(AREA + ADDR_PARAMS);
  const paramsEnd = params + <usize>load<u16>(AREA + ADDR_PARAMS + 2);
  if (nextAddr(msg, HDR_CONTACT, cursor, AREA)) return -2;
  if (byte(at) == STAR || parseUri(at, at, end, URI)) return -2;
  for (let p = at; p < end; p++) {
    const c = byte(p);
    if (c <= SP || c == DEL || c == LESS || c == GREATER || c == QUOTE) return -2;
  }
  store<usize>(READ, at, 8);
  store<i32>(READ, <i32>(end - at), 12);
  return expiresOf(params, paramsEnd);
}

/** @returns as contact(); -2 also for any parameter but expires that registrar knows */
function expiresOf(at: usize, end: usize): i32 {
  let seconds = -1;
  while (at < end) {
    at = nextParam(at, end);
    if (!at) return -2;
    const length = <i32>(paramValueEnd - paramValue);
    if (length > 0) {
      if (paramNameLength == EXPIRES_BYTES && equalNoCase(paramName, EXPIRES, EXPIRES_BYTES)) {
        if (length > MAX_DIGITS) return -2;
        seconds = <i32>decimal(paramValue, paramValueEnd);
        if (seconds < 0) return -2;
      } else if (isKnown(byte(paramName) | 0x20)) return -2;
    }
    if (at < end && byte(at) != SEMICOLON) return -2;
    at++;
  }
  return seconds;
}

/** whether a name that begins so may be q, received, reg-id, methods or +sip.instance */
function isKnown(c: i32): bool {
  return c == 113 || c == 114 || c == 109 || c == 43;
}

/** Writes the address of record of the To URI. @returns whether it is a usual one */
function record(msg: usize, buf: usize, wants: i32): bool {
  if (parseTo(msg)) return false;
  const at = buf + <usize>load<u16>(msg + M_TO + ADDR_URI);
  if (parseUri(at, at, at + <usize>load<u16>(msg + M_TO + ADDR_URI + 2), URI)) return false;
  const scheme = <i32>load<u16>(URI + URI_SCHEME);
  if (scheme != SCHEME_SIP && scheme != SCHEME_SIPS) return false;
  const user = <i32>load<u16>(URI + URI_USER + 2);
  const host = <i32>load<u16>(URI + URI_HOST + 2);
  if (user + host > MAX_AOR_BYTES) return false;
  let to = AOR;
  for (let p = at + <usize>load<u16>(URI + URI_USER), end = p + <usize>user; p < end; p++) {
    const c = byte(p);
    if (c == PERCENT || c >= FIRST_NON_ASCII) return false;
    store<u8>(to++, <u8>(wants & CASE_SENSITIVE ? c : lower(c)));
  }
  if (wants & USE_DOMAIN) {
    store<u8>(to++, <u8>AT);
    for (let p = at + <usize>load<u16>(URI + URI_HOST), end = p + <usize>host; p < end; p++) {
      const c = byte(p);
      if (c >= FIRST_NON_ASCII) return false;
      store<u8>(to++, <u8>lower(c));
    }
  }
  store<usize>(READ, AOR);
  store<i32>(READ, <i32>(to - AOR), 4);
  return true;
}

/** Writes the set of Allow where it is known. */
function allow(msg: usize, buf: usize): void {
  const n = byte(msg + M_FIRST + HDR_ALLOW);
  store<i32>(READ, ALL_METHODS, 40);
  store<i32>(READ, KNOWN, 44);
  if (!n) return;
  const h = headerAt(msg, n - 1);
  const length = <i32>load<u16>(h + H_BODY + 2);
  let known = length == allowLength && equalBytes(buf + <usize>load<u16>(h + H_BODY), ALLOW, length) ? KNOWN : NEW;
  for (let i = n, count = byte(msg + M_NHDR); i < count; i++)
    if (byte(headerAt(msg, i) + H_ID) == HDR_ALLOW) known = MANY;
  store<i32>(READ, allowSet, 40);
  store<i32>(READ, known, 44);
}
