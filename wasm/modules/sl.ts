/** KSR.sl: stateless replies (RFC 3261 8.2.6, 16.11), their counters, and the filter for ACKs to them. */
import {
  E_LEN,
  E_SRC,
  EDIT_SIZE,
  M_BUF,
  M_KIND,
  M_LUMPS,
  M_METHOD,
  M_MFLAGS,
  M_NLUMPS,
  M_RECVMS,
  M_TO,
  M_TRANS,
  METHOD_ACK,
  MFL_DELAYED_REPLY,
  MFL_FINAL_REPLY,
  MFL_NO_REPLY,
  MFL_REPLY_CLOSE,
  MFL_REPLY_NO_CONNECT,
  X_STR,
} from '../gen/layout.gen';
import { pvResolve, sendReply as sendBytes, tmReply } from '../host/host';
import { arenaAlloc } from '../mem/arena';
import { byte, COLON, CRLF, equalBytes, HTAB, LOWER, lower4, SP } from '../mem/bytes';
import { outArea } from '../mem/out';
import { MSG, RET } from '../mem/state';
import { replyAdd } from '../sip/edits';
import { ADDR_TAG, parseTo } from '../sip/name-addr';
import { replyBuild } from '../sip/reply';
import { TAG_LENGTH, toTag } from '../sip/to-tag';
import { pvGetById } from './pv';
import { REQUEST } from './value';

const SENT: i32 = 1;
const FAILED: i32 = -1;
const NOT_WANTED: i32 = -2;
const DELAYED: i32 = -3;
const FINAL_FROM: i32 = 200;
const ERROR_FROM: i32 = 400;
/** ACKs to a stateless reply are taken away for so long behind the last one */
const ACK_WAIT_MS: f64 = 2000;
const MODE_NO_CONNECT: i32 = 1;
const MODE_CLOSE: i32 = 2;

/**
 * Counters, u32 each: 0 replies sent | 1 of them errors (400 and up) | 2 ACKs filtered | 3 failures | 4..9 codes 1xx..6xx that have no counter of their own |
 * 10 other codes | 16..28 the codes of OWN_CODES in order
 */
const COUNTERS: usize = memory.data(128, 16);
const COUNT_SENT: i32 = 0;
const COUNT_ERRORS: i32 = 1;
const COUNT_ACKS: i32 = 2;
const COUNT_FAILURES: i32 = 3;
const COUNT_CLASSES: i32 = 3;
const COUNT_OTHER: i32 = 10;
const COUNT_CODES: i32 = 16;
/** codes with a counter of their own */
const OWN_CODES: usize = memory.data<u16>([200, 202, 300, 301, 302, 400, 401, 403, 404, 407, 408, 483, 500]);
const OWN_COUNT: i32 = 13;

/** when the last reply went out, milliseconds; before all messages at first */
let lastReplyMs: f64 = -ACK_WAIT_MS * 2;

/** @returns address of the counters: 32 words; what each counts is in wasm/modules/sl.ts. BORROWED for the life of the core */
export function slCounters(): usize {
  return COUNTERS;
}

