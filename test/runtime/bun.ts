/** The suites on Bun: `bun test/runtime/bun.ts`. */
import process from 'node:process';
import * as server from '../../src/transport/bun/index.ts';
import { runHere } from './run.ts';

await runHere({
  runtime: `Bun ${process.versions.bun}`,
  server,
  udp: { 'Bun.udpSocket': options => new server.UdpTransport(options) },
});
