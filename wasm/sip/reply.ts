/**
 * Stateless replies in Kamailio's layout: status line; every Via, From, To, Call-ID, CSeq and, for 180 to 299, Record-Route, in the request's order and byte for
 * byte; the script's additions; Server; Content-Length; body.
 */
import {
  E_DEL,
  E_LEN,
  E_OFF,
  E_SRC,
  EDIT_SIZE,
  H_BODY,
  H_ID,
  H_NEXT,
  HDR_CALL_ID,
  HDR_CSEQ,
  HDR_FROM,
  HDR_RECORD_ROUTE,
  HDR_TO,
  HDR_VIA,
  M_BUF,
  M_FIRST,
  M_LEN,
  M_LUMPS,
  M_NHDR,
  M_NLUMPS,
  M_REPLYBODY,
  M_TO,
  ST_DUP_TAG,
  ST_NO_MEMORY,
  ST_NO_VIA,
  ST_STATUS,
  TEXT_CONTENT_LENGTH,
  TEXT_CONTENT_LENGTH_LEN,
  TEXT_SIP_VERSION,
  TEXT_SIP_VERSION_LEN,
  TEXT_TAG,
  TEXT_TAG_LEN,
} from '../gen/layout.gen';
import { free, malloc } from '../lua/lua';
import { byte, CR, CRLF, LF, put, putDecimal, SP } from '../mem/bytes';
import { outArea, outRoom } from '../mem/out';
import { headerAt } from './header-index';
import { ADDR_TAG, parseTo } from './name-addr';
import { VIA_EDITS, viaEdits } from './received';
import { TAG_LENGTH, tmToTag, toTag } from './to-tag';
import { parseTopVia } from './via';

const MIN_CODE: i32 = 100;
const MAX_CODE: i32 = 699;
/** replies from this code on get a To tag */
const TAG_FROM: i32 = 180;
const RECORD_ROUTE_FROM: i32 = 180;
const RECORD_ROUTE_TO: i32 = 299;
const SLACK_BYTES: usize = 64;
/** what status line, To tag, received, rport, Content-Length and line ends can add to the copied headers */
const FIXED_BYTES: u64 = 1024;

/** whether the reply that is built is one of a transaction */
let stateful: bool = false;
let server: usize = 0;
let serverLength: i32 = 0;

/** Sets the header line that replies carry, such as "Server: x", without CRLF; length 0 for none. COPIED. @returns 0 or -ST_NO_MEMORY */
export function setServerHeader(at: usize, length: i32): i32 {
  if (server) free(server);
  server = 0;
  serverLength = 0;
  if (!length) return 0;
  server = malloc(<usize>length + SLACK_BYTES);
  if (!server) return -ST_NO_MEMORY;
  memory.copy(server, at, length);
  serverLength = length;
  return 0;
}

function putCrlf(to: usize): usize {
  store<u16>(to, <u16>CRLF);
  return to + 2;
}

/** Copies the bytes of a header line without its line end, with `count` edits of VIA_EDITS if it is the top Via. */
function putLine(to: usize, buf: usize, from: usize, end: usize, count: i32): usize {
  let pos = from;
  for (let i = 0; i < count; i++) {
    const record = VIA_EDITS + <usize>(i * EDIT_SIZE);
    const off = buf + <usize>load<u32>(record + E_OFF);
    to = put(to, pos, off - pos);
    to = put(to, <usize>load<u32>(record + E_SRC), <usize>load<u32>(record + E_LEN));
    pos = off + <usize>load<u32>(record + E_DEL);
  }
  return put(to, pos, end - pos);
}

/** The reason phrase on one line: a CR or LF that a script puts there would begin a header. */
function putReason(to: usize, at: usize, length: i32): usize {
  const end = to + length;
  while (to < end) {
    const c = byte(at++);
    store<u8>(to++, c == CR || c == LF || c == 0 ? SP : c);
  }
  return to;
}

