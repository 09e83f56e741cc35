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

export class Memory {
  readonly memory: WebAssembly.Memory;
  #u8!: Uint8Array<ArrayBuffer>;
  #view!: DataView<ArrayBuffer>;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.refresh();
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

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  i32(at: number): number {
    return this.view.getInt32(at, true);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  setU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** COPIED: the bytes as a byte string. Short ones (the usual case) without a decoder. */
  str(at: number, length: number): ByteStr {
    const u8 = this.u8;
    if (length > 48) return byteStr(u8.subarray(at, at + length));
    let text = '';
    for (let i = at, end = at + length; i < end; i++) text += String.fromCharCode(u8[i]!);
    return text;
  }

  /** COPIED: the bytes themselves. */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return this.u8.slice(at, at + length);
  }

  /** Writes a byte string at an address that the caller allocated. Char codes above 255 are a caller's mistake: only the low byte is kept. */
  putStr(at: number, text: ByteStr): void {
    const u8 = this.u8;
    for (let i = 0; i < text.length; i++) u8[at + i] = text.charCodeAt(i);
  }

  private refresh(): void {
    this.#u8 = new Uint8Array(this.memory.buffer as ArrayBuffer);
    this.#view = new DataView(this.memory.buffer as ArrayBuffer);
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
