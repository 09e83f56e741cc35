/** The Route headers of a message, element by element, read as far as somebody asks (RFC 3261 20.34). */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { removeHeader, replaceText, valueOffset } from '../../kemi/message-edits.ts';

const OPEN = 0x3c;
const AREA_URI = 4;
const AREA_END = 16;

/** One route: where it stands in the message, and its URI. */
export interface Route {
  /** position of its header */
  readonly header: number;
  /** position in its header */
  readonly nth: number;
  /** offsets in the message: the first byte, the byte behind the last one */
  readonly start: number;
  readonly end: number;
  readonly uri: ByteStr;
}

/** A header that does not read as a list of routes. */
export class BadRoute extends Error {}

export class RouteSet {
  readonly #msg: SipMsg;
  /** headers of this name, by position; those that were read, with their routes */
  readonly #headers: number[] = [];
  readonly #read = new Map<number, readonly Route[]>();

  constructor(msg: SipMsg) {
    this.#msg = msg;
    const first = msg.mem.u8[msg.at + L.M_FIRST + L.HDR_ROUTE]!;
    if (!first) return;
    for (let i = first - 1, n = msg.headerCount; i < n; i++)
      if (msg.mem.u8[msg.at + L.MSG_HDRS + i * L.HDR_SIZE + L.H_ID] === L.HDR_ROUTE) this.#headers.push(i);
  }

  get empty(): boolean {
    return this.#headers.length === 0;
  }

  /** @returns undefined when there are fewer  @throws BadRoute */
  at(index: number): Route | undefined {
    let before = 0;
    for (const header of this.#headers) {
      const routes = this.#routes(header);
      if (index < before + routes.length) return routes[index - before];
      before += routes.length;
    }
    return undefined;
  }

  /** The last one. Only its header is read. @throws BadRoute */
  last(): Route {
    return this.#routes(this.#headers.at(-1)!).at(-1)!;
  }

  /**
   * Takes the first `count` routes out of the message, and the last one when asked. A header that keeps none goes whole.
   * @returns false when the message's memory is full
   */
  remove(count: number, last: boolean): boolean {
    const msg = this.#msg;
    let left = count;
    for (const [i, header] of this.#headers.entries()) {
      const end = last && i === this.#headers.length - 1;
      if (left === 0 && !end) continue;
      const routes = this.#routes(header);
      const front = Math.min(left, routes.length);
      left -= front;
      const back = end && front < routes.length ? 1 : 0;
      let done: boolean;
      if (front + back === routes.length) done = removeHeader(msg, header);
      else {
        const start = routes[0]!.start;
        done = front === 0 || replaceText(msg, start, routes[front]!.start - start, '');
        const from = back ? routes.at(-2)!.end : 0;
        done &&= back === 0 || replaceText(msg, from, routes.at(-1)!.end - from, '');
      }
      if (!done) return false;
    }
    return true;
  }

  #routes(header: number): readonly Route[] {
    const known = this.#read.get(header);
    if (known) return known;
    const routes = readHeader(this.#msg, header);
    this.#read.set(header, routes);
    return routes;
  }
}

/** Reads one header. A route stands in angle brackets: without them the URI's parameters would be the header's. @throws BadRoute */
function readHeader(msg: SipMsg, index: number): Route[] {
  const { core, mem, buf } = msg;
  const area = core.x.scratchArea();
  const out: Route[] = [];
  const at = msg.at + L.MSG_HDRS + index * L.HDR_SIZE;
  const bodyEnd = mem.u16(at + L.H_BODY) + mem.u16(at + L.H_BODY + 2);
  let start = valueOffset(msg, { index } as Parameters<typeof valueOffset>[1]);
  let cursor = index << 16;
  while (start < bodyEnd) {
    cursor = core.x.nextAddr(msg.at, L.HDR_ROUTE, cursor, area);
    const uriAt = mem.u16(area + AREA_URI);
    if (cursor <= 0 || uriAt === 0 || mem.u8[buf + uriAt - 1] !== OPEN) throw new BadRoute();
    const comma = cursor >> 16 === index;
    let end = comma ? (cursor & 0xffff) - 1 : mem.u16(area + AREA_END);
    while (end > start && isBlank(mem.u8[buf + end - 1]!)) end--;
    out.push({
      header: index,
      nth: out.length,
      start,
      end,
      uri: mem.str(buf + uriAt, mem.u16(area + AREA_URI + 2)),
    });
    if (!comma) return out;
    start = cursor & 0xffff;
    while (start < bodyEnd && isBlank(mem.u8[buf + start]!)) start++;
  }
  throw new BadRoute();
}

const isBlank = (c: number): boolean => c === 0x20 || c === 0x09 || c === 0x0d || c === 0x0a;
