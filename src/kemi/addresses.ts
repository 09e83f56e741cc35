/** Addresses of Contact, Route and their like with the place at which they stand, for those who change them. */
import * as L from '../core/gen/layout.gen.ts';
import type { ByteStr } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';

/** offsets in the core's address area (wasm/sip/name-addr.ts): the pair of the URI, the end of the address */
const AREA_URI = 4;
const AREA_END = 16;
const OPEN = 0x3c;

export interface Address {
  /** position of its header */
  readonly header: number;
  /** offsets in the message: its first byte; the byte behind the last one, header parameters included */
  readonly start: number;
  readonly end: number;
  /** `*` for the Contact that means all */
  readonly uri: ByteStr;
  readonly uriAt: number;
  /** the URI stands in angle brackets */
  readonly bracketed: boolean;
}

/** All addresses of one header. @returns undefined when one does not parse, or there is none */
export function addressesIn(msg: SipMsg, header: number): Address[] | undefined {
  const { core, mem, buf } = msg;
  const area = core.x.scratchArea();
  const out: Address[] = [];
  const at = msg.at + L.MSG_HDRS + header * L.HDR_SIZE;
  const id = mem.u8[at + L.H_ID]!;
  let start = mem.u16(at + L.H_BODY);
  const bodyEnd = start + mem.u16(at + L.H_BODY + 2);
  for (let cursor = header << 16; start < bodyEnd; ) {
    cursor = core.x.nextAddr(msg.at, id, cursor, area);
    if (cursor <= 0) return undefined;
    const uriAt = mem.u16(area + AREA_URI);
    const comma = cursor >> 16 === header;
    let end = comma ? (cursor & 0xffff) - 1 : mem.u16(area + AREA_END);
    while (end > start && isBlank(mem.u8[buf + end - 1]!)) end--;
    out.push({
      header,
      start,
      end,
      uri: mem.str(buf + uriAt, mem.u16(area + AREA_URI + 2)),
      uriAt,
      bracketed: uriAt > 0 && mem.u8[buf + uriAt - 1] === OPEN,
    });
    if (!comma) return out;
    start = cursor & 0xffff;
    while (start < bodyEnd && isBlank(mem.u8[buf + start]!)) start++;
  }
  return undefined;
}

/** All addresses of the headers with this id. @param id L.HDR_*  @returns undefined when one does not parse; an empty list when there is no such header */
export function addressesOf(msg: SipMsg, id: number): Address[] | undefined {
  const out: Address[] = [];
  for (const header of headersWith(msg, id)) {
    const some = addressesIn(msg, header);
    if (!some) return undefined;
    out.push(...some);
  }
  return out;
}

/** positions of the headers with this id */
export function headersWith(msg: SipMsg, id: number): number[] {
  const { mem, at } = msg;
  const out: number[] = [];
  const first = mem.u8[at + L.M_FIRST + id]!;
  if (first)
    for (let i = first - 1, n = msg.headerCount; i < n; i++)
      if (mem.u8[at + L.MSG_HDRS + i * L.HDR_SIZE + L.H_ID] === id) out.push(i);
  return out;
}

/**
 * What fix_nated_contact() or set_contact_alias() put in place of a URI: registrar stores that. The message keeps its bytes, so nobody else sees it before it
 * is written.
 * @param at offset of the URI in the message  @returns undefined when nothing was put there
 */
export function rewrittenUri(msg: SipMsg, at: number, length: number): ByteStr | undefined {
  const { mem } = msg;
  for (let n = mem.u16(msg.at + L.M_NEDITS), e = mem.u32(msg.at + L.M_EDITS); n > 0; n--, e += L.EDIT_SIZE) {
    if (mem.u32(e + L.E_OFF) !== at || mem.u32(e + L.E_DEL) !== length || mem.u32(e + L.E_KIND) !== L.EK_REPLACE)
      continue;
    const text = mem.str(mem.u32(e + L.E_SRC), mem.u32(e + L.E_LEN));
    return text.startsWith('<') ? text.slice(1, -1) : text;
  }
  return undefined;
}

const isBlank = (c: number): boolean => c === 0x20 || c === 0x09 || c === 0x0d || c === 0x0a;
