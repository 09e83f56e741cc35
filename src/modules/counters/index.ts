/** KSR.counters: counters of the script's own, by group and name. */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';

interface State {
  /** group of a name without one */
  readonly group: ByteStr;
}

const kemi = exportsOf<State>();

/** `group.name`, or `name` in the script's group */
function split(name: ByteStr, group: ByteStr): [group: ByteStr, name: ByteStr] {
  const dot = name.indexOf('.');
  return dot < 0 ? [group, name] : [name.slice(0, dot), name.slice(dot + 1)];
}

/** @returns 1 done; -1 there is no such counter (logged) */
function change(call: Call<State>, name: ByteStr, use: (group: ByteStr, name: ByteStr) => void): number {
  const [group, bare] = split(name, call.state.group);
  if (call.host.stats.get(group, bare) === undefined) {
    call.host.log.error({ counter: name }, `Cannot find the counter "${name}"`);
    return -1;
  }
  use(group, bare);
  return 1;
}

const add = (call: Call<State>, name: ByteStr, by: number) =>
  change(call, name, (group, bare) => call.host.stats.add(group, bare, by));

export default defineModule<State>({
  name: 'counters',
  shares: true,
  native: false,
  modparams: {
    script_counter: {
      type: 'str',
      repeat: true,
      doc: 'a counter to create: name or group.name, a description may follow behind a blank',
    },
    script_cnt_grp_name: { type: 'str', default: 'script', doc: 'group of counters without one' },
  },
  create(host, params) {
    const group = String(params.script_cnt_grp_name);
    for (const text of (params.script_counter as ByteStr[] | undefined) ?? []) {
      const [own, name] = split(text.trim().split(/\s/)[0] ?? '', group);
      if (!own || !name)
        throw new KemiError('KEMI_ERR_CONFIG', `Cannot create the counter "${text}": write name or group.name`);
      host.stats.define(own, name);
    }
    return { group };
  },
  functions: [
    /**
     * KSR.counters.inc(name): adds 1 to a counter.
     * @param name `group.name`, or a name of the script's group  @returns 1 done; -1 there is no such counter
     * Kamailio 6.x manual, module counters, cnt_inc
     */
    kemi('inc', {
      native: {
        name: 'cnt_inc',
        params: ['raw'],
        routes: ['request', 'failure', 'onreply', 'event', 'reply', 'onsend'],
      },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, name) => add(call, name, 1),
    }),
    /** KSR.counters.add(name, value): adds to a counter. Returns as inc. @param value may be negative */
    kemi('add', {
      native: { name: 'cnt_add', params: ['raw', 'int'] },
      params: ['str', 'int'],
      returns: 'int',
      anytime: true,
      run: add,
    }),
    /** KSR.counters.reset(name): sets a counter to 0. Returns as inc. */
    kemi('reset', {
      native: { name: 'cnt_reset', params: ['raw'] },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, name) => change(call, name, (group, bare) => call.host.stats.set(group, bare, 0)),
    }),
  ],
});
