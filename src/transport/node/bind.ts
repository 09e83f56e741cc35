/** What sockets of every protocol have in common: which addresses a listen means, and what to say when one does not open. */
import dns from 'node:dns/promises';
import net from 'node:net';
import os from 'node:os';
import { KemiError } from '../../errors.ts';
import type { Socket } from '../../kemi/host.ts';
import { formatAddress } from '../listen-address.ts';
import type { ListenAddress } from '../transport.ts';

/** The addresses to bind. A wildcard is opened address by address, as Kamailio does: a reply must leave from the address the request was sent to. */
export async function expand(address: ListenAddress): Promise<string[]> {
  const { host } = address;
  if (host === '0.0.0.0' || host === '::') {
    const family = host === '::' ? 'IPv6' : 'IPv4';
    const all = Object.values(os.networkInterfaces()).flatMap(list => list ?? []);
    // A link-local address is of no use without its interface.
    const ips = [...new Set(all.filter(i => i.family === family && !/^fe[89ab]/i.test(i.address)).map(i => i.address))];
    if (ips.length === 0)
      throw new KemiError(
        'KEMI_ERR_LISTEN',
        `Cannot listen on ${host}: this machine has no ${family} address; name an address with --listen`,
      );
    return ips;
  }
  if (net.isIP(host)) return [host];
  const card = Object.hasOwn(os.networkInterfaces(), host) ? os.networkInterfaces()[host] : undefined;
  // As in Kamailio: an interface means its IPv4 addresses, where it has any.
  const usable = card?.filter(i => !/^fe[89ab]/i.test(i.address)) ?? [];
  const v4 = usable.filter(i => i.family === 'IPv4');
  if (usable.length > 0) return (v4.length > 0 ? v4 : usable).map(i => i.address);
  try {
    const found = await dns.lookup(host, { all: true });
    return [...new Set(found.map(f => f.address))];
  } catch (cause) {
    throw new KemiError(
      'KEMI_ERR_LISTEN',
      `Cannot listen on ${host}: the name does not resolve (${(cause as NodeJS.ErrnoException).code}); give an address of this machine`,
      { cause },
    );
  }
}

/** What to do about a socket that does not open. */
export function listenError(proto: Socket['proto'], ip: string, port: number, error: NodeJS.ErrnoException): KemiError {
  const address = formatAddress({ proto, ip, port });
  const advice: Record<string, string> = {
    EADDRINUSE: `the address is in use; stop the other program (ss ${proto === 'udp' ? '-lunp' : '-ltnp'} 'sport = :${port}') or choose another with --listen`,
    EACCES: `ports below 1024 need a privilege; choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE`,
    EADDRNOTAVAIL: 'this machine has no such address; --listen takes one of its own (ip address shows them)',
    EINVAL: 'this machine cannot use such an address; a link-local one needs its interface (fe80::1%eth0)',
    EAFNOSUPPORT: 'this machine has no IPv6; listen on an IPv4 address',
  };
  return new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${address}: ${advice[error.code ?? ''] ?? error.message}`, {
    cause: error,
  });
}
