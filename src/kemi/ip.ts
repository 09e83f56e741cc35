/** IP addresses as text, read as strictly as inet_pton does: four plain decimals, or hexadecimal groups without a zone. */
import ipaddr from 'ipaddr.js';
import type { ByteStr } from '../core/memory.ts';

const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;

/** 4 or 16 bytes */
export type IpBytes = readonly number[];

/** @returns the 4 bytes, undefined when it is not four decimals of 0..255 without leading zeros */
export function parseIpv4(text: ByteStr): IpBytes | undefined {
  const bits = ipv4Bits(text);
  return bits < 0 ? undefined : [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255];
}

/** Likewise as one number, 0..2^32-1; -1 when it is none: without a list. */
function ipv4Bits(text: ByteStr): number {
  const { length } = text;
  if (length < 7 || length > 15) return -1;
  let bits = 0;
  let parts = 1;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c === DOT) {
      if (digits === 0 || ++parts > 4) return -1;
      bits = bits * 256 + value;
      digits = value = 0;
      continue;
    }
    // a 0 is followed by nothing
    if (c < ZERO || c > NINE || (digits > 0 && value === 0)) return -1;
    value = value * 10 + c - ZERO;
    digits++;
    if (value > 255) return -1;
  }
  return parts === 4 && digits > 0 ? bits * 256 + value : -1;
}

/** @param text no brackets, no zone  @returns the 16 bytes */
export function parseIpv6(text: ByteStr): IpBytes | undefined {
  if (text.length < 2 || text.length > 45 || !/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  let groups = text;
  if (text.includes('.')) {
    // ipaddr.js takes ::1.2.3.4 for ::ffff:1.2.3.4 and is lenient about the decimals: it gets hexadecimal groups
    const at = text.lastIndexOf(':') + 1;
    const v4 = at > 0 ? parseIpv4(text.slice(at)) : undefined;
    if (!v4) return undefined;
    const [a, b, c, d] = v4 as [number, number, number, number];
    groups = `${text.slice(0, at)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  if (groups.split(':').some(group => group.length > 4)) return undefined;
  return ipaddr.IPv6.isValid(groups) ? ipaddr.IPv6.parse(groups).toByteArray() : undefined;
}

/** `[...]` around an IPv6 address, as in URIs @returns the text without brackets, undefined when there are none */
export function unbracketed(text: ByteStr): ByteStr | undefined {
  return text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : undefined;
}

/** IPv4, IPv6 with or without brackets. @returns address without brackets and family, undefined for a name */
export function numericHost(host: ByteStr): { ip: ByteStr; family: 4 | 6 } | undefined {
  if (ipv4Bits(host) >= 0) return { ip: host, family: 4 };
  const bare = unbracketed(host) ?? host;
  return parseIpv6(bare) ? { ip: bare, family: 6 } : undefined;
}
