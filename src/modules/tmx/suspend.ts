/** t_suspend() and t_continue(): the request waits in its transaction until somebody names it and a route to go on with. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { Call } from '../../kemi/table.ts';
import type { TmxState } from './index.ts';

type C = Call<TmxState>;

/** @returns 1 suspended; -1 not a request that can have a transaction, or it is answered */
export function suspend({ state: { tm }, msg, host }: C): number {
  if (!msg.isRequest || msg.methodId === L.METHOD_ACK) {
    host.log.error({}, 'Cannot suspend: only requests can wait');
    return -1;
  }
  const tx = tm.obtain(msg);
  if (!tx || tx.status >= 200 || tx.ended) return -1;
  tm.suspend(tx);
  return 1;
}

/** What one worker asks another one, whose the transaction is. */
export interface Continue {
  readonly index: number;
  readonly label: number;
  readonly route: ByteStr;
}

/**
 * @returns 1 the route ran, or waits, or the worker that has the transaction was told; -1 there is no such transaction, it does not wait, or there is no such
 *   route
 */
export function goOn({ state, host }: C, index: number, label: number, route: ByteStr): number {
  const { tm } = state;
  if (tm.numberOf(index) < 0 && tm.workerOf(index) >= 0 && host.tell) {
    host.tell('tmx', tm.workerOf(index), { index, label, route } satisfies Continue);
    return 1;
  }
  return goOnHere(state, host, { index, label, route });
}

export function goOnHere({ tm }: TmxState, host: ModuleHost, { index, label, route }: Continue): number {
  const tx = tm.table[tm.numberOf(index)];
  if (!tx || tx.label !== label >>> 0 || !tx.rare?.suspendBranch || tx.rare.suspendBranch.done || !tx.msg) {
    host.log.warn({ index, label }, 'Cannot continue: there is no such suspended transaction');
    return -1;
  }
  if (!host.hasRoute(route)) {
    host.log.error({ route }, `Cannot continue: the script has no function ${route}()`);
    return -1;
  }
  tm.resume(tx, route);
  return 1;
}
