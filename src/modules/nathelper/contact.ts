/** Changes of Contact: the address that the message came from in place of the host, or beside it as a parameter. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { type Address, addressesOf } from '../../kemi/addresses.ts';
import { protocolName } from '../../kemi/targets.ts';
import { parseUri, uriParams } from '../../kemi/uri.ts';
import { PROTOCOLS } from '../core/api.ts';
import { bracketed, type PlacedUri, placedUri, portOf, sourceUri, transportParam, withParams } from './source.ts';
import type { C } from './state.ts';

const FIX = { wrap: false, stored: true };
const ADD = { wrap: true, stored: false };
const SET = { wrap: true, stored: true };

/**
 * Gives each contact a new URI.
 * @param make undefined leaves the URI
 * @param how wrap: put a URI without brackets into brackets; stored: registrar stores the new URI
 * @returns 1 done; 0 there is none, or none was changed; -1 one is no SIP URI or does not parse, or was changed before: nothing is changed then
 */
function rewrite(
  call: C,
  make: (uri: PlacedUri) => ByteStr | undefined,
  how: { wrap: boolean; stored: boolean },
): number {
  const { msg, host } = call;
  const contacts = addressesOf(msg, L.HDR_CONTACT);
  if (!contacts) return -1;
  const made: [Address, ByteStr][] = [];
  for (const contact of contacts) {
    const uri = placedUri(host, contact.uri);
    if (!uri) return -1;
    const text = make(uri);
    if (text !== undefined) made.push([contact, text]);
  }
  for (const [contact, text] of made) {
    const put = contact.bracketed || !how.wrap ? text : `<${text}>`;
    if (!msg.edit(contact.uriAt, contact.uri.length, put, how.stored ? L.EK_REPLACE : L.EK_TEXT)) return -1;
  }
  return made.length ? 1 : 0;
}

/** @returns 1; -1 no Contact, or as rewrite() */
export function fixContact(call: C): number {
  const { msg } = call;
  const address = `${bracketed(msg.srcIp)}:${msg.srcPort}`;
  return rewrite(call, u => u.text.slice(0, u.hostAt) + address + u.text.slice(u.hostEnd), FIX) || -1;
}

/** `;alias=ip~port~proto` of where the message came from */
function sourceAlias(call: C): ByteStr {
  const { msg, state } = call;
  return `;${state.alias}=${bracketed(msg.srcIp)}~${msg.srcPort}~${msg.proto}`;
}

const behindHost = (u: PlacedUri, params: ByteStr): ByteStr =>
  u.text.slice(0, u.hostEnd) + params + u.text.slice(u.hostEnd);

/** Adds the alias where the contact does not say itself where it came from. @returns 1; 2 nothing to do; -1 as rewrite() */
export function addAlias(call: C): number {
  const { msg } = call;
  const alias = sourceAlias(call);
  const here = (u: PlacedUri) =>
    (u.uri.host === msg.srcIp || u.uri.host === bracketed(msg.srcIp)) &&
    portOf(u.uri) === msg.srcPort &&
    transportParam(u.uri) === protocolName(msg.proto);
  return rewrite(call, u => (here(u) ? undefined : behindHost(u, alias)), ADD) || 2;
}

/** Adds an alias with a given address. @returns 1; 2 no Contact; -1 not an address, a port or a protocol, or as rewrite() */
export function addAliasOf(call: C, ip: ByteStr, port: ByteStr, proto: ByteStr): number {
  const { host, state } = call;
  const id = Object.hasOwn(PROTOCOLS, proto.toLowerCase()) ? PROTOCOLS[proto.toLowerCase()] : undefined;
  const address = ip.includes(':') || /^[0-9.]+$/.test(ip) ? parseUri(host.core, `sip:${bracketed(ip)}`) : undefined;
  if (!id || !address || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    host.log.error({ ip, port, proto }, `Cannot add an alias: "${ip}", "${port}", "${proto}" is no address`);
    return -1;
  }
  const alias = `;${state.alias}=${bracketed(ip)}~${Number(port)}~${id}`;
  return rewrite(call, u => behindHost(u, alias), ADD) || 2;
}

/** Adds the alias behind the other parameters. @param trim take the one away that is there  @returns 1; -1 no Contact, or as rewrite() */
export function setAlias(call: C, trim: boolean): number {
  const { host, state } = call;
  const alias = sourceAlias(call);
  const clean = (u: PlacedUri): PlacedUri => {
    const shorter = trim ? withoutParam(u, state.alias, true) : undefined;
    return (shorter !== undefined && placedUri(host, shorter.text)) || u;
  };
  return rewrite(call, u => withParams(clean(u), alias), SET) || -1;
}

