/** KSR.htable: tables of values that scripts share across messages, with expiry. */
import type { ByteStr } from '../../core/memory.ts';
import { type Call, defineModule, exportsOf, type XVal } from '../../kemi/table.ts';
import { operatorTest, type Test } from './match.ts';
import { htablePvs } from './pvs.ts';
import { htableRpc } from './rpc.ts';
import { HtableState, tableOf, write } from './state.ts';

type C = Call<HtableState>;

const kemi = exportsOf<HtableState>();

/** how long a lock may make this worker wait: who forgets to give one back must not stop the others for ever */
const LOCK_WAIT_MS = 1000;

const get =
  (absent: XVal) =>
  (call: C, name: ByteStr, key: ByteStr): XVal =>
    tableOf(call, name)?.get(key) ?? absent;

/** @returns the table's answer, or `absent` when there is no such table */
function lock(call: C, name: ByteStr, key: ByteStr, by: 1 | -1): number {
  const table = tableOf(call, name);
  if (!table) return -1;
  const { locks } = table;
  const lock = locks.get(key);
  if (lock) {
    lock.held += by;
    if (lock.held > 0) return 1;
    locks.delete(key);
    lock.give();
  } else if (by > 0) {
    const { shared, log } = call.host;
    const give = shared ? shared.lock(`htable ${name}`, key, LOCK_WAIT_MS) : () => {};
    if (!give) {
      log.error({ table: name, key }, 'Cannot lock an item: another worker has it for too long');
      return -1;
    }
    locks.set(key, { held: 1, give });
  }
  return 1;
}

function test(call: C, op: ByteStr, value: ByteStr, equality: boolean): Test | undefined {
  const found = operatorTest(call.state.patterns, op, value, equality);
  if (!found) call.host.log.error({ op, value }, `Cannot select items: operator "${op}" with value "${value}"`);
  return found;
}

const onText = (found: Test) => (_key: ByteStr, value: number | ByteStr) => typeof value === 'string' && found(value);

function removeByRegex(call: C, name: ByteStr, source: ByteStr, byValue: boolean): number {
  const found = call.state.patterns.test(source);
  if (!found) {
    call.host.log.error({ regex: source }, `Cannot compile the regular expression "${source}"`);
    return -1;
  }
  tableOf(call, name)?.deleteWhere(byValue ? onText(found) : found);
  return 1;
}

