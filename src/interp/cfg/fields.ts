/** The language's own words for parts of the message: what they are, and what they can be compared with. */
import type { At } from '../../cfg/config.ts';
import * as L from '../../core/gen/layout.gen.ts';
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { Uri } from '../../core/sip-msg.ts';
import { type IpBytes, numericHost, parseIpv4, parseIpv6 } from '../../kemi/ip.ts';
import { RegexError } from '../../kemi/posix-regex.ts';
import { parseUri } from '../../kemi/uri.ts';
import type { BinaryOp, Expr } from './ast.ts';
import { type Context, pvOf } from './context.ts';
import { FIELDS } from './field-names.ts';
import type { Machine } from './machine.ts';
import { Mistake } from './token-list.ts';
import { matcher, matches, ON_NUMBERS, toInt, toStr, type Value } from './values.ts';

type Test = (m: Machine) => number;
type Evaluate = (m: Machine) => Value;

const PROTOCOLS: Readonly<Record<string, number>> = {
  udp: L.PROTO_UDP,
  tcp: L.PROTO_TCP,
  tls: L.PROTO_TLS,
  sctp: L.PROTO_SCTP,
  ws: L.PROTO_WS,
  wss: L.PROTO_WSS,
};
/** numbers of the address families, as Linux has them */
const FAMILIES: Readonly<Record<string, number>> = { inet: 2, inet6: 10 };
const RELATIONS: readonly BinaryOp[] = ['==', '!=', '<', '>', '<=', '>='];

/** The value of a field, for what is logged and compared as text. */
function reader(cx: Context, name: string, at: At): Evaluate {
  const { host } = cx;
  const socket = () => host.sockets[host.message?.socket ?? 0];
  const sent = () => host.sockets[host.sending?.to.socket ?? -1];
  switch (name) {
    case 'uri':
      return () => host.message?.ruri ?? null;
    case 'from_uri':
    case 'to_uri': {
      const pv = pvOf(cx, name === 'from_uri' ? '$fu' : '$tu', at);
      return () => pv.get();
    }
    case 'src_ip':
      return () => host.message?.srcIp ?? null;
    case 'dst_ip':
      return () => socket()?.ip ?? null;
    case 'src_port':
      return () => host.message?.srcPort ?? 0;
    case 'dst_port':
      return () => socket()?.port ?? 0;
    case 'proto':
      return () => host.message?.proto ?? 0;
    case 'af':
      return () => (host.message?.af === 6 ? FAMILIES.inet6! : FAMILIES.inet!);
    case 'snd_ip':
      return () => sent()?.ip ?? null;
    case 'snd_port':
      return () => sent()?.port ?? 0;
    case 'snd_proto':
    case 'to_proto':
      return () => PROTOCOLS[host.sending?.to.proto ?? ''] ?? 0;
    case 'snd_af':
    case 'to_af':
      return () => FAMILIES[host.sending?.to.ip.includes(':') ? 'inet6' : 'inet']!;
    case 'to_ip':
      return () => host.sending?.to.ip ?? null;
    case 'to_port':
      return () => host.sending?.to.port ?? 0;
    case 'msg:len':
      return () => host.message?.length ?? 0;
    case 'status':
      return () => (host.message?.isReply ? host.message.status : null);
    default:
      return () => host.message?.method ?? null;
  }
}

/**
 * A field on the left of an operator.
 * @param value compiles the right side where it is an expression
 * @throws Mistake
 */
