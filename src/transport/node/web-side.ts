/** What a connection is that speaks HTTP in place of SIP: requests and their answers, and a WebSocket once a handshake was taken. */
import type net from 'node:net';
import type { Socket } from '../../kemi/host.ts';
import type { HttpExchange, HttpRequest } from '../../kemi/http.ts';
import type { WebSocketCounters } from '../../kemi/web-socket.ts';
import type { Source } from '../transport.ts';
import { type HttpConnection, HttpSide } from './http-side.ts';
import type { Connection, ConnectionOwner } from './tcp-connection.ts';
import type { LinkOwner, WsLink } from './ws-link.ts';

/** What it needs of its connection. */
export interface WebParts {
  readonly connection: Connection;
  readonly owner: ConnectionOwner;
  readonly stream: net.Socket;
  /** gives bytes to the stream, which are no message */
  write(bytes: Buffer): void;
  /** what reads the stream until it is a WebSocket */
  readonly reader: (chunk: Uint8Array) => void;
  /** bytes came or went */
  active(): void;
  /** nothing more is sent or taken */
  closing(): void;
}

const GOING_AWAY = 1001;

export class WebSide implements HttpConnection, LinkOwner {
  /** since when something has begun that is not whole: a request, or a message in frames; 0: nothing has */
  partialMs = 0;
  readonly #parts: WebParts;
  readonly #http: HttpSide;
  #link: WsLink | undefined;
  /** the frame that is read began with the last chunk */
  #fresh = false;

  /** @param bodyLimit bytes of a request's body */
  constructor(parts: WebParts, bodyLimit: number) {
    this.#parts = parts;
    this.#http = new HttpSide(this, bodyLimit);
  }

  /** The next bytes of HTTP. */
  push(chunk: Uint8Array): void {
    this.#http.push(chunk);
    // a WebSocket by now: its frames have their own time
    if (this.#link) return;
    if (!this.#http.partial) this.partialMs = 0;
    else this.partialMs ||= this.#parts.owner.now();
  }

  /** whether it is a WebSocket */
  get isLink(): boolean {
    return this.#link !== undefined;
  }

  /** whether messages can be sent */
  get usable(): boolean {
    return this.#link?.open === true;
  }

  /** Sends one message by the WebSocket, or an answer of HTTP. */
  write(bytes: Buffer, done: (error?: Error | null) => void): void {
    if (this.#link) this.#link.write(bytes, done);
    else this.#parts.stream.write(bytes, done);
  }

  /** Says that nothing more comes from here. */
  finish(): void {
    if (this.#link) this.#link.close(GOING_AWAY, '');
    else this.#parts.stream.end();
  }

  close(): void {
    this.#http.close();
  }

  // ---- what the HTTP side asks for

  writeHttp(bytes: Buffer): void {
    this.#parts.write(bytes);
  }

  end(): void {
    this.#parts.connection.end();
  }

  pause(): void {
    this.#parts.stream.pause();
  }

  resume(): void {
    this.#parts.stream.resume();
  }

  get gone(): boolean {
    return this.#parts.connection.gone;
  }

  exchange(exchange: HttpExchange): void {
    this.#parts.owner.http(this.#parts.connection, exchange);
  }

  upgrade(request: HttpRequest, rest: Uint8Array, headers: readonly string[]): boolean {
    const { owner, connection, stream, reader } = this.#parts;
    const socket = owner.webSocketOf(connection.socket);
    if (!socket) return false;
    stream.off('data', reader);
    // nothing may come before all who want it are there
    stream.pause();
    const link = owner.webSockets.maker.make(this, request, stream, rest, headers);
    if (!link) {
      stream.destroy();
      return false;
    }
    this.partialMs = 0;
    this.#link = link;
    // in front of those of ws: what a chunk makes whole is told behind it
    stream.prependListener('data', this.#onData);
    stream.resume();
    owner.upgraded(connection, socket, link);
    return true;
  }

  // ---- what the WebSocket tells

  get id(): number {
    return this.#parts.connection.id;
  }

  get from(): Source {
    return this.#parts.connection.from;
  }

  get socket(): Socket {
    return this.#parts.connection.socket;
  }

  get counters(): WebSocketCounters {
    return this.#parts.owner.webSockets.counters;
  }

  get answersPings(): boolean {
    return this.#parts.owner.limits.ping;
  }

  get queueBytes(): number {
    return this.#parts.owner.limits.queueBytes;
  }

  now(): number {
    return this.#parts.owner.now();
  }

  linkMessage(bytes: Uint8Array): void {
    if (!this.gone) this.#parts.connection.message(bytes);
  }

  linkWhole(message: boolean): void {
    // control frames stand between the fragments of a message that does not become whole
    if (message || this.#fresh) this.partialMs = 0;
  }

  linkClosing(): void {
    this.#parts.closing();
  }

  readonly #onData = (): void => {
    this.#parts.active();
    this.#fresh = this.partialMs === 0;
    if (this.#fresh) this.partialMs = this.now();
  };
}
