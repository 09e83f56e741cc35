/** Where a URI leads: protocol, address, port (RFC 3261 18.1.1 and 19.1.1; names: resolve.ts), and the socket from which to send there. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Destination, ModuleHost, SendHow, Socket } from '../../kemi/host.ts';
import { numericHost } from '../../kemi/ip.ts';
import { parseUri, uriParam } from '../../kemi/uri.ts';
import type { TlsApi } from '../tls/api.ts';
import { defaultPort, locate, MAX_TARGETS, plainTransport, type Target, Unresolved } from './resolve.ts';
import { PROTOCOLS, transportOf } from './uri.ts';

/** Why there is no target; for the log. */
export class NoTarget {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

export { defaultPort, type Target } from './resolve.ts';

const NAMES = Object.fromEntries(Object.entries(PROTOCOLS).map(([name, id]) => [id, name])) as Record<
  number,
  Socket['proto']
>;

/** @param id PROTO_*  @returns undefined for PROTO_NONE and PROTO_OTHER */
export function protocolName(id: number): Socket['proto'] | undefined {
  return NAMES[id];
}

/** What a URI says of its target, before any name is looked up. */
interface Wanted {
  readonly name: ByteStr;
  /** 0 when not given */
  readonly port: number;
  /** undefined when not given */
  readonly proto: Socket['proto'] | undefined;
  readonly secure: boolean;
}

function wantedBy(host: ModuleHost, uriText: ByteStr): Wanted | NoTarget {
  const uri = parseUri(host.core, uriText);
  if (!uri) return new NoTarget('the URI does not parse');
  if (uri.scheme !== L.SCHEME_SIP && uri.scheme !== L.SCHEME_SIPS) return new NoTarget('it is not a SIP URI');
  const asked = uriParam(uri.params, 'transport');
  let proto = asked ? protocolName(transportOf(uri)) : undefined;
  if (asked && !proto) return new NoTarget(`the transport "${asked}" is not known`);
  const secure = uri.scheme === L.SCHEME_SIPS;
  // RFC 3261 26.2.2: sips means TLS all the way
  if (secure && proto) proto = proto === 'ws' || proto === 'wss' ? 'wss' : 'tls';
  return { name: uriParam(uri.params, 'maddr') || uri.host, port: uri.port, proto, secure };
}

/**
 * The target of a SIP URI: the first one (RFC 3263). maddr stands in for the host. A numeric host is answered at once, a name through the resolver: NAPTR when
 * the URI has neither port nor transport, SRV when it has no port, then addresses.
 */
export function targetOf(host: ModuleHost, uriText: ByteStr): Target | NoTarget | Promise<Target | NoTarget> {
  const wanted = wantedBy(host, uriText);
  return wanted instanceof NoTarget ? wanted : firstTarget(host, wanted);
}

/** All targets of a SIP URI, at most MAX_TARGETS, in the order in which they are to be tried; at least one. Otherwise as targetOf(). */
export function targetsOf(
  host: ModuleHost,
  uriText: ByteStr,
): readonly Target[] | NoTarget | Promise<readonly Target[] | NoTarget> {
  const wanted = wantedBy(host, uriText);
  if (wanted instanceof NoTarget) return wanted;
  const numeric = numericTarget(wanted);
  return numeric ? [numeric] : resolved(host, wanted, MAX_TARGETS);
}

/** @param port 0 when not given */
export function hostTarget(
  host: ModuleHost,
  proto: Socket['proto'],
  name: ByteStr,
  port: number,
  secure = false,
): Target | NoTarget | Promise<Target | NoTarget> {
  return firstTarget(host, { name, port, proto, secure });
}

function numericTarget({ name, port, proto, secure }: Wanted): Target | undefined {
  const numeric = numericHost(name);
  if (!numeric) return undefined;
  const by = proto ?? plainTransport(secure);
  return { proto: by, ...numeric, port: port || defaultPort(by) };
}

function firstTarget(host: ModuleHost, wanted: Wanted): Target | NoTarget | Promise<Target | NoTarget> {
  const numeric = numericTarget(wanted);
  if (numeric) return numeric;
  const found = resolved(host, wanted, 1);
  return found instanceof NoTarget ? found : found.then(list => (list instanceof NoTarget ? list : list[0]!));
}

function resolved(host: ModuleHost, wanted: Wanted, most: number): NoTarget | Promise<readonly Target[] | NoTarget> {
  const { name } = wanted;
  const { resolver } = host;
  if (!name || !resolver) return new NoTarget(`cannot resolve "${name}": ${name ? 'no resolver is set' : 'no host'}`);
  return collect(locate(host, resolver, wanted), name, most);
}

async function collect(
  targets: AsyncGenerator<Target>,
  name: ByteStr,
  most: number,
): Promise<readonly Target[] | NoTarget> {
  const out: Target[] = [];
  try {
    for await (const target of targets) {
      if (out.some(t => t.ip === target.ip && t.port === target.port && t.proto === target.proto)) continue;
      out.push(target);
      if (out.length >= most) break;
    }
  } catch (error) {
    // what was found before a question failed still serves
    if (out.length === 0) {
      const why = error instanceof Error ? error.message : String(error);
      return new NoTarget(error instanceof Unresolved ? `"${name}" ${why}` : `cannot resolve "${name}": ${why}`);
    }
  }
  return out;
}

/**
 * The socket to send from: the one the script forced when it fits, else the receiving one when it fits, else the first that fits and is not bound to a
 * loopback address, else, as Kamailio, the last that fits. A URI says transport=ws for a secure WebSocket, too (RFC 7118 5.2.3): its sockets fit when there
 * is no other, or when forced.
 * @returns undefined when none speaks that protocol and address family
 */
export function socketFor(host: ModuleHost, msg: SipMsg, target: Target): Socket | undefined {
  const forced = msg.mem.u16(msg.at + L.M_FSOCK);
  const near = [forced ? host.sockets[forced - 1] : undefined, host.sockets[msg.socket]];
  const found = bestSocket(host, near, target, target.proto);
  if (target.proto !== 'ws') return found;
  return near.find(s => fits(s, target, 'wss')) ?? found ?? bestSocket(host, near, target, 'wss');
}

function bestSocket(
  host: ModuleHost,
  near: readonly (Socket | undefined)[],
  target: Target,
  proto: Socket['proto'],
): Socket | undefined {
  for (const socket of near) if (fits(socket, target, proto)) return socket;
  const { sockets } = host;
  return (
    sockets.find(s => fits(s, target, proto) && !isLoopback(s.ip)) ?? sockets.findLast(s => fits(s, target, proto))
  );
}

const fits = (socket: Socket | undefined, target: Target, proto: Socket['proto']): socket is Socket =>
  socket !== undefined && socket.proto === proto && socket.ip.includes(':') === (target.family === 6);

const isLoopback = (ip: ByteStr): boolean => ip.startsWith('127.') || ip === '::1';

/** How a reply goes over a connection. @param flags M_MFLAGS of the request */
export function replyHow(connection: number, flags: number): SendHow {
  const noConnect = (flags & L.MFL_REPLY_NO_CONNECT) !== 0;
  const close = (flags & L.MFL_REPLY_CLOSE) !== 0;
  return { connection, noConnect, close };
}

/** key of a message's store */
const USE_OTCPID = Symbol('use otcpid');

/** Whether the message at hand leaves by the connection that its branches name (otcpid). */
export function useOutboundConnection(host: ModuleHost, use: boolean): void {
  if (use) host.perMessage.set(USE_OTCPID, true);
  else host.perMessage.delete(USE_OTCPID);
}

/** What a request needs beside its target. */
export interface Leaving {
  /** connection that its branch names; 0 for none */
  readonly otcpid?: number | undefined;
  /** called when the connection could not be made, see SendHow */
  readonly lost?: (() => void) | undefined;
}

/** Where a request goes by a socket. */
export function destinationOf(
  host: ModuleHost,
  msg: SipMsg,
  socket: Socket,
  { proto, ip, port }: Target,
  { otcpid, lost }: Leaving = {},
): Destination {
  if (proto === 'udp') return { socket: socket.index, proto, ip, port };
  const flags = msg.u32(L.M_MFLAGS);
  const noConnect = (flags & L.MFL_FORWARD_NO_CONNECT) !== 0;
  const close = (flags & L.MFL_FORWARD_CLOSE) !== 0;
  const connection = otcpid && host.storeOf(msg.at)?.get(USE_OTCPID) ? otcpid : 0;
  const secure = proto === 'tls' || proto === 'wss';
  const choice = secure ? host.module<TlsApi>('tls')?.clientChoice(msg.at) : undefined;
  return {
    socket: socket.index,
    proto,
    ip,
    port,
    noConnect,
    close,
    ...(connection && { connection }),
    ...(lost && { lost }),
    ...choice,
  };
}
