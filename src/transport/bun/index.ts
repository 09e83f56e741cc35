/** `kemi-wasm/server` on Bun: what Node's has, with Bun's UDP socket. Re-exports only. */
export * from '../node/index.ts';
export { createServer } from './server.ts';
export { BunUdpTransport as UdpTransport } from './udp.ts';
