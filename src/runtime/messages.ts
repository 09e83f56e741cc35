/** The messages that are alive, as TypeScript modules see them: a wrapper and a per-message store are made when somebody asks. */
import type { Core } from '../core/load.ts';
import { SipMsg } from '../core/sip-msg.ts';

/** What there is of the message at one address: kept for the next one there. */
interface Live {
  msg: SipMsg | undefined;
  perMessage: Map<unknown, unknown> | undefined;
}

export class Messages {
  readonly #core: Core;
  /** asked for by nearly every function: finding it among the core's exports costs as much as its call */
  readonly #currentMsg: () => number;
  readonly #free: (at: number) => number;
  /**
   * By address, of which there are as many as there are slots. A message that is gone leaves its entry, emptied: deleting makes V8 build the table anew for
   * every message, and the old tables, linked to the new ones, outlive all collections but the big one (1 MB in 13,000 messages).
   */
  readonly #live = new Map<number, Live>();
  /** the entry asked for last, and its address, 0 when there is none: most messages are gone before another one is asked for */
  #lastAt = 0;
  #last: Live | undefined;
  /** store for code that runs with no message: load time, timers */
  readonly #none = new Map<unknown, unknown>();

  constructor(core: Core) {
    this.#core = core;
    this.#currentMsg = core.x.currentMsg;
    this.keep = core.x.msgKeep;
    this.#free = core.x.msgFree;
  }

  /** The message being routed, undefined outside of a route. */
  get current(): SipMsg | undefined {
    const at = this.#currentMsg();
    if (at === this.#lastAt && this.#last?.msg) return this.#last.msg;
    return at ? this.at(at) : undefined;
  }

  /** What modules keep with the current message. */
  get perMessage(): Map<unknown, unknown> {
    return this.makeStore(this.#currentMsg());
  }

  /** What modules keep with a message; undefined when that is nothing yet. */
  readonly storeOf = (at: number): Map<unknown, unknown> | undefined => (at ? this.#entry(at).perMessage : this.#none);

  /** The same, made when there is none. */
  readonly makeStore = (at: number): Map<unknown, unknown> =>
    at ? (this.#entry(at).perMessage ??= new Map()) : this.#none;

  /** The message at an address. */
  readonly at = (at: number): SipMsg => (this.#entry(at).msg ??= new SipMsg(this.#core, at));

  #entry(at: number): Live {
    if (at === this.#lastAt) return this.#last!;
    let live = this.#live.get(at);
    if (live === undefined) this.#live.set(at, (live = { msg: undefined, perMessage: undefined }));
    this.#lastAt = at;
    this.#last = live;
    return live;
  }

  /** One more owner: the message lives until each has released it. */
  readonly keep: (at: number) => void;

  /** One owner lets go; with the last one the message's memory goes back, and its handle is stale from then on. */
  readonly release = (at: number): void => {
    if (!this.#free(at)) return;
    const live = at === this.#lastAt ? this.#last : this.#live.get(at);
    if (live === undefined) return;
    live.msg = undefined;
    live.perMessage = undefined;
  };

  /** messages alive in the core */
  get count(): number {
    return this.#core.x.msgLive();
  }
}
