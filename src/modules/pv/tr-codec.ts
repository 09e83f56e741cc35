/** {s.*}: digests, encodings and escapes. A value that is not in the encoding decodes to null. */
import { isAlnum, isHex } from '../../core/ascii.ts';
import { type ByteStr, byteStr } from '../../core/memory.ts';
import type { Transformation } from '../../kemi/pv-types.ts';
import type { XVal } from '../../kemi/table.ts';
import { sha512 } from './sha512.ts';
import { MAX_RESULT, s } from './tr-string.ts';

const hex2 = (c: number): string => c.toString(16).padStart(2, '0');

function encodeHex(text: ByteStr): ByteStr {
  let out = '';
  for (let i = 0; i < text.length; i++) out += hex2(text.charCodeAt(i));
  return out;
}

/** An odd last digit is left out, as in Kamailio. */
function decodeHex(text: ByteStr): XVal {
  let out = '';
  for (let i = 0; i + 1 < text.length; i += 2) {
    if (!isHex(text.charCodeAt(i)) || !isHex(text.charCodeAt(i + 1))) return null;
    out += String.fromCharCode(Number.parseInt(text.slice(i, i + 2), 16));
  }
  return out;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function encodeBase64(text: ByteStr, last2: string, pad: boolean): ByteStr {
  const digits = BASE64 + last2;
  let out = '';
  for (let i = 0; i < text.length; i += 3) {
    const n = (text.charCodeAt(i) << 16) | ((text.charCodeAt(i + 1) || 0) << 8) | (text.charCodeAt(i + 2) || 0);
    const chars = Math.min(3, text.length - i) + 1;
    for (let k = 0; k < 4; k++) {
      if (k < chars) out += digits[(n >> (18 - 6 * k)) & 63];
      else if (pad) out += '=';
    }
  }
  return out;
}

/** @param pad whether the padding must be there (RFC 4648 4); without it both forms are taken */
function decodeBase64(text: ByteStr, last2: string, pad: boolean): XVal {
  const digits = BASE64 + last2;
  if (pad && text.length % 4) return null;
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text[end - 1] === '=') end--;
  if (end % 4 === 1) return null;
  let out = '';
  let bits = 0;
  let held = 0;
  for (let i = 0; i < end; i++) {
    const v = digits.indexOf(text[i]!);
    if (v < 0) return null;
    held = ((held << 6) | v) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += String.fromCharCode((held >> bits) & 0xff);
    }
  }
  return out;
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** base58 costs the square of the length */
const MAX_BASE58 = 2048;

/** Changes the base of a number of `digits`, most significant first; leading zeros stay. */
function rebase(digits: number[], from: number, to: number): number[] {
  let zeros = 0;
  while (zeros < digits.length && digits[zeros] === 0) zeros++;
  const out: number[] = [];
  for (let i = zeros; i < digits.length; i++) {
    let carry = digits[i]!;
    for (let k = 0; k < out.length; k++) {
      carry += out[k]! * from;
      out[k] = carry % to;
      carry = Math.floor(carry / to);
    }
    while (carry > 0) {
      out.push(carry % to);
      carry = Math.floor(carry / to);
    }
  }
  return [...new Array<number>(zeros).fill(0), ...out.reverse()];
}

function encodeBase58(text: ByteStr): XVal {
  if (text.length > MAX_BASE58) return null;
  const bytes = Array.from(text, c => c.charCodeAt(0));
  return rebase(bytes, 256, 58)
    .map(d => BASE58[d])
    .join('');
}

function decodeBase58(text: ByteStr): XVal {
  if (text.length > MAX_BASE58) return null;
  const digits = Array.from(text, c => BASE58.indexOf(c));
  if (digits.includes(-1)) return null;
  return byteStr(Uint8Array.from(rebase(digits, 58, 256)));
}

/** GSM 03.38 packing: 8 characters of 7 bits in 7 bytes, as upper-case hex. */
function encode7bit(text: ByteStr): ByteStr {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const k = i % 8;
    if (k === 7) continue;
    const next = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
    out += hex2(((text.charCodeAt(i) >> k) | (next << (7 - k))) & 0xff);
  }
  return out.toUpperCase();
}

function decode7bit(text: ByteStr): XVal {
  const bytes = decodeHex(text);
  if (typeof bytes !== 'string') return null;
  let out = '';
  let held = 0;
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) {
    held |= bytes.charCodeAt(i) << bits;
    bits += 8;
    while (bits >= 7) {
      out += String.fromCharCode(held & 0x7f);
      held >>= 7;
      bits -= 7;
    }
  }
  // a last group of seven zero bits is what fills the byte, not a character
  return out.length % 8 === 0 && out.at(-1) === '\0' ? out.slice(0, -1) : out;
}

const COMMON: Record<string, string> = { "'": "\\'", '"': '\\"', '\\': '\\\\', '\0': '\\0' };

function escapeCommon(text: ByteStr): ByteStr {
  let out = '';
  for (const c of text) out += COMMON[c] ?? c;
  return out;
}

