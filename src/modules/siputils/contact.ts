/** Rewriting the URIs of Contact headers: encode them into a user part or a parameter, and back. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { replaceText } from '../../kemi/message-edits.ts';
import { trimEndOf } from '../../kemi/scan.ts';
import type { Call } from '../../kemi/table.ts';
import { parseUri, uriParam, uriParams } from '../../kemi/uri.ts';
import { withoutParam } from './uri.ts';

/** offsets in the core's address area (wasm/sip/name-addr.ts): the pair of the URI */
const ADDR_URI = 4;
/** fields of an encoded user part: prefix, user, password, host, port, transport */
const FIELDS = 6;

interface Place {
  readonly at: number;
  readonly uri: ByteStr;
  readonly bracketed: boolean;
}

/** URIs of all contacts; undefined when one does not parse. `*` is left out. */
function contacts(msg: SipMsg): Place[] | undefined {
  const { core, mem } = msg;
  const area = core.x.scratchArea();
  const out: Place[] = [];
  for (let cursor = 0; ; ) {
    cursor = core.x.nextAddr(msg.at, L.HDR_CONTACT, cursor, area);
    if (cursor < 0) return undefined;
    if (cursor === 0) return out;
    const at = mem.u16(area + ADDR_URI);
    const uri = msg.slice(at, mem.u16(area + ADDR_URI + 2));
    if (uri === '*') continue;
    if (!uri.includes(':')) return undefined;
    out.push({ at, uri, bracketed: msg.slice(at - 1, 1) === '<' });
  }
}

/**
 * Replaces the URIs of all contacts.
 * @param make the new URI; undefined leaves it, a number is an error code
 * @returns 1, or the first error code: nothing is changed then; -4 a Contact does not parse
 */
function rewrite(msg: SipMsg, make: (uri: ByteStr) => ByteStr | number | undefined): number {
  const places = contacts(msg);
  if (!places) return -4;
  const made = places.map(p => make(p.uri));
  const error = made.find(m => typeof m === 'number');
  if (typeof error === 'number') return error;
  for (const [i, place] of places.entries()) {
    const uri = made[i];
    if (typeof uri !== 'string' || uri === place.uri) continue;
    // A URI with parameters must stand in brackets, else they belong to the header (RFC 3261 20).
    const text = place.bracketed || !/[;?,]/.test(uri) ? uri : `<${uri}>`;
    if (!replaceText(msg, place.at, place.uri.length, text)) return -1;
  }
  return 1;
}

/** `sip:user:pw@host:port;transport=t` to `sip:PREFIX*user*pw*host*port*t@HOST`. @returns 1; -1 no Contact, -2 a URI that cannot be encoded, -4 bad Contact */
export function encodeContact(call: Call<unknown>, separator: ByteStr, prefix: ByteStr, host: ByteStr): number {
  if (!call.msg.first(L.HDR_CONTACT) || !host) return -1;
  return rewrite(call.msg, text => {
    const uri = parseUri(call.host.core, text);
    if (!uri || (uri.scheme !== L.SCHEME_SIP && uri.scheme !== L.SCHEME_SIPS)) return -2;
    const transport = uriParam(uri.params, 'transport') ?? '';
    const fields = [prefix, uri.user ?? '', uri.password ?? '', uri.host, uri.port ? String(uri.port) : '', transport];
    return `${text.slice(0, text.indexOf(':'))}:${fields.join(separator)}@${host}`;
  });
}

/** @returns the URI, or -23 no user part, -24 more fields than it can have, -26 fewer */
function decode(text: ByteStr, separator: ByteStr): ByteStr | number {
  const colon = text.indexOf(':');
  const at = text.indexOf('@', colon);
  if (at < 0) return -23;
  const fields = text.slice(colon + 1, at).split(separator);
  if (fields.length < FIELDS) return -26;
  if (fields.length > FIELDS) return -24;
  const [, user, password, host, port, transport] = fields as [string, string, string, string, string, string];
  if (!host) return -26;
  const who = user ? `${user}${password ? `:${password}` : ''}@` : '';
  return `${text.slice(0, colon)}:${who}${host}${port ? `:${port}` : ''}${transport ? `;transport=${transport}` : ''}`;
}

export function decodeRuri(msg: SipMsg, separator: ByteStr): number {
  const made = decode(msg.ruri, separator);
  if (typeof made === 'number') return made;
  msg.ruri = made;
  return 1;
}

/** @returns 1; -1 no Contact, -4 bad Contact, or a code of decode() */
export function decodeContacts(msg: SipMsg, separator: ByteStr): number {
  return msg.first(L.HDR_CONTACT) ? rewrite(msg, uri => decode(uri, separator)) : -1;
}

/** base64url without padding (RFC 4648 5) */
export const toBase64Url = (text: ByteStr): ByteStr =>
  trimEndOf(btoa(text).replaceAll('+', '-').replaceAll('/', '_'), '=');

/** @returns undefined when it is not base64url; padding may be there */
export function fromBase64Url(text: ByteStr): ByteStr | undefined {
  const body = trimEndOf(text, '=');
  if (!body || !/^[A-Za-z0-9_-]+$/.test(body) || body.length % 4 === 1) return undefined;
  return atob(body.replaceAll('-', '+').replaceAll('_', '/'));
}

/** The URI becomes `ADDRESS;NAME=base64url(URI)`. @returns 1, also without Contact; -1 empty name or address, -4 bad Contact */
export function encodeParam(msg: SipMsg, name: ByteStr, address: ByteStr): number {
  if (!name || !address) return -1;
  return rewrite(msg, uri => `${address};${name}=${toBase64Url(uri)}`);
}

/** undefined: no such parameter; a number: its value is not encoded */
function decodeParam(call: Call<unknown>, text: ByteStr, name: ByteStr): ByteStr | number | undefined {
  const uri = parseUri(call.host.core, text);
  const value = uriParams(uri?.params).find(p => p.name.toLowerCase() === name.toLowerCase())?.value;
  if (!value) return undefined;
  const made = fromBase64Url(value);
  return made === undefined || /[\s<>]/.test(made) ? -1 : made;
}

export function decodeContactParam(call: Call<unknown>, name: ByteStr): number {
  const result = rewrite(call.msg, uri => decodeParam(call, uri, name));
  return result === -4 ? 1 : result;
}

export function decodeRuriParam(call: Call<unknown>, name: ByteStr): number {
  const made = decodeParam(call, call.msg.ruri, name);
  if (typeof made === 'number') return made;
  if (made !== undefined) call.msg.ruri = made;
  return 1;
}

export function removeContactParam(call: Call<unknown>, name: ByteStr): number {
  const result = rewrite(call.msg, text => {
    const uri = parseUri(call.host.core, text);
    return uri && name ? withoutParam(text, uri, name) : undefined;
  });
  return result === -4 ? 1 : result;
}

/** @returns 1 the URI of a contact has the parameter, -1 not */
export function hasContactParam(call: Call<unknown>, name: ByteStr): number {
  return (contacts(call.msg) ?? []).some(({ uri }) =>
    uriParams(parseUri(call.host.core, uri)?.params).some(p => name && p.name.toLowerCase() === name.toLowerCase()),
  )
    ? 1
    : -1;
}
