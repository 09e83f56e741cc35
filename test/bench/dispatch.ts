/**
 * What one KSR call, one run and one exit cost on each lane: `node test/bench/dispatch.ts [api|inplace]...`. Nanoseconds, the least of 5 rounds and
 * the median; for calls the empty loop is taken off. Each lane in a process of its own, so that call sites see one instance.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Lane, LuaInterpreter } from '../../src/interp/lua/lua.ts';
import { fake, source } from '../unit/interp/fake-ksr.ts';

const CALLS = 1_000_000;
const ROUNDS = 5;

const LOOPS: [name: string, setup: string, body: string][] = [
  ['int -> int', 'local f = KSR.t.int', 'local x = f(10)'],
  ['() -> bool', 'local f = KSR.is_true', 'local x = f()'],
  ['str -> int', 'local f = KSR.t.str', 'local x = f("IS")'],
  ['() -> 6 bytes', 'local f = KSR.t.six', 'local x = f()'],
  ['() -> 40 bytes', 'local f = KSR.t.forty', 'local x = f()'],
  ['pv -> int (interned name)', 'local f = KSR.t.pv', 'local x = f("$rm")'],
  ['str, int, str -> int', 'local f = KSR.t.mixed', 'local x = f("a", 1, "b")'],
  ['int, int -> int in TypeScript', 'local f = KSR.h.add', 'local x = f(1, 2)'],
  ['KSR.t.int(10), names looked up', '', 'local x = KSR.t.int(10)'],
  ['string.find, plain, 7 bytes', 'local s = "loadgen"', 'local x = string.find(s, "friendly")'],
  ['string.sub(s, 2, 4)', 'local s = "loadgen"', 'local x = string.sub(s, 2, 4)'],
  ['string.format("%d", 5)', '', 'local x = string.format("%d", 5)'],
];

function measure(lane: Lane): void {
  const f = fake();
  const engine = new LuaInterpreter({ ...f.options, lane });
  const time = (program: ReturnType<typeof engine.load>, runs: number, per: number): [number, number] => {
    const rounds: number[] = [];
    for (let i = 0; i <= ROUNDS; i++) {
      const start = performance.now();
      for (let k = 0; k < runs; k++) program.run('go', 1);
      if (i) rounds.push(((performance.now() - start) * 1e6) / per);
    }
    rounds.sort((a, b) => a - b);
    return [rounds[0]!, rounds[ROUNDS >> 1]!];
  };
  const loop = (setup: string, body: string) => {
    const program = engine.load(source(`${setup}\nfunction go() for i = 1, ${CALLS} do ${body} end end`), 'bench.lua');
    const result = time(program, 1, CALLS);
    program.dispose();
    return result;
  };
  const line = (name: string, least: number, median: number) =>
    console.log(
      `${lane.padEnd(8)} ${name.padEnd(34)} ${least.toFixed(1).padStart(8)} ${median.toFixed(1).padStart(8)}`,
    );
  const [empty] = loop('', '');
  line('empty loop', empty, empty);
  for (const [name, setup, body] of LOOPS) {
    const [least, median] = loop(setup, body);
    line(name, least - empty, median - empty);
  }
  for (const [name, text] of [
    ['run: empty route', 'function go() end'],
    ['run: exit', 'function go() KSR.x.exit() end'],
    [
      'run: exit 6 frames deep',
      'local function d(n) if n == 0 then KSR.x.exit() end d(n - 1) return 1 end function go() d(5) end',
    ],
    ['run: exit behind pcall', 'function go() pcall(KSR.x.exit) end'],
  ] as const) {
    const program = engine.load(source(text), 'bench.lua');
    line(name, ...time(program, 200_000, 200_000));
    program.dispose();
  }
}

const lanes = process.argv.slice(2);
if (lanes.length === 1) measure(lanes[0] as Lane);
else
  for (const lane of lanes.length ? lanes : ['api', 'inplace'])
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), lane], { stdio: 'inherit' });
