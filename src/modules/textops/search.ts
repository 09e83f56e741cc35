/** Searching and replacing in the bytes of a message. The message itself is read as received: edits are seen after msg_apply_changes() only. */
import type { ByteStr } from '../../core/memory.ts';
import type { Header, SipMsg } from '../../core/sip-msg.ts';
import { bodyEnd, bodyOf, headersNamed, headersStart, replaceText, valueOffset } from '../../kemi/message-edits.ts';
import type { RegexOptions } from '../../kemi/posix-regex.ts';
import { LINES, regexOf, substOf, type TextCall } from './state.ts';
import { type Change, changed, changes } from './subst.ts';

/** A stretch of the message. */
interface Area {
  readonly start: number;
  readonly text: ByteStr;
}

const area = (msg: SipMsg, start: number, end: number): Area => ({ start, text: msg.slice(start, end - start) });
/** everything behind the start line */
export const afterStartLine = (msg: SipMsg): Area =>
  area(msg, headersStart(msg), Math.max(bodyEnd(msg), msg.headersEnd));
export const headerArea = (msg: SipMsg): Area => area(msg, headersStart(msg), msg.headersEnd);
/** undefined when there is no body */
export function bodyArea(msg: SipMsg): Area | undefined {
  const text = bodyOf(msg);
  return text ? { start: msg.bodyOffset, text } : undefined;
}

export function search(call: TextCall, text: ByteStr | undefined, source: ByteStr, options?: RegexOptions): number {
  if (text === undefined) return -1;
  return regexOf(call, source, options)?.test(text) ? 1 : -1;
}

/** @returns 1 match, -1 none, 2 empty expression, -2 empty text or expression refused */
export function searchText(call: TextCall, text: ByteStr, source: ByteStr): number {
  if (!text) return -2;
  if (!source) return 2;
  const regex = regexOf(call, source);
  return regex ? (regex.test(text) ? 1 : -1) : -2;
}

/** the headers that a flag selects: f the first, l the last, else all */
export function selected(msg: SipMsg, name: ByteStr, flag: ByteStr): Header[] {
  const all = name ? headersNamed(msg, name) : [];
  if (flag === 'f') return all.slice(0, 1);
  return flag === 'l' ? all.slice(-1) : all;
}

export function searchHeader(call: TextCall, name: ByteStr, source: ByteStr, flag: ByteStr): number {
  if (!source) return -1;
  const regex = regexOf(call, source);
  return regex && selected(call.msg, name, flag).some(h => regex.test(h.body)) ? 1 : -1;
}

/** Puts text behind the first match. */
export function appendToMatch(call: TextCall, where: Area | undefined, source: ByteStr, text: ByteStr): number {
  const match = where && regexOf(call, source)?.exec(where.text);
  if (!where || !match) return -1;
  return !text || replaceText(call.msg, where.start + match[0]![1], 0, text) ? 1 : -1;
}

/** Replaces the first match. */
export function replaceFirst(call: TextCall, where: Area | undefined, source: ByteStr, text: ByteStr): number {
  const match = where && regexOf(call, source)?.exec(where.text);
  if (!where || !match) return -1;
  const [start, end] = match[0]!;
  return replaceText(call.msg, where.start + start, end - start, text) ? 1 : -1;
}

/** Replaces all matches. @returns 1; -1 when there is none, or one is empty: what was replaced before it stays */
export function replaceAll(
  call: TextCall,
  where: Area | undefined,
  source: ByteStr,
  text: ByteStr,
  options: RegexOptions = LINES,
): number {
  const regex = where && regexOf(call, source, options);
  if (!where || !regex) return -1;
  const list: Change[] = [];
  for (let at = 0; ; ) {
    const match = regex.exec(where.text, at);
    if (!match) return list.length && apply(call, where, list) ? 1 : -1;
    const [start, end] = match[0]!;
    if (start === end) {
      call.host.log.error({ regex: source }, 'Cannot replace all matches: one of them is empty');
      apply(call, where, list);
      return -1;
    }
    list.push({ start, end, text });
    at = end;
  }
}

