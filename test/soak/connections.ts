/**
 * Many idle connections at once: `npm run soak:connections [-- --tcp N --ws N]`. 10,000 of TCP and 2,000 WebSockets, opened by several processes from addresses
 * of their own, are held while a phone registers by each of them. Prints the server's memory for a connection and how long a registration takes; exit status 1
 * when one is not answered, or takes 50 ms or more.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type RunningServer, startServer } from '../interop/server.ts';
import type { Job, Result } from './connections-client.ts';

const PORT = 22240;
const BOUND_MS = 50;
/** connections of one client process */
const SHARE = 2500;

const { values } = parseArgs({
  options: { tcp: { type: 'string', default: '10000' }, ws: { type: 'string', default: '2000' } },
});
const counts = { tcp: Number(values.tcp), ws: Number(values.ws) };

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'kemi-connections-'));
const config = path.join(folder, 'many.cfg');
writeFileSync(
  config,
  [
    '#!KAMAILIO',
    `listen=udp:127.0.0.1:${PORT}`,
    `listen=tcp:127.0.0.1:${PORT}`,
    'tcp_max_connections=20000',
    'tcp_accept_iplimit=0',
    'tcp_connection_lifetime=3600',
    'alias="many.example"',
    `include_file "${example('basic.cfg')}"`,
    '',
  ].join('\n'),
);

interface Client {
  readonly child: ChildProcess;
  readonly job: Job;
}

/** The next message of a client process. @throws Error when it ends without one */
function answer(child: ChildProcess): Promise<Result> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a client process ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (result: Result) => {
      child.off('exit', ended);
      resolve(result);
    });
  });
}

let nextAddress = 2;

/** Processes that hold so many connections among them. */
async function open(kind: Job['kind'], count: number): Promise<Client[]> {
  const clients: Client[] = [];
  for (let left = count; left > 0; left -= SHARE) {
    const job: Job = {
      kind,
      port: kind === 'tcp' ? PORT : PORT + 1,
      count: Math.min(left, SHARE),
      from: `127.0.0.${nextAddress++}`,
    };
    const child = fork(new URL('connections-client.ts', import.meta.url), { stdio: 'inherit' });
    const ready = answer(child);
    child.send(job);
    const { opened } = await ready;
    if (opened !== job.count) throw new Error(`${job.from} opened ${opened} of ${job.count} connections (ulimit -n?)`);
    clients.push({ child, job });
  }
  return clients;
}

/** The server's resident memory once it does not grow any more. */
async function settled(server: RunningServer): Promise<number> {
  await sleep(3000);
  return server.residentKb();
}

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Registers by each connection of all clients, one client after the other. @returns whether it was quick enough */
async function register(what: string, clients: readonly Client[]): Promise<boolean> {
  const times: number[] = [];
  let lost = 0;
  for (const { child } of clients) {
    const done = answer(child);
    child.send('register');
    const result = await done;
    times.push(...result.times);
    lost += result.lost;
  }
  times.sort((a, b) => a - b);
  const late = times.filter(t => t >= BOUND_MS).length;
  const shown = [0.5, 0.99, 1].map(share => at(times, share).toFixed(2));
  console.log(
    `${times.length} registrations by ${what}: ${shown[0]} ms at the median, ${shown[1]} ms at 99 %, ${shown[2]} ms the slowest; ${late} took ${BOUND_MS} ms or more, ${lost} were not answered`,
  );
  return lost === 0 && late === 0;
}

const clients: Client[] = [];
let server: RunningServer | undefined;
let good = false;
try {
  server = await startServer(
    [
      '-f',
      config,
      `--listen=udp:127.0.0.1:${PORT}`,
      `--listen=tcp:127.0.0.1:${PORT}`,
      `--listen=ws:127.0.0.1:${PORT + 1}`,
      '--no-ctl',
      example('basic.lua'),
    ],
    PORT,
  );
  // code that was never used is compiled, and the heap has its size
  const warm = [...(await open('tcp', 50)), ...(await open('ws', 50))];
  await register('the first connections', warm);
  for (const { child } of warm) child.kill();
  const empty = await settled(server);
  const tcp = await open('tcp', counts.tcp);
  clients.push(...tcp);
  const withTcp = await settled(server);
  const ws = await open('ws', counts.ws);
  clients.push(...ws);
  const withAll = await settled(server);
  const each = (kb: number, count: number) => (count > 0 ? `${(kb / count).toFixed(1)} KiB each` : 'none');
  console.log(`resident: ${empty} KiB without connections`);
  console.log(`          ${withTcp} KiB with ${counts.tcp} of TCP: ${each(withTcp - empty, counts.tcp)}`);
  console.log(`          ${withAll} KiB with ${counts.ws} WebSockets besides: ${each(withAll - withTcp, counts.ws)}`);
  const quick = [await register('TCP', tcp), await register('WebSocket', ws)];
  console.log(`          ${await settled(server)} KiB with a registration by each`);
  good = quick.every(Boolean);
} finally {
  for (const { child } of clients) child.kill();
  await server?.stop();
  rmSync(folder, { recursive: true });
}
console.log(good ? 'passed' : 'failed');
process.exitCode = good ? 0 : 1;
