/** URIs in byte strings: what transformations and the URI variables read. Accepts and refuses what Kamailio's parser does, verified against it. */
import { isAlnum, isDigit, isHex, isWs, trim } from '../../core/ascii.ts';
import type { ByteStr } from '../../core/memory.ts';

export type Scheme = 'sip' | 'sips' | 'tel' | 'urn';

export interface UriText {
  readonly scheme: Scheme;
  /** the scheme as written */
  readonly schemeText: ByteStr;
  /** '' when absent; of a urn the namespace, of a tel URI the number */
  readonly user: ByteStr;
  readonly password: ByteStr;
  /** brackets of IPv6 kept; of a urn what follows the namespace */
  readonly host: ByteStr;
  /** 0 when absent */
  readonly port: number;
  /** undefined when there is no colon; '' when nothing follows it */
  readonly portText: ByteStr | undefined;
  /** without the leading ';' */
  readonly params: ByteStr;
  /** without the '?' */
  readonly headers: ByteStr;
  /** offset of the user in the text, -1 when absent */
  readonly userAt: number;
  /** offset of the host, after it, after the port */
  readonly hostAt: number;
  readonly hostEnd: number;
  readonly portEnd: number;
}

const NONE = {
  password: '',
  port: 0,
  portText: undefined,
  params: '',
  headers: '',
  hostAt: -1,
  hostEnd: -1,
  portEnd: -1,
} as const;

/** One URI, no white space around it. @returns undefined when it is none of sip, sips, tel, urn, or does not parse */
export function parseUri(text: ByteStr): UriText | undefined {
  const colon = text.indexOf(':');
  if (colon < 3 || colon > 4) return undefined;
  const schemeText = text.slice(0, colon);
  const scheme = schemeText.toLowerCase();
  switch (scheme) {
    case 'sip':
    case 'sips':
      return parseSip(text, scheme, schemeText);
    case 'tel':
      return parseTel(text, schemeText);
    case 'urn': {
      const second = text.indexOf(':', colon + 1);
      if (second <= colon + 1 || second + 1 === text.length) return undefined;
      const user = text.slice(colon + 1, second);
      return { ...NONE, scheme, schemeText, user, host: text.slice(second + 1), userAt: colon + 1 };
    }
    default:
      return undefined;
  }
}

/** sip:user:password@host:port;params?headers (RFC 3261 19.1.1) */
function parseSip(text: ByteStr, scheme: Scheme, schemeText: ByteStr): UriText | undefined {
  const start = schemeText.length + 1;
  const end = text.length;
  const at = text.indexOf('@', start);
  let user = '';
  let password = '';
  if (at >= 0) {
    const info = text.slice(start, at);
    const colon = info.indexOf(':');
    user = colon < 0 ? info : info.slice(0, colon);
    password = colon < 0 ? '' : info.slice(colon + 1);
    if (!user || password.includes(':')) return undefined;
  }
  const hostAt = at < 0 ? start : at + 1;
  const hostEnd = hostEndOf(text, hostAt);
  if (hostEnd < 0) return undefined;
  let p = hostEnd;
  let port = 0;
  let portText: ByteStr | undefined;
  if (text[p] === ':') {
    const portAt = ++p;
    while (isDigit(text.charCodeAt(p))) {
      port = port * 10 + text.charCodeAt(p++) - 48;
      if (port > 65535) return undefined;
    }
    portText = text.slice(portAt, p);
  }
  const portEnd = p;
  let params = '';
  let headers = '';
  if (text[p] === ';') {
    let stop = p + 1;
    // a '?' in a quoted parameter value starts no headers
    for (let quoted = false; stop < end && (quoted || text[stop] !== '?'); stop++) {
      if (text[stop] === '"') quoted = !quoted;
      else if (text[stop] === '@' && !quoted) return undefined;
    }
    params = text.slice(p + 1, stop);
    p = stop;
  }
  if (text[p] === '?') {
    headers = text.slice(p + 1);
    p = end;
  }
  if (p !== end) return undefined;
  return {
    scheme,
    schemeText,
    user,
    password,
    host: text.slice(hostAt, hostEnd),
    port,
    portText,
    params,
    headers,
    userAt: at < 0 ? -1 : start,
    hostAt,
    hostEnd,
    portEnd,
  };
}

/** Its parameters are not taken apart, as in Kamailio. */
function parseTel(text: ByteStr, schemeText: ByteStr): UriText | undefined {
  const userAt = schemeText.length + 1;
  let p = userAt;
  while (p < text.length && text[p] !== ';' && text[p] !== '?') p++;
  const user = text.slice(userAt, p);
  if (!user) return undefined;
  let headers = '';
  const question = text.indexOf('?', p);
  if (question >= 0) headers = text.slice(question + 1);
  return { ...NONE, scheme: 'tel', schemeText, user, host: '', headers, userAt };
}

/** @returns one past the host that starts at `at`, -1 when there is none */
function hostEndOf(text: ByteStr, at: number): number {
  if (text[at] === '[') {
    let p = at + 1;
    while (isHex(text.charCodeAt(p)) || text[p] === ':' || text[p] === '.') p++;
    return text[p] === ']' && p > at + 1 ? p + 1 : -1;
  }
  let p = at;
  if (!isAlnum(text.charCodeAt(p))) return -1;
  while (isAlnum(text.charCodeAt(p)) || text[p] === '-' || text[p] === '.') p++;
  return p;
}

