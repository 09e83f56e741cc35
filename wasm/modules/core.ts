/**
 * KSR.is_<METHOD>, is_method, is_method_in, is_<TRANSPORT>, is_proto, is_IPv4, is_IPv6, is_src_port: questions about the current message. A reply has the
 * method of its CSeq. Method names are compared case-sensitively (RFC 3261 7.1); in arguments of is_method any case will do.
 */
import {
  M_AF,
  M_BUF,
  M_CSEQ,
  M_KIND,
  M_METH,
  M_PROTO,
  M_SRCPORT,
  METHOD_ACK,
  METHOD_BYE,
  METHOD_CANCEL,
  METHOD_DELETE,
  METHOD_GET,
  METHOD_INFO,
  METHOD_INVITE,
  METHOD_KDMQ,
  METHOD_MESSAGE,
  METHOD_NOTIFY,
  METHOD_OPTIONS,
  METHOD_POST,
  METHOD_PRACK,
  METHOD_PUBLISH,
  METHOD_PUT,
  METHOD_REFER,
  METHOD_REGISTER,
  METHOD_SUBSCRIBE,
  METHOD_UPDATE,
  PROTO_SCTP,
  PROTO_TCP,
  PROTO_TLS,
  PROTO_UDP,
  PROTO_WS,
  PROTO_WSS,
} from '../gen/layout.gen';
import { byte, equalBytes, LOWER, lower, skipWs, trimEnd } from '../mem/bytes';
import { MSG } from '../mem/state';
import { CSEQ_METHOD, parseCseq } from '../sip/cseq';
import { methodId } from '../sip/method';
import { methodOf, REQUEST } from './value';

/** letters of is_method_in, by letter & 31: METHOD_*, 255 none. INFO has no letter in Kamailio either. */
const METHOD_LETTERS: usize = memory.data<u8>([
  255, 2, 4, 3, 19, 11, 13, 16, 255, 1, 255, 15, 255, 9, 8, 6, 14, 255, 5, 7, 17, 12, 18, 255, 255, 255, 255, 255, 255,
  255, 255, 255,
]);
/** letters of is_proto, by letter & 31: PROTO_* */
const PROTO_LETTERS: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 4, 2, 1, 6, 5, 255, 255,
  255, 255, 255, 255, 255, 255,
]);
const LETTER_A: i32 = 97;
const LETTERS: u32 = 26;
const BAR: i32 = 124;
const LONGEST_METHOD: i32 = 9;
const AF_IPV4: i32 = 4;
const AF_IPV6: i32 = 6;
/** a method name in upper case, for is_method */
const NAME: usize = memory.data(16, 16);

/** @returns 1 when the method is ACK */
export function isAck(): i32 {
  return <i32>(methodOf(MSG) == METHOD_ACK);
}

/** @returns 1 when the method is BYE */
export function isBye(): i32 {
  return <i32>(methodOf(MSG) == METHOD_BYE);
}

/** @returns 1 when the method is CANCEL */
export function isCancel(): i32 {
  return <i32>(methodOf(MSG) == METHOD_CANCEL);
}

/** @returns 1 when the method is DELETE */
export function isDelete(): i32 {
  return <i32>(methodOf(MSG) == METHOD_DELETE);
}

/** @returns 1 when the method is GET */
export function isGet(): i32 {
  return <i32>(methodOf(MSG) == METHOD_GET);
}

/** @returns 1 when the method is INFO */
export function isInfo(): i32 {
  return <i32>(methodOf(MSG) == METHOD_INFO);
}

/** @returns 1 when the method is INVITE */
export function isInvite(): i32 {
  return <i32>(methodOf(MSG) == METHOD_INVITE);
}

/** @returns 1 when the method is KDMQ */
export function isKdmq(): i32 {
  return <i32>(methodOf(MSG) == METHOD_KDMQ);
}

/** @returns 1 when the method is MESSAGE */
export function isMessage(): i32 {
  return <i32>(methodOf(MSG) == METHOD_MESSAGE);
}

/** @returns 1 when the method is NOTIFY */
export function isNotify(): i32 {
  return <i32>(methodOf(MSG) == METHOD_NOTIFY);
}

/** @returns 1 when the method is OPTIONS */
export function isOptions(): i32 {
  return <i32>(methodOf(MSG) == METHOD_OPTIONS);
}

/** @returns 1 when the method is POST */
export function isPost(): i32 {
  return <i32>(methodOf(MSG) == METHOD_POST);
}

/** @returns 1 when the method is PRACK */
export function isPrack(): i32 {
  return <i32>(methodOf(MSG) == METHOD_PRACK);
}

/** @returns 1 when the method is PUBLISH */
export function isPublish(): i32 {
  return <i32>(methodOf(MSG) == METHOD_PUBLISH);
}

/** @returns 1 when the method is PUT */
export function isPut(): i32 {
  return <i32>(methodOf(MSG) == METHOD_PUT);
}

/** @returns 1 when the method is REFER */
export function isRefer(): i32 {
  return <i32>(methodOf(MSG) == METHOD_REFER);
}

/** @returns 1 when the method is REGISTER */
export function isRegister(): i32 {
  return <i32>(methodOf(MSG) == METHOD_REGISTER);
}

/** @returns 1 when the method is SUBSCRIBE */
export function isSubscribe(): i32 {
  return <i32>(methodOf(MSG) == METHOD_SUBSCRIBE);
}

