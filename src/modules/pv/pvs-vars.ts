/** Variables that scripts make: $var $vn $shv $avp $xavp $xavi $xavu $cnt. */
import { trim } from '../../core/ascii.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { BoundPv, PvArgs, PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import { avpKey, type MessageVars, type PvState, varsOf } from './api.ts';
import { countPath, getPath, parsePath, scalarOf, setPath, XavpList, type XavpPath } from './xavp.ts';

type C = Call<PvState>;

const variable = (
  name: string,
  aliases: string[],
  store: (state: PvState) => PvState['shared'],
  unset: XVal,
  doc: string,
): PvClass => ({
  name,
  aliases,
  inner: 'required',
  innerAs: 'raw',
  anytime: true,
  doc,
  get: ({ state }: C, { inner }) => store(state).get(inner) ?? unset,
  bind: ({ state }: C, inner) => {
    const values = store(state);
    return {
      get: () => values.get(inner) ?? unset,
      set: value => {
        if (value !== null) values.set(inner, value);
        else if (name === 'shv') values.set(inner, '');
        else values.delete(inner);
        return true;
      },
    };
  },
  ...(name === 'var' && { cell: ({ state }: C, inner: ByteStr) => store(state).cell?.(inner) ?? 0 }),
  set: ({ state }: C, { inner }, value) => {
    if (value !== null) store(state).set(inner, value);
    else if (name === 'shv') store(state).set(inner, '');
    else store(state).delete(inner);
    return true;
  },
});

/** $avp(name) without index. */
function bindAvp({ state, host }: C, inner: ByteStr): BoundPv {
  const key = avpKey(state, inner);
  return {
    get: () => (key === undefined ? null : (varsOf(host).avps.get(key)?.[0] ?? null)),
    set: value => {
      if (key === undefined) return false;
      const { avps } = varsOf(host);
      const list = avps.get(key);
      if (value !== null) {
        if (list) list.unshift(value);
        else avps.set(key, [value]);
      } else if (list) {
        list.shift();
        if (list.length === 0) avps.delete(key);
      }
      return true;
    },
  };
}

function avpGet({ state, host }: C, { inner, innerValue, index }: PvArgs): XVal {
  const key = avpKey(state, inner, innerValue);
  const list = key === undefined ? undefined : varsOf(host).avps.get(key);
  if (!list?.length) return null;
  if (index !== '*') return list.at(index ?? 0) ?? null;
  // DIFFERS from joining all: an empty value at the front leaves no separator, as in Kamailio
  return list.reduce<string>((out, value) => (out ? `${out}, ${value}` : String(value)), '');
}

/** A write pushes; index `[*]` replaces all. null pops the newest, `[*]` all. Another index is ignored, as in Kamailio. */
function avpSet({ state, host }: C, { inner, innerValue, index }: PvArgs, value: XVal): boolean {
  const key = avpKey(state, inner, innerValue);
  if (key === undefined) return false;
  const { avps } = varsOf(host);
  const list = avps.get(key) ?? [];
  if (index === '*') list.length = 0;
  else if (value === null) list.shift();
  if (value !== null) list.unshift(value);
  if (list.length) avps.set(key, list);
  else avps.delete(key);
  return true;
}

const tree = (name: 'xavp' | 'xavi', list: (vars: MessageVars) => XavpList, doc: string): PvClass => ({
  name,
  inner: 'required',
  innerAs: 'raw',
  doc,
  check: inner => (parsePath(inner) ? undefined : `"${inner}" is no ${name} name: name[index]=>field[index]`),
  get: ({ host }: C, { inner }) => getPath(list(varsOf(host)), parsePath(inner)!),
  set: ({ host }: C, { inner }, value) => setPath(list(varsOf(host)), parsePath(inner)!, value),
});

function xavuPath(inner: string): [root: string, child: string | undefined] | undefined {
  const arrow = inner.indexOf('=>');
  const root = trim(arrow < 0 ? inner : inner.slice(0, arrow));
  const child = arrow < 0 ? undefined : trim(inner.slice(arrow + 2));
  return root && child !== '' ? [root, child] : undefined;
}