/** Takes one parameter out. @param last the last one of this name, else the first  @returns undefined when there is none with a value */
export function withoutParam(
  u: PlacedUri,
  name: ByteStr,
  last: boolean,
): { text: ByteStr; value: ByteStr } | undefined {
  const { uri, text } = u;
  if (!uri.params) return undefined;
  const list = uri.params.split(';');
  const start = `${name}=`;
  const is = (p: ByteStr) => p.startsWith(start) && p.length > start.length;
  const nth = last ? list.findLastIndex(is) : list.findIndex(is);
  if (nth < 0) return undefined;
  const [param] = list.splice(nth, 1);
  const tail = uri.headers === undefined ? '' : `?${uri.headers}`;
  const params = list.length ? `;${list.join(';')}` : '';
  return { text: text.slice(0, u.hostEnd) + params + tail, value: param!.slice(start.length) };
}

/** The URI that `ip~port~proto` stands for, undefined when it does not read so. UDP is what a URI means without transport. */
export function aliasUri(call: C, value: ByteStr, transport: boolean): ByteStr | undefined {
  const m = /^([^~]+)~(\d{1,5})~([1-6])$/.exec(value);
  if (!m || Number(m[2]) < 1 || Number(m[2]) > 65535) return undefined;
  const id = Number(m[3]);
  // Kamailio names no wss in URIs: RFC 7118 5.2.3 has ws for both, and the connection is found by its address
  const name = id === L.PROTO_WSS ? 'ws' : protocolName(id);
  const uri = `sip:${bracketed(m[1]!)}:${Number(m[2])}${id === L.PROTO_UDP && !transport ? '' : `;transport=${name}`}`;
  return parseUri(call.host.core, uri) ? uri : undefined;
}

/** Routes by the alias in the request URI. @returns 1 done; 2 there is none; -1 it does not read as an address: nothing is changed */
export function handleAlias(call: C, last: boolean): number {
  const { msg, host, state } = call;
  const uri = placedUri(host, msg.ruri);
  const found = uri && withoutParam(uri, state.alias, last);
  if (!found) return uri || msg.ruriParts ? 2 : -1;
  const target = aliasUri(call, found.value, false);
  if (target === undefined) {
    host.log.error({ uri: msg.ruri }, `Cannot route by "${state.alias}=${found.value}": it is not ip~port~proto`);
    return -1;
  }
  msg.dstUri = target;
  msg.ruri = found.text;
  return 1;
}

/** Writes the alias of the first contact that has one into a PV, as a URI. @returns 1; -1 no such alias, or the PV takes no value */
export function aliasToPv(call: C, name: ByteStr): number {
  const { msg, host, state } = call;
  const pv = host.pv(name);
  if (!pv?.writable) return -1;
  for (const contact of addressesOf(msg, L.HDR_CONTACT) ?? []) {
    const params = uriParams(parseUri(host.core, contact.uri)?.params);
    const value = params.find(p => p.name === state.alias)?.value;
    const uri = value && aliasUri(call, value, true);
    if (uri) return pv.set(uri) ? 1 : -1;
  }
  return -1;
}

/** Adds where the message came from to each contact. @param inUri as parameter of the URI, else of the header  @returns 1 also without Contact; -1 */
export function addReceived(call: C, inUri: boolean): number {
  const { msg, host } = call;
  if (inUri && msg.proto !== L.PROTO_UDP) {
    host.log.error({}, 'Cannot add received to the URI of a contact: only UDP has it there');
    return -1;
  }
  const contacts = addressesOf(msg, L.HDR_CONTACT);
  if (!contacts) return -1;
  const source = sourceUri(msg);
  for (const { uri, uriAt, end } of contacts) {
    if (uri === '*') continue;
    const headers = uri.indexOf('?');
    const at = inUri ? uriAt + (headers < 0 ? uri.length : headers) : end;
    if (!msg.edit(at, 0, inUri ? `;received=${source}` : `;received="${source}"`)) return -1;
  }
  return 1;
}

/** Puts where the message came from into the AVP that registrar reads. @returns 1 always */
export function fixRegister(call: C): number {
  const { state, host, msg } = call;
  if (!state.receivedAvp) return 1;
  state.received ??= host.pv(state.receivedAvp);
  state.received?.set(sourceUri(msg));
  return 1;
}
