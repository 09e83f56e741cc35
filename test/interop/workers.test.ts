/** Two workers do what one does: the scenarios of the sample configuration, and calls of SIPp. */
import { createSocket } from 'node:dgram';
import { describe, expect, test } from 'vitest';
import { needs } from './needs.ts';
import { outcomes } from './scenario/check.ts';
import { readDifferences, readGolden } from './scenario/golden.ts';
import { type GroupName, SHARED } from './scenario/scenario.ts';
import { GROUP_NAMES, GROUPS } from './scenario/servers.ts';
import { compare, summary } from './scenario/trace.ts';
import { sipp, sippServer } from './sipp.ts';
import { lacksServer, withServer } from './with-server.ts';

const BASE = 22620;
const WORKERS = 2;
const noDatabase = needs('kamailio-sqlite-modules');

describe.each<GroupName>(GROUP_NAMES.filter(g => !SHARED[g]))('configuration %s with two workers', group => {
  test.skipIf(lacksServer('ours') || (noDatabase && GROUPS[group].database))(
    'this server does what Kamailio does',
    { timeout: 90_000 },
    async () => {
      const ours = await outcomes('ours', group, BASE, WORKERS);
      const verdicts = compare(readGolden(group).outcomes, ours, readDifferences());
      console.log(`${group}, two workers: ${summary(verdicts)}`);
      expect(verdicts.filter(v => v.kind === 'different').map(v => `${v.name}\n${v.detail}`)).toEqual([]);
    },
  );
});

const PORT = BASE + 40;
const CALLS = 1_000;
const FIXTURES = new URL('../fixtures/sipp/', import.meta.url).pathname;

/** The callee's phone registers as "service", the user that SIPp calls. */
async function registerCallee(): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const local = socket.address().port;
  const text = `REGISTER sip:127.0.0.1:${PORT} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${local};branch=z9hG4bKcallee\r\nFrom: <sip:service@127.0.0.1:${PORT}>;tag=1\r\nTo: <sip:service@127.0.0.1:${PORT}>\r\nCall-ID: callee\r\nCSeq: 1 REGISTER\r\nContact: <sip:service@127.0.0.1:${PORT + 2}>\r\nExpires: 600\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
  try {
    const reply = await new Promise<string>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the REGISTER of the callee is not answered')), 3_000);
      socket.once('message', data => {
        clearTimeout(late);
        resolve(data.toString('latin1'));
      });
      socket.send(text, PORT, '127.0.0.1');
    });
    expect(reply).toMatch(/^SIP\/2\.0 200 /);
  } finally {
    socket.close();
  }
}

describe('SIPp and two workers', () => {
  test.skipIf(needs('sipp') || lacksServer('ours'))('1,000 calls from many ports', { timeout: 90_000 }, async () => {
    await withServer(
      'ours',
      'basic',
      PORT,
      async () => {
        await registerCallee();
        const callee = sippServer(['-sf', `${FIXTURES}uas-routes.xml`, '-p', String(PORT + 2)]);
        try {
          // each call has a socket of its own (-t un), so that both workers have callers
          const result = await sipp([
            ...['-sf', `${FIXTURES}uac-routes.xml`, '-t', 'un', '-max_socket', '200'],
            ...['-m', String(CALLS), '-r', '200', '-l', '150', `127.0.0.1:${PORT}`],
          ]);
          expect([result.successful, result.failed, result.code], result.detail).toEqual([CALLS, 0, 0]);
        } finally {
          await callee.stop();
        }
      },
      [],
      ['--workers', String(WORKERS)],
    );
  });
});
