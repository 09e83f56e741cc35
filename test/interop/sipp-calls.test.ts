/** SIPp through the whole server with Kamailio's sample configuration: calls, and registrations with digest. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needs } from './needs.ts';
import { sipp, sippServer } from './sipp.ts';
import { lacksServer, type Which, withServer } from './with-server.ts';

const PORT = 21790;
const CALLER = PORT + 1;
const CALLEE = PORT + 2;
const FIXTURES = new URL('../fixtures/sipp/', import.meta.url).pathname;
const CALLS = 1_000;

/** The callee's phone registers as "service", the user that SIPp calls. */
async function registerCallee(): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const local = socket.address().port;
  const text = `REGISTER sip:127.0.0.1:${PORT} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${local};branch=z9hG4bKcallee\r\nFrom: <sip:service@127.0.0.1:${PORT}>;tag=1\r\nTo: <sip:service@127.0.0.1:${PORT}>\r\nCall-ID: callee\r\nCSeq: 1 REGISTER\r\nContact: <sip:service@127.0.0.1:${CALLEE}>\r\nExpires: 600\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
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

async function calls(uas: string[], uac: string[]): Promise<void> {
  await registerCallee();
  const callee = sippServer([...uas, '-p', String(CALLEE)]);
  try {
    const rate = ['-m', String(CALLS), '-r', '250', '-l', '500', '-p', String(CALLER), `127.0.0.1:${PORT}`];
    const result = await sipp([...uac, ...rate]);
    expect([result.successful, result.failed, result.code], result.detail).toEqual([CALLS, 0, 0]);
  } finally {
    await callee.stop();
  }
}

/** A file of users for SIPp. */
async function withUsers(password: (n: number) => string, run: (file: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'sipp-users-'));
  const file = join(dir, 'users.csv');
  const lines = MARKS.map((mark, n) => `bob~${mark}~;[authentication username=bob~${mark}~ password=${password(n)}]`);
  writeFileSync(file, `SEQUENTIAL\n${lines.join('\n')}\n`);
  try {
    await run(file);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const MARKS = Array.from({ length: 500 }, (_, n) => `user-${n}`);

describe.each<Which>(['kamailio', 'ours'])('with %s as the server', which => {
  const skip = needs('sipp') || lacksServer(which);

  test.skipIf(skip)('SIPp calls through the sample script along the record route', { timeout: 90_000 }, async () => {
    await withServer(which, 'basic', PORT, () =>
      calls(['-sf', `${FIXTURES}uas-routes.xml`], ['-sf', `${FIXTURES}uac-routes.xml`]),
    );
  });

  test.skipIf(skip)("SIPp's own uac calls its own uas", { timeout: 90_000 }, async () => {
    // they know no routes: the script looks up each request of the dialog
    await withServer(which, 'routes', PORT, () => calls(['-sn', 'uas'], ['-sn', 'uac']));
  });

  test.skipIf(skip || needs('kamailio-sqlite-modules'))(
    'SIPp registers with digest; a wrong password never passes',
    { timeout: 90_000 },
    async () => {
      const run = (scenario: string, file: string) =>
        sipp([
          ...['-sf', `${FIXTURES}${scenario}.xml`, '-inf', file, '-m', String(MARKS.length), '-r', '250'],
          ...['-p', String(CALLER), `127.0.0.1:${PORT}`],
        ]);
      const register = async () => {
        await withUsers(
          () => 'builder',
          async file => {
            const right = await run('register', file);
            expect([right.successful, right.failed], right.detail).toEqual([MARKS.length, 0]);
          },
        );
        await withUsers(
          n => `wrong${n}`,
          async file => {
            const wrong = await run('register-refused', file);
            expect([wrong.successful, wrong.failed], wrong.detail).toEqual([MARKS.length, 0]);
          },
        );
      };
      await withServer(which, 'auth', PORT, register, MARKS);
    },
  );
});
