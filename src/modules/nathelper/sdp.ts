/** SDP (RFC 4566) as far as NAT concerns it: the addresses of c=, o= and a=rtcp lines. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { numericHost } from '../../kemi/ip.ts';
import { bodyOf } from '../../kemi/message-edits.ts';
import { splitOutside, trimEndOf } from '../../kemi/scan.ts';
import type { C } from './state.ts';

const FIX_DIRECTION = 1;
const FIX_MEDIA = 2;
const FIX_MARK = 4;
const FIX_ORIGIN = 8;
/** an address that means: on hold */
const NOBODY = '0.0.0.0';

interface Sdp {
  readonly text: ByteStr;
  /** offset of the text in the message */
  readonly at: number;
}

interface Line {
  /** offsets in the SDP: first byte, and the byte behind its line end */
  readonly from: number;
  readonly next: number;
  readonly text: ByteStr;
}

/** An address in a line: `IN IP4 1.2.3.4`. */
interface Place {
  /** offset in the SDP of `IP4` */
  readonly at: number;
  /** bytes from `IP4` to the end of the address */
  readonly length: number;
  readonly six: boolean;
  readonly ip: ByteStr;
}

/** The SDP of a message: its body, or the part of a multipart body. A body without Content-Type is taken for SDP. */
export function sdpOf(msg: SipMsg, typeNeeded: boolean): Sdp | undefined {
  const body = bodyOf(msg);
  if (!body) return undefined;
  const type = msg.named('Content-Type')[0]?.body;
  if (type === undefined) return typeNeeded ? undefined : { text: body, at: msg.bodyOffset };
  if (isSdp(type)) return { text: body, at: msg.bodyOffset };
  const boundary = boundaryOf(type);
  return boundary === undefined ? undefined : sdpPart(body, boundary, msg.bodyOffset);
}

const isSdp = (type: ByteStr): boolean => /^\s*application\s*\/\s*sdp\s*(?:;|$)/i.test(type);

function boundaryOf(type: ByteStr): ByteStr | undefined {
  if (!/^\s*multipart\s*\//i.test(type)) return undefined;
  for (const { text } of splitOutside(type, ';')) {
    const value = /^\s*boundary\s*=\s*(.*)$/is.exec(text)?.[1];
    if (value) return trimEndOf(value, ' \t').replace(/^"(.*)"$/s, '$1') || undefined;
  }
  return undefined;
}

function sdpPart(body: ByteStr, boundary: ByteStr, at: number): Sdp | undefined {
  const delimiter = `--${boundary}`;
  let start = -1;
  for (const line of linesOf(body)) {
    const text = trimEndOf(line.text, ' \t');
    if (text !== delimiter && text !== `${delimiter}--`) continue;
    const found = start < 0 ? undefined : contentOf(body, start, line.from, at);
    if (found) return found;
    start = line.next;
  }
  return undefined;
}

/** The part between two delimiters when it is SDP; the line end before the second one is the delimiter's. */
function contentOf(body: ByteStr, start: number, end: number, at: number): Sdp | undefined {
  const part = body.slice(start, end).replace(/\r?\n$/, '');
  let sdp = false;
  for (const line of linesOf(part)) {
    if (line.text === '') return sdp ? { text: part.slice(line.next), at: at + start + line.next } : undefined;
    sdp ||= /^(?:content-type|c)[ \t]*:/i.test(line.text) && isSdp(line.text.slice(line.text.indexOf(':') + 1));
  }
  return undefined;
}

function* linesOf(text: ByteStr): Generator<Line> {
  for (let from = 0; from < text.length; ) {
    const lf = text.indexOf('\n', from);
    const next = lf < 0 ? text.length : lf + 1;
    const end = lf < 0 ? next : text[lf - 1] === '\r' && lf > from ? lf - 1 : lf;
    yield { from, next, text: text.slice(from, end) };
    from = next;
  }
}

const CONNECTION = /^c=IN (IP[46]) (\S+)/;
const ORIGIN = /^o=\S* \S+ \S+ IN (IP[46]) (\S+)/;
const RTCP = /^a=rtcp:\d+ IN (IP[46]) (\S+)/;

function placeIn(line: Line, pattern: RegExp): Place | undefined {
  const m = pattern.exec(line.text);
  if (!m) return undefined;
  const length = m[1]!.length + 1 + m[2]!.length;
  return { at: line.from + m[0].length - length, length, six: m[1] === 'IP6', ip: m[2]! };
}

/** Addresses of all c= lines, without a TTL. */
export function connectionAddresses(sdp: Sdp): ByteStr[] {
  const out: ByteStr[] = [];
  for (const line of linesOf(sdp.text)) {
    const place = line.text.startsWith('c=') ? placeIn(line, CONNECTION) : undefined;
    if (place) out.push(place.ip.split('/')[0]!);
  }
  return out;
}

/**
 * Changes the SDP for a peer behind NAT.
 * @param ip address to put in, '' is the one the message came from
 * @returns 1 an address was replaced; 2 none; -1 there is no SDP, `ip` is no address, or memory is full
 */
export function fixSdp(call: C, flags: number, ip: ByteStr): number {
  const { msg, state } = call;
  const sdp = sdpOf(msg, false);
  const target = numericHost(ip || msg.srcIp);
  if (!sdp || !target) return -1;
  const lines = [...linesOf(sdp.text)];
  const places: Place[] = [];
  const collect = (start: string, pattern: RegExp) => {
    for (const line of lines) {
      const place = line.text.startsWith(start) ? placeIn(line, pattern) : undefined;
      if (place && place.ip !== target.ip && place.ip !== NOBODY) places.push(place);
    }
  };
  if (flags & (FIX_MEDIA | FIX_ORIGIN)) collect('a=rtcp:', RTCP);
  if (flags & FIX_MEDIA) collect('c=', CONNECTION);
  if (flags & FIX_ORIGIN) collect('o=', ORIGIN);
  let replaced = 0;
  let old = '';
  for (const { at, length, ip: was, six } of places) {
    // what an earlier call replaced stays as that call left it
    if (!msg.edit(sdp.at + at, length, `IP${target.family} ${target.ip}`)) continue;
    replaced++;
    if (state.oldMediaIp) old += `a=oldmediaip${six ? '6' : ''}:${was}\r\n`;
  }
  if (flags & FIX_DIRECTION && !addDirections(msg, sdp, lines)) return -1;
  const mark = flags & FIX_MARK ? state.mark : '';
  const tail = mark + old;
  if (tail && !append(msg, sdp, tail)) return -1;
  return replaced ? 1 : 2;
}

/** a=direction:active at the end of each media section */
function addDirections(msg: SipMsg, sdp: Sdp, lines: readonly Line[]): boolean {
  let media = false;
  for (const line of lines) {
    if (!line.text.startsWith('m=')) continue;
    if (media && !msg.edit(sdp.at + line.from, 0, 'a=direction:active\r\n')) return false;
    media = true;
  }
  return !media || append(msg, sdp, 'a=direction:active\r\n');
}

/** Lines behind the last one, which gets a line end where it has none. */
function append(msg: SipMsg, sdp: Sdp, text: ByteStr): boolean {
  const end = sdp.at + sdp.text.length;
  return msg.edit(end, 0, sdp.text.endsWith('\n') ? text : `\r\n${text.replace(/\r\n$/, '')}`);
}
