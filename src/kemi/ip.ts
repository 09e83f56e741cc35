/** IP addresses as text, read as strictly as inet_pton does: four plain decimals, or hexadecimal groups without a zone. */
import ipaddr from 'ipaddr.js';
import type { ByteStr } from '../core/memory.ts';

/** 4 or 16 bytes */
export type IpBytes = readonly number[];

/** @returns the 4 bytes, undefined when it is not four decimals of 0..255 without leading zeros */
export function parseIpv4(text: ByteStr): IpBytes | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || (part.length > 1 && part[0] === '0') || Number(part) > 255) return undefined;
    bytes.push(Number(part));
  }
  return bytes;
}

/** @param text no brackets, no zone  @returns the 16 bytes */
export function parseIpv6(text: ByteStr): IpBytes | undefined {
  if (text.length < 2 || text.length > 45 || !/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  const dot = text.indexOf('.');
  // an embedded IPv4 address is as strict as one alone
  if (dot >= 0 && !parseIpv4(text.slice(text.lastIndexOf(':') + 1))) return undefined;
  if (text.split(':').some(group => group.length > 4 && !group.includes('.'))) return undefined;
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text).toByteArray() : undefined;
}

/** `[...]` around an IPv6 address, as in URIs @returns the text without brackets, undefined when there are none */
export function unbracketed(text: ByteStr): ByteStr | undefined {
  return text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : undefined;
}

/** IPv4, IPv6 with or without brackets. @returns address without brackets and family, undefined for a name */
export function numericHost(host: ByteStr): { ip: ByteStr; family: 4 | 6 } | undefined {
  if (parseIpv4(host)) return { ip: host, family: 4 };
  const bare = unbracketed(host) ?? host;
  return parseIpv6(bare) ? { ip: bare, family: 6 } : undefined;
}
