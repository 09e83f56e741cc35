/** Writing $fu, $tU and their like: edits of From and To. The values themselves stay as received, as in Kamailio. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import { parseAddr, parseUri } from './uri.ts';

type Setter = NonNullable<PvClass['set']>;

/** Where the header's display name and URI are in the message. */
interface Place {
  readonly msg: SipMsg;
  /** offset of the value's first byte */
  readonly at: number;
  readonly display: ByteStr;
  readonly uri: ByteStr;
  readonly uriAt: number;
  readonly bracketed: boolean;
}

function placeOf(msg: SipMsg, id: number): Place | undefined {
  const header = msg.first(id);
  const addr = header && parseAddr(header.body);
  if (!addr) return undefined;
  const at = msg.mem.u16(msg.at + L.MSG_HDRS + header.index * L.HDR_SIZE + L.H_BODY);
  const open = header.body.indexOf('<', addr.display.length);
  const uriAt = at + header.body.indexOf(addr.uri, Math.max(open, 0));
  return { msg, at, display: addr.display, uri: addr.uri, uriAt, bracketed: open >= 0 };
}

/** The setters of one header. Each gives false when the header does not parse or the value is no text. */
export function addressSetters(id: number): { uri: Setter; user: Setter; host: Setter; display: Setter } {
  const setter =
    (write: (place: Place, text: ByteStr | null) => boolean): Setter =>
    (call: Call, _args, value: XVal) => {
      const place = placeOf(call.msg, id);
      return place !== undefined && typeof value !== 'number' && write(place, value);
    };
  const text =
    (write: (place: Place, text: ByteStr) => boolean) =>
    (place: Place, value: ByteStr | null): boolean =>
      value !== null && write(place, value);
  return {
    uri: setter(text(({ msg, uriAt, uri }, value) => msg.edit(uriAt, uri.length, value, L.EK_REPLACE))),
    user: setter(
      text(({ msg, uriAt, uri }, value) => {
        const parts = parseUri(uri);
        if (!parts) return false;
        if (parts.userAt < 0) return msg.edit(uriAt + parts.hostAt, 0, `${value}@`, L.EK_REPLACE);
        return msg.edit(uriAt + parts.userAt, parts.user.length, value, L.EK_REPLACE);
      }),
    ),
    host: setter(
      text(({ msg, uriAt, uri }, value) => {
        const parts = parseUri(uri);
        if (!parts || parts.hostAt < 0) return false;
        return msg.edit(uriAt + parts.hostAt, parts.hostEnd - parts.hostAt, value, L.EK_REPLACE);
      }),
    ),
    display: setter(({ msg, at, display, uri, uriAt, bracketed }, value) => {
      if (display) return msg.edit(at, display.length, value ?? '', L.EK_REPLACE);
      if (value === null || value === '') return true;
      if (bracketed) return msg.edit(at, 0, `${value} `, L.EK_REPLACE);
      // RFC 3261 20: a display name asks for brackets around the URI
      return msg.edit(at, 0, `${value} <`, L.EK_REPLACE) && msg.edit(uriAt + uri.length, 0, '>', L.EK_REPLACE);
    }),
  };
}
