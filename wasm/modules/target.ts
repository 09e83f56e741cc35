/**
 * Where requests and answers go, as far as it is known at once: protocol, IPv4 address and port. Each such target has a number, by which TypeScript keeps what
 * sending needs; names and IPv6 addresses are read here and found there.
 */
import {
  M_AF,
  M_BUF,
  M_DSTURI,
  M_KIND,
  M_MFLAGS,
  M_NEWURI,
  M_NURI,
  M_PROTO,
  M_RURI,
  M_SRCIP,
  M_SRCPORT,
  M_VIA,
  MFL_FORCE_RPORT,
  PROTO_TLS,
  PROTO_UDP,
  PROTO_WS,
  PROTO_WSS,
  SCHEME_SIP,
  SCHEME_SIPS,
  TG_BAD_TRANSPORT,
  TG_BAD_URI,
  TG_COUNT,
  TG_HOST,
  TG_NAME,
  TG_NEW,
  TG_NOT_SIP,
  TG_PORT,
  TG_PROTO,
  TG_SECURE,
  TG_TRANSPORT,
} from '../gen/layout.gen';
import { byte, DIGIT_0, DOT, lower, lower4 } from '../mem/bytes';
import { parseNewUri, parseRuri, parseUriAt, URI_HOST, URI_PARAMS, URI_PORT, URI_SCHEME } from '../sip/uri';
import { nextUriParam, uriParamName, uriParamNameLength, uriParamValue, uriParamValueEnd } from '../sip/uri-params';
import { VIA_HAS_RPORT, VIA_PORT } from '../sip/via';
import { transportId } from './myself';
import { REQUEST } from './value';

/**
 * What a URI says, for TypeScript: TG_HOST address and length of the host (or of maddr), u32 each | TG_TRANSPORT likewise the transport's text | TG_PORT u16,
 * 0 none | TG_PROTO u8 PROTO_*, 0 none | TG_SECURE u8 1 for a sips URI. Of a target with a number: TG_HOST u32 its IPv4 address, its port and protocol.
 */
const RECORD: usize = memory.data(32, 16);
const URI: usize = memory.data(32, 16);

/** TG_COUNT is 2 to this */
const COUNT_BITS: u64 = 10;
/** u64 each: IPv4 address, port, protocol; 0 free */
const KNOWN: usize = memory.data(8 * TG_COUNT, 16);
const HASH: u64 = 0x9e3779b97f4a7c15;

const SIP_PORT: i32 = 5060;
const SIPS_PORT: i32 = 5061;
const NO_ADDRESS: i64 = -1;
const MADDR: u32 = 0x6464616d; // madd
const TRAN: u32 = 0x6e617274;
const SPOR: u32 = 0x726f7073;
const AF_IPV4: u8 = 4;

/** @returns address of the record of 20 bytes that says what was found */
export function targetArea(): usize {
  return RECORD;
}

/** @returns the port of who names none (RFC 3261 19.1.2) */
function defaultPort(proto: i32): i32 {
  return proto == PROTO_TLS || proto == PROTO_WSS ? SIPS_PORT : SIP_PORT;
}

function say(host: u32, length: u32, port: i32, proto: i32): void {
  store<u32>(RECORD + TG_HOST, host);
  store<u32>(RECORD + TG_HOST + 4, length);
  store<u16>(RECORD + TG_PORT, port);
  store<u8>(RECORD + TG_PROTO, proto);
  store<u8>(RECORD + TG_SECURE, 0);
}

/** The number of a target; the one that had it before is forgotten. @returns 1..TG_COUNT, with TG_NEW when it is new there */
function numberOf(ip: u32, port: i32, proto: i32): i32 {
  const key = <u64>ip | ((<u64>port) << 32) | ((<u64>proto) << 48);
  const place = <u32>((key * HASH) >> (64 - COUNT_BITS));
  const at = KNOWN + ((<usize>place) << 3);
  say(ip, 0, port, proto);
  if (load<u64>(at) == key) return <i32>place + 1;
  store<u64>(at, key);
  return (<i32>place + 1) | TG_NEW;
}

/** @returns four decimals of 0..255 without leading zeros as a number, the first one highest; NO_ADDRESS when it is none */
function ipv4(at: usize, end: usize): i64 {
  let bits: u32 = 0;
  let parts = 1;
  let digits = 0;
  let value = 0;
  for (let p = at; p < end; p++) {
    const c = byte(p);
    if (c == DOT) {
      if (!digits || ++parts > 4) return NO_ADDRESS;
      bits = (bits << 8) | <u32>value;
      digits = 0;
      value = 0;
      continue;
    }
    // a 0 is followed by nothing
    if (<u32>(c - DIGIT_0) > 9 || (digits && !value)) return NO_ADDRESS;
    value = value * 10 + c - DIGIT_0;
    digits++;
    if (value > 255) return NO_ADDRESS;
  }
  return parts == 4 && digits ? <i64>((bits << 8) | <u32>value) : NO_ADDRESS;
}

