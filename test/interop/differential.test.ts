/**
 * The same stateless script on the real Kamailio and on this server, in turn on the same UDP port: every datagram the same, but for what
 * docs/differences.md lists. RECORD=1 writes what Kamailio answered to test/fixtures/stateless.golden.jsonl.
 */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { UdpTransport } from '../../src/transport/node/udp.ts';
import { writeGolden } from '../fixtures/golden.ts';
import { SERVER } from '../fixtures/requests/build.ts';
import { cases, MODPARAMS } from '../fixtures/requests/index.ts';
import { compare, readDifferences, summary } from './compare.ts';
import { type Exchange, overUdp, record } from './exchange.ts';
import { startKamailio } from './kamailio.ts';
import { needs } from './needs.ts';
import { ours, SCRIPT } from './ours.ts';

const PORT = Number(SERVER.split(':')[1]);

async function kamailioAnswers(): Promise<Exchange[]> {
  const config = MODPARAMS.map(([module, name, value]) => `modparam("${module}", "${name}", "${value}")`).join('\n');
  const kamailio = await startKamailio({ port: PORT, script: SCRIPT, config });
  try {
    return await throughUdp();
  } finally {
    await kamailio.stop();
  }
}

async function ourAnswers(): Promise<Exchange[]> {
  const transport = new UdpTransport();
  const runtime = await ours({ send: (data, ip, port) => transport.send(0, data, ip, port) });
  await transport.open([{ proto: 'udp', host: '127.0.0.1', port: PORT }]);
  transport.start((bytes, from, socket) => void runtime.receive(bytes, from, socket));
  try {
    return await throughUdp();
  } finally {
    transport.stop();
    await transport.close();
    await runtime.close(0);
  }
}

async function throughUdp(): Promise<Exchange[]> {
  const udp = await overUdp();
  try {
    return await record(cases(), udp.deliver);
  } finally {
    udp.close();
  }
}

test.skipIf(needs('kamailio'))('this server sends the same bytes as Kamailio', { timeout: 120_000 }, async () => {
  const theirs = await kamailioAnswers();
  if (process.env.RECORD) {
    const server = execFileSync('kamailio', ['-v'], { encoding: 'utf8' }).split('\n')[0]!.trim();
    writeGolden({ server, exchanges: theirs });
  }
  const verdicts = compare(theirs, await ourAnswers(), readDifferences());
  console.log(`Against Kamailio: ${summary(verdicts)}`);
  expect(verdicts.filter(v => v.kind === 'different').map(v => `${v.name}\n${v.detail}`)).toEqual([]);
});
