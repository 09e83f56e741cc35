/** Addresses of `listen`, `socket`, `advertise` and `alias`, as text. Pure. */
import type { ListenSetting } from './config.ts';

/** Says what is wrong with an address. */
export class AddressError extends Error {}

export interface Address {
  readonly proto?: NonNullable<ListenSetting['proto']>;
  /** without brackets */
  readonly host: string;
  readonly port?: number;
  /** end of a range of ports */
  readonly lastPort?: number;
}

const ADDRESS =
  /^(?:([A-Za-z]+):(?!:))?(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)|([^:[\]\s]+))(?::(\d+|\*)(?:-(\d+))?)?$/;
const PROTOCOLS = ['udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'] as const;

/**
 * Reads `[proto:]host[:port[-port]]`.
 * @throws AddressError saying what to write
 */
export function parseAddress(text: string): Address {
  const match = ADDRESS.exec(text);
  if (!match) throw new AddressError('write [proto:]host[:port], an IPv6 address in brackets');
  const [, given, bracketed, bare, name, portText, lastText] = match;
  const proto = given?.toLowerCase();
  if (proto !== undefined && !isProtocol(proto))
    throw new AddressError(`"${given}" is no protocol: there are ${PROTOCOLS.join(', ')}`);
  const host = bracketed ?? bare ?? name!;
  if ((bracketed ?? bare) !== undefined && !host.includes(':')) throw new AddressError(`"${host}" is no IPv6 address`);
  if (name !== undefined && !/^[\w.-]+$/.test(name)) throw new AddressError(`"${name}" is no host name or address`);
  const port = portText === undefined || portText === '*' ? undefined : portNumber(portText);
  const lastPort = lastText === undefined ? undefined : portNumber(lastText);
  if (lastPort !== undefined && (port === undefined || lastPort < port))
    throw new AddressError(`ports ${portText}-${lastText} are no range`);
  return {
    ...(proto && { proto }),
    host,
    ...(port !== undefined && { port }),
    ...(lastPort !== undefined && { lastPort }),
  };
}

/** @throws AddressError */
export function portNumber(text: string): number {
  const port = Number(text);
  if (!(port >= 0 && port <= 65535)) throw new AddressError(`${text} is no port: they go from 0 to 65535`);
  return port;
}

const isProtocol = (name: string): name is (typeof PROTOCOLS)[number] =>
  (PROTOCOLS as readonly string[]).includes(name);

/** [proto:]host[:port] again, IPv6 in brackets. */
export function addressText({ proto, host, port }: Address): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${proto ? `${proto}:` : ''}${shown}${port ? `:${port}` : ''}`;
}
