/** Where a runtime that has Node's interfaces is asked for more than the host: a folder of its own for each case, and a SIP client. */
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Case } from '../suite.ts';

/** A case with an empty folder, which goes afterwards. */
export function inFolder(name: string, run: (folder: string) => Promise<void> | void): Case {
  return {
    name,
    async run() {
      const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'kemi-rt-')));
      try {
        await run(folder);
      } finally {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

export function sip(method: string, proto: 'UDP' | 'TCP', sentBy: string, headers: readonly string[] = []): Buffer {
  const lines = [
    `${method} sip:127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/${proto} ${sentBy};rport;branch=z9hG4bK${Math.random()}`,
    'From: <sip:alice@127.0.0.1>;tag=1',
    'To: <sip:alice@127.0.0.1>',
    `Call-ID: ${Math.random()}`,
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    ...headers,
    'Content-Length: 0',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

const ANSWER_MS = 20_000;

/** @returns status and reason of the answer: '200 OK' */
export async function askUdp(port: number, method = 'OPTIONS', headers: readonly string[] = []): Promise<string> {
  const socket = dgram.createSocket('udp4');
  try {
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
    const answer = new Promise<Buffer>(resolve => socket.once('message', resolve));
    socket.send(sip(method, 'UDP', `127.0.0.1:${socket.address().port}`, headers), port, '127.0.0.1');
    return status(await within(answer));
  } finally {
    socket.close();
  }
}

export async function askTcp(port: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    const answer = new Promise<Buffer>((resolve, reject) => {
      socket.once('data', resolve);
      socket.once('error', reject);
    });
    socket.write(sip('OPTIONS', 'TCP', '127.0.0.1:9'));
    return status(await within(answer));
  } finally {
    socket.destroy();
  }
}

function within<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const status = (bytes: Buffer): string => /^SIP\/2\.0 ([^\r]*)/.exec(bytes.toString('latin1'))?.[1] ?? String(bytes);
