/** The messages that are alive, as TypeScript modules see them: a wrapper and a per-message store are made when somebody asks. */
import type { Core } from '../core/load.ts';
import { SipMsg } from '../core/sip-msg.ts';

interface Live {
  readonly msg: SipMsg;
  perMessage: Map<unknown, unknown> | undefined;
}

export class Messages {
  readonly #core: Core;
  /** asked for by nearly every function: finding it among the core's exports costs as much as its call */
  readonly #currentMsg: () => number;
  /**
   * By address, of which there are as many as there are slots; but for the one in #last. A message that is gone leaves its key: deleting makes V8 build the
   * table anew for every message, and the old tables, linked to the new ones, outlive all collections but the big one (1 MB in 13,000 messages).
   */
  readonly #others = new Map<number, Live | undefined>();
  /** how many of them are alive */
  #otherCount = 0;
  /** the message asked for last, and its address, 0 when there is none: most messages are gone before another one is asked for */
  #lastAt = 0;
  #last: Live | undefined;
  /** store for code that runs with no message: load time, timers */
  readonly #none = new Map<unknown, unknown>();

  constructor(core: Core) {
    this.#core = core;
    this.#currentMsg = core.x.currentMsg;
  }

  /** The message being routed, undefined outside of a route. */
  get current(): SipMsg | undefined {
    const at = this.#currentMsg();
    return at ? this.at(at).msg : undefined;
  }

  /** What modules keep with the current message. */
  get perMessage(): Map<unknown, unknown> {
    return this.makeStore(this.#currentMsg());
  }

  /** What modules keep with a message; undefined when that is nothing yet. */
  storeOf(at: number): Map<unknown, unknown> | undefined {
    if (!at) return this.#none;
    return (at === this.#lastAt ? this.#last : this.#others.get(at))?.perMessage;
  }

  /** The same, made when there is none. */
  makeStore(at: number): Map<unknown, unknown> {
    if (!at) return this.#none;
    const live = this.at(at);
    live.perMessage ??= new Map();
    return live.perMessage;
  }

  at(at: number): Live {
    if (at === this.#lastAt) return this.#last!;
    if (this.#last) {
      this.#others.set(this.#lastAt, this.#last);
      this.#otherCount++;
    }
    const live = this.#take(at) ?? { msg: new SipMsg(this.#core, at), perMessage: undefined };
    this.#lastAt = at;
    this.#last = live;
    return live;
  }

  /** Takes a message out of the others. */
  #take(at: number): Live | undefined {
    const live = this.#otherCount > 0 ? this.#others.get(at) : undefined;
    if (!live) return undefined;
    this.#others.set(at, undefined);
    this.#otherCount--;
    return live;
  }

  /** One more owner: the message lives until each has released it. */
  keep(at: number): void {
    this.#core.x.msgKeep(at);
  }

  /** One owner lets go; with the last one the message's memory goes back, and its handle is stale from then on. */
  release(at: number): void {
    if (!this.#core.x.msgFree(at)) return;
    if (at !== this.#lastAt) {
      this.#take(at);
      return;
    }
    this.#lastAt = 0;
    this.#last = undefined;
  }

  /** messages alive in the core */
  get count(): number {
    return this.#core.x.msgLive();
  }
}
