/**
 * The only file that makes views on linear memory. `memory.grow()` detaches every view, and Lua may grow the memory in any call,
 * so callers read `mem.u8` anew after each call into wasm instead of keeping it.
 */
const latin1 = new TextDecoder('latin1');

/**
 * A string whose char codes are bytes, 0..255: what SIP data looks like in TypeScript. NUL and UTF-8 survive both ways.
 * Decode with `utf8Of` only for people (logs, JSON).
 */
export type ByteStr = string;

/** Byte strings of one buffer, made by the host's own means: far cheaper than char by char for all but the shortest. */
export interface ByteText {
  /** the bytes from `at` up to `end` */
  read(at: number, end: number): ByteStr;
  /** Writes the low byte of each char code. */
  write(at: number, text: ByteStr): void;
}

/** longest text that is looked for among those read before */
const MAX_KEPT = 32;
/** places of them in the core */
const KEPT = 512;
/** up to so many bytes a text is put together char by char: V8 makes ropes of what gets longer */
const MAX_BY_CHAR = 12;
/** longest view that is kept */
const MAX_LENT = 2048;
/** up to so many chars are written one by one */
const MAX_PUT_BY_CHAR = 24;

/** highest address that is an index when it is halved: a small integer for V8 */
const MAX_DIRECT = 0x3fffffff;
/** typed arrays have the machine's byte order, linear memory has its own */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

export class Memory {
  readonly memory: WebAssembly.Memory;
  readonly #byteText: ((buffer: ArrayBuffer) => ByteText) | undefined;
  /** texts read before, by the numbers that the core gives them: names, hosts and numbers come again and again */
  readonly #kept: ByteStr[] = new Array(KEPT + 1).fill('');
  #placeOf: ((at: number, length: number) => number) | undefined;
  #u8!: Uint8Array<ArrayBuffer>;
  #view!: DataView<ArrayBuffer>;
  #u32!: Uint32Array<ArrayBuffer>;
  #i32!: Int32Array<ArrayBuffer>;
  #u16!: Uint16Array<ArrayBuffer>;
  #text: ByteText | undefined;
  /** views from one address, by length: what is sent is always built at the same */
  #lentAt = 0;
  #lent: (Uint8Array<ArrayBuffer> | undefined)[] = new Array(MAX_LENT + 1);

  /** @param byteText absent: texts are made char by char */
  constructor(memory: WebAssembly.Memory, byteText?: (buffer: ArrayBuffer) => ByteText) {
    this.memory = memory;
    this.#byteText = byteText;
    this.refresh();
  }

  /** Keeps the strings of short texts from now on. @param placeOf textPlace() of the core that lives in this memory */
  keepTexts(placeOf: (at: number, length: number) => number): void {
    this.#placeOf = placeOf;
  }

