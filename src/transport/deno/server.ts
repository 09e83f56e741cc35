/** createServer() with what Deno carries datagrams best; the rest is Node's. */
import { createServer as createNodeServer, type Server, type ServerOptions } from '../node/server.ts';
import type { MakeUdp } from '../node/transports.ts';
import { listenDatagram } from './deno-api.ts';
import { DenoDgramTransport } from './dgram.ts';
import { DenoUdpTransport } from './udp.ts';

/** Deno.listenDatagram where Deno shows it, else node:dgram. */
export const makeUdp: MakeUdp = options =>
  listenDatagram() ? new DenoUdpTransport(options) : new DenoDgramTransport(options);

/** See createServer() of transport/node/server.ts. */
export function createServer(options: ServerOptions = {}): Promise<Server> {
  return createNodeServer({ udp: makeUdp, ...options });
}
