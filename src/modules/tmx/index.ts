/** KSR.tmx: what else there is about transactions: route kinds, suspending, cancelling, and the `$T_` variables. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import type { TmModule } from '../tm/index.ts';
import { PVS } from './pvs.ts';

const kemi = exportsOf<TmxState>();

/** tm, without which this module can do nothing */
export interface TmxState {
  readonly tm: TmModule;
  readonly precheck: boolean;
}
type C = Call<TmxState>;

const isRoute =
  (...kinds: number[]) =>
  ({ host }: C): number =>
    kinds.includes(host.route) ? 1 : -1;

export default defineModule<TmxState>({
  name: 'tmx',
  modparams: {
    precheck_trans: { type: 'int', default: 1, min: 0, max: 1, doc: '0: t_precheck_trans() finds nothing.' },
  },
  create: (host: ModuleHost, params) => {
    const tm = host.module<TmModule>('tm');
    if (!tm) throw new Error('Cannot load module tmx: module tm is not loaded');
    return { tm, precheck: params.precheck_trans !== 0 };
  },
  pvs: PVS,
  functions: [
    /**
     * KSR.tmx.t_is_request_route(): whether this is the request route.
     * @returns 1 yes; -1 no
     * Kamailio 6.x manual, module tmx, t_is_request_route; deviations: none
     */
    kemi('t_is_request_route', { params: [], returns: 'int', run: isRoute(L.RK_REQUEST) }),
    /**
     * KSR.tmx.t_is_failure_route(): whether this is a failure route.
     * @returns 1 yes; -1 no
     * Kamailio 6.x manual, module tmx, t_is_failure_route; deviations: none
     */
    kemi('t_is_failure_route', { params: [], returns: 'int', run: isRoute(L.RK_FAILURE) }),
    /**
     * KSR.tmx.t_is_branch_route(): whether this is a branch route.
     * @returns 1 yes; -1 no
     * Kamailio 6.x manual, module tmx, t_is_branch_route; deviations: none
     */
    kemi('t_is_branch_route', { params: [], returns: 'int', run: isRoute(L.RK_BRANCH) }),
    /**
     * KSR.tmx.t_is_reply_route(): whether this is a reply route: the core's, or a transaction's.
     * @returns 1 yes; -1 no
     * Kamailio 6.x manual, module tmx, t_is_reply_route; deviations: none
     */
    kemi('t_is_reply_route', { params: [], returns: 'int', run: isRoute(L.RK_REPLY, L.RK_ONREPLY) }),
    /**
     * KSR.tmx.t_precheck_trans(): whether the same request is being routed already: its route waits, and there is no transaction yet.
     * @returns 1 yes; -1 no; -2 ACK or CANCEL, which are not looked at
     * Kamailio 6.x manual, module tmx, t_precheck_trans; deviations: none
     */
    kemi('t_precheck_trans', { params: [], returns: 'int', run: precheck }),
  ],
  onWait: (state, _host, msg, waits) => state.tm.noteWaiting(msg, waits),
});

function precheck({ state, host, msg }: C): number {
  const quick: number = host.core.x.tmPrecheckQuick();
  if (quick) return quick;
  return state.precheck && state.tm.isWaiting(msg) ? 1 : -1;
}
