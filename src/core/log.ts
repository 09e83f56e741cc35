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

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Whether a logger writes lines of this level: asked before a line is made that costs something. */
export function writes(log: Logger, level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(log.level);
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
