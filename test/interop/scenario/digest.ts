/** Digest credentials as a phone computes them (RFC 3261 22, RFC 7616), by Node's own hashes. */
import { createHash } from 'node:crypto';

export interface Credentials {
  user: string;
  password: string;
  method: string;
  uri: string;
  /** WWW-Authenticate or Proxy-Authenticate value */
  challenge: string;
  /** nonce count, for qop=auth */
  nc?: number;
  /** even when the challenge offers no qop */
  qop?: 'auth';
  realm?: string;
  nonce?: string;
}

export function challengeParam(challenge: string, name: string): string | undefined {
  const found = new RegExp(`[ ,]${name}=(?:"([^"]*)"|([^, ]*))`, 'i').exec(challenge);
  return found?.[1] ?? found?.[2];
}

/** Value of an Authorization or Proxy-Authorization header. */
export function credentials(c: Credentials): string {
  const realm = c.realm ?? challengeParam(c.challenge, 'realm') ?? '';
  const nonce = c.nonce ?? challengeParam(c.challenge, 'nonce') ?? '';
  const algorithm = challengeParam(c.challenge, 'algorithm');
  const hash = (text: string) =>
    createHash(algorithm === 'SHA-256' ? 'sha256' : 'md5')
      .update(text, 'latin1')
      .digest('hex');
  const ha1 = hash(`${c.user}:${realm}:${c.password}`);
  const ha2 = hash(`${c.method}:${c.uri}`);
  const qop = c.qop ?? (challengeParam(c.challenge, 'qop')?.split(',').includes('auth') ? 'auth' : undefined);
  const nc = (c.nc ?? 1).toString(16).padStart(8, '0');
  const response = qop ? hash(`${ha1}:${nonce}:${nc}:0a4f113b:${qop}:${ha2}`) : hash(`${ha1}:${nonce}:${ha2}`);
  const parts = [
    `username="${c.user}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${c.uri}"`,
    `response="${response}"`,
  ];
  if (algorithm) parts.push(`algorithm=${algorithm}`);
  if (qop) parts.push(`qop=${qop}`, `nc=${nc}`, 'cnonce="0a4f113b"');
  return `Digest ${parts.join(', ')}`;
}
