/**
 * The canonical ABI for the types that cross here: how a value lies in a component's memory, and how it is passed as core values. A text is a byte string on
 * our side (src/core/memory.ts): its bytes go from one linear memory to the other without becoming anything else.
 */
import { type ByteStr, byteStrOf, bytesOf, type Memory } from '../core/memory.ts';
import type { WitType } from './plan.ts';

/** A value breaks the rules of the component model: the component traps. */
export class Breach extends Error {}

/** null is none; a result is what it holds */
export type Value = undefined | null | boolean | number | ByteStr | Outcome;
export interface Outcome {
  readonly ok: boolean;
  readonly value: Value;
}
export type Flat = number | bigint;

/** The component's memory, and how to get some of it. */
export interface Guest {
  readonly mem: Memory;
  /** @returns the address of `size` new bytes */
  readonly allocate: (align: number, size: number) => number;
}

/** How one type is passed. */
export interface Codec {
  /** core values that it takes */
  readonly flat: number;
  readonly size: number;
  readonly align: number;
  load(guest: Guest, at: number): Value;
  store(guest: Guest, at: number, value: Value): void;
  /** @param at index of the first of its core values */
  lift(guest: Guest, flat: readonly Flat[], at: number): Value;
  /** Writes its core values at `at`; those that it does not need are 0. */
  lower(guest: Guest, value: Value, flat: Flat[], at: number): void;
}

/** @returns undefined for a type that does not cross */
export function codecOf(type: WitType): Codec | undefined {
  if (typeof type === 'string') return SIMPLE[type];
  if ('list' in type) return type.list === 'u8' ? BYTES : undefined;
  if ('option' in type) {
    const inner = codecOf(type.option);
    return inner && new Tagged(undefined, inner, { to: toOption, from: fromOption });
  }
  if ('result' in type) {
    const [ok, error] = type.result.map(t => (t === null ? NOTHING : codecOf(t)));
    return ok && error && new Tagged(ok, error, RESULT);
  }
  return undefined;
}

/** Where `size` bytes at `at` are inside of the memory. @throws Breach */
function inside({ mem }: Guest, at: number, size: number): number {
  const from = at >>> 0;
  if (from + size > mem.u8.length) throw new Breach('it gave an address outside of its memory');
  return from;
}

/** bool, and numbers of 32 bits */
class Small implements Codec {
  readonly flat = 1;
  readonly size: 1 | 4;
  readonly align: 1 | 4;
  readonly #from: (raw: number) => Value;

  constructor(size: 1 | 4, from: (raw: number) => Value) {
    this.size = size;
    this.align = size;
    this.#from = from;
  }

  load({ mem }: Guest, at: number): Value {
    return this.#from(this.size === 1 ? mem.u8[at]! : mem.i32(at));
  }

  store({ mem }: Guest, at: number, value: Value): void {
    const raw = Number(value) | 0;
    if (this.size === 1) mem.u8[at] = raw;
    else mem.setU32(at, raw);
  }

  lift(_guest: Guest, flat: readonly Flat[], at: number): Value {
    return this.#from(flat[at] as number);
  }

  lower(_guest: Guest, value: Value, flat: Flat[], at: number): void {
    flat[at] = Number(value) | 0;
  }
}

/** u64: a number on our side, exact up to 2^53 */
class Long implements Codec {
  readonly flat = 1;
  readonly size = 8;
  readonly align = 8;

  load({ mem }: Guest, at: number): Value {
    return Number(mem.view.getBigUint64(at, true));
  }

  store({ mem }: Guest, at: number, value: Value): void {
    mem.view.setBigUint64(at, big(value), true);
  }

  lift(_guest: Guest, flat: readonly Flat[], at: number): Value {
    return Number(BigInt.asUintN(64, BigInt(flat[at]!)));
  }

  lower(_guest: Guest, value: Value, flat: Flat[], at: number): void {
    flat[at] = big(value);
  }
}

const big = (value: Value): bigint => BigInt(Math.trunc(Number(value)));

/** string and list<u8>: an address and a length */
class Bytes implements Codec {
  readonly flat = 2;
  readonly size = 8;
  readonly align = 4;
  readonly #text: boolean;

  constructor(text: boolean) {
    this.#text = text;
  }

  load(guest: Guest, at: number): Value {
    const { mem } = guest;
    return this.#read(guest, mem.u32(at), mem.u32(at + 4));
  }

  store(guest: Guest, at: number, value: Value): void {
    const text = this.#outgoing(value as ByteStr);
    const to = put(guest, text);
    const { mem } = guest;
    mem.setU32(at, to);
    mem.setU32(at + 4, text.length);
  }

  lift(guest: Guest, flat: readonly Flat[], at: number): Value {
    return this.#read(guest, flat[at] as number, (flat[at + 1] as number) >>> 0);
  }

