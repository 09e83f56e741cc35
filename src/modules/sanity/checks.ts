/** The checks of KSR.sanity, one function a bit. Each answers undefined when the message passes, else the reply that it deserves. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Header, NameAddr, SipMsg, Uri } from '../../core/sip-msg.ts';
import { splitOutside } from '../../kemi/scan.ts';
import { parseUri } from '../../kemi/uri.ts';

export interface Failure {
  readonly code: number;
  /** '' for what is never answered: a reply, a scheme that is not checked */
  readonly reason: ByteStr;
  /** header text for the reply */
  readonly header?: ByteStr;
}
export interface CheckInput {
  readonly msg: SipMsg;
  /** bits of the URIs that PARSE_URIS looks at */
  readonly uris: number;
  /** option tags that this server supports */
  readonly supported: ReadonlySet<ByteStr>;
}
type Check = (input: CheckInput) => Failure | undefined;

export const RURI = 1;
export const FROM_URI = 2;
export const TO_URI = 4;
export const CONTACT_URI = 8;

const MAX_UINT32 = 4294967295;
const BAD_REQUEST = 400;
const BAD_EXTENSION = 420;
const VERSION_NOT_SUPPORTED = 505;

const bad = (reason: ByteStr): Failure => ({ code: BAD_REQUEST, reason });
const SCHEMES: readonly number[] = [L.SCHEME_SIP, L.SCHEME_SIPS, L.SCHEME_TEL, L.SCHEME_URN];

const isUint32 = (text: ByteStr): boolean => /^\d{1,10}$/.test(text) && Number(text) <= MAX_UINT32;
/** the text up to the first blank */
const firstWord = (text: ByteStr): ByteStr => /^[^\s]*/.exec(text)![0];

function ruriVersion({ msg }: CheckInput): Failure | undefined {
  if (msg.isRequest && msg.version.toUpperCase() === 'SIP/2.0') return undefined;
  return { code: VERSION_NOT_SUPPORTED, reason: 'Version Not Supported' };
}

/** parses, and has a scheme that is known */
const isKnown = (uri: Uri | undefined): boolean => uri !== undefined && SCHEMES.includes(uri.scheme);

const knownUri = (msg: SipMsg, text: ByteStr): boolean => isKnown(parseUri(msg.core, text));

/** From or To: a URI that is known, and a display name in quotes when it holds separators (RFC 3261 25.1) */
function knownAddress(msg: SipMsg, address: NameAddr | undefined): boolean {
  if (!address || !knownUri(msg, address.uri)) return false;
  return address.display.startsWith('"') || !/[,;:@"\\]/.test(address.display);
}

function ruriScheme({ msg }: CheckInput): Failure | undefined {
  return msg.isRequest && isKnown(msg.ruriParts) ? undefined : bad('Bad Request URI');
}

const REQUIRED = [L.HDR_TO, L.HDR_FROM, L.HDR_CSEQ, L.HDR_CALL_ID, L.HDR_VIA];

function required({ msg }: CheckInput): Failure | undefined {
  return REQUIRED.every(id => msg.first(id)) ? undefined : bad('Missing Required Header in Request');
}

function cseqMethod({ msg }: CheckInput): Failure | undefined {
  const method = /^\S+\s+(\S+)$/.exec(msg.first(L.HDR_CSEQ)?.body ?? '')?.[1];
  return msg.isRequest && method === msg.method ? undefined : bad('CSeq method does not match request method');
}

function cseqValue({ msg }: CheckInput): Failure | undefined {
  return isUint32(firstWord(msg.first(L.HDR_CSEQ)?.body ?? '')) ? undefined : bad('CSeq number is illegal');
}

function contentLength({ msg }: CheckInput): Failure | undefined {
  if (!msg.first(L.HDR_CONTENT_LENGTH)) return undefined;
  return msg.contentLength === msg.length - msg.bodyOffset ? undefined : bad('Content-Length mis-match');
}

function expires({ msg }: CheckInput): Failure | undefined {
  const header = msg.first(L.HDR_EXPIRES);
  if (!header) return undefined;
  if (!header.body) return bad('Bad Expires Header');
  return isUint32(firstWord(header.body)) ? undefined : bad('Expires value is illegal');
}

/** RFC 3261 16.3 step 5: all tags that are not supported go into Unsupported. */
function proxyRequire({ msg, supported }: CheckInput): Failure | undefined {
  const unsupported: ByteStr[] = [];
  for (const header of msg.headers()) {
    if (header.id !== L.HDR_PROXY_REQUIRE) continue;
    const tags = header.body.split(',').map(tag => tag.trim());
    if (tags.includes('')) return bad('Bad Proxy Require Header');
    unsupported.push(...tags.filter(tag => !supported.has(tag)));
  }
  if (unsupported.length === 0) return undefined;
  const header = `Unsupported: ${unsupported.join(', ')}\r\n`;
  return { code: BAD_EXTENSION, reason: 'Bad Proxy Require Extension', header };
}

function parseUris({ msg, uris }: CheckInput): Failure | undefined {
  if (uris & RURI && !(msg.isRequest && isKnown(msg.ruriParts))) return bad('Bad Request URI');
  if (uris & FROM_URI && !knownAddress(msg, msg.from)) return bad('Invalid From Header');
  // The spelling is Kamailio's: scripts and logs look for it.
  if (uris & TO_URI && !knownAddress(msg, msg.to)) return bad('Ivalid To Header');
  if (uris & CONTACT_URI) {
    if (!msg.addressesParse(L.HDR_CONTACT)) return bad('Bad Contact Header');
    for (const { uri } of msg.addresses(L.HDR_CONTACT)) {
      if (uri === '*') continue;
      if (!uri.includes(':') && !bracketed(msg, uri)) return bad('Bad Contact Header');
      if (!knownUri(msg, uri)) return bad('Bad Contact URI');
    }
  }
  return undefined;
}

/** whether this text stands in angle brackets in a Contact: then it is meant as a URI */
function bracketed(msg: SipMsg, uri: ByteStr): boolean {
  return [...msg.headers()].some(h => h.id === L.HDR_CONTACT && h.body.includes(`<${uri}>`));
}

const CREDENTIALS = [L.HDR_AUTHORIZATION, L.HDR_PROXY_AUTHORIZATION];

/** parameters of digest credentials, names in lower case, quotes off; undefined when they do not parse */
function digestParams(text: ByteStr): Map<ByteStr, ByteStr> | undefined {
  const out = new Map<ByteStr, ByteStr>();
  const pieces = splitOutside(text, ',').map(piece => piece.text.trim());
  if (pieces.length > 1 && pieces.at(-1) === '') pieces.pop();
  for (const piece of pieces) {
    const eq = piece.indexOf('=');
    const name = piece.slice(0, Math.max(eq, 0)).trim().toLowerCase();
    const value = piece.slice(eq + 1).trim();
    const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
    const plain = quoted ? value.slice(1, -1) : value;
    if (!name || /[\s"]/.test(name) || (!quoted && /[\s"]/.test(plain))) return undefined;
    out.set(name, plain);
  }
  return out;
}

