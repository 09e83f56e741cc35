/**
 * Cuts a stream of bytes into SIP messages (RFC 3261 18.3): up to the empty line, and as many bytes behind it as Content-Length says. Pure: one object per
 * connection, no I/O. It looks at nothing else of a message, and a message that is whole within one chunk is not copied.
 */

/** What a framer finds. The bytes are BORROWED: until the call returns. */
export interface FrameHandler {
  /** one whole message */
  message(bytes: Uint8Array): void;
  /** two line ends between messages: the keep-alive of RFC 5626 3.5.1, which is answered with one */
  ping(): void;
  /** The start of a message that will not be read: longer than the limit. The stream is of no use from here on. */
  tooLong(bytes: Uint8Array): void;
  /** Where the message ends cannot be told: no Content-Length, two that differ, no number. The stream is of no use from here on. */
  unframed(why: string): void;
}

const CR = 13;
const LF = 10;
const SP = 32;
const TAB = 9;
const COLON = 58;
const ZERO = 48;
const LONG_NAME = 'content-length';
const LETTER_L = 108;
const LOWER = 0x20;

/** longest Content-Length in digits: anything longer is above every limit */
const MAX_DIGITS = 9;

export class StreamFramer {
  readonly #limit: number;
  readonly #handler: FrameHandler;
  /** what came of a message that is not whole yet */
  #kept: Uint8Array = EMPTY;
  #length = 0;
  /** how far the header was looked at for its end */
  #scanned = 0;
  /** bytes of the message with its body; 0 as long as the header's end was not seen */
  #total = 0;
  /** line ends in front of a message, of which two make a ping; a CR may stand at the end of a chunk */
  #lineEnds = 0;
  #lastCr = false;
  #closed = false;

  /** @param limit bytes of one message, header and body */
  constructor(limit: number, handler: FrameHandler) {
    this.#limit = limit;
    this.#handler = handler;
  }

  /** whether a message has begun and is not whole */
  get partial(): boolean {
    return this.#length > 0;
  }

  /** bytes that are kept until the rest comes */
  get keptBytes(): number {
    return this.#kept.length;
  }

  /** Lets go of what is kept, and takes nothing any more. */
  close(): void {
    this.#closed = true;
    this.#drop();
  }

