/** A runtime in memory: what it sends is kept, its clock stands still until a test moves it. */

import { byteStr, byteStrOf, bytesOf } from '../../src/core/memory.ts';
import { createRuntime } from '../../src/index.ts';
import type { RuntimeOptions } from '../../src/runtime/options.ts';
import { recordingLogger } from './log.ts';
import { wasmModules } from './wasm.ts';

export interface Sent {
  readonly text: string;
  readonly ip: string;
  readonly port: number;
}

/** @param script Lua source, loaded as "test.lua"; none when absent */
export function testRuntime(script?: string, options: Partial<RuntimeOptions> = {}) {
  const sent: Sent[] = [];
  const log = recordingLogger();
  const clock = { ms: 1_700_000_000_000 };
  const timers = new Set<{ at: number; every?: number; fn: () => void }>();
  const timer = (repeat: boolean) => (ms: number, fn: () => void) => {
    const entry = { at: clock.ms + ms, fn, ...(repeat && { every: ms }) };
    timers.add(entry);
    return () => timers.delete(entry);
  };
  const runtime = createRuntime({
    wasm: wasmModules(),
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
    send: (_socket, data, ip, port) => {
      sent.push({ text: byteStr(data.slice()), ip, port });
      return true;
    },
    log,
    now: () => clock.ms,
    monotonic: () => clock.ms,
    random: () => 0.5,
    every: timer(true),
    after: timer(false),
    secret: new Uint8Array(16).fill(7),
    serverHeader: 'kemi-wasm',
    ...options,
  });
  if (script !== undefined) runtime.load({ name: 'test.lua', source: bytesOf(byteStrOf(script)) });
  return {
    runtime,
    sent,
    log,
    /** Moves the clock and runs the timers that are due. */
    advance(ms: number) {
      const end = clock.ms + ms;
      for (;;) {
        const due = [...timers].filter(t => t.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        clock.ms = Math.max(clock.ms, due.at);
        if (due.every) due.at += due.every;
        else timers.delete(due);
        due.fn();
      }
      clock.ms = end;
    },
    /** Receives a byte string; returns what was sent because of it. */
    receive(message: string, from = { ip: '127.0.0.1', port: 5062 }): Sent[] {
      const before = sent.length;
      runtime.receive(bytesOf(message), from);
      return sent.slice(before);
    },
  };
}

/** A request with the usual headers; `headers` are added, body and Content-Length kept right. */
export function request(method = 'OPTIONS', uri = 'sip:127.0.0.1:5060', headers: string[] = [], body = ''): string {
  return [
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bKtest1',
    'From: "A" <sip:alice@example.com>;tag=a1',
    'To: <sip:bob@example.com>',
    'Call-ID: call-1@example.com',
    `CSeq: 7 ${method}`,
    'Max-Forwards: 70',
    'User-Agent: unit-test',
    ...headers,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
