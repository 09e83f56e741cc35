/** Sockets by text and by name, and the source address of a message. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost, Socket } from '../../kemi/host.ts';
import { numericHost } from '../../kemi/ip.ts';
import { PROTOCOLS } from '../core/api.ts';

export interface Address {
  /** undefined when the text names none */
  readonly proto: Socket['proto'] | undefined;
  readonly ip: ByteStr;
  readonly family: 4 | 6;
  /** 0 when the text has none */
  readonly port: number;
}

/** Reads `[proto:]ip[:port]`, IPv6 in brackets. @returns undefined when it is not of that form */
export function parseAddress(text: ByteStr): Address | undefined {
  const m = /^(?:([A-Za-z]{2,4}):)?(\[[0-9A-Fa-f:.]{2,45}\]|[0-9.]{7,15})(?::(\d{1,5}))?$/.exec(text);
  const host = m && numericHost(m[2]!);
  const proto = m?.[1]?.toLowerCase();
  if (!host || (proto !== undefined && !Object.hasOwn(PROTOCOLS, proto)) || Number(m[3] ?? 0) > 65535) return undefined;
  return { proto: proto as Socket['proto'] | undefined, ...host, port: Number(m[3] ?? 0) };
}

/** The listening socket that the text names; without a protocol UDP is meant, without a port the first that fits. */
export function findSocket(host: ModuleHost, text: ByteStr): Socket | undefined {
  const address = parseAddress(text);
  const proto = address?.proto ?? 'udp';
  return (
    address &&
    host.sockets.find(s => s.proto === proto && s.ip === address.ip && (!address.port || s.port === address.port))
  );
}

/** @param name in any case */
export function socketByName(host: ModuleHost, name: ByteStr): Socket | undefined {
  const lower = name.toLowerCase();
  return lower ? host.sockets.find(s => s.name?.toLowerCase() === lower) : undefined;
}

/** From now on the message counts as received there. */
export function setReceiveSocket(msg: SipMsg, socket: Socket): void {
  msg.setU16(L.M_SOCK, socket.index);
  msg.mem.u8[msg.at + L.M_PROTO] = PROTOCOLS[socket.proto]!;
  msg.mem.u8[msg.at + L.M_AF] = socket.ip.includes(':') ? 6 : 4;
}

/** From now on the message counts as sent from there. @returns false when its memory is full */
export function setSource(msg: SipMsg, address: Address): boolean {
  const at = msg.store(address.ip);
  if (!at) return false;
  msg.setU32(L.M_SRCIP, at);
  msg.setU32(L.M_SRCIP + 4, address.ip.length);
  msg.setU16(L.M_SRCPORT, address.port);
  return true;
}
