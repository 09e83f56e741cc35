/** KSR.tm: transactions (RFC 3261 16, 17; RFC 6026): stateful relaying and replying, forking, failure routes. */

import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { defineModule } from '../../kemi/table.ts';
import { forwardReply } from '../core/api.ts';
import type { TmApi, TmEvents, Wanted } from './api.ts';
import { cancelBranch, cancelTransaction } from './cancel.ts';
import { resume, suspend } from './failure.ts';
import { errorAnswer } from './forward.ts';
import { sendLocal } from './local.ts';
import { MODPARAMS, readParams, warnUnused } from './params.ts';
import { checkTransaction, create, lookup } from './relay.ts';
import { conclude, replyIn } from './replies.ts';
import { reply, rows } from './rows.ts';
import { stateRows } from './rows-state.ts';
import { RPC } from './rpc.ts';
import { abandon, answer, repeatAnswer } from './server.ts';
import { type Handler, Tm } from './state.ts';
import type { Branch, Transaction } from './transaction.ts';

/** What `host.module('tm')` gives: the state, and what other modules may do with it. */
export class TmModule extends Tm implements TmApi {
  current(msg: SipMsg) {
    return this.of(msg.at);
  }

  obtain(msg: SipMsg) {
    const own = this.of(msg.at);
    if (own) return own;
    const before = lookup(this, msg.at);
    if (before) {
      repeatAnswer(this, before);
      return undefined;
    }
    return create(this, msg);
  }

  reply(msg: SipMsg, code: number, reason: string): number {
    return reply(this, msg, code, reason);
  }

  on<E extends keyof TmEvents>(event: E, fn: (event: TmEvents[E]) => void, wanted?: Wanted): () => void {
    const list = (this.handlers[event] ??= []) as Handler<TmEvents[E]>[];
    const handler = { fn, flags: wanted?.flags ?? 0, from: wanted?.from ?? 0 };
    list.push(handler);
    return () => {
      const i = list.indexOf(handler);
      if (i >= 0) list.splice(i, 1);
    };
  }

  request(...args: Parameters<TmApi['request']>) {
    return sendLocal(this, args[0], args[1]);
  }

  answer(tx: Transaction, code: number, reason: ByteStr): boolean {
    return answer(this, tx, code, reason);
  }

  cancelBranch(branch: Branch, reason: ByteStr): void {
    cancelBranch(this, branch, reason);
  }

  cancelTransaction(tx: Transaction, reason: ByteStr): void {
    cancelTransaction(this, tx, reason);
  }

  /** Ends a transaction without an answer. */
  drop(tx: Transaction, code: number): void {
    if (tx.status >= 200) return;
    this.setStatus(tx, code);
    abandon(this, tx);
    this.release(tx);
  }

  /** The request waits until resume(); fr_timer runs. */
  suspend(tx: Transaction): void {
    suspend(this, tx);
  }

  /** Goes on with a suspended request in a route of the script. */
  resume(tx: Transaction, route: ByteStr): void {
    resume(this, tx, route);
  }
}

/** The request route has ended: a request that could not be relayed is answered, one that nobody cares for any more ends. */
function afterRoute(tm: Tm, _host: ModuleHost, msg: SipMsg): void {
  const tx = tm.of(msg.at);
  if (!tx || tx.msg !== msg.at || tx.status >= 200 || tx.ended || tx.routes > 0) return;
  if (tx.unfinished) return;
  if (tx.errorCode) answer(tm, tx, ...errorAnswer(tx.errorCode));
  else if (tx.branches.some(branch => branch.code >= 200)) conclude(tm, tx);
  else {
    abandon(tm, tx);
    tm.release(tx);
  }
}

/** modparam on_sl_reply: a reply that belongs to no transaction. @returns whether it is taken */
function strayReply(tm: Tm, msg: SipMsg): boolean {
  const { host } = tm;
  const route = tm.params.on_sl_reply;
  if (!route || !host.hasRoute(route, L.RK_ONREPLY)) return false;
  const end = host.runRouteOn(msg.at, L.RK_ONREPLY, route, 'tm:sl-reply');
  if (!(end instanceof Promise)) return (end & 2) !== 0;
  host.keep(msg.at);
  void end.then(bits => {
    if (!(bits & 2)) forwardReply(host, msg);
    host.release(msg.at);
  });
  return true;
}

/** What the functions in the core leave to us: operations of wasm/modules/tm.ts. */
function coreCall(tm: Tm, op: number, arg: number): number {
  const at: number = tm.host.core.x.currentMsg();
  if (op === CALL_CHECK) return checkTransaction(tm, tm.host.at(at));
  if (op === CALL_PRECHECK) return tm.waiting.has(tm.host.at(at)) ? 1 : -1;
  const tx = tm.of(at);
  if (op === CALL_ROUTE) {
    if (tx) tx[ROUTES[arg >> 8]!] = arg & 0xff;
    return 1;
  }
  const field = ROUTES[arg]!;
  return (tx ? tx[field] : tm.host.core.mem.u8[at + L.M_ONFAIL + arg]!) ? 1 : -1;
}
const CALL_CHECK = 1;
const CALL_ROUTE = 2;
const CALL_PRECHECK = 4;
/** in the order of M_ONFAIL */
const ROUTES = ['onFailure', 'onBranch', 'onReply', 'onBranchFailure'] as const;

export default defineModule<TmModule>({
  name: 'tm',
  shares: true,
  modparams: MODPARAMS,
  create: (host, values) => {
    const tm = new TmModule(host, readParams(values));
    warnUnused(values, name => host.log.warn({ name }, `modparam tm.${name} has no effect`));
    host.core.hooks.tmReply = (code, at, length) => {
      const current: number = host.core.x.currentMsg();
      const tx = current ? tm.of(current) : undefined;
      return tx && answer(tm, tx, code, host.core.mem.str(at, length)) ? 1 : -1;
    };
    host.core.hooks.tmCall = (op, arg) => coreCall(tm, op, arg);
    return tm;
  },
  functions: [...rows, ...stateRows],
  rpc: RPC,
  onReply: (tm, _host, msg) => replyIn(tm, msg.at) || strayReply(tm, msg),
  afterRoute,
  dispose: tm => tm.dispose(),
});
