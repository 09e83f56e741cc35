/**
 * Suites of plain functions, so that the same ones run under any runtime: vitest runs in Node only. A suite imports nothing of a runtime; what it is about is
 * handed to it. What runs them prints the results as JSON.
 */

/** One thing that must hold. It holds when `run` neither throws nor rejects. */
export interface Case {
  readonly name: string;
  readonly run: () => void | Promise<void>;
  /** why it cannot be asked here; it counts as skipped */
  readonly skip?: string | undefined;
}

export interface Suite {
  readonly name: string;
  /** the row of the table of runtimes that it stands for; several suites may share one */
  readonly ability: Ability;
  readonly cases: readonly Case[];
}

/** The rows of the table of runtimes, in its order. */
export const ABILITIES = [
  'SIP over UDP',
  'SIP over TCP',
  'SIP over TLS',
  'SIP over WebSocket',
  'scripts in Lua',
  'routing blocks of a kamailio.cfg',
  'errors, traps and limits cost one message',
  'reload between two messages',
  'waits and timers',
  'SQLite',
  'files, watcher, names',
  'control socket, JSON-RPC over HTTP',
  'command line',
  'worker threads',
] as const;
export type Ability = (typeof ABILITIES)[number];

export interface CaseResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly ms: number;
  /** why it failed or was skipped */
  readonly why?: string;
}

export interface SuiteResult {
  readonly name: string;
  readonly ability: Ability;
  readonly cases: readonly CaseResult[];
}

/** What a runtime says of itself and of the suites it ran. */
export interface Report {
  /** 'Bun 1.4.5' */
  readonly runtime: string;
  readonly suites: readonly SuiteResult[];
}

/** for one case; long, since machines that run tests may be busy with others */
const DEFAULT_TIMEOUT_MS = 60_000;

/** Runs all cases, one after the other. Never rejects. */
export async function runSuites(suites: readonly Suite[], timeoutMs = DEFAULT_TIMEOUT_MS): Promise<SuiteResult[]> {
  const results: SuiteResult[] = [];
  for (const { name, ability, cases } of suites) {
    const done: CaseResult[] = [];
    for (const one of cases) done.push(await runCase(one, timeoutMs));
    results.push({ name, ability, cases: done });
  }
  return results;
}

async function runCase({ name, run, skip }: Case, timeoutMs: number): Promise<CaseResult> {
  if (skip !== undefined) return { name, outcome: 'skipped', ms: 0, why: skip };
  const start = performance.now();
  const ms = () => Math.round(performance.now() - start);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs} ms`)), timeoutMs);
    });
    await Promise.race([run(), late]);
    return { name, outcome: 'passed', ms: ms() };
  } catch (error) {
    return { name, outcome: 'failed', ms: ms(), why: textOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // V8 puts the message in front of the stack, JavaScriptCore does not.
  const { message, stack = '' } = error;
  return stack.includes(message) ? stack : `${message}\n${stack}`;
}
