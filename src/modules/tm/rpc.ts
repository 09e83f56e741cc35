/** RPC commands of tm. */
import { METHODS } from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { RpcError } from '../../errors.ts';
import type { RpcCommand } from '../../kemi/table.ts';
import { cancelBranch } from './cancel.ts';
import { cancelLocal, sendLocal } from './local.ts';
import { answer } from './server.ts';
import type { Tm } from './state.ts';
import type { LocalReply } from './transaction.ts';

const textOf = (value: unknown): ByteStr => (value === undefined || value === null ? '' : String(value));

/** method, ruri, next hop, socket, headers, body; "." is none */
function uac(tm: Tm, params: unknown[], done?: (reply: LocalReply) => void): boolean | Promise<boolean> {
  const [method, ruri, nexthop, , headers, body] = params.map(p => {
    const text = textOf(p);
    return text === '.' ? '' : text;
  });
  return sendLocal(
    tm,
    {
      method: method ?? '',
      ruri: ruri ?? '',
      headers: headers ?? '',
      ...(nexthop && { dstUri: nexthop }),
      ...(body && { body }),
    },
    done,
  );
}

async function started(sent: boolean | Promise<boolean>): Promise<Record<string, never>> {
  if (!(await sent)) throw new RpcError(500, 'The request was not sent: the log says why');
  return {};
}

export const RPC: RpcCommand<Tm>[] = [
  {
    name: 'tm.stats',
    workers: 'sum',
    doc: 'Transactions now and since the start.',
    run: ({ state: tm }) => {
      const { counters: c } = tm;
      return {
        current: tm.active,
        waiting: tm.live - tm.active,
        total: c.created + c.createdLocal,
        total_local: c.createdLocal,
        rpl_received: c.received,
        rpl_generated: c.generated,
        rpl_sent: c.sent,
        '6xx': c.completed[6],
        '5xx': c.completed[5],
        '4xx': c.completed[4],
        '3xx': c.completed[3],
        '2xx': c.completed[2],
        created: c.created + c.createdLocal,
        freed: c.freed,
        delayed_free: c.delayedFree,
      };
    },
  },
  {
    name: 'tm.list',
    workers: 'list',
    doc: 'Every transaction.',
    run: ({ state: tm, host }) =>
      tm.table.flatMap(tx => {
        if (!tx) return [];
        const msg = tx.msg ? host.at(tx.msg) : undefined;
        return [
          {
            tindex: tm.idOf(tx),
            tlabel: tx.label,
            method: msg?.method ?? METHODS[tx.method] ?? '',
            from: msg?.from?.uri ?? '',
            to: msg?.to?.uri ?? '',
            callid: msg?.callId ?? tx.rare?.callId ?? '',
            cseq: msg?.cseq?.number ?? tx.rare?.cseq ?? 0,
            uas_request: msg ? 'yes' : 'no',
            tflags: tx.flags,
            outgoings: tx.branches.length,
            ref_count: tx.routes,
            lifetime: Math.max(0, Math.round((tx.createdMs + tx.times.life - host.monotonic()) / 1000)),
          },
        ];
      }),
  },
  {
    name: 'tm.clean',
    doc: 'Ends transactions that are far too old. There are none: each has a timer.',
    run: () => ({}),
  },
  {
    name: 'tm.hash_stats',
    workers: 'sum',
    doc: 'How full the table of transactions is.',
    run: ({ state: tm }) => ({ transactions: tm.live, records: tm.host.core.x.tmTable(), limit: tm.limit }),
  },
  {
    name: 'tm.cancel',
    workers: 'find',
    doc: 'Gives up a request of our own: Call-ID, CSeq number.',
    run: ({ state: tm }, [callId, cseq]) => {
      if (!cancelLocal(tm, textOf(callId), Number(cseq), branch => cancelBranch(tm, branch, '')))
        throw new RpcError(400, 'There is no such request of ours');
      return {};
    },
  },
  {
    name: 'tm.reply',
    workers: 'find',
    doc: 'Answers a request: code, reason, hash_entry:label of its transaction.',
    run: ({ state: tm }, [code, reason, id]) => {
      const [number, label] = textOf(id).split(':').map(Number);
      const tx = tm.table[tm.numberOf(number ?? 0)];
      if (!tx || tx.label !== label) throw new RpcError(404, 'There is no such transaction');
      if (!answer(tm, tx, Number(code), textOf(reason))) throw new RpcError(500, 'It could not be answered');
      return {};
    },
  },
  {
    name: 'tm.reply_callid',
    workers: 'find',
    doc: 'Answers a request: code, reason, Call-ID, CSeq number.',
    run: ({ state: tm, host }, [code, reason, callId, cseq]) => {
      const wanted = textOf(callId);
      const tx = tm.table.find(t => {
        const msg = t?.msg && t.status < 200 ? host.at(t.msg) : undefined;
        return msg?.callId === wanted && msg.cseq?.number === Number(cseq);
      });
      if (!tx) throw new RpcError(404, 'There is no such transaction');
      if (!answer(tm, tx, Number(code), textOf(reason))) throw new RpcError(500, 'It could not be answered');
      return {};
    },
  },
  {
    name: 'tm.t_uac_start',
    doc: 'Sends a request: method, request URI, next hop, socket, headers, body; "." for none.',
    run: ({ state: tm }, params) => started(uac(tm, params)),
  },
  {
    name: 'tm.t_uac_wait',
    doc: 'As tm.t_uac_start; gives the final answer.',
    run: async ({ state: tm, host }, params) => {
      let settle: (reply: { code: number; text: string }) => void = () => {};
      const answered = new Promise<{ code: number; text: string }>(resolve => {
        settle = resolve;
      });
      await started(uac(tm, params, reply => settle({ code: reply.code, text: reply.reason })));
      void host;
      return answered;
    },
  },
];
