/** Request URI, original URI, destination URI, next hop, branches. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import {
  addBranch,
  type Branch,
  branchesOf,
  branchList,
  contactLine,
  emptyBranch,
  Q_UNSPECIFIED,
} from '../../kemi/branches.ts';
import type { PvArgs, PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import type { PvState } from './api.ts';
import { replyTo, uriOf } from './pvs-message.ts';
import { socketOf, socketText } from './sockets.ts';
import { paramValue, parseUri, type UriText, uriText } from './uri.ts';

type C = Call<PvState>;

/** Port as text: 5061 is the default of TLS only when the URI names it, as in Kamailio. */
export function uriPort(uri: UriText): ByteStr {
  return uri.portText ?? (uriTransport(uri).toLowerCase() === 'tls' ? '5061' : '5060');
}
/** transport parameter as written, "UDP" without one */
export function uriTransport(uri: UriText): ByteStr {
  return paramValue(uri.params, 'transport') || 'UDP';
}

type Part = (uri: UriText) => XVal;
const user: Part = uri => uri.user || null;
const domain: Part = uri => uri.host || null;

const ruri = ({ msg }: C): UriText | undefined => (msg.isRequest ? uriText(msg.ruriParts, msg.ruri) : undefined);
const original = ({ msg }: C): UriText | undefined => (msg.isRequest ? parseUri(msg.core, msg.originalUri) : undefined);
const destination = ({ msg }: C): UriText | undefined => {
  const { dstUri } = msg;
  return dstUri ? parseUri(msg.core, dstUri) : undefined;
};
const part = (name: string, from: (call: C) => UriText | undefined, what: Part, doc: string): PvClass => ({
  name,
  doc,
  get: (call: C) => {
    const uri = from(call);
    return uri ? what(uri) : null;
  },
});

/** Puts text in place of a range of the request URI. */
function splice(call: C, uri: UriText, from: number, to: number, text: ByteStr): true {
  const { msg } = call;
  const old = msg.ruri;
  void uri;
  msg.ruri = old.slice(0, from) + text + old.slice(to);
  return true;
}

function setUser(call: C, _args: PvArgs, value: XVal): boolean {
  const uri = ruri(call);
  if (!uri || typeof value === 'number') return false;
  const name = value ?? '';
  if (uri.scheme === 'tel' || uri.scheme === 'urn') {
    const at = uri.userAt;
    return splice(call, uri, at, at + uri.user.length, name);
  }
  if (uri.userAt < 0) return name ? splice(call, uri, uri.hostAt, uri.hostAt, `${name}@`) : true;
  if (!name) return splice(call, uri, uri.userAt, uri.hostAt, '');
  return splice(call, uri, uri.userAt, uri.userAt + uri.user.length, name);
}

function setDomain(call: C, _args: PvArgs, value: XVal): boolean {
  const uri = ruri(call);
  if (!uri || typeof value !== 'string') return false;
  if (uri.scheme === 'tel') {
    // RFC 3261 19.1.6: a telephone number in a SIP URI
    call.msg.ruri = `sip:${call.msg.ruri.slice(uri.userAt)}@${value};user=phone`;
    return true;
  }
  return uri.hostAt >= 0 && splice(call, uri, uri.hostAt, uri.hostEnd, value);
}

function setPort(call: C, _args: PvArgs, value: XVal): boolean {
  const uri = ruri(call);
  if (!uri || uri.hostAt < 0) return false;
  const port = value === null || value === '' ? '' : `:${value}`;
  return splice(call, uri, uri.hostEnd, uri.portEnd, port);
}

/** Where the branch at an index is; undefined out of range. `[*]` and no index are the first. */
function branchAt(list: Branch[], index: PvArgs['index']): Branch | undefined {
  return list.at(index === undefined || index === '*' ? 0 : index);
}

const BRANCH_KEYS = [
  'uri',
  'dst_uri',
  'path',
  'q',
  'send_socket',
  'count',
  'flags',
  'ruid',
  'instance',
  'location_ua',
  'otcpid',
];
const checkBranch = (inner: ByteStr) =>
  BRANCH_KEYS.includes(inner) ? undefined : `there is no branch attribute "${inner}", but ${BRANCH_KEYS.join(', ')}`;

