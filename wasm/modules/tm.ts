/**
 * What tm needs of the core: the table that finds a transaction, our branches, the requests that a client transaction makes of its INVITE (ACK, CANCEL), and
 * the blocks that keep what may have to be sent again. Transactions have numbers from 1; what they are is src/modules/tm.
 * Above 500 lines: all of it works on one table and one secret, which nobody else may touch.
 */
import {
  D_TMKEY,
  H_BODY,
  H_ID,
  H_NEXT,
  HDR_CALL_ID,
  HDR_CONTENT_LENGTH,
  HDR_CSEQ,
  HDR_FROM,
  HDR_MAX_FORWARDS,
  HDR_ROUTE,
  HDR_SIZE,
  HDR_TO,
  HDR_VIA,
  M_BUF,
  M_CONID,
  M_CSEQ,
  M_DONE,
  M_FROM,
  M_HANDLE,
  M_METH,
  M_METHOD,
  M_MFLAGS,
  M_NHDR,
  M_URI,
  M_VIA,
  METHOD_ACK,
  METHOD_CANCEL,
  METHOD_INVITE,
  MFL_ADD_LOCAL_RPORT,
  MFL_FINAL_REPLY,
  SLACK,
  ST_NO_MEMORY,
  TEXT_CONTENT_LENGTH,
  TEXT_CONTENT_LENGTH_LEN,
  TEXT_HEX,
} from '../gen/layout.gen';
import { sipHash } from '../hash/siphash';

import { free, malloc } from '../lua/lua';
import {
  byte,
  COLON,
  COMMA,
  CRLF,
  DIGIT_0,
  DOT,
  find1,
  HTAB,
  LF,
  lower,
  put,
  putDecimal,
  SP,
  skipWs,
} from '../mem/bytes';
import { OUT_BYTES, outArea, outRoom } from '../mem/out';

import { CSEQ_METHOD_ID, parseCseq } from '../sip/cseq';
import { msgReplyForward } from '../sip/forward';
import { headerAt, headerById } from '../sip/header-index';
import { ADDR_TAG, parseFrom } from '../sip/name-addr';
import { replyBuildStateful } from '../sip/reply';
import { parseTopVia, VIA_BRANCH, VIA_END, VIA_HOST, VIA_PARAMS, VIA_PORT } from '../sip/via';
import { headerIdOf } from './hdr';

const SEED: usize = memory.data(16, 16);
const SEED_BYTES: i32 = 16;
/** "z9hG4bK" */
const COOKIE: usize = memory.data<u8>([122, 57, 104, 71, 52, 98, 75, 0]);
const COOKIE_BYTES: i32 = 7;

// ---- matching

/** METHOD_* are below this */
const METHOD_COUNT: i32 = 16;

/** what is hashed */
const INPUT: usize = memory.data(1024, 16);
/** a part longer than this goes into the hash as its own hash */
const MAX_PART: i32 = 128;
const HASH_BYTES: usize = 8;

/** tmSetup() bits */
const MATCH_RURI: i32 = 2;
const MATCH_VIA: i32 = 4;
const MATCH_CALL_ID_CSEQ: i32 = 8;
let matching: i32 = MATCH_RURI | MATCH_VIA;

/** number of this worker among those that share the secret: our branches say it */
let worker: u32 = 0;

/**
 * Sets the secret of our branches and of the table's keys, and how requests are matched.
 * @param at 16 bytes, COPIED @param bits MATCH_* @param own number of this worker, 0..255
 */
export function tmSetup(at: usize, bits: i32, own: i32): void {
  memory.copy(SEED, at, SEED_BYTES);
  matching = bits;
  worker = <u32>own;
  lastHandle = 0;
}

function addBytes(to: usize, at: usize, length: i32): usize {
  store<u16>(to, <u16>length);
  if (length <= MAX_PART) return put(to + 2, at, length);
  store<u64>(to + 2, sipHash(SEED, at, length));
  return to + 2 + HASH_BYTES;
}

function addPair(to: usize, buf: usize, part: usize): usize {
  return addBytes(to, buf + <usize>load<u16>(part), <i32>load<u16>(part + 2));
}

