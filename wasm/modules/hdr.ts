/** KSR.hdr.is_present, get, gete, getw and the _idx forms: header fields by name, as received. */
import {
  CT,
  H_ID,
  HASH_MULTIPLIER,
  HDR_SIZE,
  HT,
  M_BUF,
  M_FIRST,
  M_NHDR,
  MASK,
  MSG_HDRS,
  NOT_QUICK,
  NT,
} from '../gen/layout.gen';
import { byte, COLON, equalNoCase, LOWER, lower, SP } from '../mem/bytes';
import { MSG } from '../mem/state';
import { headerBody, orEmpty, orNullText } from './value';

const YES: i32 = 1;
const NO: i32 = -1;
const COMPACT_BASE: i32 = 96;
const COMPACT_COUNT: u32 = 27;
/** bytes of a row of NT: longer names are not known ones */
const ROW: i32 = 32;
const LOWER4: u32 = 0x20202020;

/**
 * Header id of a name in any case, long or compact, through the index's perfect hash.
 * @returns HDR_*, 0 when it is not one of the known names
 */
export function headerIdOf(at: usize, length: i32): i32 {
  if (length < 2) {
    const letter = (byte(at) | LOWER) - COMPACT_BASE;
    return length == 1 && <u32>letter < COMPACT_COUNT ? byte(CT + letter) : 0;
  }
  if (length > ROW) return 0;
  const ends = <u32>load<u16>(at) | ((<u32>load<u16>(at + length - 2)) << 16) | LOWER4;
  const key = ends + ((byte(at + (<usize>length >> 1)) | LOWER) << 8) + length;
  const id = byte(HT + ((key * HASH_MULTIPLIER) >> 24));
  const row = NT + ((<usize>id) << 5);
  // A name at the very end of the memory has no 32 readable bytes.
  if (at + ROW > (<usize>memory.size()) << 16) return slowCompare(at, row, length) ? id : 0;
  const low = i8x16.splat(<i8>LOWER);
  const mask = MASK + ROW - length;
  const d0 = v128.xor(v128.and(v128.or(v128.load(at), low), v128.load(mask)), v128.load(row));
  const d1 = v128.xor(v128.and(v128.or(v128.load(at, 16), low), v128.load(mask, 16)), v128.load(row, 16));
  return v128.any_true(v128.or(d0, d1)) ? 0 : id;
}

function slowCompare(at: usize, row: usize, length: i32): bool {
  for (let i = 0; i < length; i++) if ((byte(at + i) | LOWER) != byte(row + i)) return false;
  return length == ROW || !byte(row + length);
}

/** length of a name without a colon and blanks at its end, which Kamailio's parser of header names takes */
function nameLength(at: usize, length: i32): i32 {
  while (length > 0) {
    const c = byte(at + length - 1);
    if (c != COLON && c != SP) break;
    length--;
  }
  return length;
}

/** address of the first header entry with this name, 0 none */
function find(at: usize, length: i32): usize {
  length = nameLength(at, length);
  if (!length) return 0;
  const id = headerIdOf(at, length);
  if (id) {
    const n = <usize>load<u8>(MSG + M_FIRST + <usize>id);
    return n ? MSG + MSG_HDRS - HDR_SIZE + n * HDR_SIZE : 0;
  }
  if (!load<u8>(MSG + M_FIRST)) return 0; // id 0: no header with an unknown name
  let h = MSG + MSG_HDRS;
  for (let n = <i32>load<u8>(MSG + M_NHDR); n > 0; n--, h += HDR_SIZE) if (isNamed(h, at, length)) return h;
  return 0;
}

/** whether header entry `h`, whose name is not a known one, has this name */
function isNamed(h: usize, at: usize, length: i32): bool {
  if (load<u8>(h + H_ID)) return false;
  const p = load<u32>(h);
  if (<i32>(p >> 16) != length) return false;
  const name = <usize>load<u32>(MSG + M_BUF) + <usize>(p & 0xffff);
  return lower(byte(name)) == lower(byte(at)) && equalNoCase(name, at, length);
}

/** address of header entry number `index` of this name: 0 the first, -1 the last; 0 when there are not so many */
function findAt(at: usize, length: i32, index: i32): usize {
  length = nameLength(at, length);
  if (!length) return 0;
  const id = headerIdOf(at, length);
  const n = <i32>load<u8>(MSG + M_NHDR);
  let left = index < 0 ? -(index + 1) : index;
  for (let i = 0; i < n; i++) {
    const h = MSG + MSG_HDRS + <usize>((index < 0 ? n - 1 - i : i) * HDR_SIZE);
    if (id ? <i32>load<u8>(h + H_ID) == id : isNamed(h, at, length)) if (left-- == 0) return h;
  }
  return 0;
}

/** hdr.remove() where the message has no such header. @returns 1, NOT_QUICK */
export function hdrRemoveQuick(at: usize, length: i32): i32 {
  return length > 0 && !find(at, length) ? YES : NOT_QUICK;
}

/** hdrIsPresent() for textops, to which a colon or a blank at the end belongs to the name. @returns 1, -1, NOT_QUICK */
export function hdrIsPresentQuick(at: usize, length: i32): i32 {
  return nameLength(at, length) == length ? hdrIsPresent(at, length) : NOT_QUICK;
}

/** @returns 1 when there is a header of this name, else -1 */
export function hdrIsPresent(at: usize, length: i32): i32 {
  return find(at, length) ? YES : NO;
}

/** Value of the first header of this name. @returns X_STR (folding as received), X_NULL when there is none */
export function hdrGet(at: usize, length: i32): i32 {
  return headerBody(MSG, find(at, length));
}

/** As hdrGet, '' when there is none. */
export function hdrGete(at: usize, length: i32): i32 {
  return orEmpty(hdrGet(at, length));
}

/** As hdrGet, "<null>" when there is none. */
export function hdrGetw(at: usize, length: i32): i32 {
  return orNullText(hdrGet(at, length));
}

/** Value of header number `index` of this name: 0 the first, -1 the last. @returns X_STR or X_NULL */
export function hdrGetIdx(at: usize, length: i32, index: i32): i32 {
  return headerBody(MSG, findAt(at, length, index));
}

/** As hdrGetIdx, '' when there is none. */
export function hdrGeteIdx(at: usize, length: i32, index: i32): i32 {
  return orEmpty(hdrGetIdx(at, length, index));
}

/** As hdrGetIdx, "<null>" when there is none. */
export function hdrGetwIdx(at: usize, length: i32, index: i32): i32 {
  return orNullText(hdrGetIdx(at, length, index));
}
