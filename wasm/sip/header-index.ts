/**
 * The header index: one pass over the head of a message, at most 64 bytes a step. Offsets are u16 from the message's first byte.
 *
 * Per line: one compare (31 >= byte) on four vectors finds CR, LF and every other control character; the first two vectors also give the colon and, or-ed
 * to lower case, are compared with the row of the header table that a perfect hash of the name's ends, middle and length points to. Anything but "CRLF and
 * no blank behind it" goes byte by byte. The body is not read.
 */
import {
  CT,
  H_BODY,
  H_ID,
  HASH_MULTIPLIER,
  HDR_CONTENT_LENGTH,
  HDR_SIZE,
  HT,
  KV,
  M_BODY,
  M_BUF,
  M_CLEN,
  M_ERR,
  M_FIRST,
  M_FLAGS,
  M_KIND,
  M_LEN,
  M_METH,
  M_NHDR,
  M_RURI,
  M_START,
  MASK,
  MAX_HEADERS,
  MF_BARELF,
  MF_CTL,
  MF_DUPCL,
  MF_FOLD,
  MF_NOEND,
  MF_SHORT,
  MF_TRAIL,
  MSG_HDRS,
  NT,
  ST_CONTENT_LENGTH,
  ST_EMPTY,
  ST_FIRST_LINE,
  ST_HDR_NAME,
  ST_MANY_HDRS,
  ST_NO_COLON,
} from '../gen/layout.gen';
import { byte, COLON, CR, CRLF, decimal, find1, HTAB, isToken, LF, LOWER, SP, skipWs, trimEnd } from '../mem/bytes';
import { startLine } from './start-line';
import { fail, failedAt } from './status';

const MAX_CONTENT_LENGTH: i64 = 0x7fffffff;
/** names up to this many bytes can be known ones: a row of the name table */
const NAME_BYTES: i32 = 32;
/** compact forms are single letters: index into CT after or-ing LOWER */
const COMPACT_BASE: i32 = 96;
const COMPACT_COUNT: u32 = 27;

/** the four bitmasks of control characters at `at` as one; `limit` holds 31 in every lane */
function controls(at: usize, limit: v128): u64 {
  const a =
    i8x16.bitmask(i8x16.ge_u(limit, v128.load(at))) | (i8x16.bitmask(i8x16.ge_u(limit, v128.load(at, 16))) << 16);
  const b =
    i8x16.bitmask(i8x16.ge_u(limit, v128.load(at, 32))) | (i8x16.bitmask(i8x16.ge_u(limit, v128.load(at, 48))) << 16);
  return <u64>(<u32>a) | ((<u64>(<u32>b)) << 32);
}

/** first control character in [at, end), else end */
function findControl(at: usize, end: usize, limit: v128): usize {
  while (at < end) {
    const hits = controls(at, limit);
    if (hits) {
      at += <usize>ctz(hits);
      return at < end ? at : end;
    }
    at += 64;
  }
  return end;
}

/** Keeps status and offset of the first error in the struct. */
export function reject(msg: usize, buf: usize, status: i32): i32 {
  if (load<u16>(msg + M_ERR)) return -(<i32>load<u16>(msg + M_ERR));
  store<u32>(msg + M_ERR, <u32>-status | ((<u32>(failedAt - buf) & 0xffff) << 16));
  return status;
}

/**
 * Indexes the message whose bytes lie at M_BUF: start line, headers, Content-Length, where the body begins. Lazy areas become invalid.
 * A head that ends without an empty line is indexed too (MF_NOEND). After an error the other headers are indexed all the same: the error reply needs them.
 * @returns 0; or the first of -ST_EMPTY, -ST_FIRST_LINE, -ST_VERSION, -ST_STATUS, -ST_METHOD, -ST_NO_COLON, -ST_HDR_NAME, -ST_MANY_HDRS,
 * -ST_CONTENT_LENGTH, with status and offset in M_ERR and M_ERROFF
 */
