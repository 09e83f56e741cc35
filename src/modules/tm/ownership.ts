/** Tells the other workers which transactions this one has, so that they hand over what belongs to them. */
import type { ModuleHost } from '../../kemi/host.ts';
import { ownersOf, type SharedOwners, watchOwners } from '../../kemi/shared/owners.ts';
import type { Shared } from '../../kemi/shared/shared.ts';

export class Ownership {
  readonly #host: ModuleHost;
  readonly #owners: SharedOwners;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(host: ModuleHost, shared: Shared) {
    this.#host = host;
    this.#owners = ownersOf(shared);
    watchOwners(shared);
  }

  /**
   * The transaction of this number is ours.
   * @param dialog 1: what an ACK to a 2xx of ours finds it by  @returns false when another worker made it at the same moment
   */
  claim(number: number, dialog: 0 | 1): boolean {
    const { x, mem } = this.#host.core;
    const key: number = x.tmKeyOf(number, dialog);
    if (!key) return true;
    const claim = this.#owners.claim(mem.str(key, 8));
    if (claim === 'full') this.#complain();
    return claim !== 'others';
  }

  /** The transaction is about to go; its keys are still known. */
  drop(number: number): void {
    const { x, mem } = this.#host.core;
    for (let dialog = 0; dialog < 2; dialog++) {
      const key: number = x.tmKeyOf(number, dialog);
      if (key) this.#owners.drop(mem.str(key, 8));
    }
  }

  /** Once a second, not once a request. */
  #complain(): void {
    const now = this.#host.monotonic();
    if (now - this.#complainedMs < 1000) return;
    this.#complainedMs = now;
    this.#host.log.error(
      {},
      'Cannot tell the other workers of a transaction: the memory that workers share is full; --limits shared=MiB makes it larger',
    );
  }
}