export function fieldTest(
  cx: Context,
  field: Expr & { kind: 'field' },
  op: BinaryOp,
  right: Expr,
  value: (expr: Expr) => Evaluate,
): Test {
  const { name, at } = field;
  const type = FIELDS[name]!;
  const read = reader(cx, name, at);
  const refuse = (why: string): never => {
    throw new Mistake(right.at, `${name} ${op}: ${why}`);
  };
  const negate = (test: Test): Test => (op === '!=' ? m => 1 - test(m) : test);
  const equality = op === '==' || op === '!=';
  if ((name === 'snd_ip' || name === 'to_ip') && !cx.sending)
    throw new Mistake(at, `${name} is there in onsend_route only`);

  if (right.kind === 'myself') {
    if (!equality) refuse('myself goes with == and != only');
    if (name === 'dst_ip' || name === 'snd_ip') return negate(() => 1);
    if (name === 'to_ip') return negate(m => (cx.host.isMyself(toStr(read(m)), 0, 0) ? 1 : 0));
    if (name === 'src_ip') return negate(() => cx.core.x.isMyselfSrcip() as number);
    if (name === 'uri') {
      // KSR.is_myself_ruri() takes a URI without port for any port: what it denies is not ours, and most are denied or have a port
      const { x } = cx.core;
      return negate(() => {
        if (!x.isMyselfRuri()) return 0;
        const msg = cx.host.message;
        if (msg?.ruriPort) return 1;
        const uri = msg?.ruriParts;
        return uri && ourDefault(cx, uri) ? 1 : 0;
      });
    }
    if (type !== 'uri') refuse('it cannot be compared with myself: only uri, from_uri, to_uri, src_ip and dst_ip can');
    return negate(m => (isOurs(cx, toStr(read(m))) ? 1 : 0));
  }
  if (op === '=~') {
    if (right.kind === 'str') {
      try {
        const test = matcher(right.value);
        return m => (test(toStr(read(m))) ? 1 : 0);
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
        refuse(`this regular expression makes no sense: ${error.message}`);
      }
    }
    const regex = value(right);
    return m => (matches(toStr(read(m)), toStr(regex(m))) ? 1 : 0);
  }
  if (!RELATIONS.includes(op)) refuse('this operator does not go with it');
  if (type === 'int') {
    if (right.kind === 'word' || right.kind === 'address') refuse('it is a number');
    const other = value(right);
    const compare = ON_NUMBERS[op]!;
    return m => compare(toInt(read(m)), toInt(other(m)));
  }
  if (!equality) refuse('it is no number: only == != =~ go with it');
  if (type === 'proto' || type === 'af') {
    const numbers = type === 'proto' ? PROTOCOLS : FAMILIES;
    if (right.kind === 'int') return negate(m => (read(m) === right.value ? 1 : 0));
    if (right.kind !== 'word') return refuse(`it is one of ${Object.keys(numbers).join(', ')}, without quotes`);
    const wanted = Object.hasOwn(numbers, right.value.toLowerCase()) ? numbers[right.value.toLowerCase()] : undefined;
    if (wanted === undefined) refuse(`it is one of ${Object.keys(numbers).join(', ')}, not ${right.value}`);
    return negate(m => (read(m) === wanted ? 1 : 0));
  }
  if (type === 'ip') return negate(addressTest(right, read, value, refuse, why => cx.found.warning(right.at, why)));
  if (right.kind === 'address') refuse('it is a text, not an address');
  // methods and URIs match letters of both cases
  const other: Evaluate = right.kind === 'word' ? () => right.value : value(right);
  if (right.kind === 'word' && type !== 'method') refuse('a text needs quotes');
  return negate(m => (toStr(read(m)).toLowerCase() === toStr(other(m)).toLowerCase() ? 1 : 0));
}

/** Whether a URI leads to us. Without a port it means the default one: unlike KSR.is_myself_ruri(), to which it then means any. */
function isOurs({ core, host }: Context, text: ByteStr): boolean {
  const uri = parseUri(core, text);
  if (!uri) return false;
  return uri.port ? host.isMyself(uri.host, uri.port, 0) : ourDefault({ host }, uri);
}

const ourDefault = ({ host }: Pick<Context, 'host'>, uri: Uri): boolean =>
  host.isMyself(uri.host, uri.scheme === L.SCHEME_SIPS ? 5061 : 5060, 0);

function addressTest(
  right: Expr,
  read: Evaluate,
  value: (expr: Expr) => Evaluate,
  refuse: (why: string) => never,
  warn: (why: string) => void,
): Test {
  const literal =
    right.kind === 'address' ? right.text : right.kind === 'str' || right.kind === 'word' ? right.value : undefined;
  if (right.kind === 'int' || (right.kind === 'word' && !right.value.includes('.'))) refuse('it is an address');
  if (literal === undefined) {
    const other = value(right);
    return m => (read(m) === toStr(other(m)) ? 1 : 0);
  }
  const net = network(literal);
  if (!net && /^[a-z\d]([\w-]*\.)*[\w-]*$/i.test(literal) && !/^[\d.]+$/.test(literal)) {
    // as Kamailio 5.6.3, which starts with it
    warn(`"${utf8Of(literal)}" is no address: names are not resolved, they equal none`);
    return () => 0;
  }
  if (!net) return refuse(`"${utf8Of(literal)}" is no address and no network`);
  return m => (net(toStr(read(m))) ? 1 : 0);
}

/** An address, or address/bits, or address/mask. @returns undefined when it is none of them */
function network(text: string): ((ip: ByteStr) => boolean) | undefined {
  const [address, mask, more] = text.split('/');
  const bytes = bytesOf(address!);
  if (!bytes || more !== undefined) return undefined;
  let bits: IpBytes;
  if (mask === undefined) bits = bytes.map(() => 255);
  else if (/^\d{1,3}$/.test(mask)) {
    if (Number(mask) > bytes.length * 8) return undefined;
    bits = bytes.map((_, i) => (0xff00 >> Math.max(0, Math.min(8, Number(mask) - i * 8))) & 255);
  } else {
    const given = bytesOf(mask);
    if (given?.length !== bytes.length) return undefined;
    bits = given;
  }
  return ip => {
    const other = bytesOf(ip);
    if (other?.length !== bytes.length) return false;
    return other.every((byte, i) => (byte & bits[i]!) === (bytes[i]! & bits[i]!));
  };
}

function bytesOf(text: string): IpBytes | undefined {
  const host = numericHost(text);
  return host && (host.family === 4 ? parseIpv4(host.ip) : parseIpv6(host.ip));
}
