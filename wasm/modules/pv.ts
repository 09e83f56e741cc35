/**
 * KSR.pv.get and its kin, with PV names already numbers, and the PVs that have a getter here. A getter is an export without arguments that returns an xval; the
 * runtime puts it into the table and tells its index (pvSetGetter). PVs without one are asked from TypeScript. What a PV has in common with a function of
 * KSR.kx is that function: $ru is kxGetRuri.
 */
import {
  H_BODY,
  HDR_CSEQ,
  M_BODY,
  M_BUF,
  M_ID,
  M_KIND,
  M_LEN,
  M_PROTO,
  M_REASON,
  M_STATUS,
  X_INT,
  X_LONG,
  X_NULL,
  X_STR,
} from '../gen/layout.gen';
import { pvGet as askHost } from '../host/host';
import { byte, DIGIT_0, QUOTE } from '../mem/bytes';
import { MSG, RET } from '../mem/state';
import { ADDR_DISPLAY, ADDR_TAG } from '../sip/name-addr';
import { hdrGet } from './hdr';
import {
  firstHeader,
  fromPart,
  int,
  methodOf,
  methodText,
  orEmpty,
  orNullText,
  protoText,
  REPLY,
  str,
  toPart,
} from './value';

/** numbers up to here may have a getter */
const MAX_GETTERS: u32 = 4096;
/** u32 table index by PV number, 0 none */
const GETTERS: usize = memory.data(16388, 16);
/** geti asks: $rm and $proto, which have a number besides their text, give that */
let wantNumber: bool = false;

/** in GETTERS: the PV is $hdr(name), the name is in NAMES */
const HEADER: u32 = 0xffffffff;
/** by PV number: u32 address of a header name, u32 its length */
const NAMES: usize = memory.data(32776, 16);

/** PV number `id` is $hdr(name). BORROWED: the name must stay. @param id 1..4096, others are ignored */
export function pvSetHeader(id: u32, at: usize, length: i32): void {
  if (id - 1 >= MAX_GETTERS) return;
  store<u32>(GETTERS + ((<usize>id) << 2), HEADER);
  store<u32>(NAMES + ((<usize>id) << 3), <u32>at);
  store<u32>(NAMES + ((<usize>id) << 3), length, 4);
}

/** Gives PV number `id` its getter. @param id 1..4096, others are ignored @param index in the shared table, 0 takes it away */
export function pvSetGetter(id: u32, index: u32): void {
  if (id - 1 < MAX_GETTERS) store<u32>(GETTERS + ((<usize>id) << 2), index);
}

/** Value of PV `id`. @returns X_* tag; X_NULL for number 0, which stands for a name that is no PV */
export function pvGetById(id: u32): i32 {
  // Without a message there is nothing to get: TypeScript knows which PVs can do without.
  if (MSG && id - 1 < MAX_GETTERS) {
    const index = load<u32>(GETTERS + ((<usize>id) << 2));
    if (index == HEADER) {
      const name = NAMES + ((<usize>id) << 3);
      return hdrGet(<usize>load<u32>(name), load<i32>(name, 4));
    }
    if (index) return call_indirect<i32>(index);
  }
  return id ? askHost(id) : X_NULL;
}

/** As pvGetById, '' in place of null. */
export function pvGete(id: u32): i32 {
  return orEmpty(pvGetById(id));
}

/** As pvGetById, "<null>" in place of null. */
export function pvGetw(id: u32): i32 {
  return orNullText(pvGetById(id));
}

/** As pvGetById, the string given in place of null. */
export function pvGetvs(id: u32, at: usize, length: i32): i32 {
  const tag = pvGetById(id);
  return tag == X_NULL ? str(at, length) : tag;
}

/** As pvGetById, the number given in place of null. */
export function pvGetvn(id: u32, value: i32): i32 {
  const tag = pvGetById(id);
  return tag == X_NULL ? int(value) : tag;
}

/** @returns the value as a number: of a string its leading decimal digits with a sign, kept inside 32 bits; 0 when there are none, or for null */
export function pvGeti(id: u32): i32 {
  wantNumber = true;
  const tag = pvGetById(id);
  wantNumber = false;
  if (tag == X_INT || tag == X_LONG) return load<i32>(RET);
  if (tag != X_STR) return 0;
  return leadingNumber(<usize>load<u32>(RET), load<i32>(RET + 4));
}

