/** Asking for Record-Route; it is written when the request is sent: src/kemi/record-route.ts. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { askRecordRoute, askRouteParam, isHeaderText, type RecordRoute } from '../../kemi/record-route.ts';
import { parseUri } from '../../kemi/uri.ts';
import { isUpstream } from './loose.ts';
import type { C } from './state.ts';

const SIPS = 'sips:';

/** whether the text can stand in a URI in angle brackets without ending it */
const isUriText = (text: ByteStr): boolean =>
  isHeaderText(text) && !text.includes('<') && !text.includes('>') && !text.includes('"');

type Lines = Pick<RecordRoute, 'kind' | 'params' | 'tail'> & { address: ByteStr; second: ByteStr };

function ask(call: C, lines: Lines): number {
  const { msg, state } = call;
  if (!msg.isRequest) return -1;
  const scheme = !state.ignoreSips && isSips(msg) ? 'sips' : 'sip';
  const user = state.username ? username(call) : '';
  const start = (address: ByteStr) => `Record-Route: <${scheme}:${user ? `${user}@` : ''}${address}`;
  const asked = askRecordRoute(msg, {
    kind: lines.kind,
    double: state.double,
    socketNames: state.socketNames,
    start: start(lines.address),
    second: lines.second && start(lines.second),
    params: lines.params,
    tail: lines.tail,
  });
  if (!asked) call.host.log.error({ callId: msg.callId }, 'Cannot record the route: it was recorded before');
  return asked ? 1 : -1;
}

/** whether the request URI is a sips URI, by its first bytes */
function isSips(msg: SipMsg): boolean {
  const { mem } = msg;
  const set = msg.u32(L.M_NEWURI);
  const at = set || msg.buf + mem.u16(msg.at + L.M_URI);
  const length = set ? msg.u32(L.M_NEWURI + 4) : mem.u16(msg.at + L.M_URI + 2);
  return length > SIPS.length && mem.str(at, SIPS.length).toLowerCase() === SIPS;
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

/** `;ftag=` with the tag of whoever began the dialog */
function fromTag(call: C): ByteStr {
  if (!call.state.fromTag) return '';
  const tag = isUpstream(call) ? call.msg.toTag : call.msg.fromTag;
  return tag && isUriText(tag) ? `;ftag=${tag}` : '';
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
  if (params === undefined) return refuse(call, 'parameter', text);
  return ask(call, {
    kind: 'sockets',
    address: '',
    second: '',
    params: call.state.lr + fromTag(call) + params,
    tail: '',
  });
}

/** host, host:port, with or without parameters: what can stand behind `sip:` */
function isAddress(call: C, text: ByteStr): boolean {
  const uri =
    isUriText(text) && !text.includes('@') && !text.includes(' ') ? parseUri(call.host.core, `sip:${text}`) : undefined;
  return uri !== undefined;
}

export function recordAdvertised(call: C, address: ByteStr): number {
  if (!isAddress(call, address)) return refuse(call, 'address', address);
  return ask(call, { kind: 'address', address, second: '', params: fromTag(call), tail: call.state.lr });
}

/** @param second undefined for one line */
export function recordPreset(call: C, first: ByteStr, second: ByteStr | undefined): number {
  const { state, host, msg } = call;
  if (second !== undefined && state.double === 'never') {
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
  return ask(call, {
    kind: 'lines',
    address: first,
    second: second ?? '',
    params: fromTag(call),
    tail: state.lr,
  });
}

export function addParam(call: C, text: ByteStr): number {
  const { msg } = call;
  const params = asParam(text);
  if (params === undefined || !msg.isRequest) return refuse(call, 'parameter', text);
  return !params || askRouteParam(msg, params) ? 1 : -1;
}
