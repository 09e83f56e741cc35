import { expect, it } from 'vitest';
import { MemoryNetwork } from '../../../src/transport/memory/index.ts';
import { transportContract } from './contract.ts';

let network: MemoryNetwork;
transportContract('MemoryTransport', () => {
  network ??= new MemoryNetwork();
  return { create: () => network.transport(), host: '192.0.2.1', otherFamily: '2001:db8::1' };
});

it('MemoryNetwork keeps what was sent to nobody', async () => {
  const net = new MemoryNetwork();
  const t = net.transport();
  await t.open([{ proto: 'udp', host: '192.0.2.1', port: 5060 }]);
  t.send(0, new Uint8Array([65]), '192.0.2.9', 5070);
  await Promise.resolve();
  expect(net.lost).toMatchObject([{ fromIp: '192.0.2.1', fromPort: 5060, toIp: '192.0.2.9', toPort: 5070 }]);
});
