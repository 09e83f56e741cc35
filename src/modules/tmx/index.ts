/** KSR.tmx: what else there is about transactions: route kinds, suspending, cancelling, counters, and the `$T_` variables. */

import { KemiError } from '../../errors.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { defineModule } from '../../kemi/table.ts';
import type { TmModule } from '../tm/index.ts';
import { PVS } from './pvs.ts';
import { rows } from './rows.ts';
import { type Continue, goOnHere } from './suspend.ts';

export interface TmxState {
  /** tm, without which this module can do nothing */
  readonly tm: TmModule;
  readonly precheck: boolean;
}

/** Statistics of group tmx. They cannot be reset, as in Kamailio. */
function defineStatistics({ stats }: ModuleHost, tm: TmModule): void {
  const { counters } = tm;
  const define = (name: string, read: () => number) => stats.define('tmx', name, read);
  define('UAS_transactions', () => counters.created);
  define('UAC_transactions', () => counters.createdLocal);
  for (let n = 2; n <= 6; n++) define(`${n}xx_transactions`, () => counters.completed[n]!);
  define('inuse_transactions', () => tm.live);
  define('active_transactions', () => tm.active);
  define('rpl_received', () => counters.received);
  define('rpl_absorbed', () => counters.received - counters.relayed);
  define('rpl_relayed', () => counters.relayed);
  define('rpl_generated', () => counters.generated);
  define('rpl_sent', () => counters.sent);
}

export default defineModule<TmxState>({
  name: 'tmx',
  shares: true,
  modparams: {
    precheck_trans: { type: 'int', default: 1, min: 0, max: 1, doc: '0: t_precheck_trans() finds nothing.' },
  },
  create: (host, params) => {
    const tm = host.module<TmModule>('tm');
    if (!tm) throw new KemiError('KEMI_ERR_CONFIG', 'Cannot load module tmx: it needs module tm');
    defineStatistics(host, tm);
    return { tm, precheck: params.precheck_trans !== 0 };
  },
  pvs: PVS,
  functions: rows,
  onTold: (state, host, data) => void goOnHere(state, host, data as Continue),
  onWait: (state, _host, msg, waits) => {
    if (!state.precheck) return;
    if (!waits) state.tm.waiting.remove(msg);
    else if (!state.tm.of(msg.at)) state.tm.waiting.add(msg);
  },
});