/** One `name=value` of a parameter list. */
export interface Param {
  readonly name: ByteStr;
  /** undefined without '='; quotes taken off */
  readonly value: ByteStr | undefined;
}

/**
 * A parameter list `a=1;b;c="x;y"`: blanks around names and values dropped, quoted values without their quotes. It ends at a comma, where the next
 * header value starts. An empty item between separators counts as a parameter without a name, as in Kamailio.
 * @param separator one character, ';' by default
 * @returns undefined when it does not parse: a blank at the start or inside a value, a quote that is not closed
 */
export function parseParams(text: ByteStr, separator = ';'): Param[] | undefined {
  const out: Param[] = [];
  let p = 0;
  const skip = () => {
    while (p < text.length && isWs(text.charCodeAt(p))) p++;
  };
  const word = (stop: string): ByteStr => {
    const at = p;
    while (p < text.length && !stop.includes(text[p]!) && text[p] !== separator && !isWs(text.charCodeAt(p))) p++;
    return text.slice(at, p);
  };
  if (isWs(text.charCodeAt(0)) || isWs(separator.charCodeAt(0))) return undefined;
  while (p < text.length && text[p] !== ',') {
    const name = word('=,');
    skip();
    let value: ByteStr | undefined;
    if (text[p] === '=') {
      p++;
      skip();
      if (text[p] === '"') {
        const end = quoteEnd(text, p);
        if (end < 0) return undefined;
        value = text.slice(p + 1, end);
        p = end + 1;
      } else value = word(',');
      skip();
    }
    out.push({ name, value });
    if (p >= text.length || text[p] === ',') break;
    if (text[p] !== separator) return undefined;
    p++;
    skip();
  }
  return out;
}

/** The value of a URI's or header's parameter, the last of that name (Kamailio's rule), names in any case. */
export function paramValue(params: ByteStr, name: ByteStr): ByteStr | undefined {
  const wanted = name.toLowerCase();
  let found: ByteStr | undefined;
  for (const param of parseParams(params) ?? []) if (param.name.toLowerCase() === wanted) found = param.value ?? '';
  return found;
}

/** @returns the place of the quote that closes the one at `at`, backslash escapes honoured; -1 when there is none */
export function quoteEnd(text: ByteStr, at: number): number {
  for (let p = at + 1; p < text.length; p++) {
    if (text[p] === '\\') p++;
    else if (text[p] === '"') return p;
  }
  return -1;
}

/** name-addr or addr-spec with header parameters, as From, To, Contact and their like carry it. */
export interface AddrText {
  /** quotes kept as written, outer blanks dropped */
  readonly display: ByteStr;
  readonly uri: ByteStr;
  /** header parameters without the first ';' */
  readonly params: ByteStr;
  /** length of display, brackets and URI, without what follows */
  readonly length: number;
}

/** The first address of a header body. @returns undefined when there is none */
export function parseAddr(text: ByteStr): AddrText | undefined {
  let p = 0;
  while (p < text.length && isWs(text.charCodeAt(p))) p++;
  const displayAt = p;
  if (text[p] === '"') {
    const end = quoteEnd(text, p);
    if (end < 0) return undefined;
    p = end + 1;
  }
  const open = text.indexOf('<', p);
  if (open >= 0) {
    const close = text.indexOf('>', open);
    if (close < 0) return undefined;
    const uri = trim(text.slice(open + 1, close));
    return {
      display: trim(text.slice(displayAt, open)),
      uri,
      params: paramsAfter(text, close + 1),
      length: close + 1,
    };
  }
  if (p !== displayAt) return undefined;
  // addr-spec without brackets: a ';' starts header parameters, not URI parameters (RFC 3261 20.10)
  let end = p;
  while (end < text.length && text[end] !== ';' && text[end] !== ',' && !isWs(text.charCodeAt(end))) end++;
  if (end === p) return undefined;
  return { display: '', uri: text.slice(p, end), params: paramsAfter(text, end), length: end };
}

function paramsAfter(text: ByteStr, at: number): ByteStr {
  let p = at;
  while (p < text.length && isWs(text.charCodeAt(p))) p++;
  if (text[p] !== ';') return '';
  const start = ++p;
  while (p < text.length && text[p] !== ',') {
    if (text[p] === '"') {
      const end = quoteEnd(text, p);
      p = end < 0 ? text.length : end + 1;
    } else p++;
  }
  return trim(text.slice(start, p));
}

/** Splits a header body at the commas between its values: not those in quotes or angle brackets. Values are trimmed; empty ones are left out. */
export function splitList(text: ByteStr): ByteStr[] {
  const out: ByteStr[] = [];
  let start = 0;
  let angle = false;
  for (let p = 0; p <= text.length; p++) {
    const c = text[p];
    if (c === '"') {
      const end = quoteEnd(text, p);
      if (end < 0) break;
      p = end;
    } else if (c === '<') angle = true;
    else if (c === '>') angle = false;
    else if (p === text.length || (c === ',' && !angle)) {
      const value = trim(text.slice(start, p));
      if (value) out.push(value);
      start = p + 1;
    }
  }
  if (start < text.length) {
    const value = trim(text.slice(start));
    if (value) out.push(value);
  }
  return out;
}
