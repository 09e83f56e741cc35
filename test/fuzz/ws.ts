/**
 * Frames of WebSocket at random: `node test/fuzz/ws.ts [--seconds N] [--seed N]`. Each connection sends a handshake and frames that are right, broken, cut and
 * mixed up; behind each batch a right client must be served, and nothing may be left. test/fuzz/ws.test.ts runs a little of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bytesOf } from '../../src/core/memory.ts';
import { TcpTransport } from '../../src/transport/node/tcp.ts';
import { frame, handshake, WsPeer } from '../support/ws-peer.ts';

/** Numbers from a seed (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let a = seed >>> 0;
  return below => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const MESSAGE = 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n';
const ANSWER = bytesOf('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n');
const LIMIT = 4096;

function payload(random: (below: number) => number): Buffer {
  switch (random(6)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return Buffer.from('\r\n\r\n');
    case 2:
      return Buffer.from(Array.from({ length: random(300) }, () => random(256)));
    case 3:
      return Buffer.from(MESSAGE + 'x'.repeat(random(LIMIT * 2)));
    default:
      return Buffer.from(MESSAGE);
  }
}

/** What one peer sends behind its handshake. */
function stream(random: (below: number) => number): Buffer {
  const parts: Buffer[] = [];
  for (let n = random(8); n >= 0; n--) {
    const odd = random(4) === 0;
    const opcode = odd ? random(16) : [1, 2, 1, 2, 0, 8, 9, 10][random(8)]!;
    const options = { opcode, fin: random(5) > 0, masked: !odd || random(3) > 0, rsv: odd ? random(8) : 0 };
    const length = random(12) === 0 ? { length: random(0x7fffffff) } : {};
    parts.push(frame(payload(random), { ...options, ...length }));
  }
  const whole = Buffer.concat(parts);
  if (random(3) === 0 && whole.length > 0)
    for (let n = random(6); n >= 0; n--) whole[random(whole.length)] = random(256);
  return random(4) === 0 ? whole.subarray(0, random(whole.length + 1)) : whole;
}

/** A handshake, now and then a broken one. */
function opening(random: (below: number) => number): Buffer {
  const text = Buffer.from(handshake());
  if (random(6) === 0) text[random(text.length)] = random(256);
  return random(20) === 0 ? text.subarray(0, random(text.length)) : text;
}

export interface FuzzResult {
  readonly connections: number;
  readonly messages: number;
}

/** @throws Error when a right client is not served, the transport does not count right, or connections are left */
export async function fuzzFrames(seed: number, until: (batch: number) => boolean, batch = 25): Promise<FuzzResult> {
  const random = numbers(seed);
  const transport = new TcpTransport({ limits: { messageBytes: LIMIT, readMs: 400, sendMs: 400 } });
  const [socket] = await transport.open([{ proto: 'ws', host: '127.0.0.1', port: 0 }]);
  let bad = '';
  transport.start((bytes, from) => {
    if (bytes.length > LIMIT) bad = `a message of ${bytes.length} bytes came through`;
    transport.send(0, ANSWER, from.ip, from.port, { connection: from.connection! });
  });
  let connections = 0;
  try {
    for (let n = 0; until(n); n++) {
      const peers = Array.from({ length: batch }, () => new WsPeer(socket!.port));
      for (const peer of peers) {
        connections++;
        const bytes = Buffer.concat([opening(random), stream(random)]);
        let at = 0;
        while (at < bytes.length) {
          const end = random(3) === 0 ? at + 1 + random(40) : bytes.length;
          peer.write(bytes.subarray(at, end));
          at = end;
          if (random(8) === 0) await sleep(1);
        }
        if (random(3) === 0) peer.socket.end();
        else if (random(6) === 0) peer.socket.resetAndDestroy();
      }
      const good = await new WsPeer(socket!.port).open();
      good.write(frame(MESSAGE));
      await good.until(`an answer for a right client (seed ${seed}, batch ${n})`, () => good.frames.length === 1);
      for (const peer of [...peers, good]) peer.socket.destroy();
      for (const end = performance.now() + 5000; transport.connections > 0; await sleep(5))
        if (performance.now() > end)
          throw new Error(`${transport.connections} connections are left (seed ${seed}, batch ${n})`);
      const { counters, size } = transport.webSockets;
      const ended =
        counters.failed_connections + counters.local_closed_connections + counters.remote_closed_connections;
      if (size !== 0 || ended > counters.successful_handshakes || transport.queuedBytes !== 0)
        throw new Error(`what is counted does not fit (seed ${seed}, batch ${n}): ${JSON.stringify(counters)}`);
      if (bad) throw new Error(`${bad} (seed ${seed}, batch ${n})`);
    }
    return { connections, messages: transport.counters.received };
  } finally {
    await transport.close();
  }
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(Date.now() % 1e9) },
    },
  });
  const end = performance.now() + Number(values.seconds) * 1000;
  const { connections, messages } = await fuzzFrames(Number(values.seed), () => performance.now() < end);
  console.log(`ws: ${connections} connections, ${messages} messages, seed ${values.seed}: passed`);
}
