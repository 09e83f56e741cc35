/** What headers say: From, To, Contact, credentials, identities, diversion, and $hdr(..) for all others. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr, Memory } from '../../core/memory.ts';
import { headerId, type SipMsg } from '../../core/sip-msg.ts';
import type { PvArgs, PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import { verifiedOf } from '../../kemi/verified.ts';
import { addressSetters } from './address-edits.ts';
import type { PvState } from './api.ts';
import { type AddrText, paramValue, parseAddr, parseUri, quoteEnd, splitList } from './uri.ts';

type C = Call<PvState>;

const body = (msg: SipMsg, id: number): ByteStr | undefined => msg.firstBody(id);
const addr = (msg: SipMsg, id: number): AddrText | undefined => {
  const text = body(msg, id);
  return text === undefined ? undefined : parseAddr(text);
};
const addrNamed = (msg: SipMsg, name: ByteStr): AddrText | undefined => {
  const text = msg.named(name)[0]?.body;
  return text === undefined ? undefined : parseAddr(text);
};

const pv = (
  name: string,
  doc: string,
  get: (msg: SipMsg) => XVal | undefined,
  more: Partial<PvClass> = {},
): PvClass => ({
  name,
  doc,
  ...more,
  get: (call: C) => get(call.msg) ?? null,
});

/** $fu $fU $fd $fn $ft $fUl and their To twins. */
function addressOf(letter: 'f' | 't', id: number, header: string): PvClass[] {
  const uri = (msg: SipMsg) => {
    const a = addr(msg, id);
    return a && parseUri(msg.core, a.uri);
  };
  const set = addressSetters(id);
  return [
    {
      name: `${letter}u`,
      doc: `URI in ${header}. A write changes the message that is sent, not this value.`,
      wasm: letter === 'f' ? 'kxGetFuri' : 'kxGetTuri',
      set: set.uri,
    },
    {
      name: `${letter}U`,
      doc: `User in the URI of ${header}. Writable as $${letter}u.`,
      wasm: letter === 'f' ? 'kxGetFuser' : 'kxGetTuser',
      set: set.user,
    },
    {
      name: `${letter}d`,
      doc: `Host in the URI of ${header}. Writable as $${letter}u.`,
      wasm: letter === 'f' ? 'kxGetFhost' : 'kxGetThost',
      set: set.host,
    },
    {
      name: `${letter}n`,
      doc: `Display name in ${header}, quotes included. Writable as $${letter}u; null removes it.`,
      wasm: letter === 'f' ? 'pvFn' : 'pvTn',
      set: set.display,
    },
    { name: `${letter}t`, doc: `Tag of ${header}.`, wasm: letter === 'f' ? 'pvFt' : 'pvTt' },
    pv(`${letter}Ul`, `Length of the user in the URI of ${header}.`, m => uri(m)?.user.length),
  ];
}

/** The credentials of the first Authorization, else of the first Proxy-Authorization, when they are of scheme Digest (RFC 7616 3.4). */
function credentials(msg: SipMsg): Map<string, ByteStr> | undefined {
  const text = body(msg, L.HDR_AUTHORIZATION) ?? body(msg, L.HDR_PROXY_AUTHORIZATION);
  const scheme = text === undefined ? null : /^digest[ \t\r\n]+/i.exec(text);
  return scheme ? digestParams(text!.slice(scheme[0].length)) : undefined;
}

/** `name=value, name="value"`; quoted values without their quotes, escapes kept. */
function digestParams(text: ByteStr): Map<string, ByteStr> {
  const out = new Map<string, ByteStr>();
  let p = 0;
  const skip = (chars: string) => {
    while (p < text.length && chars.includes(text[p]!)) p++;
  };
  for (;;) {
    skip(' \t\r\n,');
    const nameAt = p;
    while (p < text.length && !'=, \t\r\n'.includes(text[p]!)) p++;
    if (p === nameAt) return out;
    const name = text.slice(nameAt, p).toLowerCase();
    skip(' \t\r\n');
    if (text[p] !== '=') continue;
    p++;
    skip(' \t\r\n');
    if (text[p] === '"') {
      const end = quoteEnd(text, p);
      if (end < 0) return out;
      if (!out.has(name)) out.set(name, text.slice(p + 1, end));
      p = end + 1;
    } else {
      const at = p;
      while (p < text.length && !', \t\r\n'.includes(text[p]!)) p++;
      if (!out.has(name)) out.set(name, text.slice(at, p));
    }
  }
}

const credential = (name: string, param: string, doc: string) =>
  pv(name, `${doc} of the Digest credentials (Authorization, else Proxy-Authorization).`, m => {
    const given = credentials(m);
    return given && (given.get(param) ?? '');
  });

const username = (msg: SipMsg): [string, string] | undefined => {
  const whole = credentials(msg)?.get('username');
  if (whole === undefined) return undefined;
  const at = whole.indexOf('@');
  return at < 0 ? [whole, ''] : [whole.slice(0, at), whole.slice(at + 1)];
};