const xavu: PvClass = {
  name: 'xavu',
  inner: 'required',
  innerAs: 'raw',
  doc: 'A variable of the message with one value a name, or one a name and field: $xavu(a), $xavu(a=>b).',
  check: inner => (xavuPath(inner) ? undefined : `"${inner}" is no xavu name: name or name=>field`),
  get: ({ host }: C, { inner }) => {
    const [root, child] = xavuPath(inner)!;
    const value = varsOf(host).xavus.find(root)?.value;
    if (child === undefined) return scalarOf(value);
    return value instanceof XavpList ? scalarOf(value.find(child)?.value) : null;
  },
  set: ({ host }: C, { inner }, value) => {
    const [root, child] = xavuPath(inner)!;
    return xavuSet(varsOf(host).xavus, root, child, value);
  },
};

/** One value a name: a write replaces. */
export function xavuSet(list: XavpList, root: string, child: string | undefined, value: XVal): boolean {
  const item = list.find(root);
  if (child === undefined) {
    if (value === null) list.remove(root);
    else if (item) item.value = value;
    else list.push(root, value);
    return true;
  }
  const fields = item?.value instanceof XavpList ? item.value : undefined;
  if (value === null) {
    fields?.remove(child);
    return true;
  }
  const target = fields ?? list.child();
  const field = target.find(child);
  if (field) field.value = value;
  else target.push(child, value);
  if (fields) return true;
  if (item) item.value = target;
  else list.push(root, target);
  return true;
}

/** The path inside `$xavp(...)`, or the AVP name inside `$avp(...)`. */
function counted(inner: string): { kind: 'avp' | 'xavp' | 'xavi'; name: string; path?: XavpPath } | undefined {
  const text = trim(inner);
  const kind = (['avp', 'xavp', 'xavi'] as const).find(k => text.startsWith(`$${k}(`));
  if (!kind || text.at(-1) !== ')') return undefined;
  const name = text.slice(kind.length + 2, -1);
  if (kind === 'avp') return { kind, name };
  const path = parsePath(name);
  return path && { kind, name, path };
}

export const variables: readonly PvClass[] = [
  variable('var', ['vz'], s => s.vars, 0, 'A variable of the script that lives as long as the runtime; 0 when unset.'),
  variable('vn', [], s => s.nulls, null, 'As $var, but null when unset.'),
  variable('shv', [], s => s.shared, 0, 'A variable that RPC commands can set, too; 0 when unset.'),
  {
    name: 'avp',
    inner: 'required',
    innerAs: 'pv',
    indexed: true,
    doc: 'A stack of values that lives as long as the message: a write pushes, a read gives the newest, unset pops one.',
    check: inner =>
      /^[is]:/i.test(inner) || inner[1] !== ':' ? undefined : `"${inner}" is no AVP name: name, s:name or i:number`,
    get: avpGet,
    set: avpSet,
    bind: bindAvp,
  },
  tree(
    'xavp',
    vars => vars.xavps,
    'A stack of values or of named fields that lives as long as the message: $xavp(a[0]=>b[0]).',
  ),
  tree('xavi', vars => vars.xavis, 'As $xavp, with names in any case.'),
  xavu,
  {
    name: 'cnt',
    inner: 'required',
    innerAs: 'raw',
    doc: 'How many values $avp(name) or $xavp(path) has.',
    check: inner => (counted(inner) ? undefined : '$cnt() takes $avp(name), $xavp(path) or $xavi(path)'),
    get: ({ state, host }: C, { inner }) => {
      const { kind, name, path } = counted(inner)!;
      const vars = varsOf(host);
      if (kind !== 'avp') return countPath(kind === 'xavp' ? vars.xavps : vars.xavis, path!);
      const key = avpKey(state, name);
      return key === undefined ? 0 : (vars.avps.get(key)?.length ?? 0);
    },
  },
];
