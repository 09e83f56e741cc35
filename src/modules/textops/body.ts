/** Bodies: what is in them, replacing them, and multipart parts. Content-Length and Content-Type follow. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { bodyOf, dropAdded, removeHeader, replaceBody } from '../../kemi/message-edits.ts';
import { boundaryOf, mediaType, multipart, partOfType, partsOf } from './multipart.ts';
import type { TextCall } from './state.ts';

const DEFAULT_BOUNDARY = 'unique-boundary-1';
const DEFAULT_TYPE = 'text/plain';
/** what a body without Content-Type is taken for */
const ASSUMED_TYPE = 'application/sdp';

const typeOf = (msg: SipMsg): ByteStr | undefined => msg.first(L.HDR_CONTENT_TYPE)?.body;

/** @returns 1 when Content-Length says that there is a body, and it is there; -1 not */
export function hasBody(msg: SipMsg): number {
  return msg.contentLength > 0 && bodyOf(msg) ? 1 : -1;
}

/** @param type media type; '' matches any  @returns 1 there is a body of this type, -1 not */
export function hasBodyType(msg: SipMsg, type: ByteStr): number {
  if (hasBody(msg) < 0) return -1;
  if (!type) return 1;
  const wanted = mediaType(type);
  return wanted !== undefined && wanted === mediaType(typeOf(msg) ?? ASSUMED_TYPE) ? 1 : -1;
}

/** Makes this the only Content-Type of the message that is written. */
function setType(msg: SipMsg, type: ByteStr): void {
  const present = [...msg.headers()].filter(h => h.id === L.HDR_CONTENT_TYPE);
  dropAdded(msg, 'Content-Type:');
  if (present.length === 1 && present[0]!.body === type) return;
  for (const h of present) removeHeader(msg, h.index);
  msg.appendHeader(`Content-Type: ${type}\r\n`);
}

export function setBody(call: TextCall, body: ByteStr, type: ByteStr): number {
  if (!body || !type) return -1;
  setType(call.msg, type);
  return replaceBody(call.msg, body) ? 1 : -1;
}

/** @returns -1 also when the reply has a body already */
export function setReplyBody(call: TextCall, body: ByteStr, type: ByteStr): number {
  if (!body || !type || call.msg.u32(L.M_REPLYBODY)) return -1;
  call.msg.setReplyBody(body, type);
  return 1;
}

/** Bytes of a hex text; blanks may stand between the pairs. undefined when it is not one or empty. */
export function fromHex(text: ByteStr): ByteStr | undefined {
  let out = '';
  for (let at = 0; at < text.length; ) {
    if (text[at] === ' ') {
      at++;
      continue;
    }
    const pair = text.slice(at, at + 2);
    if (!/^[0-9a-fA-F]{2}$/.test(pair)) return undefined;
    out += String.fromCharCode(Number.parseInt(pair, 16));
    at += 2;
  }
  return out || undefined;
}

/** The body with the edits made so far. */
function editedBody(msg: SipMsg): ByteStr {
  const text = msg.applied();
  const end = text.indexOf('\r\n\r\n');
  return end < 0 ? '' : text.slice(end + 4);
}

export function filterBody(call: TextCall, type: ByteStr): number {
  const boundary = boundaryOf(typeOf(call.msg) ?? '');
  const part = boundary ? partOfType(partsOf(bodyOf(call.msg), boundary), type) : undefined;
  return part && replaceBody(call.msg, part.text.slice(part.content)) ? 1 : -1;
}

/** @param raw with the part's headers and the delimiter line behind it */
export function getPart(call: TextCall, type: ByteStr, target: ByteStr, raw: boolean): number {
  const boundary = boundaryOf(typeOf(call.msg) ?? '');
  const body = bodyOf(call.msg);
  const pv = target ? call.host.pv(target) : undefined;
  if (!body || !pv?.writable) return -1;
  if (!boundary) return pv.set(body) ? 1 : -1;
  const part = partOfType(partsOf(body, boundary), type);
  if (!part) return -1;
  const value = raw ? `${part.text}\r\n--${boundary}\r\n` : `${part.text.slice(part.afterType)}\r\n`;
  return pv.set(value) ? 1 : -1;
}

