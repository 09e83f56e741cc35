/**
 * Record-Route (RFC 3261 16.6 step 4) is asked for while a request is routed and written when the request is sent: only then the socket that it leaves by is
 * known. What is asked for lies among the message's edits, as records that write nothing (E_LEN 0), so it stands in the right order among inserted headers,
 * and goes away with the edits of a branch. E_SRC of such an edit points to a note:
 *
 *   0 u32 kind: RR_SOCKETS, RR_ADDRESS, RR_LINES, or one of those below | 4 start | 12 second line's start | 20 params | 28 tail (spans)
 *
 * RR_SOCKETS writes the addresses of the sockets that the request came in and leaves by; RR_ADDRESS the one given, for both sides; RR_LINES two lines, or
 * one, as they are.
 */
import {
  E_KIND,
  E_LEN,
  E_SRC,
  EDIT_SIZE,
  EK_RECORD_ROUTE,
  M_EDITS,
  M_NEDITS,
  M_SOCK,
  PROTO_TCP,
  PROTO_TLS,
  PROTO_UDP,
  PROTO_WS,
  PROTO_WSS,
  RR_ADDRESS,
  RR_LINES,
  RR_SOCKETS,
  RRF_DOUBLE_ALWAYS,
  RRF_DOUBLE_AUTO,
  RRF_SOCKET_NAMES,
  SK_ADDRESS,
  SK_NAME,
  SK_PROTO,
  SK_SIZE,
  TEXT_R2,
  TEXT_R2_LEN,
  TEXT_SN,
  TEXT_SN_LEN,
  TEXT_TRANSPORT,
  TEXT_TRANSPORT_LEN,
} from '../gen/layout.gen';
import { arenaAlloc } from '../mem/arena';
import { put } from '../mem/bytes';
import { editAdd, headersStart } from './edits';

/** parameters for what is asked for, or will be: the start is their text */
const RR_PARAM: u32 = 0;
/** what was asked for before is taken back */
const RR_REMOVED: u32 = 1;

export const NOTE_START: usize = 4;
export const NOTE_SECOND: usize = 12;
export const NOTE_PARAMS: usize = 20;
export const NOTE_TAIL: usize = 28;
export const NOTE_SIZE: i32 = 40;
/** what a note of RR_PARAM takes */
const PARAM_SIZE: i32 = 16;
/** `>` CR LF */
const LINE_END: u32 = 0x0a0d3e;
const LINE_END_BYTES: u32 = 3;
/** names of transports in URIs: "tcp", "tls", "sctp", "ws" as little-endian words */
const TCP: u32 = 0x706374;
const TLS: u32 = 0x736c74;
const SCTP: u32 = 0x70746373;
const WS: u32 = 0x7377;
const UDP: u32 = 0x706475;
const LONGEST_NAME: u32 = 4;

/** SK_* records and their number */
export let sockets: usize = 0;
export let socketCount: i32 = 0;
/** RRF_* */
export let rrFlags: i32 = 0;

/**
 * The listening sockets by index, as routes name them. KEPT until the next call.
 * @param at SK_SIZE bytes each: proto, port and advertised port as u32, the last 0 when it is the port; spans of the address, the advertised one, what stands
 * in a URI (host and port, brackets, 5060 left out), the name
 * @returns what was given before, 0 nothing
 */
export function rrSockets(at: usize, count: i32): usize {
  const before = sockets;
  sockets = at;
  socketCount = count;
  return before;
}

/** @param flags RRF_* */
export function rrSetup(flags: i32): void {
  rrFlags = flags;
}

/** A note for an edit that writes nothing, at the first header. @returns 1, 0 when memory is full */
export function addNote(msg: usize, note: usize): i32 {
  return editAdd(msg, headersStart(msg), 0, note, 0, EK_RECORD_ROUTE) >= 0 ? 1 : 0;
}

/** Adds parameters to the Record-Route that is asked for, or will be. BORROWED: the text lives as long as the message. @returns 1, 0 memory is full */
export function rrParam(msg: usize, at: usize, length: i32): i32 {
  const note = arenaAlloc(msg, PARAM_SIZE);
  if (!note) return 0;
  store<u32>(note, RR_PARAM);
  span(note + NOTE_START, at, length);
  return addNote(msg, note);
}

