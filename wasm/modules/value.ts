/** What the targets of this room share: xval results, and the values of a message that several modules hand out. One implementation per value. */
import {
  D_FURI,
  D_NURI,
  D_RURI,
  D_TURI,
  H_BODY,
  HDR_SIZE,
  M_BUF,
  M_CSEQ,
  M_DONE,
  M_FIRST,
  M_FROM,
  M_KIND,
  M_METH,
  M_METHOD,
  M_NEWURI,
  M_NURI,
  M_PROTO,
  M_RURI,
  M_TO,
  METHOD_NAMES,
  MSG_HDRS,
  SCHEME_OTHER,
  X_INT,
  X_NULL,
  X_STR,
} from '../gen/layout.gen';
import { RET, SCRATCH } from '../mem/state';
import { CSEQ_METHOD, CSEQ_METHOD_ID, parseCseq } from '../sip/cseq';
import { ADDR_URI, parseFrom, parseTo } from '../sip/name-addr';
import { parseNewUri, parseRuri, parseUri, URI_HOST, URI_SCHEME, URI_USER } from '../sip/uri';

export const REQUEST: i32 = 1;
export const REPLY: i32 = 2;

/** "<null>": what the getw functions give for a value that is not there */
const NULL_TEXT: usize = memory.data<u8>([60, 110, 117, 108, 108, 62, 0, 0]);
const NULL_TEXT_BYTES: i32 = 6;

/** Hands back a string. BORROWED: valid until the message changes, or the next target if it lies in SCRATCH. */
export function str(at: usize, length: i32): i32 {
  store<u32>(RET, <u32>at);
  store<u32>(RET, <u32>length, 4);
  return X_STR;
}

/** Hands back an integer. */
export function int(value: i32): i32 {
  store<i32>(RET, value);
  return X_INT;
}

/** Hands back the bytes of the pair at `at`, null when it is empty. @param base what its offset counts from */
export function pairOrNull(base: usize, at: usize): i32 {
  const p = load<u32>(at);
  return p >> 16 ? str(base + <usize>(p & 0xffff), <i32>(p >> 16)) : X_NULL;
}

/** Hands back the text of a span, null when its address is 0. */
export function spanOrNull(at: usize): i32 {
  const p = load<u32>(at);
  return p ? str(<usize>p, load<i32>(at + 4)) : X_NULL;
}

/** The `gete` form of a value: '' in place of null. @param tag X_* */
export function orEmpty(tag: i32): i32 {
  return tag == X_NULL ? str(NULL_TEXT, 0) : tag;
}

/** The `getw` form of a value: "<null>" in place of null. @param tag X_* */
export function orNullText(tag: i32): i32 {
  return tag == X_NULL ? str(NULL_TEXT, NULL_TEXT_BYTES) : tag;
}

/** address of the first header entry with this id, 0 none */
export function firstHeader(msg: usize, id: i32): usize {
  const n = <usize>load<u8>(msg + M_FIRST + <usize>id);
  return n ? msg + MSG_HDRS - HDR_SIZE + n * HDR_SIZE : 0;
}

/** Hands back the value of the header entry at `h`, null for address 0. */
export function headerBody(msg: usize, h: usize): i32 {
  if (!h) return X_NULL;
  const p = load<u32>(h + H_BODY);
  return str(<usize>load<u32>(msg + M_BUF) + <usize>(p & 0xffff), <i32>(p >> 16));
}

/** what the pairs of the area from ruriArea() count from */
export let uriBase: usize = 0;

/**
 * Parts of the request URI as the script left it. As in Kamailio a URI of an unknown scheme has no parts.
 * @returns address of the area, base in uriBase; 0 when there is no usable request URI
 */
export function ruriArea(msg: usize): usize {
  const fresh = <usize>load<u32>(msg + M_NEWURI);
  const done = load<u32>(msg + M_DONE);
  let area = msg + M_RURI;
  if (fresh) {
    if (!(done & D_NURI) && parseNewUri(msg)) return 0;
    area = msg + M_NURI;
    uriBase = fresh;
  } else {
    if (!(done & D_RURI) && (load<u8>(msg + M_KIND) != REQUEST || parseRuri(msg))) return 0;
    uriBase = <usize>load<u32>(msg + M_BUF);
  }
  return usable(area) ? area : 0;
}

/** Parts of the request URI as received. @returns as ruriArea */
export function originalArea(msg: usize): usize {
  if (load<u8>(msg + M_KIND) != REQUEST || parseRuri(msg)) return 0;
  uriBase = <usize>load<u32>(msg + M_BUF);
  return usable(msg + M_RURI) ? msg + M_RURI : 0;
}

function usable(area: usize): bool {
  return load<u16>(area + URI_SCHEME) != SCHEME_OTHER;
}

/** where in the addr areas of M_FROM and M_TO the user and host of the URI are kept, once asked for */
const ADDR_USER: usize = 24;
const ADDR_HOST: usize = 28;

