/** A load of SIP requests over loopback UDP with a window: so many are under way at once, each answered one makes room for the next. */
import { createSocket } from 'node:dgram';

export interface Load {
  port: number;
  /** requests in all */
  count: number;
  /** requests under way at once; default 64 */
  window?: number;
  /** what the n-th request is, from 0; its Via branch must end in `-n` */
  request: (n: number, local: number) => string;
  /** gets each answer */
  answer: (n: number, bytes: Buffer) => void;
  /** called before request n is sent: may wait */
  before?: (n: number) => Promise<void> | undefined;
}

/** What a request was answered so late is lost: milliseconds. */
const LOST_MS = 3_000;

/** @returns numbers of the requests that got no answer */
export async function run(load: Load): Promise<number[]> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const local = socket.address().port;
  const waiting = new Map<number, number>();
  const lost: number[] = [];
  let room: (() => void) | undefined;
  socket.on('message', bytes => {
    const n = numberOf(bytes);
    if (!waiting.delete(n)) return;
    load.answer(n, bytes);
    room?.();
  });
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const [n, at] of waiting) {
      if (now - at < LOST_MS) break;
      waiting.delete(n);
      lost.push(n);
      room?.();
    }
  }, 200);
  const until = (free: () => boolean) =>
    new Promise<void>(resolve => {
      room = () => {
        if (free()) resolve();
      };
      room();
    });
  try {
    const window = load.window ?? 64;
    for (let n = 0; n < load.count; n++) {
      const wait = load.before?.(n);
      if (wait) await wait;
      if (waiting.size >= window) await until(() => waiting.size < window);
      waiting.set(n, performance.now());
      socket.send(Buffer.from(load.request(n, local), 'latin1'), load.port, '127.0.0.1');
    }
    await until(() => waiting.size === 0);
  } finally {
    clearInterval(sweep);
    socket.close();
  }
  return lost;
}

const BRANCH = Buffer.from(';branch=z9hG4bK-');

/** The number behind the branch of the top Via. */
function numberOf(bytes: Buffer): number {
  let at = bytes.indexOf(BRANCH);
  if (at < 0) return -1;
  let n = 0;
  for (at += BRANCH.length; bytes[at]! >= 48 && bytes[at]! <= 57; at++) n = n * 10 + bytes[at]! - 48;
  return n;
}

/** An OPTIONS like a phone's, or with `maxForwards` 0 one that must be refused. */
export const options = (n: number, local: number, maxForwards: number): string =>
  `OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${local};branch=z9hG4bK-${n};rport\r\nFrom: <sip:alice${n & 4095}@example.com>;tag=${n}\r\nTo: <sip:bob@example.com>\r\nCall-ID: ${n}@soak.example.com\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: ${maxForwards}\r\nUser-Agent: soak\r\nContent-Length: 0\r\n\r\n`;
