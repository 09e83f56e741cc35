/** A proxy in memory with peers around it: messages by name, a clock that a test moves, and the question whether anything is left. */

import type { Tm } from '../../src/modules/tm/state.ts';
import type { RuntimeOptions } from '../../src/runtime/options.ts';
import { type Sent, testRuntime } from './runtime.ts';

export const UAC = { ip: '192.0.2.1', port: 5070 };
const PEERS: Readonly<Record<string, { ip: string; port: number }>> = {
  uac: UAC,
  a: { ip: '192.0.2.10', port: 5060 },
  b: { ip: '192.0.2.11', port: 5060 },
  c: { ip: '192.0.2.12', port: 5060 },
};

export const header = (text: string, name: string): string =>
  new RegExp(`^${name}: (.*)\\r$`, 'm').exec(text)?.[1] ?? '';
export const all = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: (.*)\\r$`, 'gm'))].map(m => m[1]!);
export const tagOf = (text: string): string => /;tag=([^;\r]*)/.exec(header(text, 'To'))?.[1] ?? '';

export interface Ask {
  id?: string;
  uri?: string;
  branch?: string;
  toTag?: string;
  cseq?: number;
  headers?: string[];
  body?: string;
  from?: { ip: string; port: number };
}

/** A request of the caller. ACK and CANCEL have the branch of their INVITE. */
export function ask(method: string, o: Ask = {}): string {
  const id = o.id ?? '1';
  const family = method === 'ACK' || method === 'CANCEL' ? 'INVITE' : method;
  return [
    `${method} ${o.uri ?? 'sip:bob@192.0.2.10'} SIP/2.0`,
    `Via: SIP/2.0/UDP 192.0.2.1:5070;branch=${o.branch ?? `z9hG4bK-${id}-${family}`}`,
    'From: <sip:alice@example.com>;tag=from',
    `To: <sip:bob@example.com>${o.toTag ? `;tag=${o.toTag}` : ''}`,
    `Call-ID: ${id}@example.com`,
    `CSeq: ${o.cseq ?? 1} ${method}`,
    'Max-Forwards: 70',
    ...(o.headers ?? []),
    `Content-Length: ${o.body?.length ?? 0}`,
    '',
    o.body ?? '',
  ].join('\r\n');
}

/** A peer's answer to a request that it got. */
export function answerTo(
  request: string,
  code: number,
  reason = 'Reason',
  o: { tag?: string; headers?: string[] } = {},
): string {
  const to = header(request, 'To');
  return [
    `SIP/2.0 ${code} ${reason}`,
    ...all(request, 'Via').map(v => `Via: ${v}`),
    `From: ${header(request, 'From')}`,
    `To: ${to}${code > 100 && !to.includes(';tag=') ? `;tag=${o.tag ?? 'uas'}` : ''}`,
    `Call-ID: ${header(request, 'Call-ID')}`,
    `CSeq: ${header(request, 'CSeq')}`,
    ...all(request, 'Record-Route').map(v => `Record-Route: ${v}`),
    ...(o.headers ?? []),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** "uac 180", "a INVITE": who got what */
const short = (sent: Sent): string => {
  const who = Object.entries(PEERS).find(([, p]) => p.ip === sent.ip && p.port === sent.port)?.[0] ?? sent.ip;
  const line = sent.text.slice(0, sent.text.indexOf('\r\n'));
  return `${who} ${line.startsWith('SIP/2.0') ? line.slice(8, 11) : line.slice(0, line.indexOf(' '))}`;
};

export function proxy(script: string, options: Partial<RuntimeOptions> = {}) {
  const t = testRuntime(script, options);
  const tm = t.runtime.host.module<Tm>('tm')!;
  const { x } = t.runtime.core;
  const peer = (name: string) => PEERS[name] ?? { ip: name, port: 5060 };
  let seen = 0;
  /** what went out since the last look: "a INVITE" */
  const out = (): string[] => {
    const list = t.sent.slice(seen).map(short);
    seen = t.sent.length;
    return list;
  };
  return {
    ...t,
    tm,
    out,
    /** Receives a message from a peer; gives what went out because of it. */
    from(name: string, message: string): string[] {
      seen = t.sent.length;
      t.receive(message, peer(name));
      return out();
    },
    /** Moves the clock; gives what went out meanwhile. */
    after(ms: number): string[] {
      seen = t.sent.length;
      t.advance(ms);
      return out();
    },
    /** Lets promises settle. */
    async settle(): Promise<string[]> {
      for (let i = 0; i < 100; i++) await Promise.resolve();
      return out();
    },
    /** The newest message that a peer got, of this method or with this status. */
    last(name: string, what: string): string {
      const key = `${name} ${what}`;
      for (let i = t.sent.length - 1; i >= 0; i--) if (short(t.sent[i]!) === key) return t.sent[i]!.text;
      throw new Error(`${name} got no ${what}: ${t.sent.map(short).join(', ')}`);
    },
    errors: () => t.log.lines.filter(l => l.level === 'error').map(l => l.message),
    /** What is left of transactions: nothing, when all timers have ended. */
    left: () => ({
      transactions: tm.live,
      active: tm.active,
      timers: tm.wheel.count,
      blocks: x.tmBlocks() as number,
      table: x.tmTable() as number,
      messages: t.runtime.liveMessages,
    }),
  };
}

export const NOTHING = { transactions: 0, active: 0, timers: 0, blocks: 0, table: 0, messages: 0 };
