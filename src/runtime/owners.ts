/**
 * Which of the runtimes that serve the same addresses has the transaction of a message. The kernel spreads datagrams by the addresses they come from: what one
 * peer sends comes to one runtime, but the answer of the next hop may come to another than the one that waits for it, and a request that comes again from another
 * port, too. Answers say in our branch whose they are; for requests there is a shared table, with the keys that tm itself uses.
 */
import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import { ownersOf, type SharedOwners } from '../kemi/shared/owners.ts';
import type { Shared } from '../kemi/shared/shared.ts';
import type { RuntimeOptions, Source } from './options.ts';

export class Owners {
  readonly #core: Core;
  readonly #worker: number;
  readonly #owners: SharedOwners;
  readonly #workers: number;
  readonly #handOver: NonNullable<RuntimeOptions['handOver']>;

  constructor(core: Core, shared: Shared, handOver: NonNullable<RuntimeOptions['handOver']>) {
    this.#core = core;
    this.#worker = shared.worker;
    this.#workers = shared.workers;
    this.#owners = ownersOf(shared);
    this.#handOver = handOver;
  }

  /** Gives a message that passed the core's checks to whom it belongs. @returns whether it went away */
  take(at: number, bytes: Uint8Array, from: Source, socket: number): boolean {
    if (from.handedOver) return false;
    const owner = this.#ownerOf(at);
    if (owner < 0 || owner === this.#worker || owner >= this.#workers) return false;
    this.#handOver(owner, bytes, from, socket);
    return true;
  }

  /** @returns -1: nobody */
  #ownerOf(at: number): number {
    const { x, mem } = this.#core;
    if (mem.u8[at + L.M_KIND] !== 1) return x.tmReplyWorker(at);
    const method = mem.u8[at + L.M_METHOD]!;
    const owner = this.#at(x.tmRequestKey(at));
    if (owner >= 0 || method !== L.METHOD_ACK) return owner;
    return this.#at(x.tmDialogKey(at));
  }

  #at(key: number): number {
    return key ? this.#owners.of(this.#core.mem.str(key, 8)) : -1;
  }
}
