/**
 * What a server adds to the top Via of a request: where it really came from (RFC 3261 18.2.1, RFC 3581 4). As edits in the records below, so that forwarding
 * and replies write them alike. Kamailio 6: a reply carries rport and received side by side; a forwarded request has them behind host and port.
 */
import {
  E_DEL,
  E_LEN,
  E_OFF,
  E_SEQ,
  E_SRC,
  EDIT_SIZE,
  M_BUF,
  M_MFLAGS,
  M_SRCIP,
  M_SRCPORT,
  M_VIA,
  MFL_FORCE_RPORT,
  TEXT_RECEIVED,
  TEXT_RECEIVED_LEN,
  TEXT_RPORT,
  TEXT_RPORT_LEN,
} from '../gen/layout.gen';
import { BRACKET, byte, EQUALS, equalNoCase, put, putDecimal, skipWs, trimEnd } from '../mem/bytes';
import { VIA_BRANCH, VIA_END, VIA_HAS_RPORT, VIA_HOST, VIA_PARAMS, VIA_RECEIVED, VIA_RPORT } from './via';

/** the edits that viaEdits() made */
export const VIA_EDITS: usize = memory.data(48, 16);
export const MAX_VIA_EDITS: i32 = 2;
/** their texts: ";rport=65535" and ";received=" with an address, each with room for put() */
const RPORT_TEXT: usize = memory.data(32, 16);
const RECEIVED_TEXT: usize = memory.data(192, 16);
const MAX_ADDRESS: i32 = 64;
/** behind all edits of the script at the same offset */
const SEQ_RPORT: i32 = 0x7ffffff0;
const SEQ_RECEIVED: i32 = 0x7ffffff1;

function setEdit(n: i32, off: usize, del: usize, src: usize, length: usize, seq: i32): i32 {
  const record = VIA_EDITS + <usize>(n * EDIT_SIZE);
  store<u32>(record + E_OFF, <u32>off);
  store<u32>(record + E_DEL, <u32>del);
  store<u32>(record + E_SRC, <u32>src);
  store<u32>(record + E_LEN, <u32>length);
  store<i32>(record + E_SEQ, seq);
  return n + 1;
}

/** whether sent-by's host is the source address; IPv6 with or without brackets, in any case */
function sentByIsSource(msg: usize, buf: usize): bool {
  let host = buf + <usize>load<u16>(msg + M_VIA + VIA_HOST);
  let length = <i32>load<u16>(msg + M_VIA + VIA_HOST + 2);
  if (length > 2 && byte(host) == BRACKET) {
    host++;
    length -= 2;
  }
  return length == <i32>load<u32>(msg + M_SRCIP + 4) && equalNoCase(host, <usize>load<u32>(msg + M_SRCIP), length);
}

/** Writes ";received=" and the source address. @returns its length */
function receivedText(msg: usize): usize {
  const length = min(<i32>load<u32>(msg + M_SRCIP + 4), MAX_ADDRESS);
  const at = put(RECEIVED_TEXT, TEXT_RECEIVED, TEXT_RECEIVED_LEN);
  return put(at, <usize>load<u32>(msg + M_SRCIP), length) - RECEIVED_TEXT;
}

/**
 * Makes the edits for the top Via, which must be parsed, in VIA_EDITS. received is added when the Via has received or rport already, or when its host is not
 * the source address; rport when it is there or the script forced it.
 * @param reply whether they are for a reply (added at the end, an old received stays) or for forwarding (behind host and port, an old received is replaced)
 * @returns their number, 0..2
 */
export function viaEdits(msg: usize, reply: bool): i32 {
  if (!load<u32>(msg + M_SRCIP)) return 0;
  const buf = <usize>load<u32>(msg + M_BUF);
  const via = msg + M_VIA;
  const hasRport = load<u16>(via + VIA_HAS_RPORT) != 0;
  const oldReceived = load<u32>(via + VIA_RECEIVED) != 0;
  const forced = !hasRport && (load<u32>(msg + M_MFLAGS) & MFL_FORCE_RPORT) != 0;
  const received = hasRport || oldReceived || !sentByIsSource(msg, buf);
  if (!hasRport && !forced && !received) return 0;

  const params = <usize>load<u16>(via + VIA_PARAMS);
  const behindPort = trimEnd(buf, buf + params) - buf;
  let place = behindPort;
  if (reply) {
    const branch = load<u32>(via + VIA_BRANCH);
    place = branch
      ? <usize>((branch & 0xffff) + (branch >> 16))
      : trimEnd(buf, buf + <usize>load<u16>(via + VIA_END)) - buf;
  }
  let n = 0;
  if (hasRport) {
    // `;rport`, `;rport=`, `;rport = 1 `: from behind the name up to the next separator.
    const value = buf + <usize>load<u16>(via + VIA_RPORT);
    const valueEnd = value + <usize>load<u16>(via + VIA_RPORT + 2);
    let from = trimEnd(buf, value);
    if (byte(from - 1) == EQUALS) from = trimEnd(buf, from - 1);
    const end = buf + <usize>load<u16>(via + VIA_END);
    const to = valueEnd < end ? skipWs(valueEnd, end) : valueEnd;
    store<u8>(RPORT_TEXT, <u8>EQUALS);
    const length = putDecimal(RPORT_TEXT + 1, load<u16>(msg + M_SRCPORT)) - RPORT_TEXT;
    n = setEdit(n, from - buf, to - from, RPORT_TEXT, length, SEQ_RPORT);
    if (reply) place = to - buf;
  } else if (forced) {
    const digits = put(RPORT_TEXT, TEXT_RPORT, TEXT_RPORT_LEN);
    const length = putDecimal(digits, load<u16>(msg + M_SRCPORT)) - RPORT_TEXT;
    n = setEdit(n, place, 0, RPORT_TEXT, length, SEQ_RPORT);
  }
  if (!received) return n;
  const length = receivedText(msg);
  const old = load<u32>(via + VIA_RECEIVED);
  if (old >> 16 && !reply) {
    return setEdit(
      n,
      old & 0xffff,
      old >> 16,
      RECEIVED_TEXT + TEXT_RECEIVED_LEN,
      length - TEXT_RECEIVED_LEN,
      SEQ_RECEIVED,
    );
  }
  return setEdit(n, place, 0, RECEIVED_TEXT, length, SEQ_RECEIVED);
}
