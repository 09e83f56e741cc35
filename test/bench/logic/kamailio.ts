/**
 * npm run bench:kamailio: the same logic in the real Kamailio's two engines, over UDP with one worker. CPU time of its processes for each message, that of an empty
 * native route taken off. Each route answers at its end, so that no message is lost unseen. Needs Debian's kamailio and kamailio-lua-modules. `--port` is the first of three ports.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { byteStr } from '../../../src/core/memory.ts';
import { findKamailio, type RunningKamailio, startKamailioWith } from '../../interop/kamailio.ts';
import { type LogicProgram, logicPrograms } from './programs.ts';
import { median } from './run.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '22950' },
    rounds: { type: 'string', default: '7' },
    count: { type: 'string', default: '20000' },
  },
});
const rounds = Number(values.rounds);
const count = Number(values.count);
const WINDOW = 32;
const MODULES = 'sl pv maxfwd textops textopsx siputils sanity corex xlog cfgutils htable pike kemix app_lua'.split(
  ' ',
);
const found = findKamailio();
if ('missing' in found) {
  console.log(`SKIPPED: ${found.missing}`);
  process.exit(0);
}
const { modules } = found;

/** Both scripts of a program, with an answer at their ends. */
function answering({ lua, cfg }: LogicProgram): { lua: string; cfg: string } {
  return {
    lua: `${byteStr(lua).replace('function ksr_request_route()', 'local function logic()')}\nfunction ksr_request_route()\n\tlogic()\n\tKSR.sl.sl_send_reply(200, "OK")\nend\n`,
    cfg: `${byteStr(cfg).replace('request_route {', 'route[LOGIC] {')}\nrequest_route {\n\troute(LOGIC);\n\tsl_send_reply("200", "OK");\n}\n`,
  };
}

async function start(program: LogicProgram, engine: 'native' | 'lua', port: number, within: string) {
  const dir = mkdtempSync(join(within, `${engine}-`));
  const { lua, cfg } = answering(program);
  const script = join(dir, `${engine}.lua`);
  writeFileSync(script, lua);
  const file = join(dir, `${engine}.cfg`);
  writeFileSync(
    file,
    [
      '#!KAMAILIO',
      'debug=0',
      'log_stderror=yes',
      'children=1',
      'disable_tcp=yes',
      'auto_aliases=no',
      'dns=no',
      'rev_dns=no',
      `listen=udp:127.0.0.1:${port}`,
      `mpath="${modules}/"`,
      ...MODULES.map(name => `loadmodule "${name}.so"`),
      'modparam("htable", "htable", "ipban=>size=8;autoexpire=300;")',
      ...(engine === 'lua' ? [`modparam("app_lua", "load", "${script}")`, 'cfgengine "lua"'] : [cfg]),
      '',
    ].join('\n'),
  );
  return startKamailioWith(file, port, dir);
}

/** Nanoseconds that its processes have run. */
function cpuNs(group: number): number {
  let ns = 0;
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) !== group) continue;
      ns += Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]);
    } catch {
      // it has ended
    }
  }
  return ns;
}

/** Sends messages, WINDOW of them unanswered at a time. */
async function flood(messages: readonly Uint8Array[], port: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let sent = 0;
  let answered = 0;
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${answered} answers to ${sent} messages`)), 60_000);
    const next = () => {
      while (sent < count && sent - answered < WINDOW) socket.send(messages[sent++ & 63]!, port, '127.0.0.1');
    };
    socket.on('message', () => {
      if (++answered === count) {
        clearTimeout(late);
        resolve();
      } else next();
    });
    next();
  });
  socket.close();
}

type Lane = 'empty' | 'native' | 'lua';

/** The same rounds for all three: what else the machine does hits them alike. */
async function measure(program: LogicProgram): Promise<Record<Lane, number[]>> {
  const dir = mkdtempSync(join(tmpdir(), 'kamailio-bench-'));
  const running: { lane: Lane; port: number; server: RunningKamailio }[] = [];
  const ns: Record<Lane, number[]> = { empty: [], native: [], lua: [] };
  try {
    for (const [i, lane] of (['empty', 'native', 'lua'] as const).entries()) {
      const port = Number(values.port) + i;
      const server = lane === 'empty' ? await start(empty, 'native', port, dir) : await start(program, lane, port, dir);
      running.push({ lane, port, server });
    }
    for (let round = -1; round < rounds; round++)
      for (const { lane, port, server } of running) {
        const before = cpuNs(server.pid);
        await flood(program.messages, port);
        if (round >= 0) ns[lane].push((cpuNs(server.pid) - before) / count);
      }
  } finally {
    for (const { server } of running) await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  return ns;
}

const programs = logicPrograms().filter(p => p.replies === 0 && !p.without);
const empty = programs.find(p => p.name === 'empty')!;
console.log(`bench:kamailio  medians of ${rounds} rounds of ${count} messages, CPU ns a message`);
console.log('program           logic alone                    all of it, with receiving and a reply');
console.log('                  native    lua  lua/native      native    lua   (empty native route)');
for (const program of programs) {
  const ns = await measure(program);
  const logic = (lane: Lane) => median(ns[lane].map((t, i) => t - ns.empty[i]!));
  const n = (value: number) => value.toFixed(0).padStart(6);
  const ratio = program === empty ? '-' : `${(logic('lua') / logic('native')).toFixed(2)}x`;
  console.log(
    `${program.name.padEnd(17)} ${n(logic('native'))} ${n(logic('lua'))}      ${ratio.padStart(6)}      ${n(median(ns.native))} ${n(median(ns.lua))}   (${median(ns.empty).toFixed(0)})`,
  );
}
