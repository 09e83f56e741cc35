/** `kemi-wasm run`: options, log and signals around createServer(). */
import { formatAddress, parseListenAddress } from '../transport/listen-address.ts';
import { defaultCtlPath } from '../transport/node/ctl.ts';
import { createServer, DRAIN_MS, type Server } from '../transport/node/server.ts';
import { tuneForServer } from '../transport/node/tune.ts';
import { HELP } from './help.ts';
import { createLogger, LOG_FORMATS, LOG_LEVELS } from './log.ts';
import {
  asUsage,
  list,
  oneOf,
  readDefines,
  readLimits,
  readModparams,
  readOptions,
  text,
  UsageError,
} from './usage.ts';

const OPTIONS = {
  listen: { type: 'string', multiple: true },
  alias: { type: 'string', multiple: true },
  define: { type: 'string', short: 'A', multiple: true },
  modparam: { type: 'string', multiple: true },
  limits: { type: 'string', multiple: true },
  db: { type: 'string' },
  watch: { type: 'boolean' },
  'log-level': { type: 'string' },
  'log-format': { type: 'string' },
  ctl: { type: 'string' },
  'no-ctl': { type: 'boolean' },
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
  const listen = asUsage(() => list(parsed, 'listen').map(parseListenAddress));
  const limits = readLimits(list(parsed, 'limits'));
  const modparams = readModparams(list(parsed, 'modparam'));
  const defines = readDefines(list(parsed, 'define'));
  const level = oneOf(parsed, 'log-level', LOG_LEVELS, 'info');
  const format = oneOf(parsed, 'log-format', LOG_FORMATS, process.stdout.isTTY ? 'pretty' : 'json');
  const ctl = parsed.values['no-ctl'] ? false : (text(parsed, 'ctl') ?? true);
  const db = text(parsed, 'db');
  const [script] = parsed.positionals;

  const { log, flush } = createLogger(level, format);
  const crash = (error: unknown) => {
    log.fatal({ err: error }, 'Internal error: the server ends');
    void flush().then(() => process.exit(1));
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  const server = await createServer({
    ...(script !== undefined && { script }),
    listen,
    log,
    ctl,
    watch: parsed.values.watch === true,
    limits,
    modparams,
    defines,
    aliases: list(parsed, 'alias'),
    ...(db !== undefined && { db }),
  });
  started(server, log);
  process.on('SIGHUP', () => {
    try {
      server.reload();
    } catch {
      // Logged. The script that ran runs on.
    }
  });
  const signal = await firstSignal();
  log.info({ signal, drainMs: DRAIN_MS }, 'Stopping: routes in flight may end; a second signal exits at once');
  for (const again of SIGNALS) process.on(again, () => process.exit(again === 'SIGINT' ? 130 : 143));
  await server.close();
  log.info({}, 'Stopped');
  await flush();
  return 0;
}

function started(server: Server, log: ReturnType<typeof createLogger>['log']): void {
  const listen = server.sockets.map(formatAddress);
  const { name, version } = server.script;
  const { ctlPath } = server;
  const at = ctlPath === defaultCtlPath() ? '' : ` --ctl ${ctlPath}`;
  const control = ctlPath ? `; control with kemi-wasm ctl${at} METHOD` : '';
  log.info(
    { listen, script: name, version, ctl: ctlPath },
    `Listening on ${listen.join(' ')}; routing with ${name}, version ${version}${control}`,
  );
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function firstSignal(): Promise<(typeof SIGNALS)[number]> {
  return new Promise(resolve => {
    for (const signal of SIGNALS) process.once(signal, () => resolve(signal));
  });
}
