/** What a pseudo-variable class and a transformation are; modules declare them, src/kemi/pv.ts compiles names against them. */
import type { ByteStr } from '../core/memory.ts';
import type { Call, XVal } from './table.ts';

/** A PV reference compiled once: `$name(inner)[index]{transformations}` */
export interface Pv {
  /** the whole text, as written */
  readonly spec: ByteStr;
  /** number by which wasm refers to it, unique in one runtime */
  readonly id: number;
  get(): XVal;
  /** @returns false when the value was not taken; a read-only PV takes any value and ignores it (true), as Kamailio */
  set(value: XVal): boolean;
  readonly writable: boolean;
}

/** The inner part of `$name(inner)[index]` */
export interface PvArgs {
  /** text between the parentheses, nested PVs evaluated; '' when there is none */
  readonly inner: ByteStr;
  /** undefined: no index; '*': all; else the number, negative counts from the end */
  readonly index: number | '*' | undefined;
}

export interface PvClass {
  /** name without `$`: 'ru', 'hdr', 'sht' */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** whether `(inner)` is required, allowed or an error; `dynamic` inner text may contain PVs and is evaluated at each use */
  readonly inner?: 'none' | 'required' | 'optional';
  /** checks the inner text once, at compile time; returns an error text or undefined. Not called for inner text that contains PVs. */
  readonly check?: (inner: ByteStr) => string | undefined;
  /** the AssemblyScript export that returns the value as an xval (no inner, no index); the fast lane of pv.get and the only implementation then */
  readonly wasm?: string;
  // biome-ignore lint/suspicious/noExplicitAny: each module knows its own state
  readonly get?: (call: Call<any>, args: PvArgs) => XVal;
  // biome-ignore lint/suspicious/noExplicitAny: each module knows its own state
  readonly set?: (call: Call<any>, args: PvArgs, value: XVal) => boolean | undefined;
  /** readable with no message at hand ($var, $shv, $sht, $Ts ...) */
  readonly anytime?: boolean;
  /** one sentence for the reference page */
  readonly doc: string;
}

/** `{class.name,arg,...}`, e.g. {s.substr,1,2}. Pure: bytes in, bytes out. */
export interface Transformation {
  /** 's', 'uri', 'param', 'nameaddr', 'tobody', 'line', 're', ... */
  readonly class: string;
  readonly name: string;
  /** number of arguments: [min, max] */
  readonly args: readonly [number, number];
  /**
   * @param value never null: a null input gives null without a call, unless `onNull` is set
   * @param args evaluated arguments (PVs inside them replaced)
   */
  readonly run: (value: number | ByteStr, args: ByteStr[], host: TransformationHost) => XVal;
  readonly onNull?: boolean;
  readonly doc: string;
}
export interface TransformationHost {
  md5(data: ByteStr): ByteStr;
  sha256(data: ByteStr): ByteStr;
}
