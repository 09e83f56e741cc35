/** `kemi-wasm run`: options, log and signals around createServer(). */
import type { Diagnostic } from '../errors.ts';
import { formatAddress, parseListenAddress } from '../transport/listen-address.ts';
import { readConfigFile, usableConfig } from '../transport/node/config-file.ts';
import { defaultCtlPath } from '../transport/node/ctl.ts';
import { parseRpcHttp } from '../transport/node/rpc-http.ts';
import { DRAIN_MS, type Server } from '../transport/node/server.ts';
import type { TlsFiles } from '../transport/node/tls-options.ts';
import { tuneForServer } from '../transport/node/tune.ts';
import { check } from './check.ts';
import { HELP } from './help.ts';
import { createLogger, LOG_FORMATS, LOG_LEVELS } from './log.ts';
import { createServer } from './servers.ts';
import {
  asUsage,
  list,
  oneOf,
  type Parsed,
  readDefines,
  readGrants,
  readLimits,
  readModparams,
  readModules,
  readOptions,
  readWorkers,
  text,
  UsageError,
} from './usage.ts';

const OPTIONS = {
  config: { type: 'string', short: 'f' },
  check: { type: 'boolean', short: 'c' },
  modules: { type: 'string', short: 'L' },
  listen: { type: 'string', multiple: true },
  alias: { type: 'string', multiple: true },
  define: { type: 'string', short: 'A', multiple: true },
  module: { type: 'string', multiple: true },
  grant: { type: 'string', multiple: true },
  modparam: { type: 'string', multiple: true },
  limits: { type: 'string', multiple: true },
  db: { type: 'string' },
  'ws-origin': { type: 'string', multiple: true },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'tls-ca': { type: 'string' },
  watch: { type: 'boolean' },
  'log-level': { type: 'string' },
  'log-format': { type: 'string' },
  ctl: { type: 'string' },
  'no-ctl': { type: 'boolean' },
  'rpc-http': { type: 'string' },
  workers: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @returns the exit code, once the server has ended */
export async function run(args: readonly string[]): Promise<number> {
  tuneForServer();
  const parsed = readOptions('run', args, OPTIONS);
  if (parsed.values.help) {
    process.stdout.write(HELP.run);
    return 0;
  }
  if (parsed.positionals.length > 1)
    throw new UsageError(`one script at most, "${parsed.positionals[1]}" is too much; require() loads more from it`);
  const configPath = text(parsed, 'config');
  if (parsed.values.check === true) return await check(checkArguments(parsed));
  const listen = asUsage(() => list(parsed, 'listen').map(parseListenAddress));
  const limits = readLimits(list(parsed, 'limits'));
  const modparams = readModparams(list(parsed, 'modparam'));
  const defines = readDefines(list(parsed, 'define'));
  const [script] = parsed.positionals;
  const file = configPath === undefined ? undefined : readConfigFile(configPath, { defines, script });
  const warnings: Diagnostic[] = [];
  const config = file && usableConfig(file, warning => warnings.push(warning));
  const level = oneOf(parsed, 'log-level', LOG_LEVELS, config?.logLevel ?? 'info');
  const format = oneOf(parsed, 'log-format', LOG_FORMATS, process.stdout.isTTY ? 'pretty' : 'json');
  const ctl = parsed.values['no-ctl'] ? false : (text(parsed, 'ctl') ?? true);
  const db = text(parsed, 'db');
  const rpcHttp = text(parsed, 'rpc-http');
  const workers = readWorkers(text(parsed, 'workers'), config?.coreParams.children);
  if (rpcHttp !== undefined) asUsage(() => parseRpcHttp(rpcHttp));

  const origins = list(parsed, 'ws-origin');
  for (const origin of origins)
    if (origin !== '*' && !/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/i.test(origin))
      throw new UsageError(`--ws-origin ${origin}: write scheme://host[:port], as browsers do, or *`);

  const { log, flush } = createLogger(level, format);
  const crash = (error: unknown) => {
    log.fatal({ err: error }, 'Internal error: the server ends');
    void flush().then(() => process.exit(1));
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  for (const { file, line, column, message } of warnings) log.warn({ file, line, column }, message);
  for (const note of config?.notes ?? []) log.debug({ config: file?.path }, note);
  const server = await createServer({
    ...(config ? { config } : script !== undefined && { script }),
    listen,
    log,
    ctl,
    watch: parsed.values.watch === true,
    limits,
    modparams,
    components: readModules(list(parsed, 'module')),
    grants: readGrants(list(parsed, 'grant')),
    defines,
    aliases: list(parsed, 'alias'),
    ...(db !== undefined && { db }),
    tls: tlsFiles(parsed),
    ...(origins.length > 0 && { origins }),
    ...(rpcHttp !== undefined && { rpcHttp }),
    workers,
  });
  // A config that asks for less says it of what happens later: where the server listens is always told.
  const quiet = config !== undefined && text(parsed, 'log-level') === undefined && level !== 'debug';
  started(server, quiet ? createLogger('info', format).log : log);
  process.on('SIGHUP', () => {
    // A failure is logged. The script that ran runs on.
    server.reloadAll().catch(() => {});
    void server.reloadComponents();
  });
  const signal = await firstSignal();
  log.info({ signal, drainMs: DRAIN_MS }, 'Stopping: routes in flight may end; a second signal exits at once');
  for (const again of SIGNALS) process.on(again, () => process.exit(again === 'SIGINT' ? 130 : 143));
  await server.close();
  log.info({}, 'Stopped');
  await flush();
  return 0;
}

function tlsFiles(parsed: Parsed): TlsFiles {
  const certificate = text(parsed, 'tls-cert');
  const privateKey = text(parsed, 'tls-key');
  const caList = text(parsed, 'tls-ca');
  if (privateKey !== undefined && certificate === undefined)
    throw new UsageError('--tls-key FILE goes with --tls-cert FILE: a key belongs to a certificate');
  return {
    ...(certificate !== undefined && { certificate }),
    ...(privateKey !== undefined && { privateKey }),
    ...(caList !== undefined && { caList }),
  };
}

/** The command line of `check` that `run -c` stands for. */
function checkArguments(parsed: Parsed): string[] {
  const config = text(parsed, 'config');
  if (config === undefined && parsed.positionals.length === 0)
    throw new UsageError('-c checks a config or a script: write -f FILE or a script');
  return [
    ...(config === undefined ? [] : ['-f', config]),
    ...['define', 'module', 'grant', 'modparam', 'limits', 'db'].flatMap(name =>
      list(parsed, name).flatMap(value => [`--${name}`, value]),
    ),
    ...parsed.positionals,
  ];
}

function started(server: Server, log: ReturnType<typeof createLogger>['log']): void {
  const listen = server.sockets.map(formatAddress);
  const { name, version } = server.script;
  const { ctlPath, rpcHttpUrl } = server;
  const at = ctlPath === defaultCtlPath() ? '' : ` --ctl ${ctlPath}`;
  const control = ctlPath ? `; control with kemi-wasm ctl${at} METHOD` : '';
  log.info(
    { listen, script: name, version, ctl: ctlPath, rpcHttp: rpcHttpUrl },
    `Listening on ${listen.join(' ')}; routing with ${name}, version ${version}${control}`,
  );
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function firstSignal(): Promise<(typeof SIGNALS)[number]> {
  return new Promise(resolve => {
    for (const signal of SIGNALS) process.once(signal, () => resolve(signal));
  });
}
