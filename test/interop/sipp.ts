/** Runs SIPp and reads its last screen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SippResult {
  readonly code: number | null;
  readonly successful: number;
  readonly failed: number;
  /** what went wrong: SIPp's error file, or the end of its last screen */
  readonly detail: string;
}

/**
 * @param args without -i, -nostdin and -trace_err, which every run has; the remote address last
 * @param ms it is stopped when it takes longer
 */
export async function sipp(args: readonly string[], ms = 60_000): Promise<SippResult> {
  const dir = mkdtempSync(join(tmpdir(), 'sipp-'));
  try {
    const child = start(args, dir);
    let screen = '';
    child.stdout!.setEncoding('latin1').on('data', text => {
      screen = (screen + text).slice(-100_000);
    });
    const late = setTimeout(() => child.kill('SIGKILL'), ms);
    const code = await new Promise<number | null>(resolve => child.once('close', resolve));
    clearTimeout(late);
    const count = (what: string) =>
      Number(
        new RegExp(`${what}\\s*\\|[^|]*\\|\\s*(\\d+)[^]*$`).exec(
          screen.slice(screen.lastIndexOf('Statistics Screen')),
        )?.[1],
      );
    const errors = readdirSync(dir).filter(file => file.endsWith('_errors.log'));
    const detail =
      errors.map(file => readFileSync(join(dir, file), 'latin1').slice(0, 4_000)).join('\n') || screen.slice(-2_000);
    return { code, successful: count('Successful call'), failed: count('Failed call'), detail };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A SIPp that waits for calls; stop() ends it. */
export function sippServer(args: readonly string[]): { stop(): Promise<void> } {
  const dir = mkdtempSync(join(tmpdir(), 'sipp-'));
  const child = start(args, dir);
  child.stdout!.resume();
  const ended = new Promise(resolve => child.once('close', resolve));
  return {
    async stop() {
      // its first SIGUSR1 lets calls end, which calls that hang never do
      child.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function start(args: readonly string[], cwd: string): ChildProcess {
  return spawn('sipp', ['-i', '127.0.0.1', '-nostdin', '-trace_err', ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
