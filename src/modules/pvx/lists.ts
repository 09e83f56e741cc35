/** Lists of fields: copied, made of texts, written as texts. */
import { trim } from '../../core/ascii.ts';
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { Call } from '../../kemi/table.ts';
import { parseParams, type Xavp, XavpList, type XavpValue } from '../pv/api.ts';
import { destination } from './branches.ts';
import { fieldsOf, pvState, writePv, xavps, xavus } from './pvx.ts';

/** items that one text may make */
const MAX_ITEMS = 4096;
const MAX_SEPARATORS = 64;

const cloned = (value: XavpValue): XavpValue => (value instanceof XavpList ? value.clone() : value);

function source(list: XavpList, name: ByteStr, index: number): Xavp | undefined {
  return name && index >= 0 ? list.find(name, index) : undefined;
}

export function copy(call: Call, name: ByteStr, index: number, target: ByteStr): number {
  const list = xavps(call);
  const item = source(list, name, index);
  if (!item || !target) return -1;
  list.append(target, cloned(item.value));
  return 1;
}

export function copyOver(call: Call, name: ByteStr, index: number, target: ByteStr, place: number): number {
  const list = xavps(call);
  const item = source(list, name, index);
  const other = source(list, target, place);
  if (!item || !other) return -1;
  other.value = cloned(item.value);
  return 1;
}

/** The values turn; the items keep their places among those of other names. */
export function lshift(list: XavpList, name: ByteStr, index: number): number {
  const items = list.all(name);
  if (!items.length) return -1;
  const by = ((index % items.length) + items.length) % items.length;
  const values = items.map(item => item.value);
  for (const [i, item] of items.entries()) item.value = values[(i + by) % items.length]!;
  return 1;
}

export function explode(list: XavpList, params: ByteStr, separator: ByteStr, name: ByteStr): number {
  if (!name || separator.length !== 1) return -1;
  const parsed = parseParams(params, separator)?.filter(param => param.name);
  if (!parsed?.length || parsed.length > MAX_ITEMS) return -1;
  const fields = list.child();
  for (const param of parsed) fields.append(param.name, param.value ?? '');
  list.push(name, fields);
  return 1;
}

export function xavuExplode(call: Call, params: ByteStr, name: ByteStr): number {
  const list = xavus(call);
  const parsed = list.child();
  if (explode(parsed, params, ';', 'x') < 0 || !name) return -1;
  const fields = list.child();
  for (const { name: field, value } of fieldsOf(parsed, 'x')!.items)
    if (!fields.find(field)) fields.append(field, value);
  list.remove(name, '*');
  list.push(name, fields);
  return 1;
}

/** @param quote what stands around each value */
export function implode(call: Call, list: XavpList, name: ByteStr, pv: ByteStr, quote: string): number {
  const fields = fieldsOf(list, name);
  if (!fields?.items.length) return -1;
  let out = '';
  for (const { name: field, value } of fields.items) {
    if (value instanceof XavpList) continue;
    out += `${field}=${quote}${typeof value === 'number' ? value >>> 0 : value}${quote};`;
  }
  return writePv(call, pv, out);
}

export function slistExplode(call: Call, list: ByteStr, separators: ByteStr, mode: ByteStr, name: ByteStr): number {
  if (!list || !separators || separators.length > MAX_SEPARATORS || !name) return -1;
  const fields = xavps(call).child();
  let start = 0;
  for (let i = 0; i <= list.length; i++) {
    if (i < list.length && !separators.includes(list[i]!)) continue;
    const item = list.slice(start, i);
    const value = mode.includes('t') ? trim(item) : item;
    start = i + 1;
    if (!value) continue;
    if (fields.items.length >= MAX_ITEMS) return -1;
    fields.append('v', value);
  }
  if (fields.items.length) xavps(call).push(name, fields);
  return 1;
}

export function varToXavp(call: Call, variable: ByteStr, name: ByteStr): number {
  const { vars } = pvState(call);
  const chosen = variable === '*' ? [...vars] : [...vars].filter(([key]) => key === variable);
  if (!chosen.length || !name) return -1;
  const list = xavps(call);
  const fields = list.child();
  for (const [key, value] of chosen) fields.append(key, value);
  list.remove(name, '*');
  list.push(name, fields);
  return 1;
}

export function xavpToVar(call: Call, name: ByteStr): number {
  const fields = fieldsOf(xavps(call), name);
  if (!fields) return -1;
  const { vars } = pvState(call);
  // the newest of a name counts
  for (const { name: field, value } of fields.items.toReversed())
    if (!(value instanceof XavpList)) vars.set(field, value);
  return 1;
}

/** Takes the fields uri, dsturi and socket as where the request goes. */
export function pushDst(call: Call, name: ByteStr): number {
  const fields = fieldsOf(xavps(call), name);
  if (!fields) return -1;
  const text = (field: ByteStr) => {
    const value = fields.find(field)?.value;
    return typeof value === 'string' && value ? value : undefined;
  };
  return destination(call, { uri: text('uri'), dstUri: text('dsturi'), socket: text('socket') }) ? 1 : -1;
}

/** One log line a value, as deep as the lists go. */
export function print({ host }: Call, kind: string, list: XavpList): number {
  const counts = new Map<ByteStr, number>();
  for (const { name, value } of list.items) {
    const index = counts.get(name) ?? 0;
    counts.set(name, index + 1);
    const path = `$${kind}(${utf8Of(name)}[${index}]`;
    if (!(value instanceof XavpList)) host.log.info({}, `${path}) = ${shown(value)}`);
    else for (const field of value.items) host.log.info({}, `${path}=>${utf8Of(field.name)}) = ${shown(field.value)}`);
  }
  return 1;
}

const shown = (value: XavpValue): string =>
  value instanceof XavpList ? 'a list' : typeof value === 'number' ? String(value) : JSON.stringify(utf8Of(value));
