/**
 * Record-Route (RFC 3261 16.6 step 4) is asked for while a request is routed and written by the core when the request is sent: only then the socket that it leaves
 * by is known (wasm/sip/record-route.ts). Here is what the core must know of the sockets, and what scripts add.
 */
import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { ByteStr } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import { KemiError } from '../errors.ts';
import type { Socket } from './host.ts';

/** what the core takes for each socket: three texts, address and length of each */
const SOCKET_BYTES = 24;

/** Whether the text can be put into a header without ending it: no control bytes. */
export function isHeaderText(text: ByteStr): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c === 0x7f) return false;
  }
  return true;
}

/** Tells the core how the sockets stand in a Record-Route; once for a core. @throws KemiError KEMI_ERR_NO_MEMORY */
export function tellSockets(core: Core, sockets: readonly Socket[]): void {
  const texts = sockets.flatMap(s => [addressOf(s, false), addressOf(s, true), uriTransport(s)]);
  const table = sockets.length * SOCKET_BYTES;
  const at: number = core.lua.malloc(table + texts.reduce((sum, t) => sum + t.length, 0) + L.SLACK);
  if (!at) throw new KemiError('KEMI_ERR_NO_MEMORY', 'Cannot keep the names of the sockets: the linear memory is full');
  let to = at + table;
  for (const [i, text] of texts.entries()) {
    core.mem.setU32(at + 8 * i, to);
    core.mem.setU32(at + 8 * i + 4, text.length);
    core.mem.putStr(to, text);
    to += text.length;
  }
  core.x.rrSockets(at, sockets.length);
}

/** Whether Record-Route is asked for. */
export const asksRecordRoute = (msg: SipMsg): boolean => msg.core.x.rrAsked(msg.at) !== 0;

/** Adds parameters to the Record-Route that is asked for, or will be. @returns false when the message's memory is full */
export function askRouteParam(msg: SipMsg, param: ByteStr): boolean {
  const at: number = msg.core.x.rrKeep(msg.at, L.RR_PARAM, 0, 0, param.length, 0);
  if (at) msg.mem.putStr(at, param);
  return at !== 0;
}

/** Takes back what was asked for. @returns false when the message's memory is full */
export const dropRecordRoute = (msg: SipMsg): boolean =>
  !asksRecordRoute(msg) || msg.core.x.rrKeep(msg.at, L.RR_REMOVED, 0, 0, 0, 0) !== 0;

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
