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

/** The setters of one header. Each gives false when the header does not parse or the value is a number; null leaves URI and host as they are. */
export function addressSetters(id: number): { uri: Setter; user: Setter; host: Setter; display: Setter } {
  const setter =
    (write: (place: Place, text: ByteStr | null) => boolean): Setter =>
    (call: Call, _args, value: XVal) => {
      const place = placeOf(call.msg, id);
      return place !== undefined && typeof value !== 'number' && write(place, value);
    };
  const replace = ({ msg }: Place, at: number, remove: number, text: ByteStr) =>
    msg.edit(at, remove, text, L.EK_REPLACE);
  return {
    uri: setter((place, value) => value === null || replace(place, place.uriAt, place.uri.length, value)),
    user: setter((place, value) => {
      const uri = parseUri(place.msg.core, place.uri);
      if (!uri) return false;
      const { uriAt } = place;
      if (uri.userAt < 0) return !value || replace(place, uriAt + uri.hostAt, 0, `${value}@`);
      // DIFFERS: "" takes the user away with its "@", as null does; Kamailio leaves sip:@host, which is no URI
      if (!value && uri.hostAt >= 0) return replace(place, uriAt + uri.userAt, uri.hostAt - uri.userAt, '');
      return replace(place, uriAt + uri.userAt, uri.user.length, value ?? '');
    }),
    host: setter((place, value) => {
      const uri = parseUri(place.msg.core, place.uri);
      if (!uri) return false;
      return (
        value === null || uri.hostAt < 0 || replace(place, place.uriAt + uri.hostAt, uri.hostEnd - uri.hostAt, value)
      );
    }),
    display: setter((place, value) => {
      const { at, display, uri, uriAt, bracketed } = place;
      if (display && value) return replace(place, at, display.length, value);
      // without a display name the blanks between it and the bracket go, too
      if (display) return replace(place, at, uriAt - 1 - at, '');
      if (!value) return true;
      if (bracketed) return replace(place, at, 0, `${value} `);
      // DIFFERS: a display name asks for brackets around the URI (RFC 3261 20); Kamailio leaves them out
      return replace(place, at, 0, `${value} <`) && replace(place, uriAt + uri.length, 0, '>');
    }),
  };
}
