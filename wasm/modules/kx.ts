/** KSR.kx: values of the current message. get gives null for what is not there, gete '', getw "<null>". */
import {
  HDR_CALL_ID,
  HDR_USER_AGENT,
  M_BODY,
  M_BUF,
  M_CONID,
  M_DSTURI,
  M_KIND,
  M_LEN,
  M_NEWURI,
  M_PROTO,
  M_SRCIP,
  M_SRCPORT,
  M_STATUS,
  M_URI,
  PROTO_UDP,
  X_NULL,
} from '../gen/layout.gen';
import { putDecimal } from '../mem/bytes';
import { MSG, SCRATCH } from '../mem/state';
import { ADDR_URI } from '../sip/name-addr';
import { URI_HOST, URI_USER } from '../sip/uri';
import {
  firstHeader,
  fromHost,
  fromPart,
  fromUser,
  headerBody,
  int,
  methodText,
  orEmpty,
  originalArea,
  orNullText,
  pairOrNull,
  protoText,
  REPLY,
  ruriArea,
  spanOrNull,
  str,
  toHost,
  toPart,
  toUser,
  uriBase,
} from './value';

/** Method; of a reply CSeq's. */
export function kxGetMethod(): i32 {
  return methodText(MSG);
}

/** Request URI as the script left it, null when it does not parse. */
export function kxGetRuri(): i32 {
  if (!ruriArea(MSG)) return X_NULL;
  return load<u32>(MSG + M_NEWURI)
    ? spanOrNull(MSG + M_NEWURI)
    : pairOrNull(<usize>load<u32>(MSG + M_BUF), MSG + M_URI);
}

/** Request URI as received, null when it does not parse. */
export function kxGetOuri(): i32 {
  return originalArea(MSG) ? pairOrNull(<usize>load<u32>(MSG + M_BUF), MSG + M_URI) : X_NULL;
}

/** Next hop: the destination URI if set, else the request URI. */
export function kxGetNhuri(): i32 {
  return load<u32>(MSG + M_DSTURI) ? spanOrNull(MSG + M_DSTURI) : kxGetRuri();
}

/** From URI. */
export function kxGetFuri(): i32 {
  return fromPart(MSG, ADDR_URI);
}

/** To URI. */
export function kxGetTuri(): i32 {
  return toPart(MSG, ADDR_URI);
}

/** Call-ID. */
export function kxGetCallid(): i32 {
  return headerBody(MSG, firstHeader(MSG, HDR_CALL_ID));
}

/** Source address, IPv6 without brackets. */
export function kxGetSrcip(): i32 {
  return spanOrNull(MSG + M_SRCIP);
}

/** Source port, an integer. */
export function kxGetSrcport(): i32 {
  return int(<i32>load<u16>(MSG + M_SRCPORT));
}

/** Transport the message came over: udp, tcp, tls, sctp, ws, wss. */
export function kxGetProto(): i32 {
  return protoText(MSG);
}

/** @returns PROTO_* of the transport: 1 udp, 2 tcp, 3 tls, 4 sctp, 5 ws, 6 wss */
export function kxGetProtoid(): i32 {
  return <i32>load<u8>(MSG + M_PROTO);
}

/** @returns id of the connection the message came over, -1 for a datagram */
export function kxGetConid(): i32 {
  return load<u8>(MSG + M_PROTO) == PROTO_UDP ? -1 : load<i32>(MSG + M_CONID);
}

/** @returns status code of a reply, -1 for a request */
export function kxGetStatus(): i32 {
  return load<u8>(MSG + M_KIND) == REPLY ? <i32>load<u16>(MSG + M_STATUS) : -1;
}

/** Status code of a reply as text, null for a request. */
export function kxGetsStatus(): i32 {
  if (load<u8>(MSG + M_KIND) != REPLY) return X_NULL;
  const end = putDecimal(SCRATCH, <u32>load<u16>(MSG + M_STATUS));
  return str(SCRATCH, <i32>(end - SCRATCH));
}

/** Body, null when it is empty. */
export function kxGetBody(): i32 {
  const at = <i32>load<u16>(MSG + M_BODY);
  const length = load<i32>(MSG + M_LEN) - at;
  return length > 0 ? str(<usize>load<u32>(MSG + M_BUF) + at, length) : X_NULL;
}

