/**
 * One connection of TCP or TLS: what comes in is cut into messages, what goes out waits in a queue that has an end. It may speak HTTP in place of SIP, as its
 * first line tells, and become a WebSocket then.
 */
import type net from 'node:net';
import type tls from 'node:tls';
import type { CloseReason, ConnectionInfo, KeepAlive, Socket } from '../../kemi/host.ts';
import type { HttpExchange } from '../../kemi/http.ts';
import { looksLikeHttp } from '../http-framer.ts';
import { type FrameHandler, StreamFramer } from '../stream-framer.ts';
import type { Source } from '../transport.ts';
import type { TcpLimits } from './tcp-options.ts';
import { WebSide } from './web-side.ts';
import type { WebSocketHub } from './ws-hub.ts';
import type { WsLink } from './ws-link.ts';

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
  /** Whether it is used: asked when it was opened from here, before anything is sent by it. */
  admit(connection: Connection): boolean | Promise<boolean>;
  /** it can be sent on: at once, or behind the handshake of TLS */
  ready(connection: Connection): void;
  /** nothing more comes in by it: it is not for requests any more; once per connection */
  halfClosed(connection: Connection): void;
  /** whether HTTP is served besides SIP */
  servesHttp(): boolean;
  /** a request of HTTP, which is to be answered */
  http(connection: Connection, exchange: HttpExchange): void;
  readonly webSockets: WebSocketHub;
  /** the socket that messages over a WebSocket come in by, undefined where there are none */
  webSocketOf(socket: Socket): Socket | undefined;
  /** it is a WebSocket from now on, and belongs to that socket */
  upgraded(connection: Connection, socket: Socket, link: WsLink): void;
  /** it is gone; once per connection */
  gone(connection: Connection, error: NodeJS.ErrnoException | undefined): void;
}

export type ConnectionState = 'accepting' | 'connecting' | 'open' | 'closed';

/** How a connection begins. */
export type Beginning =
  /** the peer's; with `secured` it waits for the handshake of TLS */
  | { readonly by: 'peer'; readonly stream: net.Socket; readonly tls: boolean }
  /** ours; `refusal` says of a TLS connection that is made why it is not used */
  | {
      readonly by: 'us';
      readonly stream: net.Socket;
      readonly refusal?: (socket: tls.TLSSocket) => string | undefined;
    };

/**
 * How long a connection stays at most when one side has said all, milliseconds: answers to the last requests still go out, and the peer reads what it was told. Not
 * longer: a peer that closed both ways looks the same.
 */
const LINGER_MS = 2000;

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

const IDLE = 'nothing came or went for its lifetime';
const PONG = Buffer.from('\r\n');
const NOTHING = new Uint8Array(0);

export class Connection implements FrameHandler {
  readonly id: number;
  /** the listening socket it belongs to; of a WebSocket the one for those */
  socket: Socket;
  readonly from: Source;
  /** who opened it: the peer, or we */
  readonly incoming: boolean;
  state: ConnectionState;
  /** its owner has told of its end */
  told = false;
  /** messages could come by it */
  wasOpen = false;
  /** other ports of the peer that lead here */
  readonly aliases = new Set<number>();
  readonly #owner: ConnectionOwner;
  #stream: net.Socket;
  readonly #framer: StreamFramer;
  /** what came of a first line that is not whole: it may be HTTP; undefined once that is settled */
  #first: Uint8Array | undefined;
  /** set when it speaks HTTP, or is a WebSocket */
  #web: WebSide | undefined;
  /** sent before the connection was there: what to tell when it never is */
  #lost: (() => void)[] = [];
  #activeMs: number;
  #lifetimeMs: number;
  #partialMs = 0;
  /** what waits for a TLS connection to be made: nothing may reach a server before it is known who that is */
  #held: { readonly bytes: Buffer; readonly counts: boolean }[] | undefined;
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
  #timedOut: 'timeout' | 'expired' | undefined;
  /** by the script: what comes and goes does not change it any more */
  #lifetimeIsSet = false;

