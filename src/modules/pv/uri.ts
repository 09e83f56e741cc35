/** What transformations and variables read of URIs (the core parses them), parameter lists and addresses. */
import { isWs, trim } from '../../core/ascii.ts';
import * as L from '../../core/gen/layout.gen.ts';
import type { Core } from '../../core/load.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Uri } from '../../core/sip-msg.ts';
import { parseUri as partsOf } from '../../kemi/uri.ts';

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

const SCHEMES: Readonly<Record<number, Scheme>> = {
  [L.SCHEME_SIP]: 'sip',
  [L.SCHEME_SIPS]: 'sips',
  [L.SCHEME_TEL]: 'tel',
  [L.SCHEME_URN]: 'urn',
};

/** One URI, no white space around it. @returns undefined when it is none of sip, sips, tel, urn, or does not parse */
export function parseUri(core: Core, text: ByteStr): UriText | undefined {
  return uriText(partsOf(core, text), text);
}

/** @param parts of this text, undefined when it does not parse */
export function uriText(parts: Uri | undefined, text: ByteStr): UriText | undefined {
  const scheme = parts && SCHEMES[parts.scheme];
  if (!scheme) return undefined;
  const { user = '', password, host, port, portText, headers = '' } = parts;
  const schemeText = text.slice(0, scheme.length);
  const start = scheme.length + 1;
  // The parameters of a tel URI are not taken apart, as in Kamailio
  if (scheme === 'tel') return { ...NONE, scheme, schemeText, user, host, headers, userAt: start };
  if (scheme === 'urn') return { ...NONE, scheme, schemeText, user, host, userAt: start };
  const userAt = parts.user === undefined ? -1 : start;
  const hostAt = userAt < 0 ? start : start + user.length + (password === undefined ? 0 : password.length + 1) + 1;
  const hostEnd = hostAt + host.length;
  return {
    scheme,
    schemeText,
    user,
    password: password ?? '',
    host,
    port,
    portText,
    params: parts.params ?? '',
    headers,
    userAt,
    hostAt,
    hostEnd,
    portEnd: portText === undefined ? hostEnd : hostEnd + 1 + portText.length,
  };
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
