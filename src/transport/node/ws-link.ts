/**
 * One WebSocket on a TCP or TLS connection, over the package ws: it reads and writes frames, puts fragments together and knows the close handshake. What a
 * frame means for SIP (RFC 7118) is here: one message a frame, text where it is UTF-8.
 */
import { isUtf8 } from 'node:buffer';
import http from 'node:http';
import type net from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { type ByteStr, bytesOf } from '../../core/memory.ts';
import type { HttpRequest } from '../../kemi/http.ts';
import { isCloseCode, type WebSocketCounters, type WebSocketLink } from '../../kemi/web-socket.ts';
import type { Source } from '../transport.ts';

/** What it tells its connection. */
export interface LinkOwner {
  readonly id: number;
  readonly from: Source;
  readonly socket: { readonly index: number };
  readonly counters: WebSocketCounters;
  /** monotonic, milliseconds */
  now(): number;
  /** answers keep-alives of line ends */
  readonly answersPings: boolean;
  /** bytes that may wait for the peer */
  readonly queueBytes: number;
  linkMessage(bytes: Uint8Array): void;
  /** a control frame, or the end of a message, has come */
  linkWhole(message: boolean): void;
  /** the close handshake has begun, whoever began it */
  linkClosing(): void;
}

const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_NO_FRAME = 1006;
const MAX_REASON_BYTES = 123;
const MAX_PING_BYTES = 125;
const LINE_END = Buffer.from('\r\n');
const CR = 13;
const LF = 10;

export interface WsLink extends WebSocketLink {
  /** Sends one message. @param bytes kept until `done` */
  write(bytes: Buffer, done: (error?: Error | null) => void): void;
}

/** Makes WebSockets; one for all connections of a transport. */
export class WebSocketMaker {
  readonly #server: WebSocketServer;
  /** lines for the answer that is being written */
  #headers: readonly string[] = [];

  /** @param messageBytes bytes of one message: a longer one closes the connection with 1009 */
  constructor(messageBytes: number) {
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: messageBytes,
      clientTracking: false,
      perMessageDeflate: false,
      // a peer that sends pings and reads nothing gets no answers: see #ping
      autoPong: false,
      handleProtocols: () => 'sip',
    });
    this.#server.on('headers', lines => lines.push(...this.#headers));
  }

  /**
   * Answers the handshake, which was looked at; ws reads the stream from now on.
   * @param rest what came behind the handshake already  @param headers lines for the answer
   * @returns undefined when the stream ended meanwhile
   */
  make(
    owner: LinkOwner,
    request: HttpRequest,
    stream: net.Socket,
    rest: Uint8Array,
    headers: readonly string[],
  ): WsLink | undefined {
    const message = new http.IncomingMessage(stream);
    message.method = request.method;
    message.url = request.target;
    for (const [name, value] of request.headers) message.headers[name.toLowerCase()] = value;
    // what was checked is what counts, however many lines it came in
    message.headers.upgrade = 'websocket';
    this.#headers = headers;
    let made: WebSocket | undefined;
    this.#server.handleUpgrade(message, stream, Buffer.from(rest), socket => {
      made = socket;
    });
    return made && new Link(owner, made, stream);
  }
}

class Link implements WsLink {
  readonly #owner: LinkOwner;
  readonly #socket: WebSocket;
  readonly #stream: net.Socket;
  usedMs: number;
  awaitsPong = false;
  /** whether we began to close it */
  #closedHere = false;

  constructor(owner: LinkOwner, socket: WebSocket, stream: net.Socket) {
    this.#owner = owner;
    this.#socket = socket;
    this.#stream = stream;
    this.usedMs = owner.now();
    socket.binaryType = 'nodebuffer';
    socket.on('message', data => this.#message(data as Buffer));
    socket.on('ping', data => this.#ping(data));
    socket.on('pong', () => {
      this.#came(false);
      this.awaitsPong = false;
    });
    // frames that break RFC 6455, and messages above the limit: ws sends the close frame that says so
    socket.on('error', () => {
      this.#closedHere = true;
      owner.counters.bad_frames++;
      owner.linkClosing();
    });
    socket.on('close', code => {
      const { counters } = owner;
      if (this.#closedHere) counters.local_closed_connections++;
      else if (code === CLOSE_NO_FRAME) counters.failed_connections++;
      else counters.remote_closed_connections++;
      owner.linkClosing();
    });
  }

  get id(): number {
    return this.#owner.id;
  }
  get ip(): string {
    return this.#owner.from.ip;
  }
  get port(): number {
    return this.#owner.from.port;
  }
  get socket(): number {
    return this.#owner.socket.index;
  }
  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  ping(data: ByteStr): boolean {
    if (!this.#writable) return false;
    this.#sent();
    this.awaitsPong = true;
    this.#socket.ping(Buffer.from(bytesOf(data.slice(0, MAX_PING_BYTES))));
    return true;
  }

  pong(data: ByteStr): boolean {
    if (!this.#writable) return false;
    this.#sent();
    this.#socket.pong(Buffer.from(bytesOf(data.slice(0, MAX_PING_BYTES))));
    return true;
  }

  close(code: number, reason: ByteStr): boolean {
    if (!this.open) return false;
    this.#closedHere = true;
    const text = Buffer.from(bytesOf(reason.slice(0, MAX_REASON_BYTES)));
    this.#socket.close(isCloseCode(code) ? code : CLOSE_NORMAL, isUtf8(text) ? text : Buffer.alloc(0));
    this.#owner.linkClosing();
    return true;
  }

  write(bytes: Buffer, done: (error?: Error | null) => void): void {
    this.#sent();
    this.#socket.send(bytes, { binary: !isUtf8(bytes) }, done);
  }

  get #writable(): boolean {
    return this.open && this.#stream.writableLength <= this.#owner.queueBytes;
  }

  #sent(): void {
    this.usedMs = this.#owner.now();
    this.#owner.counters.transmitted_frames++;
  }

  #came(message: boolean): void {
    this.usedMs = this.#owner.now();
    this.#owner.counters.received_frames++;
    this.#owner.linkWhole(message);
  }

  #ping(data: Buffer): void {
    this.#came(false);
    if (!this.open || this.#stream.writableLength > 0) return;
    this.#sent();
    this.#socket.pong(data);
  }

  #message(data: Buffer): void {
    this.#came(true);
    if (!this.open) return;
    if (isLineEnds(data)) {
      if (this.#owner.answersPings && this.#stream.writableLength === 0) this.write(LINE_END, () => {});
      return;
    }
    if (!looksLikeSip(data)) {
      this.#owner.counters.bad_frames++;
      this.close(CLOSE_UNSUPPORTED, data.length === 0 ? 'empty' : 'no SIP message');
      return;
    }
    this.#owner.linkMessage(data);
  }
}

/** CRLF, and twice: a keep-alive. */
function isLineEnds(data: Buffer): boolean {
  return (
    (data.length === 2 || data.length === 4) &&
    data[0] === CR &&
    data[1] === LF &&
    (data.length === 2 || (data[2] === CR && data[3] === LF))
  );
}

/** Whether the first line has the version of SIP in front or at its end; what is wrong behind that is answered as over any transport. */
function looksLikeSip(data: Buffer): boolean {
  const end = data.indexOf(LF);
  if (end < 0) return false;
  const line = data.toString('latin1', 0, Math.min(end, MAX_FIRST_LINE));
  return /^SIP\//i.test(line) || / SIP\/\d/i.test(line);
}

const MAX_FIRST_LINE = 8192;
