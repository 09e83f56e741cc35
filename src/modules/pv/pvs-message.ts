/** The message itself, its start line, flags, Vias, and the way it came. */
import { trimEnd } from '../../core/ascii.ts';
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Socket } from '../../kemi/host.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import type { PvState } from './api.ts';
import { protoId, protoName } from './protocols.ts';
import { bracketed, socketOf, socketText } from './sockets.ts';
import { paramValue } from './uri.ts';
import { parseViaText, type ViaText, viaTexts } from './via-text.ts';

type C = Call<PvState>;

const pv = (name: string, doc: string, get: (call: C) => XVal | undefined, more: Partial<PvClass> = {}): PvClass => ({
  name,
  doc,
  ...more,
  get: (call: C) => get(call) ?? null,
});

/** sip:address:port, with the transport as a parameter unless it is UDP; RFC 7118 knows one transport for WS and WSS */
export function uriOf(ip: ByteStr, port: number, proto: ByteStr, always: boolean): ByteStr {
  const transport = proto === 'wss' ? 'ws' : proto;
  return `sip:${bracketed(ip)}:${port}${always || transport !== 'udp' ? `;transport=${transport}` : ''}`;
}

const receiving = ({ host, msg }: C): Socket | undefined => host.sockets[msg.socket];
const socketPv = (name: string, doc: string, get: (socket: Socket) => XVal | undefined) =>
  pv(name, doc, call => {
    const socket = receiving(call);
    return socket && get(socket);
  });

const hex8 = (value: number): ByteStr => (value >>> 0).toString(16).padStart(8, '0');

/** Two variables on one 32-bit field: decimal (signed, as Kamailio shows it) and 8 hexadecimal digits. */
function flags(
  decimal: string,
  hex: string,
  doc: string,
  read: (call: C) => number,
  write: (call: C, value: number) => void,
): PvClass[] {
  const set: PvClass['set'] = (call: C, _args, value) => {
    if (typeof value === 'string') return false;
    write(call, value ?? 0);
    return true;
  };
  return [
    pv(decimal, `${doc}, as a number. Writable.`, call => read(call) | 0, { set }),
    pv(hex, `${doc}, as 8 hexadecimal digits. Writable.`, call => hex8(read(call)), { set }),
  ];
}

/** Kamailio's bit for a method, 0x20000000 for one it does not know */
const METHOD_BITS: Record<string, number> = {
  INVITE: 1,
  CANCEL: 2,
  ACK: 4,
  BYE: 8,
  INFO: 16,
  REGISTER: 32,
  SUBSCRIBE: 64,
  NOTIFY: 128,
  MESSAGE: 256,
  OPTIONS: 512,
  PRACK: 1024,
  UPDATE: 2048,
  REFER: 4096,
  PUBLISH: 8192,
  KDMQ: 16384,
  GET: 32768,
  POST: 65536,
  PUT: 131072,
  DELETE: 262144,
};
const METHOD_OTHER = 524288;

// ---- Via

const VIA_KEYS = [
  'host',
  'port',
  'proto',
  'protoid',
  'branch',
  'rport',
  'received',
  'i',
  'params',
  'oc',
  'ocval',
  'ocalgo',
  'ocvalidity',
  'ocseq',
];
const VIA_PARAM: Record<string, string> = {
  ocval: 'oc',
  ocalgo: 'oc-algo',
  ocvalidity: 'oc-validity',
  ocseq: 'oc-seq',
};

function viaAttribute(via: ViaText, key: ByteStr): XVal {
  switch (key) {
    case 'host':
      return via.host;
    case 'port':
      return via.port;
    case 'proto':
      return via.proto;
    case 'protoid':
      return protoId(via.proto);
    case 'params':
      return via.params || null;
    case 'oc': {
      // RFC 7339 4.1: the parameter alone offers support, with a value it carries the reduction
      const oc = paramValue(via.params, 'oc');
      return oc === undefined ? 0 : oc === '' ? 1 : 2;
    }
    default:
      return paramValue(via.params, VIA_PARAM[key] ?? key) || null;
  }
}

const viaClass = (name: string, index: number, which: string): PvClass => ({
  name,
  inner: 'required',
  innerAs: 'raw',
  doc: `Attribute of the ${which} Via: ${VIA_KEYS.join(', ')}.`,
  check: inner =>
    VIA_KEYS.includes(inner) ? undefined : `there is no Via attribute "${inner}", but ${VIA_KEYS.join(', ')}`,
  get: ({ msg }: C, { inner }) => {
    const text = viaTexts(msg).at(index);
    const via = text === undefined ? undefined : parseViaText(text);
    return via ? viaAttribute(via, inner) : null;
  },
});