export function msgIndex(msg: usize): i32 {
  const buf = <usize>load<u32>(msg + M_BUF);
  const end = buf + <usize>load<u32>(msg + M_LEN);
  const zero = i64x2.splat(0);
  store<u64>(msg + M_KIND, 0); // KIND METHOD NHDR FLAGS ERR ERROFF
  for (let at = msg + M_METH; at < msg + M_RURI; at += 16) v128.store(at, zero); // up to FIRST, DONE with them
  store<i32>(msg + M_CLEN, -1);
  let p = buf;
  while (p < end && (byte(p) == CR || byte(p) == LF)) p++; // RFC 3261 7.5: CRLFs before the start line are ignored
  store<u32>(msg + M_START, <u32>(p - buf));
  if (p >= end) return reject(msg, buf, fail(ST_EMPTY, buf));

  const limit = v128.load(KV);
  let flags = 0;
  let q = p;
  for (; q < end; q++) {
    q = findControl(q, end, limit);
    if (q >= end) break;
    const c = byte(q);
    if (c == LF || (c == CR && q + 1 < end && byte(q + 1) == LF)) break;
    if (c != HTAB) flags |= MF_CTL;
  }
  if (q >= end) return reject(msg, buf, fail(ST_FIRST_LINE, p));
  const status = startLine(msg, buf, p, q);
  if (status) reject(msg, buf, status);
  if (byte(q) == CR) q++;
  else flags |= MF_BARELF;
  return headers(msg, buf, q + 1, end, flags);
}

function headers(msg: usize, buf: usize, p: usize, end: usize, flags: i32): i32 {
  const limit = v128.load(KV);
  const colons = v128.load(KV, 16);
  const low = v128.load(KV, 32);
  let n = 0;
  let entry = msg + MSG_HDRS;
  while (p < end) {
    const v0 = v128.load(p);
    const v1 = v128.load(p, 16);
    const a = i8x16.bitmask(i8x16.ge_u(limit, v0)) | (i8x16.bitmask(i8x16.ge_u(limit, v1)) << 16);
    const b =
      i8x16.bitmask(i8x16.ge_u(limit, v128.load(p, 32))) | (i8x16.bitmask(i8x16.ge_u(limit, v128.load(p, 48))) << 16);
    let hits = <u64>(<u32>a) | ((<u64>(<u32>b)) << 32);
    let e = p;
    let fold = 0;
    while (!hits) {
      e += 64;
      if (e >= end) break;
      hits = controls(e, limit);
    }
    e += <usize>ctz(hits);
    let next = e + 2;
    if (load<u16>(e) != <u16>CRLF || next > end || byte(next) == SP || byte(next) == HTAB) {
      // An empty line, and a body that starts with a blank.
      if (e == p && next <= end && load<u16>(e) == <u16>CRLF) return finish(msg, buf, end, n, next, flags);
      // Anything unusual, byte by byte: folds, bare LF, other control characters, the end of the data.
      for (;;) {
        if (e >= end) {
          e = next = end;
          flags |= MF_NOEND;
          break;
        }
        const c = byte(e);
        if (c >= SP || c == HTAB) {
          e++;
          continue;
        }
        next = e + 1;
        if (c == CR && next < end && byte(next) == LF) next++;
        else if (c == LF) flags |= MF_BARELF;
        else {
          flags |= MF_CTL;
          e++;
          continue;
        }
        if (e != p && next < end && (byte(next) == SP || byte(next) == HTAB)) {
          fold = 1;
          flags |= MF_FOLD;
          e = next;
          continue;
        }
        break;
      }
    }
    if (e == p) return finish(msg, buf, end, n, next, flags);
    if (n >= MAX_HEADERS) {
      reject(msg, buf, fail(ST_MANY_HDRS, p));
      return finish(msg, buf, end, n, end, flags);
    }

    const colonHits = i8x16.bitmask(i8x16.eq(v0, colons)) | (i8x16.bitmask(i8x16.eq(v1, colons)) << 16);
    let length = colonHits ? ctz(colonHits) : <i32>(find1(p + 32, e, <u8>COLON) - p);
    let body = p + length;
    if (body >= e) {
      reject(msg, buf, fail(ST_NO_COLON, p));
      p = next;
      continue;
    }
    // RFC 3261 7.3.1 allows SP and HTAB before the colon, nothing else: what other elements read as another header must not pass (hardening 15).
    if (length < 2 || byte(body - 1) <= SP) {
      while (length > 0 && (byte(p + length - 1) == SP || byte(p + length - 1) == HTAB)) length--;
    }
    body++;
    if (body < e && byte(body) == SP) body++;
    if (byte(body) <= SP) body = skipWs(body, e);
    if (e > body && byte(e - 1) <= SP) e = trimEnd(body, e);

    let id: i32;
    if (length < 2) {
      const letter = (byte(p) | LOWER) - COMPACT_BASE;
      id = <u32>letter < COMPACT_COUNT ? byte(CT + letter) : 0;
    } else {
      const ends = <u32>load<u16>(p) | ((<u32>load<u16>(p + length - 2)) << 16) | 0x20202020;
      const key = ends + ((byte(p + (<usize>length >> 1)) | LOWER) << 8) + length;
      id = byte(HT + ((key * HASH_MULTIPLIER) >> 24));
      const row = NT + ((<usize>id) << 5);
      const mask = MASK + NAME_BYTES - min(length, NAME_BYTES);
      const d0 = v128.xor(v128.and(v128.or(v0, low), v128.load(mask)), v128.load(row));
      const d1 = v128.xor(v128.and(v128.or(v1, low), v128.load(mask, 16)), v128.load(row, 16));
      id = v128.any_true(v128.or(d0, d1)) ? 0 : id;
    }
    if (!id && !isToken(p, length)) {
      reject(msg, buf, fail(ST_HDR_NAME, p));
      p = next;
      continue;
    }
    store<u64>(entry, <u64>(p - buf) | ((<u64>length) << 16) | ((<u64>(body - buf)) << 32) | ((<u64>(e - body)) << 48));
    store<u64>(entry, <u64>(next - buf) | ((<u64>id) << 16) | ((<u64>fold) << 24), 8);
    entry += HDR_SIZE;
    n++;
    const first = msg + M_FIRST + id;
    const known = byte(first);
    store<u8>(first, known ? known : n);
    p = next;
  }
  return finish(msg, buf, end, n, end, flags | MF_NOEND);
}

