/**
 * The connections as modules see them in a worker that has none: they are the first worker's. What is to be done with one is passed on; what one is like cannot be
 * told here at once, and whoever asks is told so.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Logger } from '../../../core/log.ts';
import type { ConnectionInfo, Connections, KeepAlive, Security } from '../../../kemi/host.ts';
import type { ConnectionOrder, FromWorker } from './protocol.ts';

const QUIET_MS = 1000;

export class RemoteConnections implements Connections {
  readonly options: Readonly<Record<string, number>>;
  readonly #port: MessagePort;
  readonly #log: Logger;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(port: MessagePort, log: Logger, options: Readonly<Record<string, number>>) {
    this.#port = port;
    this.#log = log;
    this.options = options;
  }

  count(): number {
    this.#complain();
    return 0;
  }

  get(): ConnectionInfo | undefined {
    this.#complain();
    return undefined;
  }

  list(): ConnectionInfo[] {
    this.#complain();
    return [];
  }

  find(): number {
    this.#complain();
    return 0;
  }

  security(): Security | undefined {
    this.#complain();
    return undefined;
  }

  close(id: number): boolean {
    return this.#order({ do: 'close', id });
  }

  setLifetime(id: number, ms: number): boolean {
    return this.#order({ do: 'setLifetime', id, ms });
  }

  setKeepAlive(id: number, how: KeepAlive | undefined): boolean {
    return this.#order({ do: 'setKeepAlive', id, how });
  }

  addAlias(id: number, port: number): boolean {
    return this.#order({ do: 'addAlias', id, port });
  }

  /** @returns true: whether there is such a connection shows in the first worker */
  #order(order: ConnectionOrder): boolean {
    if (order.id === 0) return false;
    this.#port.postMessage({ is: 'connection', order } satisfies FromWorker);
    return true;
  }

  /** Once a second, not once a message. */
  #complain(): void {
    const now = performance.now();
    if (now - this.#complainedMs < QUIET_MS) return;
    this.#complainedMs = now;
    this.#log.error({}, 'Cannot look at connections here: they are those of the first worker (docs/workers.md)');
  }
}

/** Does in the first worker what another one ordered. */
export function obey(connections: Connections, order: ConnectionOrder): void {
  switch (order.do) {
    case 'close':
      connections.close(order.id);
      break;
    case 'setLifetime':
      connections.setLifetime(order.id, order.ms);
      break;
    case 'setKeepAlive':
      connections.setKeepAlive(order.id, order.how);
      break;
    case 'addAlias':
      connections.addAlias(order.id, order.port);
      break;
  }
}
