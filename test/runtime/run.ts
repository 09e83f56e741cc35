/** Runs the suites in a runtime that has sockets and files, and prints the report as one line of JSON. */
import os from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import * as api from '../../src/index.ts';
import type * as NodeServer from '../../src/transport/node/index.ts';
import { buildExample } from '../support/example-module.ts';
import { SERVER } from '../support/tls.ts';
import { componentContract } from './contract/components.ts';
import { runtimeHostContract } from './contract/runtime-host.ts';
import { commandLineContract } from './contract/servers/command-line.ts';
import { filesContract } from './contract/servers/files.ts';
import { type ServerFunctions, serverContract } from './contract/servers/server.ts';
import { sqliteContract } from './contract/servers/sqlite.ts';
import { tlsContract } from './contract/servers/tls.ts';
import { workerContract } from './contract/servers/worker.ts';
import { type Report, runSuites, type Suite } from './contract/suite.ts';
import { transportContract } from './contract/transport.ts';
import { webSocketContract } from './contract/web-socket.ts';

/** What `import 'kemi-wasm/server'` gives in the runtime. */
export type ServerApi = ServerFunctions &
  Pick<typeof NodeServer, 'loadWasm' | 'TcpTransport' | 'TlsContexts' | 'nodeResolver' | 'openSqlite'>;
/** Ways to carry datagrams, by the name of what they use. */
export type UdpTransports = Readonly<Record<string, NodeServer.MakeUdp>>;

export interface Here {
  /** 'Bun 1.4.5' */
  readonly runtime: string;
  /** the package's servers for it */
  readonly server: ServerApi;
  readonly udp: UdpTransports;
  /** the runtime's arguments in front of a program; none when absent */
  readonly flags?: readonly string[];
}

export async function runHere({ runtime, server, udp, flags = [] }: Here): Promise<void> {
  // the built-in registrar and proxy, for phones on WebSockets
  const phones = await server.createServer({ listen: ['ws:127.0.0.1:0'] });
  const { port } = phones.sockets[0]!;
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const wasm = await server.loadWasm();
  const numport = await api.loadComponent(await buildExample('assemblyscript'), 'numport.wasm');
  const suites = [
    ...transports(server, udp),
    ...runtimeHostContract({ api, wasm }),
    componentContract({ api, wasm, numport, built: 'built and compiled here' }),
    webSocketContract(() => ({ url: `ws://127.0.0.1:${port}`, domain: `127.0.0.1:${port}` })),
    ...serverContract(server),
    tlsContract(server),
    sqliteContract(server),
    ...filesContract(server),
    commandLineContract([process.execPath, ...flags, main]),
    workerContract(),
  ];
  const report: Report = { runtime, suites: await runSuites(suites) };
  await phones.close(0);
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
}

function transports({ TcpTransport, TlsContexts }: ServerApi, udp: UdpTransports): Suite[] {
  const hasIpv6 = Object.values(os.networkInterfaces()).some(list => list?.some(i => i.address === '::1'));
  const v4 = { host: '127.0.0.1', otherFamily: '::1' };
  const v6 = { host: '::1', otherFamily: '127.0.0.1', skip: hasIpv6 ? undefined : 'this machine has no IPv6' };
  const frame = (text: string) =>
    `MESSAGE sip:a SIP/2.0\r\nContent-Length: ${new TextEncoder().encode(text).length}\r\n\r\n${text}`;
  const tcp = { create: () => new TcpTransport(), proto: 'tcp', frame } as const;
  const secured = () => new TcpTransport({ tls: new TlsContexts({ settings: SERVER }) });
  const tls = { create: secured, proto: 'tls', frame } as const;
  return [
    ...Object.entries(udp).flatMap(([name, make]) => [
      transportContract(`${name}, IPv4,`, () => ({ create: () => make({}), ...v4, maxBytes: 65507 })),
      transportContract(`${name}, IPv6,`, () => ({ create: () => make({}), ...v6, maxBytes: 65527 })),
    ]),
    transportContract('TCP over IPv4', () => ({ ...tcp, ...v4 })),
    transportContract('TCP over IPv6', () => ({ ...tcp, ...v6 })),
    transportContract('TLS over IPv4', () => ({ ...tls, ...v4 })),
    transportContract('TLS over IPv6', () => ({ ...tls, ...v6 })),
  ];
}
