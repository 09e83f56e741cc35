/**
 * Record-Route (RFC 3261 16.6 step 4) is asked for while a request is routed and written when the request is sent: only then the socket that it leaves by is
 * known. What is asked for lies among the message's edits, as records that write nothing (E_LEN 0) and point to what was asked, so it stands in the right order
 * among inserted headers, and goes away with the edits of a branch.
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
  RR_ADDRESS,
  RR_ALWAYS,
  RR_ASK,
  RR_LINES,
  RR_NEVER,
  RR_PARAM,
  RR_REMOVED,
  ST_NO_MEMORY,
} from '../gen/layout.gen';
import { arenaAlloc } from '../mem/arena';
import { equalBytes } from '../mem/bytes';
import { editAdd, headersStart } from './edits';

// What is asked for: 0 u8 RR_ASK, RR_PARAM, RR_REMOVED | 1 u8 RR_SOCKETS, RR_ADDRESS, RR_LINES | 2 u8 RR_NEVER, RR_AUTO, RR_ALWAYS | 3 u8 1: with the names
// of sockets | bytes, u32 each: 4 of the first line's start, 8 of the second's, 12 of the parameters, 16 of those behind them | 20 these texts
const ASK_KIND: usize = 1;
const ASK_DOUBLE: usize = 2;
const ASK_NAMES: usize = 3;
const ASK_START: usize = 4;
const ASK_SECOND: usize = 8;
const ASK_PARAMS: usize = 12;
const ASK_TAIL: usize = 16;
const ASK_TEXT: usize = 20;

// A socket: addresses and lengths, u32 each, of its place in a URI (0), of that with its name (8), and of its transport (16)
const SOCKET_BYTES: usize = 24;
const PLAIN: usize = 0;
const NAMED: usize = 8;
const TRANSPORT: usize = 16;
let sockets: usize = 0;
let socketCount: i32 = 0;

const R2: usize = memory.data<u8>([0x3b, 0x72, 0x32, 0x3d, 0x6f, 0x6e]); // ;r2=on
const TRANSPORT_PARAM: usize = memory.data<u8>([
  0x3b,
  0x74,
  0x72,
  0x61,
  0x6e,
  0x73,
  0x70,
  0x6f,
  0x72,
  0x74,
  0x3d, // ;transport=
]);
const END: usize = memory.data<u8>([0x3e, 0x0d, 0x0a]); // >CRLF

/** Tells what the sockets are called. BORROWED as long as messages are written. @param at `count` records of 24 bytes, by index of the socket */
export function rrSockets(at: usize, count: i32): void {
  sockets = at;
  socketCount = count;
}

/** the edit that asks, 0 when none does; its place among the edits */
let asking: usize = 0;
let askingPlace: i32 = 0;

function find(msg: usize): void {
  asking = 0;
  let record = <usize>load<u32>(msg + M_EDITS);
  for (let i = 0, n = <i32>load<u16>(msg + M_NEDITS); i < n; i++, record += EDIT_SIZE) {
    if (load<u32>(record + E_KIND) != EK_RECORD_ROUTE) continue;
    const what = load<u8>(load<u32>(record + E_SRC));
    if (what == RR_REMOVED) asking = 0;
    else if (what == RR_ASK) {
      asking = record;
      askingPlace = i;
    }
  }
}

/** @returns 1 when Record-Route is asked for, else 0 */
export function rrAsked(msg: usize): i32 {
  find(msg);
  return asking ? 1 : 0;
}

/**
 * Asks for Record-Route, adds parameters to the one that is or will be asked for, or takes it back.
 * @param what RR_ASK, RR_PARAM or RR_REMOVED; above it (<< 8) RR_SOCKETS, RR_ADDRESS or RR_LINES, (<< 16) RR_NEVER, RR_AUTO or RR_ALWAYS, (<< 24) 1 for names
 * @param start,second,params,tail bytes of the texts, 0..1048576; parameters of RR_PARAM are `params`
 * @returns where the caller puts them, one behind the other; 0 when it is asked for already, or the message's memory is full
 */
export function rrKeep(msg: usize, what: u32, start: i32, second: i32, params: i32, tail: i32): usize {
  if ((what & 0xff) == RR_ASK && rrAsked(msg)) return 0;
  const at = arenaAlloc(msg, <i32>ASK_TEXT + start + second + params + tail);
  if (!at || editAdd(msg, headersStart(msg), 0, at, 0, EK_RECORD_ROUTE) < 0) return 0;
  store<u32>(at, what);
  store<u32>(at + ASK_START, start);
  store<u32>(at + ASK_SECOND, second);
  store<u32>(at + ASK_PARAMS, params);
  store<u32>(at + ASK_TAIL, tail);
  return at + ASK_TEXT;
}

/** where the lines go, 0 while they are only measured */
let to: usize = 0;
let length: i32 = 0;

function emit(at: usize, n: u32): void {
  if (to) memory.copy(to + <usize>length, at, n);
  length += n;
}

