/**
 * The verdict of RFC 3261 on a whole message, as RFC 4475 and RFC 5118 test it. msgCheck() passes what Kamailio lets a script see; what is wrong beyond that is
 * found here and kept in M_SOFTERR and M_SOFTOFF, for sanity checks and for whoever wants to answer 400 early.
 */
import {
  D_SOFT,
  H_BODY,
  H_ID,
  HDR_CONTACT,
  HDR_CONTENT_LENGTH,
  HDR_DATE,
  HDR_VIA,
  M_BUF,
  M_CSEQ,
  M_DONE,
  M_ERR,
  M_FLAGS,
  M_FROM,
  M_KIND,
  M_METH,
  M_NHDR,
  M_RURI,
  M_SOFTERR,
  M_SOFTOFF,
  M_TO,
  M_URI,
  MF_SHORT,
  SCHEME_OTHER,
  ST_ADDR,
  ST_CONTACT,
  ST_CONTENT_LENGTH,
  ST_CSEQ_METHOD,
  ST_DATE,
  ST_EXPIRES,
  ST_MISSING,
  ST_SCHEME,
  ST_URI,
  TEXT_EXPIRES,
  TEXT_EXPIRES_LEN,
} from '../gen/layout.gen';
import {
  byte,
  decimal,
  equalBytes,
  find1,
  isToken,
  isWs,
  LESS,
  QUESTION,
  QUOTE,
  STAR,
  skipQuoted,
  skipWs,
} from '../mem/bytes';
import { findParam, nextAddr } from './addr-list';
import { msgCheck } from './check';
import { CSEQ_METHOD } from './cseq';
import { headerAt, headerById } from './header-index';
import { ADDR_DISPLAY, ADDR_PARAMS, ADDR_URI } from './name-addr';
import { expires, isDate, maxForwards } from './numbers';
import { nextParam, paramNameLength } from './params';
import { fail, failedAt } from './status';
import { parseRuri, parseUri, URI_HEADERS } from './uri';
import { parseVia, VIA_END } from './via';

const REQUEST: i32 = 1;
const AREA: usize = memory.data(32, 16);
const URI_AREA: usize = memory.data(32, 16);
const VIA_AREA: usize = memory.data(48, 16);
const PARAM_AREA: usize = memory.data(16, 16);

/**
 * Checks an indexed message against RFC 3261 as far as a proxy or registrar can tell, once.
 * @returns 0, or -ST_* of the first thing that is wrong: what msgCheck() finds (in M_ERR, M_ERROFF); or in M_SOFTERR, M_SOFTOFF: -ST_URI, -ST_SCHEME,
 * -ST_CONTENT_LENGTH (larger than what came), -ST_CSEQ_METHOD, -ST_MAX_FORWARDS, -ST_EXPIRES, -ST_DATE, -ST_VIA (one behind the top one), -ST_ADDR, -ST_CONTACT
 */
export function msgStrict(msg: usize): i32 {
  const done = load<u32>(msg + M_DONE);
  if (done & D_SOFT) {
    const kept = <i32>load<u16>(msg + M_SOFTERR);
    return kept ? -kept : -(<i32>load<u16>(msg + M_ERR));
  }
  let status = msgCheck(msg);
  if (!status) {
    status = soft(msg);
    if (status) {
      store<u16>(msg + M_SOFTERR, <u16>-status);
      store<u16>(msg + M_SOFTOFF, <u16>(failedAt - <usize>load<u32>(msg + M_BUF)));
    }
  }
  store<u32>(msg + M_DONE, load<u32>(msg + M_DONE) | D_SOFT);
  return status;
}

function soft(msg: usize): i32 {
  const buf = <usize>load<u32>(msg + M_BUF);
  if (load<u8>(msg + M_KIND) == REQUEST) {
    const status = requestLine(msg, buf);
    if (status) return status;
  }
  if (load<u8>(msg + M_FLAGS) & MF_SHORT)
    return fail(ST_CONTENT_LENGTH, buf + <usize>load<u16>(headerById(msg, HDR_CONTENT_LENGTH) + H_BODY));
  let status = maxForwards(msg);
  if (status < 0 && status != -ST_MISSING) return status;
  status = expires(msg);
  if (status < 0 && status != -ST_MISSING) return status;
  const date = headerById(msg, HDR_DATE);
  if (date) {
    const at = buf + <usize>load<u16>(date + H_BODY);
    if (!isDate(at, at + <usize>load<u16>(date + H_BODY + 2))) return fail(ST_DATE, at);
  }
  status = vias(msg, buf);
  if (!status) status = address(buf, msg + M_TO, ST_ADDR);
  if (!status) status = address(buf, msg + M_FROM, ST_ADDR);
  return status ? status : contacts(msg, buf);
}

