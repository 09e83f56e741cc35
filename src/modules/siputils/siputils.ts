/** Checks of the message and of plain values, and the answer to OPTIONS. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { sendReply } from '../../kemi/reply.ts';
import type { Call } from '../../kemi/table.ts';
import { parseUri } from '../../kemi/uri.ts';
import { verifiedOf } from '../../kemi/verified.ts';

const test = (expression: RegExp, value: ByteStr, no: number): number =>
  value ? (expression.test(value) ? 1 : no) : -2;
export const isNumeric = (value: ByteStr): number => test(/^[0-9]+$/, value, -2);
export const isAlphanumeric = (value: ByteStr): number => test(/^[0-9A-Za-z]+$/, value, -3);
export const isTelNumber = (value: ByteStr): number => test(/^\+?[0-9]+$/, value, -2);

export function isAlphanumericOr(value: ByteStr, extra: ByteStr): number {
  if (!value) return -2;
  for (const c of value) if (!/[0-9A-Za-z]/.test(c) && !extra.includes(c)) return -3;
  return 1;
}

/** @returns 1 the verified credentials are of this user, -1 not, or none were verified */
export function isUser(call: Call<unknown>, user: ByteStr): number {
  return user && verifiedOf(call.host.perMessage)?.user === user ? 1 : -1;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;

/** @returns seconds since 1970, undefined when it is no SIP-date (RFC 3261 20.17) */
export function sipDate(text: ByteStr): number | undefined {
  const m = DATE.exec(text);
  const month = m ? MONTHS.indexOf(m[2]!) : -1;
  if (!m || month < 0) return undefined;
  const [day, year, hour, minute, second] = [m[1], m[3], m[4], m[5], m[6]].map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
  return Date.UTC(year, month, day, hour, minute, second) / 1000;
}

/** @returns 1 Date is not older than `seconds`; -1 no Date, or none that parses; -4 older */
export function checkDate(call: Call<unknown>, seconds: number): number {
  const header = call.msg.first(L.HDR_DATE);
  const date = header && sipDate(header.body);
  if (date === undefined) return -1;
  return date + seconds >= Math.floor(call.host.now() / 1000) ? 1 : -4;
}

export interface OptionsReply {
  readonly accept: ByteStr;
  readonly acceptEncoding: ByteStr;
  readonly acceptLanguage: ByteStr;
  readonly supported: ByteStr;
}

/** @returns 1 answered; -1 not OPTIONS, a user in the request URI, or it could not be sent */
export function replyOptions(call: Call<unknown>, what: OptionsReply): number {
  const { msg } = call;
  const uri = msg.isRequest && msg.methodId === L.METHOD_OPTIONS ? msg.ruriParts : undefined;
  if (!uri || uri.user !== undefined || !uri.host) return -1;
  const lines = [
    `Accept: ${what.accept}`,
    `Accept-Encoding: ${what.acceptEncoding}`,
    `Accept-Language: ${what.acceptLanguage}`,
    `Supported: ${what.supported}`,
  ];
  if (!msg.addReplyHeader(`${lines.join('\r\n')}\r\n`)) return -1;
  return sendReply(call, 200, 'OK') > 0 ? 1 : -1;
}

/**
 * Whether the sender is the first hop: a request with one Via, a reply whose top Record-Route is ours or missing.
 * @param mode 0: the sender of a reply must not be one of our sockets; else that is not looked at
 */
export function isFirstHop(call: Call<unknown>, mode: number): number {
  const { msg } = call;
  if (msg.isRequest) return viaCount(msg) === 1 ? 1 : -1;
  const [route] = msg.addresses(L.HDR_RECORD_ROUTE);
  if (!route) return msg.first(L.HDR_RECORD_ROUTE) ? -1 : 1;
  const uri = parseUri(call.host.core, route.uri);
  if (!uri || !call.host.isMyself(uri.host, uri.port, L.PROTO_NONE)) return -1;
  if (mode !== 0) return 1;
  return call.host.sockets.some(s => s.ip === msg.srcIp && s.port === msg.srcPort) ? -1 : 1;
}

/** Vias in all headers, up to 2 */
function viaCount(msg: SipMsg): number {
  let count = 0;
  for (const h of msg.headers()) if (h.id === L.HDR_VIA) count += h.body.includes(',') ? 2 : 1;
  return count;
}

/** @returns 1 From, To, CSeq, the top Via and all Contacts parse; -1 not */
export function parseAll(msg: SipMsg): number {
  const { x } = msg.core;
  const whole = [x.parseVia, x.parseFrom, x.parseTo, x.parseCseq].every(parse => parse(msg.at) === 0);
  return whole && [L.HDR_CONTACT, L.HDR_ROUTE, L.HDR_RECORD_ROUTE].every(id => msg.addressesParse(id)) ? 1 : -1;
}