export default defineModule<HtableState>({
  name: 'htable',
  shares: true,
  modparams: {
    htable: {
      type: 'str',
      repeat: true,
      doc: 'a table: name=>size=8;autoexpire=120;initval=0;updateexpire=1. size is a power of 2 of slots, autoexpire in seconds',
    },
    timer_interval: {
      type: 'int',
      default: 20,
      min: 1,
      max: 86400,
      doc: 'seconds between two sweeps for expired items',
    },
    event_callback: {
      type: 'str',
      default: '',
      doc: 'script function called with the event name: htable:mod-init, htable:expired:<table>',
    },
    max_entries: { type: 'int', default: 1000000, min: 0, doc: 'most items of one table, 0 no limit; not in Kamailio' },
    db_url: { type: 'str', withDb: null, doc: 'not used: tables are not loaded from databases in this version' },
    key_name_column: { type: 'str', doc: 'not used' },
    key_type_column: { type: 'str', doc: 'not used' },
    value_type_column: { type: 'str', doc: 'not used' },
    key_value_column: { type: 'str', doc: 'not used' },
    expires_column: { type: 'str', doc: 'not used' },
    array_size_suffix: { type: 'str', doc: 'not used' },
    fetch_rows: { type: 'int', doc: 'not used' },
    db_expires: { type: 'int', doc: 'not used' },
    enable_dmq: { type: 'int', max: 0, doc: 'must be 0: there is no dmq in this version' },
    dmq_init_sync: { type: 'int', doc: 'not used' },
    timer_procs: { type: 'int', doc: 'not used: one thread does all' },
    event_callback_mode: { type: 'int', doc: 'not used' },
  },
  create: (host, params) => new HtableState(host, params),
  functions: [
    // ---- values
    /**
     * KSR.htable.sht_get(htname, itname): the value of an item.
     * @returns integer or string as it was set; the table's initval when there is no item; nil without one, or when there is no such table
     * Kamailio 6.x manual, module htable, $sht
     */
    kemi('sht_get', { native: false, params: ['str', 'str'], returns: 'xval', anytime: true, run: get(null) }),
    /** KSR.htable.sht_gete(htname, itname): as sht_get, '' instead of nil. */
    kemi('sht_gete', { native: false, params: ['str', 'str'], returns: 'xval', anytime: true, run: get('') }),
    /** KSR.htable.sht_getw(htname, itname): as sht_get, "<null>" instead of nil. */
    kemi('sht_getw', { native: false, params: ['str', 'str'], returns: 'xval', anytime: true, run: get('<null>') }),
    /**
     * KSR.htable.sht_is_null(htname, itname): whether an item has no value.
     * @returns 1 it has none; -1 it has one; 2 there is no such table
     */
    kemi('sht_is_null', {
      native: false,
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, key) => {
        const table = tableOf(call, name);
        if (!table) return 2;
        return table.get(key) === null ? 1 : -1;
      },
    }),
    /**
     * KSR.htable.sht_sets(htname, itname, value): sets a string.
     * @returns 1 set; -1 no such table, or the table is full
     */
    kemi('sht_sets', {
      native: false,
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, key, value) => {
        const table = tableOf(call, name);
        return table && write(call, table, key, value) ? 1 : -1;
      },
    }),
    /**
     * KSR.htable.sht_seti(htname, itname, value): sets an integer.
     * @param value what the item is set to; an integer has 32 bits
     * @returns 1 set; -1 no such table, or the table is full
     */
    kemi('sht_seti', {
      native: false,
      params: ['str', 'str', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, name, key, value) => {
        const table = tableOf(call, name);
        return table && write(call, table, key, value) ? 1 : -1;
      },
    }),
    /**
     * KSR.htable.sht_setex(htname, itname, seconds): sets the life of an item of a table with autoexpire.
     * @param seconds 0 and less: it lives for ever
     * @returns 1 also when there is no such item; -1 no such table
     */
    kemi('sht_setex', {
      native: false,
      params: ['str', 'str', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, name, key, seconds) => {
        const table = tableOf(call, name);
        if (!table) return -1;
        table.setLife(key, seconds);
        return 1;
      },
    }),
    /**
     * KSR.htable.sht_setxs(htname, itname, value, seconds): sets a string and its life.
     * @param seconds 0 and less: the table's autoexpire  @returns 1 set; -1 no such table, or the table is full
     */
    kemi('sht_setxs', {
      native: false,
      params: ['str', 'str', 'str', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, name, key, value, seconds) => {
        const table = tableOf(call, name);
        return table && write(call, table, key, value, seconds) ? 1 : -1;
      },
    }),
    /**
     * KSR.htable.sht_setxi(htname, itname, value, seconds): sets an integer and its life.
     * @param seconds 0 and less: the table's autoexpire  @returns 0 set (as Kamailio 5.6.3 answers); -1 no such table, or the table is full
     */
    kemi('sht_setxi', {
      native: false,
      params: ['str', 'str', 'int', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, name, key, value, seconds) => {
        const table = tableOf(call, name);
        return table && write(call, table, key, value, seconds) ? 0 : -1;
      },
    }),
    /**
     * KSR.htable.sht_inc(htname, itname): adds 1 to an integer; an absent one counts from initval.
     * @returns the new value; -255 no such table, a string, or neither item nor initval
     */
    kemi('sht_inc', {
      native: false,
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, key) => tableOf(call, name)?.count(key, 1) ?? -255,
    }),
    /** KSR.htable.sht_dec(htname, itname): takes 1 from an integer; returns as sht_inc. */
    kemi('sht_dec', {
      native: false,
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, key) => tableOf(call, name)?.count(key, -1) ?? -255,
    }),
    /**
     * KSR.htable.sht_cn(htname, op, expression): counts the items whose name or value matches.
     * @param op the operator of sht_match_name: re, sw, ew, in, eq, ne  @param expression what names are compared with
     * @returns the number; -1 no such table, or a broken selection
     */
    kemi('sht_cn', {
      native: false,
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, op, value) => {
        const table = tableOf(call, name);
        const found = table && test(call, op, value, true);
        return table && found ? table.countWhere(found) : -1;
      },
    }),
    // ---- removing
    /** KSR.htable.sht_rm(htname, itname): deletes an item. @returns 1 also when it was not there; -1 no such table */
    kemi('sht_rm', {
      native: { params: ['pair'] },
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, key) => {
        const table = tableOf(call, name);
        table?.delete(key);
        return table ? 1 : -1;
      },
    }),
    /** KSR.htable.sht_reset(htname): deletes all items. @returns 0 done; -1 no such table */
    kemi('sht_reset', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, name) => {
        const table = tableOf(call, name);
        table?.clear();
        return table ? 0 : -1;
      },
    }),
    /**
     * KSR.htable.sht_rm_name_re(htname, regex): deletes the items whose name matches, in any case.
     * @returns 1 done, also when nothing matched or there is no such table; -1 the expression is empty or broken
     */
    kemi('sht_rm_name_re', {
      native: { params: ['pair'] },
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, source) => removeByRegex(call, name, source, false),
    }),
    /** KSR.htable.sht_rm_value_re(htname, regex): deletes the items whose string value matches; returns as sht_rm_name_re. */
    kemi('sht_rm_value_re', {
      native: { params: ['pair'] },
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, source) => removeByRegex(call, name, source, true),
    }),
    /**
     * KSR.htable.sht_rm_name(htname, op, value): deletes the items whose name matches.
     * @param op re regular expression in any case; sw starts with; ew ends with; in includes
     * @returns 1 done; -1 no such table, unknown operator, empty value, broken expression
     */
    kemi('sht_rm_name', {
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, op, value) => {
        const table = tableOf(call, name);
        const found = table && test(call, op, value, false);
        if (!table || !found) return -1;
        table.deleteWhere(found);
        return 1;
      },
    }),
    /** KSR.htable.sht_rm_value(htname, op, value): deletes the items whose string value matches; as sht_rm_name. */
    kemi('sht_rm_value', {
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, op, value) => {
        const table = tableOf(call, name);
        const found = table && test(call, op, value, false);
        if (!table || !found) return -1;
        table.deleteWhere(onText(found));
        return 1;
      },
    }),
    // ---- matching
    /**
     * KSR.htable.sht_match_name(htname, op, value): whether the name of any item matches.
     * @param op eq, ne, re, sw, ew, in
     * @returns 1 one does; -1 none does, no such table, unknown operator, empty value, broken expression
     */
    kemi('sht_match_name', {
      native: false,
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, op, value) => {
        const table = tableOf(call, name);
        const found = table && test(call, op, value, true);
        return table && found && table.some(found) ? 1 : -1;
      },
    }),
    /** KSR.htable.sht_match_str_value(htname, op, value): whether the string value of any item matches; as sht_match_name. */
    kemi('sht_match_str_value', {
      native: false,
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, op, value) => {
        const table = tableOf(call, name);
        const found = table && test(call, op, value, true);
        return table && found && table.some(onText(found)) ? 1 : -1;
      },
    }),
    // ---- locks
    /**
     * KSR.htable.sht_lock(htname, itname): takes the lock of an item. Locks are counted; only one that another worker has is waited for, 1 s at most.
     * @returns 1 taken; -1 no such table, or another worker had it for all of that time
     */
    kemi('sht_lock', {
      native: { params: ['pair'] },
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, key) => lock(call, name, key, 1),
    }),
    /** KSR.htable.sht_unlock(htname, itname): gives the lock back. @returns 1, also when it was not held; -1 no such table */
    kemi('sht_unlock', {
      native: { params: ['pair'] },
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, name, key) => lock(call, name, key, -1),
    }),
    // ---- iterators
    /**
     * KSR.htable.sht_iterator_start(iname, htname): begins a walk, before the first item.
     * @returns 1 begun; -1 no such table, empty name, or four walks are open
     */
    kemi('sht_iterator_start', {
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, iterator, name) => {
        const table = tableOf(call, name);
        return table && call.state.iterators.start(iterator, table) ? 1 : -1;
      },
    }),
    /** KSR.htable.sht_iterator_end(iname): ends a walk. @returns 1 ended; -1 there is no such walk */
    kemi('sht_iterator_end', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, iterator) => (call.state.iterators.end(iterator) ? 1 : -1),
    }),
    /** KSR.htable.sht_iterator_next(iname): moves to the next item. @returns 1 there is one; -1 the end, or no such walk */
    kemi('sht_iterator_next', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, iterator) => (call.state.iterators.next(iterator) ? 1 : -1),
    }),
    /**
     * KSR.htable.sht_iterator_rm(iname): deletes the current item and moves to the next one.
     * @returns 1 deleted; -2 deleted, it was the last one; -1 there is no current item
     */
    kemi('sht_iterator_rm', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, iterator) => call.state.iterators.remove(iterator),
    }),
    /** KSR.htable.sht_iterator_sets(iname, value): sets the current item to a string. @returns 1 set; -1 no current item */
    kemi('sht_iterator_sets', {
      native: false,
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, iterator, value) => {
        const current = call.state.iterators.current(iterator);
        return current?.table.set(current.key, value) ? 1 : -1;
      },
    }),
    /** KSR.htable.sht_iterator_seti(iname, value): sets the current item to an integer. @returns 1 set; -1 no current item */
    kemi('sht_iterator_seti', {
      native: false,
      params: ['str', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, iterator, value) => {
        const current = call.state.iterators.current(iterator);
        return current?.table.set(current.key, value) ? 1 : -1;
      },
    }),
    /** KSR.htable.sht_iterator_setex(iname, seconds): sets the life of the current item. @returns 1 set; -1 no current item */
    kemi('sht_iterator_setex', {
      native: false,
      params: ['str', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, iterator, seconds) => {
        const current = call.state.iterators.current(iterator);
        current?.table.setLife(current.key, seconds);
        return current ? 1 : -1;
      },
    }),
  ],
  pvs: htablePvs,
  rpc: htableRpc,
});
