/** Reads `udp:host:port`, `tcp:host:port` and the like, the form of Kamailio's `listen` parameter and of `--listen`. */
import { KemiError } from '../errors.ts';
import type { ListenAddress } from './transport.ts';

const HOW =
  'write udp:HOST, udp:HOST:PORT or udp:[IPv6]:PORT, or tcp, tls, ws or wss in place of udp, for example udp:127.0.0.1:5060';

const PROTOCOLS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;

const isProtocol = (name: string): name is (typeof PROTOCOLS)[number] =>
  (PROTOCOLS as readonly string[]).includes(name);

/**
 * @param text `[udp:|tcp:|tls:|ws:|wss:]host[:port]`; UDP and port 5060, with tls and wss 5061, when absent; IPv6 addresses in brackets; `*` or `any` as host: each IPv4 address of the machine
 * @throws KemiError KEMI_ERR_CONFIG: the message says what is wrong and what to write
 */
export function parseListenAddress(text: string): ListenAddress {
  const fail = (what: string) => new KemiError('KEMI_ERR_CONFIG', `Cannot listen on "${text}": ${what}; ${HOW}`);
  let rest = text;
  let protocol: ListenAddress['proto'] = 'udp';
  const proto = /^([a-z]+):(?!:)/i.exec(rest);
  if (proto) {
    const name = proto[1]!.toLowerCase();
    if (isProtocol(name)) {
      protocol = name;
      rest = rest.slice(name.length + 1);
    } else if (name === 'sctp') throw fail('sctp is not available in this version');
    else if (rest.indexOf(':') !== rest.lastIndexOf(':')) throw fail(`"${proto[1]}" is not a protocol`);
  }
  let host: string;
  let portText: string | undefined;
  if (rest.startsWith('[')) {
    const end = rest.indexOf(']');
    if (end < 0) throw fail('the "]" is missing');
    host = rest.slice(1, end);
    if (!host.includes(':')) throw fail(`"${host}" is not an IPv6 address`);
    if (end + 1 < rest.length) {
      if (rest[end + 1] !== ':') throw fail(`"${rest.slice(end + 1)}" behind the address makes no sense`);
      portText = rest.slice(end + 2);
    }
  } else {
    const colon = rest.indexOf(':');
    if (colon !== rest.lastIndexOf(':')) throw fail('an IPv6 address needs brackets');
    host = colon < 0 ? rest : rest.slice(0, colon);
    if (colon >= 0) portText = rest.slice(colon + 1);
  }
  if (host === '') throw fail('the host is missing');
  if (host === '*' || host.toLowerCase() === 'any') host = '0.0.0.0';
  if (!/^[0-9A-Za-z._:%-]+$/.test(host)) throw fail(`"${host}" is not a host name or an address`);
  let port = protocol === 'tls' || protocol === 'wss' ? 5061 : 5060;
  if (portText !== undefined) {
    if (!/^[0-9]{1,5}$/.test(portText) || Number(portText) > 65535)
      throw fail(`"${portText}" is not a port (0 to 65535)`);
    port = Number(portText);
  }
  return { proto: protocol, host, port };
}

/** `udp:127.0.0.1:5060`, `udp:[::1]:5060` */
export function formatAddress(a: { proto: string; ip: string; port: number }): string {
  return `${a.proto}:${a.ip.includes(':') ? `[${a.ip}]` : a.ip}:${a.port}`;
}
