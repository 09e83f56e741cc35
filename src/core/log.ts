/** What the runtime needs of a logger. pino satisfies it; a library user brings any. */
export interface Logger {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  /** 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent' */
  level: string;
}

const RANKS: Readonly<Record<string, number>> = {
  trace: 0,
  debug: 1,
  info: 2,
  warn: 3,
  error: 4,
  fatal: 5,
  silent: 6,
};

/** Whether a logger writes lines of this level: asked before a line is made that costs something. */
export function writes(log: Logger, level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'): boolean {
  // a level that is none of ours says nothing of what is written: everything
  return RANKS[level]! >= (RANKS[log.level] ?? -1);
}

const nothing = () => {};

/** Says nothing. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  level: 'silent',
};
