/**
 * KSR.is_myself and its kin: is an address one of ours? The runtime knows; answers are kept here by host, port and transport, because the same few addresses
 * come again and again and a question costs a call out of wasm and a string.
 */
import {
  M_BUF,
  M_DSTURI,
  M_FROM,
  M_PROTO,
  M_SRCIP,
  M_SRCPORT,
  M_TO,
  PROTO_SCTP,
  PROTO_TCP,
  PROTO_TLS,
  PROTO_UDP,
  PROTO_WS,
  PROTO_WSS,
  SCHEME_SIP,
  SCHEME_SIPS,
} from '../gen/layout.gen';
import { isMyself as askHost } from '../host/host';
import { byte, equalBytes, LOWER, lower4 } from '../mem/bytes';
import { MSG } from '../mem/state';
import { ADDR_URI, parseFrom, parseTo } from '../sip/name-addr';
import { nextParam, paramName, paramNameLength, paramValue, paramValueEnd } from '../sip/params';
import { parseUri, URI_HOST, URI_PARAMS, URI_PORT, URI_SCHEME } from '../sip/uri';
import { ruriArea, uriBase } from './value';

// A kept answer: 0 u8 length of the host, 0 none | 1 u8 transport | 2 u16 port | 4 u8 the answer | 8 host
const ENTRY_SHIFT: usize = 6;
const ENTRY_HOST: usize = 8;
const ENTRY_ANSWER: usize = 4;
const LONGEST_HOST: i32 = 56;
const ENTRIES: u32 = 256;
const KEPT: usize = memory.data(16384, 16);
/** parts of a URI that is looked at only here */
const PARTS: usize = memory.data(48, 16);
const HASH: u32 = 0x9e3779b1;

/** Forgets all answers: the runtime's addresses have changed. */
export function forgetMyself(): void {
  memory.fill(KEPT, 0, ENTRIES << (<u32>ENTRY_SHIFT));
}

/** Is this host ours? @param port 0 any @param proto PROTO_*, 0 any @returns 1 or 0 */
export function isOurs(at: usize, length: i32, port: i32, proto: i32): i32 {
  if (length <= 0) return 0;
  if (length > LONGEST_HOST) return askHost(at, length, port, proto);
  let h = <u32>(port + (proto << 16) + length);
  for (let i = 0; i < length; i++) h = (h ^ <u32>byte(at + i)) * HASH;
  const entry = KEPT + ((<usize>(h >> 24)) << ENTRY_SHIFT);
  const key = <u32>length | ((<u32>proto) << 8) | ((<u32>port) << 16);
  if (load<u32>(entry) == key && equalBytes(entry + ENTRY_HOST, at, length)) return <i32>load<u8>(entry + ENTRY_ANSWER);
  const answer = askHost(at, length, port, proto);
  store<u32>(entry, key);
  store<u8>(entry + ENTRY_ANSWER, answer);
  memory.copy(entry + ENTRY_HOST, at, <usize>length);
  return answer;
}

/** transport=... among URI parameters. @returns PROTO_*, 0 none or unknown */
export function uriTransport(base: usize, area: usize): i32 {
  const p = load<u32>(area + URI_PARAMS);
  let at = base + <usize>(p & 0xffff);
  const end = at + <usize>(p >> 16);
  while (at < end) {
    at = nextParam(at, end);
    if (!at) return 0;
    if (isTransport()) return transportId(paramValue, <i32>(paramValueEnd - paramValue));
    at++;
  }
  return 0;
}

/** whether nextParam() read "transport" */
function isTransport(): bool {
  const p = paramName;
  return (
    paramNameLength == 9 &&
    lower4(p) == 0x6e617274 && // tran
    lower4(p + 4) == 0x726f7073 && // spor
    (byte(p + 8) | LOWER) == 0x74
  );
}

