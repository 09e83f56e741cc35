/** Route headers (RFC 3261 20.34), element by element: each header is read as far as somebody asks, but whole. What was found is in globals, as in params.ts. */
import { EK_REMOVE_HDR, EK_TEXT, H_BODY, H_ID, H_NEXT, HDR_ROUTE, M_BUF, M_FIRST, M_NHDR } from '../gen/layout.gen';
import { byte, isWs, LESS } from '../mem/bytes';
import { nextAddr } from './addr-list';
import { editRemoveRest } from './edits';
import { headerAt } from './header-index';
import { ADDR_END, ADDR_URI } from './name-addr';

const ADDR: usize = memory.data(20, 16);

/** the element that was asked for: offset of its first byte, its URI */
let elementStart: i32 = 0;
export let elementUri: usize = 0;
export let elementLength: i32 = 0;
/** of the header that was read last: first byte of the first element, the bytes behind the last one and the one before, URI of the last one */
let firstStart: i32 = 0;
let lastEnd: i32 = 0;
let previousEnd: i32 = 0;
export let lastUri: usize = 0;
export let lastLength: i32 = 0;

/**
 * Reads one header. A route stands in angle brackets: without them the URI's parameters would be the header's.
 * @param k number of the element to point the globals at  @returns how many there are; -1 when it does not read as a list of routes
 */
export function readRoutes(msg: usize, index: i32, k: i32): i32 {
  const buf = <usize>load<u32>(msg + M_BUF);
  const header = headerAt(msg, index);
  let start = <i32>load<u16>(header + H_BODY);
  const bodyEnd = start + <i32>load<u16>(header + H_BODY + 2);
  let cursor = index << 16;
  let count = 0;
  firstStart = start;
  lastEnd = 0;
  while (start < bodyEnd) {
    cursor = nextAddr(msg, HDR_ROUTE, cursor, ADDR);
    if (cursor <= 0) return -1;
    const uri = <usize>load<u16>(ADDR + ADDR_URI);
    if (!uri || byte(buf + uri - 1) != LESS) return -1;
    const more = cursor >> 16 == index;
    let end = more ? (cursor & 0xffff) - 1 : <i32>load<u16>(ADDR + ADDR_END);
    while (end > start && isWs(byte(buf + end - 1))) end--;
    lastUri = buf + uri;
    lastLength = <i32>load<u16>(ADDR + ADDR_URI + 2);
    previousEnd = lastEnd;
    lastEnd = end;
    if (count++ == k) {
      elementStart = start;
      elementUri = lastUri;
      elementLength = lastLength;
    }
    if (!more) return count;
    start = cursor & 0xffff;
    while (start < bodyEnd && isWs(byte(buf + start))) start++;
  }
  return -1;
}

/** Points at a route. @returns 1; 0 when there are fewer; -1 when a header up to it does not parse */
export function routeAt(msg: usize, index: i32): i32 {
  for (let i = <i32>load<u8>(msg + M_FIRST + HDR_ROUTE) - 1, n = <i32>load<u8>(msg + M_NHDR); i < n; i++) {
    if (byte(headerAt(msg, i) + H_ID) != HDR_ROUTE) continue;
    const count = readRoutes(msg, i, index);
    if (count < 0) return -1;
    if (index < count) return 1;
    index -= count;
  }
  return 0;
}

export function lastRouteHeader(msg: usize): i32 {
  let i = <i32>load<u8>(msg + M_NHDR) - 1;
  while (byte(headerAt(msg, i) + H_ID) != HDR_ROUTE) i--;
  return i;
}

/** Takes the first `front` routes out of the message, and the last one when asked. A header that keeps none goes whole. @returns whether it could */
export function removeRoutes(msg: usize, front: i32, last: bool): bool {
  const lastHeader = lastRouteHeader(msg);
  for (let i = <i32>load<u8>(msg + M_FIRST + HDR_ROUTE) - 1; i <= lastHeader; i++) {
    const header = headerAt(msg, i);
    if (byte(header + H_ID) != HDR_ROUTE) continue;
    const end = last && i == lastHeader;
    if (!front && !end) continue;
    const count = readRoutes(msg, i, front);
    if (count < 0) return false;
    const here = min(front, count);
    front -= here;
    const back = end && here < count ? 1 : 0;
    if (here + back == count) {
      const from = <i32>load<u16>(header);
      if (editRemoveRest(msg, from, <i32>load<u16>(header + H_NEXT) - from, EK_REMOVE_HDR)) return false;
      continue;
    }
    if (here && editRemoveRest(msg, firstStart, elementStart - firstStart, EK_TEXT)) return false;
    if (back && editRemoveRest(msg, previousEnd, lastEnd - previousEnd, EK_TEXT)) return false;
  }
  return true;
}
