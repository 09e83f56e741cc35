/** Sets of methods as Kamailio numbers them, in Allow headers and `methods` parameters. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { ALL_METHODS } from '../usrloc/api.ts';

/** bit of a method that has none of its own */
const OTHER = 1 << 19;
const BITS = new Map(
  'INVITE CANCEL ACK BYE INFO REGISTER SUBSCRIBE NOTIFY MESSAGE OPTIONS PRACK UPDATE REFER PUBLISH KDMQ GET POST PUT DELETE'
    .split(' ')
    .map((name, i) => [name, 1 << i]),
);
/** headers seen last, with their sets: phones send few different ones */
const MAX_CACHED = 64;

export function methodBit(method: ByteStr): number {
  return BITS.get(method) ?? OTHER;
}

/** The set that a comma-separated list stands for. */
export function methodSet(text: ByteStr): number {
  let set = 0;
  for (const name of text.split(',')) {
    const method = name.trim();
    if (method) set |= methodBit(method);
  }
  return set;
}

/** Sets of Allow headers, remembered by their text. One for each runtime. */
export class AllowSets {
  readonly #sets = new Map<ByteStr, number>();

  /** As of() for a message with one Allow header; what it says is remembered by the core. */
  learn(msg: SipMsg): number {
    const { mem } = msg;
    const set = this.of(msg);
    const h = msg.at + L.MSG_HDRS + (mem.u8[msg.at + L.M_FIRST + L.HDR_ALLOW]! - 1) * L.HDR_SIZE;
    msg.core.x.registerAllow(msg.buf + mem.u16(h + L.H_BODY), mem.u16(h + L.H_BODY + 2), set);
    return set;
  }

  /** @returns ALL_METHODS when there is no Allow */
  of(msg: SipMsg): number {
    const first = msg.mem.u8[msg.at + L.M_FIRST + L.HDR_ALLOW]!;
    if (first === 0) return ALL_METHODS;
    let set = 0;
    for (let i = first - 1, n = msg.headerCount; i < n; i++) {
      const h = msg.at + L.MSG_HDRS + i * L.HDR_SIZE;
      if (msg.mem.u8[h + L.H_ID] !== L.HDR_ALLOW) continue;
      set |= this.#parsed(msg.slice(msg.mem.u16(h + L.H_BODY), msg.mem.u16(h + L.H_BODY + 2)));
    }
    return set;
  }

  #parsed(text: ByteStr): number {
    let set = this.#sets.get(text);
    if (set === undefined) {
      set = methodSet(text);
      if (this.#sets.size >= MAX_CACHED) this.#sets.clear();
      this.#sets.set(text, set);
    }
    return set;
  }
}
