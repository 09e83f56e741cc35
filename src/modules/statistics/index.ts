/** KSR.statistics: counters of the script's own, in the group `script`. */
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';

interface State {
  /** names declared with `/no_reset`: reset_stat and the RPC commands leave them */
  readonly noReset: ReadonlySet<string>;
}

const kemi = exportsOf<State>();

export default defineModule<State>({
  name: 'statistics',
  shares: true,
  modparams: {
    variable: {
      type: 'str',
      repeat: true,
      doc: 'a statistic to create in the group script: name, or name/no_reset',
    },
  },
  create(host, params) {
    const noReset = new Set<string>();
    for (const variable of (params.variable as string[] | undefined) ?? []) {
      const [name = '', ...flags] = variable.split('/');
      host.stats.define('script', name);
      for (const flag of flags) {
        if (flag === 'no_reset') noReset.add(name);
        else host.log.error({ variable }, `Cannot read modparam variable: the flag "${flag}" is not known`);
      }
    }
    return { noReset };
  },
  functions: [
    /**
     * KSR.statistics.update_stat(name, value): adds to a statistic.
     * @param name bare name, of any group  @param value added, may be negative
     * @returns 1 added; -1 there is no such statistic
     * Kamailio 6.x manual, module statistics, update_stat
     */
    kemi('update_stat', {
      params: ['str', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, name, value) => {
        const found = lookup(call, name);
        if (!found) return -1;
        call.host.stats.add(found.group, found.name, value);
        return 1;
      },
    }),
    /**
     * KSR.statistics.reset_stat(name): sets a statistic to 0.
     * @returns 1 done, also for a statistic that cannot be reset; -1 there is no such statistic
     * Kamailio 6.x manual, module statistics, reset_stat
     */
    kemi('reset_stat', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, name) => {
        const found = lookup(call, name);
        if (!found) return -1;
        if (!call.state.noReset.has(found.name)) call.host.stats.set(found.group, found.name, 0);
        return 1;
      },
    }),
  ],
});

function lookup(call: Call<State>, name: string) {
  const found = call.host.stats.find(name);
  if (!found) call.host.log.error({ name }, `Cannot find the statistic "${name}"`);
  return found;
}
