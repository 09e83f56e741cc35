/** {uri.*} {param.*} {nameaddr.*} {tobody.*} {sock.*} {urialias.*}: parts of SIP texts. What does not parse gives null, a part that is not there "". */
import { trim, trimStart } from '../../core/ascii.ts';
import type { Core } from '../../core/load.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { ArgKind, Transformation } from '../../kemi/pv-types.ts';
import type { XVal } from '../../kemi/table.ts';
import { protoId, protoName } from './protocols.ts';
import { type Param, paramValue, parseAddr, parseParams, parseUri, quoteEnd, type UriText } from './uri.ts';

const row = (
  cls: string,
  name: string,
  args: readonly ArgKind[],
  doc: string,
  run: (text: ByteStr, args: (number | ByteStr)[], core: Core) => XVal,
): Transformation => ({ class: cls, name, args, doc, run: (value, list, host) => run(String(value), list, host.core) });

// ---- uri

const uri = (name: string, doc: string, part: (uri: UriText) => XVal): Transformation =>
  row('uri', name, [], doc, (text, _args, core) => {
    const parsed = parseUri(core, text);
    return parsed ? part(parsed) : null;
  });

const uriParam = (name: string, param = name): Transformation =>
  uri(name, `Value of parameter ${param}.`, parsed => paramValue(parsed.params, param) ?? '');

/** A URI from parts: scheme:user@host:port;transport=x, those that are there. */
function rebuilt(parsed: UriText, withUser: boolean, withRest: boolean): ByteStr {
  const user = withUser && parsed.user ? `${parsed.user}@` : '';
  const transport = withRest ? paramValue(parsed.params, 'transport') : undefined;
  const port = withRest && parsed.portText ? `:${parsed.portText}` : '';
  return `${parsed.schemeText}:${user}${parsed.host}${port}${transport ? `;transport=${transport}` : ''}`;
}

function toSocket(parsed: UriText): ByteStr {
  const proto = protoName(protoId(paramValue(parsed.params, 'transport') ?? ''));
  return proto === 'none' ? '' : `${proto}:${parsed.host}:${parsed.port || 5060}`;
}

// ---- param

/** Runs on a parameter list; null when it does not parse or is empty. The last argument is the separator. */
const param = (
  name: string,
  args: readonly ArgKind[],
  doc: string,
  run: (list: Param[], arg: number | ByteStr) => XVal,
): Transformation => ({
  ...row('param', name, [...args, 'raw?'], doc, (text, given) => {
    const separator = String(given[args.length] ?? ';');
    const list = text ? parseParams(text, separator) : undefined;
    return list ? run(list, given[0] ?? '') : null;
  }),
  check: given => {
    const separator = given[args.length];
    return separator === undefined || String(separator).length === 1
      ? undefined
      : `the separator "${separator}" is not one character`;
  },
});

/** the last of that name, as Kamailio finds it */
const named = (list: Param[], name: number | ByteStr): Param | undefined => {
  const wanted = trimStart(String(name)).toLowerCase();
  return list.findLast(p => p.name.toLowerCase() === wanted);
};

// ---- nameaddr and tobody

/** Display name (with the blanks before the bracket, as Kamailio gives it), URI, length. Without brackets all of it is the URI. */
function nameAddr(text: ByteStr): { name: ByteStr; uri: ByteStr; length: number } | undefined {
  let open = 0;
  while (open < text.length && text[open] !== '<') {
    const end = text[open] === '"' ? quoteEnd(text, open) : open;
    if (end < 0) return undefined;
    open = end + 1;
  }
  if (!text) return undefined;
  if (open >= text.length) return { name: '', uri: text, length: text.length };
  const close = text.indexOf('>', open);
  return close < 0 ? undefined : { name: text.slice(0, open), uri: text.slice(open + 1, close), length: close + 1 };
}

const address = (
  name: string,
  doc: string,
  part: (a: NonNullable<ReturnType<typeof nameAddr>>) => XVal,
): Transformation =>
  row('nameaddr', name, [], doc, text => {
    const parsed = nameAddr(text);
    return parsed ? part(parsed) : null;
  });

interface ToBody {
  readonly display: ByteStr;
  readonly uri: ByteStr;
  readonly params: ByteStr;
  readonly parsed: UriText;
}

/** One address with header parameters and nothing behind them, as To has it (RFC 3261 20.39). */
function toBody(core: Core, text: ByteStr): ToBody | undefined {
  const addr = parseAddr(text);
  const parsed = addr && parseUri(core, addr.uri);
  if (!parsed) return undefined;
  const rest = trim(text.slice(addr.length));
  if (rest && (rest[0] !== ';' || trim(rest.slice(1)) !== addr.params)) return undefined;
  return { ...addr, parsed };
}

const tobody = (name: string, doc: string, part: (body: ToBody) => XVal): Transformation =>
  row('tobody', name, [], doc, (text, _args, core) => {
    const body = toBody(core, text);
    return body ? part(body) : null;
  });

// ---- sock and urialias

