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
    this.#edits = mem.u16(at + L.M_NEDITS);
    this.#replyLines = mem.u16(at + L.M_NLUMPS);
    this.#uri = mem.u32(at + L.M_NEWURI);
    this.#uriLength = mem.u32(at + L.M_NEWURI + 4);
    this.#dst = mem.u32(at + L.M_DSTURI);
    this.#dstLength = mem.u32(at + L.M_DSTURI + 4);
    this.#socket = mem.u16(at + L.M_FSOCK);
    this.#branchFlags = mem.u32(at + L.M_BFLAGS);
  }

  /** whether the request URI, or the destination, is another now */
  moved(mem: Memory, at: number): boolean {
    return mem.u32(at + L.M_NEWURI) !== this.#uri || mem.u32(at + L.M_DSTURI) !== this.#dst;
  }

  restore(mem: Memory, at: number): void {
    mem.setU16(at + L.M_NEDITS, this.#edits);
    mem.setU16(at + L.M_NLUMPS, this.#replyLines);
    this.restoreTarget(mem, at);
  }

  /** Request URI, destination, socket and branch flags; edits stay. */
  restoreTarget(mem: Memory, at: number): void {
    mem.setU32(at + L.M_NEWURI, this.#uri);
    mem.setU32(at + L.M_NEWURI + 4, this.#uriLength);
    mem.setU32(at + L.M_DSTURI, this.#dst);
    mem.setU32(at + L.M_DSTURI + 4, this.#dstLength);
    mem.setU16(at + L.M_FSOCK, this.#socket);
    mem.setU32(at + L.M_BFLAGS, this.#branchFlags);
    mem.setU32(at + L.M_DONE, mem.u32(at + L.M_DONE) & ~L.D_NURI);
  }
}
