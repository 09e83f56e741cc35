/** Header fields by name: what KSR.hdr adds, removes and compares. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { headersNamed, headersStart, isHeaderName, removeHeader } from '../../kemi/message-edits.ts';

export function append(msg: SipMsg, text: ByteStr): number {
  return text && msg.appendHeader(text) ? 1 : -1;
}

export function appendAfter(msg: SipMsg, text: ByteStr, name: ByteStr): number {
  if (!isHeaderName(name)) return -1;
  const [first] = headersNamed(msg, name);
  return msg.edit(first?.end ?? msg.headersEnd, 0, text, L.EK_ADD_HDR) ? 1 : -1;
}

export function insert(msg: SipMsg, text: ByteStr): number {
  return text && msg.insertHeader(text) ? 1 : -1;
}

export function insertBefore(msg: SipMsg, text: ByteStr, name: ByteStr): number {
  if (!isHeaderName(name)) return -1;
  const [first] = headersNamed(msg, name);
  return msg.edit(first?.offset ?? headersStart(msg), 0, text, L.EK_ADD_HDR) ? 1 : -1;
}

/** @returns 1 also when there was none, -1 for an empty name */
export function remove(msg: SipMsg, name: ByteStr): number {
  if (!name) return -1;
  for (const h of msg.named(name)) if (!removeHeader(msg, h.index)) return -1;
  return 1;
}

const TESTS: Readonly<Record<string, (body: ByteStr, value: ByteStr) => boolean>> = {
  eq: (body, value) => body === value,
  ne: (body, value) => body !== value,
  sw: (body, value) => body.startsWith(value),
  in: (body, value) => body.includes(value),
};

/** @param op eq, ne, sw (starts with), in (contains)  @param which f first, l last, a all must match */
export function matchContent(msg: SipMsg, name: ByteStr, op: ByteStr, value: ByteStr, which: ByteStr): boolean {
  const test = TESTS[op];
  const headers = name ? headersNamed(msg, name) : [];
  if (!test || headers.length === 0) return false;
  const wanted = value.toLowerCase();
  const hits = (body: ByteStr) => test(body.toLowerCase(), wanted);
  const mode = which.charAt(0).toLowerCase();
  if (mode === 'f') return hits(headers[0]!.body);
  if (mode === 'l') return hits(headers.at(-1)!.body);
  return mode === 'a' && headers.every(h => hits(h.body));
}