/** host names compare in any case */
function addHost(to: usize, buf: usize, part: usize): usize {
  const end = addPair(to, buf, part);
  for (let p = to + 2; p < end; p++) store<u8>(p, lower(byte(p)));
  return end;
}

function addHeader(to: usize, msg: usize, buf: usize, id: i32): usize {
  const h = headerById(msg, id);
  return h ? addPair(to, buf, h + H_BODY) : to;
}

function addCseq(to: usize, msg: usize): usize {
  store<u32>(to, parseCseq(msg) ? 0 : load<u32>(msg + M_CSEQ));
  return to + 4;
}

function hasCookie(at: usize, length: i32): bool {
  if (length <= COOKIE_BYTES) return false;
  for (let i = 0; i < COOKIE_BYTES; i++) if (load<u8>(at + i) != load<u8>(COOKIE + i)) return false;
  return true;
}

// the key asked for last: a request is looked for by t_check_trans(), then by t_relay(), then put into the table
let lastHandle: u32 = 0;
let lastMethod: i32 = 0;
let lastKey: u64 = 0;

/**
 * The key of the server transaction that a request belongs to (RFC 3261 17.2.3). It is a keyed hash: nobody can make two requests fall together, and by chance
 * it does not happen.
 * @param method METHOD_* as which it is looked up: ACK and CANCEL ask for INVITE
 */
function keyOf(msg: usize, method: i32): u64 {
  const handle = load<u32>(msg + M_HANDLE);
  // who changes the message's bytes indexes it again, which takes the bit away
  if (handle == lastHandle && method == lastMethod && load<u32>(msg + M_DONE) & D_TMKEY) return lastKey;
  lastKey = makeKey(msg, method);
  lastHandle = handle;
  lastMethod = method;
  store<u32>(msg + M_DONE, load<u32>(msg + M_DONE) | D_TMKEY);
  return lastKey;
}

function makeKey(msg: usize, method: i32): u64 {
  const buf = <usize>load<u32>(msg + M_BUF);
  store<u32>(INPUT, <u32>method);
  let to = INPUT + 4;
  if (!method) to = addPair(to, buf, msg + M_METH);
  if (matching & MATCH_CALL_ID_CSEQ) {
    to = addCseq(addHeader(to, msg, buf, HDR_CALL_ID), msg);
    return finishKey(to);
  }
  if (parseTopVia(msg)) return 0;
  const via = msg + M_VIA;
  const branch = buf + <usize>load<u16>(via + VIA_BRANCH);
  const branchLength = <i32>load<u16>(via + VIA_BRANCH + 2);
  if (hasCookie(branch, branchLength)) {
    store<u16>(to, load<u16>(via + VIA_PORT));
    to = addBytes(addHost(to + 2, buf, via + VIA_HOST), branch, branchLength);
    // what is the same in an ACK and a CANCEL too (RFC 3261 9.1, 17.1.1.3): one that has another belongs to nothing
    to = addCseq(addHeader(to, msg, buf, HDR_CALL_ID), msg);
    return finishKey(to);
  }
  // RFC 2543: what identifies the request. The To tag is left out: the ACK has that of the answer.
  store<u8>(to, 1);
  to = addCseq(addHeader(to + 1, msg, buf, HDR_CALL_ID), msg);
  if (!parseFrom(msg)) to = addPair(to, buf, msg + M_FROM + ADDR_TAG);
  if (matching & MATCH_RURI) to = addPair(to, buf, msg + M_URI);
  if (matching & MATCH_VIA) {
    store<u16>(to, load<u16>(via + VIA_PORT));
    to = addPair(addHost(to + 2, buf, via + VIA_HOST), buf, via + VIA_PARAMS);
  }
  return finishKey(to);
}

function finishKey(to: usize): u64 {
  const key = sipHash(SEED, INPUT, <i32>(to - INPUT));
  return key ? key : 1;
}