  /** Bytes of the whole memory. BORROWED until the next call into wasm. */
  get u8(): Uint8Array<ArrayBuffer> {
    // A detached view has no length; asking the memory for its buffer each time costs far more.
    if (this.#u8.length === 0) this.refresh();
    return this.#u8;
  }

  /** Little-endian access to the whole memory. BORROWED until the next call into wasm. */
  get view(): DataView<ArrayBuffer> {
    if (this.#u8.length === 0) this.refresh();
    return this.#view;
  }

  // Words go through typed arrays: V8's quick compiler makes a call of each access to a DataView. What is not aligned, lies outside (an array says undefined), or
  // comes behind a growth of memory (it has no length then) goes through the view, which says what is wrong.

  u32(at: number): number {
    if ((at & 3) === 0 && at <= MAX_DIRECT) {
      const value = this.#u32[at >>> 2];
      if (value !== undefined) return value;
    }
    return this.view.getUint32(at, true);
  }

  i32(at: number): number {
    if ((at & 3) === 0 && at <= MAX_DIRECT) {
      const value = this.#i32[at >>> 2];
      if (value !== undefined) return value;
    }
    return this.view.getInt32(at, true);
  }

  u16(at: number): number {
    if ((at & 1) === 0 && at <= MAX_DIRECT) {
      const value = this.#u16[at >>> 1];
      if (value !== undefined) return value;
    }
    return this.view.getUint16(at, true);
  }

  setU32(at: number, value: number): void {
    const words = this.#u32;
    if ((at & 3) === 0 && at <= MAX_DIRECT && at >>> 2 < words.length) words[at >>> 2] = value;
    else this.view.setUint32(at, value, true);
  }

  setU16(at: number, value: number): void {
    const words = this.#u16;
    if ((at & 1) === 0 && at <= MAX_DIRECT && at >>> 1 < words.length) words[at >>> 1] = value;
    else this.view.setUint16(at, value, true);
  }

  /** COPIED: the bytes as a byte string. */
  str(at: number, length: number): ByteStr {
    if (length > MAX_KEPT || this.#placeOf === undefined) return this.#make(at, length);
    if (length === 0) return '';
    const place = this.#placeOf(at, length);
    if (place >= 0) return this.#kept[place]!;
    const text = this.#make(at, length);
    this.#kept[-1 - place] = text;
    return text;
  }

  #make(at: number, length: number): ByteStr {
    const { u8 } = this;
    const end = at + length;
    if (length > MAX_BY_CHAR) {
      if (this.#text) return this.#text.read(at, end);
      if (length > 48) return byteStr(u8.subarray(at, end));
    }
    let text = '';
    for (let i = at; i < end; i++) text += String.fromCharCode(u8[i]!);
    return text;
  }

  /** The bytes themselves, for those who copy them at once. BORROWED until the next call into wasm. */
  lend(at: number, length: number): Uint8Array<ArrayBuffer> {
    const { u8 } = this;
    if (length > MAX_LENT) return u8.subarray(at, at + length);
    if (at !== this.#lentAt) {
      this.#lentAt = at;
      this.#lent = new Array(MAX_LENT + 1);
    }
    return (this.#lent[length] ??= u8.subarray(at, at + length));
  }

  /** COPIED: the bytes themselves. */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return this.u8.slice(at, at + length);
  }

  /** Writes a byte string at an address that the caller allocated. Char codes above 255 are a caller's mistake: only the low byte is kept. */
  putStr(at: number, text: ByteStr): void {
    const { u8 } = this;
    const { length } = text;
    if (length > MAX_PUT_BY_CHAR && this.#text) this.#text.write(at, text);
    else for (let i = 0; i < length; i++) u8[at + i] = text.charCodeAt(i);
  }

  private refresh(): void {
    const buffer = this.memory.buffer as ArrayBuffer;
    this.#u8 = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    const words = LITTLE_ENDIAN ? buffer : new ArrayBuffer(0);
    this.#u32 = new Uint32Array(words);
    this.#i32 = new Int32Array(words);
    this.#u16 = new Uint16Array(words);
    this.#text = this.#byteText?.(buffer);
    this.#lent = new Array(MAX_LENT + 1);
  }
}

/** Bytes as a byte string. TextDecoder('latin1') is windows-1252, which changes 0x80..0x9f: those take the slow way. */
export function byteStr(bytes: Uint8Array): ByteStr {
  const text = latin1.decode(bytes);
  // windows-1252 maps 0x80..0x9f outside of latin1; a char above 255 tells.
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) return slowByteStr(bytes);
  return text;
}

function slowByteStr(bytes: Uint8Array): ByteStr {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}

/** The bytes of a byte string. */
export function bytesOf(text: ByteStr): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

const utf8Decoder = new TextDecoder();
const utf8Encoder = new TextEncoder();

/** A byte string as text for people: UTF-8 decoded, invalid bytes replaced. */
export function utf8Of(text: ByteStr): string {
  return utf8Decoder.decode(bytesOf(text));
}

/** Text from people (a config file, a JSON-RPC call) as a byte string of its UTF-8. */
export function byteStrOf(text: string): ByteStr {
  return byteStr(utf8Encoder.encode(text));
}
