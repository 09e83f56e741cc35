/**
 * Values in header fields. A reference is NAME, NAME[IDX], NAME.PARAM or NAME[IDX].PARAM; IDX counts from 1, negative from the end, `*` is all. In the first
 * kind of functions a header holds values between commas, in the second (those with a 2) a header is one value, and its parameters stand between commas.
 */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Header, SipMsg } from '../../core/sip-msg.ts';
import { headersNamed, removeHeader, replaceText, valueOffset } from '../../kemi/message-edits.ts';
import { splitOutside } from '../../kemi/scan.ts';

export interface Reference {
  readonly name: ByteStr;
  /** undefined when there is none */
  readonly index: number | '*' | undefined;
  readonly param: ByteStr | undefined;
}

/** A stretch of the message: offset of its first byte, and its bytes. */
interface Span {
  readonly at: number;
  readonly text: ByteStr;
}
interface Value extends Span {
  readonly header: Header;
  /** its place among the values of the header, and their number */
  readonly nth: number;
  readonly of: number;
}

/** @returns undefined when it is no reference */
export function parseReference(text: ByteStr): Reference | undefined {
  const m = /^([^\s:[\].]+)(?:\[(\*|-?\d{1,9})\])?(?:\.([^\s:[\].]+))?$/.exec(text);
  if (!m) return undefined;
  return { name: m[1]!, index: m[2] === undefined ? undefined : m[2] === '*' ? '*' : Number(m[2]), param: m[3] };
}

/** pieces of a text that lies at `at` in the message */
const split = (text: ByteStr, at: number, separator: string): Span[] =>
  splitOutside(text, separator).map(piece => ({ at: at + piece.at, text: piece.text }));

function trimmed({ at, text }: Span): Span {
  const body = text.trimStart();
  return { at: at + text.length - body.length, text: body.trimEnd() };
}

function valuesOf(msg: SipMsg, name: ByteStr): Value[] {
  return headersNamed(msg, name).flatMap(header => {
    const spans = split(header.body, valueOffset(msg, header), ',');
    return spans.map((span, nth) => ({ ...span, header, nth, of: spans.length }));
  });
}

/** the elements that an index means: 0 and 1 are the first */
function pick<T>(list: readonly T[], index: Reference['index']): T[] {
  if (index === '*') return [...list];
  const found = index !== undefined && index < 0 ? list.at(index) : list[Math.max((index ?? 1) - 1, 0)];
  return found === undefined ? [] : [found];
}

const newHeader = (msg: SipMsg, name: ByteStr, value: ByteStr): number =>
  msg.appendHeader(`${name}: ${value}\r\n`) ? 1 : -1;

/** Adds a value behind the one at the index; a header of its own without an index, or when there is no such value. */
export function appendValue(msg: SipMsg, ref: Reference, value: ByteStr): number {
  if (ref.param !== undefined || ref.index === '*') return -1;
  if (ref.index === undefined) return newHeader(msg, ref.name, value);
  const values = valuesOf(msg, ref.name);
  const found = ref.index === 0 ? values.at(-1) : pick(values, ref.index)[0];
  if (!found) return newHeader(msg, ref.name, value);
  const text = found.text || found.of > 1 ? `,${value}` : value;
  return replaceText(msg, found.at + found.text.length, 0, text) ? 1 : -1;
}

/** Adds a value before the one at the index; without an index a header before the first of this name. */
export function insertValue(msg: SipMsg, ref: Reference, value: ByteStr): number {
  if (ref.param !== undefined || ref.index === '*') return -1;
  if (ref.index === undefined) {
    const [first] = headersNamed(msg, ref.name);
    if (!first) return newHeader(msg, ref.name, value);
    return msg.edit(first.offset, 0, `${ref.name}: ${value}\r\n`, L.EK_ADD_HDR) ? 1 : -1;
  }
  const values = valuesOf(msg, ref.name);
  const [found] = pick(values, ref.index);
  if (!found) return values.length === 0 && (ref.index === 0 || ref.index === 1) ? newHeader(msg, ref.name, value) : -1;
  return replaceText(msg, found.at, 0, found.text || found.of > 1 ? `${value},` : value) ? 1 : -1;
}

/** Takes a value away, and the comma behind it, before it for the last; the header when it was the only one. */
function takeValue(msg: SipMsg, v: Value): boolean {
  if (v.of === 1) return removeHeader(msg, v.header.index);
  const last = v.nth === v.of - 1;
  return replaceText(msg, last ? v.at - 1 : v.at, v.text.length + 1, '');
}

/** the header parameters of a value: `;name=value` behind its first part */
function paramsOf(v: Span): { name: ByteStr; whole: Span; value: Span | undefined }[] {
  return split(v.text, v.at, ';')
    .slice(1)
    .map(span => named({ at: span.at - 1, text: `;${span.text.trimEnd()}` }, span));
}

function named(whole: Span, span: Span): { name: ByteStr; whole: Span; value: Span | undefined } {
  const eq = span.text.indexOf('=');
  return {
    name: (eq < 0 ? span.text : span.text.slice(0, eq)).trim().toLowerCase(),
    whole,
    value: eq < 0 ? undefined : trimmed({ at: span.at + eq + 1, text: span.text.slice(eq + 1) }),
  };
}

