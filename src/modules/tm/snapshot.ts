/** What a script changes of a request, so that a route's changes can be taken back: edits only grow, so their number is all it takes. */
import * as L from '../../core/gen/layout.gen.ts';
import type { Memory } from '../../core/memory.ts';

export class Snapshot {
  readonly #edits: number;
  readonly #uri: number;
  readonly #uriLength: number;
  readonly #dst: number;
  readonly #dstLength: number;
  readonly #socket: number;
  readonly #branchFlags: number;
  readonly #replyLines: number;

  constructor(mem: Memory, at: number) {
    const { view } = mem;
    this.#edits = view.getUint16(at + L.M_NEDITS, true);
    this.#replyLines = view.getUint16(at + L.M_NLUMPS, true);
    this.#uri = view.getUint32(at + L.M_NEWURI, true);
    this.#uriLength = view.getUint32(at + L.M_NEWURI + 4, true);
    this.#dst = view.getUint32(at + L.M_DSTURI, true);
    this.#dstLength = view.getUint32(at + L.M_DSTURI + 4, true);
    this.#socket = view.getUint16(at + L.M_FSOCK, true);
    this.#branchFlags = view.getUint32(at + L.M_BFLAGS, true);
  }

  /** whether the request URI, or the destination, is another now */
  moved(mem: Memory, at: number): boolean {
    return mem.u32(at + L.M_NEWURI) !== this.#uri || mem.u32(at + L.M_DSTURI) !== this.#dst;
  }

  restore(mem: Memory, at: number): void {
    const { view } = mem;
    view.setUint16(at + L.M_NEDITS, this.#edits, true);
    view.setUint16(at + L.M_NLUMPS, this.#replyLines, true);
    this.restoreTarget(mem, at);
  }

  /** Request URI, destination, socket and branch flags; edits stay. */
  restoreTarget(mem: Memory, at: number): void {
    const { view } = mem;
    view.setUint32(at + L.M_NEWURI, this.#uri, true);
    view.setUint32(at + L.M_NEWURI + 4, this.#uriLength, true);
    view.setUint32(at + L.M_DSTURI, this.#dst, true);
    view.setUint32(at + L.M_DSTURI + 4, this.#dstLength, true);
    view.setUint16(at + L.M_FSOCK, this.#socket, true);
    view.setUint32(at + L.M_BFLAGS, this.#branchFlags, true);
    view.setUint32(at + L.M_DONE, view.getUint32(at + L.M_DONE, true) & ~L.D_NURI, true);
  }
}
