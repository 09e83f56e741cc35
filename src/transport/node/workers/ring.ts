/**
 * Messages from one worker to another: a ring of bytes that one writes and one reads, and a bell (a message on a port) that is rung only when the reader has
 * looked away. A message costs a copy; a port alone would take four times as long.
 *
 *   words 0 written | 1 read | 2 rung | ... 16: records
 *   record 0 length of the record | 4 bytes of the message | 8 connection | 12 port (u16), socket (u16) | 16 family, length of the address, too long | 20 address, message
 */
import type { Source } from '../../../runtime/options.ts';

const HEAD_BYTES = 64;
/** a power of two; four of the longest messages fit */
const RING_BYTES = 1 << 20;
const RECORD_BYTES = 20;
/** marks that the next record is at the start of the ring */
const WRAP = -1;
const WRITTEN = 0;
const READ = 1;
const RUNG = 2;

/** What is handed over. */
export type Taker = (bytes: Uint8Array, from: Source, socket: number) => void;

export function createRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEAD_BYTES + RING_BYTES);
}

export class Ring {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #view: DataView<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, HEAD_BYTES / 4);
    this.#bytes = new Uint8Array(buffer, HEAD_BYTES);
    this.#view = new DataView(buffer, HEAD_BYTES);
  }

  /** COPIED. @returns false when there is no room */
  write(bytes: Uint8Array, from: Source, socket: number): boolean {
    const length = (RECORD_BYTES + from.ip.length + bytes.length + 3) & ~3;
    let written = this.#words[WRITTEN]!;
    const used = (written - Atomics.load(this.#words, READ)) >>> 0;
    let at = written & (RING_BYTES - 1);
    const skip = at + length > RING_BYTES ? RING_BYTES - at : 0;
    if (used + skip + length >= RING_BYTES) return false;
    const view = this.#view;
    if (skip > 0) {
      view.setInt32(at, WRAP, true);
      written = (written + skip) | 0;
      at = 0;
    }
    view.setInt32(at, length, true);
    view.setUint32(at + 4, bytes.length, true);
    view.setUint32(at + 8, from.connection ?? 0, true);
    view.setUint16(at + 12, from.port, true);
    view.setUint16(at + 14, socket, true);
    view.setUint8(at + 16, from.family ?? (from.ip.includes(':') ? 6 : 4));
    view.setUint8(at + 17, from.ip.length);
    view.setUint8(at + 18, from.tooLong ? 1 : 0);
    for (let i = 0; i < from.ip.length; i++) view.setUint8(at + RECORD_BYTES + i, from.ip.charCodeAt(i));
    this.#bytes.set(bytes, at + RECORD_BYTES + from.ip.length);
    Atomics.store(this.#words, WRITTEN, (written + length) | 0);
    return true;
  }

  /** To be called behind write(). @returns whether the bell has to be rung */
  get quiet(): boolean {
    return Atomics.exchange(this.#words, RUNG, 1) === 0;
  }

  /**
   * Gives what is there to `take`, which must not keep the bytes.
   * @param most records at once  @returns false when there may be more
   */
  read(take: Taker, most: number): boolean {
    Atomics.store(this.#words, RUNG, 0);
    const view = this.#view;
    for (let count = 0; ; count++) {
      let read = this.#words[READ]!;
      if (read === Atomics.load(this.#words, WRITTEN)) return true;
      if (count >= most) return false;
      let at = read & (RING_BYTES - 1);
      let length = view.getInt32(at, true);
      if (length === WRAP) {
        read = (read + RING_BYTES - at) | 0;
        at = 0;
        length = view.getInt32(0, true);
      }
      let ip = '';
      const ipEnd = at + RECORD_BYTES + view.getUint8(at + 17);
      for (let i = at + RECORD_BYTES; i < ipEnd; i++) ip += String.fromCharCode(view.getUint8(i));
      const connection = view.getUint32(at + 8, true);
      const from: Source = {
        ip,
        port: view.getUint16(at + 12, true),
        family: view.getUint8(at + 16) === 6 ? 6 : 4,
        handedOver: true,
        ...(connection !== 0 && { connection }),
        ...(view.getUint8(at + 18) === 1 && { tooLong: true }),
      };
      take(this.#bytes.subarray(ipEnd, ipEnd + view.getUint32(at + 4, true)), from, view.getUint16(at + 14, true));
      Atomics.store(this.#words, READ, (read + length) | 0);
    }
  }
}
