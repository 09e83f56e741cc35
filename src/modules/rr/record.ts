/** Asking for Record-Route; it is written when the request is sent: wasm/sip/record-route.ts. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { askRouteParam, isHeaderText } from '../../kemi/record-route.ts';
import { parseUri } from '../../kemi/uri.ts';
import type { C } from './state.ts';

/** whether the text can stand in a URI in angle brackets without ending it */
const isUriText = (text: ByteStr): boolean =>
  isHeaderText(text) && !text.includes('<') && !text.includes('>') && !text.includes('"');

/**
 * The core composes what is asked for, with the tag of whoever began the dialog.
 * @param kind L.RR_*  @param params of the script; only for the sockets' addresses
 */
function ask(call: C, kind: number, first: ByteStr, second: ByteStr, params: ByteStr): number {
  const { msg, state, host } = call;
  const user = state.username && msg.isRequest ? username(call) : '';
  const userAt = msg.store(user);
  const firstAt = msg.store(first);
  const secondAt = msg.store(second);
  const paramsAt = msg.store(params);
  // a text that has no place any more
  const full = (user && !userAt) || (first && !firstAt) || (second && !secondAt) || (params && !paramsAt);
  const asked: number = full
    ? -1
    : host.core.x.rrRecord(
        msg.at,
        state.bits,
        kind,
        userAt,
        user.length,
        firstAt,
        first.length,
        secondAt,
        second.length,
        paramsAt,
        params.length,
      );
  if (asked < 0 && msg.isRequest)
    host.log.error({ callId: msg.callId }, 'Cannot record the route: it was recorded before, or memory is full');
  return asked;
}

/** custom_user_avp where it has a value, else the user of the request URI as received */
function username(call: C): ByteStr {
  const { state, host, msg } = call;
  if (state.userAvp) {
    state.user ??= host.pv(state.userAvp);
    const value = state.user?.get();
    if (typeof value === 'string' && value && isUriText(value)) return value;
  }
  const user = parseUri(host.core, msg.originalUri)?.user ?? '';
  return isUriText(user) ? user : '';
}

/** `;name=value`, the first semicolon added where it is missing; undefined for text that would end the header */
const asParam = (text: ByteStr): ByteStr | undefined => {
  if (!isUriText(text)) return undefined;
  return !text || text.startsWith(';') ? text : `;${text}`;
};

function refuse(call: C, what: string, text: ByteStr): number {
  call.host.log.error({ text }, `Cannot record the route: "${text}" is no ${what}`);
  return -1;
}

export function recordRoute(call: C, text: ByteStr): number {
  const params = asParam(text);
  return params === undefined ? refuse(call, 'parameter', text) : ask(call, L.RR_SOCKETS, '', '', params);
}

/** host, host:port, with or without parameters: what can stand behind `sip:` */
function isAddress(call: C, text: ByteStr): boolean {
  const uri =
    isUriText(text) && !text.includes('@') && !text.includes(' ') ? parseUri(call.host.core, `sip:${text}`) : undefined;
  return uri !== undefined;
}

export function recordAdvertised(call: C, address: ByteStr): number {
  if (!isAddress(call, address)) return refuse(call, 'address', address);
  return ask(call, L.RR_ADDRESS, address, '', '');
}

/** @param second undefined for one line */
export function recordPreset(call: C, first: ByteStr, second: ByteStr | undefined): number {
  const { state, host, msg } = call;
  if (second !== undefined && state.bits < L.RRO_DOUBLE) {
    host.log.error({}, 'Cannot record two routes: modparam enable_double_rr is 0');
    return -1;
  }
  for (const address of second === undefined ? [first] : [first, second])
    if (!isAddress(call, address)) return refuse(call, 'address', address);
  if (state.mismatchWarning && second === undefined) {
    const { ip, port } = host.sockets[msg.socket]!;
    if (!first.startsWith(ip.includes(':') ? `[${ip}]` : ip))
      host.log.warn({ preset: first }, `The preset Record-Route "${first}" is not the receiving socket ${ip}:${port}`);
  }
  return ask(call, L.RR_LINES, first, second ?? '', '');
}

export function addParam(call: C, text: ByteStr): number {
  const { msg } = call;
  const params = asParam(text);
  if (params === undefined || !msg.isRequest) return refuse(call, 'parameter', text);
  return !params || askRouteParam(msg, params) ? 1 : -1;
}
