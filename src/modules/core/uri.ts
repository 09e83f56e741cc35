/** What sending needs of a URI, and Vias that are not the top one. */
import * as L from '../../core/gen/layout.gen.ts';
import type { Core } from '../../core/load.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Uri, Via } from '../../core/sip-msg.ts';
import { uriParam } from '../../kemi/uri.ts';

const VIA_AREA = 40;

/** A Via value that is not the top one, with the offset at which it ends. */
export function parseVia(core: Core, text: ByteStr): (Via & { end: number; maddr?: ByteStr }) | undefined {
  const area = core.lua.malloc(VIA_AREA + text.length + L.SLACK);
  if (!area) return undefined;
  try {
    const at = area + VIA_AREA;
    core.mem.putStr(at, text);
    if (core.x.parseViaAt(at, text.length, area)) return undefined;
    const { mem } = core;
    const part = (o: number) => mem.str(at + mem.u16(area + o), mem.u16(area + o + 2));
    const optional = (o: number) => (mem.u32(area + o) ? part(o) : undefined);
    const branch = optional(8);
    const received = optional(12);
    const maddr = optional(20);
    return {
      transport: part(0),
      transportId: mem.u16(area + 32),
      host: part(4),
      port: mem.u16(area + 28),
      params: part(24),
      end: mem.u16(area + 30),
      ...(branch !== undefined && { branch }),
      ...(received !== undefined && { received }),
      ...(maddr !== undefined && { maddr }),
      ...(mem.u16(area + 34) && { rport: part(16) }),
    };
  } finally {
    core.lua.free(area);
  }
}

export const PROTOCOLS: Readonly<Record<string, number>> = {
  udp: L.PROTO_UDP,
  tcp: L.PROTO_TCP,
  tls: L.PROTO_TLS,
  sctp: L.PROTO_SCTP,
  ws: L.PROTO_WS,
  wss: L.PROTO_WSS,
};

/** PROTO_* of the URI's transport parameter; PROTO_NONE when there is none or it is not known */
export function transportOf(uri: Uri): number {
  return PROTOCOLS[uriParam(uri.params, 'transport')?.toLowerCase() ?? ''] ?? L.PROTO_NONE;
}