/** Parses the URI of From or To, once: its user and host pairs go behind the addr area. @returns whether the header parses */
function addrParts(msg: usize, area: usize, bit: u32): bool {
  const buf = <usize>load<u32>(msg + M_BUF);
  const p = load<u32>(area + ADDR_URI);
  const at = buf + <usize>(p & 0xffff);
  const parts = SCRATCH;
  store<u32>(area + ADDR_USER, 0);
  store<u32>(area + ADDR_HOST, 0);
  if (!parseUri(buf, at, at + <usize>(p >> 16), parts) && usable(parts)) {
    store<u32>(area + ADDR_USER, load<u32>(parts + URI_USER));
    store<u32>(area + ADDR_HOST, load<u32>(parts + URI_HOST));
  }
  store<u32>(msg + M_DONE, load<u32>(msg + M_DONE) | bit);
  return true;
}

/** @returns whether From parses; then its user and host are known */
function fromParts(msg: usize): bool {
  return (load<u32>(msg + M_DONE) & D_FURI) != 0 || (!parseFrom(msg) && addrParts(msg, msg + M_FROM, D_FURI));
}

/** @returns whether To parses; then its user and host are known */
function toParts(msg: usize): bool {
  return (load<u32>(msg + M_DONE) & D_TURI) != 0 || (!parseTo(msg) && addrParts(msg, msg + M_TO, D_TURI));
}

/** user of the From URI, null when it has none */
export function fromUser(msg: usize): i32 {
  return fromParts(msg) ? pairOrNull(<usize>load<u32>(msg + M_BUF), msg + M_FROM + ADDR_USER) : X_NULL;
}

/** host of the From URI, null when it has none */
export function fromHost(msg: usize): i32 {
  return fromParts(msg) ? pairOrNull(<usize>load<u32>(msg + M_BUF), msg + M_FROM + ADDR_HOST) : X_NULL;
}

/** user of the To URI, null when it has none */
export function toUser(msg: usize): i32 {
  return toParts(msg) ? pairOrNull(<usize>load<u32>(msg + M_BUF), msg + M_TO + ADDR_USER) : X_NULL;
}

/** host of the To URI, null when it has none */
export function toHost(msg: usize): i32 {
  return toParts(msg) ? pairOrNull(<usize>load<u32>(msg + M_BUF), msg + M_TO + ADDR_HOST) : X_NULL;
}

/** A part of From, null when it does not parse or the part is empty. @param part ADDR_* */
export function fromPart(msg: usize, part: usize): i32 {
  return parseFrom(msg) ? X_NULL : pairOrNull(<usize>load<u32>(msg + M_BUF), msg + M_FROM + part);
}

/** A part of To, as fromPart. */
export function toPart(msg: usize, part: usize): i32 {
  return parseTo(msg) ? X_NULL : pairOrNull(<usize>load<u32>(msg + M_BUF), msg + M_TO + part);
}

/** Hands back a method's name. It is the table's, whose bytes are the same as the message's: Lua has it as a string. @param id METHOD_*, not 0 */
export function methodName(id: i32): i32 {
  const row = METHOD_NAMES + ((<usize>id) << 4);
  return str(row, load<u8>(row, 15));
}

/** method of a request, of a reply the CSeq's; null when that does not parse */
export function methodText(msg: usize): i32 {
  const id = methodOf(msg);
  return id ? methodName(id) : unknownMethodText(msg);
}

function unknownMethodText(msg: usize): i32 {
  if (load<u8>(msg + M_KIND) == REQUEST) return pairOrNull(<usize>load<u32>(msg + M_BUF), msg + M_METH);
  return parseCseq(msg) ? X_NULL : pairOrNull(<usize>load<u32>(msg + M_BUF), msg + M_CSEQ + CSEQ_METHOD);
}

/** METHOD_* of a request, of a reply the CSeq's; 0 unknown */
export function methodOf(msg: usize): i32 {
  if (load<u8>(msg + M_KIND) == REQUEST) return <i32>load<u8>(msg + M_METHOD);
  return parseCseq(msg) ? 0 : load<i32>(msg + M_CSEQ + CSEQ_METHOD_ID);
}

/** transport names by PROTO_*: 8 bytes each, the length in the last */
const PROTO_NAMES: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 117, 100, 112, 0, 0, 0, 0, 3, 116, 99, 112, 0, 0, 0, 0, 3, 116, 108, 115, 0, 0, 0, 0, 3, 115,
  99, 116, 112, 0, 0, 0, 4, 119, 115, 0, 0, 0, 0, 0, 2, 119, 115, 115, 0, 0, 0, 0, 3, 111, 116, 104, 101, 114, 0, 0, 5,
]);
const PROTO_NAME_LENGTH: usize = 7;
const LAST_PROTO: i32 = 7;

/** Hands back the name of the transport the message came over: udp, tcp, tls, sctp, ws, wss, other. */
export function protoText(msg: usize): i32 {
  const name = PROTO_NAMES + ((<usize>min(<i32>load<u8>(msg + M_PROTO), LAST_PROTO)) << 3);
  return str(name, <i32>load<u8>(name + PROTO_NAME_LENGTH));
}
