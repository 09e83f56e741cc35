/** Writes a message that goes on: a request with our Via on top, a reply without it. */
import {
  E_DEL,
  E_KIND,
  E_LEN,
  E_OFF,
  E_SEQ,
  E_SRC,
  EDIT_SIZE,
  EK_ADD_HDR,
  EK_BODY,
  H_BODY,
  H_NEXT,
  HDR_CONTENT_LENGTH,
  HDR_VIA,
  M_BODY,
  M_BUF,
  M_EDITS,
  M_NEDITS,
  M_NEWREASON,
  M_NEWSTATUS,
  M_NEWURI,
  M_REASON,
  M_URI,
  M_VER,
  M_VIA,
  ST_NO_VIA,
  TEXT_CONTENT_LENGTH,
  TEXT_CONTENT_LENGTH_LEN,
} from '../gen/layout.gen';
import { byte, COMMA, put, putDecimal, skipWs } from '../mem/bytes';
import { outArea, outRoom } from '../mem/out';
import { headersEnd, headersStart } from './edits';
import { headerById } from './header-index';
import { VIA_EDITS, viaEdits } from './received';
import { closeRecordRoute, openRecordRoute } from './record-route';
import { parseTopVia, VIA_END } from './via';
import { messageEnd, orderEdit, orderEdits, writeOrdered, writtenBytes } from './write';

/** our own edits of one write: request URI or status, reason, Content-Length, Via */
const OWN: usize = memory.data(96, 16);
const OWN_URI: i32 = 0;
const OWN_STATUS: i32 = 0;
const OWN_REASON: i32 = 1;
const OWN_LENGTH: i32 = 2;
const OWN_VIA: i32 = 3;
const OWN_COUNT: i32 = 4;
const VIA_COUNT: i32 = 2;
const LENGTH_TEXT: usize = memory.data(64, 16);
const STATUS_TEXT: usize = memory.data(32, 16);
const LAST: i32 = 0x7fffffff;

function ownEdit(n: i32, off: u32, del: u32, src: usize, length: u32): void {
  const record = OWN + <usize>(n * EDIT_SIZE);
  store<u32>(record + E_OFF, off);
  store<u32>(record + E_DEL, del);
  store<u32>(record + E_SRC, <u32>src);
  store<u32>(record + E_LEN, length);
  store<i32>(record + E_SEQ, LAST);
  orderEdit(record);
}

/**
 * When the script changed the body, Content-Length follows: its value is replaced, or the header is added behind the others. Not when the script edited that
 * header itself.
 */
function contentLengthEdit(msg: usize, end: i32): void {
  const body = <i32>load<u16>(msg + M_BODY);
  let length = end - body;
  let changed = false;
  const h = headerById(msg, HDR_CONTENT_LENGTH);
  const from = h ? <i32>load<u16>(h) : 0;
  const next = h ? <i32>load<u16>(h + H_NEXT) : 0;
  let record = <usize>load<u32>(msg + M_EDITS);
  for (let n = <i32>load<u16>(msg + M_NEDITS); n > 0; n--, record += EDIT_SIZE) {
    const off = <i32>load<u32>(record + E_OFF);
    const del = <i32>load<u32>(record + E_DEL);
    const kind = <i32>load<u32>(record + E_KIND);
    if (kind == EK_BODY || (off >= body && kind != EK_ADD_HDR)) {
      changed = true;
      length += <i32>load<u32>(record + E_LEN) - max(min(off + del, end) - off, 0);
    } else if (del && off < next && off + del > from) return;
  }
  if (!changed) return;
  length = max(length, 0);
  if (h) {
    const textEnd = putDecimal(LENGTH_TEXT, length);
    ownEdit(OWN_LENGTH, load<u16>(h + H_BODY), load<u16>(h + H_BODY + 2), LENGTH_TEXT, <u32>(textEnd - LENGTH_TEXT));
    return;
  }
  const digits = put(LENGTH_TEXT, TEXT_CONTENT_LENGTH, TEXT_CONTENT_LENGTH_LEN);
  const textEnd = putDecimal(digits, length);
  store<u16>(textEnd, 0x0a0d);
  ownEdit(OWN_LENGTH, headersEnd(msg), 0, LENGTH_TEXT, <u32>(textEnd + 2 - LENGTH_TEXT));
}

