/** What a runtime sets in its core once, and the statistics that are readings of it. */
import { METHODS } from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { Logger } from '../core/log.ts';
import { byteStrOf, utf8Of } from '../core/memory.ts';
import { KemiError } from '../errors.ts';
import { CORE_STATISTICS, type StatisticsStore } from '../kemi/statistics.ts';
import { KAMAILIO_LEVEL, logAt } from './levels.ts';
import type { Limits } from './options.ts';
import type { Router } from './router.ts';
import type { SelfAddresses } from './self.ts';

/** request URI and Via take part in matching requests of RFC 2543 (wasm/modules/tm.ts) */
const DEFAULT_MATCHING = 6;

export interface CoreSetup {
  readonly core: Core;
  readonly log: Logger;
  readonly limits: Limits;
  readonly router: Router;
  readonly self: SelfAddresses;
  /** 16 bytes or more */
  readonly secret: Uint8Array;
  readonly tmSecret: Uint8Array;
  /** number of this runtime among those that share state */
  readonly worker: number;
  /** '' sends none */
  readonly serverHeader: string;
}

/** @throws KemiError KEMI_ERR_CONFIG the secret is too short */
export function configureCore(setup: CoreSetup): void {
  const { core, log, limits, router, self, secret, serverHeader } = setup;
  const { x, mem, hooks } = core;
  const seed = core.lua.malloc(16);
  if (secret.length < 16) throw new KemiError('KEMI_ERR_CONFIG', 'Cannot use the secret: it needs at least 16 bytes');
  mem.u8.set(secret.subarray(0, 16), seed);
  x.setTagSeed(seed, 16);
  // tm says later how requests are matched; the branches of stateless forwarding need the secret too
  mem.u8.set(setup.tmSecret, seed);
  x.tmSetup(seed, DEFAULT_MATCHING, setup.worker);
  core.lua.free(seed);
  // Kept by the core for the life of the runtime: never freed.
  const header = serverHeader && byteStrOf(`Server: ${serverHeader}`);
  const at = header ? core.lua.malloc(header.length) : 0;
  if (at) mem.putStr(at, header);
  x.setServerHeader(at, header.length);
  // A few more than the limit: an overload is answered with 503, and that needs a slot.
  x.msgLimit(Math.min(limits.messages + 8, 65000));
  x.setLogLevel(KAMAILIO_LEVEL[log.level] ?? 2);
  hooks.sendReply = (data, length) => router.sendReply(data, length);
  hooks.isMyself = (host, length, port, proto) => (self.has(mem.str(host, length), port, proto) ? 1 : 0);
  hooks.log = (level, text, length) => logAt(log, level, utf8Of(mem.str(text, length)));
  core.onMemoryLimit = () => {
    router.counters.memoryLimits++;
  };
}

export function defineStatistics(
  stats: StatisticsStore,
  router: Router,
  readings: { readonly liveMessages: () => number; readonly memoryBytes: () => number },
): void {
  const { counters } = router;
  const define = (group: string, name: string, read: () => number) => stats.define(group, name, read);
  define('core', 'rcv_requests', () => counters.requests);
  define('core', 'unsupported_methods', () => router.requestsOf(0));
  METHODS.forEach((method, id) => {
    const name = `rcv_requests_${method.toLowerCase()}`;
    if (CORE_STATISTICS.includes(name)) define('core', name, () => router.requestsOf(id));
  });
  define('core', 'bad_msg_hdr', () => counters.bad);
  define('core', 'err_requests', () => counters.scriptErrors);
  for (const name of Object.keys(counters) as (keyof typeof counters)[])
    define('kemi', snake(name), () => counters[name]);
  define('kemi', 'live_messages', readings.liveMessages);
  define('kemi', 'memory_bytes', readings.memoryBytes);
}

const snake = (name: string) => name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`);
