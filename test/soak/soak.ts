/**
 * Memory over time: `npm run soak [-- --messages N] [--port N]`. One million OPTIONS and 483s in turn through the server on loopback; what the process holds
 * after the last must be within 5 % of what it held after the first tenth. Exit status 1 when it is not.
 */
import { parseArgs } from 'node:util';
import { startServer } from '../interop/server.ts';
import { options, run } from './load.ts';

const MARGIN = 0.05;
const SCRIPT = new URL('../fixtures/soak.lua', import.meta.url).pathname;

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '1000000' }, port: { type: 'string', default: '20630' } },
});
const total = Number(values.messages);
const port = Number(values.port);
if (!(total >= 1000)) throw new RangeError('--messages takes a number from 1000');

const server = await startServer(
  [SCRIPT, '--listen', `udp:127.0.0.1:${port}`, '--no-ctl', '--log-level', 'warn'],
  port,
);
try {
  const started = performance.now();
  const counts = new Map<string, number>();
  const part = async (count: number) => {
    const lost = await run({
      port,
      count,
      request: (n, local) => options(n, local, n & 1 ? 0 : 70),
      answer: (n, bytes) => {
        const code = bytes.toString('latin1', 8, 11);
        const right = code === (n & 1 ? '483' : '200');
        counts.set(right ? code : `wrong ${code}`, (counts.get(right ? code : `wrong ${code}`) ?? 0) + 1);
      },
    });
    if (lost.length) counts.set('lost', (counts.get('lost') ?? 0) + lost.length);
  };
  const resident: number[] = [];
  for (let tenth = 0; tenth < 10; tenth++) {
    await part(total / 10);
    resident.push(server.residentKb());
  }
  const first = resident[0]!;
  const last = resident[9]!;
  const seconds = (performance.now() - started) / 1000;
  const change = (last - first) / first;
  console.log(
    `${total} messages in ${seconds.toFixed(1)} s: ${[...counts].map(([what, n]) => `${n} ${what}`).join(', ')}`,
  );
  console.log(
    `resident after the first ${total / 10}: ${first} KiB; after all: ${last} KiB; change ${(100 * change).toFixed(1)} %, limit ${100 * MARGIN} %`,
  );
  console.log(`after each tenth, KiB: ${resident.join(' ')}`);
  const bad = [...counts.keys()].filter(what => what !== '200' && what !== '483');
  if (change > MARGIN || bad.length > 0) process.exitCode = 1;
} finally {
  await server.stop();
}
