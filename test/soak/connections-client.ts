/** One client process of connections.ts: opens connections and holds them, then registers a phone by each when told to. */
import { once } from 'node:events';
import net from 'node:net';
import { WebSocket } from 'ws';

export interface Job {
  readonly kind: 'tcp' | 'ws';
  readonly port: number;
  readonly count: number;
  /** source address */
  readonly from: string;
}

export interface Result {
  readonly opened: number;
  /** milliseconds from a REGISTER to its answer */
  readonly times: readonly number[];
  readonly lost: number;
}

/** connections that are being made, and registrations under way, at once */
const WINDOW = 4;
const OPEN_AT_ONCE = 50;
const LATE_MS = 5000;

/** One connection: sends text, and tells of what comes. */
interface Held {
  send(text: string): void;
  answered: ((text: string) => void) | undefined;
}

async function tcp({ port, from }: Job): Promise<Held> {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: from });
  socket.setNoDelay(true);
  await once(socket, 'connect');
  const held: Held = { send: text => socket.write(text), answered: undefined };
  socket.on('data', data => held.answered?.(data.toString('latin1')));
  socket.on('error', () => {});
  return held;
}

async function ws({ port, from }: Job): Promise<Held> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'sip', { localAddress: from, perMessageDeflate: false });
  await once(socket, 'open');
  const held: Held = { send: text => socket.send(text), answered: undefined };
  socket.on('message', data => held.answered?.(String(data)));
  socket.on('error', () => {});
  return held;
}

function register({ kind, from }: Job, n: number): string {
  const user = `${kind}-${from.replaceAll('.', '-')}-${n}`;
  const transport = kind === 'ws' ? 'WS' : 'TCP';
  const contact = kind === 'ws' ? `sip:${user}@x.invalid;transport=ws` : `sip:${user}@${from}:5060;transport=tcp`;
  return [
    'REGISTER sip:many.example SIP/2.0',
    `Via: SIP/2.0/${transport} ${kind === 'ws' ? 'x.invalid' : from};rport;branch=z9hG4bK${user}`,
    `From: <sip:${user}@many.example>;tag=1`,
    `To: <sip:${user}@many.example>`,
    `Call-ID: ${user}`,
    'CSeq: 1 REGISTER',
    'Max-Forwards: 70',
    `Contact: <${contact}>;expires=600`,
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');
}

/** Does something for each number below `count`, a few at once. */
async function forEach(count: number, atOnce: number, what: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await what(next++);
    }),
  );
}

const held: Held[] = [];
let job: Job;

process.on('message', async (message: Job | 'register') => {
  if (message !== 'register') {
    job = message;
    await forEach(job.count, OPEN_AT_ONCE, async () => {
      try {
        held.push(await (job.kind === 'ws' ? ws(job) : tcp(job)));
      } catch {
        // counted by what is there
      }
    });
    process.send!({ opened: held.length, times: [], lost: 0 } satisfies Result);
    return;
  }
  const times: number[] = [];
  let lost = 0;
  await forEach(held.length, WINDOW, async n => {
    const one = held[n]!;
    const started = performance.now();
    const ok = await new Promise<boolean>(resolve => {
      const late = setTimeout(() => resolve(false), LATE_MS);
      one.answered = text => {
        clearTimeout(late);
        resolve(text.startsWith('SIP/2.0 200'));
      };
      one.send(register(job, n));
    });
    one.answered = undefined;
    if (ok) times.push(performance.now() - started);
    else lost++;
  });
  process.send!({ opened: held.length, times, lost } satisfies Result);
});
