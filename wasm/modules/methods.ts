/** Sets of methods as Kamailio numbers them: what Allow says is stored with a contact, and lookup() looks at it. */
import { H_BODY, H_ID, HDR_ALLOW, M_BUF, M_FIRST, M_NHDR } from '../gen/layout.gen';
import { byte, COMMA, equalBytes, find1, skipWs, trimEnd } from '../mem/bytes';
import { headerAt } from '../sip/header-index';
import { methodId } from '../sip/method';

/** number of the bit of each METHOD_*; that of 0 stands for all methods that have none of their own */
const BITS: usize = memory.data<u8>([19, 0, 2, 1, 3, 5, 9, 6, 7, 8, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
/** set of a message without Allow */
const ALL_METHODS: i32 = -1;

// ---- the list read last, and its set: phones of one kind send the same
const MAX_KEPT: i32 = 512;
const KEPT: usize = memory.data(512, 16);
let keptLength: i32 = -1;
let keptSet: i32 = 0;

/** @returns the bit of a METHOD_* */
export function methodBit(id: i32): i32 {
  return 1 << byte(BITS + <usize>id);
}

/** @returns the set that a comma-separated list of methods stands for. Empty ones in the list are passed over */
export function methodSet(at: usize, length: i32): i32 {
  if (length == keptLength && equalBytes(at, KEPT, length)) return keptSet;
  let set = 0;
  for (let p = at, end = at + <usize>length; p < end; ) {
    const comma = find1(p, end, <u8>COMMA);
    p = skipWs(p, comma);
    const name = <i32>(trimEnd(p, comma) - p);
    if (name > 0) set |= methodBit(methodId(p, name));
    p = comma + 1;
  }
  if (<u32>length <= <u32>MAX_KEPT) {
    memory.copy(KEPT, at, length);
    keptLength = length;
    keptSet = set;
  }
  return set;
}

/** @returns the set of all Allow headers of a message; -1, which is every method, when it has none */
export function allowedMethods(msg: usize): i32 {
  const first = byte(msg + M_FIRST + HDR_ALLOW);
  if (!first) return ALL_METHODS;
  const buf = <usize>load<u32>(msg + M_BUF);
  let set = 0;
  for (let i = first - 1, count = byte(msg + M_NHDR); i < count; i++) {
    const h = headerAt(msg, i);
    if (byte(h + H_ID) == HDR_ALLOW)
      set |= methodSet(buf + <usize>load<u16>(h + H_BODY), <i32>load<u16>(h + H_BODY + 2));
  }
  return set;
}
