/** What the Contact headers of a REGISTER say. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { rewrittenUri } from '../../kemi/addresses.ts';

/** offsets in the core's address area (wasm/sip/name-addr.ts) */
const ADDR_DISPLAY = 0;
const ADDR_URI = 4;
const ADDR_PARAMS = 8;
const LESS = 60;
const QUOTE = 34;
const SEMICOLON = 59;
const BACKSLASH = 92;
const MAX_SEC = 0xffffffff;

/**
 * What no URI has (RFC 3986 2). A folded header brings line ends, and lookup() puts the URI into a request line.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const NOT_IN_URI = /[\x00-\x20\x7f<>"]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const NOT_IN_TEXT = /[\x00-\x1f\x7f]/;

/** One Contact. What it does not say is undefined; values without their quotes. */
export interface ContactField {
  uri: ByteStr;
  q: ByteStr | undefined;
  expires: ByteStr | undefined;
  received: ByteStr | undefined;
  methods: ByteStr | undefined;
  instance: ByteStr | undefined;
  regId: ByteStr | undefined;
}

export interface Contacts {
  /** `*` (RFC 3261 10.2.2) is among them */
  star: boolean;
  /** without `*`; the last one of each header first, the order in which Kamailio works on them */
  readonly fields: ContactField[];
  /** `*` included */
  count: number;
}

/** @returns undefined when a Contact or its URI does not parse, or a Contact header is empty */
export function readContacts(msg: SipMsg): Contacts | undefined {
  const { core, mem, buf } = msg;
  const { x } = core;
  const area: number = x.scratchArea();
  const uriArea = area + 64;
  const out: Contacts = { star: false, fields: [], count: 0 };
  const { fields } = out;
  let header = -1;
  let headerFrom = 0;
  for (let cursor = 0; ; ) {
    cursor = x.nextAddr(msg.at, L.HDR_CONTACT, cursor, area);
    if (cursor < 0) return undefined;
    if (cursor === 0) break;
    const index = cursor & 0xffff ? cursor >> 16 : (cursor >> 16) - 1;
    if (index !== header) {
      reverse(fields, headerFrom);
      headerFrom = fields.length;
      header = index;
    }
    out.count++;
    const uriAt = buf + mem.u16(area + ADDR_URI);
    const uriLength = mem.u16(area + ADDR_URI + 2);
    if (uriLength === 1 && mem.u8[uriAt] === 42 && mem.u8[uriAt - 1] !== LESS) {
      out.star = true;
      continue;
    }
    if (mem.u16(area + ADDR_DISPLAY + 2) > 0 && /^\*[ \t]*,/.test(msg.slice(mem.u16(area + ADDR_DISPLAY), 8))) {
      out.star = true; // `*, <sip:...>`: the core took the star for the name of what follows
      out.count++;
    }
    if (x.parseUriAt(uriAt, uriLength, uriArea)) return undefined;
    const uri = mem.str(uriAt, uriLength);
    if (NOT_IN_URI.test(uri)) return undefined;
    const field: ContactField = {
      uri: rewrittenUri(msg, uriAt - buf, uriLength) ?? uri,
      q: undefined,
      expires: undefined,
      received: undefined,
      methods: undefined,
      instance: undefined,
      regId: undefined,
    };
    const length = mem.u16(area + ADDR_PARAMS + 2);
    if (length > 0 && !readParams(mem.str(buf + mem.u16(area + ADDR_PARAMS), length), field)) return undefined;
    fields.push(field);
  }
  reverse(fields, headerFrom);
  const empty = out.count === 0 && mem.u8[msg.at + L.M_FIRST + L.HDR_CONTACT] !== 0;
  return empty ? undefined : out;
}

function reverse(fields: ContactField[], from: number): void {
  if (fields.length - from < 2) return;
  const tail = fields.splice(from);
  fields.push(...tail.reverse());
}

/**
 * `;name=value` of a Contact; the core has checked that quotes close. The last of a name counts.
 * @returns false for texts that must not be kept
 */
function readParams(text: ByteStr, field: ContactField): boolean {
  let at = 0;
  while (at < text.length) {
    let end = at;
    let quoted = false;
    for (; end < text.length; end++) {
      const c = text.charCodeAt(end);
      if (quoted) {
        if (c === BACKSLASH) end++;
        else if (c === QUOTE) quoted = false;
      } else if (c === QUOTE) quoted = true;
      else if (c === SEMICOLON) break;
    }
    const eq = text.indexOf('=', at);
    if (eq > 0 && eq < end) setParam(field, text.slice(at, eq).trim().toLowerCase(), text.slice(eq + 1, end).trim());
    at = end + 1;
  }
  const { received, instance } = field;
  return !(received && NOT_IN_URI.test(received)) && !(instance && NOT_IN_TEXT.test(instance));
}

function setParam(field: ContactField, name: string, given: ByteStr): void {
  const value = given.charCodeAt(0) === QUOTE ? given.slice(1, -1) : given;
  if (value === '') return;
  switch (name) {
    case 'q':
      field.q = value;
      break;
    case 'expires':
      field.expires = value;
      break;
    case 'received':
      field.received = value;
      break;
    case 'methods':
      field.methods = value;
      break;
    case '+sip.instance':
      field.instance = value;
      break;
    case 'reg-id':
      field.regId = value;
  }
}

/** Seconds of an expires parameter; undefined for what is no number up to 2^32 - 1 (RFC 3261 20.10). */
export function secondsOf(text: ByteStr): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value <= MAX_SEC ? value : undefined;
}

/** Seconds of the Expires header; undefined when there is none, or it is no such number. */
export function expiresHeader(msg: SipMsg): number | undefined {
  const value: number = msg.core.x.expires(msg.at);
  return value >= 0 ? value : undefined;
}

/** q times 1000. @returns undefined for what is no number from 0 to 1 */
export function qOf(text: ByteStr): number | undefined {
  if (!/^(\d+\.?\d*|\.\d+)$/.test(text)) return undefined;
  const value = Number(text);
  // 0.57 * 1000 is a little less than 570
  return value <= 1 ? Math.trunc(value * 1000 + 1e-6) : undefined;
}

/** Body of the first header with this id; cheaper than msg.first(). */
export function bodyOf(msg: SipMsg, id: number): ByteStr | undefined {
  const { mem } = msg;
  const n = mem.u8[msg.at + L.M_FIRST + id]!;
  if (n === 0) return undefined;
  const h = msg.at + L.MSG_HDRS + (n - 1) * L.HDR_SIZE;
  return mem.str(msg.buf + mem.u16(h + L.H_BODY), mem.u16(h + L.H_BODY + 2));
}

/** Whether a comma-separated header (all of this id) has an option tag; in any case, as tokens compare. */
export function hasOption(msg: SipMsg, id: number, option: string): boolean {
  if (msg.mem.u8[msg.at + L.M_FIRST + id] === 0) return false;
  for (const { id: found, body } of msg.headers())
    if (found === id && body.split(',').some(tag => tag.trim().toLowerCase() === option)) return true;
  return false;
}