function unescapeCommon(text: ByteStr): ByteStr {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const next = text[i + 1];
    if (text[i] === '\\' && next !== undefined && `'"\\0`.includes(next)) {
      out += next === '0' ? '\0' : next;
      i++;
    } else out += text[i];
  }
  return out;
}

/** RFC 3261 25.1: what may stand in a user part, and in a URI parameter, without an escape */
const USER = "-_.!~*'()&=+$,;?/";
const PARAM = "-_.!~*'()[]/:&+$";

/** Text of printable ASCII only, as in Kamailio; anything else has no escape here and gives null. */
function escapeBy(text: ByteStr, allowed: string): XVal {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 32 || c > 126) return null;
    out += isAlnum(c) || allowed.includes(text[i]!) ? text[i] : `%${hex2(c)}`;
  }
  return out;
}

/** Null for an escape that is cut off, not hex, or of a control character or a byte above 126 (no NUL may come in this way). */
function unescapeUri(text: ByteStr): XVal {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') {
      out += text[i];
      continue;
    }
    if (!isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2))) return null;
    const c = Number.parseInt(text.slice(i + 1, i + 3), 16);
    if (c < 32 || c > 126) return null;
    out += String.fromCharCode(c);
    i += 2;
  }
  return out;
}

function urlEncode(text: ByteStr): ByteStr {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    out += isAlnum(c) || '-._~'.includes(text[i]!) ? text[i] : `%${hex2(c)}`;
  }
  return out;
}

/** An escape that is none stays as written. */
function urlDecode(text: ByteStr): ByteStr {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '%' && isHex(text.charCodeAt(i + 1)) && isHex(text.charCodeAt(i + 2))) {
      out += String.fromCharCode(Number.parseInt(text.slice(i + 1, i + 3), 16));
      i += 2;
    } else out += text[i] === '+' ? ' ' : text[i];
  }
  return out;
}

const small = (text: ByteStr, run: (text: ByteStr) => XVal): XVal => (text.length > MAX_RESULT ? null : run(text));

export const codecs: readonly Transformation[] = [
  { class: 's', name: 'md5', doc: 'MD5, as hex.', run: (v, _a, host) => host.md5(String(v)) },
  { class: 's', name: 'sha256', doc: 'SHA-256, as hex.', run: (v, _a, host) => host.sha256(String(v)) },
  s('sha384', [], 'SHA-384, as hex.', text => sha512(text, 384)),
  s('sha512', [], 'SHA-512, as hex.', text => sha512(text)),
  s('encode.hexa', [], 'As hex digits.', encodeHex),
  s('decode.hexa', [], 'Bytes from hex digits.', decodeHex),
  s('encode.base64', [], 'As base64.', text => encodeBase64(text, '+/', true)),
  s('decode.base64', [], 'Bytes from base64.', text => decodeBase64(text, '+/', true)),
  s('encode.base64t', [], 'As base64 without padding.', text => encodeBase64(text, '+/', false)),
  s('decode.base64t', [], 'Bytes from base64 with or without padding.', text => decodeBase64(text, '+/', false)),
  s('encode.base64url', [], 'As base64 for URLs.', text => encodeBase64(text, '-_', true)),
  s('decode.base64url', [], 'Bytes from base64 for URLs.', text => decodeBase64(text, '-_', true)),
  s('encode.base64urlt', [], 'As base64 for URLs without padding.', text => encodeBase64(text, '-_', false)),
  s('decode.base64urlt', [], 'Bytes from base64 for URLs with or without padding.', text =>
    decodeBase64(text, '-_', false),
  ),
  s('encode.base58', [], 'As base58; at most 2048 bytes.', encodeBase58),
  s('decode.base58', [], 'Bytes from base58; at most 2048 digits.', decodeBase58),
  s('encode.7bit', [], 'Packed into 7 bits a character (GSM 03.38), as hex.', encode7bit),
  s('decode.7bit', [], 'Text from that packing.', decode7bit),
  s('escape.common', [], 'With a backslash before quotes, backslash and NUL.', escapeCommon),
  s('unescape.common', [], 'Without those backslashes.', unescapeCommon),
  s('escape.user', [], 'With %xx for what a SIP user part may not hold; printable ASCII only.', text =>
    escapeBy(text, USER),
  ),
  s('unescape.user', [], 'With %xx replaced by its character.', text => small(text, unescapeUri)),
  s('escape.param', [], 'With %xx for what a SIP URI parameter may not hold; printable ASCII only.', text =>
    escapeBy(text, PARAM),
  ),
  s('unescape.param', [], 'With %xx replaced by its character.', text => small(text, unescapeUri)),
  s(
    'escape.csv',
    [],
    'As a CSV field: in double quotes, those inside doubled (RFC 4180 2).',
    text => `"${text.replaceAll('"', '""')}"`,
  ),
  s('urlencode.param', [], 'With %xx for what a URL parameter may not hold.', urlEncode),
  s('urldecode.param', [], 'With %xx and + replaced by their characters.', urlDecode),
];