/** Where a reply goes by its second Via (RFC 3261 18.2.2, RFC 3581 4). */
export function replyTo(msg: SipMsg): { host: ByteStr; port: number; proto: ByteStr } | undefined {
  const text = msg.isReply ? viaTexts(msg)[1] : undefined;
  const via = text === undefined ? undefined : parseViaText(text);
  if (!via) return undefined;
  const port = Number(paramValue(via.params, 'rport') || via.port);
  return {
    host: paramValue(via.params, 'received') || via.host,
    port: port > 0 && port < 65536 ? port : via.port,
    proto: via.proto.toLowerCase(),
  };
}
const RPL_KEYS = ['duri', 'dhost', 'dport', 'dproto', 'dprotoid', 'cntvia'];

// ---- parts of the bytes

const MSG_KEYS = ['buf', 'body', 'hdrs', 'lpart', 'fpart', 'fline', 'len', 'body_len'];

function messagePart(msg: SipMsg, key: ByteStr): XVal {
  const raw = msg.raw;
  const start = msg.u32(L.M_START);
  const lineEnd = raw.indexOf('\r\n', start);
  const headersEnd = msg.headersEnd;
  const noBreak = (text: ByteStr) => text.replace(/\r?\n$/, '');
  switch (key) {
    case 'buf':
      return raw;
    case 'body':
      return msg.body;
    case 'len':
      return raw.length;
    case 'body_len':
      return msg.body.length;
    case 'fline':
      return trimEnd(raw.slice(start, lineEnd));
    case 'fpart':
      return noBreak(raw.slice(0, headersEnd));
    case 'hdrs':
      return noBreak(raw.slice(lineEnd + 2, headersEnd));
    default:
      return raw.slice(lineEnd + 2);
  }
}