/** Request URI, and the method against CSeq's (RFC 3261 8.1.1.5). */
function requestLine(msg: usize, buf: usize): i32 {
  const status = parseRuri(msg);
  if (status) return status;
  const at = buf + <usize>load<u16>(msg + M_URI);
  if (load<u16>(msg + M_RURI) == SCHEME_OTHER) return fail(ST_SCHEME, at);
  // RFC 3261 19.1.5, RFC 4475 3.1.2.11: headers may not stand in a request URI
  const headers = load<u32>(msg + M_RURI + URI_HEADERS);
  if (headers) return fail(ST_URI, buf + <usize>(headers & 0xffff));
  const length = <i32>load<u16>(msg + M_METH + 2);
  const method = msg + M_CSEQ + CSEQ_METHOD;
  const inCseq = buf + <usize>load<u16>(method);
  if (length != <i32>load<u16>(method + 2) || !equalBytes(inCseq, buf + <usize>load<u16>(msg + M_METH), length))
    return fail(ST_CSEQ_METHOD, inCseq);
  return 0;
}

/** A name-addr or addr-spec: the display name is tokens or one quoted string, the URI parses, and one with `?` is in brackets (RFC 3261 20.10). */
function address(buf: usize, area: usize, status: i32): i32 {
  const display = buf + <usize>load<u16>(area + ADDR_DISPLAY);
  const displayEnd = display + <usize>load<u16>(area + ADDR_DISPLAY + 2);
  if (display < displayEnd && !isDisplayName(display, displayEnd)) return fail(status, display);
  const uri = buf + <usize>load<u16>(area + ADDR_URI);
  const uriEnd = uri + <usize>load<u16>(area + ADDR_URI + 2);
  if (parseUri(buf, uri, uriEnd, URI_AREA)) return fail(status, uri);
  const params = load<u32>(area + ADDR_PARAMS);
  const paramsAt = buf + <usize>(params & 0xffff);
  if (params && !paramsHaveNames(paramsAt, paramsAt + <usize>(params >> 16))) return fail(status, paramsAt);
  if (byte(uri - 1) != LESS && find1(uri, uriEnd, <u8>QUESTION) < uriEnd) return fail(status, uri);
  return 0;
}

/** Every Via, not only the top one: replies and loop detection read them. */
function vias(msg: usize, buf: usize): i32 {
  for (let i = 0, n = byte(msg + M_NHDR); i < n; i++) {
    const h = headerAt(msg, i);
    if (byte(h + H_ID) != HDR_VIA) continue;
    let at = buf + <usize>load<u16>(h + H_BODY);
    const end = at + <usize>load<u16>(h + H_BODY + 2);
    do {
      const status = parseVia(buf, skipWs(at, end), end, VIA_AREA);
      if (status) return status;
      at = buf + <usize>load<u16>(VIA_AREA + VIA_END) + 1; // behind the comma
    } while (at <= end);
  }
  return 0;
}

/** Header parameters have names: no `;;`, none at the end. */
function paramsHaveNames(at: usize, end: usize): bool {
  do {
    at = nextParam(at, end);
    if (!at || !paramNameLength) return false;
    at++; // behind the semicolon
  } while (at <= end);
  return true;
}

function isDisplayName(at: usize, end: usize): bool {
  if (byte(at) == QUOTE) return skipQuoted(at, end) == end;
  while (at < end) {
    const word = at;
    while (at < end && !isWs(byte(at))) at++;
    if (!isToken(word, <i32>(at - word))) return false;
    at = skipWs(at, end);
  }
  return true;
}

function contacts(msg: usize, buf: usize): i32 {
  let cursor = nextAddr(msg, HDR_CONTACT, 0, AREA);
  for (; cursor > 0; cursor = nextAddr(msg, HDR_CONTACT, cursor, AREA)) {
    const uri = load<u32>(AREA + ADDR_URI);
    if (uri >> 16 == 1 && byte(buf + <usize>(uri & 0xffff)) == STAR) continue;
    const status = address(buf, AREA, ST_CONTACT);
    if (status) return status;
    const params = buf + <usize>load<u16>(AREA + ADDR_PARAMS);
    if (findParam(params, <i32>load<u16>(AREA + ADDR_PARAMS + 2), TEXT_EXPIRES, TEXT_EXPIRES_LEN, PARAM_AREA)) {
      const value = params + <usize>load<u16>(PARAM_AREA);
      if (decimal(value, value + <usize>load<u16>(PARAM_AREA + 2)) < 0) return fail(ST_EXPIRES, value);
    }
  }
  return cursor;
}
