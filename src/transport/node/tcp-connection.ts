/**
 * One TCP connection: what comes in is cut into messages, what goes out waits in a queue that has an end. It may speak HTTP in place of SIP, as its first line
 * tells, and become a WebSocket then.
 */
import type net from 'node:net';
import type { Socket } from '../../kemi/host.ts';
import type { HttpExchange, HttpRequest } from '../../kemi/http.ts';
import type { WebSocketCounters } from '../../kemi/web-socket.ts';
import { looksLikeHttp } from '../http-framer.ts';
import { type FrameHandler, StreamFramer } from '../stream-framer.ts';
import type { Source } from '../transport.ts';
import { type HttpConnection, HttpSide } from './http-side.ts';
import type { TcpLimits } from './tcp-options.ts';
import { type LinkOwner, type WebSocketMaker, WsLink } from './ws-link.ts';

/** What a connection tells its transport. */
export interface ConnectionOwner {
  readonly limits: TcpLimits;
  /** monotonic, milliseconds */
  now(): number;
  message(connection: Connection, bytes: Uint8Array, from: Source): void;
  /** a message was given to the kernel, or was not */
  wrote(bytes: number, error: Error | null | undefined): void;
  /** bytes begin (positive) or stop (negative) to wait */
  queued(bytes: number): void;
  connected(connection: Connection): void;
  /** nothing more comes in by it: it is not for requests any more */
  halfClosed(connection: Connection): void;
  /** whether HTTP is served there, besides SIP */
  servesHttp(socket: Socket): boolean;
  /** a request of HTTP, which is to be answered */
  http(connection: Connection, exchange: HttpExchange): void;
  readonly webSocketCounters: WebSocketCounters;
  readonly webSocketMaker: WebSocketMaker;
  /** the socket that messages over a WebSocket come in by, undefined where there are none */
  webSocketOf(socket: Socket): Socket | undefined;
  /** a connection is a WebSocket from now on */
  upgraded(connection: Connection, link: WsLink): void;
  /** it is gone; once per connection */
  gone(connection: Connection, error: NodeJS.ErrnoException | undefined): void;
}

export type ConnectionState = 'connecting' | 'open' | 'closed';

/**
 * How long a connection stays at most when one side has said all, milliseconds: answers to the last requests still go out, and the peer reads what it was told. Not
 * longer: a peer that closed both ways looks the same.
 */
const LINGER_MS = 2000;

const NOTHING = new Uint8Array(0);

const isWebSocket = ({ proto }: Socket): boolean => proto === 'ws' || proto === 'wss';

/** "SIP/2.0 2" and up */
function isFinalAnswer(bytes: Uint8Array): boolean {
  return isReply(bytes) && bytes[8]! >= 50;
}

function wantsAnswer(bytes: Uint8Array): boolean {
  return !isReply(bytes) && !(bytes[0] === 65 && bytes[1] === 67 && bytes[2] === 75);
}

/** "SIP/" */
function isReply(bytes: Uint8Array): boolean {
  return bytes[0] === 83 && bytes[1] === 73 && bytes[2] === 80 && bytes[3] === 47;
}

const PONG = Buffer.from('\r\n');
const GOING_AWAY = 1001;

export class Connection implements FrameHandler, HttpConnection, LinkOwner {
  readonly id: number;
  /** the listening socket it belongs to; of a WebSocket the one for those */
  socket: Socket;
  readonly from: Source;
  /** who opened it: the peer, or we */
  readonly incoming: boolean;
  state: ConnectionState;
  readonly #owner: ConnectionOwner;
  readonly #stream: net.Socket;
  readonly #framer: StreamFramer;
  /** what came of a first line that is not whole: it may be HTTP; undefined once that is settled */
  #first: Uint8Array | undefined;
  /** set when it speaks HTTP, and stays set on a WebSocket */
  #http: HttpSide | undefined;
  #link: WsLink | undefined;
  /** the frame that is read began with the last chunk */
  #fresh = false;
  /** sent before the connection was there: what to tell when it never is */
  #lost: (() => void)[] = [];
  #activeMs: number;
  #partialMs = 0;
  /** bytes that the kernel has not taken, and since when it takes nothing */
  #waiting = 0;
  #stuckMs = 0;
  #ending = false;
  /** since when one side has said all, 0 while neither has */
  #overMs = 0;
  #neverMade = false;
  /** requests by it that have no final answer yet, as far as the first bytes of messages tell: it only decides when a half-closed connection goes */
  #owed = 0;
  #error: NodeJS.ErrnoException | undefined;

