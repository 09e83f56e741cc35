/** The log of a server: pino, as JSON lines or for people. */
import fs from 'node:fs';
import { pino, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Logger } from '../core/log.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;

/** When nobody reads our output: lines above this are lost, the server goes on. */
const MAX_UNWRITTEN_BYTES = 16 << 20;
/** How long the end of the process waits for its last lines, milliseconds. */
const FLUSH_MS = 500;
const RETRY_MS = 50;

export interface CliLogger {
  readonly log: Logger;
  /** Resolves when all lines are written, or cannot be written soon. Never rejects. */
  flush(): Promise<void>;
}

/**
 * Writes lines to a file descriptor off the main thread. A reader that is slow, a pipe that is closed, a disk that is full: lines are lost and counted,
 * nothing waits. (pino's own destination waits for ever on a full disk when the process ends.)
 */
export class LineSink {
  readonly #fd: number;
  readonly #maxBytes: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #writing = false;
  #idle: (() => void)[] = [];
  /** lines that could not be written */
  lost = 0;

  constructor(fd: number, maxBytes = MAX_UNWRITTEN_BYTES) {
    this.#fd = fd;
    this.#maxBytes = maxBytes;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > this.#maxBytes) {
      this.lost++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#writing) this.#next();
  }

  flush(): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise(resolve => {
      const timer = setTimeout(resolve, FLUSH_MS);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #next(): void {
    const lines = this.#waiting;
    if (lines.length === 0) {
      this.#writing = false;
      for (const wake of this.#idle.splice(0)) wake();
      return;
    }
    this.#writing = true;
    this.#waiting = [];
    this.#put(Buffer.concat(lines), lines.length);
  }

  #put(bytes: Buffer, lines: number): void {
    fs.write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#put(bytes, lines), RETRY_MS);
        return;
      }
      if (!error && written < bytes.length) {
        this.#waitingBytes -= written;
        this.#put(bytes.subarray(written), lines);
        return;
      }
      if (error) this.lost += lines;
      this.#waitingBytes -= bytes.length;
      this.#next();
    });
  }
}

export function createLogger(level: (typeof LOG_LEVELS)[number], format: (typeof LOG_FORMATS)[number]): CliLogger {
  const sink = new LineSink(1);
  const flush = () => sink.flush();
  if (format === 'pretty') {
    const pretty = prettyFactory({
      colorize: process.stdout.isTTY === true,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss.l',
    });
    return { log: pino({ level }, { write: (line: string) => sink.write(pretty(line)) }), flush };
  }
  const options = {
    level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return { log: pino(options, sink), flush };
}
