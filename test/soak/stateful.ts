/** A stateful server for the soak tests, on test/fixtures/stateful/routes.cfg: this one, or the real Kamailio as proof that the test is right. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKamailioWith } from '../interop/kamailio.ts';
import { createDatabase } from '../interop/scenario/database.ts';
import { ownConfiguration } from '../interop/scenario/servers.ts';
import { startServer } from '../interop/server.ts';
import { sleep } from './calls.ts';

export type Which = 'ours' | 'kamailio';

export interface StatefulOptions {
  which: Which;
  port: number;
  /** keeps bindings in SQLite, written before they are answered */
  database?: boolean;
}

export class StatefulServer {
  readonly options: StatefulOptions;
  readonly dir = mkdtempSync(join(tmpdir(), 'soak-'));
  #running:
    | { pid: number; stop(signal?: 'SIGKILL'): Promise<unknown>; log(): string; residentKb?(): number }
    | undefined;

  constructor(options: StatefulOptions) {
    this.options = options;
    const file = join(this.dir, 'kamailio.db');
    if (options.database) createDatabase(file, [], options.port);
    const more = options.database
      ? [
          'loadmodule "db_sqlite.so"',
          `modparam("usrloc", "db_url", "sqlite:///${file}")`,
          'modparam("usrloc", "db_mode", 1)',
        ]
      : [];
    writeFileSync(this.#config, ownConfiguration(options.port, more));
  }

  get #config(): string {
    return join(this.dir, 'kamailio.cfg');
  }

  get ctl(): string {
    return join(this.dir, 'ctl.sock');
  }

  /** @returns milliseconds until it answered */
  async start(): Promise<number> {
    const started = performance.now();
    const { port, which } = this.options;
    this.#running =
      which === 'ours'
        ? await startServer(['-f', this.#config, '--ctl', this.ctl, '--log-level', 'error'], port, 20_000)
        : await startKamailioWith(this.#config, port, this.dir);
    const ms = performance.now() - started;
    // The control socket is opened behind the others. Without it the answer came from somebody else's server on the same port.
    while (which === 'ours' && !existsSync(this.ctl)) {
      if (performance.now() - started > 20_000) {
        const log = this.log();
        await this.close();
        throw new Error(`another server has port ${port}: ${log}`);
      }
      await sleep(5);
    }
    return ms;
  }

  /** kill -9 of every process of it. */
  async kill(): Promise<void> {
    const { pid, stop } = this.#running!;
    const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    for (const worker of workers) process.kill(Number(worker), 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    await stop('SIGKILL');
    this.#running = undefined;
  }

  residentKb(): number {
    return this.#running?.residentKb?.() ?? Number.NaN;
  }

  log(): string {
    return this.#running?.log() ?? '';
  }

  async close(): Promise<void> {
    await this.#running?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
