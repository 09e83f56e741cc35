/** The suites on Node: `node test/runtime/node.ts`. */
import process from 'node:process';
import * as server from '../../src/transport/node/index.ts';
import { runHere } from './run.ts';

await runHere({
  runtime: `Node ${process.versions.node}`,
  server,
  udp: { 'node:dgram': options => new server.UdpTransport(options) },
});
