/**
 * Native against Lua on the same routing logic, in one process and in turn. What is timed is receive(), from the bytes of a datagram to the end of its route;
 * "logic" is that without what a message costs that no program routes: copy, index, checks.
 */
import { createRuntime, type Runtime } from '../../../src/index.ts';
import { MODULES } from '../../../src/modules/index.ts';
import { wasmModules } from '../../support/wasm.ts';
import { type LogicProgram, logicPrograms } from './programs.ts';

/** Routing blocks shall be so many times as fast as Lua on the same logic. */
export const RATIO_BAR = 1.3;

type Engine = 'lua' | 'native';
const ENGINES: readonly Engine[] = ['native', 'lua'];
const FROM = { ip: '127.0.0.1', port: 5062, family: 4 as const };

export interface LogicResult {
  readonly program: LogicProgram;
  /** nanoseconds a message, by engine: all of receive(), and the logic alone */
  readonly whole: Readonly<Record<Engine, number>>;
  readonly logic: Readonly<Record<Engine, number>>;
  readonly ratio: number;
  readonly wholeRatio: number;
}

interface Lane {
  readonly runtime: Runtime;
  readonly sent: { count: number };
}

/** @param engine undefined: nothing routes */
function lane(program: LogicProgram, engine: Engine | undefined): Lane {
  const sent = { count: 0 };
  const runtime = createRuntime({
    wasm: wasmModules(),
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
    send: () => {
      sent.count++;
      return true;
    },
    modparams: [{ module: 'htable', name: 'htable', value: 'ipban=>size=8;autoexpire=300;' }],
    modules: MODULES.map(m => m.name).filter(name => name && !program.without?.includes(name)),
    engine: engine ?? 'native',
  });
  const suffix = engine === 'lua' ? 'lua' : 'cfg';
  if (engine) runtime.load({ name: `${program.name}.${suffix}`, source: program[suffix] });
  return { runtime, sent };
}

function nsPerMessage({ runtime }: Lane, messages: readonly Uint8Array[], count: number): number {
  const start = process.cpuUsage();
  for (let i = 0; i < count; i++) runtime.receive(messages[i & 63]!, FROM);
  const used = process.cpuUsage(start);
  return ((used.user + used.system) * 1000) / count;
}

export const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;

/** @param only names of programs, all when empty */
export async function benchLogic(rounds: number, count: number, only: readonly string[] = []): Promise<LogicResult[]> {
  const out: LogicResult[] = [];
  for (const program of logicPrograms()) {
    if (only.length > 0 && !only.includes(program.name)) continue;
    const lanes = {
      native: lane(program, 'native'),
      lua: lane(program, 'lua'),
      none: lane(program, undefined),
    };
    const times: Record<keyof typeof lanes, number[]> = { native: [], lua: [], none: [] };
    const { messages } = program;
    for (const one of Object.values(lanes)) nsPerMessage(one, messages, 40_000);
    for (const engine of ENGINES) lanes[engine].sent.count = 0;
    for (let r = 0; r < rounds; r++)
      for (const [name, one] of Object.entries(lanes) as [keyof typeof lanes, Lane][])
        times[name].push(nsPerMessage(one, messages, count));
    for (const engine of ENGINES)
      if (lanes[engine].sent.count !== program.replies * rounds * count)
        throw new Error(
          `${program.name}, ${engine}: ${lanes[engine].sent.count} replies to ${rounds * count} messages`,
        );
    for (const { runtime } of Object.values(lanes)) await runtime.close();
    const none = median(times.none);
    const whole = { native: median(times.native), lua: median(times.lua) };
    const logic = { native: whole.native - none, lua: whole.lua - none };
    // each round has a ratio of its own: what else the machine does hits both sides of it
    const ratio = median(times.lua.map((t, i) => (t - none) / (times.native[i]! - none)));
    const wholeRatio = median(times.lua.map((t, i) => t / times.native[i]!));
    out.push({ program, whole, logic, ratio, wholeRatio });
  }
  return out;
}

/** Lines of a table. */
export function showLogic(results: readonly LogicResult[]): string[] {
  const ns = (value: number) => value.toFixed(0).padStart(6);
  const times = (value: number) => `${value.toFixed(2)}x`.padStart(6);
  return [
    'program           logic alone, ns a message      with receiving and what it sends',
    '                  native    lua  lua/native      native    lua  lua/native',
    ...results.map(
      ({ program, logic, whole, ratio, wholeRatio }) =>
        `${program.name.padEnd(17)} ${ns(logic.native)} ${ns(logic.lua)}      ${times(ratio)}      ${ns(whole.native)} ${ns(whole.lua)}      ${times(wholeRatio)}   ${program.what}`,
    ),
    `native is at least ${RATIO_BAR} times as fast as Lua (the bar) on ${results.filter(r => r.ratio >= RATIO_BAR).length} of ${results.length} programs: logic alone`,
  ];
}
