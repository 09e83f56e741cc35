/**
 * The To tag of stateless replies: 32 hex digits that one runtime uses for all, a dot, 8 hex digits of this request. The same request gets the same
 * tag (RFC 3261 8.2.7) without state, so the ACK filter recognizes an ACK to it; nobody without the seed can compute one.
 */
import { H_BODY, HDR_CALL_ID, M_BUF, M_VIA, TEXT_HEX } from '../gen/layout.gen';
import { sipAdd, sipByte, sipEnd, sipStart } from '../hash/siphash';
import { headerById } from './header-index';
import { parseTopVia, VIA_BRANCH, VIA_HOST, VIA_PORT } from './via';

export const TAG_LENGTH: i32 = 41;
const SEED_BYTES: i32 = 16;
const PREFIX_DIGITS: i32 = 32;
const HASH_DIGITS: i32 = 8;
/** domain separation of the prefix's two halves from each other and from the tags */
const PREFIX_LABEL: u32 = 0xf0;

const SEED: usize = memory.data(16, 16);
const TAG: usize = memory.data(64, 16);
let prefixMade: bool = false;

function putHex(at: usize, value: u64, digits: i32): void {
  for (let i = 0; i < digits; i++) {
    store<u8>(at + i, load<u8>(TEXT_HEX + <usize>((value >> ((<u64>(digits - 1 - i)) << 2)) & 15)));
  }
}

function makePrefix(): void {
  for (let half = 0; half < 2; half++) {
    sipStart(SEED);
    sipByte(PREFIX_LABEL + half);
    putHex(TAG + <usize>(half * (PREFIX_DIGITS >> 1)), sipEnd(), PREFIX_DIGITS >> 1);
  }
  store<u8>(TAG + PREFIX_DIGITS, 46); // '.'
  prefixMade = true;
}

/** Sets the secret that tags are made from. COPIED. @param at address of the seed @param length 16; shorter ones are padded with zeros, longer ones cut */
export function setTagSeed(at: usize, length: i32): void {
  memory.fill(SEED, 0, SEED_BYTES);
  memory.copy(SEED, at, min(length, SEED_BYTES));
  prefixMade = false;
}

function addPart(buf: usize, part: usize): void {
  sipAdd(buf + <usize>load<u16>(part), <i32>load<u16>(part + 2));
  sipByte(0);
}

/**
 * The To tag that a stateless reply to this request carries, from top Via (host, port, branch) and Call-ID; what is missing or unreadable counts as empty.
 * @returns address of its 41 bytes, BORROWED until the next call
 */
export function toTag(msg: usize): usize {
  if (!prefixMade) makePrefix();
  const buf = <usize>load<u32>(msg + M_BUF);
  sipStart(SEED);
  if (!parseTopVia(msg)) {
    const port = load<u16>(msg + M_VIA + VIA_PORT);
    sipByte(port & 0xff);
    sipByte(port >> 8);
    addPart(buf, msg + M_VIA + VIA_HOST);
    addPart(buf, msg + M_VIA + VIA_BRANCH);
  }
  const callId = headerById(msg, HDR_CALL_ID);
  if (callId) addPart(buf, callId + H_BODY);
  putHex(TAG + PREFIX_DIGITS + 1, sipEnd(), HASH_DIGITS);
  return TAG;
}
