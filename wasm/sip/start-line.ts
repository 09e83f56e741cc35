/** The start line: Request-Line (RFC 3261 7.1) or Status-Line (7.2). */
import {
  M_KIND,
  M_METH,
  M_METHOD,
  M_REASON,
  M_STATUS,
  M_URI,
  M_VER,
  ST_FIRST_LINE,
  ST_METHOD,
  ST_STATUS,
  ST_VERSION,
} from '../gen/layout.gen';
import { byte, DIGIT_0, find1, isToken, lower4, pair, SLASH, SP } from '../mem/bytes';
import { methodId } from './method';
import { fail } from './status';

/** "sip/2.0 " and " sip/2.0" as little-endian u64, letters in lower case */
const SIP_VERSION_SP: u64 = 0x20302e322f706973;
const SP_SIP_VERSION: u64 = 0x302e322f70697320;
const LOWER_SIP: u64 = 0x202020;
const LOWER_SP_SIP: u64 = 0x20202000;
const SIP_SLASH: u32 = 0x2f706973;
const VERSION_BYTES: i32 = 7;
/** "SIP/2.0 200" and "A b SIP/2.0" */
const SHORTEST_LINE: i32 = 11;
const STATUS_AT: i32 = 8;
const MIN_STATUS: i32 = 100;
const MAX_STATUS: i32 = 699;
const REQUEST: i32 = 1;
const REPLY: i32 = 2;

/**
 * Parses the start line at [at, end) into KIND, METHOD, METH, URI, VER, STATUS and REASON.
 * One SP each between the parts, nothing behind the version (RFC 4475 3.1.2.9, 3.1.2.10: such a line must not be forwarded as it is).
 * @returns 0, -ST_FIRST_LINE, -ST_VERSION, -ST_STATUS or -ST_METHOD
 */
export function startLine(msg: usize, buf: usize, at: usize, end: usize): i32 {
  const offset = <i32>(at - buf);
  const length = <i32>(end - at);
  if (length < SHORTEST_LINE) return fail(ST_FIRST_LINE, at);
  if (lower4(at) == SIP_SLASH) {
    store<u8>(msg + M_KIND, REPLY);
    // "/" is no token character: this is a reply, and if not of 2.0, of another version
    return (load<u64>(at) | LOWER_SIP) == SIP_VERSION_SP ? statusLine(msg, at, offset, length) : fail(ST_VERSION, at);
  }
  store<u8>(msg + M_KIND, REQUEST);
  const methodEnd = find1(at, end, <u8>SP);
  const methodLength = <i32>(methodEnd - at);
  if (methodEnd == end || methodLength == 0) return fail(ST_FIRST_LINE, at);
  const id = methodId(at, methodLength);
  if (!id && !isToken(at, methodLength)) return fail(ST_METHOD, at);
  store<u8>(msg + M_METHOD, id);
  pair(msg + M_METH, offset, methodLength);
  const uri = methodEnd + 1;
  const uriEnd = find1(uri, end, <u8>SP);
  if (uriEnd == end || uriEnd == uri) return fail(ST_FIRST_LINE, uri);
  pair(msg + M_URI, <i32>(uri - buf), <i32>(uriEnd - uri));
  const version = uriEnd + 1;
  pair(msg + M_VER, <i32>(version - buf), <i32>(end - version));
  if (end - version == VERSION_BYTES && (load<u64>(uriEnd) | LOWER_SP_SIP) == SP_SIP_VERSION) return 0;
  // One more SP means blanks in the URI or round it; otherwise it is another version.
  if (find1(version, end, <u8>SP) != end || find1(version, end, <u8>SLASH) == end) return fail(ST_FIRST_LINE, version);
  return fail(ST_VERSION, version);
}

function statusLine(msg: usize, at: usize, offset: i32, length: i32): i32 {
  pair(msg + M_VER, offset, VERSION_BYTES);
  const hundreds = byte(at + 8) - DIGIT_0;
  const tens = byte(at + 9) - DIGIT_0;
  const ones = byte(at + 10) - DIGIT_0;
  const status = hundreds * 100 + tens * 10 + ones;
  if (<u32>hundreds > 9 || <u32>tens > 9 || <u32>ones > 9 || status < MIN_STATUS || status > MAX_STATUS)
    return fail(ST_STATUS, at + STATUS_AT);
  if (length > SHORTEST_LINE && byte(at + SHORTEST_LINE) != SP) return fail(ST_STATUS, at + STATUS_AT);
  store<u16>(msg + M_STATUS, status);
  const reason = min(length, SHORTEST_LINE + 1);
  pair(msg + M_REASON, offset + reason, length - reason);
  return 0;
}
