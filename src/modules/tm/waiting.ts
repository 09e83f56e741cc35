/** Requests that wait in a suspended route and have no transaction yet: one that comes again meanwhile is known by this. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost } from '../../kemi/host.ts';

export class Waiting {
  readonly #host: ModuleHost;
  /** how many wait, by what makes a request the same */
  readonly #count = new Map<ByteStr, number>();
  /** addresses of those that are counted */
  readonly #messages = new Set<number>();

  constructor(host: ModuleHost) {
    this.#host = host;
  }

  /** A request route without a transaction began to wait. */
  add(msg: SipMsg): void {
    const key = keyOf(msg);
    this.#count.set(key, (this.#count.get(key) ?? 0) + 1);
    this.#messages.add(msg.at);
    this.#host.core.x.tmWaiting(1);
  }

  /** It ended. Nothing happens when it was not added. */
  remove(msg: SipMsg): void {
    if (!this.#messages.delete(msg.at)) return;
    const key = keyOf(msg);
    const left = this.#count.get(key)! - 1;
    if (left) this.#count.set(key, left);
    else this.#count.delete(key);
    this.#host.core.x.tmWaiting(-1);
  }

  has(msg: SipMsg): boolean {
    return this.#count.has(keyOf(msg));
  }
}

/** What a request and its retransmission have in common. */
function keyOf(msg: SipMsg): ByteStr {
  return `${msg.via?.branch ?? ''} ${msg.callId} ${msg.cseq?.number} ${msg.method} ${msg.from?.tag}`;
}
