/** createServer() with Bun's UDP socket; the rest is Node's. */
import { createServer as createNodeServer, type Server, type ServerOptions } from '../node/server.ts';
import { BunUdpTransport } from './udp.ts';

/** See createServer() of transport/node/server.ts. */
export function createServer(options: ServerOptions = {}): Promise<Server> {
  return createNodeServer({ udp: udp => new BunUdpTransport(udp), ...options });
}
