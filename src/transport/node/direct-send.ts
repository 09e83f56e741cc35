/**
 * Sends datagrams without what dgram does around each of them: a closure, a request object and a tick of the event loop for the callback cost as much as
 * the rest of an answer. It calls what dgram calls, and only after it has seen dgram do it: on a Node where that looks different, nothing is found and
 * the socket sends as ever.
 */
import type dgram from 'node:dgram';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** A request that Node's handle keeps while the kernel does not take a datagram. */
interface SendRequest {
  oncomplete: (status: number, bytes: number) => void;
  /** keeps the bytes alive */
  buffer: ArrayBuffer;
}

type Send = (
  request: SendRequest,
  list: readonly Uint8Array[],
  count: number,
  port: number,
  ip: string,
  callback: boolean,
) => number;

/** Told of a datagram that had to wait, or that failed. */
export type Done = (error: Error | null, bytes: number) => void;

/** longest datagram whose view is kept */
const MAX_KEPT = 2048;
const BUFFER_BYTES = 65536;

export const WAITS = -1;
export const FAILED = -2;

export class DirectSend {
  readonly #handle: object;
  readonly #send: Send;
  readonly #make: new () => SendRequest;
  readonly #done: Done;
  readonly #list: [Uint8Array];
  /** views of the buffer by length */
  #views!: (Uint8Array | undefined)[];
  #bytes!: Uint8Array;
  #request!: SendRequest;

  constructor(handle: object, send: Send, make: new () => SendRequest, done: Done) {
    this.#handle = handle;
    this.#send = send;
    this.#make = make;
    this.#done = done;
    this.#fresh();
    this.#list = [this.#bytes];
  }

  /**
   * COPIED.
   * @param ip address as text of the socket's family
   * @returns bytes sent; WAITS: `done` is called when the kernel took it; FAILED: `done` was called with why it never will
   */
  send(bytes: Uint8Array, port: number, ip: string): number {
    const { length } = bytes;
    if (length > BUFFER_BYTES) {
      this.#done(sendError(-constants.errno.EMSGSIZE, ip, port), 0);
      return FAILED;
    }
    const view = this.#views[length] ?? this.#view(length);
    view.set(bytes);
    this.#list[0] = view;
    const result = this.#send.call(this.#handle, this.#request, this.#list, 1, port, ip, true);
    if (result > 0) return result - 1;
    if (result < 0) {
      this.#done(sendError(result, ip, port), 0);
      return FAILED;
    }
    this.#fresh();
    return WAITS;
  }

  #view(length: number): Uint8Array {
    const view = this.#bytes.subarray(0, length);
    if (length <= MAX_KEPT) this.#views[length] = view;
    return view;
  }

  /** The request and the bytes that it waits with belong to Node now. */
  #fresh(): void {
    this.#bytes = new Uint8Array(BUFFER_BYTES);
    this.#views = new Array(MAX_KEPT + 1).fill(undefined);
    const request = new this.#make();
    request.buffer = this.#bytes.buffer as ArrayBuffer;
    request.oncomplete = (status, bytes) => this.#done(status < 0 ? sendError(status, '', 0) : null, bytes);
    this.#request = request;
  }
}

function sendError(status: number, ip: string, port: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(ip ? `send ${code} ${ip}:${port}` : `send ${code}`), { code });
}

/**
 * Watches what a bound socket sends until a datagram leaves at once.
 * @param found called with the direct way then; never, where dgram works in another way than this file expects
 * @param failed called, from inside of dgram's send(), for each datagram until then that the kernel refuses at once
 */
export function watchSend(
  socket: dgram.Socket,
  done: Done,
  found: (direct: DirectSend) => void,
  failed: () => void = () => {},
): void {
  const handle = handleOf(socket);
  const send = handle?.send;
  if (!handle || typeof send !== 'function') return;
  // an IPv6 handle has a send of its own
  const own = Object.hasOwn(handle, 'send');
  handle.send = function watched(this: unknown, ...args: unknown[]): unknown {
    const result: unknown = send.apply(this, args);
    const make = requestClass(args);
    // a datagram that was sent at once gives its length and one
    const sent = make && result === (args[1] as Uint8Array[])[0]!.length + 1;
    if ((!make || sent) && own) handle.send = send;
    else if (!make || sent) delete handle.send;
    if (make && typeof result === 'number' && result < 0) failed();
    if (sent) found(new DirectSend(handle, send as Send, make, done));
    return result;
  };
}

type Handle = {
  send?: (...args: unknown[]) => unknown;
  onmessage?: (...args: unknown[]) => unknown;
};

/** Node's own part of a socket; undefined where it is not where it was. */
export function handleOf(socket: dgram.Socket): Handle | undefined {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    if (symbol.description !== 'state symbol') continue;
    const state: unknown = Reflect.get(socket, symbol);
    const handle: unknown = typeof state === 'object' && state !== null ? Reflect.get(state, 'handle') : undefined;
    if (typeof handle === 'object' && handle !== null) return handle as Handle;
  }
  return undefined;
}

/** The class of the request, where the call has the form that send() above uses. */
function requestClass(args: readonly unknown[]): (new () => SendRequest) | undefined {
  const [request, list, count, port, ip, callback] = args;
  const known =
    args.length === 6 &&
    typeof request === 'object' &&
    request?.constructor.name === 'SendWrap' &&
    Array.isArray(list) &&
    list.length === 1 &&
    list[0] instanceof Uint8Array &&
    count === 1 &&
    typeof port === 'number' &&
    typeof ip === 'string' &&
    callback === true;
  return known ? (request.constructor as new () => SendRequest) : undefined;
}
