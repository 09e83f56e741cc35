/** What a pseudo-variable class and a transformation are; modules declare them, src/kemi/pv.ts compiles names against them. */
import type { Core } from '../core/load.ts';
import type { ByteStr } from '../core/memory.ts';
import type { Call, XVal } from './table.ts';

/** A PV reference compiled once: `$name(inner)[index]{transformations}` */
export interface Pv {
  /** the whole text, as written */
  readonly spec: ByteStr;
  /** number by which wasm refers to it, unique in one runtime; above MAX_CACHED_PVS it is short-lived and nobody may keep it */
  readonly id: number;
  /** what it is made of, so that a caller can look for a fast lane */
  readonly cls: PvClass;
  /** has neither inner text, index nor transformations: `$ru`, not `$hdr(X)` */
  readonly plain: boolean;
  get(): XVal;
  /** @returns false when the value was not taken; a read-only PV takes any value and ignores it (true), as Kamailio */
  set(value: XVal): boolean;
  readonly writable: boolean;
  /** name of the header whose first value it is; undefined for others */
  readonly header?: string | undefined;
  /** address of its cell (PvClass.cell); undefined where it has none, or transformations */
  readonly cell?: number | undefined;
}

/** The inner part of `$name(inner)[index]` */
export interface PvArgs {
  /** text between the parentheses, nested PVs evaluated; '' when there is none */
  readonly inner: ByteStr;
  /** innerAs 'pv' with a PV between the parentheses: its value with its type */
  readonly innerValue?: XVal;
  /** undefined: no index; '*': all; else the number, negative counts from the end */
  readonly index: number | '*' | undefined;
}

/** A variable whose name is known. */
export interface BoundPv {
  get(): XVal;
  /** @returns false when the value was not taken */
  set(value: XVal): boolean;
}

export interface PvClass {
  /** name without `$`: 'ru', 'hdr', 'sht' */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** whether `(inner)` is required, allowed or an error; absent: an error */
  readonly inner?: 'none' | 'required' | 'optional';
  /**
   * How inner text with a `$` in it is read. 'text' (the default) replaces each PV in it by its value at each use; 'pv' takes plain text or exactly
   * one PV, whose value becomes the name; 'raw' hands the text over as written.
   */
  readonly innerAs?: 'text' | 'pv' | 'raw';
  /** whether `[index]` may follow; without it an index is an error, as in Kamailio */
  readonly indexed?: boolean;
  /** checks the inner text once, at compile time; returns an error text or undefined. Not called for inner text that contains PVs. */
  readonly check?: (inner: ByteStr) => string | undefined;
  /** the AssemblyScript export that returns the value as an xval (no inner, no index); the fast lane of pv.get and the only implementation then */
  readonly wasm?: string;
  /** the value is that of the first header of this name, as of $hdr(name): the core reads it itself */
  readonly header?: string;
  // biome-ignore lint/suspicious/noExplicitAny: each module knows its own state
  readonly get?: (call: Call<any>, args: PvArgs) => XVal;
  // biome-ignore lint/suspicious/noExplicitAny: each module knows its own state
  readonly set?: (call: Call<any>, args: PvArgs, value: XVal) => boolean | undefined;
  /**
   * The same as get and set for one plain inner text, no index: what follows from the name is worked out once. The result is kept as long as the runtime.
   */
  // biome-ignore lint/suspicious/noExplicitAny: each module knows its own state
  readonly bind?: (call: Call<any>, inner: ByteStr) => BoundPv;
  /**
   * Address of 8 bytes in the core: u32 CELL_*, and the number when it is one. The core reads and writes numbers there without asking. @returns 0: there is none
   */
  // biome-ignore lint/suspicious/noExplicitAny: each module knows its own state
  readonly cell?: (call: Call<any>, inner: ByteStr) => number;
  /** readable with no message at hand ($var, $shv, $sht, $Ts ...) */
  readonly anytime?: boolean;
  /** one sentence for the reference page */
  readonly doc: string;
}

/**
 * What one argument of a transformation is. 'int': a number, or a PV whose value is one; 'str': text, or exactly one PV; 'raw': the rest of the text
 * up to the closing brace, commas and `$` included. A `?` at the end: may be missing.
 */
export type ArgKind = 'int' | 'int?' | 'str' | 'str?' | 'raw' | 'raw?';

/** `{class.name,arg,...}`, e.g. {s.substr,1,2}. Pure: bytes in, bytes out. */
export interface Transformation {
  /** 's', 'uri', 'param', 'nameaddr', 'tobody', 'line', 're', ... */
  readonly class: string;
  readonly name: string;
  readonly args?: readonly ArgKind[];
  /**
   * @param value never null: a null input gives `onNull`
   * @param args evaluated: numbers for 'int', byte strings for the others. An argument PV that is null, or not a number where one is due, makes the
   *   result null without a call.
   */
  readonly run: (value: number | ByteStr, args: (number | ByteStr)[], host: TransformationHost) => XVal;
  /** the result for a null input; absent: null */
  readonly onNull?: XVal;
  /** checks the arguments once, at compile time; a PV among them is undefined. Returns an error text or undefined. */
  readonly check?: (args: (number | ByteStr | undefined)[]) => string | undefined;
  readonly doc: string;
}
export interface TransformationHost {
  readonly core: Core;
  md5(data: ByteStr): ByteStr;
  sha256(data: ByteStr): ByteStr;
  /** text with its PVs replaced; undefined when it does not parse */
  format(text: ByteStr): ByteStr | undefined;
}