const NEEDED = ['username', 'realm', 'nonce', 'uri', 'response'];

function digest(header: Header, scheme: ByteStr): Failure | undefined {
  const params = digestParams(header.body.slice(scheme.length).trim());
  if (!params || !NEEDED.every(name => params.has(name))) return bad('Bad Auth Credentials');
  if (params.has('qop') && !(params.has('nc') && params.has('cnonce'))) return bad('Bad Auth Credentials');
  if (!params.get('username')) return bad('Auth Empty User');
  if (!params.get('nonce')) return bad('Auth Empty Nonce');
  return params.get('response') ? undefined : bad('Auth Empty Response');
}

/** @param strict another scheme than Digest fails, and is not answered; else it passes, and nothing behind it is looked at */
function credentials({ msg }: CheckInput, strict: boolean): Failure | undefined {
  for (const id of CREDENTIALS) {
    for (const header of msg.headers()) {
      if (header.id !== id) continue;
      const scheme = /^\S*/.exec(header.body)![0];
      if (scheme.toLowerCase() !== 'digest' || scheme === header.body)
        return strict ? { code: BAD_REQUEST, reason: '' } : undefined;
      const failure = digest(header, scheme);
      if (failure) return failure;
    }
  }
  return undefined;
}

/** number of tag parameters behind the address */
function tagCount(body: ByteStr): number {
  const params = splitOutside(body, ';').slice(1);
  return params.filter(({ text }) => (text.split('=', 1)[0] ?? '').trim().toLowerCase() === 'tag').length;
}

function tags({ msg }: CheckInput): Failure | undefined {
  if (tagCount(msg.first(L.HDR_TO)?.body ?? '') > 1) return bad('Many To Tag Params');
  return tagCount(msg.first(L.HDR_FROM)?.body ?? '') > 1 ? bad('Many From Tag Params') : undefined;
}

function firstVia({ msg }: CheckInput): Failure | undefined {
  return msg.via?.host ? undefined : bad('Bad Via Header');
}

/** Bit and check, in the order in which they run. 8 and 16, the version and the transport of Via, are disabled in Kamailio too. */
export const CHECKS: readonly (readonly [bit: number, check: Check])[] = [
  [16384, firstVia],
  [1, ruriVersion],
  [2, ruriScheme],
  [4, required],
  [32, cseqMethod],
  [64, cseqValue],
  [128, contentLength],
  [256, expires],
  [512, proxyRequire],
  [1024, parseUris],
  [2048, input => credentials(input, true)],
  [8192, input => credentials(input, false)],
  [4096, tags],
];
