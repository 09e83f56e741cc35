/** Kamailio's log levels and a logger's. */
import type { Logger } from '../core/log.ts';

/** The highest of Kamailio's levels that a logger takes: what is above it does not leave the core. */
export const KAMAILIO_LEVEL: Readonly<Record<string, number>> = {
  trace: 3,
  debug: 3,
  info: 2,
  warn: 0,
  error: -1,
  fatal: -2,
  silent: -6,
};

/** Kamailio's levels (-5 alert ... 3 debug) on a structured logger. */
export function logAt(log: Logger, level: number, text: string): void {
  const line = text.replace(/\s+$/, '');
  if (level <= -2) log.fatal({ kamailioLevel: level }, line);
  else if (level === -1) log.error({}, line);
  else if (level === 0) log.warn({}, line);
  else if (level <= 2) log.info({}, line);
  else log.debug({}, line);
}