  lower(guest: Guest, value: Value, flat: Flat[], at: number): void {
    const text = this.#outgoing(value as ByteStr);
    flat[at] = put(guest, text);
    flat[at + 1] = text.length;
  }

  #read(guest: Guest, at: number, length: number): ByteStr {
    const from = inside(guest, at, length);
    if (this.#text && !isUtf8(guest.mem.u8, from, from + length)) throw new Breach('it gave a text that is no UTF-8');
    return guest.mem.str(from, length);
  }

  #outgoing(value: ByteStr): ByteStr {
    return this.#text ? asUtf8(value) : value;
  }
}

/** COPIED. @returns its address */
function put(guest: Guest, text: ByteStr): number {
  const at = inside(guest, guest.allocate(1, text.length), text.length);
  guest.mem.putStr(at, text);
  return at;
}

/** Nothing: one side of a result. */
const NOTHING: Codec = {
  flat: 0,
  size: 0,
  align: 1,
  load: () => undefined,
  store: () => {},
  lift: () => undefined,
  lower: () => {},
};

/** How a value says which of two cases it is. */
interface Cases {
  readonly to: (second: boolean, value: Value) => Value;
  /** which case, and what it holds */
  readonly from: (value: Value) => readonly [second: boolean, value: Value];
}

const NONE = [false, undefined] as const;
const toOption = (second: boolean, value: Value): Value => (second ? value : null);
const fromOption = (value: Value): readonly [boolean, Value] =>
  value === null || value === undefined ? NONE : [true, value];
const RESULT: Cases = {
  to: (second, value) => ({ ok: !second, value }),
  from: value => {
    const { ok, value: held } = value as Outcome;
    return [!ok, held];
  },
};

/** option and result: a byte that says which case it is, and the case. Cases share their core values: ours never mix 32 and 64 bits. */
class Tagged implements Codec {
  readonly flat: number;
  readonly size: number;
  readonly align: number;
  readonly #first: Codec;
  readonly #second: Codec;
  readonly #cases: Cases;

  constructor(first: Codec | undefined, second: Codec, cases: Cases) {
    this.#first = first ?? NOTHING;
    this.#second = second;
    this.#cases = cases;
    this.align = Math.max(1, this.#first.align, second.align);
    this.flat = 1 + Math.max(this.#first.flat, second.flat);
    this.size = Math.ceil((this.align + Math.max(this.#first.size, second.size)) / this.align) * this.align;
  }

  load(guest: Guest, at: number): Value {
    const second = tag(guest.mem.u8[at]!);
    return this.#cases.to(second, (second ? this.#second : this.#first).load(guest, at + this.align));
  }

  store(guest: Guest, at: number, value: Value): void {
    const [second, held] = this.#cases.from(value);
    guest.mem.u8[at] = second ? 1 : 0;
    (second ? this.#second : this.#first).store(guest, at + this.align, held);
  }

  lift(guest: Guest, flat: readonly Flat[], at: number): Value {
    const second = tag(flat[at] as number);
    return this.#cases.to(second, (second ? this.#second : this.#first).lift(guest, flat, at + 1));
  }

  lower(guest: Guest, value: Value, flat: Flat[], at: number): void {
    const [second, held] = this.#cases.from(value);
    flat.fill(0, at, at + this.flat);
    flat[at] = second ? 1 : 0;
    (second ? this.#second : this.#first).lower(guest, held, flat, at + 1);
  }
}

function tag(value: number): boolean {
  if (value !== 0 && value !== 1) throw new Breach('it gave a value that is none of its type');
  return value === 1;
}

const TEXT = new Bytes(true);
const BYTES = new Bytes(false);
const SIMPLE: Readonly<Partial<Record<string, Codec>>> = {
  bool: new Small(1, raw => raw !== 0),
  s32: new Small(4, raw => raw | 0),
  u32: new Small(4, raw => raw >>> 0),
  u64: new Long(),
  string: TEXT,
};

const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes of SIP as text of WIT: what is no UTF-8 becomes U+FFFD, as a decoder for people does it. */
export function asUtf8(text: ByteStr): ByteStr {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) >= 0x80) {
      const bytes = bytesOf(text);
      return isUtf8(bytes, 0, bytes.length) ? text : byteStrOf(lenient.decode(bytes));
    }
  return text;
}

/** Whether bytes are UTF-8, in its shortest form and without surrogates (RFC 3629). */
export function isUtf8(u8: Uint8Array, at: number, end: number): boolean {
  let p = at;
  while (p < end) {
    const first = u8[p++]!;
    if (first < 0x80) continue;
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || p + more > end) return false;
    const second = u8[p]!;
    if (first === 0xe0 && second < 0xa0) return false;
    if (first === 0xed && second > 0x9f) return false;
    if (first === 0xf0 && second < 0x90) return false;
    if (first === 0xf4 && second > 0x8f) return false;
    for (let i = 0; i < more; i++) if ((u8[p++]! & 0xc0) !== 0x80) return false;
  }
  return true;
}
