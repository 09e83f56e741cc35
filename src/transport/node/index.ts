/** `kemi-wasm/node`: servers on Node. Re-exports only. */
export { parseListenAddress } from '../listen-address.ts';
export type { ListenAddress, Receiver, Transport, TransportCounters } from '../transport.ts';
export { BASIC_CONFIG, BASIC_SCRIPT, loadWasm } from './assets.ts';
export { type ComponentFile, componentName, readComponents } from './components.ts';
export { type ConfigFile, readConfigFile } from './config-file.ts';
export { type CtlServer, callCtl, defaultCtlPath, listenCtl } from './ctl.ts';
export { type NodeResolverOptions, nodeResolver } from './resolver.ts';
export { listenRpcHttp, parseRpcHttp, type RpcHttpAddress, type RpcHttpServer } from './rpc-http.ts';
export { createServer, DRAIN_MS, databaseUrl, type Server, type ServerOptions } from './server.ts';
export { openSqlite, type SqliteDatabase, type SqliteOptions } from './sqlite.ts';
export { TcpTransport } from './tcp.ts';
export { DEFAULT_TCP_LIMITS, type TcpLimits, type TcpOptions } from './tcp-options.ts';
export { TlsContexts, type TlsSource } from './tls-context.ts';
export type { TlsFiles } from './tls-options.ts';
export type { MakeUdp } from './transports.ts';
export { type UdpOptions, UdpTransport } from './udp.ts';