/** Replaces plain text, case-sensitive. @param mode f the first, else all  @returns 1 also when the text is not there */
export function replacePlain(
  call: TextCall,
  where: Area | undefined,
  find: ByteStr,
  text: ByteStr,
  mode: ByteStr,
): number {
  if (!where) return -1;
  if (!find) return 1;
  const list: Change[] = [];
  for (let at = where.text.indexOf(find); at >= 0; at = where.text.indexOf(find, at + find.length)) {
    list.push({ start: at, end: at + find.length, text });
    if (mode === 'f') break;
  }
  return apply(call, where, list) ? 1 : -1;
}

/** more changes than this become one, from the first to the last: a message takes 4096 edits, and each looks at all before it */
const MAX_SINGLE_CHANGES = 256;

function apply(call: TextCall, where: Area, list: readonly Change[]): boolean {
  const [first, last] = [list[0], list.at(-1)];
  if (!first || !last) return true;
  if (list.length <= MAX_SINGLE_CHANGES)
    return list.every(c => replaceText(call.msg, where.start + c.start, c.end - c.start, c.text));
  const moved = list.map(c => ({ start: c.start - first.start, end: c.end - first.start, text: c.text }));
  const text = changed(where.text.slice(first.start, last.end), moved);
  return replaceText(call.msg, where.start + first.start, last.end - first.start, text);
}

/** the changes in a text; undefined when there is none, or an error (logged) */
function changesIn(call: TextCall, text: ByteStr, source: ByteStr): Change[] | undefined {
  const subst = substOf(call, source);
  if (!subst) return undefined;
  const list = changes(subst, text, () => call.msg.ruri);
  if (!list) call.host.log.error({ subst: source }, 'Cannot substitute: a match is empty');
  return list?.length ? list : undefined;
}

export function substArea(call: TextCall, where: Area | undefined, source: ByteStr): number {
  const list = where && changesIn(call, where.text, source);
  return list && apply(call, where, list) ? 1 : -1;
}

export function substHeader(call: TextCall, name: ByteStr, source: ByteStr, flag: ByteStr): number {
  let result = -1;
  for (const h of selected(call.msg, name, flag)) {
    const list = changesIn(call, h.body, source);
    if (list && apply(call, { start: valueOffset(call.msg, h), text: h.body }, list)) result = 1;
  }
  return result;
}

export function substUri(call: TextCall, source: ByteStr): number {
  const uri = call.msg.ruri;
  const list = changesIn(call, uri, source);
  if (!list) return -1;
  call.msg.ruri = changed(uri, list);
  return 1;
}

/** The user part of the request URI. @returns 1 changed, -1 not */
export function substUser(call: TextCall, source: ByteStr): number {
  const { msg } = call;
  const parts = msg.ruriParts;
  if (!parts) return -1;
  const user = parts.user ?? '';
  const list = changesIn(call, user, source);
  if (!list) return -1;
  const uri = msg.ruri;
  const start = uri.indexOf(':') + 1;
  const made = changed(user, list);
  const rest = uri.slice(start + user.length);
  if (!made && rest.startsWith('@')) msg.ruri = uri.slice(0, start) + rest.slice(1);
  else msg.ruri = uri.slice(0, start) + made + (parts.user === undefined ? '@' : '') + rest;
  return 1;
}

/** @returns 1 and the text with substitutions in the PV, -1 when nothing changed or the PV takes no value */
export function substInto(call: TextCall, text: ByteStr, source: ByteStr, target: ByteStr): number {
  const pv = target ? call.host.pv(target) : undefined;
  if (!text || !pv?.writable) return -1;
  const list = changesIn(call, text, source);
  return list && pv.set(changed(text, list)) ? 1 : -1;
}
