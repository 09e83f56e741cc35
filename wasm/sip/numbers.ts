/** Headers that hold one number: Max-Forwards (RFC 3261 20.22), Expires (20.19), Min-Expires, and Date, which must be in GMT (20.17). */
import {
  H_BODY,
  HDR_EXPIRES,
  HDR_MAX_FORWARDS,
  M_BUF,
  ST_EXPIRES,
  ST_MAX_FORWARDS,
  ST_MISSING,
} from '../gen/layout.gen';
import { byte, DIGIT_0, decimal, lower4 } from '../mem/bytes';
import { headerById } from './header-index';
import { fail } from './status';

const MAX_MAX_FORWARDS: i64 = 255;
const MAX_SECONDS: i64 = 0x7fffffff;
const DATE_BYTES: i32 = 29;
/** " gmt" */
const SP_GMT: u32 = 0x746d6720;
/** "Sat, 13 Nov 2010 23:29:00 GMT": a letter for letters, 9 for digits, the rest as it is */
const DATE_SHAPE: usize = memory.data<u8>([
  97, 97, 97, 44, 32, 57, 57, 32, 97, 97, 97, 32, 57, 57, 57, 57, 32, 57, 57, 58, 57, 57, 58, 57, 57, 32, 97, 97, 97,
]);
const SHAPE_LETTER: i32 = 97;
const SHAPE_DIGIT: i32 = 57;

function number(msg: usize, id: i32, highest: i64, status: i32): i64 {
  const h = headerById(msg, id);
  if (!h) return -ST_MISSING;
  const at = <usize>load<u32>(msg + M_BUF) + <usize>load<u16>(h + H_BODY);
  const value = decimal(at, at + <usize>load<u16>(h + H_BODY + 2));
  return value < 0 || value > highest ? <i64>fail(status, at) : value;
}

/** @returns 0..255; -ST_MISSING, or -ST_MAX_FORWARDS when it is not a number up to 255 (RFC 3261 20.22) */
export function maxForwards(msg: usize): i32 {
  return <i32>number(msg, HDR_MAX_FORWARDS, MAX_MAX_FORWARDS, ST_MAX_FORWARDS);
}

/** @returns seconds, 0..2147483647 (up to 2^32-1 are valid and cut to that); -ST_MISSING, or -ST_EXPIRES when it is not such a number */
export function expires(msg: usize): i32 {
  return <i32>min(number(msg, HDR_EXPIRES, 0xffffffff, ST_EXPIRES), MAX_SECONDS);
}

/** @returns whether [at, end) has the form of a SIP-date, which is in GMT */
export function isDate(at: usize, end: usize): bool {
  if (<i32>(end - at) != DATE_BYTES) return false;
  for (let i = 0; i < DATE_BYTES; i++) {
    const c = byte(at + i);
    const shape = byte(DATE_SHAPE + i);
    if (shape == SHAPE_LETTER ? <u32>((c | 32) - 97) >= 26 : shape == SHAPE_DIGIT ? <u32>(c - DIGIT_0) > 9 : c != shape)
      return false;
  }
  return lower4(end - 4) == SP_GMT;
}
