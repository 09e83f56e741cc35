/** Puts the edits of a message in order and writes it with them. */
import {
  E_DEL,
  E_LEN,
  E_OFF,
  E_SEQ,
  E_SRC,
  EDIT_SIZE,
  M_BODY,
  M_BUF,
  M_CLEN,
  M_EDITS,
  M_LEN,
  M_NEDITS,
  ST_NO_MEMORY,
} from '../gen/layout.gen';
import { free, malloc } from '../lua/lua';
import { put } from '../mem/bytes';

const FIRST_ORDER: i32 = 64;
const POINTER_SHIFT: usize = 2;

/** addresses of the edits that are written, in order */
let order: usize = 0;
let orderRoom: i32 = 0;
let orderCount: i32 = 0;

/**
 * Where a message ends: behind Content-Length bytes of body when that many came. Octets behind them in a datagram are neither processed nor forwarded
 * (RFC 3261 18.3, RFC 4475 3.1.1.8).
 */
export function messageEnd(msg: usize): i32 {
  const length = <i32>load<u32>(msg + M_LEN);
  const body = load<i32>(msg + M_CLEN);
  const rest = length - <i32>load<u16>(msg + M_BODY);
  return body < 0 || body > rest ? length : length - rest + body;
}

/** Starts a new order with room for all edits of msg and `more` others. @returns 0 or -ST_NO_MEMORY */
export function orderEdits(msg: usize, more: i32): i32 {
  const n = <i32>load<u16>(msg + M_NEDITS);
  orderCount = 0;
  if (n + more > orderRoom) {
    const room = max(FIRST_ORDER, (n + more) * 2);
    const at = malloc((<usize>room) << POINTER_SHIFT);
    if (!at) return -ST_NO_MEMORY;
    if (order) free(order);
    order = at;
    orderRoom = room;
  }
  let record = <usize>load<u32>(msg + M_EDITS);
  for (let i = 0; i < n; i++, record += EDIT_SIZE) orderEdit(record);
  return 0;
}

/** Puts one edit in its place: by offset, then insertions before removals, then E_SEQ. Almost always that is the end. */
export function orderEdit(record: usize): void {
  let at = order + ((<usize>orderCount) << POINTER_SHIFT);
  orderCount++;
  while (at > order) {
    const before = <usize>load<u32>(at - 4);
    if (!comesBefore(record, before)) break;
    store<u32>(at, <u32>before);
    at -= 4;
  }
  store<u32>(at, <u32>record);
}

function comesBefore(a: usize, b: usize): bool {
  const offA = load<u32>(a + E_OFF);
  const offB = load<u32>(b + E_OFF);
  if (offA != offB) return offA < offB;
  const delA = load<u32>(a + E_DEL) != 0;
  const delB = load<u32>(b + E_DEL) != 0;
  if (delA != delB) return delB;
  return load<i32>(a + E_SEQ) < load<i32>(b + E_SEQ);
}

/** Writes bytes [from, end) of msg with the ordered edits to `to`. @returns the address behind them. The caller made sure that they fit: writtenBytes() */
export function writeOrdered(msg: usize, from: i32, end: i32, to: usize): usize {
  const buf = <usize>load<u32>(msg + M_BUF);
  let pos = from;
  let out = to;
  for (let at = order, last = order + ((<usize>orderCount) << POINTER_SHIFT); at < last; at += 4) {
    const record = <usize>load<u32>(at);
    const off = min(<i32>load<u32>(record + E_OFF), end);
    if (off > pos) {
      out = put(out, buf + pos, off - pos);
      pos = off;
    }
    out = put(out, <usize>load<u32>(record + E_SRC), <usize>load<u32>(record + E_LEN));
    pos = max(pos, off + <i32>load<u32>(record + E_DEL));
  }
  if (end > pos) out = put(out, buf + pos, end - pos);
  return out;
}

/** @returns an upper bound of the bytes that writeOrdered() writes for [0, end) */
export function writtenBytes(end: i32): u64 {
  let total = <u64>end;
  for (let at = order, last = order + ((<usize>orderCount) << POINTER_SHIFT); at < last; at += 4)
    total += <u64>load<u32>(<usize>load<u32>(at) + E_LEN);
  return total;
}
