/** By which address a worker knows itself. */
import { KemiError } from '../../errors.ts';
import type { Socket } from '../../kemi/host.ts';

/** The two sockets of a protocol: a peer is answered by one of its own address family. */
export function socketsOf(proto: Socket['proto'], { host, port }: Address): Omit<Socket, 'index'>[] {
  return ['127.0.0.1', '::1'].map(ip => ({ proto, ip, port, advertisedIp: host, advertisedPort: port }));
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** By what name the world knows this server. @throws KemiError KEMI_ERR_CONFIG */
export function addressOf(address: string | undefined, request: Request): Address {
  const url = new URL(address === undefined ? request.url : `http://${address}`);
  if (!url.hostname || (address !== undefined && url.pathname !== '/'))
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot use the address ${address}: write HOST:PORT`);
  const secure = new URL(request.url).protocol === 'https:';
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || (secure ? 443 : 80) };
}
