/**
 * What modules that change a message share: edits that may meet each other, bodies, and the Content-Length that follows them. The message keeps its bytes
 * until it is written. Where two edits take the same byte away, it goes once, and what both put in comes out, in the order of their offsets.
 */
import * as L from '../core/gen/layout.gen.ts';
import type { ByteStr } from '../core/memory.ts';
import { type Header, headerId, type SipMsg } from '../core/sip-msg.ts';

interface EditRecord {
  readonly at: number;
  readonly off: number;
  readonly del: number;
  readonly kind: number;
  readonly length: number;
}

function editsOf(msg: SipMsg): EditRecord[] {
  const { mem } = msg;
  const count = mem.u16(msg.at + L.M_NEDITS);
  const out: EditRecord[] = [];
  for (let i = 0, at = mem.u32(msg.at + L.M_EDITS); i < count; i++, at += L.EDIT_SIZE)
    out.push({
      at,
      off: mem.u32(at + L.E_OFF),
      del: mem.u32(at + L.E_DEL),
      kind: mem.u32(at + L.E_KIND),
      length: mem.u32(at + L.E_LEN),
    });
  return out;
}

/** the parts of [off, off + del) that no edit takes away yet */
function uncovered(msg: SipMsg, off: number, del: number): [off: number, del: number][] {
  const gone = editsOf(msg)
    .filter(e => e.del > 0 && e.off < off + del && off < e.off + e.del)
    .sort((a, b) => a.off - b.off);
  const out: [number, number][] = [];
  let at = off;
  for (const e of gone) {
    if (e.off > at) out.push([at, e.off - at]);
    at = Math.max(at, e.off + e.del);
  }
  if (at < off + del) out.push([at, off + del - at]);
  return out;
}

/**
 * Puts `text` at `offset` and takes `remove` bytes away there, whatever other edits do to them. COPIED. Content-Length follows when the body is touched.
 * @param kind L.EK_*  @returns false when the message's memory is full or the range is outside the message
 */
export function replaceText(
  msg: SipMsg,
  offset: number,
  remove: number,
  text: ByteStr,
  kind: number = L.EK_TEXT,
): boolean {
  const done = put(msg, offset, remove, text, kind);
  if (done && offset + remove >= msg.bodyOffset && msg.bodyOffset > 0 && offset >= msg.bodyOffset) syncLength(msg);
  return done;
}

function put(msg: SipMsg, offset: number, remove: number, text: ByteStr, kind: number): boolean {
  const free = remove ? uncovered(msg, offset, remove) : [];
  const [first] = free;
  if (free.length === 1 && first && first[0] === offset && first[1] === remove)
    return msg.edit(offset, remove, text, kind);
  if (text.length && !msg.edit(offset, 0, text, kind)) return false;
  for (const [off, del] of free) if (!msg.edit(off, del, '', kind)) return false;
  return true;
}

/** Removes a header line, also when an edit changed or removed a part of it before. The bytes of a maintained Content-Length go with it. */
export function removeHeader(msg: SipMsg, index: number): boolean {
  if (msg.removeHeader(index)) return true;
  const { offset, end } = msg.header(index);
  for (const e of editsOf(msg))
    if (e.kind === L.EK_BODY && e.del > 0 && e.off >= offset && e.off < end) msg.mem.setU32(e.at + L.E_LEN, 0);
  for (const [off, del] of uncovered(msg, offset, end - offset))
    if (!msg.edit(off, del, '', L.EK_REMOVE_HDR)) return false;
  return true;
}

/** offset behind the last byte of the body: octets behind Content-Length are not part of the message (RFC 3261 18.3) */
export function bodyEnd(msg: SipMsg): number {
  return msg.contentLength < 0 ? msg.length : Math.min(msg.length, msg.bodyOffset + msg.contentLength);
}

/** The body as received, '' when there is none. */
export function bodyOf(msg: SipMsg): ByteStr {
  return msg.slice(msg.bodyOffset, bodyEnd(msg) - msg.bodyOffset);
}

/** offset of the first header line */
export function headersStart(msg: SipMsg): number {
  return msg.headerCount ? msg.header(0).offset : msg.bodyOffset;
}

/** length of the body with all edits applied */
function editedLength(msg: SipMsg): number {
  const start = msg.bodyOffset;
  let total = bodyEnd(msg) - start;
  for (const e of editsOf(msg)) if (e.off >= start) total += e.length - e.del;
  return total;
}

/** Sets the value of each Content-Length header to the length of the edited body. A message without one stays without: see addLength(). */
function syncLength(msg: SipMsg): void {
  const value = String(editedLength(msg));
  for (const e of editsOf(msg))
    if (e.kind === L.EK_BODY && e.del === 0) rewrite(msg, e, `Content-Length: ${value}\r\n`);
  for (const h of msg.headers()) {
    if (h.id !== L.HDR_CONTENT_LENGTH) continue;
    const own = editsOf(msg).find(e => e.kind === L.EK_BODY && e.del > 0 && e.off >= h.offset && e.off < h.end);
    if (own) {
      if (own.length) rewrite(msg, own, value);
      continue;
    }
    const at = valueOffset(msg, h);
    if (h.body !== value || msg.contentLength < 0) msg.edit(at, h.body.length, value, L.EK_BODY);
  }
}

function rewrite(msg: SipMsg, edit: EditRecord, text: ByteStr): void {
  const src = msg.store(text);
  if (!src) return;
  msg.mem.setU32(edit.at + L.E_SRC, src);
  msg.mem.setU32(edit.at + L.E_LEN, text.length);
}

/** offset of a header's value */
export function valueOffset(msg: SipMsg, h: Header): number {
  return msg.mem.u16(msg.at + L.MSG_HDRS + h.index * L.HDR_SIZE + L.H_BODY);
}

/** Adds a Content-Length header when the message has none, for a body that it did not have before. */
export function addLength(msg: SipMsg): void {
  if (msg.first(L.HDR_CONTENT_LENGTH)) return;
  if (editsOf(msg).some(e => e.kind === L.EK_BODY && e.del === 0)) return;
  msg.edit(msg.headersEnd, 0, `Content-Length: ${editedLength(msg)}\r\n`, L.EK_BODY);
}

/**
 * Replaces the whole body, whatever earlier edits made of it, and keeps Content-Length right.
 * @returns false when the message's memory is full
 */
export function replaceBody(msg: SipMsg, body: ByteStr): boolean {
  for (const e of editsOf(msg)) if (e.off >= msg.bodyOffset) msg.mem.setU32(e.at + L.E_LEN, 0);
  const done = put(msg, msg.bodyOffset, bodyEnd(msg) - msg.bodyOffset, body, L.EK_TEXT);
  syncLength(msg);
  return done;
}

/** Whether the text can be a header name: not empty, no colon, no blank. */
export function isHeaderName(name: ByteStr): boolean {
  return name.length > 0 && !/[\s:]/.test(name);
}

/** Headers of this name, any case and form; blanks behind the name are allowed, as Kamailio allows them. */
export function headersNamed(msg: SipMsg, name: ByteStr): Header[] {
  return msg.named(name.replace(/[ \t]+$/, ''));
}

export const sameHeaderName = (a: ByteStr, b: ByteStr): boolean => {
  const id = headerId(a);
  return id ? id === headerId(b) : a.toLowerCase() === b.toLowerCase();
};
