/**
 * What the REGISTER of most phones says, read in one go: one Contact with neither `received` nor `methods` among its header parameters, no Require, no Path, no
 * edits. The others, and all that is wrong, are read by src/modules/registrar, which comes to the same where both can.
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
import {
  byte,
  CRLF,
  DIGIT_0,
  DOT,
  decimal,
  equalNoCase,
  GREATER,
  LESS,
  LOWER,
  put,
  putDecimal,
  QUOTE,
  SEMICOLON,
  SP,
} from '../mem/bytes';
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
 * The result, 60 bytes of i32: address and length of
 *
 *   0 address of record | 8 URI of the contact | 16 Call-ID | 24 User-Agent (0, 0: none) | 32 +sip.instance (0, 0: none)
 *   40 seconds asked for, -1 none | 44 CSeq number | 48 set of Allow | 52 q times 1000, -1 none | 56 reg-id, 0 none or without an instance
 */
const READ: usize = memory.data(64, 16);
const R_URI: usize = 8;
const R_CALL_ID: usize = 16;
const R_USER_AGENT: usize = 24;
const R_INSTANCE: usize = 32;
const R_SECONDS: usize = 40;
const R_CSEQ: usize = 44;
const R_METHODS: usize = 48;
const R_Q: usize = 52;
const R_REG_ID: usize = 56;
const AREA: usize = memory.data(32, 16);
const URI: usize = memory.data(32, 16);
const MAX_TEXT_BYTES: i32 = 255;
const STAR: i32 = 42;
const DEL: i32 = 0x7f;

const EXPIRES: usize = memory.data<u8>([101, 120, 112, 105, 114, 101, 115]);
const EXPIRES_BYTES: i32 = 7;
const RECEIVED: usize = memory.data<u8>([114, 101, 99, 101, 105, 118, 101, 100]);
const RECEIVED_BYTES: i32 = 8;
const METHODS: usize = memory.data<u8>([109, 101, 116, 104, 111, 100, 115]);
const METHODS_BYTES: i32 = 7;
const INSTANCE: usize = memory.data<u8>([43, 115, 105, 112, 46, 105, 110, 115, 116, 97, 110, 99, 101]);
const INSTANCE_BYTES: i32 = 13;
const REG_ID: usize = memory.data<u8>([114, 101, 103, 45, 105, 100]);
const REG_ID_BYTES: i32 = 6;
const Q: i32 = 113;
const MAX_REG_ID: i64 = 0x7fffffff;
const MAX_Q: i32 = 1000;
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
  store<i32>(READ + R_SECONDS, seconds);
  if (!contact(msg, buf) || parseCseq(msg) || !record(msg, buf, wants)) return 0;
  store<u32>(READ + R_CSEQ, load<u32>(msg + M_CSEQ));
  if (body(buf, headerById(msg, HDR_CALL_ID), R_CALL_ID) > MAX_TEXT_BYTES) return 0;
  const agent = headerById(msg, HDR_USER_AGENT);
  if (!agent) store<i64>(READ + R_USER_AGENT, 0);
  else if (body(buf, agent, R_USER_AGENT) > MAX_TEXT_BYTES) return 0;
  store<i32>(READ + R_METHODS, allowedMethods(msg));
  return READ;
}

/** Writes where a header's body is. @returns its length */
function body(buf: usize, h: usize, to: usize): i32 {
  const length = <i32>load<u16>(h + H_BODY + 2);
  store<usize>(READ + to, buf + <usize>load<u16>(h + H_BODY));
  store<i32>(READ + to, length, 4);
  return length;
}

