/** Listening sockets as text, and back. */

import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost, Socket } from '../../kemi/host.ts';
import { PROTO_NAMES } from './protocols.ts';

/** An address as URIs write it: IPv6 in brackets. */
export const bracketed = (ip: ByteStr): ByteStr => (ip.includes(':') && ip[0] !== '[' ? `[${ip}]` : ip);

/** proto:address:port */
export function socketText(socket: Socket): ByteStr {
  return `${socket.proto}:${bracketed(socket.ip)}:${socket.port}`;
}

/**
 * The listening socket that a text names: `proto:address:port`; without proto the first of that address and port, without port the first of that
 * address. @returns undefined when we listen on no such one
 */
export function socketOf(host: ModuleHost, text: ByteStr): Socket | undefined {
  let rest = text.toLowerCase();
  let proto: string | undefined;
  const colon = rest.indexOf(':');
  if (colon > 0 && (PROTO_NAMES as readonly string[]).includes(rest.slice(0, colon))) {
    proto = rest.slice(0, colon);
    rest = rest.slice(colon + 1);
  }
  const port = /:(\d{1,5})$/.exec(rest);
  const address = port && (rest[0] === '[' ? rest[port.index - 1] === ']' : true) ? rest.slice(0, port.index) : rest;
  const ip = address.replace(/^\[|\]$/g, '');
  return host.sockets.find(
    s =>
      (!proto || s.proto === proto) &&
      s.ip.toLowerCase() === ip &&
      (!port || address === rest || s.port === Number(port[1])),
  );
}