const diversion = (name: string, param: string) =>
  pv(name, `Parameter ${param} of the first Diversion.`, m => {
    const a = addrNamed(m, 'diversion');
    return a && (paramValue(a.params, param) || null);
  });

// ---- $hdr and its family

/** Headers whose field can hold a list: $hfl gives each value by itself. */
const LISTS = new Set([
  L.HDR_CONTACT,
  L.HDR_RECORD_ROUTE,
  L.HDR_ROUTE,
  L.HDR_VIA,
  L.HDR_DIVERSION,
  L.HDR_P_ASSERTED_IDENTITY,
  L.HDR_P_PREFERRED_IDENTITY,
]);

/** Places of the headers of that name, in any case or form; '*' any. Only ids and names are looked at: bodies become strings when asked for. */
function places(msg: SipMsg, name: ByteStr): number[] {
  const { mem, at, buf, headerCount } = msg;
  const out: number[] = [];
  const any = name === '*';
  const id = any ? 0 : headerId(name);
  const { u8 } = mem;
  for (let i = 0; i < headerCount; i++) {
    const h = at + L.MSG_HDRS + i * L.HDR_SIZE;
    if (any || (u8[h + L.H_ID] === id && (id || sameName(mem, buf + mem.u16(h), mem.u16(h + 2), name)))) out.push(i);
  }
  return out;
}

function bodyAt(msg: SipMsg, index: number): ByteStr {
  const { mem } = msg;
  const pair = msg.at + L.MSG_HDRS + index * L.HDR_SIZE + L.H_BODY;
  return mem.str(msg.buf + mem.u16(pair), mem.u16(pair + 2));
}

/** ASCII letters in any case */
function sameName(mem: Memory, at: number, length: number, name: ByteStr): boolean {
  if (length !== name.length) return false;
  const { u8 } = mem;
  for (let i = 0; i < length; i++) {
    const a = u8[at + i]!;
    const b = name.charCodeAt(i);
    if (a !== b && ((a ^ b) !== 32 || (a | 32) < 97 || (a | 32) > 122)) return false;
  }
  return true;
}

function bodies(msg: SipMsg, name: ByteStr, split: boolean): ByteStr[] {
  const list = places(msg, name).map(i => bodyAt(msg, i));
  if (!split || !LISTS.has(headerId(name))) return list;
  return list.flatMap(splitList).filter(value => value !== '*');
}

const pick = (list: ByteStr[], { index }: PvArgs): XVal =>
  index === '*' ? (list.length ? list.join(',') : null) : (list.at(index ?? 0) ?? null);

function header(msg: SipMsg, { inner, index }: PvArgs): XVal {
  const found = places(msg, inner);
  if (index === '*') return found.length ? found.map(i => bodyAt(msg, i)).join(',') : null;
  const at = found.at(index ?? 0);
  return at === undefined ? null : bodyAt(msg, at);
}

const headerClass = (
  name: string,
  doc: string,
  get: (msg: SipMsg, args: PvArgs) => XVal,
  indexed: boolean,
): PvClass => ({
  name,
  inner: 'required',
  innerAs: 'pv',
  indexed,
  doc,
  get: (call: C, args) => get(call.msg, args),
});

// ---- Expires

/** Seconds, undefined when it is no number of 32 bits. */
function seconds(text: ByteStr | undefined): number | undefined {
  const digits = text === undefined ? null : /^\d{1,10}/.exec(text);
  return digits && Number(digits[0]) <= 0xffffffff ? Number(digits[0]) : undefined;
}

/** The expires values in force: of each contact its parameter, else the Expires header (RFC 3261 10.2.1.1). */
function expires(msg: SipMsg): number[] {
  const header = seconds(body(msg, L.HDR_EXPIRES));
  const contacts = msg.named('contact').flatMap(h => splitList(h.body));
  const of = (contact: ByteStr) => {
    const a = contact === '*' ? undefined : parseAddr(contact);
    return (a && seconds(paramValue(a.params, 'expires'))) ?? header;
  };
  const values = contacts.length ? contacts.map(of) : [header];
  return values.filter(v => v !== undefined);
}

