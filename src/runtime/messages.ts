/** The messages that are alive, as TypeScript modules see them: a wrapper and a per-message store are made when somebody asks. */
import type { Core } from '../core/load.ts';
import { SipMsg } from '../core/sip-msg.ts';

interface Live {
  readonly msg: SipMsg;
  perMessage: Map<unknown, unknown> | undefined;
}

export class Messages {
  readonly #core: Core;
  /**
   * By address, of which there are as many as there are slots. A message that is gone leaves its key: deleting makes V8 build the table anew for every
   * message, and the old tables, linked to the new ones, outlive all collections but the big one (1 MB in 13,000 messages).
   */
  readonly #live = new Map<number, Live | undefined>();
  /** the message asked for last, and its address; 0 when it is gone */
  #lastAt = 0;
  #last!: Live;
  /** store for code that runs with no message: load time, timers */
  readonly #none = new Map<unknown, unknown>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** The message being routed, undefined outside of a route. */
  get current(): SipMsg | undefined {
    const at = this.#core.x.currentMsg();
    return at ? this.at(at).msg : undefined;
  }

  /** What modules keep with the current message. */
  get perMessage(): Map<unknown, unknown> {
    return this.makeStore(this.#core.x.currentMsg());
  }

  /** What modules keep with a message; undefined when that is nothing yet. */
  storeOf(at: number): Map<unknown, unknown> | undefined {
    return at ? this.#live.get(at)?.perMessage : this.#none;
  }

  /** The same, made when there is none. */
  makeStore(at: number): Map<unknown, unknown> {
    if (!at) return this.#none;
    const live = this.at(at);
    live.perMessage ??= new Map();
    return live.perMessage;
  }

  at(at: number): Live {
    if (at === this.#lastAt) return this.#last;
    let live = this.#live.get(at);
    if (!live) {
      live = { msg: new SipMsg(this.#core, at), perMessage: undefined };
      this.#live.set(at, live);
    }
    this.#lastAt = at;
    this.#last = live;
    return live;
  }

  /** One more owner: the message lives until each has released it. */
  keep(at: number): void {
    this.#core.x.msgKeep(at);
  }

  /** One owner lets go; with the last one the message's memory goes back, and its handle is stale from then on. */
  release(at: number): void {
    if (!this.#core.x.msgFree(at)) return;
    if (at === this.#lastAt) this.#lastAt = 0;
    if (this.#live.get(at)) this.#live.set(at, undefined);
  }

  /** messages alive in the core */
  get count(): number {
    return this.#core.x.msgLive();
  }
}
