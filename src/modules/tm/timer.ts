/**
 * Timers of transactions: a hashed wheel over one timer of the host, which runs only while something is pending. A call has about ten of them, nearly all of
 * which are stopped before they end, so starting and stopping must cost next to nothing: what has a timer is a node itself and is linked in place.
 */
import type { ModuleHost, Timer } from '../../kemi/host.ts';

/** @typeParam M what its owner's timers ask of the module */
export abstract class TimerNode<M> {
  next: TimerNode<M> | undefined = undefined;
  prev: TimerNode<M> | undefined = undefined;
  /** tick at which it ends */
  tick = 0;

  /** the node is off the wheel when this is called, and may be started again */
  abstract onTimer(machine: M): void;
}

/** Where a slot's nodes begin and end: never due itself. */
class Head<M> extends TimerNode<M> {
  onTimer(): void {}
}

export const TICK_MS = 50;
/** one turn is 25.6 s; longer timers go round again */
const SLOTS = 512;

export class TimerWheel<M> {
  readonly #host: ModuleHost;
  readonly #machine: M;
  readonly #slots: TimerNode<M>[] = [];
  #count = 0;
  #tick = 0;
  #timer: Timer | undefined;

  constructor(host: ModuleHost, machine: M) {
    this.#host = host;
    this.#machine = machine;
    for (let i = 0; i < SLOTS; i++) {
      const head = new Head<M>();
      head.next = head.prev = head;
      this.#slots.push(head);
    }
  }

  /** timers that have not ended */
  get count(): number {
    return this.#count;
  }

  /** (Re)starts a node. @param ms 0 or more; it ends at the first tick at or behind that time @param now host.monotonic(), for who has asked already */
  start(node: TimerNode<M>, ms: number, now: number = this.#host.monotonic()): void {
    if (node.next) this.#unlink(node);
    if (!this.#timer) {
      this.#tick = Math.floor(now / TICK_MS);
      this.#timer = this.#host.every(TICK_MS, () => this.#turn());
    }
    node.tick = Math.max(Math.ceil((now + ms) / TICK_MS), this.#tick + 1);
    const head = this.#slots[node.tick % SLOTS]!;
    const last = head.prev!;
    node.prev = last;
    node.next = head;
    last.next = node;
    head.prev = node;
    this.#count++;
  }

  stop(node: TimerNode<M>): void {
    if (node.next) this.#unlink(node);
  }

  /** Stops the host's timer; nodes stay where they are. */
  dispose(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #unlink(node: TimerNode<M>): void {
    node.prev!.next = node.next;
    node.next!.prev = node.prev;
    node.next = node.prev = undefined;
    this.#count--;
  }

  #turn(): void {
    const target = Math.floor(this.#host.monotonic() / TICK_MS);
    // A clock that jumped (a suspended machine): one turn visits all.
    if (target - this.#tick > SLOTS) this.#tick = target - SLOTS;
    while (this.#tick < target) {
      this.#tick++;
      const head = this.#slots[this.#tick % SLOTS]!;
      let due: TimerNode<M>[] | undefined;
      for (let node = head.next!; node !== head; node = node.next!)
        if (node.tick <= target) {
          due ??= [];
          due.push(node);
        }
      if (due)
        for (const node of due) {
          // an earlier one of this tick may have stopped it, or started it anew
          if (!node.next || node.tick > target) continue;
          this.#unlink(node);
          try {
            node.onTimer(this.#machine);
          } catch (error) {
            this.#host.log.error({ err: error }, 'A transaction timer failed');
          }
        }
    }
    if (this.#count === 0) this.dispose();
  }
}
