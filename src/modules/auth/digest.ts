/** Digest calculations of RFC 7616 with MD5 or SHA-256 (RFC 8760). */
import type { ByteStr } from '../../core/memory.ts';
import type { Credentials } from '../../core/sip-msg.ts';

export type Algorithm = 'MD5' | 'SHA-256';

/** how many hexadecimal digits a hash has */
export const HEX_LENGTH: Readonly<Record<Algorithm, number>> = { MD5: 32, 'SHA-256': 64 };

/** The hashes of the host. */
export interface Hasher {
  md5(data: ByteStr): ByteStr;
  sha256(data: ByteStr): ByteStr;
}

export function hash(by: Hasher, algorithm: Algorithm, data: ByteStr): ByteStr {
  return algorithm === 'MD5' ? by.md5(data) : by.sha256(data);
}

/** H(A1): what a password is worth in one realm */
export function ha1Of(by: Hasher, algorithm: Algorithm, user: ByteStr, realm: ByteStr, password: ByteStr): ByteStr {
  return hash(by, algorithm, `${user}:${realm}:${password}`);
}

/**
 * The response that the credentials should carry.
 * @param method '' for the rspauth of the server's answer  @param body hashed for qop=auth-int
 */
export function responseOf(
  by: Hasher,
  algorithm: Algorithm,
  ha1: ByteStr,
  c: Pick<Credentials, 'nonce' | 'uri' | 'nc' | 'cnonce' | 'qop'>,
  method: ByteStr,
  body: ByteStr,
): ByteStr {
  const integrity = c.qop?.toLowerCase() === 'auth-int' ? `:${hash(by, algorithm, body)}` : '';
  const ha2 = hash(by, algorithm, `${method}:${c.uri}${integrity}`);
  const middle = c.qop ? `${c.nonce}:${c.nc}:${c.cnonce}:${c.qop}` : c.nonce;
  return hash(by, algorithm, `${ha1}:${middle}:${ha2}`);
}

/** Compares in a time that does not tell where the texts differ. */
export function sameSecret(a: ByteStr, b: ByteStr): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
