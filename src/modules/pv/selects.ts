/**
 * Selects: the older names for parts of a message, `@from.uri.host` in routing blocks and `$sel(from.uri.host)` elsewhere. Each name is compiled once, to a
 * function of the message.
 */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import type { PvState } from './api.ts';
import { bracketed } from './sockets.ts';
import { type AddrText, paramValue, parseAddr, parseUri, splitList } from './uri.ts';
import { parseViaText, viaTexts } from './via-text.ts';

type C = Call<PvState>;
export type Select = (call: C) => XVal;
/** a name, or the number in brackets */
type Part = ByteStr | number;

const PART = /\.?([A-Za-z_]\w*)|\[(-?\d{1,6}|\*)\]|\["([^"\]]*)"\]|\['([^'\]]*)'\]/y;

/** a.b["c"][1] as its parts; undefined when it is written in another way */
function partsOf(text: ByteStr): Part[] | undefined {
  const parts: Part[] = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const at = PART.lastIndex;
    const match = PART.exec(text);
    if (!match || (match[1] !== undefined && (text[at] === '.') !== at > 0)) return undefined;
    const [, name, number, quoted, single] = match;
    // [*] is all, as no number is
    if (number === '*') continue;
    parts.push(number === undefined ? (name ?? quoted ?? single)! : Number(number));
  }
  return parts.length > 0 && typeof parts[0] === 'string' ? parts : undefined;
}

/** Names seen so far, each compiled once; a config has few, and what a script makes up is thrown away with all others. */
const MAX_KEPT = 500;

/** The selects of one runtime. */
export class Selects {
  readonly #kept = new Map<ByteStr, Select | undefined>();

