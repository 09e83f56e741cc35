/** Where a URI leads: protocol, address, port (RFC 3261 18.1.1 and 19.1.1; names: resolve.ts), and the socket from which to send there. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Destination, ModuleHost, SendHow, Socket } from '../../kemi/host.ts';
import { numericHost } from '../../kemi/ip.ts';
import { KnownTarget, Named, NoTarget, type Target } from '../../kemi/targets.ts';
import type { TlsApi } from '../tls/api.ts';
import { defaultPort, locate, MAX_TARGETS, plainTransport, Unresolved } from './resolve.ts';

/**
 * The target of a SIP URI: the first one (RFC 3263). maddr stands in for the host. A numeric host is answered at once, a name through the resolver: NAPTR when
 * the URI has neither port nor transport, SRV when it has no port, then addresses.
 */
export function targetOf(host: ModuleHost, uriText: ByteStr): Target | NoTarget | Promise<Target | NoTarget> {
  return first(host, host.targets.ofUri(uriText));
}

/** The same of a request: of its destination URI where one is set, else of its request URI. */
export function nextHopOf(host: ModuleHost, msg: SipMsg): Target | NoTarget | Promise<Target | NoTarget> {
  return first(host, host.targets.nextHop(msg.at));
}

/** All targets of a request's next hop, at most MAX_TARGETS, in the order in which they are to be tried; at least one. Otherwise as targetOf(). */
export function nextHopsOf(
  host: ModuleHost,
  msg: SipMsg,
): Target | readonly Target[] | NoTarget | Promise<readonly Target[] | NoTarget> {
  const found = host.targets.nextHop(msg.at);
  return found instanceof Named ? (numericTarget(found) ?? resolved(host, found, MAX_TARGETS)) : found;
}

/** @param port 0 when not given */
export function hostTarget(
  host: ModuleHost,
  proto: Socket['proto'],
  name: ByteStr,
  port: number,
): Target | NoTarget | Promise<Target | NoTarget> {
  return first(host, new Named(name, port, proto, false));
}

/** A numeric host: of a URI an IPv6 address, of hostTarget() IPv4 too. */
function numericTarget({ name, port, proto, secure }: Named): Target | undefined {
  const numeric = numericHost(name);
  if (!numeric) return undefined;
  const by = proto ?? plainTransport(secure);
  return { proto: by, ...numeric, port: port || defaultPort(by) };
}

function first(
  host: ModuleHost,
  found: KnownTarget | Named | NoTarget,
): Target | NoTarget | Promise<Target | NoTarget> {
  if (!(found instanceof Named)) return found;
  const numeric = numericTarget(found);
  if (numeric) return numeric;
  const later = resolved(host, found, 1);
  return later instanceof NoTarget ? later : later.then(list => (list instanceof NoTarget ? list : list[0]!));
}

function resolved(host: ModuleHost, wanted: Named, most: number): NoTarget | Promise<readonly Target[] | NoTarget> {
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
  const { sockets } = host;
  const { proto } = target;
  const forced = msg.mem.u16(msg.at + L.M_FSOCK);
  const first = forced ? sockets[forced - 1] : undefined;
  const came = sockets[msg.socket];
  if (proto === 'ws') {
    if (fits(first, target, 'wss')) return first;
    if (fits(came, target, 'wss')) return came;
  }
  if (fits(first, target, proto)) return first;
  if (fits(came, target, proto)) return came;
  const found = anySocket(sockets, target, proto);
  return proto === 'ws' ? (found ?? anySocket(sockets, target, 'wss')) : found;
}

const anySocket = (sockets: readonly Socket[], target: Target, proto: Socket['proto']): Socket | undefined =>
  sockets.find(s => fits(s, target, proto) && !isLoopback(s.ip)) ?? sockets.findLast(s => fits(s, target, proto));

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

/**
 * Where a request goes by a socket.
 * @param otcpid connection that its branch names, 0 for none  @param lost called when the connection could not be made, see SendHow
 */
export function destinationOf(
  host: ModuleHost,
  msg: SipMsg,
  socket: Socket,
  target: Target,
  otcpid = 0,
  lost?: () => void,
): Destination {
  const { proto, ip, port } = target;
  if (proto === 'udp')
    return target instanceof KnownTarget ? target.from(socket.index) : { socket: socket.index, proto, ip, port };
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
