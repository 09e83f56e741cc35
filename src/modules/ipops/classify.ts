/** What kind of address an IPv4 or IPv6 address is: the special-purpose blocks (RFC 6890, RFC 4291, RFC 5156), under Kamailio's names. */
import type { ByteStr } from '../../core/memory.ts';
import { type IpBytes, parseIpv4, parseIpv6 } from '../../kemi/ip.ts';

interface Block {
  readonly bytes: IpBytes;
  readonly bits: number;
  readonly name: string;
}

const block4 = (text: string, bits: number, name: string): Block => ({ bytes: parseIpv4(text)!, bits, name });
const block6 = (text: string, bits: number, name: string): Block => ({ bytes: parseIpv6(text)!, bits, name });

/** the first block that fits names the address */
const BLOCKS4: readonly Block[] = [
  block4('0.0.0.0', 8, 'PRIVATE'),
  block4('10.0.0.0', 8, 'PRIVATE'),
  block4('100.64.0.0', 10, 'SHARED'),
  block4('127.0.0.0', 8, 'LOOPBACK'),
  block4('169.254.0.0', 16, 'LINK-LOCAL'),
  block4('172.16.0.0', 12, 'PRIVATE'),
  block4('192.0.0.0', 24, 'RESERVED'),
  block4('192.0.2.0', 24, 'TEST-NET'),
  block4('192.88.99.0', 24, '6TO4-RELAY'),
  block4('192.168.0.0', 16, 'PRIVATE'),
  block4('198.18.0.0', 15, 'RESERVED'),
  block4('198.51.100.0', 24, 'TEST-NET'),
  block4('203.0.113.0', 24, 'TEST-NET'),
  block4('224.0.0.0', 4, 'MULTICAST'),
  block4('255.255.255.255', 32, 'BROADCAST'),
  block4('240.0.0.0', 4, 'RESERVED'),
];
const BLOCKS6: readonly Block[] = [
  block6('::', 128, 'UNSPECIFIED'),
  block6('::1', 128, 'LOOPBACK'),
  block6('::ffff:0:0', 96, 'IPV4MAP'),
  block6('100::', 64, 'DISCARD'),
  block6('2001::', 32, 'TEREDO'),
  block6('2001:2::', 48, 'BMWG'),
  block6('2001:10::', 28, 'ORCHID'),
  block6('2001:db8::', 32, 'DOCUMENTATION'),
  block6('2002::', 16, '6TO4'),
  block6('fc00::', 7, 'UNIQUE-LOCAL-UNICAST'),
  block6('fe80::', 10, 'LINK-LOCAL-UNICAST'),
  block6('ff00::', 8, 'MULTICAST'),
  block6('2000::', 3, 'GLOBAL-UNICAST'),
];

/** Whether the first `bits` bits agree; addresses of different length never do. */
export function samePrefix(a: IpBytes, b: IpBytes, bits: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0, left = bits; left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff;
    if ((a[i]! & mask) !== (b[i]! & mask)) return false;
  }
  return true;
}

const nameIn = (blocks: readonly Block[], bytes: IpBytes, otherwise: string) =>
  blocks.find(block => samePrefix(block.bytes, bytes, block.bits))?.name ?? otherwise;

/** @returns the name, undefined when it is not an IPv4 address */
export function ipv4Type(text: ByteStr): string | undefined {
  const bytes = parseIpv4(text);
  return bytes && nameIn(BLOCKS4, bytes, 'PUBLIC');
}

/** @param text no brackets @returns the name, undefined when it is not an IPv6 address */
export function ipv6Type(text: ByteStr): string | undefined {
  const bytes = parseIpv6(text);
  return bytes && nameIn(BLOCKS6, bytes, 'RESERVED');
}

/** RFC 1918: 10/8, 172.16/12, 192.168/16 */
export function isRfc1918(bytes: IpBytes): boolean {
  const [a = 0, b = 0] = bytes;
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
}

/**
 * Whether an address lies in one of the networks of a list: `net/bits` or a single address, separated by commas or blanks. What does not parse
 * is passed over.
 * @param text no brackets  @returns undefined when `text` is not an address
 */
export function inSubnets(text: ByteStr, list: ByteStr): boolean | undefined {
  const bytes = parseIpv4(text) ?? parseIpv6(text);
  if (!bytes) return undefined;
  return list.split(/[,\s]+/).some(entry => inSubnet(bytes, entry));
}

function inSubnet(bytes: IpBytes, entry: ByteStr): boolean {
  const slash = entry.indexOf('/');
  const address = slash < 0 ? entry : entry.slice(0, slash);
  const net = parseIpv4(address) ?? parseIpv6(address);
  if (!net || net.length !== bytes.length) return false;
  const all = net.length * 8;
  if (slash < 0) return samePrefix(bytes, net, all);
  const bits = entry.slice(slash + 1);
  return /^\d{1,3}$/.test(bits) && Number(bits) <= all && samePrefix(bytes, net, Number(bits));
}
