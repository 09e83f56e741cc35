/** `kemi-wasm/server` on Deno: what Node's has, with Deno's UDP socket where Deno shows it. Re-exports only. */
export * from '../node/index.ts';
export { DenoDgramTransport } from './dgram.ts';
export { createServer, makeUdp } from './server.ts';
export { DenoUdpTransport } from './udp.ts';