/** Gives a parameter a value; an empty one removes it. @returns false when there is nothing to remove */
function setParam(msg: SipMsg, v: Span, name: ByteStr, value: ByteStr): boolean {
  const found = paramsOf(v).find(p => p.name === name.toLowerCase());
  if (!found) {
    const body = trimmed(v);
    return value !== '' && replaceText(msg, body.at + body.text.length, 0, `;${name}=${value}`);
  }
  if (!value) return replaceText(msg, found.whole.at, found.whole.text.length, '');
  if (found.value) return replaceText(msg, found.value.at, found.value.text.length, value);
  return replaceText(msg, found.whole.at + found.whole.text.length, 0, `=${value}`);
}

const any = (results: readonly boolean[]): number => (results.includes(true) ? 1 : -1);

export function removeValue(msg: SipMsg, ref: Reference): number {
  const values = valuesOf(msg, ref.name);
  const { param } = ref;
  if (param !== undefined) return any(pick(values, ref.index).map(v => setParam(msg, v, param, '')));
  if (ref.index === '*') return any(headersNamed(msg, ref.name).map(h => removeHeader(msg, h.index)));
  return any(pick(values, ref.index).map(v => takeValue(msg, v)));
}

export function assignValue(msg: SipMsg, ref: Reference, value: ByteStr): number {
  const { param } = ref;
  if (param === undefined && ref.index === '*') return -1;
  return any(
    pick(valuesOf(msg, ref.name), ref.index).map(v => {
      if (param !== undefined) return setParam(msg, v, param, value);
      const body = trimmed(v);
      return replaceText(msg, body.at, body.text.length, value);
    }),
  );
}

// ---- headers that are one value, as Authorization

/** parameters between commas; the scheme before the first is not one of them */
function listParams(msg: SipMsg, h: Header): { name: ByteStr; whole: Span; value: Span | undefined }[] {
  const at = valueOffset(msg, h);
  return split(h.body, at, ',').map((span, i) => {
    const scheme = i === 0 ? /^\s*[^\s=]+\s+(?=[^\s=]+\s*=)/.exec(span.text) : null;
    const cut = scheme ? scheme[0].length : 0;
    const own = { at: span.at + cut, text: span.text.slice(cut) };
    return named(own, own);
  });
}

function setListParam(msg: SipMsg, h: Header, name: ByteStr, value: ByteStr): boolean {
  const params = listParams(msg, h);
  const nth = params.findIndex(p => p.name === name.toLowerCase());
  const found = params[nth];
  if (!found) return value !== '' && replaceText(msg, valueOffset(msg, h) + h.body.length, 0, `,${name}=${value}`);
  if (value && found.value) return replaceText(msg, found.value.at, found.value.text.length, value);
  if (value) return replaceText(msg, found.whole.at + found.whole.text.length, 0, `=${value}`);
  if (nth > 0) return replaceText(msg, found.whole.at - 1, found.whole.text.length + 1, '');
  return replaceText(msg, found.whole.at, found.whole.text.length + (params.length > 1 ? 1 : 0), '');
}

export function removeWhole(msg: SipMsg, ref: Reference): number {
  const { param } = ref;
  return any(
    pick(headersNamed(msg, ref.name), ref.index).map(h =>
      param === undefined ? removeHeader(msg, h.index) : setListParam(msg, h, param, ''),
    ),
  );
}

export function assignWhole(msg: SipMsg, ref: Reference, value: ByteStr): number {
  const { param } = ref;
  if (param === undefined && ref.index === '*') return -1;
  return any(
    pick(headersNamed(msg, ref.name), ref.index).map(h => {
      if (param !== undefined) return setListParam(msg, h, param, value);
      return replaceText(msg, valueOffset(msg, h), h.body.length, value);
    }),
  );
}

// ---- sets, as Supported

const isSet = (ref: Reference): boolean => ref.index === undefined && ref.param === undefined;
const same = (v: Value, value: ByteStr): boolean => trimmed(v).text.toLowerCase() === value.toLowerCase();

export function includeValue(msg: SipMsg, ref: Reference, value: ByteStr): number {
  if (!isSet(ref) || !value) return -1;
  const values = valuesOf(msg, ref.name);
  if (values.some(v => same(v, value))) return 1;
  const [first] = headersNamed(msg, ref.name);
  if (!first) return newHeader(msg, ref.name, value);
  const text = first.body ? `,${value}` : value;
  return replaceText(msg, valueOffset(msg, first) + first.body.length, 0, text) ? 1 : -1;
}

export function excludeValue(msg: SipMsg, ref: Reference, value: ByteStr): number {
  if (!isSet(ref) || !value) return -1;
  return valuesOf(msg, ref.name)
    .filter(v => same(v, value))
    .every(v => takeValue(msg, v))
    ? 1
    : -1;
}

export function hasValue(msg: SipMsg, ref: Reference, value: ByteStr): number {
  return isSet(ref) && value && valuesOf(msg, ref.name).some(v => same(v, value)) ? 1 : -1;
}
