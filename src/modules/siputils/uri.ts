/** Parameters of the request URI, and comparing URIs as Kamailio does. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg, Uri } from '../../core/sip-msg.ts';
import type { Call } from '../../kemi/table.ts';
import { parseUri, type UriParam, uriParam, uriParams } from '../../kemi/uri.ts';

const DEFAULT_PORT = 5060;

function paramsOf(msg: SipMsg): UriParam[] {
  return uriParams(msg.ruriParts?.params);
}

/** @param value '': the parameter must have none  @returns 1 the parameter of this name, the last of several, has this value, -1 not */
export function hasParam(msg: SipMsg, name: ByteStr, value: ByteStr): number {
  return name && uriParam(msg.ruriParts?.params, name.toLowerCase()) === value ? 1 : -1;
}

export function hasAnyParam(msg: SipMsg, name: ByteStr): number {
  return name && uriParam(msg.ruriParts?.params, name.toLowerCase()) !== undefined ? 1 : -1;
}

const same = (a: ByteStr, b: ByteStr): boolean => a.toLowerCase() === b.toLowerCase();

/** Adds text as a parameter behind the others, before the headers. @returns 1, also for an empty text; -1 the URI does not parse */
export function addParam(msg: SipMsg, text: ByteStr): number {
  if (!text) return 1;
  const parts = msg.ruriParts;
  if (!parts) return -1;
  const uri = msg.ruri;
  const end = uri.length - (parts.headers === undefined ? 0 : parts.headers.length + 1);
  msg.ruri = `${uri.slice(0, end)};${text}${uri.slice(end)}`;
  return 1;
}

/** Takes parameters of this name out of a URI; of several the last, as Kamailio does. undefined when it has none. */
export function withoutParam(uri: ByteStr, parts: Uri, name: ByteStr): ByteStr | undefined {
  if (!parts.params) return undefined;
  const tail = parts.headers === undefined ? 0 : parts.headers.length + 1;
  const start = uri.length - tail - parts.params.length;
  const list = parts.params.split(';');
  const nth = list.findLastIndex(p => same(p.split('=')[0]!.trim(), name));
  if (nth < 0) return undefined;
  list.splice(nth, 1);
  return `${uri.slice(0, start - 1)}${list.length ? `;${list.join(';')}` : ''}${uri.slice(uri.length - tail)}`;
}

/** @returns 1, also when there is no such parameter; -1 the URI does not parse */
export function removeParam(msg: SipMsg, name: ByteStr): number {
  const parts = msg.ruriParts;
  if (!parts) return -1;
  const made = name ? withoutParam(msg.ruri, parts, name) : undefined;
  if (made !== undefined) msg.ruri = made;
  return 1;
}

/** @returns 1 public GRUU, 2 temporary (RFC 5627 5.1: gr without a value), -1 none */
export function gruu(msg: SipMsg): number {
  const found = paramsOf(msg).find(p => same(p.name, 'gr'));
  return found ? (found.value ? 1 : 2) : -1;
}

/** parameters that must be in both URIs when they are in one (RFC 3261 19.1.4) */
const MUST_MATCH = ['user', 'ttl', 'method', 'maddr'];

/** The same resource by RFC 3261 19.1.4, as Kamailio reads it: escapes stay as written, headers do not count. @returns 1, -1; -2 one does not parse */
export function compareUris(call: Call<unknown>, a: ByteStr, b: ByteStr): number {
  const [x, y] = [parseUri(call.host.core, a), parseUri(call.host.core, b)];
  if (!x || !y) return -2;
  if (x.scheme === L.SCHEME_OTHER || y.scheme === L.SCHEME_OTHER) return same(a, b) ? 1 : -1;
  const equal =
    x.scheme === y.scheme &&
    (x.user ?? '') === (y.user ?? '') &&
    (x.password ?? '') === (y.password ?? '') &&
    same(x.host, y.host) &&
    x.port === y.port;
  return equal && sameParams(uriParams(x.params), uriParams(y.params)) ? 1 : -1;
}

function sameParams(a: readonly UriParam[], b: readonly UriParam[]): boolean {
  const find = (list: readonly UriParam[], name: ByteStr) => list.find(p => same(p.name, name));
  for (const p of a) {
    const other = find(b, p.name);
    if (other && !same(p.value ?? '', other.value ?? '')) return false;
  }
  return MUST_MATCH.every(name => !find(a, name) === !find(b, name));
}

/** The same address of record: user, host and port; scheme, password and parameters do not count. @returns 1, -1; -2 one does not parse */
export function compareAors(call: Call<unknown>, a: ByteStr, b: ByteStr): number {
  const [x, y] = [parseUri(call.host.core, a), parseUri(call.host.core, b)];
  if (!x || !y) return -2;
  const port = (uri: Uri) => uri.port || DEFAULT_PORT;
  return (x.user ?? '') === (y.user ?? '') && same(x.host, y.host) && port(x) === port(y) ? 1 : -1;
}
