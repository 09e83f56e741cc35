/** The Route headers of a message, element by element, read as far as somebody asks (RFC 3261 20.34). */
import * as L from '../../core/gen/layout.gen.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { type Address, addressesIn, headersWith } from '../../kemi/addresses.ts';
import { removeHeader, replaceText } from '../../kemi/message-edits.ts';

/** A header that does not read as a list of routes. */
export class BadRoute extends Error {}

export class RouteSet {
  readonly #msg: SipMsg;
  /** headers of this name, by position; those that were read, with their routes */
  readonly #headers: readonly number[];
  readonly #read = new Map<number, readonly Address[]>();

  constructor(msg: SipMsg) {
    this.#msg = msg;
    this.#headers = headersWith(msg, L.HDR_ROUTE);
  }

  get empty(): boolean {
    return this.#headers.length === 0;
  }

  /** @returns undefined when there are fewer  @throws BadRoute */
  at(index: number): Address | undefined {
    let before = 0;
    for (const header of this.#headers) {
      const routes = this.#routes(header);
      if (index < before + routes.length) return routes[index - before];
      before += routes.length;
    }
    return undefined;
  }

  /** The last one. Only its header is read. @throws BadRoute */
  last(): Address {
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

  #routes(header: number): readonly Address[] {
    const known = this.#read.get(header);
    if (known) return known;
    const routes = readHeader(this.#msg, header);
    this.#read.set(header, routes);
    return routes;
  }
}

/** Reads one header. A route stands in angle brackets: without them the URI's parameters would be the header's. @throws BadRoute */
function readHeader(msg: SipMsg, index: number): readonly Address[] {
  const routes = addressesIn(msg, index);
  if (!routes?.every(route => route.bracketed)) throw new BadRoute();
  return routes;
}
