/** KSR.info() and its kin. */

import type { Logger } from '../../core/log.ts';
import { type ByteStr, utf8Of } from '../../core/memory.ts';

/** Kamailio's level -> ours */
const LEVELS = {
  dbg: 'debug',
  info: 'info',
  notice: 'info',
  warn: 'warn',
  err: 'error',
  crit: 'fatal',
} as const;
export type Level = keyof typeof LEVELS;

const ORDER = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Kamailio prints the text as it is, line end included: structured logs do without that one. */
export function logLine(log: Logger, level: Level, text: ByteStr): void {
  const ours = LEVELS[level];
  // A line that nobody reads costs no decoding.
  if (ORDER.indexOf(ours) < ORDER.indexOf(log.level)) return;
  log[ours]({ script: true }, utf8Of(text.endsWith('\n') ? text.slice(0, -1) : text));
}

/** @param name dbg, info, notice, warn, err, crit in any case; any other is err */
export function levelOf(name: ByteStr): Level {
  const lower = name.toLowerCase();
  return Object.hasOwn(LEVELS, lower) ? (lower as Level) : 'err';
}