export const message: readonly PvClass[] = [
  { name: 'rm', doc: 'Method; of a reply the one in its CSeq.', wasm: 'pvRm' },
  pv(
    'rmid',
    "Kamailio's bit for the method: INVITE 1, CANCEL 2, ACK 4 ...",
    ({ msg }) => METHOD_BITS[msg.method] ?? METHOD_OTHER,
  ),
  { name: 'rs', doc: 'Status code of a reply.', wasm: 'pvRs' },
  { name: 'rr', doc: 'Reason phrase of a reply.', wasm: 'pvRr' },
  pv('rv', 'SIP version.', ({ msg }) => msg.version),
  pv('mt', '1 a request, 2 a reply.', ({ msg }) => (msg.isReply ? 2 : 1)),
  { name: 'mi', doc: 'Number of the message, from 1 in each runtime.', wasm: 'pvMi' },
  { name: 'ml', doc: 'Length of the message in bytes.', wasm: 'pvMl' },
  { name: 'mb', doc: 'The message as received.', wasm: 'kxGetMsgbuf' },
  pv('mbu', 'The message with the changes that the script made.', ({ msg }) => msg.applied()),
  { name: 'rb', doc: 'Body.', wasm: 'pvRb' },
  pv('bs', 'Length of the body in bytes.', ({ msg }) => msg.body.length),
  {
    name: 'msg',
    inner: 'required',
    innerAs: 'raw',
    doc: `A part of the message: ${MSG_KEYS.join(', ')} (fline first line, fpart first line and headers, hdrs headers, lpart all but the first line).`,
    check: inner =>
      MSG_KEYS.includes(inner) ? undefined : `there is no message part "${inner}", but ${MSG_KEYS.join(', ')}`,
    get: ({ msg }: C, { inner }) => messagePart(msg, inner),
  },
  {
    name: 'msgbuf',
    inner: 'required',
    innerAs: 'pv',
    doc: 'The byte at a place of the message, from 0. Writable: the message itself is changed.',
    get: ({ msg }: C, { inner }) => {
      const at = Number(inner);
      return Number.isInteger(at) && at >= 0 && at < msg.length ? msg.slice(at, 1) : null;
    },
    set: ({ msg }: C, { inner }, value) => {
      const at = Number(inner);
      if (typeof value !== 'string' || value.length === 0) return false;
      if (!Number.isInteger(at) || at < 0 || at >= msg.length) return false;
      msg.mem.u8[msg.buf + at] = value.charCodeAt(0);
      return true;
    },
  },

  ...flags(
    'mf',
    'mF',
    'Message and transaction flags (setflag)',
    ({ msg }) => msg.u32(L.M_SFLAGS),
    ({ msg }, v) => msg.setU32(L.M_SFLAGS, v),
  ),
  ...flags(
    'sf',
    'sF',
    'Script flags (setsflag)',
    ({ msg }) => msg.u32(L.M_SCRFLAGS),
    ({ msg }, v) => msg.setU32(L.M_SCRFLAGS, v),
  ),
  ...flags(
    'bf',
    'bF',
    'Flags of branch 0 (setbflag)',
    ({ msg }) => msg.u32(L.M_BFLAGS),
    ({ msg }, v) => msg.setU32(L.M_BFLAGS, v),
  ),

  { name: 'si', doc: 'Source address, no brackets.', wasm: 'kxGetSrcip' },
  pv('siz', 'Source address, IPv6 in brackets.', ({ msg }) => bracketed(msg.srcIp)),
  { name: 'sp', doc: 'Source port.', wasm: 'kxGetSrcport' },
  pv('su', 'Source as a URI, the transport only when it is not UDP.', ({ msg }) =>
    uriOf(msg.srcIp, msg.srcPort, protoName(msg.proto), false),
  ),
  pv('sut', 'Source as a URI, always with its transport.', ({ msg }) =>
    uriOf(msg.srcIp, msg.srcPort, protoName(msg.proto), true),
  ),
  pv(
    'sas',
    'Source as proto:address:port.',
    ({ msg }) => `${protoName(msg.proto)}:${bracketed(msg.srcIp)}:${msg.srcPort}`,
  ),
  {
    name: 'pr',
    aliases: ['proto'],
    doc: 'Transport the message came by: udp, tcp, tls, ws, wss, sctp.',
    wasm: 'pvProto',
  },
  pv('prid', 'Number of that transport: 1 udp, 2 tcp, 3 tls, 4 sctp, 5 ws, 6 wss.', ({ msg }) => msg.proto),
  pv('conid', 'Number of the connection the message came by; null for UDP.', ({ msg }) => msg.u32(L.M_CONID) || null),

  socketPv('Ri', 'Address of the receiving socket.', s => s.ip),
  socketPv('Rp', 'Port of the receiving socket.', s => s.port),
  socketPv('Rn', 'Name of the receiving socket.', s => s.name),
  socketPv('Ru', 'Receiving socket as a URI, the transport only when it is not UDP.', s =>
    uriOf(s.ip, s.port, s.proto, false),
  ),
  socketPv('Rut', 'Receiving socket as a URI, always with its transport.', s => uriOf(s.ip, s.port, s.proto, true)),
  socketPv('RAi', 'Advertised address of the receiving socket, else its address.', s => s.advertisedIp ?? s.ip),
  socketPv('RAp', 'Advertised port of the receiving socket, else its port.', s => s.advertisedPort ?? s.port),
  socketPv('RAu', 'As $Ru with what is advertised.', s =>
    uriOf(s.advertisedIp ?? s.ip, s.advertisedPort ?? s.port, s.proto, false),
  ),
  socketPv('RAut', 'As $Rut with what is advertised.', s =>
    uriOf(s.advertisedIp ?? s.ip, s.advertisedPort ?? s.port, s.proto, true),
  ),

  pv(
    'fs',
    'Socket to send from, as proto:address:port; null: chosen by the core. Writable; one we do not listen on changes nothing.',
    ({ host, msg }) => {
      const socket = host.sockets[msg.mem.u16(msg.at + L.M_FSOCK) - 1];
      return socket && socketText(socket);
    },
    {
      set: ({ host, msg }: C, _args, value) => {
        if (value !== null && (typeof value !== 'string' || !value)) return false;
        const socket = value === null ? undefined : socketOf(host, value);
        if (value === null || socket) msg.setU16(L.M_FSOCK, socket ? socket.index + 1 : 0);
        return true;
      },
    },
  ),
  pv(
    'fsn',
    'Name of the socket to send from. Writable; a name no socket has changes nothing.',
    ({ host, msg }) => host.sockets[msg.mem.u16(msg.at + L.M_FSOCK) - 1]?.name,
    {
      set: ({ host, msg }: C, _args, value) => {
        if (typeof value === 'number') return false;
        const socket = value === null ? undefined : host.sockets.find(s => s.name === value);
        if (value === null || socket) msg.setU16(L.M_FSOCK, socket ? socket.index + 1 : 0);
        return true;
      },
    },
  ),

  viaClass('via0', 0, 'first'),
  viaClass('via1', 1, 'second'),
  viaClass('viaZ', -1, 'last'),
  {
    name: 'rpl',
    inner: 'required',
    innerAs: 'raw',
    doc: `Where a reply is going by its second Via: ${RPL_KEYS.join(', ')}; null in a request.`,
    check: inner =>
      RPL_KEYS.includes(inner) ? undefined : `there is no reply attribute "${inner}", but ${RPL_KEYS.join(', ')}`,
    get: ({ msg }: C, { inner }) => {
      if (!msg.isReply) return null;
      if (inner === 'cntvia') return viaTexts(msg).length;
      const to = replyTo(msg);
      if (!to) return null;
      if (inner === 'dhost') return to.host;
      if (inner === 'dport') return to.port;
      if (inner === 'dproto') return to.proto;
      return inner === 'dprotoid' ? protoId(to.proto) : uriOf(to.host, to.port, to.proto, true);
    },
  },
];
