/**
 * What modules that change a message share: edits that may meet each other, and bodies. The message keeps its bytes until it is written. Where two edits take
 * the same byte away, it goes once, and what both put in comes out, in the order in which they were made. Content-Length is the writer's business.
 */
import * as L from '../core/gen/layout.gen.ts';
import type { ByteStr } from '../core/memory.ts';
import { type Header, headerId, type SipMsg } from '../core/sip-msg.ts';
import { trimEndOf } from './scan.ts';

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

/** whether an edit takes this byte away */
const isGone = (msg: SipMsg, at: number): boolean =>
  editsOf(msg).some(e => e.del > 0 && e.off <= at && at < e.off + e.del);

/**
 * Puts `text` at `offset` and takes `remove` bytes away there, whatever other edits do to them. COPIED.
 * @param kind L.EK_*  @returns false when the message's memory is full or the range is outside the message
 */
export function replaceText(
  msg: SipMsg,
  offset: number,
  remove: number,
  text: ByteStr,
  kind: number = L.EK_TEXT,
): boolean {
  if (msg.edit(offset, remove, text, kind)) return true;
  if (remove === 0 || offset + remove > msg.length) return false;
  // Behind a byte that is gone already the text follows what took it away: one byte on.
  const at = isGone(msg, offset) ? offset + 1 : offset;
  if (text.length && !msg.edit(at, 0, text, kind)) return false;
  return removeRest(msg, offset, remove, kind);
}

/** Takes away what no edit takes away yet. */
const removeRest = (msg: SipMsg, offset: number, remove: number, kind: number): boolean =>
  msg.core.x.editRemoveRest(msg.at, offset, remove, kind) === 0;

/** Removes a header line, also when an edit changed or removed a part of it before. @returns false when the message's memory is full */
export function removeHeader(msg: SipMsg, index: number): boolean {
  if (msg.removeHeader(index)) return true;
  const { offset, end } = msg.header(index);
  return removeRest(msg, offset, end - offset, L.EK_REMOVE_HDR);
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

/** offset of a header's value */
export function valueOffset(msg: SipMsg, h: Header): number {
  return msg.mem.u16(msg.at + L.MSG_HDRS + h.index * L.HDR_SIZE + L.H_BODY);
}

/** Replaces the whole body, whatever earlier edits made of it. @returns false when the message's memory is full */
export function replaceBody(msg: SipMsg, body: ByteStr): boolean {
  for (const e of editsOf(msg))
    if (e.off >= msg.bodyOffset && e.kind !== L.EK_ADD_HDR) msg.mem.setU32(e.at + L.E_LEN, 0);
  return replaceText(msg, msg.bodyOffset, bodyEnd(msg) - msg.bodyOffset, body);
}

/** Takes back header text that an edit added before, by how it starts. */
export function dropAdded(msg: SipMsg, start: ByteStr): void {
  for (const e of editsOf(msg)) {
    if (e.kind !== L.EK_ADD_HDR || e.length < start.length) continue;
    const text = msg.mem.str(msg.mem.u32(e.at + L.E_SRC), start.length);
    if (text.toLowerCase() === start.toLowerCase()) msg.mem.setU32(e.at + L.E_LEN, 0);
  }
}

/** Whether the text can be a header name: not empty, no colon, no blank. */
export function isHeaderName(name: ByteStr): boolean {
  return name.length > 0 && !/[\s:]/.test(name);
}

/** Headers of this name, any case and form; blanks behind the name are allowed, as Kamailio allows them. */
export function headersNamed(msg: SipMsg, name: ByteStr): Header[] {
  return msg.named(trimEndOf(name, ' \t'));
}

export const sameHeaderName = (a: ByteStr, b: ByteStr): boolean => {
  const id = headerId(a);
  return id ? id === headerId(b) : a.toLowerCase() === b.toLowerCase();
};
