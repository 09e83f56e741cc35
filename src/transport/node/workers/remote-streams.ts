/** Connections as workers see them that have none: those of TCP are the first worker's, and what goes out by them goes through it. */
import type { MessagePort } from 'node:worker_threads';
import type { SendHow } from '../../../kemi/host.ts';
import type { FromWorker } from './protocol.ts';

/** A connection that could not be made is told within the time that one may take; later nobody asks. */
const KEPT_MS = 60_000;

export class RemoteStreams {
  readonly #port: MessagePort;
  readonly #lost = new Map<number, { readonly fn: () => void; readonly atMs: number }>();
  #next = 1;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** COPIED. @returns true: that nothing left is told later, by `how.lost` */
  send(socket: number, bytes: Uint8Array, ip: string, port: number, how: SendHow = {}): boolean {
    const { connection = 0, noConnect = false, close = false, lost } = how;
    const message: FromWorker = {
      is: 'send',
      socket,
      bytes: bytes.slice(),
      ip,
      port,
      connection,
      noConnect,
      close,
      lost: lost ? this.#keep(lost) : 0,
    };
    this.#port.postMessage(message);
    return true;
  }

  lost(id: number): void {
    const entry = this.#lost.get(id);
    this.#lost.delete(id);
    entry?.fn();
  }

  #keep(fn: () => void): number {
    const atMs = performance.now();
    for (const [id, entry] of this.#lost) {
      if (atMs - entry.atMs < KEPT_MS) break;
      this.#lost.delete(id);
    }
    const id = this.#next++;
    this.#lost.set(id, { fn, atMs });
    return id;
  }
}