/** Key of what an ACK to a 2xx has in common with its INVITE: Call-ID, CSeq number, From tag. */
function dialogKey(msg: usize): u64 {
  const buf = <usize>load<u32>(msg + M_BUF);
  store<u32>(INPUT, 0xffffffff);
  let to = addCseq(addHeader(INPUT + 4, msg, buf, HDR_CALL_ID), msg);
  if (!parseFrom(msg)) to = addPair(to, buf, msg + M_FROM + ADDR_TAG);
  return finishKey(to);
}

// ---- the table: open addressing, linear probing; a record is u64 key (0 free), u32 number

const RECORD_SHIFT: usize = 4;
const NUMBER: usize = 8;
const FIRST_RECORDS: u32 = 256;
/** keys by transaction number, so that it can be taken out: u64 request, u64 dialog; 0 not in */
const KEYS_SHIFT: usize = 4;
let records: usize = 0;
let mask: u32 = 0;
let inTable: u32 = 0;
let keys: usize = 0;
let keysRoom: u32 = 0;
/** transactions that ACKs to a 2xx find: mostly none, and such an ACK need not be looked for */
let dialogs: i32 = 0;

function recordAt(index: u32): usize {
  return records + ((<usize>index) << RECORD_SHIFT);
}

function place(key: u64, number: u32): void {
  let i = <u32>key & mask;
  while (load<u64>(recordAt(i))) i = (i + 1) & mask;
  store<u64>(recordAt(i), key);
  store<u32>(recordAt(i) + NUMBER, number);
}

function grow(): bool {
  const old = records;
  const oldSize = records ? mask + 1 : 0;
  const size = oldSize ? oldSize * 2 : FIRST_RECORDS;
  const bytes = (<usize>size) << RECORD_SHIFT;
  const at = malloc(bytes);
  if (!at) return false;
  memory.fill(at, 0, bytes);
  records = at;
  mask = size - 1;
  for (let i: u32 = 0; i < oldSize; i++) {
    const record = old + ((<usize>i) << RECORD_SHIFT);
    if (load<u64>(record)) place(load<u64>(record), load<u32>(record + NUMBER));
  }
  if (old) free(old);
  return true;
}

function lookup(key: u64): i32 {
  if (!records || !key) return 0;
  for (let i = <u32>key & mask; load<u64>(recordAt(i)); i = (i + 1) & mask)
    if (load<u64>(recordAt(i)) == key) return load<i32>(recordAt(i) + NUMBER);
  return 0;
}

/** Takes (key, number) out and closes the gap. */
function takeOut(key: u64, number: u32): void {
  let i = <u32>key & mask;
  for (; ; i = (i + 1) & mask) {
    const k = load<u64>(recordAt(i));
    if (!k) return;
    if (k == key && load<u32>(recordAt(i) + NUMBER) == number) break;
  }
  inTable--;
  let gap = i;
  for (let j = (i + 1) & mask; ; j = (j + 1) & mask) {
    const k = load<u64>(recordAt(j));
    if (!k) break;
    const home = <u32>k & mask;
    // may move only when its home is not behind the gap
    if (((j - home) & mask) < ((j - gap) & mask)) continue;
    store<u64>(recordAt(gap), k);
    store<u32>(recordAt(gap) + NUMBER, load<u32>(recordAt(j) + NUMBER));
    gap = j;
  }
  store<u64>(recordAt(gap), 0);
}

function keysOf(number: u32): usize {
  return keys + ((<usize>number) << KEYS_SHIFT);
}

function insert(number: u32, offset: usize, key: u64): i32 {
  if (!key) return 0;
  if (number >= keysRoom) {
    const room = max(keysRoom * 2, max(number + 1, FIRST_RECORDS));
    const at = malloc((<usize>room) << KEYS_SHIFT);
    if (!at) return 0;
    memory.fill(at, 0, (<usize>room) << KEYS_SHIFT);
    memory.copy(at, keys, (<usize>keysRoom) << KEYS_SHIFT);
    if (keys) free(keys);
    keys = at;
    keysRoom = room;
  }
  if ((!records || inTable * 2 > mask) && !grow()) return 0;
  place(key, number);
  inTable++;
  store<u64>(keysOf(number) + offset, key);
  return 1;
}

