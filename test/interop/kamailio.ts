/**
 * The real Kamailio (Debian's packages) as a judge: started on 127.0.0.1 with a configuration of our own and a KEMI Lua script,
 * with the modules that this project reimplements, and stopped by its process id.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MODULES = [
  'sl',
  'pv',
  'maxfwd',
  'textops',
  'textopsx',
  'siputils',
  'sanity',
  'corex',
  'xlog',
  'cfgutils',
  'ipops',
  'htable',
  'pike',
  'statistics',
  'kemix',
  'app_lua',
];

export interface KamailioOptions {
  port: number;
  /** path of the Lua script */
  script: string;
  /** more lines for the configuration, behind the module list: modparam(...), log levels */
  config?: string;
  /** modules besides the usual ones */
  modules?: readonly string[];
  /** values of listen in place of the one UDP socket on `port`; TCP is on when one of them names it */
  listen?: readonly string[];
  /** 0 errors only .. 3 debug */
  debug?: number;
}

export interface RunningKamailio {
  readonly pid: number;
  /** everything it wrote to its log so far */
  log(): string;
  stop(): Promise<void>;
}

/** Folder of the modules, or why there is none. */
export function findKamailio(): { modules: string } | { missing: string } {
  try {
    execFileSync('kamailio', ['-v'], { stdio: 'ignore' });
    const files = execFileSync('dpkg', ['-L', 'kamailio', 'kamailio-lua-modules'], { encoding: 'utf8' }).split('\n');
    const lua = files.find(file => file.endsWith('/kamailio/modules/app_lua.so'));
    if (!lua) return { missing: 'package kamailio-lua-modules is not installed' };
    return { modules: lua.slice(0, lua.lastIndexOf('/')) };
  } catch {
    return { missing: 'packages kamailio and kamailio-lua-modules are not installed' };
  }
}

function configuration(modules: string, options: KamailioOptions): string {
  return [
    '#!KAMAILIO',
    `debug=${options.debug ?? 0}`,
    'log_stderror=yes',
    'memdbg=5',
    'memlog=5',
    'children=1',
    `disable_tcp=${options.listen?.some(l => l.startsWith('tcp:')) ? 'no' : 'yes'}`,
    'auto_aliases=no',
    'dns=no',
    'rev_dns=no',
    'use_dns_cache=no',
    ...(options.listen ?? [`udp:127.0.0.1:${options.port}`]).map(l => `listen=${l}`),
    `mpath="${modules}/"`,
    ...[...MODULES, ...(options.modules ?? [])].map(name => `loadmodule "${name}.so"`),
    `modparam("app_lua", "load", "${options.script}")`,
    options.config ?? '',
    'cfgengine "lua"',
    '',
  ].join('\n');
}

/** @throws Error with the log when it does not answer within 10 s */
export async function startKamailio(options: KamailioOptions): Promise<RunningKamailio> {
  const found = findKamailio();
  if ('missing' in found) throw new Error(found.missing);
  const dir = mkdtempSync(join(tmpdir(), 'kamailio-'));
  const clean = () => rmSync(dir, { recursive: true, force: true });
  const file = join(dir, 'kamailio.cfg');
  writeFileSync(file, configuration(found.modules, options));
  try {
    const running = await startKamailioWith(file, options.port, dir);
    return {
      ...running,
      async stop() {
        await running.stop();
        clean();
      },
    };
  } catch (error) {
    clean();
    throw error;
  }
}

/**
 * Starts it with a configuration file.
 * @param port where it will answer  @param dir for what it keeps while it runs
 * @throws Error with the log when it does not answer within 10 s
 */
export async function startKamailioWith(file: string, port: number, dir: string): Promise<RunningKamailio> {
  const args = ['-f', file, '-DD', '-E', '-m', '64', '-M', '32', '-Y', dir, '-x', 'fm', '-X', 'fm'];
  const child = spawn('kamailio', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('latin1').on('data', text => log.push(text));
  // it is not in our process group: it would outlive a test run that is broken off
  const last = () => killGroup(child);
  process.once('exit', last);
  const stop = async () => {
    process.off('exit', last);
    await end(child);
  };
  try {
    await answers(port, child);
  } catch (error) {
    await stop();
    throw new Error(`Cannot start Kamailio: ${error instanceof Error ? error.message : error}\n${log.join('')}`);
  }
  return { pid: child.pid!, log: () => log.join(''), stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(late);
  }
  killGroup(child);
}

/** A main process that crashed or had to be killed leaves its workers behind, and they its ports taken: they are one process group. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // all of them are gone
  }
}

/** Resolves as soon as anything answers an OPTIONS on the port. */
export async function answers(port: number, child?: ChildProcess, withinMs = 10_000): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const local = socket.address().port;
  const probe = `OPTIONS sip:probe@127.0.0.1:${port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${local};branch=z9hG4bKprobe\r\nFrom: <sip:probe@127.0.0.1>;tag=p\r\nTo: <sip:probe@127.0.0.1>\r\nCall-ID: probe\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 10\r\nContent-Length: 0\r\n\r\n`;
  try {
    await new Promise<void>((resolve, reject) => {
      const failed = (why: string) => {
        clearInterval(again);
        clearTimeout(late);
        reject(new Error(why));
      };
      const again = setInterval(() => socket.send(probe, port, '127.0.0.1'), 100);
      const late = setTimeout(() => failed(`no answer on port ${port} within ${withinMs} ms`), withinMs);
      child?.once('exit', code => failed(`it ended with code ${code}`));
      socket.once('message', () => {
        clearInterval(again);
        clearTimeout(late);
        resolve();
      });
      // the port is closed until the server listens
      socket.on('error', () => {});
      socket.send(probe, port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}
