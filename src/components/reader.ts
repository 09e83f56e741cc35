/** Reads WebAssembly's binary encodings: LEB128 numbers, names, vectors. Every read is bounded; bytes that end too early are an error, never a loop. */
import { KemiError } from '../errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The bytes are no component that can be loaded; the text is the second half of a message. */
export class Malformed extends KemiError {
  constructor(message: string, offset?: number) {
    super('KEMI_ERR_COMPONENT', message, offset === undefined ? {} : { offset });
    this.name = 'Malformed';
  }
}

export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw new Malformed('it ends in the middle of something', this.at);
    return this.bytes[this.at++]!;
  }

  peek(): number {
    return this.at < this.end ? this.bytes[this.at]! : -1;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new Malformed('a number is too long', this.at);
  }

  /** A signed LEB of up to 33 bits: a type index, or a code below 0. */
  s33(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
    throw new Malformed('a number is too long', this.at);
  }

  /** Steps over a LEB of any length up to ten bytes. */
  skipLeb(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return;
    throw new Malformed('a number is too long', this.at);
  }

  skip(count: number): void {
    if (count > this.end - this.at) throw new Malformed('it ends in the middle of something', this.at);
    this.at += count;
  }

  name(): string {
    const length = this.u32();
    const from = this.at;
    this.skip(length);
    try {
      return utf8.decode(this.bytes.subarray(from, this.at));
    } catch {
      throw new Malformed('a name is no UTF-8', from);
    }
  }

  /** A vector: each element takes one byte at least, so a count cannot make it longer than the bytes. */
  vec<T>(read: () => T): T[] {
    const count = this.u32();
    if (count > this.end - this.at) throw new Malformed('a list is longer than the file', this.at);
    const out: T[] = [];
    for (let i = 0; i < count; i++) out.push(read());
    return out;
  }

  /** A reader of the next `length` bytes, which are stepped over. */
  part(length: number): Reader {
    const from = this.at;
    this.skip(length);
    return new Reader(this.bytes, from, this.at);
  }
}
