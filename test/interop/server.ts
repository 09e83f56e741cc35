/** This server as a process of its own, started as the command line starts it. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { answers } from './kamailio.ts';

export interface RunningServer {
  readonly pid: number;
  /** milliseconds from the start of the process to the first answer */
  readonly startMs: number;
  /** what it wrote so far */
  log(): string;
  /** Kilobytes of memory that the process has resident. */
  residentKb(): number;
  /** @returns the exit code */
  stop(signal?: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

const ROOT = new URL('../../', import.meta.url);
/** In CI the build that `npm ci` made, as `npm start` runs it, and where KEMI_BUILT is set; elsewhere the sources, which are never stale. */
const main = () =>
  new URL(process.env.CI || process.env.KEMI_BUILT ? 'build/cli/main.js' : 'src/cli/main.ts', ROOT).pathname;

/**
 * @param args what follows `kemi-wasm run`
 * @param port where it will answer an OPTIONS
 * @throws Error with its log when it does not in time
 */
export async function startServer(args: readonly string[], port: number, withinMs = 5_000): Promise<RunningServer> {
  const started = performance.now();
  const child = spawn(process.execPath, [main(), 'run', ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: ROOT });
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => log.push(text));
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
  const stop = async (signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => {
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const code = await ended;
    clearTimeout(late);
    return code;
  };
  try {
    await answers(port, child, withinMs);
  } catch (error) {
    await stop();
    throw new Error(`Cannot start the server: ${error instanceof Error ? error.message : error}\n${log.join('')}`);
  }
  return {
    pid: child.pid!,
    startMs: performance.now() - started,
    log: () => log.join(''),
    residentKb: () => residentKb(child.pid!),
    stop,
  };
}

function residentKb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
}
