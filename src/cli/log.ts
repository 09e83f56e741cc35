/** The log of a server: pino, as JSON lines or for people. */
import { destination, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '../core/log.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;

/** When nobody reads our output: lines above this are lost, the server goes on. */
const MAX_UNWRITTEN_BYTES = 16 << 20;

export interface CliLogger {
  readonly log: Logger;
  /** Writes what is still in memory. */
  flush(): void;
}

export function createLogger(level: (typeof LOG_LEVELS)[number], format: (typeof LOG_FORMATS)[number]): CliLogger {
  if (format === 'pretty') {
    const stream = pretty({
      colorize: process.stdout.isTTY === true,
      destination: 1,
      sync: true,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss.l',
      hideObject: false,
    });
    return { log: pino({ level }, stream), flush: () => {} };
  }
  const options = {
    level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const stream = destination({ dest: 1, sync: false, maxLength: MAX_UNWRITTEN_BYTES });
  return {
    log: pino(options, stream),
    flush() {
      try {
        stream.flushSync();
      } catch {
        // The reader is gone: there is nobody to tell.
      }
    },
  };
}
