/** This server, set up as the real Kamailio of the differential tests is: in memory, or on the same UDP port. */
import { readFileSync } from 'node:fs';
import { byteStr } from '../../src/core/memory.ts';
import { bytesOf, createRuntime, type Logger, type Runtime, silentLogger } from '../../src/index.ts';
import { MODULES } from '../../src/modules/index.ts';
import { loadWasm } from '../../src/transport/node/assets.ts';
import { CLIENT, SERVER, SINK } from '../fixtures/requests/build.ts';
import { MODPARAMS } from '../fixtures/requests/index.ts';
import type { Datagram, Deliver } from './exchange.ts';

export const SCRIPT = new URL('../fixtures/stateless.lua', import.meta.url).pathname;
/** Kamailio's Server header, so that replies can be compared whole. */
const SERVER_HEADER = 'kamailio (5.6.3 (x86_64/linux))';

const [ip, port] = split(SERVER);

export interface OursOptions {
  send: (data: Uint8Array, ip: string, port: number) => boolean;
  log?: Logger;
  lane?: 'api' | 'inplace';
}

/** A runtime with the script of the differential tests. */
export async function ours(options: OursOptions): Promise<Runtime> {
  const runtime = createRuntime({
    wasm: await loadWasm(),
    sockets: [{ proto: 'udp', ip, port }],
    send: (_socket, data, toIp, toPort) => options.send(data, toIp, toPort),
    log: options.log ?? silentLogger,
    serverHeader: SERVER_HEADER,
    modparams: MODPARAMS.filter(([module]) => MODULES.some(m => m.name === module)).map(([module, name, value]) => ({
      module,
      name,
      value,
    })),
    secret: new Uint8Array(16).fill(7),
    ...(options.lane && { lane: options.lane }),
  });
  runtime.load({ name: SCRIPT, source: readFileSync(SCRIPT) });
  return runtime;
}

/** The runtime without sockets: what it sends to the client's and the sink's address is what comes back. */
export async function inMemory(
  options: Omit<OursOptions, 'send'> = {},
): Promise<{ runtime: Runtime; deliver: Deliver; close(): Promise<void> }> {
  let out: Datagram[] = [];
  const runtime = await ours({
    ...options,
    send(data, toIp, toPort) {
      const address = `${toIp}:${toPort}`;
      const to = address === CLIENT ? 'client' : address === SINK ? 'sink' : undefined;
      if (to) out.push({ to, bytes: byteStr(data) });
      return true;
    },
  });
  const deliver: Deliver = async (bytes, from) => {
    out = [];
    const [fromIp, fromPort] = split(from === 'client' ? CLIENT : SINK);
    runtime.receive(bytesOf(bytes), { ip: fromIp, port: fromPort });
    return out;
  };
  return { runtime, deliver, close: () => runtime.close(0) };
}

function split(address: string): [ip: string, port: number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}
