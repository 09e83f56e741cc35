/** Where a URI leads: protocol, address, port (RFC 3261 18.1.1 and 19.1.1, RFC 3263 4), and the socket from which to send there. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost, Socket } from '../../kemi/host.ts';
import { numericHost } from '../../kemi/ip.ts';
import { parseUri, uriParam } from '../../kemi/uri.ts';
import { PROTOCOLS, transportOf } from './uri.ts';

export interface Target {
  readonly proto: Socket['proto'];
  readonly ip: ByteStr;
  readonly family: 4 | 6;
  readonly port: number;
}

/** Why there is no target; for the log. */
export class NoTarget {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

const NAMES = Object.fromEntries(Object.entries(PROTOCOLS).map(([name, id]) => [id, name])) as Record<
  number,
  Socket['proto']
>;

/** @param id PROTO_*  @returns undefined for PROTO_NONE and PROTO_OTHER */
export function protocolName(id: number): Socket['proto'] | undefined {
  return NAMES[id];
}

export const defaultPort = (proto: Socket['proto']): number => (proto === 'tls' || proto === 'wss' ? 5061 : 5060);

/**
 * The target of a SIP URI. maddr stands in for the host. A numeric host is answered at once, a name through the resolver: SRV when there is no port,
 * then addresses.
 */
export function targetOf(host: ModuleHost, uriText: ByteStr): Target | NoTarget | Promise<Target | NoTarget> {
  const uri = parseUri(host.core, uriText);
  if (!uri) return new NoTarget('the URI does not parse');
  if (uri.scheme !== L.SCHEME_SIP && uri.scheme !== L.SCHEME_SIPS) return new NoTarget('it is not a SIP URI');
  const asked = uriParam(uri.params, 'transport');
  let proto = asked ? protocolName(transportOf(uri)) : 'udp';
  if (!proto) return new NoTarget(`the transport "${asked}" is not known`);
  // RFC 3261 26.2.2: sips means TLS all the way
  if (uri.scheme === L.SCHEME_SIPS) proto = proto === 'ws' || proto === 'wss' ? 'wss' : 'tls';
  return hostTarget(host, proto, uriParam(uri.params, 'maddr') || uri.host, uri.port, uri.scheme === L.SCHEME_SIPS);
}

/** @param port 0 when not given */
export function hostTarget(
  host: ModuleHost,
  proto: Socket['proto'],
  name: ByteStr,
  port: number,
  secure = false,
): Target | NoTarget | Promise<Target | NoTarget> {
  const numeric = numericHost(name);
  if (numeric) return { proto, ...numeric, port: port || defaultPort(proto) };
  if (!name || !host.resolver)
    return new NoTarget(`cannot resolve "${name}": ${name ? 'no resolver is set' : 'no host'}`);
  return resolved(host, proto, name, port, secure);
}

async function resolved(
  host: ModuleHost,
  proto: Socket['proto'],
  name: ByteStr,
  port: number,
  secure: boolean,
): Promise<Target | NoTarget> {
  const resolver = host.resolver!;
  try {
    let targets = [{ target: name as string, port: port || defaultPort(proto) }];
    if (!port) {
      const service = `_${secure ? 'sips' : 'sip'}._${proto === 'tls' ? 'tcp' : proto}.${name}`;
      const records = await resolver.srv(service);
      if (records.length) targets = byPriority(records, host.random());
    }
    const families = new Set(host.sockets.filter(s => s.proto === proto).map(s => (s.ip.includes(':') ? 6 : 4)));
    for (const { target, port: targetPort } of targets)
      for (const { ip, family } of await resolver.addresses(target))
        if (families.has(family)) return { proto, ip, family, port: targetPort };
    return new NoTarget(`"${name}" has no address`);
  } catch (error) {
    return new NoTarget(`cannot resolve "${name}": ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** RFC 2782: lowest priority first; among equals the first is drawn by weight. @param draw 0 <= x < 1 */
function byPriority<T extends { priority: number; weight: number }>(records: readonly T[], draw: number): T[] {
  const sorted = [...records].sort((a, b) => a.priority - b.priority || b.weight - a.weight);
  const best = sorted.filter(r => r.priority === sorted[0]!.priority);
  let rest = draw * best.reduce((sum, r) => sum + r.weight, 0);
  const first = best.find(r => (rest -= r.weight) < 0) ?? best[0]!;
  return [first, ...sorted.filter(r => r !== first)];
}

/**
 * The socket to send from: the one the script forced when it fits, else the receiving one when it fits, else the first that fits and is not bound to a
 * loopback address, else, as Kamailio, the last that fits.
 * @returns undefined when none speaks that protocol and address family
 */
export function socketFor(host: ModuleHost, msg: SipMsg, target: Target): Socket | undefined {
  const fits = (socket: Socket | undefined): socket is Socket =>
    socket !== undefined && socket.proto === target.proto && socket.ip.includes(':') === (target.family === 6);
  const forced = msg.mem.u16(msg.at + L.M_FSOCK);
  for (const socket of [forced ? host.sockets[forced - 1] : undefined, host.sockets[msg.socket]])
    if (fits(socket)) return socket;
  return host.sockets.find(s => fits(s) && !isLoopback(s.ip)) ?? host.sockets.findLast(fits);
}

const isLoopback = (ip: ByteStr): boolean => ip.startsWith('127.') || ip === '::1';
