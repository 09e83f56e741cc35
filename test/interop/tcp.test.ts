/** SIPp over TCP through the whole server with Kamailio's sample configuration: calls from TCP to TCP, and across to UDP and back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startKamailioWith } from './kamailio.ts';
import { needs } from './needs.ts';
import { configuration } from './scenario/servers.ts';
import { startServer } from './server.ts';
import { sipp, sippServer } from './sipp.ts';
import { lacksServer, type Which } from './with-server.ts';

const PORT = 22420;
const CALLER = PORT + 1;
const CALLEE = PORT + 2;
const FIXTURES = new URL('../fixtures/sipp/', import.meta.url).pathname;
const CALLS = 1_000;

/** Runs with a server that listens on UDP and TCP. */
async function withTcp(which: Which, run: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'tcp-'));
  const file = join(dir, 'kamailio.cfg');
  const text = configuration('basic', PORT, dir)
    .replace(/^disable_tcp=yes/m, 'tcp_max_connections=4096')
    .replace(/^listen=udp:/m, 'listen=');
  writeFileSync(file, text);
  const server =
    which === 'kamailio'
      ? await startKamailioWith(file, PORT, dir)
      : await startServer(['-f', file, '--no-ctl', '--log-level', 'error'], PORT, 20_000);
  try {
    await run(dir);
    expect(server.log()).not.toMatch(/error/i);
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A scenario that says in Via and Contact what it runs over. */
function scenario(dir: string, name: string): string {
  const text = readFileSync(`${FIXTURES}${name}.xml`, 'utf8')
    .replaceAll('SIP/2.0/UDP', 'SIP/2.0/[transport]')
    .replaceAll('[local_port]>\n', '[local_port];transport=[transport]>\n');
  const file = join(dir, `${name}.xml`);
  writeFileSync(file, text);
  return file;
}

/** Sends a request by a connection of its own. @returns what came back, up to the end of a message without body */
async function ask(text: string): Promise<string> {
  const socket = net.connect(PORT, '127.0.0.1');
  try {
    socket.write(text);
    let reply = '';
    for await (const chunk of socket.setEncoding('latin1')) {
      reply += chunk;
      if (reply.includes('\r\n\r\n')) break;
    }
    return reply;
  } finally {
    socket.destroy();
  }
}

/** The callee's phone registers, over TCP, as "service", the user that SIPp calls. */
async function registerCallee(transport: string): Promise<void> {
  const reply = await ask(
    `REGISTER sip:127.0.0.1:${PORT} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:${CALLEE};branch=z9hG4bKcallee\r\nFrom: <sip:service@127.0.0.1:${PORT}>;tag=1\r\nTo: <sip:service@127.0.0.1:${PORT}>\r\nCall-ID: callee\r\nCSeq: 1 REGISTER\r\nContact: <sip:service@127.0.0.1:${CALLEE};transport=${transport}>\r\nExpires: 600\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
  );
  expect(reply).toMatch(/^SIP\/2\.0 200 /);
}

describe.each<Which>(['kamailio', 'ours'])('with %s as the server', which => {
  const skip = needs('sipp') || lacksServer(which);

  test.skipIf(skip).each([
    ['one TCP connection, to a callee on TCP', 't1', 't1', 250],
    ['a TCP connection per call, to a callee on TCP', 'tn', 't1', 100],
    ['TCP, to a callee on UDP', 't1', 'u1', 250],
    ['UDP, to a callee on TCP', 'u1', 't1', 250],
  ])('SIPp calls by %s', { timeout: 120_000 }, async (_what, caller, callee, rate) => {
    await withTcp(which, async dir => {
      const uas = sippServer(['-sf', scenario(dir, 'uas-routes'), '-t', callee, '-p', String(CALLEE)]);
      try {
        await registerCallee(callee === 't1' ? 'tcp' : 'udp');
        const result = await sipp([
          ...['-sf', scenario(dir, 'uac-routes'), '-t', caller, '-p', String(CALLER), '-max_socket', '2000'],
          ...['-m', String(CALLS), '-r', String(rate), '-l', '400', `127.0.0.1:${PORT}`],
        ]);
        expect([result.successful, result.failed, result.code], result.detail).toEqual([CALLS, 0, 0]);
      } finally {
        await uas.stop();
      }
    });
  });
});
