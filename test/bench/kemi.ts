/**
 * npm run bench:kemi: what one KEMI call costs a Lua script, here and in the real Kamailio, with the same script on both (kemi_call_cost.lua, or the file given
 * with --script). Five rounds in turn, a fresh process each; nanoseconds a call, loop subtracted; every round, medians, ratios. Each process runs the script twice and the
 * second run counts: the machine code of a server that runs for a second is not that of its first message. Exits 1 when a call that has a bar costs more than 0.8 times the
 * real one, 2 when there is no Kamailio to compare with (apt-get install kamailio kamailio-lua-modules).
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { silentLogger } from '../../src/core/log.ts';
import { bytesOf } from '../../src/core/memory.ts';
import { createRuntime } from '../../src/index.ts';
import { wasmModules } from '../support/wasm.ts';

const BAR = 0.8;
const BARRED = [
  'KSR.is_INVITE()',
  "KSR.is_method_in('IS')",
  'KSR.setflag(1)',
  'KSR.maxfwd.is_maxfwd_lt(10)',
  'KSR.siputils.has_totag()',
  'KSR.kx.get_method()',
  'KSR.kx.get_ruri()',
  "KSR.pv.get('$rm')",
  "KSR.pv.get('$ru')",
  "KSR.hdr.is_present('Route')",
  "KSR.hdr.get('User-Agent')",
];
const WAIT_MS = 180_000;
const RUNS = 2;

const { values } = parseArgs({
  options: {
    script: { type: 'string', default: fileURLToPath(new URL('kemi_call_cost.lua', import.meta.url)) },
    rounds: { type: 'string', default: '5' },
    port: { type: 'string', default: '20590' },
    ours: { type: 'boolean', default: false },
  },
});
const { script } = values;
const port = Number(values.port);

const options = (from: number) =>
  bytesOf(
    [
      `OPTIONS sip:bob@127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${from};rport;branch=z9hG4bK-bench`,
      'From: <sip:probe@127.0.0.1>;tag=probe',
      `To: <sip:bob@127.0.0.1:${port}>`,
      'Call-ID: bench@127.0.0.1',
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'User-Agent: loadgen',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );

type Costs = Map<string, number>;

/** MICRO lines of a log: name, nanoseconds, of the last run; calls to modules that are not loaded say ERR */
function costs(log: string): Costs {
  const found: Costs = new Map();
  for (const [, name, cost] of log.matchAll(/MICRO\tlua\t([^\t\n]+)\t(-?[\d.]+)/g)) found.set(name!, Number(cost));
  return found;
}

/**
 * os.clock() of C is the time on the CPU, so it is here: the time that this thread waited for a CPU does not count. CPU times themselves come in steps of
 * milliseconds, too coarse here; the wait is known to the nanosecond where /proc has it.
 */
function cpuMs(): number {
  let waitedNs = 0;
  try {
    waitedNs = Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]);
  } catch {
    // another system: wall clock
  }
  return performance.timeOrigin + performance.now() - waitedNs / 1e6;
}

/** One run here, in this process. */
function runOurs(): string {
  const lines: string[] = [];
  const keep = (_fields: object, line: string) => void lines.push(line);
  const runtime = createRuntime({
    wasm: wasmModules(),
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port }],
    send: () => true,
    log: { ...silentLogger, error: keep, level: 'warn' },
    now: cpuMs,
  });
  runtime.load({ name: script, source: readFileSync(script) });
  for (let run = 0; run < RUNS; run++) runtime.receive(options(5062), { ip: '127.0.0.1', port: 5062 });
  return lines.join('\n');
}

function modulesPath(): string | undefined {
  try {
    const files = execFileSync('dpkg', ['-L', 'kamailio'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /^.*\/kamailio\/modules$/m.exec(files)?.[0];
  } catch {
    return undefined;
  }
}

const CFG = (modules: string) => `#!KAMAILIO
debug=0
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:${port}
mpath="${modules}/"
${'kex corex kemix tm tmx sl pv maxfwd textops siputils sanity xlog app_lua'
  .split(' ')
  .map(m => `loadmodule "${m}.so"`)
  .join('\n')}
modparam("app_lua", "load", "${script}")
cfgengine "lua"
`;

/** The real server: start, an OPTIONS for each run, its log. */
async function runReal(modules: string): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kemi-bench-'));
  const cfg = path.join(folder, 'kamailio.cfg');
  writeFileSync(cfg, CFG(modules));
  const args = ['-f', cfg, '-DD', '-E', '-m', '128', '-Y', folder, '-x', 'fm', '-X', 'fm'];
  const server: ChildProcess = spawn('kamailio', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  server.stderr!.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = new Promise(resolve => server.on('exit', resolve));
  const socket = createSocket('udp4');
  try {
    await sleep(1500);
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
    for (let run = 0; run < RUNS; run++) {
      const answered = new Promise<void>((resolve, reject) => {
        socket.once('message', () => resolve());
        setTimeout(() => reject(new Error(`Kamailio did not answer:\n${log.slice(-2000)}`)), WAIT_MS).unref();
      });
      socket.send(options(socket.address().port), port, '127.0.0.1');
      await answered;
    }
    await sleep(100);
  } finally {
    socket.close();
    server.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
  return log;
}

const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const show = (list: number[]) => list.map(n => n.toFixed(1).padStart(6)).join(' ');

async function compare(): Promise<number> {
  const modules = modulesPath();
  const rounds = Number(values.rounds);
  console.log(`${cpus()[0]?.model}, Node ${process.version}, ${path.basename(script)}, ${rounds} rounds, ns a call`);
  const ours: Costs[] = [];
  const real: Costs[] = [];
  for (let round = 0; round < rounds; round++) {
    const self = fileURLToPath(import.meta.url);
    ours.push(costs(execFileSync(process.execPath, [self, '--ours', '--script', script], { encoding: 'utf8' })));
    if (modules) real.push(costs(await runReal(modules)));
  }
  const names = [...new Set([...ours, ...real].flatMap(c => [...c.keys()]))];
  const of = (list: Costs[], name: string) => list.map(c => c.get(name)).filter(n => n !== undefined);
  let worst = 0;
  for (const name of names) {
    const [a, b] = [of(ours, name), of(real, name)];
    const ratio = a.length && b.length ? median(a) / median(b) : undefined;
    const barred = BARRED.includes(name);
    if (barred) worst = Math.max(worst, ratio ?? Infinity);
    const verdict = !barred || ratio === undefined ? '' : ratio <= BAR ? '  ok' : `  ABOVE ${BAR}`;
    console.log(name);
    console.log(`  ours  ${show(a)}  median ${a.length ? median(a).toFixed(1) : 'none'}`);
    if (b.length) console.log(`  real  ${show(b)}  median ${median(b).toFixed(1)}`);
    if (ratio !== undefined) console.log(`  ratio ${ratio.toFixed(2)}${verdict}`);
  }
  if (!modules) {
    console.log('No Kamailio here: nothing to compare with, the bars are not checked');
    return 2;
  }
  console.log(
    `bar: at most ${BAR} times the real server's; the largest of the ${BARRED.length} is ${worst.toFixed(2)}`,
  );
  return worst <= BAR ? 0 : 1;
}

if (values.ours) console.log(runOurs());
else process.exitCode = await compare();
