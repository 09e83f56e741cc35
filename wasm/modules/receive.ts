/**
 * The way in of a received message, in one step: where it came from, its index and checks, and what is counted of it. TypeScript copies the bytes, and does what
 * the verdict says.
 */
import {
  M_AF,
  M_CONID,
  M_ID,
  M_KIND,
  M_METHOD,
  M_MFLAGS,
  M_RECVMS,
  M_SOCK,
  M_SRCIP,
  M_SRCPORT,
  M_SRCTEXT,
  METHOD_COUNT,
  MFL_CAN_DROP,
  MFL_FORCE_RPORT,
  RC_ACKS,
  RC_KEEPALIVES,
  RC_METHODS,
  RC_REPLIES,
  RC_REQUESTS,
  RX_ASK_OWNERS,
  RX_FORCE_RPORT,
  RX_SL_FILTER,
  ST_EMPTY,
  ST_NO_SLOT,
  ST_TOO_BIG,
  TAKE_NONE,
  TAKE_OWNER,
} from '../gen/layout.gen';
import { msgFree, msgLive } from '../mem/slots';
import { msgCheck } from '../sip/check';
import { msgIndex } from '../sip/header-index';
import { slIsOwnAck } from './sl';
import { REQUEST } from './value';

/** longest text of an address */
const TEXT_BYTES: usize = 64;
/** text of the address that messages come from, until TypeScript writes another one */
const SOURCE: usize = memory.data(64, 16);
/** f64 each: RC_*, then from RC_METHODS on requests by method id */
const COUNTS: usize = memory.data(384, 16);

let how: i32 = 0;
let most: i32 = 0;
/** number of the message that comes next: $mi of what is received */
let nextId: u32 = 1;

/** @returns address of the text of the source address: 64 bytes, without an end */
export function sourceArea(): usize {
  return SOURCE;
}

/** @returns address of the counters: f64 by RC_*, at RC_METHODS requests by method id */
export function receivedArea(): usize {
  return COUNTS;
}

/** Says how messages are taken. @param flags RX_* bits  @param limit messages alive above which no other is routed */
export function receiveSetup(flags: i32, limit: i32): void {
  how = flags;
  most = limit;
}

function count(which: i32): void {
  const at = COUNTS + ((<usize>which) << 3);
  store<f64>(at, load<f64>(at) + 1);
}

/**
 * Says where a message came from: the text in the source area, of `text` bytes at most 64.
 * @param port source port, and above it (<< 16) the index of the socket  @param kind PROTO_* of the socket, and above it (<< 8) 4 or 6
 * @param connection its id, 0 for a datagram  @param ms when it came
 */
export function msgDescribe(msg: usize, text: i32, port: u32, kind: i32, connection: u32, ms: f64): void {
  const to = msg + M_SRCTEXT;
  for (let i: usize = 0; i < TEXT_BYTES; i += 16) v128.store(to + i, v128.load(SOURCE + i));
  store<u32>(msg + M_SRCIP, <u32>to);
  store<u32>(msg + M_SRCIP + 4, min(<u32>text, <u32>TEXT_BYTES));
  store<u16>(msg + M_SRCPORT, port);
  // M_PROTO and M_AF
  store<u16>(msg + M_AF - 1, kind);
  store<u16>(msg + M_SOCK, port >> 16);
  store<u32>(msg + M_CONID, connection);
  store<u32>(msg + M_ID, nextId++);
  store<f64>(msg + M_RECVMS, ms);
}

/**
 * Takes a message whose bytes were just copied in: describes, indexes, checks and counts it.
 * @param tooLong not 0: the bytes are only the start of a message that is longer than the limit
 * @param text,port,kind,connection,ms as msgDescribe()
 * @returns TAKE_REQUEST, TAKE_REPLY: it is to be routed; TAKE_NONE: it is not (a keep-alive, an ACK to a reply of our own), and gone;
 * TAKE_OWNER: whose it is must be asked, then msgTaken() goes on; -ST_TOO_BIG longer than the limit, -ST_NO_SLOT too many are alive, or the -ST_* of
 * msgIndex() and msgCheck(): it is to be refused
 */
export function msgTake(msg: usize, tooLong: i32, text: i32, port: u32, kind: i32, connection: u32, ms: f64): i32 {
  msgDescribe(msg, text, port, kind, connection, ms);
  let status = msgIndex(msg);
  if (status == -ST_EMPTY) {
    count(RC_KEEPALIVES);
    msgFree(msg);
    return TAKE_NONE;
  }
  if (tooLong) return -ST_TOO_BIG;
  if (how & RX_FORCE_RPORT) store<u32>(msg + M_MFLAGS, load<u32>(msg + M_MFLAGS) | MFL_FORCE_RPORT);
  if (!status) status = msgCheck(msg);
  if (status) return status;
  if (msgLive() > most) return -ST_NO_SLOT;
  return how & RX_ASK_OWNERS ? TAKE_OWNER : msgTaken(msg);
}

/** The rest of msgTake(), for a message that stays here. @returns TAKE_REQUEST, TAKE_REPLY, TAKE_NONE */
export function msgTaken(msg: usize): i32 {
  const kind = load<u8>(msg + M_KIND);
  if (kind != REQUEST) {
    count(RC_REPLIES);
    store<u32>(msg + M_MFLAGS, load<u32>(msg + M_MFLAGS) | MFL_CAN_DROP);
    return kind;
  }
  count(RC_REQUESTS);
  count(RC_METHODS + min(<i32>load<u8>(msg + M_METHOD), METHOD_COUNT - 1));
  if (how & RX_SL_FILTER && slIsOwnAck(msg)) {
    count(RC_ACKS);
    msgFree(msg);
    return TAKE_NONE;
  }
  return kind;
}
