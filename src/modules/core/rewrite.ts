/** seturi, setuser, sethost: new parts for the request URI. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg, Uri } from '../../core/sip-msg.ts';

const SCHEMES: Readonly<Record<number, string>> = {
  [L.SCHEME_SIP]: 'sip:',
  [L.SCHEME_SIPS]: 'sips:',
  [L.SCHEME_TEL]: 'tel:',
  [L.SCHEME_URN]: 'urn:',
};

const tail = (uri: Uri) =>
  `${uri.params === undefined ? '' : `;${uri.params}`}${uri.headers === undefined ? '' : `?${uri.headers}`}`;
const port = (uri: Uri) => (uri.portText === undefined ? '' : `:${uri.portText}`);
const isTel = (uri: Uri) => uri.scheme === L.SCHEME_TEL;

/** Sets the user part; '' removes it with the password. @returns false when the request URI does not parse */
export function setUser(msg: SipMsg, user: ByteStr): boolean {
  const uri = msg.ruriParts;
  if (!uri) return false;
  const scheme = SCHEMES[uri.scheme] ?? 'sip:';
  if (isTel(uri)) msg.ruri = `${scheme}${user}${tail(uri)}`;
  else {
    const password = user && uri.password !== undefined ? `:${uri.password}` : '';
    msg.ruri = `${scheme}${user ? `${user}${password}@` : ''}${uri.host}${port(uri)}${tail(uri)}`;
  }
  return true;
}

/** Sets the host and keeps the port. A tel URI becomes a SIP URI with user=phone (RFC 3261 19.1.6). @returns false when the request URI does not parse */
export function setHost(msg: SipMsg, host: ByteStr): boolean {
  const uri = msg.ruriParts;
  if (!uri) return false;
  const scheme = SCHEMES[uri.scheme] ?? 'sip:';
  if (isTel(uri)) msg.ruri = `sip:${uri.user ?? ''}${tail(uri)}@${host};user=phone`;
  else {
    const password = uri.password === undefined ? '' : `:${uri.password}`;
    msg.ruri = `${scheme}${uri.user === undefined ? '' : `${uri.user}${password}@`}${host}${port(uri)}${tail(uri)}`;
  }
  return true;
}
