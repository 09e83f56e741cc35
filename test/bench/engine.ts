/**
 * npm run bench:engine: receive, route, reply bytes, no sockets. OPTIONS per second on one core through the checks of a typical script, and where the
 * time goes; then routing blocks against Lua on the same routing logic (logic/). `--script FILE` routes with another script, e.g. Kamailio's sample, or with the
 * blocks of a FILE.cfg, and ends there; `--logic` does the comparison alone, `--only NAME` one program of it.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import * as L from '../../src/core/gen/layout.gen.ts';
import { bytesOf } from '../../src/core/memory.ts';
import { createRuntime } from '../../src/index.ts';
import { wasmModules } from '../support/wasm.ts';
import { OPTIONS } from './logic/programs.ts';
import { benchLogic, median, RATIO_BAR, showLogic } from './logic/run.ts';

const BAR = 300_000;
const { values } = parseArgs({
  options: {
    script: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    count: { type: 'string', default: '200000' },
    logic: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
});
const file = values.script ?? new URL('options.lua', import.meta.url).pathname;
const rounds = Number(values.rounds);
const count = Number(values.count);

const title = `bench:engine  ${process.version}  ${cpus()[0]?.model}  ${new Date().toISOString().slice(0, 10)}`;

async function compare(): Promise<boolean> {
  console.log(`${title}  routing blocks against Lua, medians of ${rounds} rounds of ${count / 2} messages`);
  const results = await benchLogic(rounds, count / 2, values.only);
  for (const line of showLogic(results)) console.log(line);
  return results.every(r => r.ratio >= RATIO_BAR);
}
if (values.logic || values.only.length > 0) process.exit((await compare()) ? 0 : 1);

const messages = OPTIONS;
let replies = 0;
let bytes = 0;
const runtime = createRuntime({
  wasm: wasmModules(),
  sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
  send: (_socket, data) => {
    replies++;
    bytes += data.length;
    return true;
  },
  modparams: [{ module: 'htable', name: 'htable', value: 'ipban=>size=8;autoexpire=300;' }],
  readFile: path => readFileSync(path),
  ...(file.endsWith('.cfg') && {
    engine: 'native' as const,
    config: { readFile: (path: string) => readFileSync(path) },
  }),
});
runtime.load({ name: file, source: readFileSync(file) });
const empty = createRuntime({
  wasm: wasmModules(),
  sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
  send: () => true,
});
empty.load({ name: 'empty.lua', source: bytesOf('function ksr_request_route() end') });

const from = { ip: '127.0.0.1', port: 5062, family: 4 as const };
const { x, mem } = runtime.core;
const alloc = (i: number) => {
  const data = messages[i & 63]!;
  const at: number = x.msgAlloc(data.length);
  mem.u8.set(data, mem.u32(at + L.M_BUF));
  return at;
};
/** Stages, each with all that goes before it. */
const stages: [string, (n: number) => void][] = [
  [
    'copy in',
    n => {
      for (let i = 0; i < n; i++) x.msgFree(alloc(i));
    },
  ],
  [
    'index and check',
    n => {
      for (let i = 0; i < n; i++) {
        const at = alloc(i);
        if (x.msgIndex(at) || x.msgCheck(at)) throw new Error('a bench message does not parse');
        x.msgFree(at);
      }
    },
  ],
  [
    'empty route',
    n => {
      for (let i = 0; i < n; i++) empty.receive(messages[i & 63]!, from);
    },
  ],
  [
    'route and reply',
    n => {
      for (let i = 0; i < n; i++) runtime.receive(messages[i & 63]!, from);
    },
  ],
];

for (const [, run] of stages) run(50_000);
replies = 0;
const times = stages.map(() => [] as number[]);
for (let r = 0; r < rounds; r++) {
  stages.forEach(([, run], k) => {
    const start = process.cpuUsage();
    run(count);
    const used = process.cpuUsage(start);
    times[k]!.push(((used.user + used.system) * 1000) / count);
  });
}
if (replies !== rounds * count)
  throw new Error(`${replies} replies for ${rounds * count} requests: the script does not answer them all`);

console.log(
  `${title}  ${file.split('/').pop()}, ${messages[0]!.length} byte OPTIONS, ${(bytes / replies) | 0} byte replies`,
);
let before = 0;
stages.forEach(([name], k) => {
  const ns = median(times[k]!);
  console.log(
    `${name.padEnd(16)} ${ns.toFixed(0).padStart(6)} ns  (+${(ns - before).toFixed(0)})  rounds: ${times[k]!.map(t => t.toFixed(0)).join(' ')}`,
  );
  before = ns;
});
const rate = 1e9 / median(times.at(-1)!);
console.log(`OPTIONS per second of one core: ${Math.round(rate)} (bar ${BAR})`);
await runtime.close();
await empty.close();
const fast = values.script !== undefined || (await compare());
process.exit(rate >= BAR && fast ? 0 : 1);
