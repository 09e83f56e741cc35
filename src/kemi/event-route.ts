/** Which route an event runs: the block event_route[EVENT] of a kamailio.cfg, or the function that a modparam names. */
import type { ByteStr } from '../core/memory.ts';
import type { ModuleHost } from './host.ts';

/** @param callback name of the function, '' or absent for none  @returns undefined when there is nothing to run */
export function eventRoute(
  host: Pick<ModuleHost, 'hasRoute' | 'native'>,
  callback: ByteStr | undefined,
  event: ByteStr,
): ByteStr | undefined {
  const block = `event_route[${event}]`;
  if (host.native && host.hasRoute(block)) return block;
  return callback && host.hasRoute(callback) ? callback : undefined;
}
