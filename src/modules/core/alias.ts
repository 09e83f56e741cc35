/** Aliases of connections: other ports of a peer for which requests take the connection that it has opened (tcp_accept_aliases, add_tcp_alias). */
import * as L from '../../core/gen/layout.gen.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { protocolName } from '../../kemi/targets.ts';
import { defaultPort } from './resolve.ts';
import { parseVia } from './uri.ts';

/** offset of the port in the core's Via */
const VIA_PORT = 28;

/** The port that the top Via says its sender listens on. */
export function viaPort(msg: SipMsg): number {
  return msg.mem.u16(msg.at + L.M_VIA + VIA_PORT) || defaultPort(protocolName(msg.proto) ?? 'tcp');
}

/** @returns 1, also for a datagram: there is nothing to do; -1 the connection takes none (ConnectionTable.alias) */
export function addAlias(host: ModuleHost, msg: SipMsg, port: number): number {
  if (msg.proto === L.PROTO_UDP) return 1;
  if (port > 0 && port < 65536 && host.connections?.addAlias(msg.u32(L.M_CONID), port)) return 1;
  host.log.error({ port, connection: msg.u32(L.M_CONID) }, `Cannot add port ${port} as an alias of a connection`);
  return -1;
}

/** A request over a connection whose top Via asks for it (draft-ietf-sip-connect-reuse, without its host). */
export function acceptAlias(host: ModuleHost, msg: SipMsg): void {
  const id = msg.u32(L.M_CONID);
  if (!id) return;
  const top = [...msg.headers()].find(h => h.id === L.HDR_VIA);
  const via = top && parseVia(host.core, top.body);
  if (via && /(?:^|;)\s*alias\s*(?=;|=|,|$)/i.test(via.params)) host.connections?.addAlias(id, viaPort(msg));
}
