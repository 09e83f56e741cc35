/**
 * The quick half of KSR.sanity: whether a message passes for sure. What does not is looked at again in src/modules/sanity/checks.ts, which says what is wrong.
 * Allocates nothing, reads every area that the route has parsed already.
 */
import {
  H_BODY,
  HDR_CALL_ID,
  HDR_CONTENT_LENGTH,
  HDR_CSEQ,
  HDR_EXPIRES,
  HDR_FROM,
  HDR_PROXY_REQUIRE,
  HDR_TO,
  HDR_VIA,
  M_BODY,
  M_BUF,
  M_CLEN,
  M_CSEQ,
  M_FIRST,
  M_FROM,
  M_KIND,
  M_LEN,
  M_METH,
  M_NEWURI,
  M_NURI,
  M_RURI,
  M_TO,
  M_VER,
  M_VIA,
  NOT_QUICK,
  SCHEME_OTHER,
  TEXT_SIP_VERSION,
  TEXT_SIP_VERSION_LEN,
} from '../gen/layout.gen';
import { byte, DIGIT_0, equalBytes, QUOTE } from '../mem/bytes';
import { MSG } from '../mem/state';
import { CSEQ_METHOD, parseCseq } from '../sip/cseq';
import { headerById } from '../sip/header-index';
import { ADDR_DISPLAY, ADDR_URI, parseFrom, parseTo } from '../sip/name-addr';
import { parseNewUri, parseRuri, parseUri } from '../sip/uri';
import { parseTopVia, VIA_HOST } from '../sip/via';
import { REQUEST } from './value';

// bits of sanity_check()
const RURI_VERSION: i32 = 1;
const RURI_SCHEME: i32 = 2;
const REQUIRED: i32 = 4;
const CSEQ_METHOD_BIT: i32 = 32;
const CSEQ_VALUE: i32 = 64;
const CONTENT_LENGTH: i32 = 128;
const EXPIRES: i32 = 256;
const PROXY_REQUIRE: i32 = 512;
const PARSE_URIS: i32 = 1024;
const FIRST_VIA: i32 = 16384;
/** 8 and 16 do nothing */
const QUICK: i32 =
  RURI_VERSION |
  RURI_SCHEME |
  REQUIRED |
  8 |
  16 |
  CSEQ_METHOD_BIT |
  CSEQ_VALUE |
  CONTENT_LENGTH |
  EXPIRES |
  PROXY_REQUIRE |
  PARSE_URIS |
  FIRST_VIA;
const OF_REQUESTS: i32 = RURI_VERSION | RURI_SCHEME | CSEQ_METHOD_BIT;
// bits of what PARSE_URIS looks at
const RURI: i32 = 1;
const FROM_URI: i32 = 2;
const TO_URI: i32 = 4;
const CONTACT_URI: i32 = 8;
/** digits of 2^32 - 1 and one blank: a number before that place is not padded with zeros */
const CSEQ_NUMBER_BYTES: i32 = 11;

/** digits that always stay below 2^32 */
const EXPIRES_BYTES: usize = 9;

const AREA: usize = memory.data(32, 16);

/** sanity_check() of the current message where it passes. @returns 1, NOT_QUICK */
export function sanityQuick(checks: i32, uris: i32): i32 {
  return sanityPasses(MSG, checks, uris) ? 1 : NOT_QUICK;
}

/**
 * Whether a message passes checks of KSR.sanity.sanity_check().
 * @param checks and `uris` as sanity_check() has them
 * @returns 1 it passes all of them; 0 it may not, or a check is not among the quick ones
 */