function finish(msg: usize): i32 {
  const end = messageEnd(msg);
  contentLengthEdit(msg, end);
  const status = outRoom(writtenBytes(end));
  if (status) return status;
  const out = outArea();
  return <i32>(writeOrdered(msg, 0, end, out) - out);
}

/**
 * Writes the message with the script's edits, and with Content-Length following a body that they changed, into outArea(). Without edits these are the bytes
 * received, up to the end that Content-Length gives (RFC 3261 18.3: octets behind it are discarded).
 * @returns length; -ST_TOO_BIG when it exceeds the output area, -ST_NO_MEMORY
 */
export function msgWrite(msg: usize): i32 {
  const status = orderEdits(msg, OWN_COUNT);
  return status ? status : finish(msg);
}

/**
 * Writes a request that is forwarded into outArea(): the script's edits, the Record-Route that was asked for, the new request URI, received and rport in the top
 * Via, and a new Via line before the first Via (RFC 3261 16.6 step 8).
 * @param viaLine address of "Via: ...CRLF" @param viaLength its bytes, 0 for none
 * @param leaves index of the socket that it leaves by; negative: without Record-Route
 * @returns length; -ST_TOO_BIG, -ST_NO_MEMORY
 */
export function msgForward(msg: usize, viaLine: usize, viaLength: i32, leaves: i32): i32 {
  const status = leaves < 0 ? 0 : openRecordRoute(msg, leaves);
  if (status) return status;
  const length = forward(msg, viaLine, viaLength);
  closeRecordRoute();
  return length;
}

function forward(msg: usize, viaLine: usize, viaLength: i32): i32 {
  const status = orderEdits(msg, OWN_COUNT + VIA_COUNT);
  if (status) return status;
  const uri = load<u32>(msg + M_NEWURI);
  if (uri) ownEdit(OWN_URI, load<u16>(msg + M_URI), load<u16>(msg + M_URI + 2), uri, load<u32>(msg + M_NEWURI + 4));
  if (!parseTopVia(msg)) {
    const n = viaEdits(msg, false);
    for (let i = 0; i < n; i++) orderEdit(VIA_EDITS + <usize>(i * EDIT_SIZE));
  }
  const via = headerById(msg, HDR_VIA);
  if (viaLength) ownEdit(OWN_VIA, via ? <u32>load<u16>(via) : <u32>headersStart(msg), 0, viaLine, viaLength);
  return finish(msg);
}

/**
 * Writes a reply that is forwarded into outArea(): without its top Via, with the script's edits and with the status that change_reply_status set.
 * @returns length; -ST_NO_VIA, -ST_VIA, -ST_TOO_BIG, -ST_NO_MEMORY
 */
export function msgReplyForward(msg: usize): i32 {
  const via = headerById(msg, HDR_VIA);
  if (!via) return -ST_NO_VIA;
  let status = parseTopVia(msg);
  if (status) return status;
  status = orderEdits(msg, OWN_COUNT);
  if (status) return status;
  const buf = <usize>load<u32>(msg + M_BUF);
  const valueEnd = buf + <usize>load<u16>(via + H_BODY) + <usize>load<u16>(via + H_BODY + 2);
  const comma = buf + <usize>load<u16>(msg + M_VIA + VIA_END);
  if (comma < valueEnd && byte(comma) == COMMA) {
    const from = <u32>load<u16>(via + H_BODY);
    ownEdit(OWN_VIA, from, <u32>(skipWs(comma + 1, valueEnd) - buf) - from, 0, 0);
  } else {
    const from = <u32>load<u16>(via);
    ownEdit(OWN_VIA, from, <u32>load<u16>(via + H_NEXT) - from, 0, 0);
  }
  const code = load<u16>(msg + M_NEWSTATUS);
  if (code) {
    const digits = putDecimal(STATUS_TEXT, code) - STATUS_TEXT;
    ownEdit(OWN_STATUS, <u32>load<u16>(msg + M_VER) + <u32>load<u16>(msg + M_VER + 2) + 1, 3, STATUS_TEXT, <u32>digits);
    const reason = load<u32>(msg + M_NEWREASON);
    if (reason)
      ownEdit(
        OWN_REASON,
        load<u16>(msg + M_REASON),
        load<u16>(msg + M_REASON + 2),
        reason,
        load<u32>(msg + M_NEWREASON + 4),
      );
  }
  return finish(msg);
}
