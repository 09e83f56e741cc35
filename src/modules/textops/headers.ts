/** Header fields by name, expression, position or value. */
import type { ByteStr } from '../../core/memory.ts';
import type { Header } from '../../core/sip-msg.ts';
import { headersNamed, isHeaderName, removeHeader } from '../../kemi/message-edits.ts';
import type { Regex } from '../../kemi/posix-regex.ts';
import { regexOf, type TextCall } from './state.ts';

function removeWhere(call: TextCall, test: (h: Header) => boolean, none: number): number {
  let result = none;
  for (const h of call.msg.headers()) {
    if (!test(h)) continue;
    if (!removeHeader(call.msg, h.index)) return -1;
    result = 1;
  }
  return result;
}

/** @returns 1 also when there was none, -1 empty name */
export function removeNamed(call: TextCall, name: ByteStr): number {
  if (!name) return -1;
  for (const h of call.msg.named(name)) if (!removeHeader(call.msg, h.index)) return -1;
  return 1;
}

export function removeMatching(call: TextCall, source: ByteStr): number {
  const regex = regexOf(call, source);
  return regex ? removeWhere(call, h => regex.test(h.name), -1) : -1;
}

export function removeExpression(call: TextCall, match: ByteStr, skip: ByteStr): number {
  const wanted = regexOf(call, match);
  const spared = wanted && regexOf(call, skip);
  return wanted && spared ? removeWhere(call, h => wanted.test(h.name) && !spared.test(h.name), -1) : -1;
}

/** @returns 1 removed, or a negative index before the first; 2 there is no header at this index; -1 no header name */
export function removeIndex(call: TextCall, name: ByteStr, index: number): number {
  if (!isHeaderName(name)) return -1;
  const header = headersNamed(call.msg, name).at(index);
  if (!header) return index < 0 ? 1 : 2;
  return removeHeader(call.msg, header.index) ? 1 : -1;
}

/** @param op eq, ne, in (contains), re; any case  @returns 1 removed, -2 none, -1 bad name, operator or expression */
export function removeValue(call: TextCall, name: ByteStr, op: ByteStr, value: ByteStr): number {
  if (!isHeaderName(name)) return -1;
  const kind = op.toLowerCase();
  let regex: Regex | undefined;
  if (kind === 're') {
    regex = regexOf(call, value);
    if (!regex) return -1;
  } else if (kind !== 'eq' && kind !== 'ne' && kind !== 'in') {
    call.host.log.error({ op }, `Cannot remove headers: the operator "${op}" is not known`);
    return -1;
  }
  const test = (body: ByteStr): boolean => {
    if (regex) return regex.test(body);
    if (kind === 'in') return value !== '' && body.includes(value);
    return (kind === 'eq') === (body === value);
  };
  const chosen = new Set(headersNamed(call.msg, name).map(h => h.index));
  return removeWhere(call, h => chosen.has(h.index) && test(h.body), -2);
}

export function isPresent(call: TextCall, source: ByteStr): number {
  const regex = regexOf(call, source);
  return regex && [...call.msg.headers()].some(h => regex.test(h.name)) ? 1 : -1;
}
