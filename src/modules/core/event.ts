/** Events that no message belongs to: their routes run with a request of our own making, as in Kamailio, that seems to come from where the event is about. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { eventRoute } from '../../kemi/event-route.ts';
import type { ConnectionRef, ModuleHost } from '../../kemi/host.ts';
import { PROTOCOLS } from './uri.ts';

const TEXT =
  'OPTIONS sip:event@kemi-wasm.invalid SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK0\r\nFrom: <sip:event@kemi-wasm.invalid>;tag=event\r\n' +
  'To: <sip:event@kemi-wasm.invalid>\r\nCall-ID: event@kemi-wasm.invalid\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n';

/**
 * Runs the route of an event, if there is one.
 * @param source what the request seems to come by
 * @param callback function of the script, from a modparam; '' for none
 * @returns bits as ModuleHost.runRouteOn: 2 it dropped; 0 there is no such route, or no memory for it. Later, when the route waits
 */
export function runEvent(
  host: ModuleHost,
  callback: ByteStr,
  event: ByteStr,
  { id, proto, socket, ip, port }: ConnectionRef,
): number | Promise<number> {
  const route = eventRoute(host, callback, event);
  if (!route) return 0;
  const { x, mem } = host.core;
  const at: number = x.msgAlloc(TEXT.length);
  if (at < 0) {
    host.log.error({ event }, `Cannot run ${event}: as many messages are alive as the limit allows`);
    return 0;
  }
  mem.putStr(mem.u32(at + L.M_BUF), TEXT);
  x.msgIndex(at);
  const msg = host.at(at);
  const text = msg.store(ip);
  msg.setU32(L.M_SRCIP, text);
  msg.setU32(L.M_SRCIP + 4, text ? ip.length : 0);
  msg.setU16(L.M_SRCPORT, port);
  msg.setU16(L.M_SOCK, socket);
  msg.setU32(L.M_CONID, id);
  mem.u8[at + L.M_PROTO] = PROTOCOLS[proto]!;
  mem.u8[at + L.M_AF] = ip.includes(':') ? 6 : 4;
  mem.view.setFloat64(at + L.M_RECVMS, host.now(), true);
  const done = (bits: number): number => {
    host.release(at);
    return bits;
  };
  const end = host.runRouteOn(at, L.RK_EVENT, route, event);
  return end instanceof Promise ? end.then(done) : done(end);
}