/** Takes back what was asked for. @returns 1 also when nothing was; 0 memory is full */
export function rrDrop(msg: usize): i32 {
  if (!rrAsked(msg)) return 1;
  const note = arenaAlloc(msg, PARAM_SIZE);
  if (!note) return 0;
  store<u32>(note, RR_REMOVED);
  return addNote(msg, note);
}

/** Whether Record-Route is asked for. @returns the address of the edit that asks, 0 when none does */
export function rrAsked(msg: usize): usize {
  let found: usize = 0;
  let record = <usize>load<u32>(msg + M_EDITS);
  for (let n = <i32>load<u16>(msg + M_NEDITS); n > 0; n--, record += EDIT_SIZE) {
    if (load<u32>(record + E_KIND) != EK_RECORD_ROUTE) continue;
    const kind = load<u32>(<usize>load<u32>(record + E_SRC));
    if (kind == RR_REMOVED) found = 0;
    else if (kind != RR_PARAM) found = record;
  }
  return found;
}

export function span(to: usize, at: usize, length: i32): void {
  store<u32>(to, <u32>at);
  store<i32>(to + 4, length);
}

function putSpan(to: usize, from: usize): usize {
  return put(to, <usize>load<u32>(from), <usize>load<u32>(from + 4));
}

/** the edits of rrParam() in front of the one that asks, or behind it */
function putParams(msg: usize, to: usize, asks: usize, behind: bool): usize {
  const first = <usize>load<u32>(msg + M_EDITS);
  const end = behind ? first + <usize>(<i32>load<u16>(msg + M_NEDITS) * EDIT_SIZE) : asks;
  for (let record = behind ? asks + EDIT_SIZE : first; record < end; record += EDIT_SIZE) {
    if (load<u32>(record + E_KIND) != EK_RECORD_ROUTE) continue;
    const note = <usize>load<u32>(record + E_SRC);
    if (load<u32>(note) == RR_PARAM) to = putSpan(to, note + NOTE_START);
  }
  return to;
}

/** bytes of all that rrParam() added */
function paramBytes(msg: usize): u32 {
  let bytes: u32 = 0;
  let record = <usize>load<u32>(msg + M_EDITS);
  for (let n = <i32>load<u16>(msg + M_NEDITS); n > 0; n--, record += EDIT_SIZE) {
    if (load<u32>(record + E_KIND) != EK_RECORD_ROUTE) continue;
    const note = <usize>load<u32>(record + E_SRC);
    if (load<u32>(note) == RR_PARAM) bytes += load<u32>(note + NOTE_START + 4);
  }
  return bytes;
}

/** RFC 7118 5.2.3: there is one transport for WebSockets, secure or not. */
function transportOf(socket: usize): u32 {
  const proto = load<i32>(socket + SK_PROTO);
  return proto == PROTO_WSS ? PROTO_WS : proto;
}

function putTransport(to: usize, proto: i32): usize {
  to = put(to, TEXT_TRANSPORT, TEXT_TRANSPORT_LEN);
  const word = proto == PROTO_UDP ? UDP : proto == PROTO_TCP ? TCP : proto == PROTO_TLS ? TLS : proto == PROTO_WS ? WS : SCTP;
  store<u32>(to, word);
  return to + (proto == PROTO_WS ? 2 : word == SCTP ? 4 : 3);
}

/** `host:port;sn=name;transport=tcp` of a socket; UDP and port 5060 are left out, as they are what a URI means without them */
function putSocket(to: usize, socket: usize): usize {
  to = putSpan(to, socket + SK_ADDRESS);
  if (rrFlags & RRF_SOCKET_NAMES && load<u32>(socket + SK_NAME + 4)) {
    to = put(to, TEXT_SN, TEXT_SN_LEN);
    to = putSpan(to, socket + SK_NAME);
  }
  const proto = transportOf(socket);
  return proto == PROTO_UDP ? to : putTransport(to, proto);
}

