/** Runs the suites in a runtime that has sockets and files, and prints the report as one line of JSON. */
import os from 'node:os';
import process from 'node:process';
import * as api from '../../src/index.ts';
import type * as NodeServer from '../../src/transport/node/index.ts';
import { runtimeHostContract } from './contract/runtime-host.ts';
import { type Report, runSuites, type Suite } from './contract/suite.ts';
import { transportContract } from './contract/transport.ts';

/** What `import 'kemi-wasm/server'` gives in the runtime. */
export type ServerApi = Pick<typeof NodeServer, 'loadWasm' | 'TcpTransport' | 'UdpTransport'>;

/** @param runtime 'Bun 1.4.5'  @param server the package's servers for it */
export async function runHere(runtime: string, server: ServerApi): Promise<void> {
  const suites = [...transports(server), ...runtimeHostContract({ api, wasm: await server.loadWasm() })];
  const report: Report = { runtime, suites: await runSuites(suites) };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
}

function transports({ UdpTransport, TcpTransport }: ServerApi): Suite[] {
  const hasIpv6 = Object.values(os.networkInterfaces()).some(list => list?.some(i => i.address === '::1'));
  const v4 = { host: '127.0.0.1', otherFamily: '::1' };
  const v6 = { host: '::1', otherFamily: '127.0.0.1', skip: hasIpv6 ? undefined : 'this machine has no IPv6' };
  const udp = { create: () => new UdpTransport() };
  const frame = (text: string) =>
    `MESSAGE sip:a SIP/2.0\r\nContent-Length: ${new TextEncoder().encode(text).length}\r\n\r\n${text}`;
  const tcp = { create: () => new TcpTransport(), proto: 'tcp', frame } as const;
  return [
    transportContract('UDP over IPv4', () => ({ ...udp, ...v4 })),
    transportContract('UDP over IPv6', () => ({ ...udp, ...v6 })),
    transportContract('TCP over IPv4', () => ({ ...tcp, ...v4 })),
    transportContract('TCP over IPv6', () => ({ ...tcp, ...v6 })),
  ];
}