/** @returns bytes of the body */
export function kxGetBodylen(): i32 {
  return load<i32>(MSG + M_LEN) - <i32>load<u16>(MSG + M_BODY);
}

/** The whole message as received. */
export function kxGetMsgbuf(): i32 {
  return str(<usize>load<u32>(MSG + M_BUF), load<i32>(MSG + M_LEN));
}

/** @returns bytes of the message */
export function kxGetMsglen(): i32 {
  return load<i32>(MSG + M_LEN);
}

/** @returns 1 for a request, 2 for a reply */
export function kxGetMsgtype(): i32 {
  return <i32>load<u8>(MSG + M_KIND);
}

/** Destination URI. */
export function kxGetDuri(): i32 {
  return spanOrNull(MSG + M_DSTURI);
}

/** As kxGetDuri, '' in place of null. */
export function kxGeteDuri(): i32 {
  return orEmpty(kxGetDuri());
}

/** As kxGetDuri, "<null>" in place of null. */
export function kxGetwDuri(): i32 {
  return orNullText(kxGetDuri());
}

/** User of the request URI. */
export function kxGetRuser(): i32 {
  const area = ruriArea(MSG);
  return area ? pairOrNull(uriBase, area + URI_USER) : X_NULL;
}

/** As kxGetRuser, '' in place of null. */
export function kxGeteRuser(): i32 {
  return orEmpty(kxGetRuser());
}

/** As kxGetRuser, "<null>" in place of null. */
export function kxGetwRuser(): i32 {
  return orNullText(kxGetRuser());
}

/** Host of the request URI. */
export function kxGetRhost(): i32 {
  const area = ruriArea(MSG);
  return area ? pairOrNull(uriBase, area + URI_HOST) : X_NULL;
}

/** As kxGetRhost, '' in place of null. */
export function kxGeteRhost(): i32 {
  return orEmpty(kxGetRhost());
}

/** As kxGetRhost, "<null>" in place of null. */
export function kxGetwRhost(): i32 {
  return orNullText(kxGetRhost());
}

/** User of the From URI. */
export function kxGetFuser(): i32 {
  return fromUser(MSG);
}

/** As kxGetFuser, '' in place of null. */
export function kxGeteFuser(): i32 {
  return orEmpty(kxGetFuser());
}

/** As kxGetFuser, "<null>" in place of null. */
export function kxGetwFuser(): i32 {
  return orNullText(kxGetFuser());
}

/** Host of the From URI. */
export function kxGetFhost(): i32 {
  return fromHost(MSG);
}

/** As kxGetFhost, '' in place of null. */
export function kxGeteFhost(): i32 {
  return orEmpty(kxGetFhost());
}

/** As kxGetFhost, "<null>" in place of null. */
export function kxGetwFhost(): i32 {
  return orNullText(kxGetFhost());
}

/** User of the To URI. */
export function kxGetTuser(): i32 {
  return toUser(MSG);
}

/** As kxGetTuser, '' in place of null. */
export function kxGeteTuser(): i32 {
  return orEmpty(kxGetTuser());
}

/** As kxGetTuser, "<null>" in place of null. */
export function kxGetwTuser(): i32 {
  return orNullText(kxGetTuser());
}

/** Host of the To URI. */
export function kxGetThost(): i32 {
  return toHost(MSG);
}

/** As kxGetThost, '' in place of null. */
export function kxGeteThost(): i32 {
  return orEmpty(kxGetThost());
}

/** As kxGetThost, "<null>" in place of null. */
export function kxGetwThost(): i32 {
  return orNullText(kxGetThost());
}

/** User-Agent. */
export function kxGetUa(): i32 {
  return headerBody(MSG, firstHeader(MSG, HDR_USER_AGENT));
}

/** As kxGetUa, '' in place of null. */
export function kxGeteUa(): i32 {
  return orEmpty(kxGetUa());
}

/** As kxGetUa, "<null>" in place of null. */
export function kxGetwUa(): i32 {
  return orNullText(kxGetUa());
}

/** As kxGetBody, '' in place of null. */
export function kxGeteBody(): i32 {
  return orEmpty(kxGetBody());
}

/** As kxGetBody, "<null>" in place of null. */
export function kxGetwBody(): i32 {
  return orNullText(kxGetBody());
}
