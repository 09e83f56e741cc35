/** A client's side of digest authentication (RFC 7616), written apart from the server's: with Node's hashes. */
import { createHash } from 'node:crypto';

export const digestOf = (algorithm: 'md5' | 'sha256', text: string): string =>
  createHash(algorithm).update(text, 'latin1').digest('hex');

export interface Answer {
  readonly header?: 'Authorization' | 'Proxy-Authorization';
  readonly user?: string;
  readonly password?: string;
  readonly realm?: string;
  /** what is signed and sent; absent: of the request */
  readonly method?: string;
  readonly uri?: string;
  readonly nonce?: string;
  readonly qop?: string;
  readonly nc?: string;
  readonly cnonce?: string;
  /** what the algorithm parameter says; none when absent */
  readonly algorithm?: string;
  /** what is calculated with; by `algorithm` when absent */
  readonly hash?: 'md5' | 'sha256';
  readonly response?: string;
  readonly body?: string;
  /** parameters that are left out */
  readonly without?: readonly string[];
  /** in place of the whole value */
  readonly raw?: string;
}

/** The header with credentials that answers a challenge. */
export function credentials(nonce: string, request: { method: string; uri: string }, a: Answer = {}): string {
  const header = a.header ?? (request.method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization');
  if (a.raw !== undefined) return `${header}: ${a.raw}`;
  const { user = 'alice', password = 'secret', realm = 'example.com', nc = '00000001', cnonce = 'cn' } = a;
  const { method = request.method, uri = request.uri, qop, body = '' } = a;
  const given = a.nonce ?? nonce;
  const h = (text: string) => digestOf(a.hash ?? (a.algorithm === 'SHA-256' ? 'sha256' : 'md5'), text);
  const ha2 = h(`${method}:${uri}${qop === 'auth-int' ? `:${h(body)}` : ''}`);
  const middle = qop ? `${given}:${nc}:${cnonce}:${qop}` : given;
  const response = a.response ?? h(`${h(`${user}:${realm}:${password}`)}:${middle}:${ha2}`);
  const parts: [string, string | undefined][] = [
    ['username', `"${user}"`],
    ['realm', `"${realm}"`],
    ['nonce', `"${given}"`],
    ['uri', `"${uri}"`],
    ['response', `"${response}"`],
    ['algorithm', a.algorithm],
    ['qop', qop],
    ['nc', qop && nc],
    ['cnonce', qop && `"${cnonce}"`],
  ];
  const shown = parts.filter(([name, value]) => value !== undefined && !a.without?.includes(name));
  return `${header}: Digest ${shown.map(([name, value]) => `${name}=${value}`).join(', ')}`;
}

export const nonceOf = (reply: string): string => /nonce="([^"]*)"/.exec(reply)?.[1] ?? '';
