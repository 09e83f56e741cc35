/**
 * What the REGISTER of most phones says, read in one go: one Contact with nothing but `expires` among its header parameters that registrar knows, no Require, no
 * Path, no edits. The others, and all that is wrong, are read by src/modules/registrar, which comes to the same where both can.
 */
import {
  H_BODY,
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
  M_TO,
} from '../gen/layout.gen';
import { arenaAlloc } from '../mem/arena';
import { byte, CRLF, decimal, equalNoCase, GREATER, LESS, put, putDecimal, QUOTE, SEMICOLON, SP } from '../mem/bytes';
import { currentMsg, setMsg } from '../mem/state';
import { nextAddr } from '../sip/addr-list';
import { parseCseq } from '../sip/cseq';
import { replyAdd } from '../sip/edits';
import { headerById } from '../sip/header-index';
import { ADDR_DISPLAY, ADDR_PARAMS, ADDR_URI, parseTo } from '../sip/name-addr';
import { expires } from '../sip/numbers';
import { nextParam, paramName, paramNameLength, paramValue, paramValueEnd } from '../sip/params';
import { parseUri } from '../sip/uri';
import { AOR_READ, aorAt } from './aor';
import { allowedMethods } from './methods';
import { slReplyAny } from './sl';
import { REQUEST } from './value';

/**
 * The result, 44 bytes of i32: address and length of
 *
 *   0 address of record | 8 URI of the contact | 16 Call-ID | 24 User-Agent (0, 0: none)
 *   32 seconds asked for, -1 none | 36 CSeq number | 40 set of Allow
 */
const READ: usize = memory.data(48, 16);
const AREA: usize = memory.data(32, 16);
const URI: usize = memory.data(32, 16);
const MAX_TEXT_BYTES: i32 = 255;
const STAR: i32 = 42;
const DEL: i32 = 0x7f;

const EXPIRES: usize = memory.data<u8>([101, 120, 112, 105, 114, 101, 115]);
const EXPIRES_BYTES: i32 = 7;
/** digits of seconds that always fit */
const MAX_DIGITS: i32 = 9;

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
  store<i32>(READ, allowedMethods(msg), 40);
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

/** Writes where the address of record of the To URI is. @returns whether it has one */
function record(msg: usize, buf: usize, wants: i32): bool {
  if (parseTo(msg)) return false;
  const uri = msg + M_TO + ADDR_URI;
  if (aorAt(buf + <usize>load<u16>(uri), <i32>load<u16>(uri + 2), wants)) return false;
  store<i64>(READ, load<i64>(AOR_READ));
  return true;
}

// ---- the answer
/** "Contact: <", ">;expires=", "OK" */
const CONTACT: usize = memory.data<u8>([67, 111, 110, 116, 97, 99, 116, 58, 32, 60]);
const CONTACT_BYTES: i32 = 10;
const EXPIRES_IS: usize = memory.data<u8>([62, 59, 101, 120, 112, 105, 114, 101, 115, 61]);
const EXPIRES_IS_BYTES: i32 = 10;
const OK: usize = memory.data<u8>([79, 75]);
const OK_BYTES: i32 = 2;
const OK_CODE: i32 = 200;
/** digits of the seconds and the line end */
const REST_BYTES: i32 = 12;

/**
 * Answers 200 with one contact that has nothing but when it ends.
 * @param at URI of the contact
 * @returns 1 sent; -1 not sent, as slReplyAny(); 0 the memory of the message is full
 */
export function registerAnswer(msg: usize, at: usize, length: i32, seconds: u32): i32 {
  const line = arenaAlloc(msg, CONTACT_BYTES + length + EXPIRES_IS_BYTES + REST_BYTES);
  if (!line) return 0;
  let p = put(line, CONTACT, CONTACT_BYTES);
  p = put(p, at, <usize>length);
  p = put(p, EXPIRES_IS, EXPIRES_IS_BYTES);
  p = putDecimal(p, seconds);
  store<u16>(p, <u16>CRLF);
  if (replyAdd(msg, line, <i32>(p + 2 - line)) < 0) return 0;
  const before = currentMsg();
  setMsg(msg);
  const sent = slReplyAny(OK_CODE, OK, OK_BYTES);
  setMsg(before);
  return sent == 1 ? 1 : -1;
}
