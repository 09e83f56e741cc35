/**
 * The To tag of stateless replies: 32 hex digits that one runtime uses for all, a dot, 8 hex digits of this request. The same request gets the same
 * tag (RFC 3261 8.2.7) without state, so the ACK filter recognizes an ACK to it; nobody without the seed can compute one.
 */
import { H_BODY, HDR_CALL_ID, M_BUF, M_VIA, TEXT_HEX } from '../gen/layout.gen';
import { sipHash } from '../hash/siphash';
import { put } from '../mem/bytes';
import { headerById } from './header-index';
import { parseTopVia, VIA_BRANCH, VIA_HOST, VIA_PORT } from './via';

export const TAG_LENGTH: i32 = 41;
const SEED_BYTES: i32 = 16;
const PREFIX_DIGITS: i32 = 32;
const HASH_DIGITS: i32 = 8;
/** a part longer than this goes into the hash as its own hash */
const MAX_PART: i32 = 128;
const HASH_BYTES: usize = 8;

const SEED: usize = memory.data(16, 16);
const TAG: usize = memory.data(64, 16);
/** the tag of replies that a transaction sends: the ACK filter of stateless replies must not take their ACKs */
const TM_TAG: usize = memory.data(64, 16);
/** what is hashed: port, then host, branch and Call-ID with their lengths */
const INPUT: usize = memory.data(512, 16);
let prefixMade: bool = false;

function putHex(at: usize, value: u64, digits: i32): void {
  for (let i = 0; i < digits; i++) {
    store<u8>(at + i, load<u8>(TEXT_HEX + <usize>((value >> ((<u64>(digits - 1 - i)) << 2)) & 15)));
  }
}

function makePrefix(): void {
  // One byte of input, which no tag has: the two halves of the prefix.
  for (let half = 0; half < 2; half++) {
    store<u8>(INPUT, half);
    putHex(TAG + <usize>(half * (PREFIX_DIGITS >> 1)), sipHash(SEED, INPUT, 1), PREFIX_DIGITS >> 1);
    store<u8>(INPUT, half + 2);
    putHex(TM_TAG + <usize>(half * (PREFIX_DIGITS >> 1)), sipHash(SEED, INPUT, 1), PREFIX_DIGITS >> 1);
  }
  store<u8>(TAG + PREFIX_DIGITS, 46); // '.'
  store<u8>(TM_TAG + PREFIX_DIGITS, 45); // '-'
  prefixMade = true;
}

/** Sets the secret that tags are made from. COPIED. @param at address of the seed @param length 16; shorter ones are padded with zeros, longer ones cut */
export function setTagSeed(at: usize, length: i32): void {
  memory.fill(SEED, 0, SEED_BYTES);
  memory.copy(SEED, at, min(length, SEED_BYTES));
  prefixMade = false;
}

/** Adds a part of the message, its length first, to the input at `to`. @returns the address behind it */
function addPart(to: usize, buf: usize, part: usize): usize {
  const at = buf + <usize>load<u16>(part);
  const length = <i32>load<u16>(part + 2);
  store<u16>(to, <u16>length);
  if (length <= MAX_PART) return put(to + 2, at, length);
  store<u64>(to + 2, sipHash(SEED, at, length));
  return to + 2 + HASH_BYTES;
}

/**
 * The To tag that a stateless reply to this request carries, from top Via (host, port, branch) and Call-ID; what is missing or unreadable counts as empty.
 * @returns address of its 41 bytes, BORROWED until the next call
 */
export function toTag(msg: usize): usize {
  return makeTag(msg, TAG);
}

/** As toTag(), for a reply that a transaction sends. */
export function tmToTag(msg: usize): usize {
  return makeTag(msg, TM_TAG);
}

function makeTag(msg: usize, tag: usize): usize {
  if (!prefixMade) makePrefix();
  const buf = <usize>load<u32>(msg + M_BUF);
  let to = INPUT + 2;
  store<u16>(INPUT, 0);
  if (!parseTopVia(msg)) {
    store<u16>(INPUT, load<u16>(msg + M_VIA + VIA_PORT));
    to = addPart(to, buf, msg + M_VIA + VIA_HOST);
    to = addPart(to, buf, msg + M_VIA + VIA_BRANCH);
  }
  const callId = headerById(msg, HDR_CALL_ID);
  if (callId) to = addPart(to, buf, callId + H_BODY);
  putHex(tag + PREFIX_DIGITS + 1, sipHash(SEED, INPUT, <i32>(to - INPUT)), HASH_DIGITS);
  return tag;
}
