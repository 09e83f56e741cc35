/**
 * Cuts a stream of bytes into HTTP/1.x requests (RFC 9112), as far as a SIP server needs them: the handshake of WebSocket, and small requests that a script
 * answers. Pure: one object per connection, no I/O. Strict: what two readers could read in two ways is refused.
 */
import { type ByteStr, byteStr } from '../core/memory.ts';
import type { HttpHeader, HttpRequest } from '../kemi/http.ts';

export interface HttpHandler {
  /** one whole request; the framer gives the next one only after next() */
  request(request: HttpRequest): void;
  /** What comes is no request, or one that is not taken. The stream is of no use from here on. */
  refused(code: number, reason: string): void;
}

export const MAX_HEAD_BYTES = 8192;
const MAX_HEADERS = 100;
const FIRST_BYTES = 1024;
const CR = 13;
const LF = 10;

export class HttpFramer {
  readonly #bodyLimit: number;
  readonly #handler: HttpHandler;
  #kept: Uint8Array = new Uint8Array(0);
  #length = 0;
  /** how far the head was looked at for its end */
  #scanned = 0;
  /** what the head of the request said whose body is not whole */
  #head: HttpRequest | undefined;
  #bodyAt = 0;
  #bodyBytes = 0;
  /** a request is out and has no answer */
  #busy = false;
  #closed = false;

  /** @param bodyLimit bytes of a body */
  constructor(bodyLimit: number, handler: HttpHandler) {
    this.#bodyLimit = bodyLimit;
    this.#handler = handler;
  }

  /** whether a request has begun and is not whole */
  get partial(): boolean {
    return this.#length > 0 && !this.#busy;
  }

  /** whether a request waits for its answer: what comes meanwhile is kept */
  get busy(): boolean {
    return this.#busy;
  }

  /** Takes what came behind the last request: the connection speaks something else from here on. */
  takeRest(): Uint8Array {
    const rest = this.#kept.slice(0, this.#length);
    this.close();
    return rest;
  }

  close(): void {
    this.#closed = true;
    this.#kept = new Uint8Array(0);
    this.#length = 0;
    this.#head = undefined;
  }

  /** Takes the next bytes of the stream. COPIED. */
  push(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#keep(chunk);
    this.#look();
  }

  /** The last request was answered: the next one, where it came already. */
  next(): void {
    this.#busy = false;
    if (!this.#closed && this.#length > 0) this.#look();
  }

  #look(): void {
    if (this.#busy) return;
    if (!this.#head && !this.#readHead()) return;
    if (this.#length - this.#bodyAt < this.#bodyBytes) return;
    const end = this.#bodyAt + this.#bodyBytes;
    const request: HttpRequest = { ...this.#head!, body: this.#kept.slice(this.#bodyAt, end) };
    this.#kept.copyWithin(0, end, this.#length);
    this.#length -= end;
    this.#scanned = 0;
    this.#head = undefined;
    this.#busy = true;
    this.#handler.request(request);
  }

  /** @returns whether the head is whole and was taken */
  #readHead(): boolean {
    // RFC 9112 2.2: empty lines in front of a request are passed over
    let start = 0;
    while (start + 1 < this.#length && this.#kept[start] === CR && this.#kept[start + 1] === LF) start += 2;
    if (start > 0) {
      this.#kept.copyWithin(0, start, this.#length);
      this.#length -= start;
      this.#scanned = 0;
    }
    const end = headEnd(this.#kept, this.#scanned, this.#length);
    if (end === 0) {
      if (this.#length > MAX_HEAD_BYTES) return this.#refuse(431, 'Request Header Fields Too Large');
      this.#scanned = Math.max(0, this.#length - 3);
      return false;
    }
    if (end > MAX_HEAD_BYTES) return this.#refuse(431, 'Request Header Fields Too Large');
    const read = readHead(byteStr(this.#kept.subarray(0, end - 4)));
    if ('code' in read) return this.#refuse(read.code, read.reason);
    if (read.bodyBytes > this.#bodyLimit) return this.#refuse(413, 'Content Too Large');
    this.#head = read.request;
    this.#bodyAt = end;
    this.#bodyBytes = read.bodyBytes;
    return true;
  }

  #refuse(code: number, reason: string): false {
    this.close();
    this.#handler.refused(code, reason);
    return false;
  }

  #keep(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#kept.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#kept.length, FIRST_BYTES));
      grown.set(this.#kept.subarray(0, this.#length));
      this.#kept = grown;
    }
    this.#kept.set(chunk, this.#length);
    this.#length = needed;
  }
}

/** @returns offset behind the empty line, 0 when it is not there */
function headEnd(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; ; at++) {
    at = bytes.indexOf(CR, at);
    if (at < 0 || at + 3 >= end) return 0;
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at + 4;
  }
}

type Refusal = { readonly code: number; readonly reason: string };

const BAD: Refusal = { code: 400, reason: 'Bad Request' };
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]{1,4096}) HTTP\/(\d)\.(\d)$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)$/;

/** @param text the head without its empty line */
function readHead(text: ByteStr): { readonly request: HttpRequest; readonly bodyBytes: number } | Refusal {
  const [first, ...lines] = text.split('\r\n');
  const start = REQUEST_LINE.exec(first!);
  if (!start) return BAD;
  const [, method, target, major, minor] = start;
  if (major !== '1') return { code: 505, reason: 'HTTP Version Not Supported' };
  if (lines.length > MAX_HEADERS) return { code: 431, reason: 'Request Header Fields Too Large' };
  const headers: HttpHeader[] = [];
  let bodyBytes = -1;
  for (const line of lines) {
    const field = FIELD.exec(line);
    if (!field) return BAD;
    const name = field[1]!;
    const value = field[2]!.replace(/[ \t]+$/, '');
    headers.push([name, value]);
    const lower = name.toLowerCase();
    // RFC 9112 6.1: without chunks we would not find the end
    if (lower === 'transfer-encoding') return { code: 501, reason: 'Not Implemented' };
    if (lower === 'content-length') {
      if (bodyBytes >= 0 || !/^\d{1,9}$/.test(value)) return BAD;
      bodyBytes = Number(value);
    }
  }
  const version = minor === '0' ? '1.0' : '1.1';
  const request = { method: method!, target: target!, version, headers, body: new Uint8Array(0) } as const;
  return { request, bodyBytes: Math.max(0, bodyBytes) };
}

/**
 * Whether a stream begins with an HTTP request: its first line ends with a version of HTTP.
 * @returns undefined while that cannot be told
 */
export function looksLikeHttp(bytes: Uint8Array): boolean | undefined {
  const first = bytes[0];
  // a keep-alive of SIP, or no method
  if (first !== undefined && (first < 65 || first > 90)) return false;
  const end = bytes.indexOf(LF);
  if (end < 0) return bytes.length > MAX_HEAD_BYTES ? false : undefined;
  return / HTTP\/\d\.\d\r?\n$/.test(byteStr(bytes.subarray(Math.max(0, end - 12), end + 1)));
}