  constructor(
    owner: ConnectionOwner,
    id: number,
    socket: Socket,
    peer: { readonly ip: string; readonly port: number; readonly family: 4 | 6 },
    beginning: Beginning,
  ) {
    this.#owner = owner;
    this.id = id;
    this.socket = socket;
    this.from = { ...peer, connection: id };
    this.incoming = beginning.by === 'peer';
    this.#stream = beginning.stream;
    this.#framer = new StreamFramer(owner.limits.messageBytes, this);
    this.#activeMs = owner.now();
    this.#lifetimeMs = socket.proto === 'tls' ? owner.limits.tlsIdleMs : owner.limits.lifetimeMs;
    if (beginning.by === 'us') {
      this.state = 'connecting';
      this.#attach(beginning.stream);
      const { refusal } = beginning;
      if (refusal) this.#held = [];
      if (refusal) beginning.stream.on('secureConnect', () => this.#made(refusal(this.#stream as tls.TLSSocket)));
      else beginning.stream.on('connect', () => this.#made(undefined));
    } else if (beginning.tls) {
      this.state = 'accepting';
      // until it is secured, the acceptor's
      beginning.stream.on('error', error => {
        this.#error = error;
      });
      beginning.stream.on('close', () => {
        if (this.state === 'accepting') this.#closed();
      });
    } else {
      this.state = 'open';
      this.wasOpen = true;
      this.#attach(beginning.stream);
    }
  }

  /** The handshake of an accepted connection is done. */
  secured(stream: tls.TLSSocket): void {
    if (this.state !== 'accepting') {
      stream.destroy();
      return;
    }
    this.state = 'open';
    this.wasOpen = true;
    this.#stream = stream;
    this.#activeMs = this.#owner.now();
    this.#attach(stream);
    this.#owner.ready(this);
  }

  #attach(stream: net.Socket): void {
    const owner = this.#owner;
    const { keepAlive, keepIdleSec, keepCount, keepIntervalSec } = owner.limits;
    if (isWebSocket(this.socket)) {
      this.#web = this.#webSide(0);
      // the handshake must be whole in time, whether or not it has begun
      this.#web.partialMs = owner.now();
    } else if (this.incoming && owner.servesHttp()) this.#first = NOTHING;
    stream.setNoDelay(true);
    // what is not said has Linux's default: the system is told all of them or none
    if (keepAlive && keepIdleSec + keepCount + keepIntervalSec > 0)
      this.setKeepAlive({ idleSec: keepIdleSec || 7200, count: keepCount || 9, intervalSec: keepIntervalSec || 75 });
    stream.on('data', this.#onData);
    // a peer that has said all still gets its answers
    stream.on('end', () => {
      if (this.#web?.isLink) {
        // ws ends it
        this.#closing();
        owner.halfClosed(this);
        return;
      }
      this.#framer.close();
      this.#partialMs = 0;
      if (this.#web) this.end();
      this.#overMs ||= owner.now();
      if (this.state === 'open') owner.halfClosed(this);
      if (this.#owed <= 0) this.end();
    });
    stream.on('error', error => {
      this.#error = error;
    });
    stream.on('close', () => this.#closed());
  }

  /** @param refusal why it is not used after all */
  #made(refusal: string | undefined): void {
    if (this.state !== 'connecting') return;
    if (refusal !== undefined) {
      this.#stream.destroy(new Error(refusal));
      return;
    }
    const use = this.#owner.admit(this);
    if (use instanceof Promise) void use.then(good => this.#opened(good));
    else this.#opened(use);
  }

  #opened(use: boolean): void {
    if (this.state !== 'connecting') return;
    if (!use) {
      this.#stream.destroy(new Error('the script does not want it'));
      return;
    }
    this.state = 'open';
    this.wasOpen = true;
    this.#lost = [];
    this.#activeMs = this.#stuckMs = this.#owner.now();
    this.#owner.connected(this);
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { bytes, counts } of held) this.#give(bytes, counts);
    if (this.#ending) this.#stream.end();
  }

  /** of node:tls, when that protects it */
  get tls(): tls.TLSSocket | undefined {
    return (this.socket.proto === 'tls' || this.socket.proto === 'wss') && this.state === 'open'
      ? (this.#stream as tls.TLSSocket)
      : undefined;
  }

  /** Why it is gone, or nothing more comes in. */
  get reason(): CloseReason {
    const code = this.#error?.code;
    if (this.#timedOut) return this.#timedOut;
    if (code === 'ETIMEDOUT') return 'timeout';
    return code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'closed';
  }

  /** How it is now. */
  get info(): ConnectionInfo {
    const { from, socket, incoming } = this;
    return {
      id: this.id,
      proto: socket.proto,
      state: this.#ending || this.#overMs > 0 || this.state === 'closed' ? 'ending' : this.state,
      incoming,
      ip: from.ip,
      port: from.port,
      localIp: this.#stream.localAddress ?? socket.ip,
      localPort: this.#stream.localPort ?? 0,
      socket: socket.index,
      lifetimeMs: this.#lifetimeMs,
      leftMs: Math.max(0, this.#lifetimeMs - (this.#owner.now() - this.#activeMs)),
      queuedBytes: this.#waiting,
      aliases: [...this.aliases],
    };
  }

  setLifetime(ms: number): void {
    this.#lifetimeMs = ms;
    this.#activeMs = this.#owner.now();
    this.#lifetimeIsSet = true;
  }

  setKeepAlive(how: KeepAlive | undefined): void {
    // Node before 24 knows the first two only: the others are ignored there
    const set: (on: boolean, idleMs?: number, intervalMs?: number, count?: number) => unknown =
      this.#stream.setKeepAlive;
    if (how) set.call(this.#stream, true, how.idleSec * 1000, how.intervalSec * 1000, how.count);
    else set.call(this.#stream, false);
  }

  /** bytes that the kernel has not taken */
  get queuedBytes(): number {
    return this.#waiting;
  }

  /** whether it is gone without ever having been open */
  get neverMade(): boolean {
    return this.#neverMade;
  }

  /** whether requests may go by it: a peer that has said all only gets its answers */
  get takesRequests(): boolean {
    return this.usable && this.#overMs === 0;
  }

  /** whether messages can be sent on it */
  get usable(): boolean {
    if (this.state === 'closed' || this.state === 'accepting' || this.#ending) return false;
    return !this.#web || this.#web.usable;
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
    if (this.state === 'accepting') {
      this.destroy();
      return;
    }
    this.#ending = true;
    this.#partialMs = 0;
    this.#overMs ||= this.#owner.now();
    this.#framer.close();
    if (this.#web) this.#web.finish();
    // with something held it ends when that has left
    else if (!this.#held?.length) this.#stream.end();
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
    const partialMs = this.#web ? this.#web.partialMs : this.#partialMs;
    const why =
      this.state === 'connecting' || this.state === 'accepting'
        ? now - this.#activeMs >= limits.connectMs && 'the connection was not made in time'
        : this.#waiting > 0 && now - this.#stuckMs >= limits.sendMs
          ? 'the peer takes nothing'
          : partialMs > 0 && now - partialMs >= limits.readMs
            ? 'a message did not become whole in time'
            : now - this.#activeMs >= this.#lifetimeMs && IDLE;
    if (!why) return undefined;
    this.#timedOut = why === IDLE ? 'expired' : 'timeout';
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
    this.#active(now);
    if (this.#ending) return;
    if (this.#web) {
      this.#web.push(chunk);
      return;
    }
    if (this.#first) this.#begin(chunk);
    else this.#framer.push(chunk);
    if (!this.#first?.length && !this.#framer.partial) this.#partialMs = 0;
    else if (this.#partialMs === 0) this.#partialMs = now;
  };

  /** The first line tells HTTP from SIP. */
  #begin(chunk: Uint8Array): void {
    const bytes = this.#first!.length > 0 ? Buffer.concat([this.#first!, chunk]) : chunk;
    const http = looksLikeHttp(bytes);
    // COPIED: the chunk is the stream's
    this.#first = http === undefined ? Uint8Array.from(bytes) : undefined;
    if (http) {
      this.#web = this.#webSide(this.#owner.limits.messageBytes);
      this.#web.push(bytes);
    } else if (http === false) this.#framer.push(bytes);
  }

  #webSide(bodyLimit: number): WebSide {
    const parts = {
      connection: this,
      owner: this.#owner,
      stream: this.#stream,
      reader: this.#onData,
      write: (bytes: Buffer) => this.#write(bytes, false),
      active: () => this.#active(this.#owner.now()),
      closing: () => this.#closing(),
    };
    return new WebSide(parts, bodyLimit);
  }

  #closing(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#partialMs = 0;
    this.#overMs ||= this.#owner.now();
  }

  #write(bytes: Buffer, counts: boolean): void {
    const { length } = bytes;
    const now = this.#owner.now();
    if (this.#waiting === 0) this.#stuckMs = now;
    if (this.state === 'open') this.#active(now);
    this.#waiting += length;
    this.#owner.queued(length);
    if (this.#held) this.#held.push({ bytes, counts });
    else this.#give(bytes, counts);
  }

  #give(bytes: Buffer, counts: boolean): void {
    const done = (error?: Error | null) => this.#given(bytes.length, counts, error);
    if (this.#web) this.#web.write(bytes, done);
    else this.#stream.write(bytes, done);
  }

  #given(length: number, counts: boolean, error: Error | null | undefined): void {
    this.#waiting -= length;
    this.#owner.queued(-length);
    this.#stuckMs = this.#owner.now();
    if (counts) this.#owner.wrote(length, error);
  }

  #active(now: number): void {
    this.#activeMs = now;
    if (!this.#lifetimeIsSet) this.#lifetimeMs = this.#owner.limits.lifetimeMs;
  }

  #closed(): void {
    if (this.state === 'closed') return;
    this.#neverMade = this.state === 'connecting';
    this.state = 'closed';
    this.#framer.close();
    this.#web?.close();
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { bytes, counts } of held) this.#given(bytes.length, counts, this.#error ?? new Error('closed'));
    this.#owner.gone(this, this.#error);
    const lost = this.#lost;
    this.#lost = [];
    if (this.#neverMade) for (const tell of lost) tell();
  }
}