export function sanityPasses(msg: usize, checks: i32, uris: i32): i32 {
  if (checks & ~QUICK || (checks & OF_REQUESTS && load<u8>(msg + M_KIND) != REQUEST)) return 0;
  const buf = <usize>load<u32>(msg + M_BUF);
  const first = msg + M_FIRST;
  if (checks & FIRST_VIA && (parseTopVia(msg) || !load<u16>(msg + M_VIA + VIA_HOST + 2))) return 0;
  if (checks & RURI_VERSION && !isVersion(msg, buf)) return 0;
  if ((checks & RURI_SCHEME || (checks & PARSE_URIS && uris & RURI)) && !ruriIsKnown(msg)) return 0;
  if (
    checks & REQUIRED &&
    !(
      byte(first + HDR_TO) &&
      byte(first + HDR_FROM) &&
      byte(first + HDR_CSEQ) &&
      byte(first + HDR_CALL_ID) &&
      byte(first + HDR_VIA)
    )
  )
    return 0;
  if (checks & CSEQ_VALUE && !cseqIsShort(msg)) return 0;
  if (checks & CSEQ_METHOD_BIT && !cseqHasMethod(msg, buf)) return 0;
  if (
    checks & CONTENT_LENGTH &&
    byte(first + HDR_CONTENT_LENGTH) &&
    load<i32>(msg + M_CLEN) != load<i32>(msg + M_LEN) - <i32>load<u16>(msg + M_BODY)
  )
    return 0;
  if (checks & EXPIRES && byte(first + HDR_EXPIRES) && !expiresIsShort(msg, buf)) return 0;
  if (checks & PROXY_REQUIRE && byte(first + HDR_PROXY_REQUIRE)) return 0;
  if (!(checks & PARSE_URIS)) return 1;
  if (uris & CONTACT_URI) return 0;
  if (uris & FROM_URI && (parseFrom(msg) || !addressIsKnown(msg + M_FROM, buf))) return 0;
  return uris & TO_URI && (parseTo(msg) || !addressIsKnown(msg + M_TO, buf)) ? 0 : 1;
}

function isVersion(msg: usize, buf: usize): bool {
  return (
    load<u16>(msg + M_VER + 2) == TEXT_SIP_VERSION_LEN &&
    equalBytes(buf + <usize>load<u16>(msg + M_VER), TEXT_SIP_VERSION, TEXT_SIP_VERSION_LEN)
  );
}

/** The number parses and is not padded with zeros. */
function cseqIsShort(msg: usize): bool {
  const method = msg + M_CSEQ + CSEQ_METHOD;
  return (
    !parseCseq(msg) && <i32>load<u16>(method) - <i32>load<u16>(headerById(msg, HDR_CSEQ) + H_BODY) <= CSEQ_NUMBER_BYTES
  );
}

/** Nothing but digits, too few of them to reach 2^32. */
function expiresIsShort(msg: usize, buf: usize): bool {
  const h = headerById(msg, HDR_EXPIRES);
  const length = <usize>load<u16>(h + H_BODY + 2);
  if (length == 0 || length > EXPIRES_BYTES) return false;
  const at = buf + <usize>load<u16>(h + H_BODY);
  for (let p = at; p < at + length; p++) if (<u32>(byte(p) - DIGIT_0) > 9) return false;
  return true;
}

function cseqHasMethod(msg: usize, buf: usize): bool {
  const method = msg + M_CSEQ + CSEQ_METHOD;
  const length = <i32>load<u16>(msg + M_METH + 2);
  return (
    !parseCseq(msg) &&
    length == <i32>load<u16>(method + 2) &&
    equalBytes(buf + <usize>load<u16>(method), buf + <usize>load<u16>(msg + M_METH), length)
  );
}

function ruriIsKnown(msg: usize): bool {
  if (load<u8>(msg + M_KIND) != REQUEST) return false;
  const set = <usize>load<u32>(msg + M_NEWURI);
  if (set) return !parseNewUri(msg) && isKnown(msg + M_NURI);
  return !parseRuri(msg) && isKnown(msg + M_RURI);
}

function isKnown(area: usize): bool {
  return load<u16>(area) != SCHEME_OTHER;
}

/** A display name without quotes is not looked at here. */
function addressIsKnown(area: usize, buf: usize): bool {
  if (load<u16>(area + ADDR_DISPLAY + 2) && byte(buf + <usize>load<u16>(area + ADDR_DISPLAY)) != QUOTE) return false;
  const uri = buf + <usize>load<u16>(area + ADDR_URI);
  return !parseUri(buf, uri, uri + <usize>load<u16>(area + ADDR_URI + 2), AREA) && isKnown(AREA);
}
