/** $sht and its relatives. */
import type { ByteStr } from '../../core/memory.ts';
import type { PvArgs, PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import { expressionTest } from './match.ts';
import { type HtableState, tableOf, write } from './state.ts';
import type { Table, Value } from './table.ts';

type C = Call<HtableState>;

const check = (inner: ByteStr) => (inner.indexOf('=>') > 0 ? undefined : `"${inner}" is not of the form htable=>key`);

function split(inner: ByteStr): [table: ByteStr, key: ByteStr] {
  const arrow = inner.indexOf('=>');
  return arrow < 0 ? [inner, ''] : [inner.slice(0, arrow), inner.slice(arrow + 2)];
}

/** Calls `use` with the table and the key of `$name(table=>key)`. */
function at<T>(call: C, args: PvArgs, absent: T, use: (table: Table, key: ByteStr) => T): T {
  const [name, key] = split(args.inner);
  const table = tableOf(call, name);
  return table ? use(table, key) : absent;
}

const keyed = (name: string, doc: string, get: (call: C, table: Table, key: ByteStr) => XVal): PvClass => ({
  name,
  inner: 'required',
  check,
  anytime: true,
  doc,
  get: (call: C, args) => at(call, args, null, (table, key) => get(call, table, key)),
});

const counter = (name: string, by: number): PvClass =>
  keyed(
    name,
    `$${name}(htable=>key): ${by > 0 ? 'adds 1 to' : 'takes 1 from'} an integer and returns the new value; null when there is none and no initval`,
    (_call, table, key) => table.count(key, by) ?? null,
  );

const record = (name: ByteStr) => (name === 'key' || name === 'value' ? undefined : 'it is key or value');

export const htablePvs: readonly PvClass[] = [
  {
    ...keyed(
      'sht',
      '$sht(htable=>key): the value, the initval when there is none; write null to delete',
      (_c, table, key) => (key ? table.get(key) : null),
    ),
    set: (call: C, args, value) =>
      at(call, args, false, (table, key) => {
        if (value !== null) return write(call, table, key, value);
        table.delete(key);
        return true;
      }),
  },
  {
    ...keyed(
      'shtex',
      '$shtex(htable=>key): seconds until the item expires, 0 when it does not; write to set them',
      (_c, table, key) => table.lifeLeft(key),
    ),
    set: (call: C, args, value) =>
      at(call, args, false, (table, key) => {
        table.setLife(key, typeof value === 'number' ? value : 0);
        return true;
      }),
  },
  keyed('shtcn', '$shtcn(htable=>expression): number of items whose name matches', (call, table, expression) => {
    const test = expressionTest(call.state.patterns, expression);
    return table.countWhere(key => test(key));
  }),
  keyed('shtcv', '$shtcv(htable=>expression): number of items whose value matches', (call, table, expression) => {
    const test = expressionTest(call.state.patterns, expression);
    return table.countWhere((_key, value) => test(value));
  }),
  counter('shtinc', 1),
  counter('shtdec', -1),
  {
    name: 'shtitkey',
    inner: 'required',
    anytime: true,
    doc: '$shtitkey(iterator): name of the item that the iterator stands at',
    get: (call: C, args) => call.state.iterators.current(args.inner)?.key ?? null,
  },
  {
    name: 'shtitval',
    inner: 'required',
    anytime: true,
    doc: '$shtitval(iterator): value of the item that the iterator stands at',
    get: (call: C, args) => call.state.iterators.current(args.inner)?.value ?? null,
  },
  {
    name: 'shtrecord',
    inner: 'required',
    check: record,
    anytime: true,
    doc: '$shtrecord(key), $shtrecord(value): the expired item, in the event htable:expired:<table>',
    get: (call: C, args): Value | null => {
      const item = call.state.record;
      return item ? (args.inner === 'key' ? item.key : item.value) : null;
    },
  },
];