/** @returns number of the transaction that this request belongs to: an ACK to its INVITE; 0 none */
export function tmFind(msg: usize): i32 {
  const method = <i32>load<u8>(msg + M_METHOD);
  return lookup(keyOf(msg, method == METHOD_ACK ? METHOD_INVITE : method));
}

/** @returns number of the transaction that a CANCEL is about, which should be an INVITE's; 0 none */
export function tmFindCanceled(msg: usize): i32 {
  let number = lookup(keyOf(msg, METHOD_INVITE));
  // a CANCEL of another method changes nothing, but is answered (RFC 3261 9.2)
  for (let method = METHOD_CANCEL + 1; !number && method < METHOD_COUNT; method++) number = lookup(keyOf(msg, method));
  return number;
}

/** @returns number of the INVITE transaction whose 2xx this ACK acknowledges; 0 none */
export function tmFindDialog(msg: usize): i32 {
  return dialogs ? lookup(dialogKey(msg)) : 0;
}

/** Puts a request's transaction into the table. @returns 1; 0 when memory is full or the request cannot be matched */
export function tmInsert(msg: usize, number: i32): i32 {
  return insert(number, 0, keyOf(msg, <i32>load<u8>(msg + M_METHOD)));
}

/** Lets ACKs to a 2xx find the transaction of this INVITE. @returns 1; 0 when memory is full */
export function tmInsertDialog(msg: usize, number: i32): i32 {
  const done = insert(number, 8, dialogKey(msg));
  dialogs += done;
  return done;
}

/** Takes a transaction out of the table. */
export function tmRemove(number: i32): void {
  if (<u32>number >= keysRoom) return;
  const at = keysOf(number);
  if (load<u64>(at)) takeOut(load<u64>(at), number);
  if (load<u64>(at, 8)) {
    takeOut(load<u64>(at, 8), number);
    dialogs--;
  }
  store<u64>(at, 0);
  store<u64>(at, 0, 8);
}

/** @returns records in the table: 0 when no transaction is left */
export function tmTable(): i32 {
  return inTable;
}

/** address of a key that was asked for */
const KEY: usize = memory.data(16, 16);

/**
 * The key that a request's transaction has in every worker with our secret.
 * @returns address of its u64, BORROWED until the next call; 0 when the request cannot be matched
 */
export function tmRequestKey(msg: usize): usize {
  const method = <i32>load<u8>(msg + M_METHOD);
  return keyAt(keyOf(msg, method == METHOD_ACK || method == METHOD_CANCEL ? METHOD_INVITE : method));
}

/** Likewise, the key by which an ACK to a 2xx of our own finds its INVITE. */
export function tmDialogKey(msg: usize): usize {
  return keyAt(dialogKey(msg));
}

/** Key of a transaction by its number. @param dialog 1 that for ACKs to a 2xx of our own @returns as tmRequestKey() */
export function tmKeyOf(number: i32, dialog: i32): usize {
  return <u32>number < keysRoom ? keyAt(load<u64>(keysOf(number) + ((<usize>dialog) << 3))) : 0;
}

function keyAt(key: u64): usize {
  store<u64>(KEY, key);
  return key ? KEY : 0;
}

// ---- our branches: z9hG4bK hhhh . wwnnnnnn llllllll mmmmmmmmmmmmmmmm . b (worker, number, label, code that proves that we made it, branch), all hex

const NUMBER_BITS: u32 = 24;
const NUMBER_MASK: u32 = (1 << NUMBER_BITS) - 1;

const BRANCH_HEX: i32 = 32;
const HASH_HEX: i32 = 4;
/** u32 each: what tmMatchReply() found: label | branch | METHOD_* of the reply's CSeq | 1 when it has a Via below ours; what tmAnswer() and tmRelay() kept: block */
const FOUND: usize = memory.data(32, 16);
const FOUND_BRANCH: usize = 4;
const FOUND_METHOD: usize = 8;
const FOUND_NEXT_VIA: usize = 12;
const FOUND_BLOCK: usize = 16;
const PROOF_INPUT: usize = memory.data(32, 16);