  constructor(
    owner: ConnectionOwner,
    id: number,
    socket: Socket,
    peer: { readonly ip: string; readonly port: number; readonly family: 4 | 6 },
    stream: net.Socket,
    incoming: boolean,
  ) {
    this.#owner = owner;
    this.id = id;
    this.socket = socket;
    this.from = { ...peer, connection: id };
    this.incoming = incoming;
    this.state = incoming ? 'open' : 'connecting';
    this.#stream = stream;
    this.#framer = new StreamFramer(owner.limits.messageBytes, this);
    this.#activeMs = owner.now();
    if (incoming && isWebSocket(socket)) {
      this.#http = new HttpSide(this, 0);
      // the handshake must be whole in time, whether or not it has begun
      this.#partialMs = this.#activeMs;
    } else if (incoming && owner.servesHttp(socket)) this.#first = NOTHING;
    stream.setNoDelay(true);
    stream.on('data', this.#onData);
    // a peer that has said all still gets its answers
    stream.on('end', () => {
      if (this.#link) {
        // ws ends it
        this.linkClosing();
        return;
      }
      this.#framer.close();
      this.#partialMs = 0;
      if (this.#http) this.end();
      this.#overMs ||= owner.now();
      owner.halfClosed(this);
      if (this.#owed <= 0) this.end();
    });
    stream.on('error', error => {
      this.#error = error;
    });
    stream.on('close', () => this.#closed());
    if (!incoming)
      stream.on('connect', () => {
        if (this.state !== 'connecting') return;
        this.state = 'open';
        this.#lost = [];
        this.#activeMs = this.#stuckMs = owner.now();
        owner.connected(this);
      });
  }

  /** bytes that the kernel has not taken */
  get queuedBytes(): number {
    return this.#waiting;
  }

  /** whether it is gone without ever having been open */
  get neverMade(): boolean {
    return this.#neverMade;
  }

  /** whether messages can be sent on it */
  get usable(): boolean {
    return this.state !== 'closed' && !this.#ending && (!this.#http || this.#link?.open === true);
  }

  /** whether nothing more can be written to it */
  get gone(): boolean {
    return this.state === 'closed' || this.#ending;
  }

  /** @param bytes COPIED  @returns false when too much waits already */
  send(bytes: Uint8Array, lost: (() => void) | undefined, close: boolean): boolean {
    const { limits } = this.#owner;
    if (!this.usable || (this.#waiting > 0 && this.#waiting + bytes.length > limits.queueBytes)) return false;
    if (this.state === 'connecting' && lost) this.#lost.push(lost);
    this.#write(Buffer.from(bytes), true);
    if (isFinalAnswer(bytes)) this.#owed--;
    if (close || (this.#overMs > 0 && this.#owed <= 0)) this.end();
    return true;
  }

  /** Closes it once what waits has left. What still comes is read and thrown away: closing over it would cost the peer our last answer. */
  end(): void {
    if (this.#ending || this.state === 'closed') return;
    this.#ending = true;
    this.#partialMs = 0;
    this.#overMs ||= this.#owner.now();
    this.#framer.close();
    if (this.#link) this.#link.close(GOING_AWAY, '');
    else this.#stream.end();
  }

  /** Nobody wants to know any more what was lost. */
  forget(): void {
    this.#lost = [];
  }

  /** Closes it at once. */
  destroy(): void {
    this.#stream.destroy();
  }

  /** Looks at its times. @returns why it was closed, undefined while all is well */
  check(now: number): string | undefined {
    const { limits } = this.#owner;
    if (this.#overMs > 0 && this.state === 'open' && now - this.#overMs >= LINGER_MS) {
      this.destroy();
      return undefined;
    }
    const why =
      this.state === 'connecting'
        ? now - this.#activeMs >= limits.connectMs && 'the connection was not made in time'
        : this.#waiting > 0 && now - this.#stuckMs >= limits.sendMs
          ? 'the peer takes nothing'
          : this.#partialMs > 0 && now - this.#partialMs >= limits.readMs
            ? 'a message did not become whole in time'
            : now - this.#activeMs >= limits.lifetimeMs && 'nothing came or went for its lifetime';
    if (!why) return undefined;
    this.destroy();
    return why;
  }

  // ---- what the framer finds

  message(bytes: Uint8Array): void {
    this.#partialMs = 0;
    if (wantsAnswer(bytes)) this.#owed++;
    this.#owner.message(this, bytes, this.from);
  }

  ping(): void {
    // a peer that sends pings and reads nothing gets none
    if (this.#owner.limits.ping && this.#waiting === 0 && this.usable) this.#write(PONG, false);
  }

  tooLong(bytes: Uint8Array): void {
    this.#owner.message(this, bytes, { ...this.from, tooLong: true });
    this.end();
  }

  unframed(): void {
    this.end();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    const now = this.#owner.now();
    this.#activeMs = now;
    if (this.#ending) return;
    if (this.#http) this.#http.push(chunk);
    else if (this.#first) this.#begin(chunk);
    else this.#framer.push(chunk);
    // a WebSocket by now: its frames have their own time
    if (this.#link) return;
    if (!(this.#first?.length || (this.#http ?? this.#framer).partial)) this.#partialMs = 0;
    else if (this.#partialMs === 0) this.#partialMs = now;
  };

  /** The first line tells HTTP from SIP. */
  #begin(chunk: Uint8Array): void {
    const bytes = this.#first!.length > 0 ? Buffer.concat([this.#first!, chunk]) : chunk;
    const http = looksLikeHttp(bytes);
    // COPIED: the chunk is the stream's
    this.#first = http === undefined ? Uint8Array.from(bytes) : undefined;
    if (http) {
      this.#http = new HttpSide(this, this.#owner.limits.messageBytes);
      this.#http.push(bytes);
    } else if (http === false) this.#framer.push(bytes);
  }

  // ---- what the HTTP side asks for

  writeHttp(bytes: Buffer): void {
    this.#write(bytes, false);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  exchange(exchange: HttpExchange): void {
    this.#owner.http(this, exchange);
  }

  upgrade(request: HttpRequest, rest: Uint8Array, headers: readonly string[]): boolean {
    const socket = this.#owner.webSocketOf(this.socket);
    if (!socket) return false;
    const stream = this.#stream;
    stream.off('data', this.#onData);
    // nothing may come before all who want it are there
    stream.pause();
    const made = this.#owner.webSocketMaker.make(request, stream, rest, headers);
    if (!made) {
      this.destroy();
      return false;
    }
    this.socket = socket;
    this.#partialMs = 0;
    this.#link = new WsLink(this, made, stream);
    // in front of those of ws: what a chunk makes whole is told behind it
    stream.prependListener('data', this.#onFrameData);
    stream.resume();
    this.#owner.upgraded(this, this.#link);
    return true;
  }

  // ---- what the WebSocket tells

  get counters(): WebSocketCounters {
    return this.#owner.webSocketCounters;
  }

  get answersPings(): boolean {
    return this.#owner.limits.ping;
  }

  get queueBytes(): number {
    return this.#owner.limits.queueBytes;
  }

  now(): number {
    return this.#owner.now();
  }

  linkMessage(bytes: Uint8Array): void {
    if (!this.#ending) this.message(bytes);
  }

  linkWhole(message: boolean): void {
    // control frames stand between the fragments of a message that does not become whole
    if (message || this.#fresh) this.#partialMs = 0;
  }

  linkClosing(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#partialMs = 0;
    this.#overMs ||= this.#owner.now();
    this.#owner.halfClosed(this);
  }

  readonly #onFrameData = (): void => {
    const now = this.#owner.now();
    this.#activeMs = now;
    this.#fresh = this.#partialMs === 0;
    if (this.#fresh) this.#partialMs = now;
  };

  #write(bytes: Buffer, counts: boolean): void {
    const { length } = bytes;
    const now = this.#owner.now();
    if (this.#waiting === 0) this.#stuckMs = now;
    if (this.state === 'open') this.#activeMs = now;
    this.#waiting += length;
    this.#owner.queued(length);
    const done = (error?: Error | null) => {
      this.#waiting -= length;
      this.#owner.queued(-length);
      this.#stuckMs = this.#owner.now();
      if (counts) this.#owner.wrote(length, error);
    };
    if (this.#link) this.#link.write(bytes, done);
    else this.#stream.write(bytes, done);
  }

  #closed(): void {
    this.#neverMade = this.state === 'connecting';
    this.state = 'closed';
    this.#framer.close();
    this.#http?.close();
    this.#owner.gone(this, this.#error);
    const lost = this.#lost;
    this.#lost = [];
    if (this.#neverMade) for (const tell of lost) tell();
  }
}