export const headers: readonly PvClass[] = [
  ...addressOf('f', L.HDR_FROM, 'From'),
  ...addressOf('t', L.HDR_TO, 'To'),
  pv('tts', '1 when To has a tag, else 0.', m => {
    const a = addr(m, L.HDR_TO);
    return a && paramValue(a.params, 'tag') ? 1 : 0;
  }),
  pv('ct', 'Body of the first Contact.', m => body(m, L.HDR_CONTACT), { header: 'contact' }),
  pv('ctu', 'URI of the first Contact.', m => (body(m, L.HDR_CONTACT) === '*' ? null : addr(m, L.HDR_CONTACT)?.uri)),
  pv('cts', '1 when Contact is "*", else 0.', m => (body(m, L.HDR_CONTACT) === '*' ? 1 : 0)),
  { name: 'ci', doc: 'Call-ID.', wasm: 'kxGetCallid' },
  { name: 'cs', doc: 'Number of CSeq, as text.', wasm: 'pvCs' },
  pv('csb', 'CSeq as a whole: number and method.', m => body(m, L.HDR_CSEQ), { header: 'cseq' }),
  pv('cl', 'Content-Length; null when there is none.', m => (m.contentLength < 0 ? null : m.contentLength)),
  pv('cT', 'Content-Type.', m => body(m, L.HDR_CONTENT_TYPE), { header: 'content-type' }),
  { name: 'ua', doc: 'User-Agent.', wasm: 'kxGetUa' },
  pv('rt', 'URI in Refer-To.', m => addr(m, L.HDR_REFER_TO)?.uri),
  pv('route_uri', 'URI in the first Route.', m => addr(m, L.HDR_ROUTE)?.uri),

  pv('aU', 'Username of the Digest credentials.', m => credentials(m)?.get('username')),
  pv('au', 'Username of the Digest credentials up to its "@".', m => username(m)?.[0]),
  pv('ad', 'What follows the "@" in the username of the Digest credentials.', m => username(m)?.[1]),
  credential('ar', 'realm', 'Realm'),
  credential('adu', 'uri', 'URI'),
  credential('aa', 'algorithm', 'Algorithm'),
  credential('adn', 'nonce', 'Nonce'),
  credential('adc', 'cnonce', 'Client nonce'),
  credential('adr', 'response', 'Response'),
  {
    name: 'Au',
    doc: 'For accounting: user@domain of the credentials once they were verified, else of From.',
    get: ({ msg, host }: C) => {
      const verified = verifiedOf(host.perMessage);
      if (verified) return `${verified.user}@${verified.domain}`;
      const uri = parseUri(msg.core, addr(msg, L.HDR_FROM)?.uri ?? '');
      return uri ? (uri.user ? `${uri.user}@${uri.host}` : uri.host) : null;
    },
  },
  {
    name: 'AU',
    doc: 'For accounting: user of the credentials once they were verified, else of From.',
    get: ({ msg, host }: C) =>
      verifiedOf(host.perMessage)?.user ?? (parseUri(msg.core, addr(msg, L.HDR_FROM)?.uri ?? '')?.user || null),
  },

  pv('ai', 'URI in the first P-Asserted-Identity.', m => addr(m, L.HDR_P_ASSERTED_IDENTITY)?.uri),
  pv('pu', 'URI in the first P-Preferred-Identity.', m => addr(m, L.HDR_P_PREFERRED_IDENTITY)?.uri),
  pv(
    'pU',
    'User in the URI of P-Preferred-Identity.',
    m => parseUri(m.core, addr(m, L.HDR_P_PREFERRED_IDENTITY)?.uri ?? '')?.user || null,
  ),
  pv(
    'pd',
    'Host in the URI of P-Preferred-Identity.',
    m => parseUri(m.core, addr(m, L.HDR_P_PREFERRED_IDENTITY)?.uri ?? '')?.host || null,
  ),
  pv(
    'pn',
    'Display name in P-Preferred-Identity, quotes included.',
    m => addr(m, L.HDR_P_PREFERRED_IDENTITY)?.display || null,
  ),
  pv('re', 'URI in Remote-Party-ID.', m => addr(m, L.HDR_REMOTE_PARTY_ID)?.uri),
  pv('di', 'URI in the first Diversion.', m => addrNamed(m, 'diversion')?.uri),
  diversion('dir', 'reason'),
  diversion('dip', 'privacy'),
  diversion('dic', 'counter'),

  headerClass(
    'hdr',
    'Body of a header, by name in any case or form: $hdr(Via), $(hdr(Via)[1]), [-1] the last, [*] all, comma-separated; $hdr(*) any header.',
    header,
    true,
  ),
  headerClass(
    'hfl',
    'As $hdr, but each value of a comma-separated Via, Route, Record-Route, Contact, Diversion or P-Asserted-Identity by itself.',
    (m, a) => pick(bodies(m, a.inner, true), a),
    true,
  ),
  headerClass(
    'hdrc',
    'How many headers of that name there are.',
    (m, a) => (a.inner === '*' ? 0 : places(m, a.inner).length),
    false,
  ),
  headerClass(
    'hflc',
    'How many values headers of that name have, as $hfl counts.',
    (m, a) => (a.inner === '*' ? 0 : bodies(m, a.inner, true).length),
    false,
  ),
  {
    name: 'expires',
    inner: 'required',
    innerAs: 'raw',
    doc: 'Least and greatest expires value of the contacts and the Expires header: $expires(min), $expires(max).',
    check: inner => (inner === 'min' || inner === 'max' ? undefined : `$expires() takes min or max, not "${inner}"`),
    get: ({ msg }: C, { inner }) => {
      const values = expires(msg);
      if (!values.length) return null;
      return inner === 'min' ? Math.min(...values) : Math.max(...values);
    },
  },
];
