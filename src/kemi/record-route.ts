/**
 * Record-Route (RFC 3261 16.6 step 4) is asked for while a request is routed and written when the request is sent: only then the socket that it leaves by is
 * known. What is asked for lies among the message's edits, as records that write nothing (E_LEN 0) and point to their own text, so it stands in the right
 * order among inserted headers, and goes away with the edits of a branch. Whoever writes a request that goes on calls writeForward() in place of
 * core.x.msgForward().
 */
import * as L from '../core/gen/layout.gen.ts';
import type { ByteStr } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import type { ModuleHost, Socket } from './host.ts';

/**
 * - `sockets`: the addresses of the sockets that the request came in and leaves by
 * - `address`: the one given address, for both sides
 * - `lines`: two lines, or one, as they are
 */
export type RecordRouteKind = 'sockets' | 'address' | 'lines';

export interface RecordRoute {
  readonly kind: RecordRouteKind;
  /** when there are two lines: when the sides differ, always, never. Of no meaning to `lines` */
  readonly double: 'auto' | 'always' | 'never';
  /** whether the name of a socket is written as parameter sn */
  readonly socketNames: boolean;
  /** `Record-Route: <sip:user@`, for `address` with the address behind it, for `lines` with the address and its parameters */
  readonly start: ByteStr;
  /** the second line's start, '' when there is one line; only for `lines` */
  readonly second: ByteStr;
  /** parameters in front of those that add_rr_param() put in before; behind transport and r2 */
  readonly params: ByteStr;
  /** parameters behind those */
  readonly tail: ByteStr;
}

const KINDS: Readonly<Record<RecordRouteKind, string>> = { sockets: 's', address: 'a', lines: 'l' };
const DOUBLE: Readonly<Record<RecordRoute['double'], string>> = { auto: '1', always: '2', never: '0' };
const PARAM = '+';
const REMOVED = '-';
/** in front of the text of a record: its bytes */
const LENGTH_BYTES = 4;

/** Whether the text can be put into a header without ending it: no control bytes. */
export function isHeaderText(text: ByteStr): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c === 0x7f) return false;
  }
  return true;
}

/** Whether Record-Route is asked for. */
export const asksRecordRoute = (msg: SipMsg): boolean => Boolean(find(msg)?.at);

interface Found {
  /** address of the edit record of what was asked for, 0 when nothing was */
  at: number;
  text: ByteStr;
  /** add_rr_param() called before and behind it */
  before: ByteStr;
  after: ByteStr;
}

/** Asks for Record-Route. @returns false when it was asked for already, or the message's memory is full */
export function askRecordRoute(msg: SipMsg, ask: RecordRoute): boolean {
  if (find(msg)?.at) return false;
  const flags = `${KINDS[ask.kind]}${DOUBLE[ask.double]}${ask.socketNames ? 'n' : ' '}`;
  return keep(msg, [flags, ask.start, ask.second, ask.params, ask.tail].join('\n'));
}

/** Adds parameters to the Record-Route that is asked for, or will be. @returns false when the message's memory is full */
export const askRouteParam = (msg: SipMsg, param: ByteStr): boolean => keep(msg, PARAM + param);

/** Takes back what was asked for. @returns false when the message's memory is full */
export const dropRecordRoute = (msg: SipMsg): boolean => (find(msg)?.at ? keep(msg, REMOVED) : true);

/** The lines to write, '' when none were asked for. @param leaves the socket that the request leaves by */
export function recordRouteText(host: ModuleHost, msg: SipMsg, leaves: Socket): ByteStr {
  const found = find(msg);
  return found ? textOf(found, host.sockets[msg.socket]!, leaves) : '';
}

/**
 * Writes a request that goes on into core.x.outArea(), as core.x.msgForward() does, with the Record-Route that was asked for.
 * @param viaAt address of our Via line  @param leaves the socket that it leaves by
 * @returns length; -ST_TOO_BIG, -ST_NO_MEMORY
 */
export function writeForward(host: ModuleHost, msg: SipMsg, viaAt: number, viaLength: number, leaves: Socket): number {
  const { core } = host;
  const found = find(msg);
  const text = found ? textOf(found, host.sockets[msg.socket]!, leaves) : '';
  if (!found || !text) return core.x.msgForward(msg.at, viaAt, viaLength);
  const at = msg.store(text);
  if (!at) return -L.ST_NO_MEMORY;
  const own = msg.mem.u32(found.at + L.E_SRC);
  setText(msg, found.at, at, text.length);
  const length: number = core.x.msgForward(msg.at, viaAt, viaLength);
  setText(msg, found.at, own, 0);
  return length;
}