  /** Takes the next bytes of the stream. COPIED where they are kept. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#closed) {
      if (this.#length > 0) {
        at = this.#continue(chunk, at);
        continue;
      }
      at = this.#skipLineEnds(chunk, at);
      if (at < chunk.length && !this.#closed) at = this.#begin(chunk, at);
    }
  }

  /** Passes over what stands between messages. @returns where the next message begins */
  #skipLineEnds(chunk: Uint8Array, from: number): number {
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === LF) {
        // only CRLF counts: a stray LF is passed over
        if (this.#lastCr && ++this.#lineEnds === 2) {
          this.#lineEnds = 0;
          this.#handler.ping();
          if (this.#closed) return at;
        }
        this.#lastCr = false;
      } else if (byte === CR) this.#lastCr = true;
      else {
        this.#lineEnds = 0;
        this.#lastCr = false;
        break;
      }
    }
    return at;
  }

  /** A message begins at `from`. @returns what was used of the chunk */
  #begin(chunk: Uint8Array, from: number): number {
    const end = headerEnd(chunk, from, chunk.length);
    if (end > 0) {
      const total = this.#sizeOf(chunk, from, end);
      if (total < 0) return chunk.length;
      if (from + total <= chunk.length) {
        this.#handler.message(chunk.subarray(from, from + total));
        return from + total;
      }
      this.#total = total;
    }
    const rest = chunk.length - from;
    if (rest >= this.#limit) return this.#refuse(chunk.subarray(from, from + this.#limit));
    this.#keep(chunk, from, rest);
    this.#scanned = Math.max(0, this.#length - 3);
    return chunk.length;
  }

  /** The message that is kept goes on at `from`. @returns what was used of the chunk */
  #continue(chunk: Uint8Array, from: number): number {
    if (this.#total === 0) {
      // what is behind the header's end belongs to whoever is next: found in the chunk, not in the copy
      const room = this.#limit - this.#length;
      const take = Math.min(chunk.length - from, room);
      this.#keep(chunk, from, take);
      const end = headerEnd(this.#kept, this.#scanned, this.#length);
      if (end === 0) {
        if (this.#length >= this.#limit) return this.#refuse(this.#kept.subarray(0, this.#length));
        this.#scanned = Math.max(0, this.#length - 3);
        return from + take;
      }
      const total = this.#sizeOf(this.#kept, 0, end);
      if (total < 0) return chunk.length;
      const used = take - Math.max(0, this.#length - total);
      if (this.#length < total) {
        this.#total = total;
        return from + take;
      }
      this.#finish(total);
      return from + used;
    }
    const take = Math.min(chunk.length - from, this.#total - this.#length);
    this.#keep(chunk, from, take);
    if (this.#length === this.#total) this.#finish(this.#total);
    return from + take;
  }

  /** @returns bytes of the message, or -1 when it was refused */
  #sizeOf(bytes: Uint8Array, from: number, end: number): number {
    if (end - from > this.#limit) {
      this.#refuse(bytes.subarray(from, from + this.#limit));
      return -1;
    }
    const body = contentLength(bytes, from, end);
    if (typeof body === 'string') {
      this.close();
      this.#handler.unframed(body);
      return -1;
    }
    const total = end - from + body;
    if (total <= this.#limit) return total;
    this.#refuse(bytes.subarray(from, end));
    return -1;
  }

  #refuse(start: Uint8Array): number {
    this.#handler.tooLong(start);
    this.close();
    return Number.MAX_SAFE_INTEGER;
  }

  #finish(total: number): void {
    const message = this.#kept.subarray(0, total);
    this.#drop();
    this.#handler.message(message);
  }

  #keep(chunk: Uint8Array, from: number, count: number): void {
    const needed = this.#length + count;
    if (needed > this.#kept.length) {
      const grown = new Uint8Array(
        Math.max(needed, Math.min(Math.max(2 * this.#kept.length, FIRST_BYTES), this.#limit)),
      );
      grown.set(this.#kept.subarray(0, this.#length));
      this.#kept = grown;
    }
    this.#kept.set(chunk.subarray(from, from + count), this.#length);
    this.#length = needed;
  }

  #drop(): void {
    this.#kept = EMPTY;
    this.#length = 0;
    this.#scanned = 0;
    this.#total = 0;
  }
}

const EMPTY = new Uint8Array(0);
const FIRST_BYTES = 512;

/**
 * Finds the empty line. A bare LF ends a line too, as in Kamailio.
 * @returns offset behind it; 0 when it is not there
 */
function headerEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (;;) {
    at = bytes.indexOf(LF, at);
    if (at < 0 || at + 1 >= end) return 0;
    const next = bytes[at + 1];
    if (next === LF) return at + 2;
    if (next === CR) {
      if (at + 2 >= end) return 0;
      if (bytes[at + 2] === LF) return at + 3;
    }
    at++;
  }
}

/** @returns what Content-Length says, or what is wrong with it */
function contentLength(bytes: Uint8Array, from: number, end: number): number | string {
  let found = -1;
  // the first line is no header field
  let at = bytes.indexOf(LF, from) + 1;
  while (at > 0 && at < end) {
    const colon = fieldColon(bytes, at, end);
    if (colon > 0) {
      const value = lengthValue(bytes, colon + 1, end);
      if (value < 0) return 'its Content-Length is no number';
      if (found >= 0 && found !== value) return 'it has two Content-Lengths that differ';
      found = value;
    }
    at = bytes.indexOf(LF, at) + 1;
  }
  return found < 0 ? 'it has no Content-Length' : found;
}

/** @returns offset of the colon when the line at `at` is a Content-Length or its compact form, else 0 */
function fieldColon(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]! | LOWER;
  let p: number;
  if (first === LETTER_L) p = at + 1;
  else if (first === 99) {
    if (at + LONG_NAME.length >= end) return 0;
    for (let i = 1; i < LONG_NAME.length; i++) {
      const byte = bytes[at + i]!;
      const wanted = LONG_NAME.charCodeAt(i);
      if (byte !== wanted && ((byte | LOWER) !== wanted || byte < 65)) return 0;
    }
    p = at + LONG_NAME.length;
  } else return 0;
  while (p < end && (bytes[p] === SP || bytes[p] === TAB)) p++;
  return bytes[p] === COLON ? p : 0;
}

/** @returns the number behind the colon, -1 when there is none. It may stand on a folded line. */
function lengthValue(bytes: Uint8Array, from: number, end: number): number {
  let p = skipSpace(bytes, from, end);
  const start = p;
  let value = 0;
  while (p < end && bytes[p]! >= ZERO && bytes[p]! <= ZERO + 9) {
    // long ones are above any limit already: no more digits count
    if (p - start < MAX_DIGITS || value === 0) value = value * 10 + bytes[p]! - ZERO;
    else value = Number.MAX_SAFE_INTEGER;
    p++;
  }
  if (p === start) return -1;
  p = skipSpace(bytes, p, end);
  return bytes[p] === CR || bytes[p] === LF ? Math.min(value, Number.MAX_SAFE_INTEGER) : -1;
}

/** Passes over blanks and folds. */
function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let p = from;
  for (;;) {
    while (p < end && (bytes[p] === SP || bytes[p] === TAB)) p++;
    let fold = p;
    if (bytes[fold] === CR) fold++;
    if (bytes[fold] !== LF || fold + 1 >= end || (bytes[fold + 1] !== SP && bytes[fold + 1] !== TAB)) return p;
    p = fold + 1;
  }
}
