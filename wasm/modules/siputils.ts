/** KSR.siputils: has_totag, is_request, is_reply, is_first_hop. 1 for yes, -1 for no, as Kamailio's ints. */
import {
  D_TO,
  H_BODY,
  H_ID,
  HDR_RECORD_ROUTE,
  HDR_SIZE,
  HDR_VIA,
  M_BUF,
  M_DONE,
  M_FIRST,
  M_KIND,
  M_NHDR,
  M_SRCIP,
  M_SRCPORT,
  M_TO,
  M_VIA,
  MSG_HDRS,
} from '../gen/layout.gen';
import { BRACKET, byte, COMMA, equalNoCase } from '../mem/bytes';
import { MSG } from '../mem/state';
import { ADDR_TAG, ADDR_URI, parseAddr, parseTo } from '../sip/name-addr';
import { parseUri, URI_HOST, URI_PORT } from '../sip/uri';
import { parseTopVia, VIA_END } from '../sip/via';
import { areaIsOurs } from './myself';
import { firstHeader, REPLY, REQUEST } from './value';

const YES: i32 = 1;
const NO: i32 = -1;
const DEFAULT_PORT: i32 = 5060;
const ADDR: usize = memory.data(48, 16);
const PARTS: usize = memory.data(48, 16);

/** @returns 1 when To has a tag that is not empty, else -1 */
export function hasTotag(): i32 {
  if (!(load<u32>(MSG + M_DONE) & D_TO) && parseTo(MSG)) return NO;
  return load<u16>(MSG + M_TO + ADDR_TAG + 2) ? YES : NO;
}

/** @returns 1 for a request, -1 for a reply */
export function isRequest(): i32 {
  return load<u8>(MSG + M_KIND) == REQUEST ? YES : NO;
}

/** @returns 1 for a reply, -1 for a request */
export function isReply(): i32 {
  return load<u8>(MSG + M_KIND) == REPLY ? YES : NO;
}

/**
 * Whether we are the first hop behind the sender. A request: it has one Via. A reply: its top Record-Route is ours and did not send it, or there is none.
 * @returns 1 or -1
 */
export function isFirstHop(): i32 {
  return load<u8>(MSG + M_KIND) == REQUEST ? oneVia() : firstHopOfReply();
}

function oneVia(): i32 {
  const first = <i32>load<u8>(MSG + M_FIRST + HDR_VIA);
  if (!first || parseTopVia(MSG)) return NO;
  const p = load<u32>(MSG + MSG_HDRS + <usize>(first - 1) * HDR_SIZE + H_BODY);
  const end = <i32>(p & 0xffff) + <i32>(p >> 16);
  const viaEnd = <i32>load<u16>(MSG + M_VIA + VIA_END);
  if (viaEnd < end && byte(<usize>load<u32>(MSG + M_BUF) + <usize>viaEnd) == COMMA) return NO;
  for (let i = first, n = <i32>load<u8>(MSG + M_NHDR); i < n; i++)
    if (load<u8>(MSG + MSG_HDRS + <usize>(i * HDR_SIZE) + H_ID) == HDR_VIA) return NO;
  return YES;
}

function firstHopOfReply(): i32 {
  const h = firstHeader(MSG, HDR_RECORD_ROUTE);
  if (!h) return YES;
  const buf = <usize>load<u32>(MSG + M_BUF);
  const p = load<u32>(h + H_BODY);
  const at = buf + <usize>(p & 0xffff);
  if (parseAddr(buf, at, at + <usize>(p >> 16), ADDR)) return NO;
  const u = load<u32>(ADDR + ADDR_URI);
  const uri = buf + <usize>(u & 0xffff);
  if (parseUri(uri, uri, uri + <usize>(u >> 16), PARTS) || !areaIsOurs(uri, PARTS)) return NO;
  return isSource(uri, PARTS) ? NO : YES;
}

/** whether the host and port of a URI are the source of the message; a name that is not an address might be */
function isSource(base: usize, area: usize): bool {
  const p = load<u32>(area + URI_HOST);
  let host = base + <usize>(p & 0xffff);
  let length = <i32>(p >> 16);
  const port = <i32>load<u16>(area + URI_PORT);
  const bracket = byte(host) == BRACKET;
  if (bracket) {
    host++;
    length -= 2;
  } else if (<u32>(byte(host + length - 1) - 48) > 9) return true;
  if ((port ? port : DEFAULT_PORT) != <i32>load<u16>(MSG + M_SRCPORT)) return false;
  return length == load<i32>(MSG + M_SRCIP + 4) && equalNoCase(host, <usize>load<u32>(MSG + M_SRCIP), length);
}