/** proto:host:port; proto and port may be missing, IPv6 in brackets */
function parseSock(text: ByteStr): { proto: ByteStr; host: ByteStr; port: ByteStr } | undefined {
  let rest = text;
  let proto = '';
  const colon = rest.indexOf(':');
  if (colon > 0 && protoId(rest.slice(0, colon)) > 0) {
    proto = rest.slice(0, colon).toLowerCase();
    rest = rest.slice(colon + 1);
  }
  const hostEnd = rest[0] === '[' ? rest.indexOf(']') + 1 : rest.includes(':') ? rest.indexOf(':') : rest.length;
  const host = rest.slice(0, hostEnd);
  const tail = rest.slice(hostEnd);
  if (!host || !(tail === '' || /^:\d{1,5}$/.test(tail))) return undefined;
  return { proto, host, port: tail.slice(1) };
}

const sock = (
  name: string,
  doc: string,
  part: (s: NonNullable<ReturnType<typeof parseSock>>) => XVal,
): Transformation =>
  row('sock', name, [], doc, text => {
    const parsed = parseSock(text);
    return parsed ? part(parsed) : null;
  });

function aliasEncode(core: Core, text: ByteStr): ByteStr {
  const parsed = parseUri(core, text);
  if (!parsed?.host) return '';
  const transport = paramValue(parsed.params, 'transport') || 'udp';
  return protoId(transport) ? `${parsed.host}~${parsed.port || 5060}~${protoId(transport)}` : '';
}

function aliasDecode(text: ByteStr): ByteStr {
  const [host, port, proto, ...more] = text.split('~');
  const id = /^\d$/.test(proto ?? '') ? Number(proto) : 0;
  if (!host || !/^\d{1,5}$/.test(port ?? '') || id < 1 || id > 6 || more.length) return '';
  return `sip:${host}:${port}${id === 1 ? '' : `;transport=${protoName(id)}`}`;
}

export const sip: readonly Transformation[] = [
  uri('user', 'User.', u => u.user),
  uri('host', 'Host, brackets of IPv6 included.', u => u.host),
  uri('domain', 'As uri.host.', u => u.host),
  uri('passwd', 'Password.', u => u.password),
  uri('port', 'Port as a number, 0 when there is none.', u => u.port),
  uri('params', 'All parameters.', u => u.params),
  row('uri', 'param', ['str'], 'Value of a parameter.', (text, [name], core) => {
    const parsed = parseUri(core, text);
    if (!parsed || (parsed.params && !parseParams(parsed.params))) return null;
    return paramValue(parsed.params, trim(String(name))) ?? '';
  }),
  uri('headers', 'Headers, what follows the question mark.', u => u.headers),
  uri('scheme', 'Scheme as written.', u => u.schemeText),
  uriParam('transport'),
  uriParam('ttl'),
  uriParam('uparam', 'user'),
  uriParam('maddr'),
  uriParam('method'),
  uriParam('lr'),
  uriParam('r2'),
  uri('tosocket', 'proto:host:port; "" without a known transport parameter.', toSocket),
  uri('duri', 'For routing: scheme, host, port, transport.', u => rebuilt(u, false, true)),
  uri('saor', 'Address of record: scheme, user, host.', u => rebuilt(u, true, false)),
  uri('suri', 'Simple URI: scheme, user, host, port, transport.', u => rebuilt(u, true, true)),

  param('value', ['str'], 'Value of a parameter; "" without one.', (list, name) => named(list, name)?.value ?? ''),
  param('in', ['str'], '1 when the parameter is there, else 0.', (list, name) => (named(list, name) ? 1 : 0)),
  param(
    'valueat',
    ['int'],
    'Value of the parameter at a place (negative: from the end).',
    (list, at) => list.at(Number(at))?.value ?? '',
  ),
  param(
    'name',
    ['int'],
    'Name of the parameter at a place (negative: from the end).',
    (list, at) => list.at(Number(at))?.name ?? '',
  ),
  param('count', [], 'How many parameters there are.', list => list.length),

  address('name', 'Display name, quotes included.', a => a.name),
  address('uri', 'URI.', a => a.uri),
  address('len', 'Length of display name and URI with its brackets.', a => a.length),

  tobody('uri', 'URI.', b => b.uri),
  tobody('display', 'Display name, quotes included.', b => b.display),
  tobody('tag', 'Tag.', b => paramValue(b.params, 'tag') ?? ''),
  tobody('user', 'User of the URI.', b => b.parsed.user),
  tobody('host', 'Host of the URI.', b => b.parsed.host),
  tobody('params', 'Parameters of the header.', b => b.params),

  sock('host', 'Host of proto:host:port.', p => p.host),
  sock('port', 'Port of proto:host:port, as text.', p => p.port),
  sock('proto', 'Transport of proto:host:port.', p => p.proto),
  sock(
    'touri',
    'proto:host:port as a SIP URI.',
    p => `sip:${p.host}${p.port && `:${p.port}`}${p.proto && `;transport=${p.proto}`}`,
  ),

  row('urialias', 'encode', [], 'A SIP URI as host~port~proto; "" when it does not parse.', (text, _args, core) =>
    aliasEncode(core, text),
  ),
  row('urialias', 'decode', [], 'host~port~proto as a SIP URI; "" when it is none.', aliasDecode),
];