/** what putSocket() writes at most */
function socketBytes(socket: usize): u32 {
  return (
    load<u32>(socket + SK_ADDRESS + 4) +
    TEXT_SN_LEN +
    load<u32>(socket + SK_NAME + 4) +
    TEXT_TRANSPORT_LEN +
    LONGEST_NAME
  );
}

/** the end of a line */
function putRest(msg: usize, to: usize, asks: usize, note: usize): usize {
  to = putSpan(to, note + NOTE_PARAMS);
  // what the caller gives as an address has its parameters in front of lr; behind the address of a socket lr comes first
  const tailLast = load<u32>(note) == RR_LINES;
  if (!tailLast) to = putSpan(to, note + NOTE_TAIL);
  to = putParams(msg, to, asks, false);
  if (tailLast) to = putSpan(to, note + NOTE_TAIL);
  to = putParams(msg, to, asks, true);
  store<u32>(to, LINE_END);
  return to + LINE_END_BYTES;
}

/** one line of RR_SOCKETS or RR_ADDRESS. @param side the socket that it names @param crosses whether it names its transport, for RR_ADDRESS */
function putLine(msg: usize, to: usize, asks: usize, note: usize, side: usize, crosses: bool, two: bool): usize {
  to = putSpan(to, note + NOTE_START);
  if (load<u32>(note) == RR_SOCKETS) to = putSocket(to, side);
  else if (crosses) to = putTransport(to, transportOf(side));
  if (two) to = put(to, TEXT_R2, TEXT_R2_LEN);
  return putRest(msg, to, asks, note);
}

/**
 * Gives the edit that asks for Record-Route its lines, for one write.
 * @param asks what rrAsked() says @param leaves index + 1 of the socket that the request leaves by
 * @returns 1; 0 when the message's memory is full, or a socket is not known
 */
export function lendLines(msg: usize, asks: usize, leaves: i32): i32 {
  const note = <usize>load<u32>(asks + E_SRC);
  const kind = load<u32>(note);
  const rest = load<u32>(note + NOTE_PARAMS + 4) + load<u32>(note + NOTE_TAIL + 4) + paramBytes(msg) + LINE_END_BYTES;
  const start = load<u32>(note + NOTE_START + 4);
  if (kind == RR_LINES) {
    const second = load<u32>(note + NOTE_SECOND + 4);
    const at = arenaAlloc(msg, <i32>(start + rest + (second ? second + rest : 0)));
    if (!at) return 0;
    let to = putRest(msg, putSpan(at, note + NOTE_START), asks, note);
    if (second) to = putRest(msg, putSpan(to, note + NOTE_SECOND), asks, note);
    span(asks + E_SRC, at, <i32>(to - at));
    return 1;
  }
  const in_ = <i32>load<u16>(msg + M_SOCK);
  if (in_ >= socketCount || leaves > socketCount) return 0;
  const came = sockets + <usize>(in_ * SK_SIZE);
  const left = sockets + <usize>((leaves - 1) * SK_SIZE);
  const crosses = kind == RR_ADDRESS && transportOf(came) != transportOf(left);
  const differ = kind == RR_ADDRESS ? crosses : came != left;
  const two = (rrFlags & RRF_DOUBLE_ALWAYS) != 0 || ((rrFlags & RRF_DOUBLE_AUTO) != 0 && differ);
  // with two lines both name a transport
  const named = crosses || two;
  let bytes = start + rest + TEXT_R2_LEN + socketBytes(came);
  if (two) bytes += start + rest + TEXT_R2_LEN + socketBytes(left);
  const at = arenaAlloc(msg, <i32>bytes);
  if (!at) return 0;
  let to = at;
  if (two) to = putLine(msg, to, asks, note, left, named, true);
  to = putLine(msg, to, asks, note, came, named, two);
  span(asks + E_SRC, at, <i32>(to - at));
  return 1;
}

/** Takes the lines away from the edit again. @param note what E_SRC was before */
export function takeLines(asks: usize, note: u32): void {
  store<u32>(asks + E_SRC, note);
  store<u32>(asks + E_LEN, 0);
}
