/** workerd, the runtime of edge workers, started for a test: npm ci --prefix test/runtime brings it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The program. @returns undefined when it is not installed */
export function findWorkerd(): string | undefined {
  const given = process.env.WORKERD;
  if (given) return given;
  const require = createRequire(path.join(root, 'test/runtime/package.json'));
  try {
    const { platform, arch } = process;
    // the package's own launcher is a process more, which keeps signals to itself
    const system = platform === 'win32' ? 'windows' : platform;
    const file = require.resolve(`@cloudflare/workerd-${system}-${arch === 'x64' ? '64' : arch}/bin/workerd`);
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

export interface WorkerModule {
  readonly name: string;
  readonly kind: 'esModule' | 'wasm' | 'text';
  /** a file, or what would be in it */
  readonly path?: string;
  readonly source?: string;
}

export interface WorkerdOptions {
  /** the first one is the worker */
  readonly modules: readonly WorkerModule[];
  /** name of the exported class of the Durable Object, bound as SIP; none when absent */
  readonly object?: string;
  /** where objects keep what they store; absent: in memory, without SQLite */
  readonly storage?: string;
  /** text bindings */
  readonly env?: Readonly<Record<string, string>>;
  /** default: any that is free */
  readonly port?: number;
}

export interface Workerd {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** what it printed so far */
  readonly output: () => string;
  stop(): Promise<void>;
}

/** The package's bundle and its two wasm files, by the names that the example imports them by. */
export const PACKAGE_MODULES: readonly WorkerModule[] = [
  { name: 'kemi-wasm.js', kind: 'esModule', path: path.join(root, 'build/kemi-wasm.js') },
  { name: 'core.wasm', kind: 'wasm', path: path.join(root, 'build/core.wasm') },
  { name: 'lua.wasm', kind: 'wasm', path: path.join(root, 'build/lua.wasm') },
];

const START_MS = 20_000;

/** Starts it, and waits until it listens. @throws Error with what it printed, when it does not */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  const program = findWorkerd();
  if (!program) throw new Error('Cannot start workerd: npm ci --prefix test/runtime');
  const folder = mkdtempSync(path.join(tmpdir(), 'kemi-workerd-'));
  for (const { name, path: from, source } of options.modules)
    if (from) copyFileSync(from, path.join(folder, name));
    else writeFileSync(path.join(folder, name), source ?? '');
  if (options.storage) mkdirSync(options.storage, { recursive: true });
  writeFileSync(path.join(folder, 'config.capnp'), config(options));
  return launch(program, ['serve', path.join(folder, 'config.capnp')], options.port ?? 0, () =>
    rmSync(folder, { recursive: true, force: true }),
  );
}

/** Starts a config as it is; its socket must be named http. @param cwd folder that its paths start from */
export function startWorkerdConfig(
  file: string,
  { cwd = root, env = {}, port = 0, args = [] as readonly string[] } = {},
): Promise<Workerd> {
  const program = findWorkerd();
  if (!program) return Promise.reject(new Error('Cannot start workerd: npm ci --prefix test/runtime'));
  return launch(program, ['serve', file, ...args], port, () => {}, cwd, env);
}

async function launch(
  program: string,
  args: readonly string[],
  port: number,
  ended: () => void,
  cwd = root,
  env: Readonly<Record<string, string>> = {},
): Promise<Workerd> {
  const child = spawn(program, [...args, `--socket-addr=http=127.0.0.1:${port}`, '--control-fd=3'], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (output += chunk));
  const exit = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const stop = async () => {
    // It waits for connections to end when it is asked to; nobody is to wait here.
    child.kill('SIGKILL');
    await exit;
    ended();
  };
  try {
    const listening = await Promise.race([
      listens(child),
      exit.then(() => fail(`workerd ended: ${output}`)),
      new Promise<never>((_, reject) =>
        setTimeout(() => reject(new Error(`workerd does not listen: ${output}`)), START_MS).unref(),
      ),
    ]);
    return { port: listening, url: `http://127.0.0.1:${listening}`, pid: child.pid!, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One line of JSON for each socket comes by its control channel. */
function listens(child: ChildProcess): Promise<number> {
  return new Promise(resolve => {
    let text = '';
    child.stdio[3]?.on('data', chunk => {
      text += chunk;
      const found = /"event":\s*"listen"[^\n]*"port":\s*(\d+)/.exec(text);
      if (found) resolve(Number(found[1]));
    });
  });
}

function fail(why: string): never {
  throw new Error(why);
}

function config({ modules, object, storage, env = {} }: WorkerdOptions): string {
  const text = (value: string) => JSON.stringify(value);
  const bindings = Object.entries(env).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
  if (object) bindings.push(`(name = "SIP", durableObjectNamespace = ${text(object)})`);
  const services = ['(name = "main", worker = .main)'];
  if (storage) services.push(`(name = "data", disk = (path = ${text(storage)}, writable = true))`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(', ')}],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.map(m => `(name = ${text(m.name)}, ${m.kind} = embed ${text(m.name)})`).join(', ')}],
  compatibilityDate = "2026-10-01",
  bindings = [${bindings.join(', ')}],
  ${object ? `durableObjectNamespaces = [(className = ${text(object)}, uniqueKey = "test", enableSql = ${Boolean(storage)})],` : ''}
  ${object ? `durableObjectStorage = (${storage ? 'localDisk = "data"' : 'inMemory = void'}),` : ''}
);
`;
}

/** examples/worker as it is, but for where it keeps registrations. */
export function startExample(storage: string, env: Readonly<Record<string, string>> = {}): Promise<Workerd> {
  mkdirSync(storage, { recursive: true });
  return startWorkerdConfig('examples/worker/config.capnp', { env, args: [`--directory-path=data=${storage}`] });
}