export function removePart(call: TextCall, type: ByteStr): number {
  const boundary = boundaryOf(typeOf(call.msg) ?? '');
  if (!boundary) return -1;
  const parts = partsOf(editedBody(call.msg), boundary);
  const gone = partOfType(parts, type);
  if (!gone) return -1;
  const rest = parts.filter(p => p !== gone).map(p => p.text);
  return replaceBody(call.msg, rest.length ? multipart(rest, boundary) : '') ? 1 : -1;
}

export function appendPart(call: TextCall, content: ByteStr, type: ByteStr, disposition: ByteStr): number {
  const boundary = boundaryOf(typeOf(call.msg) ?? '');
  if (!boundary || !content || !type) return -1;
  const parts = partsOf(editedBody(call.msg), boundary).map(p => p.text);
  const head = `Content-Type: ${type}\r\n${disposition ? `Content-Disposition: ${disposition}\r\n` : ''}`;
  return replaceBody(call.msg, multipart([...parts, `${head}\r\n${content}`], boundary)) ? 1 : -1;
}

/**
 * Makes the body multipart/mixed: of the text when one is given, else of the body that is there.
 * @returns 1, also when it is multipart already; -1 there is no body, or it has no Content-Type
 */
export function setMultipart(call: TextCall, content: ByteStr, type: ByteStr, boundary: ByteStr): number {
  const { msg } = call;
  const delimiter = boundary || DEFAULT_BOUNDARY;
  let part: ByteStr;
  if (content) part = `Content-Type: ${type || DEFAULT_TYPE}\r\n\r\n${content}`;
  else {
    const old = typeOf(msg);
    const body = bodyOf(msg);
    if (!body || old === undefined) return -1;
    if (mediaType(old)?.startsWith('multipart/')) return 1;
    part = `Content-Type: ${old}\r\n\r\n${body}`;
  }
  setType(msg, `multipart/mixed;boundary="${delimiter}"`);
  if (!replaceBody(msg, multipart([part], delimiter))) return -1;
  dropAdded(msg, 'Mime-Version:');
  if (msg.named('Mime-Version').length === 0) msg.appendHeader('Mime-Version: 1.0\r\n');
  return 1;
}

/** The SDP of the message, in a multipart body too. */
function sdpOf(msg: SipMsg): ByteStr | undefined {
  const type = typeOf(msg) ?? ASSUMED_TYPE;
  const body = bodyOf(msg);
  if (mediaType(type) === 'application/sdp') return body;
  const boundary = boundaryOf(type);
  const part = boundary ? partOfType(partsOf(body, boundary), 'application/sdp') : undefined;
  return part?.text.slice(part.content);
}

/** @returns 2 an audio stream is sendonly or inactive (RFC 3264), 1 its address is 0.0.0.0 (RFC 2543), -1 none is on hold */
export function audioOnHold(msg: SipMsg): number {
  const sdp = hasBody(msg) < 0 ? undefined : sdpOf(msg);
  if (!sdp) return -1;
  let sessionAddress = '';
  let sessionHold = false;
  let stream: { audio: boolean; address: ByteStr; hold: boolean } | undefined;
  const streams: (typeof stream & object)[] = [];
  for (const raw of sdp.split('\n')) {
    const line = raw.replace(/\r$/, '');
    if (line.startsWith('m=')) {
      stream = { audio: /^m=audio /.test(line), address: sessionAddress, hold: sessionHold };
      streams.push(stream);
    } else if (line.startsWith('c=')) {
      const address = line.split(' ')[2] ?? '';
      if (stream) stream.address = address;
      else sessionAddress = address;
    } else if (/^a=(sendonly|inactive)\s*$/.test(line)) {
      if (stream) stream.hold = true;
      else sessionHold = true;
    } else if (/^a=(sendrecv|recvonly)\s*$/.test(line) && stream) stream.hold = false;
  }
  if (streams.some(s => s.address === '')) return -1;
  for (const s of streams) if (s.audio && (s.hold || s.address === '0.0.0.0')) return s.hold ? 2 : 1;
  return -1;
}
