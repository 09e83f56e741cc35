/** The suites on Deno: `deno run -A --unstable-net test/runtime/deno.ts`. */
import process from 'node:process';
import * as server from '../../src/transport/deno/index.ts';
import { runHere } from './run.ts';

await runHere({
  runtime: `Deno ${process.versions.deno}`,
  server,
  udp: {
    'Deno.listenDatagram': options => new server.DenoUdpTransport(options),
    'node:dgram': options => new server.DenoDgramTransport(options),
  },
  flags: ['run', '-A'],
});
