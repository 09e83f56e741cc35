/** What authentication modules use of module auth: finding and checking credentials, in the two steps between which they fetch the password. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Credentials, SipMsg, Uri } from '../../core/sip-msg.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { Call } from '../../kemi/table.ts';
import { parseUri } from '../../kemi/uri.ts';
import { setVerified } from '../../kemi/verified.ts';
import { type Algorithm, HEX_LENGTH, responseOf, sameSecret } from './digest.ts';
import type { Nonces, NonceVerdict } from './nonce.ts';

export { type Algorithm, HEX_LENGTH, ha1Of } from './digest.ts';

/** State of module auth in one runtime. */
export interface AuthState {
  readonly nonces: Nonces;
  /** algorithms that are offered and taken; none: MD5, without saying so in challenges */
  readonly algorithms: readonly Algorithm[];
  /** qop of challenges that ask for none by their flags, '' for none */
  readonly qop: ByteStr;
  readonly realmPrefix: ByteStr;
  readonly useDomain: boolean;
  readonly authInfo: boolean;
  /** challenges do not go through the transaction */
  readonly stateless: boolean;
}

/** Return codes of Kamailio's authentication functions. */
export const OK = 1;
export const ERROR = -1;
export const INVALID_PASSWORD = -2;
export const USER_UNKNOWN = -3;
export const STALE_NONCE = -4;
export const NO_CREDENTIALS = -5;
export const NONCE_REUSED = -6;
export const USER_MISMATCH = -8;

const NONCE_CODES: Readonly<Record<Exclude<NonceVerdict, 'ok'>, number>> = {
  bad: ERROR,
  stale: STALE_NONCE,
  reused: NONCE_REUSED,
};

/** Authorization and 401, or Proxy-Authorization and 407 */
export type Side = 'www' | 'proxy';

/** Credentials that look right, before the password is known. It holds all that is needed to go on when the route was suspended meanwhile. */
export interface Pending {
  readonly host: ModuleHost;
  readonly msg: SipMsg;
  /** of the message; host.perMessage may be that of another one later */
  readonly perMessage: Map<unknown, unknown>;
  readonly credentials: Credentials;
  /** as the script gave it, without realm_prefix */
  readonly realm: ByteStr;
  readonly algorithm: Algorithm;
  readonly user: ByteStr;
  /** behind the "@" of the user name, undefined when there is none */
  readonly domain: ByteStr | undefined;
}

const ALGORITHMS = Symbol('auth.algorithms');

/** The algorithms for the message at hand: what auth_algorithm() set, else modparam algorithm. */
export function algorithmsOf(state: AuthState, perMessage: ReadonlyMap<unknown, unknown>): readonly Algorithm[] {
  return (perMessage.get(ALGORITHMS) as readonly Algorithm[] | undefined) ?? state.algorithms;
}

export function setAlgorithms(perMessage: Map<unknown, unknown>, algorithms: readonly Algorithm[]): void {
  perMessage.set(ALGORITHMS, algorithms);
}

/** Algorithms by name, separated by commas, any case; '' gives none. @returns undefined when one is unknown */
export function readAlgorithms(text: ByteStr): readonly Algorithm[] | undefined {
  const names = text.split(',').map(n => n.trim().toUpperCase());
  if (names.length === 1 && !names[0]) return [];
  return names.every(n => Object.hasOwn(HEX_LENGTH, n)) ? (names as Algorithm[]) : undefined;
}

/** 'www' for REGISTER, 'proxy' for all other requests */
export function sideOf(msg: SipMsg): Side {
  return msg.methodId === L.METHOD_REGISTER ? 'www' : 'proxy';
}

/** Modparam realm_prefix: sip.example.com is example.com */
export function stripped(state: AuthState, realm: ByteStr): ByteStr {
  const { realmPrefix } = state;
  return realmPrefix && realm.startsWith(realmPrefix) ? realm.slice(realmPrefix.length) : realm;
}

/**
 * The credentials for a realm (any case, as Kamailio) in the headers of one kind.
 * @returns undefined when there are none; 'bad' when digest credentials do not parse before some are found
 */
export function credentialsFor(msg: SipMsg, side: Side, realm: ByteStr): Credentials | 'bad' | undefined {
  const id = side === 'www' ? L.HDR_AUTHORIZATION : L.HDR_PROXY_AUTHORIZATION;
  if (!msg.first(id)) return undefined;
  const wanted = realm.toLowerCase();
  const readable = new Map<number, Credentials>();
  for (const c of msg.credentials(id)) readable.set(c.index, c);
  for (const { index, body } of msg.named(L.HEADER_NAMES[id]!)) {
    const c = readable.get(index);
    if (c) {
      if (c.realm.toLowerCase() === wanted) return c;
    } else if (/^digest(?:[ \t\r\n]|$)/i.test(body)) return 'bad';
  }
  return undefined;
}