/** Copies the headers that a reply takes over. */
function putHeaders(msg: usize, code: i32, to: usize): usize {
  const buf = <usize>load<u32>(msg + M_BUF);
  const viaCount = parseTopVia(msg) ? 0 : viaEdits(msg, true);
  const toStatus = parseTo(msg);
  const needsTag =
    code >= TAG_FROM && toStatus != -ST_DUP_TAG && (toStatus != 0 || load<u16>(msg + M_TO + ADDR_TAG + 2) == 0);
  for (let i = 0, n = <i32>load<u8>(msg + M_NHDR); i < n; i++) {
    const h = headerAt(msg, i);
    const id = byte(h + H_ID);
    if (id == HDR_RECORD_ROUTE) {
      if (code < RECORD_ROUTE_FROM || code > RECORD_ROUTE_TO) continue;
    } else if (id != HDR_VIA) {
      if (id != HDR_FROM && id != HDR_TO && id != HDR_CALL_ID && id != HDR_CSEQ) continue;
      if (byte(msg + M_FIRST + id) != i + 1) continue; // one of each, however many came
    }
    const from = buf + <usize>load<u16>(h);
    let end = buf + <usize>load<u16>(h + H_NEXT);
    if (end > from && byte(end - 1) == LF) end--;
    if (end > from && byte(end - 1) == CR) end--;
    if (id == HDR_TO && needsTag) {
      const valueEnd = buf + <usize>load<u16>(h + H_BODY) + <usize>load<u16>(h + H_BODY + 2);
      to = put(to, from, valueEnd - from);
      to = put(to, TEXT_TAG, TEXT_TAG_LEN);
      to = put(to, stateful ? tmToTag(msg) : toTag(msg), TAG_LENGTH);
      to = put(to, valueEnd, end - valueEnd);
    } else to = putLine(to, buf, from, end, id == HDR_VIA && byte(msg + M_FIRST + HDR_VIA) == i + 1 ? viaCount : 0);
    to = putCrlf(to);
  }
  return to;
}

/**
 * Builds a stateless reply to a request in outArea(). The top Via gets received and rport (RFC 3581 4); a To without tag gets one when code >= 180
 * (RFC 3261 8.2.6.2); replyAdd() texts and the body in M_REPLYBODY are taken in.
 * @param code 100..699 @param reason address of the phrase, CR LF and NUL in it become blanks @param reasonLength its bytes
 * @returns length; -ST_NO_VIA when the request has none, -ST_STATUS for another code, -ST_TOO_BIG, -ST_NO_MEMORY
 */
export function replyBuild(msg: usize, code: i32, reason: usize, reasonLength: i32): i32 {
  if (code < MIN_CODE || code > MAX_CODE) return -ST_STATUS;
  if (!load<u8>(msg + M_FIRST + HDR_VIA)) return -ST_NO_VIA;
  const body = load<u32>(msg + M_REPLYBODY);
  const bodyLength = body ? load<u32>(msg + M_REPLYBODY + 4) : 0;
  const lumps = <usize>load<u32>(msg + M_LUMPS);
  const lumpsEnd = lumps + <usize>(<i32>load<u16>(msg + M_NLUMPS) * EDIT_SIZE);
  let total =
    FIXED_BYTES + load<u32>(msg + M_LEN) + <u64>(<u32>reasonLength) + <u64>bodyLength + <u64>(<u32>serverLength);
  for (let lump = lumps; lump < lumpsEnd; lump += EDIT_SIZE) total += load<u32>(lump + E_LEN);
  const room = outRoom(total);
  if (room) return room;

  const out = outArea();
  let to = put(out, TEXT_SIP_VERSION, TEXT_SIP_VERSION_LEN); // in capitals whatever the request had (RFC 3261 7.1)
  store<u8>(to, <u8>SP);
  to = putDecimal(to + 1, code);
  store<u8>(to, <u8>SP);
  to = putCrlf(putReason(to + 1, reason, reasonLength));
  to = putHeaders(msg, code, to);
  for (let lump = lumps; lump < lumpsEnd; lump += EDIT_SIZE)
    to = put(to, <usize>load<u32>(lump + E_SRC), <usize>load<u32>(lump + E_LEN));
  if (serverLength) to = putCrlf(put(to, server, serverLength));
  to = put(to, TEXT_CONTENT_LENGTH, TEXT_CONTENT_LENGTH_LEN);
  to = putCrlf(putCrlf(putDecimal(to, bodyLength)));
  return <i32>(put(to, body, bodyLength) - out);
}

/** As replyBuild(), for a transaction: its To tag is another than that of stateless replies. */
export function replyBuildStateful(msg: usize, code: i32, reason: usize, reasonLength: i32): i32 {
  stateful = true;
  const length = replyBuild(msg, code, reason, reasonLength);
  stateful = false;
  return length;
}
