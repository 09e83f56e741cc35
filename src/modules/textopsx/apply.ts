/** Making changes part of the message: what msg_apply_changes() and msg_set_buffer() do, and the status line of replies. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { bodyOf, removeHeader, replaceBody } from '../../kemi/message-edits.ts';
import type { Regex } from '../../kemi/posix-regex.ts';

const MAX_MESSAGE_BYTES = 65535;

/** The message as it would leave: edits, the request URI and the status of a reply applied. */
function written(msg: SipMsg): ByteStr {
  const text = msg.applied();
  const put = (field: number, value: ByteStr, from: ByteStr): ByteStr => {
    const at = msg.mem.u16(msg.at + field);
    return from.slice(0, at) + value + from.slice(at + msg.mem.u16(msg.at + field + 2));
  };
  // The start line is never edited, so its offsets hold in the text that was written.
  if (msg.isRequest) return msg.u32(L.M_NEWURI) ? put(L.M_URI, msg.ruri, text) : text;
  const code = msg.mem.u16(msg.at + L.M_NEWSTATUS);
  if (!code) return text;
  const reason = msg.u32(L.M_NEWREASON);
  const line = reason ? put(L.M_REASON, msg.mem.str(reason, msg.u32(L.M_NEWREASON + 4)), text) : text;
  const at = msg.mem.u16(msg.at + L.M_VER) + msg.mem.u16(msg.at + L.M_VER + 2) + 1;
  return `${line.slice(0, at)}${code}${line.slice(at + 3)}`;
}

/** Applies all pending changes and reads the message anew. @returns as setBuffer() */
export function applyChanges(msg: SipMsg): number {
  return setBuffer(msg, written(msg));
}

/**
 * Makes `text` the message. Pending edits and additions to the reply are gone afterwards, as in Kamailio; flags and the destination stay.
 * @returns 1 done; 0 it is no message of the same kind with all that a route may rely on: the old one stays; -1 empty, too large, or memory is full
 */
export function setBuffer(msg: SipMsg, text: ByteStr): number {
  if (!text || text.length > MAX_MESSAGE_BYTES) return -1;
  const { core, mem, at } = msg;
  const kind = mem.u8[at + L.M_KIND];
  const buf = msg.buf;
  const length = msg.length;
  // In place when it fits: a route that applies changes in a loop must not use up the message's memory.
  const inPlace = text.length <= length;
  const before = inPlace ? mem.bytes(buf, length) : undefined;
  const target = inPlace ? buf : core.x.arenaAlloc(at, text.length);
  if (!target) return -1;
  mem.putStr(target, text);
  msg.setU32(L.M_BUF, target);
  msg.setU32(L.M_LEN, text.length);
  if (core.x.msgIndex(at) < 0 || mem.u8[at + L.M_KIND] !== kind || core.x.msgCheck(at) < 0) {
    if (before) mem.u8.set(before, buf);
    msg.setU32(L.M_BUF, buf);
    msg.setU32(L.M_LEN, length);
    core.x.msgIndex(at);
    return 0;
  }
  msg.setU16(L.M_NEDITS, 0);
  msg.setU16(L.M_NLUMPS, 0);
  msg.setU16(L.M_NEWSTATUS, 0);
  for (const span of [L.M_NEWURI, L.M_NEWREASON, L.M_REPLYBODY]) msg.setU32(span, 0);
  return 1;
}

const MIN_STATUS = 100;
const MAX_STATUS = 699;
const FINAL_ERROR = 300;

/**
 * Changes the status of a reply that is forwarded. The class of a provisional or 2xx reply stays (RFC 3261 16.7).
 * @param reason undefined leaves the phrase  @returns 1 changed, -1 not
 */
export function changeStatus(msg: SipMsg, code: number, reason: ByteStr | undefined): number {
  if (!msg.isReply || reason === '' || code < MIN_STATUS || code > MAX_STATUS) return -1;
  const old = msg.status;
  if ((old < FINAL_ERROR || code < FINAL_ERROR) && Math.trunc(old / 100) !== Math.trunc(code / 100)) return -1;
  if (reason !== undefined) {
    const line = reason.replace(/[\r\n\0]/g, ' ');
    const at = msg.store(line);
    if (!at) return -1;
    msg.setU32(L.M_NEWREASON, at);
    msg.setU32(L.M_NEWREASON + 4, line.length);
  }
  msg.setU16(L.M_NEWSTATUS, code);
  msg.setU16(L.M_STATUS, code);
  return 1;
}

export function removeBody(msg: SipMsg): number {
  return !bodyOf(msg) || replaceBody(msg, '') ? 1 : -1;
}

/** what keep_hf never removes */
const KEPT = new Set([
  L.HDR_VIA,
  L.HDR_FROM,
  L.HDR_TO,
  L.HDR_CALL_ID,
  L.HDR_CSEQ,
  L.HDR_CONTENT_LENGTH,
  L.HDR_CONTENT_TYPE,
  L.HDR_MAX_FORWARDS,
  L.HDR_CONTACT,
  L.HDR_ROUTE,
  L.HDR_RECORD_ROUTE,
]);

/** Removes the headers that a proxy can do without. @param regex names to keep as well  @returns -1 always, as Kamailio */
export function keepHeaders(msg: SipMsg, regex: Regex | undefined): number {
  for (const h of msg.headers()) if (!KEPT.has(h.id) && !regex?.test(h.name)) removeHeader(msg, h.index);
  return -1;
}
