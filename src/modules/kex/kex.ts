/** Two filters stand before the log: the logger's own, and the core's, which spares the lines that are logged from AssemblyScript. */
import type { ModuleHost } from '../../kemi/host.ts';

/** The levels of the start. */
export interface KexState {
  readonly logger: string;
  readonly core: number;
}

/** Kamailio's level in the words of the logger. */
export function levelOf(debug: number): string {
  if (debug >= 3) return 'debug';
  if (debug >= 1) return 'info';
  if (debug === 0) return 'warn';
  if (debug === -1) return 'error';
  return debug > -6 ? 'fatal' : 'silent';
}

export function setLevel(host: Pick<ModuleHost, 'log' | 'core'>, logger: string, core: number): 1 {
  host.log.level = logger;
  host.core.x.setLogLevel(Math.max(-6, Math.min(core, 3)));
  return 1;
}