  /** @returns undefined when there is none of that name */
  of(text: ByteStr): Select | undefined {
    if (this.#kept.has(text)) return this.#kept.get(text);
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    const select = compileSelect(text);
    this.#kept.set(text, select);
    return select;
  }
}

/** @returns the select of a name, undefined when there is none of that name here */
export function compileSelect(text: ByteStr): Select | undefined {
  const parts = partsOf(text);
  if (!parts) return undefined;
  const [first, ...rest] = parts;
  const make = Object.hasOwn(ROOTS, first!) ? ROOTS[first as string] : undefined;
  return make?.(rest);
}

type Make = (rest: readonly Part[]) => Select | undefined;
type Text = (call: C) => ByteStr | undefined | null;

/** A header's name as selects write it: a_b is a-b. */
const dashed = (name: ByteStr): ByteStr => name.replace(/_/g, '-');
const bodyOf =
  (name: ByteStr): Text =>
  ({ msg }) =>
    msg.named(name)[0]?.body;

const whole =
  (text: Text): Make =>
  rest =>
    rest.length === 0 ? call => text(call) ?? null : undefined;

/** A URI and its parts. */
function uri(text: Text): Make {
  return rest => {
    const [part, name, more] = rest;
    if (part === undefined) return call => text(call) ?? null;
    const parsed = (call: C) => {
      const value = text(call);
      return value ? parseUri(call.host.core, value) : undefined;
    };
    if (part === 'params' && typeof name === 'string' && more === undefined)
      return call => paramValue(parsed(call)?.params ?? '', name) ?? null;
    if (name !== undefined) return undefined;
    switch (part) {
      case 'type':
        return call => parsed(call)?.scheme ?? null;
      case 'user':
        return call => parsed(call)?.user ?? null;
      case 'pwd':
        return call => parsed(call)?.password ?? null;
      case 'host':
        return call => parsed(call)?.host ?? null;
      case 'port':
        return call => {
          const u = parsed(call);
          return u ? (u.portText ?? '') : null;
        };
      case 'hostport':
        return call => {
          const u = parsed(call);
          return u ? `${u.host}:${u.portText || (u.scheme === 'sips' ? 5061 : 5060)}` : null;
        };
      case 'params':
        return call => parsed(call)?.params ?? null;
      default:
        return undefined;
    }
  };
}

const unquoted = (text: ByteStr | undefined): ByteStr | undefined => text?.replace(/^"(.*)"$/s, '$1');

/** An address with its parameters, as From has it. @param named parameters that have a word of their own */
function address(
  text: Text,
  named: Readonly<Record<string, string>> = {},
  display: (text: ByteStr) => ByteStr = d => d,
): Make {
  const parsed = (call: C): AddrText | undefined => {
    const body = text(call);
    return body ? parseAddr(body) : undefined;
  };
  const param = (name: ByteStr): Select => {
    return call => unquoted(paramValue(parsed(call)?.params ?? '', name)) ?? null;
  };
  return rest => {
    const [part, name, more] = rest;
    if (part === undefined) return call => text(call) ?? null;
    if (part === 'uri') return uri(call => parsed(call)?.uri)(rest.slice(1));
    if (part === 'params' && typeof name === 'string' && more === undefined) return param(name);
    if (name !== undefined || typeof part === 'number') return undefined;
    if (part === 'name')
      return call => {
        const value = parsed(call);
        return value ? display(value.display) : null;
      };
    if (part === 'tag' && named.tag) {
      const tag = param('tag');
      return call => (parsed(call) ? (tag(call) ?? '') : null);
    }
    return Object.hasOwn(named, part) ? param(named[part]!) : undefined;
  };
}

/** Via number n from 1, from the end when it is negative. */
const viaAt = (n: number) => (msg: SipMsg) => (n === 0 ? undefined : viaTexts(msg).at(n > 0 ? n - 1 : n));

const via: Make = rest => {
  const [index] = rest;
  const numbered = typeof index === 'number';
  const text = viaAt(numbered ? index : 1);
  const [part, name, more] = numbered ? rest.slice(1) : rest;
  const parsed = ({ msg }: C) => {
    const value = text(msg);
    return value === undefined ? undefined : parseViaText(value);
  };
  if (part === undefined) return ({ msg }) => text(msg) ?? null;
  if (part === 'params' && typeof name === 'string' && more === undefined)
    return call => paramValue(parsed(call)?.params ?? '', name) ?? null;
  if (name !== undefined) return undefined;
  switch (part) {
    case 'name':
    case 'version':
      return ({ msg }) => text(msg)?.split('/')[part === 'name' ? 0 : 1]?.trim() ?? null;
    case 'transport':
      return call => parsed(call)?.proto ?? null;
    case 'host':
      return call => parsed(call)?.host ?? null;
    case 'port':
      return call => {
        const value = parsed(call);
        return value ? (value.portText ?? '') : null;
      };
    case 'comment':
      return ({ msg }) => {
        const value = text(msg);
        return value === undefined ? null : (/\(([^()]*)\)\s*$/.exec(value)?.[1] ?? '');
      };
    case 'branch':
    case 'received':
    case 'rport':
    case 'alias':
    case 'i':
      return call => paramValue(parsed(call)?.params ?? '', part) ?? null;
    default:
      return undefined;
  }
};

const textOf = (msg: SipMsg): ByteStr => msg.mem.str(msg.u32(L.M_BUF), msg.length);

const message: Make = rest => {
  const [part, name] = rest;
  switch (part) {
    case undefined:
      return ({ msg }) => textOf(msg);
    case 'first_line':
      return name === undefined ? ({ msg }) => textOf(msg).split(/\r?\n/, 1)[0]! : undefined;
    case 'type':
      return name === undefined ? ({ msg }) => (msg.isRequest ? '1' : '2') : undefined;
    case 'len':
      return name === undefined ? ({ msg }) => String(msg.length) : undefined;
    case 'id':
      return name === undefined ? ({ msg }) => String(msg.id) : undefined;
    case 'body':
      return name === undefined ? ({ msg }) => msg.body : undefined;
    case 'header':
      return typeof name === 'string' ? call => bodyOf(dashed(name))(call) ?? null : undefined;
    default:
      return undefined;
  }
};

/** The values of all headers of a name, one by one. */
const values =
  (name: ByteStr) =>
  ({ msg }: C): ByteStr[] =>
    msg.named(name).flatMap(h => splitList(h.body));

const headerValue: Make = rest => {
  const [header, ...more] = rest;
  if (typeof header !== 'string') return undefined;
  const all = values(dashed(header));
  const numbered = typeof more[0] === 'number';
  const n = numbered ? (more[0] as number) : 1;
  const value: Text = call => all(call).at(n > 0 ? n - 1 : n);
  const behind = numbered ? more.slice(1) : more;
  if (behind.length === 0) return numbered ? call => value(call) ?? '' : call => all(call).join(',');
  const of = behind[0] === 'p' ? ['params', ...behind.slice(1)] : behind;
  const select = address(value, {}, display => unquoted(display)!)(of);
  // a header that is not there has an empty address
  return of.length === 1 && select ? call => select(call) ?? '' : select;
};

/** An end of the way that the message came. */
const end = (
  ip: (call: C) => ByteStr | undefined,
  port: (call: C) => number | undefined,
  proto: (call: C) => string | undefined,
): Make => {
  const makers: Readonly<Record<string, Select>> = {
    ip: call => ip(call) ?? null,
    port: call => String(port(call) ?? 0),
    ip_port: call => `${bracketed(ip(call) ?? '')}:${port(call) ?? 0}`,
    proto: call => proto(call) ?? null,
    proto_ip_port: call => `${proto(call) ?? ''}:${bracketed(ip(call) ?? '')}:${port(call) ?? 0}`,
  };
  return ([part, more]) =>
    typeof part === 'string' && more === undefined && Object.hasOwn(makers, part) ? makers[part] : undefined;
};

const socket = ({ host, msg }: C) => host.sockets[msg.socket];
const here = end(
  call => socket(call)?.ip,
  call => socket(call)?.port,
  call => socket(call)?.proto,
);

const system: Make = ([part, more]) => {
  if (more !== undefined) return undefined;
  switch (part) {
    case 'pid':
      return () => '1';
    case 'server_id':
      return () => '0';
    case 'now':
      return ({ host }) => String(Math.floor(host.now() / 1000));
    case 'unique':
      return ({ state }) => {
        state.uniqueCount++;
        return `${state.uniquePrefix}-${state.uniqueCount.toString(16)}`;
      };
    default:
      return undefined;
  }
};

const setting: Make = ([group, name, more]) =>
  typeof group === 'string' && typeof name === 'string' && more === undefined
    ? ({ host }) => host.coreParams?.[`${group}.${name}`]?.toString() ?? null
    : undefined;

const cseq: Make = ([part, more]) => {
  if (part === undefined) return call => bodyOf('cseq')(call) ?? null;
  if (more !== undefined) return undefined;
  if (part === 'num') return ({ msg }) => (msg.cseq ? String(msg.cseq.number) : null);
  return part === 'method' ? ({ msg }) => msg.cseq?.method ?? null : undefined;
};

const ruri = uri(({ msg }) => (msg.isRequest ? msg.ruri : undefined));
const nextHop = uri(({ msg }) => msg.dstUri ?? (msg.isRequest ? msg.ruri : undefined));
const from = address(bodyOf('from'), { tag: 'tag' });
const to = address(bodyOf('to'), { tag: 'tag' });
const contact = address(bodyOf('contact'), {
  q: 'q',
  expires: 'expires',
  methods: 'methods',
  received: 'received',
  instance: '+sip.instance',
});
const recordRoute = address(bodyOf('record-route'));

const ROOTS: Readonly<Record<string, Make>> = {
  ruri,
  from,
  f: from,
  to,
  t: to,
  contact,
  m: contact,
  via,
  v: via,
  msg: message,
  message,
  cseq,
  next_hop: nextHop,
  dst_uri: uri(({ msg }) => msg.dstUri ?? ''),
  record_route: recordRoute,
  rr: recordRoute,
  refer_to: address(bodyOf('refer-to'), { tag: 'tag' }),
  rpid: address(bodyOf('remote-party-id'), { tag: 'tag' }),
  hf_value: headerValue,
  method: whole(({ msg }) => msg.method),
  call_id: whole(bodyOf('call-id')),
  event: whole(call => bodyOf('event')(call)?.split(';')[0]?.trim()),
  expires: whole(bodyOf('expires')),
  max_forwards: whole(bodyOf('max-forwards')),
  user_agent: whole(bodyOf('user-agent')),
  content_type: whole(bodyOf('content-type')),
  content_length: whole(bodyOf('content-length')),
  src: end(
    ({ msg }) => msg.srcIp,
    ({ msg }) => msg.srcPort,
    call => socket(call)?.proto,
  ),
  dst: here,
  received: here,
  sys: system,
  cfg_get: setting,
};
