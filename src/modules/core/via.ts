/** The part of our Via line in front of the branch, as bytes in the core's memory. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost, Socket, Text } from '../../kemi/host.ts';

/** What set_advertised_address and set_advertised_port asked for. */
export interface Advertised {
  host?: ByteStr;
  port?: ByteStr;
}

/** key of host.perMessage */
export const ADVERTISED = Symbol('advertised');

/** What the script set for this message, undefined when it did not. */
export function advertisedOf(host: ModuleHost, at: number): Advertised | undefined {
  return host.storeOf(at)?.get(ADVERTISED) as Advertised | undefined;
}

/** Via's default where nothing is advertised: not written, as Kamailio does */
const DEFAULT_PORT = 5060;

/** "Via: SIP/2.0/UDP host:port;branch=" */
function viaPrefix(socket: Socket, advertised?: Advertised): ByteStr {
  const ip = advertised?.host ?? socket.advertisedIp ?? socket.ip;
  const sentBy = ip.includes(':') && !ip.startsWith('[') ? `[${ip}]` : ip;
  const port = advertised?.port ?? (advertised?.host ? socket.port : (socket.advertisedPort ?? socket.port));
  const plain = !advertised && socket.advertisedIp === undefined && port === DEFAULT_PORT;
  const secure = socket.proto === 'tls' || socket.proto === 'wss';
  return `Via: SIP/2.0/${socket.proto.toUpperCase()} ${sentBy}${plain && !secure ? '' : `:${port}`};branch=`;
}

/** The same in memory, where nothing is advertised for the message. */
export function viaText(host: ModuleHost, socket: Socket): Text {
  return host.viaTexts[socket.index] ?? keepViaText(host, socket);
}

function keepViaText(host: ModuleHost, socket: Socket): Text {
  return (host.viaTexts[socket.index] = host.lasting(`via ${socket.index}`, () => viaPrefix(socket)));
}

/** The same for a request that leaves by this socket. @returns undefined when the message's memory is full */
export function prefixFor(host: ModuleHost, msg: SipMsg, socket: Socket): Text | undefined {
  const advertised = advertisedOf(host, msg.at);
  if (!advertised) return viaText(host, socket);
  const text = viaPrefix(socket, advertised);
  const at = msg.store(text);
  return at ? { at, length: text.length } : undefined;
}