/** Writes what the only contact says. @returns whether it is of the usual kind */
function contact(msg: usize, buf: usize): bool {
  const cursor = nextAddr(msg, HDR_CONTACT, 0, AREA);
  if (cursor <= 0) return false;
  const display = <usize>load<u16>(AREA + ADDR_DISPLAY);
  if (load<u16>(AREA + ADDR_DISPLAY + 2) && byte(buf + display) == STAR) return false;
  const at = buf + <usize>load<u16>(AREA + ADDR_URI);
  const end = at + <usize>load<u16>(AREA + ADDR_URI + 2);
  const params = buf + <usize>load<u16>(AREA + ADDR_PARAMS);
  const paramsEnd = params + <usize>load<u16>(AREA + ADDR_PARAMS + 2);
  if (nextAddr(msg, HDR_CONTACT, cursor, AREA)) return false;
  if (byte(at) == STAR || parseUri(at, at, end, URI)) return false;
  for (let p = at; p < end; p++) {
    const c = byte(p);
    if (c <= SP || c == DEL || c == LESS || c == GREATER || c == QUOTE) return false;
  }
  store<usize>(READ + R_URI, at);
  store<i32>(READ + R_URI, <i32>(end - at), 4);
  return readParams(params, paramsEnd);
}

/** Reads the header parameters of a contact; the last of a name counts. @returns false when one is not of the usual kind */
function readParams(at: usize, end: usize): bool {
  store<i64>(READ + R_INSTANCE, 0);
  store<i32>(READ + R_Q, -1);
  let regId: i64 = 0;
  while (at < end) {
    at = nextParam(at, end);
    if (!at) return false;
    if (paramValueEnd > paramValue) {
      if (isName(EXPIRES, EXPIRES_BYTES)) {
        if (<i32>(paramValueEnd - paramValue) > MAX_DIGITS) return false;
        const seconds = decimal(paramValue, paramValueEnd);
        if (seconds < 0) return false;
        store<i32>(READ + R_SECONDS, <i32>seconds);
      } else if (paramNameLength == 1 && (byte(paramName) | LOWER) == Q) {
        const q = qValue(paramValue, <i32>(paramValueEnd - paramValue));
        if (q < 0) return false;
        store<i32>(READ + R_Q, q);
      } else if (isName(INSTANCE, INSTANCE_BYTES)) {
        if (!readInstance()) return false;
      } else if (isName(REG_ID, REG_ID_BYTES)) {
        regId = decimal(paramValue, paramValueEnd);
        if (regId < 1 || regId > MAX_REG_ID) return false;
      } else if (isName(RECEIVED, RECEIVED_BYTES) || isName(METHODS, METHODS_BYTES)) return false;
    }
    if (at < end && byte(at) != SEMICOLON) return false;
    at++;
  }
  store<i32>(READ + R_REG_ID, load<i32>(READ + R_INSTANCE) ? <i32>regId : 0);
  return true;
}

/** whether the parameter that was read has this name, in small letters */
function isName(name: usize, length: i32): bool {
  return paramNameLength == length && equalNoCase(paramName, name, length);
}

/** Takes the quoted value that was read, without its quotes; an empty one is none. @returns false when it is not quoted, or has what must not be kept */
function readInstance(): bool {
  if (byte(paramValue) != QUOTE) return false;
  const at = paramValue + 1;
  const end = paramValueEnd - 1;
  for (let p = at; p < end; p++) if (byte(p) < SP || byte(p) == DEL) return false;
  if (end <= at) return true;
  store<usize>(READ + R_INSTANCE, at);
  store<i32>(READ + R_INSTANCE, <i32>(end - at), 4);
  return true;
}

/** @returns thousandths of 0, 1, or such with a point and up to three digits (RFC 3261 25.1); -1 for what is written in another way, or more than 1 */
function qValue(at: usize, length: i32): i32 {
  const whole = byte(at) - DIGIT_0;
  if (<u32>whole > 1 || length == 2 || length > 5 || (length > 2 && byte(at + 1) != DOT)) return -1;
  let q = whole * MAX_Q;
  let weight = 100;
  for (let i = 2; i < length; i++) {
    const digit = byte(at + i) - DIGIT_0;
    if (<u32>digit > 9) return -1;
    q += digit * weight;
    weight /= 10;
  }
  return q <= MAX_Q ? q : -1;
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