function branchGet(call: C, branch: Branch, key: ByteStr): XVal {
  switch (key) {
    case 'uri':
      return branch.uri || null;
    case 'dst_uri':
      return branch.dstUri || null;
    case 'path':
      return branch.path || null;
    case 'q':
      return branch.q === Q_UNSPECIFIED ? null : branch.q;
    case 'send_socket':
      return branch.socket ? socketText(call.host.sockets[branch.socket - 1]!) : null;
    case 'flags':
      return branch.flags;
    case 'ruid':
      return branch.ruid || null;
    case 'instance':
      return branch.instance || null;
    case 'location_ua':
      return branch.locationUa || null;
    case 'otcpid':
      return branch.otcpid || null;
    default:
      return null;
  }
}

function branchSet(call: C, branch: Branch, key: ByteStr, value: XVal): boolean {
  switch (key) {
    case 'uri':
    case 'dst_uri':
    case 'path':
    case 'ruid':
    case 'instance':
    case 'location_ua': {
      if (typeof value === 'number') return false;
      if (key === 'uri') branch.uri = value ?? '';
      else if (key === 'dst_uri') branch.dstUri = value ?? undefined;
      else if (key === 'path') branch.path = value ?? undefined;
      return true;
    }
    case 'q':
      if (typeof value === 'string') return false;
      branch.q = value === null ? Q_UNSPECIFIED : value;
      return true;
    case 'flags':
      if (typeof value === 'string') return false;
      branch.flags = value ?? 0;
      return true;
    case 'send_socket': {
      if (typeof value === 'number') return false;
      const socket = value ? socketOf(call.host, value) : undefined;
      if (value && !socket) return true;
      branch.socket = socket ? socket.index + 1 : 0;
      return true;
    }
    default:
      return true;
  }
}

/** $nh(..) of a reply: where its second Via sends it. */
function replyHop(msg: SipMsg, key: ByteStr): XVal {
  const to = replyTo(msg);
  if (!to || key === 'U') return null;
  if (key === 'd') return to.host;
  if (key === 'p') return to.port;
  return key === 'P' ? to.proto : uriOf(to.host, to.port, to.proto, true);
}

const STATIC = Symbol('sbranch');
/** The branch that $sbranch(..) describes, until sbranch_append() or sbranch_set_ruri() takes it over. */
export function staticBranch(call: Call): Branch {
  let branch = call.host.perMessage.get(STATIC) as Branch | undefined;
  if (!branch) call.host.perMessage.set(STATIC, (branch = emptyBranch()));
  return branch;
}
export function resetStaticBranch(call: Call): void {
  call.host.perMessage.delete(STATIC);
}