/**
 * First step: finds credentials for the realm and judges all of them but the response. A nonce that passes counts as used.
 * @returns 1 requests that cannot be challenged (RFC 3261 22.1) pass: ACK, CANCEL, and PRACK; a negative code; or what checkResponse() goes on with
 */
export function preAuth(call: Call<unknown>, state: AuthState, realm: ByteStr, side: Side): number | Pending {
  const { msg, host } = call;
  const { methodId } = msg;
  if (methodId === L.METHOD_ACK || methodId === L.METHOD_CANCEL || methodId === L.METHOD_PRACK) return OK;
  const wanted = stripped(state, realm);
  const credentials = credentialsFor(msg, side, wanted);
  if (!credentials) return NO_CREDENTIALS;
  if (credentials === 'bad') return ERROR;
  const { username, nonce, uri, qop, nc, cnonce } = credentials;
  if (!nonce || !uri || (qop && (nc === undefined || cnonce === undefined))) return ERROR;
  const offered = algorithmsOf(state, host.perMessage);
  // The length of the response tells them apart; the parameter does not count, as in Kamailio: clients have written odd things there.
  const algorithm = (offered.length ? offered : (['MD5'] as const)).find(
    a => HEX_LENGTH[a] === credentials.response.length,
  );
  if (!algorithm) return ERROR;
  const verdict = state.nonces.use(msg, credentials);
  if (verdict !== 'ok') return NONCE_CODES[verdict];
  const at = username.indexOf('@');
  return {
    host,
    msg,
    perMessage: host.perMessage,
    credentials,
    realm: wanted,
    algorithm,
    user: at < 0 ? username : username.slice(0, at),
    domain: at < 0 ? undefined : username.slice(at + 1),
  };
}

/**
 * Second step: compares the response. When it is right the user is verified, and the answer gets Authentication-Info where that is on.
 * @param ha1 H(A1) in the pending algorithm  @param method that was signed; the request's when absent
 * @returns 1 right; -2 wrong
 */
export function checkResponse(state: AuthState, pending: Pending, ha1: ByteStr, method?: ByteStr): number {
  const { host, msg, credentials: c, algorithm, user, domain, realm, perMessage } = pending;
  const expected = responseOf(host, algorithm, ha1, c, method ?? msg.method, signedBody(msg));
  if (!sameSecret(c.response, expected)) return INVALID_PASSWORD;
  setVerified(perMessage, { user, domain: domain ?? realm, header: c.index });
  if (state.authInfo) msg.addReplyHeader(authenticationInfo(state, pending, ha1));
  return OK;
}

/** What qop=auth-int covers: the body as far as Content-Length says. */
function signedBody(msg: SipMsg): ByteStr {
  const { body, contentLength } = msg;
  return contentLength >= 0 ? body.slice(0, contentLength) : body;
}

/** RFC 7616 3.5 */
function authenticationInfo(
  state: AuthState,
  { host, msg, credentials: c, algorithm }: Pending,
  ha1: ByteStr,
): ByteStr {
  const next = state.nonces.isOneTime ? state.nonces.issue(msg) : c.nonce;
  const parts = [`nextnonce="${next}"`];
  if (c.qop) parts.push(`qop=${c.qop}`);
  // With auth-int the server's proof covers the body of an answer that is not made yet.
  if (c.qop?.toLowerCase() !== 'auth-int') parts.push(`rspauth="${responseOf(host, algorithm, ha1, c, '', '')}"`);
  if (c.qop) parts.push(`cnonce="${c.cnonce}"`, `nc=${c.nc}`);
  return `Authentication-Info: ${parts.join(', ')}\r\n`;
}

/**
 * Whether the verified user is the one the request speaks for: From; for REGISTER To, too; for PUBLISH To and the request URI, too.
 * @param useDomain the hosts must be the realm, too
 */
export function isOwnIdentity({ host, msg, user, realm }: Pending, useDomain: boolean): boolean {
  const own = (uri: Uri | undefined) =>
    uri !== undefined && (uri.user ?? '') === user && (!useDomain || uri.host.toLowerCase() === realm.toLowerCase());
  const read = (uri: ByteStr | undefined) => parseUri(host.core, uri ?? '');
  if (!own(read(msg.from?.uri))) return false;
  const { methodId } = msg;
  const to = methodId === L.METHOD_REGISTER || methodId === L.METHOD_PUBLISH;
  if (to && !own(read(msg.to?.uri))) return false;
  return methodId !== L.METHOD_PUBLISH || own(msg.ruriParts);
}
