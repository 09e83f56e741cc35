/** Headers that hold lists of addresses, in one header or several (RFC 3261 7.3.1): Contact, Route, Record-Route, Path, P-Asserted-Identity ... */
import {
  H_BODY,
  H_ID,
  HDR_CONTACT,
  HDR_RECORD_ROUTE,
  HDR_ROUTE,
  M_BUF,
  M_NHDR,
  ST_ADDR,
  ST_CONTACT,
  ST_ROUTE,
} from '../gen/layout.gen';
import { byte, COMMA, equalNoCase, MAX_SPAN, pair, SEMICOLON, skipWs } from '../mem/bytes';
import { headerAt } from './header-index';
import { ADDR_END, parseAddr } from './name-addr';
import { nextParam, paramName, paramNameLength, paramValue, paramValueEnd } from './params';
import { fail, failedAt } from './status';

const OFFSET_BITS: i32 = 16;
const OFFSET_MASK: i32 = 0xffff;

/**
 * Reads the next address of all headers with one id, in order. `*` (RFC 3261 10.2.2) comes as a URI of that one byte. Empty headers are passed over.
 * @param id HDR_* @param cursor 0 for the first, then what the call before returned
 * @param area 20 bytes: see name-addr.ts; offsets count from the message's first byte
 * @returns the next cursor, > 0; 0 when there is none left; -ST_CONTACT, -ST_ROUTE or, for other ids, -ST_ADDR
 */
export function nextAddr(msg: usize, id: i32, cursor: i32, area: usize): i32 {
  const buf = <usize>load<u32>(msg + M_BUF);
  let offset = cursor & OFFSET_MASK;
  for (let i = cursor >> OFFSET_BITS, n = byte(msg + M_NHDR); i < n; i++, offset = 0) {
    const h = headerAt(msg, i);
    if (byte(h + H_ID) != id) continue;
    const from = <i32>load<u16>(h + H_BODY);
    const end = buf + <usize>(from + <i32>load<u16>(h + H_BODY + 2));
    const at = skipWs(buf + <usize>max(offset, from), end);
    if (at >= end && !offset) continue;
    if (at < end && byte(at) == COMMA) return fail(listStatus(id), at); // an empty element
    if (parseAddr(buf, at, end, area)) return fail(listStatus(id), failedAt);
    const stop = <i32>load<u16>(area + ADDR_END);
    if (buf + stop < end && byte(buf + stop) == COMMA) return (i << OFFSET_BITS) | (stop + 1);
    return (i + 1) << OFFSET_BITS;
  }
  return 0;
}

function listStatus(id: i32): i32 {
  if (id == HDR_CONTACT) return ST_CONTACT;
  return id == HDR_ROUTE || id == HDR_RECORD_ROUTE ? ST_ROUTE : ST_ADDR;
}

/**
 * Finds one parameter in `a=b;c;d="e"`, with or without a leading semicolon; names in any case.
 * @param area 4 bytes: a pair, offset from `at`, quotes kept; length 0 when it has no value
 * @returns 1 found, 0 not
 */
export function findParam(at: usize, length: i32, name: usize, nameLength: i32, area: usize): i32 {
  if (<u32>length > MAX_SPAN) return 0;
  const end = at + length;
  let p = skipWs(at, end);
  if (p < end && byte(p) == SEMICOLON) p++;
  while (p < end) {
    p = nextParam(p, end);
    if (!p) return 0;
    if (paramNameLength == nameLength && equalNoCase(paramName, name, nameLength)) {
      pair(area, <i32>(paramValue - at), <i32>(paramValueEnd - paramValue));
      return 1;
    }
    if (p >= end || byte(p) != SEMICOLON) return 0;
    p++;
  }
  return 0;
}