export const uris: readonly PvClass[] = [
  {
    name: 'ru',
    doc: 'Request URI as the script left it; null in a reply, and when it does not parse. Writable.',
    wasm: 'kxGetRuri',
    set: (call: C, _args, value) => {
      if (typeof value !== 'string' || !call.msg.isRequest) return false;
      call.msg.ruri = value;
      return true;
    },
  },
  {
    name: 'rU',
    doc: 'User of the request URI. Writable; null or empty removes it with its password.',
    wasm: 'kxGetRuser',
    set: setUser,
  },
  { name: 'rd', doc: 'Host of the request URI. Writable.', wasm: 'kxGetRhost', set: setDomain },
  {
    ...part(
      'rp',
      ruri,
      uriPort,
      'Port of the request URI as text, the default one when there is none. Writable; null removes it.',
    ),
    set: setPort,
  },
  {
    ...part(
      'rP',
      ruri,
      uriTransport,
      'Transport of the request URI as written, "UDP" when there is none. A write is taken and changes nothing, as in Kamailio.',
    ),
    set: () => true,
  },
  part('rz', ruri, uri => uri.scheme, 'Scheme of the request URI: sip, sips, tel, urn.'),
  part('rUl', ruri, uri => uri.user.length, 'Length of the user of the request URI.'),
  {
    name: 'ou',
    doc: 'Request URI as received.',
    get: ({ msg }: C) => (msg.isRequest ? msg.originalUri : null),
  },
  part('oU', original, user, 'User of the original request URI.'),
  part('od', original, domain, 'Host of the original request URI.'),
  part('op', original, uriPort, 'Port of the original request URI as text.'),
  part('oP', original, uriTransport, 'Transport of the original request URI.'),
  part('oUl', original, uri => uri.user.length, 'Length of the user of the original request URI.'),
  {
    name: 'du',
    doc: 'Destination URI: where the request is sent instead of its request URI. Writable; null removes it.',
    wasm: 'kxGetDuri',
    set: ({ msg }: C, _args, value) => {
      if (typeof value === 'number') return false;
      msg.dstUri = value || undefined;
      return true;
    },
  },
  part('dd', destination, domain, 'Host of the destination URI.'),
  part('dp', destination, uriPort, 'Port of the destination URI as text.'),
  part('dP', destination, uriTransport, 'Transport of the destination URI.'),
  {
    name: 'nh',
    inner: 'required',
    innerAs: 'raw',
    doc: 'Next hop, destination URI or request URI: $nh(u) URI, $nh(U) user, $nh(d) host, $nh(p) port, $nh(P) transport.',
    check: inner => (/^[uUdpP]$/.test(inner) ? undefined : `$nh() takes one of u, U, d, p, P, not "${inner}"`),
    get: ({ msg }: C, { inner }) => {
      if (msg.isReply) return replyHop(msg, inner);
      const text = msg.dstUri || msg.ruri;
      if (inner === 'u') return text;
      const uri = parseUri(msg.core, text);
      if (!uri) return null;
      if (inner === 'U') return user(uri);
      if (inner === 'd') return domain(uri);
      return inner === 'p' ? uriPort(uri) : uriTransport(uri);
    },
  },
  {
    name: 'br',
    doc: 'URI of the first additional branch. A write adds a branch.',
    get: ({ host }: C) => branchesOf(host)[0]?.uri ?? null,
    set: ({ host }: C, _args, value) =>
      typeof value === 'string' && value !== '' && addBranch(host, value) !== undefined,
  },
  {
    name: 'bR',
    doc: 'URIs of all additional branches, comma-separated.',
    get: ({ host }: C) => branchList(branchesOf(host)) || null,
  },
  {
    name: 'ds',
    doc: 'The destination set as a Contact header: request URI, if the script set it, and branches.',
    get: ({ host, msg }: C) => contactLine(msg, branchesOf(host)) ?? null,
  },
  {
    name: 'branch',
    inner: 'required',
    innerAs: 'raw',
    indexed: true,
    check: checkBranch,
    doc: 'Attribute of an additional branch: uri, dst_uri, path, q, send_socket, count, flags, ruid, instance, location_ua, otcpid. Writable; a null uri removes the branch.',
    get: (call: C, { inner, index }) => {
      const list = branchesOf(call.host);
      if (inner === 'count') return list.length;
      const branch = branchAt(list, index);
      return branch ? branchGet(call, branch, inner) : null;
    },
    set: (call: C, { inner, index }, value) => {
      const list = branchesOf(call.host);
      if (inner === 'count') return true;
      const branch = branchAt(list, index);
      if (!branch) return false;
      if (inner === 'uri' && value === null) list.splice(list.indexOf(branch), 1);
      else return branchSet(call, branch, inner, value);
      return true;
    },
  },
  {
    name: 'sbranch',
    inner: 'required',
    innerAs: 'raw',
    check: checkBranch,
    doc: 'Attribute of the static branch, which sbranch_append() and sbranch_set_ruri() of module pvx use. Writable.',
    get: (call: C, { inner }) => (inner === 'count' ? 0 : branchGet(call, staticBranch(call), inner)),
    set: (call: C, { inner }, value) => branchSet(call, staticBranch(call), inner, value),
  },
];