/** @returns PROTO_* of a transport name in any case, 0 unknown */
export function transportId(at: usize, length: i32): i32 {
  let letters: u32 = 0;
  if (length > 4) return 0;
  for (let i = length - 1; i >= 0; i--) letters = (letters << 8) | <u32>(byte(at + i) | LOWER);
  // little-endian ASCII
  if (letters == 0x706475) return PROTO_UDP;
  if (letters == 0x706374) return PROTO_TCP;
  if (letters == 0x736c74) return PROTO_TLS;
  if (letters == 0x70746373) return PROTO_SCTP;
  if (letters == 0x7377) return PROTO_WS;
  if (letters == 0x737377) return PROTO_WSS;
  return 0;
}

/** whether the host, port and transport of a parsed sip or sips URI are ours */
export function areaIsOurs(base: usize, area: usize): i32 {
  const scheme = load<u16>(area + URI_SCHEME);
  if (scheme != SCHEME_SIP && scheme != SCHEME_SIPS) return 0;
  const host = load<u32>(area + URI_HOST);
  return isOurs(
    base + <usize>(host & 0xffff),
    <i32>(host >> 16),
    <i32>load<u16>(area + URI_PORT),
    uriTransport(base, area),
  );
}

/** whether the URI at [at, at + length) is ours */
export function uriIsOurs(at: usize, length: i32): i32 {
  return parseUri(at, at, at + length, PARTS) ? 0 : areaIsOurs(at, PARTS);
}

const SIP_COLON: u32 = 0x3a706973;
const SIPS: u32 = 0x73706973;
const COLON: i32 = 58;
const SHORTEST_URI: i32 = 5;

/**
 * Whether an address is ours: a sip or sips URI (host, port if there is one, transport if there is one), or a host alone.
 * @returns 1 or 0
 */
export function isMyself(at: usize, length: i32): i32 {
  if (length >= SHORTEST_URI) {
    const word = lower4(at);
    if (word == SIP_COLON || (word == SIPS && byte(at + 4) == COLON)) return uriIsOurs(at, length);
  }
  return isOurs(at, length, 0, 0);
}

/** Request URI. @returns 1 when ours */
export function isMyselfRuri(): i32 {
  const area = ruriArea(MSG);
  return area ? areaIsOurs(uriBase, area) : 0;
}

function addrIsOurs(area: usize): i32 {
  const p = load<u32>(area + ADDR_URI);
  return uriIsOurs(<usize>load<u32>(MSG + M_BUF) + <usize>(p & 0xffff), <i32>(p >> 16));
}

/** From URI. @returns 1 when ours */
export function isMyselfFuri(): i32 {
  return parseFrom(MSG) ? 0 : addrIsOurs(MSG + M_FROM);
}

/** To URI. @returns 1 when ours */
export function isMyselfTuri(): i32 {
  return parseTo(MSG) ? 0 : addrIsOurs(MSG + M_TO);
}

/** Destination URI. @returns 1 when set and ours */
export function isMyselfDuri(): i32 {
  const at = load<u32>(MSG + M_DSTURI);
  return at ? uriIsOurs(<usize>at, load<i32>(MSG + M_DSTURI + 4)) : 0;
}

/** Next hop: the destination URI if set, else the request URI. @returns 1 when ours */
export function isMyselfNhuri(): i32 {
  return load<u32>(MSG + M_DSTURI) ? isMyselfDuri() : isMyselfRuri();
}

/** Source address, port and transport. @returns 1 when ours */
export function isMyselfSuri(): i32 {
  return isOurs(
    <usize>load<u32>(MSG + M_SRCIP),
    load<i32>(MSG + M_SRCIP + 4),
    <i32>load<u16>(MSG + M_SRCPORT),
    <i32>load<u8>(MSG + M_PROTO),
  );
}

/** Source address, any port. @returns 1 when ours */
export function isMyselfSrcip(): i32 {
  return isOurs(<usize>load<u32>(MSG + M_SRCIP), load<i32>(MSG + M_SRCIP + 4), 0, 0);
}
