/**
 * npm run bench:component: what a call of a component costs a Lua script, beside functions of the core in the same run. Five rounds in turn in one process, behind
 * one that does not count; nanoseconds a call, loop subtracted; every round and the median. Exits 1 above the bars: 300 ns from int to int, 2 microseconds from a
 * string of 20 bytes to such a string. "Kit" is examples/modules/assemblyscript as kemi-wasm module build makes it, with two functions more; "by hand" speaks
 * the canonical ABI itself.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { loadComponent } from '../../src/components/load.ts';
import { silentLogger } from '../../src/core/log.ts';
import { bytesOf } from '../../src/core/memory.ts';
import { createRuntime } from '../../src/index.ts';
import { loadWasm } from '../../src/transport/node/assets.ts';
import { acmeBytes } from '../support/acme.ts';
import { buildExample } from '../support/example-module.ts';
import { request } from '../support/runtime.ts';

const ROUNDS = 5;
const CALLS = 300_000;

/** name, one call in Lua, bar in nanoseconds */
const CASES: readonly (readonly [string, string, number?])[] = [
  ['core, int to int', 'KSR.maxfwd.is_maxfwd_lt(10)'],
  ['by hand, int to int', 'KSR.acme.inc(i)', 300],
  ['kit, int to int', 'KSR.numport.inc(i)', 300],
  ['core, string to string', 'KSR.hdr.get("User-Agent")'],
  ['TypeScript, string to string', 'KSR.htable.sht_get("t", texts[i & 63])'],
  ['by hand, string to string, 20 bytes', 'KSR.acme.upper(texts[i & 63])', 2000],
  ['kit, string to string, 20 bytes', 'KSR.numport.same(texts[i & 63])', 2000],
  ['kit, lookup of 20 bytes, 13 prefixes tried', 'KSR.numport.lookup("49301234567890123456")'],
  ['by hand, bytes to bytes, 20 bytes', 'KSR.acme.bytes(texts[i & 63])'],
  ['by hand, string to string, 200 bytes', 'KSR.acme.upper(long[i & 63])'],
  ['kit, string to string, 200 bytes', 'KSR.numport.same(long[i & 63])'],
  ['by hand, header read through the host', 'KSR.acme.read_header("User-Agent")'],
  ['kit, header read through the host', 'KSR.numport.read("User-Agent")'],
];

const MORE = `
export function inc(x: i32): i32 { return x + 1; }
export function same(text: string): string { return text; }
export function read(name: string): string | null { return message.header(name); }
`;

const script = `
local texts, long = {}, {}
for i = 0, 63 do
  texts[i] = string.format("number-%02d-abcdefghij", i)
  long[i] = string.rep(texts[i], 10)
  KSR.htable.sht_sets("t", texts[i], string.upper(texts[i]))
end
local cases = {
  function(n) local x for i = 1, n do x = texts[i & 63] end end,
${CASES.map(([, call]) => `  function(n) local x for i = 1, n do x = ${call} end end,`).join('\n')}
}
function bench(which) cases[tonumber(which)](${CALLS}) end
function ksr_request_route() bench(KSR.pv.get("$rU")) end
`;

const runtime = createRuntime({
  wasm: await loadWasm(),
  sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
  send: () => true,
  log: silentLogger,
  components: [
    { name: 'acme', component: await loadComponent(await acmeBytes(), 'acme.wasm') },
    { name: 'numport', component: await loadComponent(await buildExample('assemblyscript', MORE), 'numport.wasm') },
  ],
  modparams: [
    { module: 'htable', name: 'htable', value: 't=>size=8;' },
    { module: 'numport', name: 'entry', value: '49301234=>carrier-of-a-number' },
  ],
});
runtime.load({ name: 'bench.lua', source: bytesOf(script) });

/** Time of this thread on a CPU: what it waited for one is known to the nanosecond where /proc has it. */
function cpuMs(): number {
  let waitedNs = 0;
  try {
    waitedNs = Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]);
  } catch {
    // another system: wall clock
  }
  return performance.now() - waitedNs / 1e6;
}

function run(which: number): number {
  const message = bytesOf(request('OPTIONS', `sip:${which}@127.0.0.1:5060`));
  const from = cpuMs();
  runtime.receive(message, { ip: '127.0.0.1', port: 5062 });
  return ((cpuMs() - from) * 1e6) / CALLS;
}

const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const rounds: number[][] = CASES.map(() => []);
for (let round = 0; round <= ROUNDS; round++) {
  const base = run(1);
  CASES.forEach((_, i) => {
    const cost = run(i + 2) - base;
    if (round > 0) rounds[i]!.push(cost);
  });
}
console.log(`${cpus()[0]?.model}, Node ${process.version}, ${ROUNDS} rounds of ${CALLS} calls, ns a call`);
let failed = false;
CASES.forEach(([name, , bar], i) => {
  const cost = median(rounds[i]!);
  const verdict = bar === undefined ? '' : cost <= bar ? `  ok, the bar is ${bar}` : `  ABOVE ${bar}`;
  failed ||= bar !== undefined && cost > bar;
  console.log(
    `${name.padEnd(42)} ${rounds[i]!.map(n => n.toFixed(0).padStart(5)).join(' ')}  median ${cost.toFixed(0)}${verdict}`,
  );
});
await runtime.close(0);
process.exitCode = failed ? 1 : 0;
