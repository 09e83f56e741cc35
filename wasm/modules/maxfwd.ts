/** Max-Forwards (RFC 3261 16.3 item 3, 16.6 step 3, 20.22). Counted down in place: same width, blanks on the left. */
import { H_BODY, HDR_MAX_FORWARDS, M_BUF } from '../gen/layout.gen';
import { arenaAlloc } from '../mem/arena';
import { byte, DIGIT_0, putDecimal, SP } from '../mem/bytes';
import { MSG } from '../mem/state';
import { editInsertFirst } from '../sip/edits';
import { firstHeader } from './value';

const COUNTED: i32 = 1;
const ADDED: i32 = 2;
const NO: i32 = -1;
const UNREADABLE: i32 = -2;
const ABSENT: i32 = -2;
const NOT_A_NUMBER: i32 = -3;
const LARGEST: i32 = 255;
/** values above are unreadable */
const LARGEST_READ: i32 = 65535;
const DEFAULT_MAX_LIMIT: i32 = 70;
/** "Max-Forwards: 255" CR LF */
const LINE_BYTES: i32 = 19;
const NAME_BYTES: usize = 14;
/** "Max-Forwards: " */
const NAME: usize = memory.data<u8>([77, 97, 120, 45, 70, 111, 114, 119, 97, 114, 100, 115, 58, 32]);
const CRLF: u16 = 0x0a0d;
/** "00" as a little-endian u16 */
const DIGITS_00: u32 = 0x3030;

let maxLimit: i32 = DEFAULT_MAX_LIMIT;

/** modparam max_limit. @param limit 1..255; larger values are lowered to it when they are counted down */
export function setMaxfwdLimit(limit: i32): void {
  maxLimit = limit;
}

/** value of the header entry `h`, or -1: no digits, anything behind them, or above 65535. Blanks before the digits are from earlier counting. */
function valueOf(h: usize): i32 {
  const p = load<u32>(h + H_BODY);
  let at = <usize>load<u32>(MSG + M_BUF) + <usize>(p & 0xffff);
  const end = at + <usize>(p >> 16);
  if (end - at == 2) {
    // nearly always: two digits
    const two = <u32>load<u16>(at) - DIGITS_00;
    const tens = two & 0xff;
    const ones = two >> 8;
    if (tens <= 9 && ones <= 9) return <i32>(tens * 10 + ones);
  }
  while (at < end && byte(at) == SP) at++;
  if (at == end) return -1;
  let value = 0;
  while (at < end) {
    const digit = byte(at++) - DIGIT_0;
    if (<u32>digit > 9) return -1;
    value = value * 10 + digit;
    if (value > LARGEST_READ) return -1;
  }
  return value;
}

/**
 * Counts Max-Forwards down, or adds it.
 * @param limit 0..255: the value written when the header is missing
 * @returns 1 counted down; 2 added; -1 already 0, or limit out of range; -2 unreadable
 */
export function processMaxfwd(limit: i32): i32 {
  if (<u32>limit > <u32>LARGEST) return NO;
  const h = firstHeader(MSG, HDR_MAX_FORWARDS);
  if (!h) return add(limit);
  let value = valueOf(h);
  if (value < 0) return UNREADABLE;
  if (value == 0) return NO;
  if (value > maxLimit) value = maxLimit + 1;
  value--;
  const p = load<u32>(h + H_BODY);
  const at = <usize>load<u32>(MSG + M_BUF) + <usize>(p & 0xffff);
  for (let q = at + <usize>(p >> 16); q > at; ) {
    store<u8>(--q, value || q + 1 == at + <usize>(p >> 16) ? DIGIT_0 + (value % 10) : SP);
    value /= 10;
  }
  return COUNTED;
}

function add(limit: i32): i32 {
  const line = arenaAlloc(MSG, LINE_BYTES);
  if (!line) return NO;
  memory.copy(line, NAME, NAME_BYTES);
  const end = putDecimal(line + NAME_BYTES, limit);
  store<u16>(end, CRLF);
  return editInsertFirst(MSG, line, <i32>(end - line) + 2) < 0 ? NO : ADDED;
}

/**
 * Whether Max-Forwards is less than `limit`.
 * @param limit 0..255
 * @returns 1 less; -1 not less, or limit out of range; -2 absent; -3 unreadable
 */
export function isMaxfwdLt(limit: i32): i32 {
  if (<u32>limit > <u32>LARGEST) return NO;
  const h = firstHeader(MSG, HDR_MAX_FORWARDS);
  if (!h) return ABSENT;
  const value = valueOf(h);
  return value < 0 ? NOT_A_NUMBER : value < limit ? 1 : NO;
}