function putHex(at: usize, value: u64, digits: i32): usize {
  for (let i = 0; i < digits; i++)
    store<u8>(at + i, load<u8>(TEXT_HEX + <usize>((value >> ((<u64>(digits - 1 - i)) << 2)) & 15)));
  return at + digits;
}

/** Reads lower-case hex digits. @returns -1 when there is another byte */
function hex(at: usize, digits: i32): i64 {
  let value: i64 = 0;
  for (let i = 0; i < digits; i++) {
    const c = byte(at + i);
    const digit = c <= 57 ? c - DIGIT_0 : c - 87;
    if (<u32>digit > 15 || (c > 57 && c < 97)) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

function proof(number: u32, label: u32, branch: u32): u64 {
  store<u32>(PROOF_INPUT, number);
  store<u32>(PROOF_INPUT, label, 4);
  store<u32>(PROOF_INPUT, branch, 8);
  return sipHash(SEED, PROOF_INPUT, 12);
}

function putBranch(to: usize, own: u32, label: u32, branch: u32): usize {
  const number = own | (worker << NUMBER_BITS);
  to = put(to, COOKIE, COOKIE_BYTES);
  const code = proof(number, label, branch);
  to = putHex(to, (code >> 48) ^ number, HASH_HEX);
  store<u8>(to, <u8>DOT);
  to = putHex(putHex(putHex(to + 1, number, 8), label, 8), code, 16);
  store<u8>(to, <u8>DOT);
  return branch < 16 ? putHex(to + 1, branch, 1) : putHex(to + 1, branch, 2);
}

/**
 * Finds the client transaction of a reply by its top Via's branch (RFC 3261 17.1.3).
 * @returns its number, 0 when we did not make this branch; in tmFound() label, branch, METHOD_* of its CSeq, and whether there is a Via below ours, so that it can go
 * on (16.7 step 3)
 */
export function tmMatchReply(msg: usize): i32 {
  const number = <u32>branchNumber(msg);
  if (number >> NUMBER_BITS != worker) return 0;
  store<i32>(FOUND, tmCseqMethod(msg), FOUND_METHOD);
  store<u32>(FOUND, hasNextVia(msg) ? 1 : 0, FOUND_NEXT_VIA);
  return <i32>(number & NUMBER_MASK);
}

/** @returns number of the worker that has the transaction of a reply; -1 when none with our secret made this branch */
export function tmReplyWorker(msg: usize): i32 {
  const number = <u32>branchNumber(msg);
  return number & NUMBER_MASK ? <i32>(number >> NUMBER_BITS) : -1;
}

/** @returns worker and number of the transaction that a reply's branch names; 0 when it is none of ours */
function branchNumber(msg: usize): i32 {
  if (parseTopVia(msg)) return 0;
  const length = <i32>load<u16>(msg + M_VIA + VIA_BRANCH + 2);
  const fixed = COOKIE_BYTES + HASH_HEX + 1 + BRANCH_HEX + 1;
  if (length <= fixed || length > fixed + 2) return 0;
  const at = <usize>load<u32>(msg + M_BUF) + <usize>load<u16>(msg + M_VIA + VIA_BRANCH);
  if (!hasCookie(at, length)) return 0;
  const body = at + COOKIE_BYTES + HASH_HEX + 1;
  if (byte(body - 1) != DOT || byte(body + BRANCH_HEX) != DOT) return 0;
  const number = hex(body, 8);
  const label = hex(body + 8, 8);
  const high = hex(body + 16, 8);
  const low = hex(body + 24, 8);
  const branch = hex(body + BRANCH_HEX + 1, length - fixed);
  if (number < 0 || label < 0 || high < 0 || low < 0 || branch < 0) return 0;
  if ((((<u64>high) << 32) | <u64>low) != proof(<u32>number, <u32>label, <u32>branch)) return 0;
  store<u32>(FOUND, <u32>label);
  store<u32>(FOUND, <u32>branch, FOUND_BRANCH);
  return <i32>number;
}

/** whether a reply, whose top Via is parsed, has another one below */
function hasNextVia(msg: usize): bool {
  const first = headerById(msg, HDR_VIA);
  const buf = <usize>load<u32>(msg + M_BUF);
  const valueEnd = buf + <usize>load<u16>(first + H_BODY) + <usize>load<u16>(first + H_BODY + 2);
  const end = buf + <usize>load<u16>(msg + M_VIA + VIA_END);
  if (end < valueEnd && byte(end) == COMMA) return true;
  for (let h = first + HDR_SIZE, last = headerAt(msg, <i32>load<u8>(msg + M_NHDR)); h < last; h += HDR_SIZE)
    if (<i32>load<u8>(h + H_ID) == HDR_VIA) return true;
  return false;
}

/** @returns address of what tmMatchReply(), tmAnswer() and tmRelay() give beside their result: see FOUND. The address holds for the life of the core, the words until the next call */
export function tmFound(): usize {
  return FOUND;
}

// ---- writing

const VIA_LINE: usize = memory.data(512, 16);
const MAX_PREFIX: i32 = 320;
/** ";rport" */
const RPORT: usize = memory.data<u8>([59, 114, 112, 111, 114, 116]);
const RPORT_BYTES: i32 = 6;
/** ";i=" */
const CONNECTION: usize = memory.data<u8>([59, 105, 61]);
const CONNECTION_BYTES: i32 = 3;
const CONNECTION_HEX: i32 = 8;

/**
 * Writes our Via line of a branch to tmViaLine().
 * @param msg the request that goes on, 0 for one of our own @param prefix "Via: SIP/2.0/UDP host:port;branch=", at most 320 bytes
 * @returns its length
 */
export function tmVia(msg: usize, prefix: usize, prefixLength: i32, number: i32, label: i32, branch: i32): i32 {
  let to = put(VIA_LINE, prefix, min(prefixLength, MAX_PREFIX));
  to = putBranch(to, number, label, branch);
  if (msg && load<u32>(msg + M_MFLAGS) & MFL_ADD_LOCAL_RPORT) to = put(to, RPORT, RPORT_BYTES);
  store<u16>(to, <u16>CRLF);
  return <i32>(to + 2 - VIA_LINE);
}

/**
 * Writes our Via line of a request that is forwarded statelessly to tmViaLine(). RFC 3261 16.11: its branch is the same for each retransmission, for the ACK
 * of a non-2xx answer and for CANCEL; it is made from what identifies their transaction.
 * @param prefix "Via: SIP/2.0/UDP host:port;branch=", at most 320 bytes
 * @returns its length
 */
export function statelessVia(msg: usize, prefix: usize, prefixLength: i32): i32 {
  let to = put(VIA_LINE, prefix, min(prefixLength, MAX_PREFIX));
  to = put(to, COOKIE, COOKIE_BYTES);
  const first = keyOf(msg, METHOD_INVITE);
  store<u64>(INPUT, first);
  const second = sipHash(SEED, INPUT, <i32>HASH_BYTES);
  to = putHex(to, second >> 48, HASH_HEX);
  store<u8>(to, <u8>DOT);
  to = putHex(putHex(to + 1, first, 16), second, 16);
  store<u8>(to, <u8>DOT);
  to = putHex(to + 1, 0, 1);
  // as Kamailio: the answer finds the connection that the request came by (RFC 3261 18.2.2) without a transaction
  const connection = load<u32>(msg + M_CONID);
  if (connection) to = putHex(put(to, CONNECTION, CONNECTION_BYTES), connection, CONNECTION_HEX);
  if (load<u32>(msg + M_MFLAGS) & MFL_ADD_LOCAL_RPORT) to = put(to, RPORT, RPORT_BYTES);
  store<u16>(to, <u16>CRLF);
  return <i32>(to + 2 - VIA_LINE);
}

/** @returns address of the line that tmVia() or statelessVia() wrote last. BORROWED until the next */
export function tmViaLine(): usize {
  return VIA_LINE;
}

let blocks: i32 = 0;

/** Keeps what lies in outArea(). @returns address of the copy, to be given back with tmDrop(); 0 when memory is full */
export function tmKeep(length: i32): usize {
  const at = malloc(<usize>(length + SLACK));
  if (!at) return 0;
  memory.copy(at, outArea(), <usize>length);
  blocks++;
  return at;
}

/** Keeps what lies in outArea() in the place of what was kept. @returns length */
function keepInstead(old: usize, length: i32): i32 {
  if (length < 0) return length;
  store<u32>(FOUND, <u32>tmKeep(length), FOUND_BLOCK);
  tmDrop(old);
  return length;
}

const FINAL_FROM: i32 = 200;

/**
 * Builds the answer of a transaction to its request, as replyBuildStateful() does, and keeps it.
 * @param old the block of the answer before it, which is given back when this one is built; 0 none
 * @returns its length, and in tmFound() its block, or 0 when memory is full: then it is in outArea() only; negative as replyBuildStateful()
 */
export function tmAnswer(msg: usize, code: i32, reason: usize, reasonLength: i32, old: usize): i32 {
  const length = keepInstead(old, replyBuildStateful(msg, code, reason, reasonLength));
  if (length >= 0 && code >= FINAL_FROM) store<u32>(msg + M_MFLAGS, load<u32>(msg + M_MFLAGS) | MFL_FINAL_REPLY);
  return length;
}

/** Writes a reply that goes on to the caller, as msgReplyForward() does, and keeps it. @param old,returns as those of tmAnswer() */
export function tmRelay(reply: usize, old: usize): i32 {
  return keepInstead(old, msgReplyForward(reply));
}

/** Gives a block back; 0 is ignored. */
export function tmDrop(at: usize): void {
  if (!at) return;
  blocks--;
  free(at);
}

/** @returns blocks that tmKeep() gave and tmDrop() did not get back */
export function tmBlocks(): i32 {
  return blocks;
}

/** "ACK", "CANCEL" */
const ACK: usize = memory.data<u8>([65, 67, 75]);
const CANCEL: usize = memory.data<u8>([67, 65, 78, 67, 69, 76]);
function lineEnd(at: usize, end: usize): usize {
  // a line that begins with a blank goes on with the one before it
  do {
    at = find1(at, end, <u8>LF) + 1;
  } while (at < end && (byte(at) == SP || byte(at) == HTAB));
  return min(at, end);
}

/**
 * Writes the ACK to a negative answer, or the CANCEL, of an INVITE that we sent (RFC 3261 17.1.1.3, 9.1) into outArea(): its request URI, top Via, From,
 * Call-ID, CSeq number, Max-Forwards and Routes, in its order.
 * @param invite,length the INVITE as sent @param reply the answer, whose To the ACK has; 0 writes a CANCEL
 * @param extra,extraLength header lines added at the end @param prefix,prefixLength header names that begin so, in any case, are taken over too
 * @returns length; -ST_TOO_BIG, -ST_NO_MEMORY
 */
export function tmHop(
  invite: usize,
  length: i32,
  reply: usize,
  extra: usize,
  extraLength: i32,
  prefix: usize,
  prefixLength: i32,
): i32 {
  const replyTo = reply ? headerById(reply, HDR_TO) : 0;
  const replyToLength = replyTo ? <i32>load<u16>(replyTo + H_NEXT) - <i32>load<u16>(replyTo) : 0;
  let length0: usize = 0;
  let lengthName = 0;
  const room = outRoom(<u64>(length + extraLength + replyToLength + 256));
  if (room) return room;
  const end = invite + length;
  const out = outArea();
  const name = reply ? ACK : CANCEL;
  const nameLength = reply ? 3 : 6;
  let at = lineEnd(invite, end);
  let to = put(out, name, nameLength);
  const space = find1(invite, at, <u8>SP);
  to = put(to, space, at - space);
  let via = false;
  while (at < end) {
    const next = lineEnd(at, end);
    const colon = find1(at, next, <u8>COLON);
    if (colon >= next) break; // the empty line
    let nameEnd = colon;
    while (nameEnd > at && (byte(nameEnd - 1) == SP || byte(nameEnd - 1) == HTAB)) nameEnd--;
    const id = headerIdOf(at, <i32>(nameEnd - at));
    if (id == HDR_VIA) {
      if (!via) to = put(to, at, next - at);
      via = true;
    } else if (id == HDR_TO && replyTo) {
      // the line of the answer as it is, its name too
      const buf = <usize>load<u32>(reply + M_BUF);
      const from = <usize>load<u16>(replyTo);
      const valueEnd = <usize>load<u16>(replyTo + H_BODY) + <usize>load<u16>(replyTo + H_BODY + 2);
      to = put(to, buf + from, valueEnd - from);
      store<u16>(to, <u16>CRLF);
      to += 2;
    } else if (id == HDR_CSEQ) {
      let digit = skipWs(colon + 1, next);
      while (digit < next && <u32>(byte(digit) - DIGIT_0) < 10) digit++;
      to = put(to, at, skipWs(digit, next) - at);
      to = put(to, name, nameLength);
      store<u16>(to, <u16>CRLF);
      to += 2;
    } else if (id == HDR_CONTENT_LENGTH) {
      length0 = at;
      lengthName = <i32>(nameEnd - at);
    } else if (
      id == HDR_TO ||
      id == HDR_FROM ||
      id == HDR_CALL_ID ||
      id == HDR_MAX_FORWARDS ||
      id == HDR_ROUTE ||
      isPrefixed(at, nameEnd, prefix, prefixLength)
    )
      to = put(to, at, next - at);
    at = next;
  }
  if (length0) {
    to = put(to, length0, lengthName);
    store<u16>(to, 0x203a); // ": "
    store<u8>(to + 2, <u8>DIGIT_0);
    to += 3;
  } else to = putDecimal(put(to, TEXT_CONTENT_LENGTH, TEXT_CONTENT_LENGTH_LEN), 0);
  store<u16>(to, <u16>CRLF);
  to = put(to + 2, extra, extraLength);
  store<u16>(to, <u16>CRLF);
  return <i32>(to + 2 - out);
}

/**
 * Writes a request that we sent, with the line of tmViaLine() in place of its top Via, into outArea(): the same request to another address (RFC 3263 4.3).
 * @param viaLength what tmVia() gave
 * @returns length; -ST_TOO_BIG, -ST_NO_MEMORY, or 0 when it has no Via
 */
export function tmSendElsewhere(request: usize, length: i32, viaLength: i32): i32 {
  const room = outRoom(<u64>(length + viaLength));
  if (room) return room;
  const end = request + length;
  for (let at = lineEnd(request, end); at < end; ) {
    const next = lineEnd(at, end);
    const colon = find1(at, next, <u8>COLON);
    if (colon >= next) return 0;
    let nameEnd = colon;
    while (nameEnd > at && (byte(nameEnd - 1) == SP || byte(nameEnd - 1) == HTAB)) nameEnd--;
    if (headerIdOf(at, <i32>(nameEnd - at)) == HDR_VIA) {
      const out = outArea();
      let to = put(out, request, at - request);
      to = put(to, VIA_LINE, <usize>viaLength);
      return <i32>(put(to, next, end - next) - out);
    }
    at = next;
  }
  return 0;
}

function isPrefixed(at: usize, end: usize, prefix: usize, length: i32): bool {
  if (!length || at + length > end) return false;
  for (let i = 0; i < length; i++) if (lower(byte(at + i)) != lower(byte(prefix + i))) return false;
  return true;
}

/** Copies bytes to outArea(). @returns length; -ST_NO_MEMORY when they do not fit */
export function tmPut(at: usize, length: i32): i32 {
  if (length > OUT_BYTES || !outArea()) return -ST_NO_MEMORY;
  memory.copy(outArea(), at, <usize>length);
  return length;
}

/** Whether a request's transaction is there. @param method METHOD_* that its key is made for */
export function hasTransaction(msg: usize, method: i32): bool {
  return lookup(keyOf(msg, method)) != 0;
}

/** @returns METHOD_* of a reply's CSeq */
export function tmCseqMethod(msg: usize): i32 {
  return parseCseq(msg) ? 0 : <i32>load<u32>(msg + M_CSEQ + CSEQ_METHOD_ID);
}