function setText(msg: SipMsg, record: number, at: number, length: number): void {
  msg.mem.setU32(record + L.E_SRC, at);
  msg.mem.setU32(record + L.E_LEN, length);
}

/** An edit at the first header that writes nothing. */
function keep(msg: SipMsg, text: ByteStr): boolean {
  const at = msg.core.x.arenaAlloc(msg.at, LENGTH_BYTES + text.length);
  if (!at) return false;
  const { mem } = msg;
  mem.setU32(at, text.length);
  mem.putStr(at + LENGTH_BYTES, text);
  const offset = msg.headerCount ? msg.header(0).offset : msg.bodyOffset;
  return msg.core.x.editAdd(msg.at, offset, 0, at, 0, L.EK_RECORD_ROUTE) >= 0;
}

function find(msg: SipMsg): Found | undefined {
  const { mem } = msg;
  let found: Found | undefined;
  for (let n = mem.u16(msg.at + L.M_NEDITS), at = mem.u32(msg.at + L.M_EDITS); n > 0; n--, at += L.EDIT_SIZE) {
    if (mem.u32(at + L.E_KIND) !== L.EK_RECORD_ROUTE) continue;
    const src = mem.u32(at + L.E_SRC);
    const text = mem.str(src + LENGTH_BYTES, mem.u32(src));
    found ??= { at: 0, text: '', before: '', after: '' };
    if (text[0] === REMOVED) found = { at: 0, text: '', before: found.before + found.after, after: '' };
    else if (text[0] !== PARAM) {
      found.at = at;
      found.text = text;
    } else if (found.at) found.after += text.slice(1);
    else found.before += text.slice(1);
  }
  return found;
}

function textOf(found: Found, came: Socket, leaves: Socket): ByteStr {
  if (!found.at) return '';
  const { before, after } = found;
  const [flags, start, second, params, tail] = found.text.split('\n') as [string, string, string, string, string];
  const end = `>\r\n`;
  if (flags[0] === KINDS.lines) {
    const rest = `${params}${before}${tail}${after}${end}`;
    return second ? `${start}${rest}${second}${rest}` : `${start}${rest}`;
  }
  const rest = `${params}${tail}${before}${after}${end}`;
  const both = flags[1] !== DOUBLE.never;
  if (flags[0] === KINDS.address) {
    const crosses = uriTransport(came) !== uriTransport(leaves);
    if (!both) return `${start}${crosses ? `;transport=${uriTransport(came)}` : ''}${rest}`;
    if (!crosses && flags[1] === DOUBLE.auto) return `${start}${rest}`;
    return `${start};transport=${uriTransport(leaves)};r2=on${rest}${start};transport=${uriTransport(came)};r2=on${rest}`;
  }
  const names = flags[2] === 'n';
  if (!both || (came === leaves && flags[1] === DOUBLE.auto)) return `${start}${addressOf(came, names)}${rest}`;
  return `${start}${addressOf(leaves, names)};r2=on${rest}${start}${addressOf(came, names)};r2=on${rest}`;
}

/** RFC 7118 5.2.3: there is one transport for WebSockets, secure or not. */
const uriTransport = ({ proto }: Socket): Socket['proto'] => (proto === 'wss' ? 'ws' : proto);

/** `host:port;sn=name;transport=tcp` of a socket; UDP and port 5060 are left out, as they are what a URI means without them */
function addressOf(socket: Socket, names: boolean): ByteStr {
  const ip = socket.advertisedIp ?? socket.ip;
  const host = ip.includes(':') && !ip.startsWith('[') ? `[${ip}]` : ip;
  const port = socket.advertisedPort ?? socket.port;
  const name = names && socket.name ? `;sn=${socket.name}` : '';
  const tls = socket.proto === 'tls' || socket.proto === 'wss';
  const transport = socket.proto === 'udp' ? '' : `;transport=${uriTransport(socket)}`;
  return `${host}${port === 5060 && !tls ? '' : `:${port}`}${name}${transport}`;
}
