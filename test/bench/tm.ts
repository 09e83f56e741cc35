/**
 * npm run bench:tm: calls through t_relay() and 404s through t_newtran() and send_reply(), in memory: no sockets, a clock that runs with the messages so that
 * timers end. CPU per SIP message received, and what is left behind. A call is INVITE 100 180 200 ACK BYE 200, seven messages in, six relayed and one 100 out.
 */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { bytesOf } from '../../src/core/memory.ts';
import { createRuntime } from '../../src/index.ts';
import type { Tm } from '../../src/modules/tm/state.ts';
import { wasmModules } from '../support/wasm.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '30000' },
    /** calls per second of the clock: how many transactions wait for their end at once */
    rate: { type: 'string', default: '2000' },
  },
});
const rounds = Number(values.rounds);
const count = Number(values.count);
const msPerCall = 1000 / Number(values.rate);

let clock = 1_700_000_000_000;
const timers = new Set<{ at: number; every: number; fn: () => void }>();
const start = (repeat: boolean) => (ms: number, fn: () => void) => {
  const timer = { at: clock + ms, every: repeat ? ms : 0, fn };
  timers.add(timer);
  return () => timers.delete(timer);
};
function advance(ms: number): void {
  clock += ms;
  for (const timer of timers) {
    if (timer.at > clock) continue;
    if (timer.every) timer.at += timer.every;
    else timers.delete(timer);
    timer.fn();
  }
}

const UAC = { ip: '127.0.0.1', port: 5070, family: 4 as const };
const UAS = { ip: '127.0.0.1', port: 5080, family: 4 as const };
const text = new TextDecoder('latin1');
let sent = 0;
/** what the callee got since the last look */
let got: Uint8Array[] = [];
const runtime = createRuntime({
  wasm: wasmModules(),
  sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
  send: (_socket, data, _ip, port) => {
    sent++;
    if (port === UAS.port) got.push(data.slice());
    return true;
  },
  now: () => clock,
  monotonic: () => clock,
  every: start(true),
  after: start(false),
});
const file = new URL('tm.lua', import.meta.url).pathname;
runtime.load({ name: file, source: readFileSync(file) });
const tm = runtime.host.module<Tm>('tm')!;

const request = (method: string, n: number, branch: string, toTag: string, cseq: number) =>
  bytesOf(
    [
      `${method} sip:bob@127.0.0.1:5080 SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:5070;rport;branch=z9hG4bK-${n}-${branch}`,
      `From: <sip:alice@127.0.0.1:5070>;tag=a${n}`,
      `To: <sip:bob@127.0.0.1:5080>${toTag}`,
      `Call-ID: ${n}-3f2a91@127.0.0.1`,
      `CSeq: ${cseq} ${method}`,
      'Contact: <sip:alice@127.0.0.1:5070>',
      'Max-Forwards: 70',
      'User-Agent: bench',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
/** Answers a request that the callee got. */
function reply(to: string, code: string, cseqMethod: string, n: number): Uint8Array {
  const via = [...to.matchAll(/^Via: .*\r\n/gm)].map(m => m[0]).join('');
  return bytesOf(
    `SIP/2.0 ${code}\r\n${via}From: <sip:alice@127.0.0.1:5070>;tag=a${n}\r\nTo: <sip:bob@127.0.0.1:5080>;tag=b${n}\r\nCall-ID: ${n}-3f2a91@127.0.0.1\r\n` +
      `CSeq: ${cseqMethod}\r\nContact: <sip:bob@127.0.0.1:5080>\r\nContent-Length: 0\r\n\r\n`,
  );
}

let spent = 0;
/** Receives messages and lets time pass; only this is measured. @returns what the callee got, when asked */
function receive(list: readonly Uint8Array[], from: typeof UAC, ms: number): string[] {
  got = [];
  const begin = process.cpuUsage();
  for (const data of list) runtime.receive(data, from);
  if (ms) for (let i = 0; i < ms; i += 50) advance(Math.min(50, ms - i));
  const used = process.cpuUsage(begin);
  spent += (used.user + used.system) * 1000;
  return got.map(data => text.decode(data));
}

/** calls at once: what is measured must be longer than the clock of CPU time is coarse */
const BATCH = 1000;

function calls(n: number): void {
  const ids = Array.from({ length: BATCH }, (_, i) => n + i);
  const invites = receive(
    ids.map(id => request('INVITE', id, 'i', '', 1)),
    UAC,
    0,
  );
  const replies = ids.flatMap((id, i) =>
    ['100 Trying', '180 Ringing', '200 OK'].map(c => reply(invites[i]!, c, '1 INVITE', id)),
  );
  receive(replies, UAS, 0);
  const acks = ids.map(id => request('ACK', id, 'a', `;tag=b${id}`, 1));
  receive(acks, UAC, 0);
  const byes = receive(
    ids.map(id => request('BYE', id, 'b', `;tag=b${id}`, 2)),
    UAC,
    0,
  );
  receive(
    ids.map((id, i) => reply(byes[i]!, '200 OK', '2 BYE', id)),
    UAS,
    msPerCall * BATCH,
  );
}
const CALL_IN = 7;

function notFound(n: number): void {
  const list = Array.from({ length: BATCH }, (_, i) =>
    bytesOf(text.decode(request('MESSAGE', n + i, 'm', '', 1)).replace('bob@', '')),
  );
  receive(list, UAC, msPerCall * BATCH);
}

const kinds: [string, (n: number) => void, number][] = [
  ['call', calls, CALL_IN],
  ['404', notFound, 1],
];
console.log(`bench:tm  ${process.version}  ${cpus()[0]?.model}  ${new Date().toISOString().slice(0, 10)}`);
let n = 0;
const median = (list: number[]) => [...list].sort((a, b) => a - b)[list.length >> 1]!;
for (const [name, run, messages] of kinds) {
  const times: number[] = [];
  for (let r = -1; r < rounds; r++) {
    spent = 0;
    const runs = Math.ceil((name === 'call' ? count / 3 : count) / BATCH);
    for (let i = 0; i < runs; i++, n += BATCH) run(n);
    if (r >= 0) times.push(spent / runs / BATCH / messages);
  }
  const ns = median(times);
  console.log(
    `${name.padEnd(6)} ${ns.toFixed(0).padStart(6)} ns per message in, ${Math.round(1e9 / ns / messages)} per second of one core, ${tm.live} transactions alive  rounds: ${times.map(t => t.toFixed(0)).join(' ')}`,
  );
}
for (let i = 0; i < 900; i++) advance(50);
const left = {
  transactions: tm.live,
  timers: tm.wheel.count,
  messages: runtime.liveMessages,
  blocks: runtime.core.x.tmBlocks(),
};
console.log(
  `left 45 s later: ${JSON.stringify(left)}, memory ${(runtime.memoryBytes / 1048576).toFixed(0)} MiB, sent ${sent}`,
);
await runtime.close();
process.exit(left.transactions + left.timers + left.messages + left.blocks === 0 ? 0 : 1);