const PLUS: i32 = 43;
const MINUS: i32 = 45;

function leadingNumber(at: usize, length: i32): i32 {
  const end = at + length;
  let minus = false;
  if (at < end && (byte(at) == MINUS || byte(at) == PLUS)) minus = byte(at++) == MINUS;
  let value: i64 = 0;
  while (at < end) {
    const digit = byte(at++) - DIGIT_0;
    if (<u32>digit > 9) break;
    value = value * 10 + digit;
    if (value > i32.MAX_VALUE) return minus ? i32.MIN_VALUE : i32.MAX_VALUE;
  }
  return <i32>(minus ? -value : value);
}

/** @returns 1 when the value is null or the name is no PV, else 0 */
export function pvIsNull(id: u32): i32 {
  return <i32>(pvGetById(id) == X_NULL);
}

/** Kamailio's method bits by METHOD_*, as exponents of 2: what geti("$rm") gives; 19 for unknown methods */
const METHOD_BITS: usize = memory.data<u8>([19, 0, 2, 1, 3, 5, 9, 6, 7, 8, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18]);

/** $rm: method; of a reply CSeq's */
export function pvRm(): i32 {
  if (wantNumber) return int(1 << (<i32>load<u8>(METHOD_BITS + <usize>methodOf(MSG))));
  return methodText(MSG);
}

/** $proto, $pr: transport the message came over */
export function pvProto(): i32 {
  return wantNumber ? int(<i32>load<u8>(MSG + M_PROTO)) : protoText(MSG);
}

/** A tag without the quotes that some put round it, null when it is empty. @param tag X_* of the value in RET */
function unquoted(tag: i32): i32 {
  if (tag != X_STR) return tag;
  const at = <usize>load<u32>(RET);
  const length = load<i32>(RET + 4);
  if (length < 2 || byte(at) != QUOTE || byte(at + length - 1) != QUOTE) return tag;
  return length > 2 ? str(at + 1, length - 2) : X_NULL;
}

/** $ft: From tag */
export function pvFt(): i32 {
  return unquoted(fromPart(MSG, ADDR_TAG));
}

/** $fn: From display name, quotes kept */
export function pvFn(): i32 {
  return fromPart(MSG, ADDR_DISPLAY);
}

/** $tt: To tag */
export function pvTt(): i32 {
  return unquoted(toPart(MSG, ADDR_TAG));
}

/** $tn: To display name, quotes kept */
export function pvTn(): i32 {
  return toPart(MSG, ADDR_DISPLAY);
}

/** $rs: status of a reply, null in a request */
export function pvRs(): i32 {
  return load<u8>(MSG + M_KIND) == REPLY ? int(<i32>load<u16>(MSG + M_STATUS)) : X_NULL;
}

/** $rr: reason phrase of a reply, null in a request */
export function pvRr(): i32 {
  if (load<u8>(MSG + M_KIND) != REPLY) return X_NULL;
  const p = load<u32>(MSG + M_REASON);
  return str(<usize>load<u32>(MSG + M_BUF) + <usize>(p & 0xffff), <i32>(p >> 16));
}

/** $cs: number of CSeq, digits as received */
export function pvCs(): i32 {
  const h = firstHeader(MSG, HDR_CSEQ);
  if (!h) return X_NULL;
  const p = load<u32>(h + H_BODY);
  const at = <usize>load<u32>(MSG + M_BUF) + <usize>(p & 0xffff);
  let end = at;
  while (end < at + <usize>(p >> 16) && <u32>(byte(end) - DIGIT_0) <= 9) end++;
  return end > at ? str(at, <i32>(end - at)) : X_NULL;
}

/** $rb: body, '' when there is none */
export function pvRb(): i32 {
  const at = <usize>load<u16>(MSG + M_BODY);
  return str(<usize>load<u32>(MSG + M_BUF) + at, load<i32>(MSG + M_LEN) - <i32>at);
}

/** $ml: length of the message in bytes */
export function pvMl(): i32 {
  return int(load<i32>(MSG + M_LEN));
}

/** $mi: number of the message */
export function pvMi(): i32 {
  return int(load<i32>(MSG + M_ID));
}
