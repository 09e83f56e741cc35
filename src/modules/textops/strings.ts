/** Comparing and searching plain strings, lists and Privacy values. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { trimOf } from '../../kemi/scan.ts';
import { regexOf, type TextCall } from './state.ts';

/** ASCII letters only, as SIP compares */
export const lower = (text: ByteStr): ByteStr => text.replace(/[A-Z]+/g, letters => letters.toLowerCase());

const items = (list: ByteStr, separator: ByteStr): ByteStr[] =>
  list.split(separator.charAt(0)).map(item => trimOf(item, ' '));

export function inList(subject: ByteStr, list: ByteStr, separator: ByteStr): number {
  if (!subject || !list || !separator) return -1;
  return items(list, separator).includes(subject) ? 1 : -1;
}

export function inListPrefix(subject: ByteStr, list: ByteStr, separator: ByteStr): number {
  if (!subject || !list || !separator) return -1;
  return items(list, separator).some(item => item && subject.startsWith(item)) ? 1 : -1;
}

/** @returns position from 1, -1 not found; an empty text is found behind the last byte */
export function find(text: ByteStr, part: ByteStr): number {
  if (!part) return text.length + 1;
  const at = text.indexOf(part);
  return at < 0 ? -1 : at + 1;
}

export function findAnyCase(text: ByteStr, part: ByteStr): number {
  const at = lower(text).indexOf(lower(part));
  return at < 0 ? -1 : at + 1;
}

export const anyIn = (text: ByteStr, set: ByteStr): number => ([...text].some(c => set.includes(c)) ? 1 : -1);
export const allIn = (text: ByteStr, set: ByteStr): number => (text && [...text].every(c => set.includes(c)) ? 1 : -1);

/** RFC 3323 4.2, RFC 3325 9.3, RFC 4244 */
const PRIVACY = new Set(['header', 'session', 'user', 'none', 'critical', 'id', 'history']);

/** @returns 1 the Privacy header has the value; -1 not, or it is not valid */
export function isPrivacy(msg: SipMsg, value: ByteStr): number {
  const wanted = value.toLowerCase();
  const header = msg.first(L.HDR_PRIVACY);
  if (!PRIVACY.has(wanted) || !header) return -1;
  const values = header.body.split(';').map(v => v.trim().toLowerCase());
  if (!values.every(v => PRIVACY.has(v)) || (values.includes('none') && values.length > 1)) return -1;
  return values.includes(wanted) ? 1 : -1;
}

/** @returns 1 and the group's text in the PV, -2 no match, -1 bad index, PV or expression, or the group is empty */
export function regexSubstring(
  call: TextCall,
  text: ByteStr,
  source: ByteStr,
  index: number,
  count: number,
  target: ByteStr,
): number {
  const pv = target ? call.host.pv(target) : undefined;
  if (!pv?.writable || index < 0 || index >= count) return -1;
  const regex = regexOf(call, source, {});
  if (!regex) return -1;
  const match = regex.exec(text);
  if (!match) return -2;
  const [start, end] = match[index] ?? [-1, -1];
  if (start < 0 || end === start) return -1;
  return pv.set(text.slice(start, end)) ? 1 : -1;
}
