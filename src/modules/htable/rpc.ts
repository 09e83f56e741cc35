/** htable.* commands, with Kamailio's names, answers and error codes. */
import { RpcError } from '../../errors.ts';
import type { RpcCommand } from '../../kemi/table.ts';
import type { HtableState } from './state.ts';
import type { Table } from './table.ts';

type Run = (state: HtableState, table: Table, params: string[]) => unknown;

const OK = 'Ok. Key set to new value.';

/** A command on one table: its name is the first parameter. */
function onTable(name: string, doc: string, wants: number, missing: string, run: Run): RpcCommand<HtableState> {
  return {
    name,
    doc,
    run: ({ state }, params) => {
      if (params.length < wants) throw new RpcError(500, missing);
      const table = state.tables.get(String(params[0]));
      if (!table) throw new RpcError(500, 'No such htable');
      // kamcmd marks strings of digits with s:
      return run(
        state,
        table,
        params.slice(1).map(p => String(p).replace(/^s:/, '')),
      );
    },
  };
}

const setter = (name: string, doc: string, withLife: boolean, text: boolean) =>
  onTable(
    name,
    doc,
    withLife ? 4 : 3,
    withLife
      ? 'Not enough parameters (htable name, key name, value and expire)'
      : 'Not enough parameters (htable name, key name and value)',
    (state, table, [key = '', value = '', life = '0']) => {
      if (!text && !Number.isInteger(Number(value))) throw new RpcError(500, 'The value is not an integer');
      if (!table.set(key, text ? value : Number(value), Math.trunc(Number(life)) || 0)) {
        state.complainFull(table);
        throw new RpcError(500, 'Cannot set: the htable is full');
      }
      return OK;
    },
  );

const noDatabase = (name: string, doc: string): RpcCommand<HtableState> => ({
  name,
  doc,
  run: () => {
    throw new RpcError(500, 'No htable db_url');
  },
});

export const htableRpc: readonly RpcCommand<HtableState>[] = [
  onTable(
    'htable.get',
    'Returns one item: htable, key.',
    2,
    'Not enough parameters (htable name & key name)',
    (_state, table, [key = '']) => {
      const item = table.item(key);
      if (!item) throw new RpcError(500, "Key name doesn't exist in htable.");
      return {
        item: {
          name: key,
          value: item.value,
          flags: typeof item.value === 'string' ? 2 : 0,
          expire: item.expiresMs ? new Date(item.expiresMs).toISOString().slice(0, 19).replace('T', ' ') : 'NEVER',
        },
      };
    },
  ),
  onTable(
    'htable.delete',
    'Deletes one item: htable, key.',
    2,
    'Not enough parameters (htable name & key name)',
    (_state, table, [key = '']) => {
      if (!table.delete(key)) throw new RpcError(404, 'Key not found in htable.');
      return 'Ok. Key deleted.';
    },
  ),
  setter('htable.sets', 'Sets a string: htable, key, value.', false, true),
  setter('htable.seti', 'Sets an integer: htable, key, value.', false, false),
  setter('htable.setxs', 'Sets a string and its life: htable, key, value, seconds.', true, true),
  setter('htable.setxi', 'Sets an integer and its life: htable, key, value, seconds.', true, false),
  onTable(
    'htable.setex',
    'Sets the life of an item: htable, key, seconds.',
    3,
    'Not enough parameters (htable name, key name and expire)',
    (_state, table, [key = '', life = '']) => {
      table.setLife(key, Math.trunc(Number(life)) || 0);
      return 'Ok';
    },
  ),
  onTable('htable.dump', 'Returns all items by slot: htable.', 1, 'No htable name given', (_state, table) => {
    const slots = new Map<number, { name: string; value: string | number; type: string }[]>();
    for (const [key, item] of table.items()) {
      const slot = table.slot(key);
      const list = slots.get(slot) ?? [];
      list.push({ name: key, value: item.value, type: typeof item.value === 'string' ? 'str' : 'int' });
      slots.set(slot, list);
    }
    return [...slots].sort((a, b) => a[0] - b[0]).map(([entry, slot]) => ({ entry, size: slot.length, slot }));
  }),
  onTable('htable.flush', 'Deletes all items: htable.', 1, 'No htable name given', (_state, table) => {
    table.clear();
    return 'Ok. Htable flushed.';
  }),
  {
    name: 'htable.listTables',
    doc: 'Returns the tables and how they were defined.',
    run: ({ state }) =>
      [...state.tables.values()].reverse().map(({ definition: d }) => ({
        name: d.name,
        dbtable: '',
        dbmode: 0,
        expire: d.autoExpireSec,
        updateexpire: d.updateExpire ? 1 : 0,
        size: d.slots,
        dmqreplicate: 0,
      })),
  },
  {
    name: 'htable.stats',
    doc: 'Returns for each table its slots, its items and how they are spread.',
    run: ({ state }) =>
      [...state.tables.values()].reverse().map(table => {
        const slots = new Map<number, number>();
        let all = 0;
        for (const [key] of table.items()) {
          all++;
          const slot = table.slot(key);
          slots.set(slot, (slots.get(slot) ?? 0) + 1);
        }
        const counts = [...slots.values()];
        return {
          name: table.name,
          slots: table.definition.slots,
          all,
          min: slots.size < table.definition.slots ? 0 : Math.min(...counts),
          max: Math.max(0, ...counts),
        };
      }),
  },
  noDatabase('htable.reload', 'Reads a table from its database again; htable has no database in this version.'),
  noDatabase('htable.store', 'Writes a table to its database; htable has no database in this version.'),
];
