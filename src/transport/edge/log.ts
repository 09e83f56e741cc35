/** A logger that writes to the console, and keeps what it writes for whoever listens. */
import type { Logger } from '../../core/log.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One line: its fields are those of the logger's call. */
export interface LogLine {
  readonly level: Exclude<LogLevel, 'silent'>;
  readonly time: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** One line of JSON to the console: console.error from warn up. */
export function consoleLine(line: LogLine): void {
  const text = JSON.stringify(line);
  if (LOG_LEVELS.indexOf(line.level) >= LOG_LEVELS.indexOf('warn')) console.error(text);
  else console.log(text);
}

/** @param write gets each line of this level and above  @param now wall clock, milliseconds */
export function lineLogger(level: LogLevel, write: (line: LogLine) => void, now: () => number = Date.now): Logger {
  const least = LOG_LEVELS.indexOf(level);
  const at = (name: LogLine['level']) => {
    if (LOG_LEVELS.indexOf(name) < least) return () => {};
    return (fields: object, msg: string) => {
      const own = { level: name, time: now(), msg };
      write({ ...own, ...plain(fields), ...own });
    };
  };
  return {
    level,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
}

/** What JSON can show of the fields: errors do not show by themselves, and some values not at all. */
function plain(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shown(value)]));
}

function shown(value: unknown): unknown {
  if (value instanceof Error) return { message: value.message, stack: value.stack };
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  try {
    return JSON.parse(JSON.stringify(value)) as unknown;
  } catch {
    return String(value);
  }
}