/** @returns 1 when the method is UPDATE */
export function isUpdate(): i32 {
  return <i32>(methodOf(MSG) == METHOD_UPDATE);
}

/**
 * Whether the method is one of the letters given; others are passed over.
 * @returns 1 or 0
 */
export function isMethodIn(at: usize, length: i32): i32 {
  const id = methodOf(MSG);
  if (!id) return 0;
  for (let i = 0; i < length; i++) {
    const letter = byte(at + i) | LOWER;
    if (<u32>(letter - LETTER_A) < LETTERS && byte(METHOD_LETTERS + (letter & 31)) == id) return 1;
  }
  return 0;
}

/** METHOD_* of a name in any case, 0 unknown */
function methodByName(at: usize, length: i32): i32 {
  if (<u32>(length - 1) >= <u32>LONGEST_METHOD) return 0;
  for (let i = 0; i < length; i++) {
    const c = lower(byte(at + i));
    store<u8>(NAME + i, <u32>(c - LETTER_A) < LETTERS ? c - LOWER : c);
  }
  return methodId(NAME, length);
}

/**
 * Whether the method is the one named, or in a list "INVITE|ACK|BYE" (blanks round the bars allowed).
 * @returns 1 or 0; 0 for a list with an unknown or empty name in it (an empty last one is allowed)
 */
export function isMethod(at: usize, length: i32): i32 {
  const id = methodOf(MSG);
  const end = at + length;
  let bar = at;
  while (bar < end && byte(bar) != BAR) bar++;
  if (bar == end) {
    const request = byte(MSG + M_KIND) == REQUEST;
    const p = load<u32>(request ? MSG + M_METH : MSG + M_CSEQ + CSEQ_METHOD);
    if (!length || (!request && parseCseq(MSG))) return 0;
    if (<i32>(p >> 16) == length && equalBytes(<usize>load<u32>(MSG + M_BUF) + <usize>(p & 0xffff), at, length))
      return 1;
    return <i32>(id != 0 && methodByName(at, length) == id);
  }
  let found = 0;
  while (at < end) {
    at = skipWs(at, end);
    let stop = at;
    while (stop < end && byte(stop) != BAR) stop++;
    const name = methodByName(at, <i32>(trimEnd(at, stop) - at));
    if (!name) return 0;
    if (name == id) found = 1;
    at = stop + 1;
  }
  return found;
}

/** @returns 1 when the method is one of those whose bits (1 << METHOD_*) are set */
export function isMethodOf(bits: i32): i32 {
  return (bits >> methodOf(MSG)) & 1;
}

/** whether the message came over one of the transports whose bits (1 << PROTO_*) are set */
function cameOver(bits: i32): i32 {
  return (bits >> <i32>load<u8>(MSG + M_PROTO)) & 1;
}

/** @returns 1 when the message came over UDP */
export function isUdp(): i32 {
  return <i32>(load<u8>(MSG + M_PROTO) == PROTO_UDP);
}

/** @returns 1 when the message came over TCP (not TLS) */
export function isTcp(): i32 {
  return <i32>(load<u8>(MSG + M_PROTO) == PROTO_TCP);
}

/** @returns 1 when the message came over TLS */
export function isTls(): i32 {
  return <i32>(load<u8>(MSG + M_PROTO) == PROTO_TLS);
}

/** @returns 1 when the message came over SCTP */
export function isSctp(): i32 {
  return <i32>(load<u8>(MSG + M_PROTO) == PROTO_SCTP);
}

/** @returns 1 when the message came over WebSocket */
export function isWs(): i32 {
  return <i32>(load<u8>(MSG + M_PROTO) == PROTO_WS);
}

/** @returns 1 when the message came over secure WebSocket */
export function isWss(): i32 {
  return <i32>(load<u8>(MSG + M_PROTO) == PROTO_WSS);
}

/** @returns 1 when the message came over a WebSocket, secure or not */
export function isWsx(): i32 {
  return cameOver((1 << PROTO_WS) | (1 << PROTO_WSS));
}

/** @returns 1 when the message came over a TCP connection: TCP, TLS, WebSocket */
export function isTcpx(): i32 {
  return cameOver((1 << PROTO_TCP) | (1 << PROTO_TLS) | (1 << PROTO_WS) | (1 << PROTO_WSS));
}

/**
 * Whether the transport is one of the letters given: U UDP, T TCP, E TLS, S SCTP, W WS, V WSS, in any case; others are passed over.
 * @returns 1 or 0
 */
export function isProto(at: usize, length: i32): i32 {
  const proto = <i32>load<u8>(MSG + M_PROTO);
  for (let i = 0; i < length; i++) {
    const letter = byte(at + i) | LOWER;
    if (<u32>(letter - LETTER_A) < LETTERS && byte(PROTO_LETTERS + (letter & 31)) == proto) return 1;
  }
  return 0;
}

/** @returns 1 when the message came over IPv4 */
export function isIpv4(): i32 {
  return <i32>(load<u8>(MSG + M_AF) == AF_IPV4);
}

/** @returns 1 when the message came over IPv6 */
export function isIpv6(): i32 {
  return <i32>(load<u8>(MSG + M_AF) == AF_IPV6);
}

/** @returns 1 when the source port is `port` */
export function isSrcPort(port: i32): i32 {
  return <i32>(<i32>load<u16>(MSG + M_SRCPORT) == port);
}
