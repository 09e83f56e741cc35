/** What KSR.kx reads through TypeScript: sockets, credentials, Contact, definitions. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Socket } from '../../kemi/host.ts';
import type { Call, XVal } from '../../kemi/table.ts';

type C = Call<undefined>;

const PROTO_NAMES: readonly string[] = ['', 'udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'];

/** an address as URIs write it: IPv6 in brackets */
const inUri = (ip: ByteStr): ByteStr => (ip.includes(':') && !ip.startsWith('[') ? `[${ip}]` : ip);

/** the socket the message came in on */
export function receivedSocket({ host, msg }: C): Socket {
  return host.sockets[msg.socket]!;
}

/** what that socket tells others it is */
export function receivedAdvertised(call: C): { ip: ByteStr; port: number } {
  const { ip, port, advertisedIp, advertisedPort } = receivedSocket(call);
  return { ip: advertisedIp ?? ip, port: advertisedPort ?? port };
}

/** the socket the script chose to send from */
export function sendSocket({ host, msg }: C): Socket | undefined {
  const chosen = msg.mem.u16(msg.at + L.M_FSOCK);
  return chosen ? host.sockets[chosen - 1] : undefined;
}

/** udp:127.0.0.1:5060 */
export function socketText({ proto, ip, port }: Socket): ByteStr {
  return `${proto}:${inUri(ip)}:${port}`;
}

export function sourceText({ msg }: C): ByteStr {
  return `${PROTO_NAMES[msg.proto] ?? 'other'}:${inUri(msg.srcIp)}:${msg.srcPort}`;
}

export function sourceUri({ msg }: C): ByteStr {
  const transport = msg.proto === L.PROTO_UDP ? '' : `;transport=${PROTO_NAMES[msg.proto] ?? 'other'}`;
  return `sip:${inUri(msg.srcIp)}:${msg.srcPort}${transport}`;
}

/** The user name in Digest credentials, without its domain; undefined when they do not parse. */
function digestUser(header: ByteStr | undefined): ByteStr | undefined {
  if (header === undefined || !/^digest[ \t]/i.test(header)) return undefined;
  for (const field of fieldsOf(header.slice(7))) {
    const equals = field.indexOf('=');
    if (equals < 0) return undefined;
    if (field.slice(0, equals).trim().toLowerCase() !== 'username') continue;
    const value = field.slice(equals + 1).trim();
    const name = value.startsWith('"') ? value.slice(1, -1) : value;
    const at = name.indexOf('@');
    return at < 0 ? name : name.slice(0, at);
  }
  return undefined;
}

/** the parts between commas that are not in quotes */
function fieldsOf(text: ByteStr): ByteStr[] {
  const fields: ByteStr[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === '\\') i++;
    else if (c === '"') quoted = !quoted;
    else if (c === ',' && !quoted) {
      fields.push(text.slice(from, i));
      from = i + 1;
    }
  }
  fields.push(text.slice(from));
  return fields;
}

/** Proxy-Authorization counts before Authorization, as in Kamailio. */
export function authUser({ msg }: C): XVal {
  const user = digestUser(msg.first(L.HDR_PROXY_AUTHORIZATION)?.body);
  return user ?? digestUser(msg.first(L.HDR_AUTHORIZATION)?.body) ?? null;
}

/** Of several contacts in the first Contact header the last, as Kamailio gives it. */
export function contactUri({ msg }: C): XVal {
  const header = msg.first(L.HDR_CONTACT);
  if (!header || header.body === '' || header.body === '*') return null;
  return lastAddress(msg, header.body);
}

const ADDR_BYTES = 64;

function lastAddress(msg: SipMsg, text: ByteStr): XVal {
  const { core, mem } = msg;
  const at = core.lua.malloc(ADDR_BYTES + text.length + L.SLACK);
  if (!at) return null;
  mem.putStr(at + ADDR_BYTES, text);
  let uri: XVal = null;
  for (let from = 0; from < text.length; ) {
    if (core.x.parseAddrAt(at + ADDR_BYTES + from, text.length - from, at) < 0) {
      uri = null;
      break;
    }
    uri = text.slice(from).substr(mem.u16(at + 4), mem.u16(at + 6));
    from += mem.u16(at + 16) + 1;
    while (from < text.length && ' \t\r\n'.includes(text[from]!)) from++;
  }
  core.lua.free(at);
  return uri || null;
}

/** a number at the start of a text, 0 when there is none */
const numberOf = (text: ByteStr): number => {
  const match = /^[+-]?\d{1,10}$/.exec(text);
  return match ? Math.max(-0x80000000, Math.min(0x7fffffff, Number(text))) : 0;
};

export const definedText = ({ host }: C, name: ByteStr): XVal => host.defines.get(name) ?? '';
export const definedNumber = ({ host }: C, name: ByteStr): number => numberOf(host.defines.get(name) ?? '');
export const environmentText = ({ host }: C, name: ByteStr): XVal => host.env.get(name) ?? '';
export const environmentNumber = ({ host }: C, name: ByteStr): number => numberOf(host.env.get(name) ?? '');
