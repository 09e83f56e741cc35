/** What the rows of module pvx share. The variables themselves belong to module pv. */
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import { type PvState, type ScalarStore, Selects, scalarOf, varsOf, XavpList, type XavpValue } from '../pv/api.ts';

export const xavps = ({ host }: Call): XavpList => varsOf(host).xavps;
export const xavis = ({ host }: Call): XavpList => varsOf(host).xavis;
export const xavus = ({ host }: Call): XavpList => varsOf(host).xavus;

const none = (): PvState => ({
  vars: new Map(),
  nulls: new Map(),
  shared: new Map(),
  aliases: new Map(),
  startedMs: 0,
  uniquePrefix: '',
  uniqueCount: 0,
  selects: new Selects(),
});
/** State of module pv; an empty one when it is not loaded, as $var is then not there either. */
export const pvState = ({ host }: Call): PvState => host.module<PvState>('pv') ?? none();

/** 1, whatever the work gave: most functions here say 1 also when there was nothing to do. */
export const done = (_work: unknown): number => 1;

export function setScalar(store: ScalarStore, name: ByteStr, value: number | ByteStr): number {
  if (!name) return -1;
  store.set(name, value);
  return 1;
}

export function increment(store: ScalarStore, name: ByteStr): XVal {
  return store.exclusive ? store.exclusive(name, () => addOne(store, name)) : addOne(store, name);
}

function addOne(store: ScalarStore, name: ByteStr): XVal {
  const value = store.get(name) ?? 0;
  if (!name || typeof value === 'string') return null;
  store.set(name, (value + 1) | 0);
  return (value + 1) | 0;
}

/** The stack of an AVP with a string name; change it only when it is not empty. */
export const avpsOf = ({ host }: Call, name: ByteStr): (number | ByteStr)[] => varsOf(host).avps.get(`s:${name}`) ?? [];

export function pushAvp(call: Call, name: ByteStr, value: number | ByteStr): number {
  if (!name) return -1;
  const { avps } = varsOf(call.host);
  avps.set(`s:${name}`, [value, ...avpsOf(call, name)]);
  return 1;
}

/** The list of fields that a name holds, undefined when it holds a value or nothing. */
export function fieldsOf(list: XavpList, name: ByteStr): XavpList | undefined {
  const value = list.find(name)?.value;
  return value instanceof XavpList ? value : undefined;
}

export function childOf(list: XavpList, name: ByteStr, field: ByteStr): XVal {
  return scalarOf(fieldsOf(list, name)?.find(field)?.value);
}

/** A field is replaced; a variable that held a value becomes a list of fields. */
export function setChild(list: XavpList, name: ByteStr, field: ByteStr, value: XavpValue): number {
  if (!name || !field) return -1;
  let fields = fieldsOf(list, name);
  if (!fields) {
    const item = list.find(name);
    fields = list.child();
    if (item) item.value = fields;
    else list.push(name, fields);
  }
  const item = fields.find(field);
  if (item) item.value = value;
  else fields.push(field, value);
  return 1;
}

/** @returns 1 written, -1 not (logged) */
export function writePv({ host }: Call, name: ByteStr, value: ByteStr): number {
  const pv = host.pv(name);
  if (!pv) return -1;
  if (pv.writable && pv.set(value)) return 1;
  host.log.error({ pv: utf8Of(name) }, `Cannot write ${utf8Of(name)}: it is not writable or does not take the value`);
  return -1;
}

export function evaluate(call: Call, name: ByteStr, text: ByteStr): number {
  const value = call.host.format(text);
  return value === undefined ? -1 : writePv(call, name, value);
}
