/** A peer that speaks WebSocket by hand, so that it can do what no library does. */
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

export const HANDSHAKE: Readonly<Record<string, string>> = {
  Host: '127.0.0.1',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': KEY,
  'Sec-WebSocket-Protocol': 'sip',
  'Sec-WebSocket-Version': '13',
};

/** An opening handshake; a header that is undefined is left out. */
export function handshake(
  changes: Readonly<Record<string, string | undefined>> = {},
  start = 'GET / HTTP/1.1',
): string {
  const headers = Object.entries({ ...HANDSHAKE, ...changes }).filter(([, value]) => value !== undefined);
  return `${start}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

export interface FrameOptions {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly masked?: boolean;
  readonly rsv?: number;
  /** what the header says in place of the length */
  readonly length?: number;
}

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** One frame as a client sends it (RFC 6455 5.2). */
export function frame(payload: string | Uint8Array = '', options: FrameOptions = {}): Buffer {
  const { opcode = TEXT, fin = true, masked = true, rsv = 0 } = options;
  const data = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : Buffer.from(payload);
  const length = options.length ?? data.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126) head.push(mask | length);
  else if (length < 65536) head.push(mask | 126, length >> 8, length & 255);
  else {
    head.push(mask | 127, 0, 0, 0, 0);
    head.push((length >>> 24) & 255, (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
  }
  if (!masked) return Buffer.concat([Buffer.from(head), data]);
  const key = randomBytes(4);
  for (let i = 0; i < data.length; i++) data[i]! ^= key[i % 4]!;
  return Buffer.concat([Buffer.from(head), key, data]);
}

export interface Frame {
  readonly opcode: number;
  readonly text: string;
}

/** A peer's socket, and what came by it. */
export class WsPeer {
  readonly socket: net.Socket;
  closed = false;
  ended = false;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(port: number, options: Partial<net.TcpNetConnectOpts> & { readonly tls?: boolean } = {}) {
    const to = { port, host: '127.0.0.1', ...options };
    this.socket = options.tls ? tls.connect({ ...to, rejectUnauthorized: false }) : net.connect(to);
    this.socket.on('data', data => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('error', () => {});
  }

  write(data: string | Uint8Array): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Everything that came, as text. */
  get text(): string {
    return this.#bytes.toString('latin1');
  }

  /** The status line of the first answer. */
  get status(): string {
    return this.text.split('\r\n')[0]!;
  }

  /** The frames behind the handshake that are whole. */
  get frames(): Frame[] {
    const out: Frame[] = [];
    const start = this.#bytes.indexOf('\r\n\r\n');
    if (start < 0) return out;
    let at = start + 4;
    const bytes = this.#bytes;
    while (at + 2 <= bytes.length) {
      let length = bytes[at + 1]! & 127;
      let head = 2;
      if (length === 126) {
        if (at + 4 > bytes.length) break;
        length = bytes.readUInt16BE(at + 2);
        head = 4;
      } else if (length === 127) {
        if (at + 10 > bytes.length) break;
        length = Number(bytes.readBigUInt64BE(at + 2));
        head = 10;
      }
      if (at + head + length > bytes.length) break;
      out.push({ opcode: bytes[at]! & 15, text: bytes.toString('latin1', at + head, at + head + length) });
      at += head + length;
    }
    return out;
  }

  /** Code of the close frame that came, undefined when there is none. */
  get closeCode(): number | undefined {
    const close = this.frames.find(f => f.opcode === CLOSE);
    return close && close.text.length >= 2 ? close.text.charCodeAt(0) * 256 + close.text.charCodeAt(1) : undefined;
  }

  /** Waits until it holds. @throws Error that says what did not happen */
  async until(what: string, holds: () => boolean, ms = 3000): Promise<void> {
    for (const end = performance.now() + ms; performance.now() < end; await sleep(5)) if (holds()) return;
    throw new Error(`${what}: not within ${ms} ms, only ${JSON.stringify(this.text.slice(0, 400))}`);
  }

  /** Makes it a WebSocket. */
  async open(changes: Readonly<Record<string, string | undefined>> = {}): Promise<this> {
    this.write(handshake(changes));
    await this.until('an answer to the handshake', () => this.text.includes('\r\n\r\n'));
    if (!this.status.includes(' 101 ')) throw new Error(`Cannot open a WebSocket: ${this.status}`);
    return this;
  }
}