/** Content-Length (RFC 3261 20.14): a number, and the same one in every header of that name. Larger than what came, or smaller, is a flag. */
function finish(msg: usize, buf: usize, end: usize, n: i32, body: usize, flags: i32): i32 {
  store<u8>(msg + M_NHDR, n);
  store<u16>(msg + M_BODY, <u16>(body - buf));
  const first = byte(msg + M_FIRST + HDR_CONTENT_LENGTH);
  if (first) {
    let value: i64 = -1;
    for (let i = first - 1; i < n; i++) {
      const h = msg + MSG_HDRS + <usize>(i * HDR_SIZE);
      if (byte(h + H_ID) != HDR_CONTENT_LENGTH) continue;
      const at = buf + <usize>load<u16>(h + H_BODY);
      const x = decimal(at, at + <usize>load<u16>(h + H_BODY + 2));
      const differs = value >= 0 && x != value;
      if (differs) flags |= MF_DUPCL;
      if (differs || x < 0 || x > MAX_CONTENT_LENGTH) {
        store<u8>(msg + M_FLAGS, flags);
        return reject(msg, buf, fail(ST_CONTENT_LENGTH, at));
      }
      value = x;
    }
    store<i32>(msg + M_CLEN, <i32>value);
    const rest = <i64>(end - body);
    if (value > rest) flags |= MF_SHORT;
    else if (value < rest) flags |= MF_TRAIL;
  }
  store<u8>(msg + M_FLAGS, flags);
  return -(<i32>load<u16>(msg + M_ERR));
}

/** @returns address of the first header entry with this id, 0 none */
export function headerById(msg: usize, id: i32): usize {
  const n = <usize>byte(msg + M_FIRST + id);
  return n ? msg + MSG_HDRS - HDR_SIZE + n * HDR_SIZE : 0;
}

/** @returns address of header entry `index` */
export function headerAt(msg: usize, index: i32): usize {
  return msg + MSG_HDRS + <usize>(index * HDR_SIZE);
}