function count(n: i32): void {
  const at = COUNTERS + ((<usize>n) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

function countCode(code: i32): void {
  count(COUNT_SENT);
  if (code >= ERROR_FROM) count(COUNT_ERRORS);
  for (let i = 0; i < OWN_COUNT; i++)
    if (<i32>load<u16>(OWN_CODES + ((<usize>i) << 1)) == code) {
      count(COUNT_CODES + i);
      return;
    }
  count(code >= 100 && code < 700 ? COUNT_CLASSES + code / 100 : COUNT_OTHER);
}

function failed(): i32 {
  count(COUNT_FAILURES);
  return FAILED;
}

/** "$ds": the destination set as a Contact header */
const DS_TEXT: usize = memory.data<u8>([36, 100, 115]);
const DS_BYTES: i32 = 3;
/** number of that PV; -1 when there is none, 0 not asked yet */
let dsPv: i32 = 0;
const REDIRECT_FROM: i32 = 300;
const REDIRECT_TO: i32 = 399;
/** "cont", "act" as little-endian words */
const CONT: u32 = 0x746e6f63;
const ACT: u32 = 0x746361;
const THREE_BYTES: u32 = 0xffffff;
const LETTER_M: i32 = 109;
const SLACK_BYTES: i32 = 64;

/** whether the script added a Contact to the reply, or an earlier 3xx did */
function hasContact(): bool {
  let lump = <usize>load<u32>(MSG + M_LUMPS);
  for (let n = <i32>load<u16>(MSG + M_NLUMPS); n > 0; n--, lump += EDIT_SIZE) {
    if (load<u32>(lump + E_LEN) < 8) continue;
    const at = <usize>load<u32>(lump + E_SRC);
    let end = at + 7;
    if (lower4(at) != CONT || (lower4(at + 4) & THREE_BYTES) != ACT) {
      if ((byte(at) | LOWER) != LETTER_M) continue;
      end = at + 1;
    }
    const c = byte(end);
    if (c == COLON || c == SP || c == HTAB) return true;
  }
  return false;
}

/** Gives a redirection of the current request its Contact, also when the script added one of its own: as t_reply() does. */
export function slRedirect(): void {
  addContact(true);
}

/** A redirection carries the request URI that the script set, and the branches, in Contact (RFC 3261 8.3, 21.3). */
function addContact(always: bool): void {
  if (dsPv == 0) {
    dsPv = pvResolve(DS_TEXT, DS_BYTES);
    if (dsPv == 0) dsPv = -1;
  }
  if (dsPv < 0 || (!always && hasContact()) || pvGetById(dsPv) != X_STR) return;
  const length = load<i32>(RET + 4);
  const line = arenaAlloc(MSG, length + SLACK_BYTES);
  if (!line) return;
  memory.copy(line, <usize>load<u32>(RET), <usize>length);
  store<u16>(line + <usize>length, <u16>CRLF);
  replyAdd(MSG, line, length + 2);
}

/**
 * Sends a stateless reply to the current request. A code from 300 to 399 gets a Contact with the destination set.
 * @param code 100..699 @param at reason phrase, not empty
 * @returns 1 sent; -1 empty reason, code out of range, ACK, not a request, or it could not be built or sent; -2 this message gets no reply
 */
export function slSendReply(code: i32, at: usize, length: i32): i32 {
  if (length <= 0 || load<u8>(MSG + M_KIND) != REQUEST || load<u8>(MSG + M_METHOD) == METHOD_ACK) return FAILED;
  const flags = load<u32>(MSG + M_MFLAGS);
  if (flags & MFL_NO_REPLY) return NOT_WANTED;
  if (code >= REDIRECT_FROM && code <= REDIRECT_TO) addContact(false);
  const bytes = replyBuild(MSG, code, at, length);
  if (bytes < 0) return failed();
  if (!sendBytes(outArea(), bytes, code)) return failed();
  countCode(code);
  if (code >= FINAL_FROM) {
    store<u32>(MSG + M_MFLAGS, flags | MFL_FINAL_REPLY);
    lastReplyMs = load<f64>(MSG + M_RECVMS);
  }
  return SENT;
}

/** modparam bind_tm */
let bindTm: bool = true;

/** Sets whether send_reply() answers through transactions. */
export function slBindTm(on: i32): void {
  bindTm = on != 0;
}

/**
 * Replies through the transaction of the current request when it has one, else as slSendReply.
 * @returns as slSendReply; -1 when the transaction has its final answer
 */
export function slReplyAny(code: i32, at: usize, length: i32): i32 {
  if (!bindTm || !load<u32>(MSG + M_TRANS)) return slSendReply(code, at, length);
  if (length <= 0) return FAILED;
  return load<u32>(MSG + M_MFLAGS) & MFL_NO_REPLY ? NOT_WANTED : tmReply(code, at, length);
}

/** As slReplyAny, with how a connection is treated. @param mode 1 only over the connection that exists, 2 close it behind the reply; bits */
export function slSendReplyMode(code: i32, at: usize, length: i32, mode: i32): i32 {
  let bits = 0;
  if (mode & MODE_NO_CONNECT) bits |= MFL_REPLY_NO_CONNECT;
  if (mode & MODE_CLOSE) bits |= MFL_REPLY_CLOSE;
  if (bits) store<u32>(MSG + M_MFLAGS, load<u32>(MSG + M_MFLAGS) | bits);
  return slReplyAny(code, at, length);
}

const ERROR_CODE: i32 = 500;
/** "I'm terribly sorry, server error occurred (1/SL)" */
const ERROR_TEXT: usize = memory.data<u8>([
  73, 39, 109, 32, 116, 101, 114, 114, 105, 98, 108, 121, 32, 115, 111, 114, 114, 121, 44, 32, 115, 101, 114, 118, 101,
  114, 32, 101, 114, 114, 111, 114, 32, 111, 99, 99, 117, 114, 114, 101, 100, 32, 40, 49, 47, 83, 76, 41,
]);
const ERROR_BYTES: i32 = 48;

/**
 * Replies 500, once.
 * @returns 1 sent; -1 as slSendReply; -2 this message gets no reply, or had a final one; -3 the transaction answers with its own error when the route ends
 */
export function slReplyError(): i32 {
  const flags = load<u32>(MSG + M_MFLAGS);
  if (flags & (MFL_NO_REPLY | MFL_FINAL_REPLY)) return NOT_WANTED;
  if (flags & MFL_DELAYED_REPLY) return DELAYED;
  return slSendReply(ERROR_CODE, ERROR_TEXT, ERROR_BYTES);
}

/** As slReplyError(), through the transaction when there is one. */
export function slReplyErrorAny(): i32 {
  const flags = load<u32>(MSG + M_MFLAGS);
  if (flags & (MFL_NO_REPLY | MFL_FINAL_REPLY)) return NOT_WANTED;
  if (flags & MFL_DELAYED_REPLY) return DELAYED;
  return slReplyAny(ERROR_CODE, ERROR_TEXT, ERROR_BYTES);
}

/**
 * Whether a message is an ACK to a stateless reply of ours: it carries the To tag that such a reply to this Via and Call-ID has, soon after one went out.
 * The runtime drops it before the script sees it.
 * @returns 1 or 0
 */
export function slIsOwnAck(msg: usize): i32 {
  if (load<u8>(msg + M_METHOD) != METHOD_ACK || load<u8>(msg + M_KIND) != REQUEST) return 0;
  if (load<f64>(msg + M_RECVMS) - lastReplyMs > ACK_WAIT_MS || parseTo(msg)) return 0;
  const tag = load<u32>(msg + M_TO + ADDR_TAG);
  if (<i32>(tag >> 16) != TAG_LENGTH) return 0;
  if (!equalBytes(<usize>load<u32>(msg + M_BUF) + <usize>(tag & 0xffff), toTag(msg), TAG_LENGTH)) return 0;
  count(COUNT_ACKS);
  return 1;
}
