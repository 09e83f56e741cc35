/** Where a message came from, and which addresses nobody reaches from outside. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg, Uri } from '../../core/sip-msg.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { parseIpv4 } from '../../kemi/ip.ts';
import { protocolName } from '../../kemi/targets.ts';
import { parseUri, uriParams } from '../../kemi/uri.ts';

/** network, mask: RFC 1918, RFC 6598 (shared address space of carriers), RFC 7335 */
const PRIVATE: readonly (readonly [network: number, mask: number])[] = [
  [0x0a000000, 0xff000000],
  [0xac100000, 0xfff00000],
  [0xc0a80000, 0xffff0000],
  [0x64400000, 0xffc00000],
  [0xc0000000, 0xfffffff8],
];
/** RFC 6890: the whole block of the IETF's protocol assignments; only with nat_addr_mode 1 */
const RESERVED: readonly (readonly [network: number, mask: number])[] = [[0xc0000000, 0xffffff00]];

/** Whether the text is an IPv4 address of a private network. @param reserved count other reserved networks as well */
export function isPrivate(text: ByteStr, reserved: boolean): boolean {
  const first = text.charCodeAt(0);
  const bytes = first >= 0x30 && first <= 0x39 ? parseIpv4(text) : undefined;
  if (!bytes) return false;
  const [a, b, c, d] = bytes as [number, number, number, number];
  const ip = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const within = ([network, mask]: readonly [number, number]) => (ip & mask) >>> 0 === network;
  return PRIVATE.some(within) || (reserved && RESERVED.some(within));
}

export const bracketed = (ip: ByteStr): ByteStr => (ip.includes(':') && !ip.startsWith('[') ? `[${ip}]` : ip);

/** `sip:ip:port`, with the transport when it is not UDP */
export function sourceUri(msg: SipMsg): ByteStr {
  const proto = protocolName(msg.proto) ?? 'udp';
  return `sip:${bracketed(msg.srcIp)}:${msg.srcPort}${proto === 'udp' ? '' : `;transport=${proto}`}`;
}

/** A SIP URI with the place of its host in the text. */
export interface PlacedUri {
  readonly text: ByteStr;
  readonly uri: Uri;
  readonly hostAt: number;
  /** behind the port, where there is one */
  readonly hostEnd: number;
}

/** @returns undefined when it is no sip or sips URI */
export function placedUri(host: ModuleHost, text: ByteStr): PlacedUri | undefined {
  const colon = text.indexOf(':');
  if (!/^sips?$/i.test(text.slice(0, Math.max(colon, 0)))) return undefined;
  const uri = parseUri(host.core, text);
  if (!uri?.host) return undefined;
  const password = uri.password === undefined ? 0 : uri.password.length + 1;
  const hostAt = colon + 1 + (uri.user === undefined ? 0 : uri.user.length + password + 1);
  const hostEnd = hostAt + uri.host.length + (uri.portText === undefined ? 0 : uri.portText.length + 1);
  return { text, uri, hostAt, hostEnd };
}

/** The URI with more parameters behind the others, before the headers. @param params with their first semicolon */
export function withParams({ text, uri }: PlacedUri, params: ByteStr): ByteStr {
  const end = text.length - (uri.headers === undefined ? 0 : uri.headers.length + 1);
  return text.slice(0, end) + params + text.slice(end);
}

/** value of the transport parameter in lower case; undefined without one */
export function transportParam(uri: Uri): ByteStr | undefined {
  return uriParams(uri.params)
    .find(p => p.name.toLowerCase() === 'transport')
    ?.value?.toLowerCase();
}

/** the port of a URI, or the default one */
export function portOf(uri: Uri): number {
  return uri.port || 5060;
}
