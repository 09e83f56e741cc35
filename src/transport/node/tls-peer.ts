/** What is known of the two sides of a TLS connection, in the form that scripts ask for; and the certificates as RPC sees them. */
import type { X509Certificate } from 'node:crypto';
import type tls from 'node:tls';
import { verifyOf } from '../../cfg/tls-profiles.ts';
import type { Certificate, Security, TlsControl } from '../../kemi/host.ts';
import type { TlsContexts } from './tls-context.ts';

/** What was found out of a connection: that does not change. */
const KNOWN = new WeakMap<tls.TLSSocket, Security>();

export function securityOf(socket: tls.TLSSocket): Security {
  let security = KNOWN.get(socket);
  if (!security) KNOWN.set(socket, (security = read(socket)));
  return security;
}

function read(socket: tls.TLSSocket): Security {
  const { name } = socket.getCipher();
  const peer = socket.getPeerX509Certificate();
  const own = socket.getX509Certificate();
  const error: unknown = socket.authorizationError;
  const verifyError =
    error instanceof Error
      ? ((error as NodeJS.ErrnoException).code ?? error.message)
      : error
        ? String(error)
        : undefined;
  return {
    version: socket.getProtocol() ?? '',
    cipher: name,
    bits: bitsOf(name),
    verified: peer !== undefined && socket.authorized,
    ...(peer !== undefined && !socket.authorized && verifyError !== undefined && { verifyError }),
    ...(typeof socket.servername === 'string' && socket.servername !== '' && { serverName: socket.servername }),
    ...(peer && { peer: certificateOf(peer) }),
    ...(own && { own: certificateOf(own) }),
  };
}

/** bits of the key, from the cipher's name: node:tls does not tell it otherwise */
function bitsOf(cipher: string): number {
  if (/CHACHA20/.test(cipher)) return 256;
  if (/3DES|DES-CBC3/.test(cipher)) return 112;
  return Number(/(?:AES|CAMELLIA|ARIA)_?(128|192|256)/.exec(cipher)?.[1] ?? 0);
}

function certificateOf(certificate: X509Certificate): Certificate {
  return {
    pem: certificate.toString(),
    subject: certificate.subject ?? '',
    issuer: certificate.issuer ?? '',
    serial: certificate.serialNumber,
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    version: versionOf(certificate.raw),
    alternative: certificate.subjectAltName ?? '',
  };
}

/** The version stands behind two headers of DER, or is left out when it is 1 (RFC 5280 4.1). */
function versionOf(der: Uint8Array): number {
  let at = 0;
  for (let i = 0; i < 2; i++) {
    const length = der[at + 1] ?? 0;
    at += length < 128 ? 2 : 2 + (length & 127);
  }
  return der[at] === 0xa0 ? (der[at + 4] ?? 0) + 1 : 1;
}

/** tls.reload and tls.options over the contexts. */
export function tlsControl(contexts: TlsContexts): TlsControl {
  return {
    reload: () => contexts.load(),
    profiles: () =>
      contexts.profiles.map(profile => ({
        name: `[${profile.side}:${profile.name}]`,
        ...(profile.method !== undefined && { method: profile.method }),
        verify_client: verifyOf(profile),
        ...(profile.certificate !== undefined && { certificate: profile.certificate }),
        ...(profile.privateKey !== undefined && { private_key: profile.privateKey }),
        ...(profile.caList !== undefined && { ca_list: profile.caList }),
        ...(profile.caPath !== undefined && { ca_path: profile.caPath }),
        ...(profile.crl !== undefined && { crl: profile.crl }),
        ...(profile.cipherList !== undefined && { cipher_list: profile.cipherList }),
        ...(profile.verifyDepth !== undefined && { verify_depth: profile.verifyDepth }),
        ...(profile.serverName !== undefined && { server_name: profile.serverName }),
        ...(profile.serverNameMode !== undefined && { server_name_mode: profile.serverNameMode }),
        ...(profile.serverId !== undefined && { server_id: profile.serverId }),
      })),
  };
}