function socketAt(index: i32): usize {
  return sockets + <usize>min(index, socketCount - 1) * SOCKET_BYTES;
}

function emitText(pair: usize): void {
  emit(<usize>load<u32>(pair), load<u32>(pair + 4));
}

function emitTransport(socket: usize): void {
  emit(TRANSPORT_PARAM, 11);
  emitText(socket + TRANSPORT);
}

/** Parameters that were added in front of the place that asks (side < 0), or behind it. */
function emitAdded(msg: usize, side: i32): void {
  let record = <usize>load<u32>(msg + M_EDITS);
  for (let i = 0, n = <i32>load<u16>(msg + M_NEDITS); i < n; i++, record += EDIT_SIZE) {
    if (load<u32>(record + E_KIND) != EK_RECORD_ROUTE || (side < 0 ? i > askingPlace : i < askingPlace)) continue;
    const at = <usize>load<u32>(record + E_SRC);
    if (load<u8>(at) == RR_PARAM) emit(at + ASK_TEXT, load<u32>(at + ASK_PARAMS));
  }
}

/** what stands behind the address of each line */
function emitRest(msg: usize, ask: usize): void {
  const params = ask + ASK_TEXT + <usize>load<u32>(ask + ASK_START) + <usize>load<u32>(ask + ASK_SECOND);
  const tail = params + <usize>load<u32>(ask + ASK_PARAMS);
  emit(params, load<u32>(ask + ASK_PARAMS));
  // given lines have what was added in front of their lr
  if (load<u8>(ask + ASK_KIND) == RR_LINES) emitAdded(msg, -1);
  emit(tail, load<u32>(ask + ASK_TAIL));
  if (load<u8>(ask + ASK_KIND) != RR_LINES) emitAdded(msg, -1);
  emitAdded(msg, 1);
  emit(END, 3);
}

function emitStart(ask: usize): void {
  emit(ask + ASK_TEXT, load<u32>(ask + ASK_START));
}

function emitSocket(msg: usize, ask: usize, socket: usize, double: bool): void {
  emitStart(ask);
  emitText(socket + (load<u8>(ask + ASK_NAMES) ? NAMED : PLAIN));
  if (double) emit(R2, 6);
  emitRest(msg, ask);
}

function emitAddress(msg: usize, ask: usize, socket: usize): void {
  emitStart(ask);
  emitTransport(socket);
  emit(R2, 6);
  emitRest(msg, ask);
}

function emitLines(msg: usize, ask: usize, came: i32, leaves: i32): void {
  length = 0;
  const kind = load<u8>(ask + ASK_KIND);
  const double = load<u8>(ask + ASK_DOUBLE);
  if (kind == RR_LINES) {
    emitStart(ask);
    emitRest(msg, ask);
    const second = load<u32>(ask + ASK_SECOND);
    if (!second) return;
    emit(ask + ASK_TEXT + <usize>load<u32>(ask + ASK_START), second);
    emitRest(msg, ask);
    return;
  }
  const from = socketAt(came);
  const by = socketAt(leaves);
  if (kind == RR_ADDRESS) {
    const one = load<u32>(from + TRANSPORT + 4);
    const crosses =
      one != load<u32>(by + TRANSPORT + 4) ||
      !equalBytes(<usize>load<u32>(from + TRANSPORT), <usize>load<u32>(by + TRANSPORT), <i32>one);
    if (double == RR_NEVER || (!crosses && double != RR_ALWAYS)) {
      emitStart(ask);
      if (crosses) emitTransport(from);
      emitRest(msg, ask);
      return;
    }
    emitAddress(msg, ask, by);
    emitAddress(msg, ask, from);
    return;
  }
  if (double == RR_NEVER || (came == leaves && double != RR_ALWAYS)) {
    emitSocket(msg, ask, from, false);
    return;
  }
  emitSocket(msg, ask, by, true);
  emitSocket(msg, ask, from, true);
}

let opened: usize = 0;

/**
 * Puts the lines that were asked for in the place of the edit that asks, until closeRecordRoute().
 * @param leaves index of the socket that the request leaves by  @returns 0; -ST_NO_MEMORY
 */
export function openRecordRoute(msg: usize, leaves: i32): i32 {
  find(msg);
  if (!asking || !socketCount) return 0;
  const ask = <usize>load<u32>(asking + E_SRC);
  const came = <i32>load<u16>(msg + M_SOCK);
  to = 0;
  emitLines(msg, ask, came, leaves);
  to = arenaAlloc(msg, length);
  if (!to) return -ST_NO_MEMORY;
  emitLines(msg, ask, came, leaves);
  opened = ask;
  store<u32>(asking + E_SRC, <u32>to);
  store<u32>(asking + E_LEN, length);
  return 0;
}

export function closeRecordRoute(): void {
  if (!opened) return;
  store<u32>(asking + E_SRC, <u32>opened);
  store<u32>(asking + E_LEN, 0);
  opened = 0;
}