/**
 * The target of a parsed URI. maddr stands in for the host; of several parameters of one name the last one counts, as in Kamailio.
 * @returns 1..1024 a numbered target, with TG_NEW when TypeScript knows none by this number or another one; TG_NAME: host, port, transport are in the record
 * and the host is no IPv4 address; TG_NOT_SIP; TG_BAD_TRANSPORT: its text is in the record
 */
function ofParsed(base: usize, uri: usize): i32 {
  const scheme = load<u16>(uri, URI_SCHEME);
  if (scheme != SCHEME_SIP && scheme != SCHEME_SIPS) return TG_NOT_SIP;
  const secure = scheme == SCHEME_SIPS;
  let host = base + <usize>load<u16>(uri, URI_HOST);
  let hostEnd = host + <usize>load<u16>(uri, URI_HOST + 2);
  let proto = 0;
  let at = base + <usize>load<u16>(uri, URI_PARAMS);
  const end = at + <usize>load<u16>(uri, URI_PARAMS + 2);
  let transport: usize = 0;
  let transportEnd: usize = 0;
  while (at < end) {
    at = nextUriParam(at, end);
    const name = uriParamName;
    if (uriParamNameLength == 9) {
      if (lower4(name) != TRAN || lower4(name + 4) != SPOR || lower(byte(name + 8)) != 116) continue;
      transport = uriParamValue;
      transportEnd = uriParamValueEnd;
    } else if (uriParamNameLength == 5 && lower4(name) == MADDR && lower(byte(name + 4)) == 114) {
      if (uriParamValue == uriParamValueEnd) continue;
      host = uriParamValue;
      hostEnd = uriParamValueEnd;
    }
  }
  if (transport < transportEnd) {
    proto = transportId(transport, <i32>(transportEnd - transport));
    if (!proto) {
      store<u32>(RECORD + TG_TRANSPORT, <u32>transport);
      store<u32>(RECORD + TG_TRANSPORT + 4, <u32>(transportEnd - transport));
      return TG_BAD_TRANSPORT;
    }
    // RFC 3261 26.2.2: sips means TLS all the way
    if (secure) proto = proto == PROTO_WS || proto == PROTO_WSS ? PROTO_WSS : PROTO_TLS;
  }
  const port = <i32>load<u16>(uri, URI_PORT);
  const ip = ipv4(host, hostEnd);
  if (ip != NO_ADDRESS) {
    if (!proto) proto = secure ? PROTO_TLS : PROTO_UDP;
    return numberOf(<u32>ip, port ? port : defaultPort(proto), proto);
  }
  say(<u32>host, <u32>(hostEnd - host), port, proto);
  store<u8>(RECORD + TG_SECURE, secure ? 1 : 0);
  return TG_NAME;
}

/** The target of the URI at [at, at + length). Reads up to SLACK bytes behind it. @returns as ofParsed(); TG_BAD_URI */
export function uriTarget(at: usize, length: i32): i32 {
  return parseUriAt(at, length, URI) ? TG_BAD_URI : ofParsed(at, URI);
}

/** The target of a request: of its destination URI where one is set, else of its request URI. @returns as uriTarget() */
export function msgTarget(msg: usize): i32 {
  const dst = <usize>load<u32>(msg + M_DSTURI);
  if (dst) return uriTarget(dst, load<i32>(msg + M_DSTURI + 4));
  const changed = <usize>load<u32>(msg + M_NEWURI);
  if (changed) return parseNewUri(msg) ? TG_BAD_URI : ofParsed(changed, msg + M_NURI);
  if (load<u8>(msg + M_KIND) != REQUEST || parseRuri(msg)) return TG_BAD_URI;
  return ofParsed(<usize>load<u32>(msg + M_BUF), msg + M_RURI);
}

/**
 * Where the answer to a request goes (RFC 3261 18.2.2, as Kamailio does it): its source address; of a datagram the source port when rport asks for it, else the
 * Via's; of a connection the Via's port, for when it is gone.
 * @returns as uriTarget(); TG_NAME: not an IPv4 address, and the record has it with its port and protocol
 */
export function answerTarget(msg: usize): i32 {
  let proto = <i32>load<u8>(msg + M_PROTO);
  if (<u32>(proto - PROTO_UDP) > <u32>(PROTO_WSS - PROTO_UDP)) proto = PROTO_UDP;
  let port = <i32>load<u16>(msg + M_VIA + VIA_PORT);
  const symmetric = load<u16>(msg + M_VIA + VIA_HAS_RPORT) || load<u32>(msg + M_MFLAGS) & MFL_FORCE_RPORT;
  if (proto == PROTO_UDP && symmetric) port = <i32>load<u16>(msg + M_SRCPORT);
  else if (!port) port = defaultPort(proto);
  const text = <usize>load<u32>(msg + M_SRCIP);
  const length = load<u32>(msg + M_SRCIP + 4);
  if (load<u8>(msg + M_AF) == AF_IPV4) {
    const ip = ipv4(text, text + <usize>length);
    if (ip != NO_ADDRESS) return numberOf(<u32>ip, port, proto);
  }
  say(<u32>text, length, port, proto);
  return TG_NAME;
}
