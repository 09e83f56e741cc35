/** One runtime with the script that calls everything, and what must hold for every datagram it gets. */
import { readFileSync } from 'node:fs';
import { bytesOf, createRuntime, type Logger, type Runtime, silentLogger } from '../../src/index.ts';
import { loadWasm } from '../../src/transport/node/assets.ts';
import { MODPARAMS } from '../fixtures/requests/index.ts';

/** They end the process, wait, or reach outside. */
const LEFT_OUT = new Set([
  'cfgutils.abort',
  'cfgutils.sleep',
  'cfgutils.usleep',
  'corex.file_read',
  'corex.file_write',
  'ipops.dns_query',
  'ipops.naptr_query',
  'ipops.ptr_query',
  'ipops.srv_query',
  'ipops.dns_int_match_ip',
  'ipops.dns_sys_match_ip',
  'x.exit',
  'x.drop',
]);

/** So much later comes the next message: what expires does. */
const MESSAGE_MS = 10;
/** A transaction keeps its message while it waits for an answer; no timer of tm is longer (max_inv_lifetime). */
const LONGEST_MS = 180_000;
const TICK_MS = 50;

export interface Fuzzed {
  readonly runtime: Runtime;
  /** functions that the script calls */
  readonly functions: number;
  /** Routes one datagram. @returns what is wrong, undefined when all holds */
  feed(bytes: string): string | undefined;
  /** Routes one datagram. @returns what became of it */
  verdict(bytes: string): string;
  close(): Promise<void>;
}

export async function fuzzed(): Promise<Fuzzed> {
  const errors: string[] = [];
  const log: Logger = {
    ...silentLogger,
    level: 'error',
    error: (_fields, text) => {
      if (/^error from Lua|^Cannot finish/.test(text)) errors.push(text);
    },
  };
  let clock = 1_700_000_000_000;
  const timers = new Set<{ at: number; every: number; fn: () => void }>();
  const timer = (repeat: boolean) => (ms: number, fn: () => void) => {
    const entry = { at: clock + ms, every: repeat ? ms : 0, fn };
    timers.add(entry);
    return () => timers.delete(entry);
  };
  const advance = (ms: number) => {
    clock += ms;
    for (const entry of timers) {
      if (entry.at > clock) continue;
      if (entry.every) entry.at = clock + entry.every;
      else timers.delete(entry);
      entry.fn();
    }
  };
  const runtime = createRuntime({
    wasm: await loadWasm(),
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 20600 }],
    send: () => true,
    log,
    // Lua's heap may not grow without end, and a route may not run for ever.
    limits: { instructions: 50_000_000 },
    now: () => clock,
    monotonic: () => clock,
    every: timer(true),
    after: timer(false),
    random: () => 0.5,
    secret: new Uint8Array(16).fill(7),
    modparams: MODPARAMS.map(([module, name, value]) => ({ module, name, value })),
  });
  const list = runtime.bridge
    .apiList()
    .map(f => ({
      path: f.module ? `${f.module}.${f.name}` : f.name,
      params: f.params.split(', ').filter(p => p !== ''),
    }))
    .filter(f => !LEFT_OUT.has(f.path));
  const table = list.map(f => `{path="${f.path}",params={${f.params.map(p => `"${p}"`).join(',')}}}`).join(',');
  const source = `FUNCTIONS = {${table}}\n${readFileSync(new URL('../fixtures/fuzz.lua', import.meta.url), 'utf8')}`;
  runtime.load({ name: 'fuzz.lua', source: new TextEncoder().encode(source) });
  const { counters } = runtime;
  const counted = () =>
    counters.requests + counters.replies + counters.bad + counters.keepalives + counters.tooBig + counters.overload;

  const verdict = (bytes: string) => runtime.receive(bytesOf(bytes), { ip: '127.0.0.1', port: 20601 });
  return {
    runtime,
    verdict,
    functions: list.length,
    feed(bytes) {
      errors.length = 0;
      advance(MESSAGE_MS);
      const before = counted();
      const traps = counters.traps;
      let became: string;
      try {
        became = verdict(bytes);
      } catch (error) {
        return `receive() threw: ${error instanceof Error ? error.stack : error}`;
      }
      if (counters.traps !== traps) return `a trap: ${errors.join('; ')}`;
      if (errors.length > 0) return errors.join('; ');
      if (became === 'suspended') return 'a function waits that should not';
      if (counted() !== before + 1) return `counted ${counted() - before} times`;
      // A transaction that waits has its message until its timers end it.
      for (let ms = 0; runtime.liveMessages !== 0 && ms < LONGEST_MS; ms += TICK_MS) advance(TICK_MS);
      if (runtime.liveMessages !== 0) return `${runtime.liveMessages} messages are still alive`;
      return undefined;
    },
    close: () => runtime.close(0),
  };
}
