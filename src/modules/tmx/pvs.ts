/** `$T_..`: the transaction as scripts see it. */
import * as L from '../../core/gen/layout.gen.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import type { Transaction } from '../tm/api.ts';
import type { TmxState } from './index.ts';

type C = Call<TmxState>;

const inFailure = ({ host }: C) => host.route === L.RK_FAILURE || host.route === L.RK_BRANCH_FAILURE;

/** Evaluates a PV with another message as the current one. */
function withMessage({ host }: C, at: number, spec: string): XVal {
  if (!at) return null;
  const { x } = host.core;
  const before: number = x.currentMsg();
  x.setMsg(at);
  try {
    return host.pv(spec)?.get() ?? null;
  } finally {
    x.setMsg(before);
  }
}

/** the branch that the route is about */
function branchOf(call: C) {
  const { tm } = call.state;
  const tx = tm.of(call.msg.at);
  if (!tx) return undefined;
  return tx.rare?.failing ?? tx.branches[call.msg.mem.u8[call.msg.at + L.M_TBRANCH]! - 1];
}

function branchIndex(call: C): XVal {
  const { msg, host } = call;
  const tx = call.state.tm.of(msg.at);
  if (host.route === L.RK_FAILURE || host.route === L.RK_REQUEST) return tx ? tx.branches.length : 0;
  return msg.mem.u8[msg.at + L.M_TBRANCH]! - 1;
}

function replyCode(call: C): XVal {
  const { msg } = call;
  if (msg.isReply) return msg.status;
  const tx = call.state.tm.of(msg.at);
  if (!tx) return 0;
  return inFailure(call) ? (tx.rare?.failing?.code ?? tx.status) : tx.status;
}

function replyReason(call: C): XVal {
  const { msg, host } = call;
  if (msg.isReply) return msg.reason;
  const branch = inFailure(call) ? branchOf(call) : undefined;
  if (!branch) return call.state.tm.of(msg.at) ? null : '';
  if (branch.reply) return host.at(branch.reply).reason;
  return branch.code === 408 ? 'Request Timeout' : branch.code === 487 ? 'Request Terminated' : '';
}

function field({ state: { tm } }: C, tx: Transaction | undefined, name: string): XVal {
  if (!tx) return null;
  switch (name) {
    case 'id_index':
      return tm.idOf(tx);
    case 'id_label':
      return tx.label;
    case 'id_label_n':
      return tx.label;
    case 'reply_type':
      return tx.rare?.failing?.faked ? 1 : 0;
    default:
      return null;
  }
}

export const PVS: readonly PvClass[] = [
  {
    name: 'T_branch_idx',
    doc: 'Number of the branch that the route is about; in request and failure routes the number of branches.',
    get: branchIndex,
  },
  {
    name: 'T_reply_code',
    doc: 'Status of the reply, in a failure route of the chosen one; else of the last answer sent.',
    get: replyCode,
  },
  {
    name: 'T_reply_reason',
    doc: 'Reason phrase of the reply, in a failure route of the chosen one.',
    get: replyReason,
  },
  {
    name: 'T_reply_last',
    doc: 'Status of the reply that came last.',
    get: (call: C) => {
      if (!call.msg.isReply) return null;
      return call.state.tm.of(call.msg.at)?.lastReply || null;
    },
  },
  {
    name: 'T_reply_ruid',
    doc: 'ruid of the contact whose branch the reply belongs to.',
    get: (call: C) => branchOf(call)?.contact?.ruid ?? null,
  },
  {
    name: 'T_req',
    inner: 'required',
    innerAs: 'raw',
    doc: 'A variable of the request, in a reply route: $T_req($ru).',
    get: (call: C, args) => {
      const tx = call.state.tm.of(call.msg.at);
      if (!tx?.msg) return null;
      // its request URI is the received one
      const { mem } = call.host.core;
      const fields = [L.M_NEWURI, L.M_NEWURI + 4, L.M_DSTURI, L.M_DSTURI + 4];
      const before = fields.map(field => mem.u32(tx.msg + field));
      for (const field of fields) mem.setU32(tx.msg + field, 0);
      const value = withMessage(call, tx.msg, args.inner);
      fields.forEach((field, i) => {
        call.host.core.mem.setU32(tx.msg + field, before[i]!);
      });
      return value;
    },
  },
  {
    name: 'T_rpl',
    inner: 'required',
    innerAs: 'raw',
    doc: 'A variable of the chosen reply, in a failure route: $T_rpl($rs).',
    get: (call: C, args) => {
      if (call.msg.isReply) return withMessage(call, call.msg.at, args.inner);
      return withMessage(call, branchOf(call)?.reply ?? 0, args.inner);
    },
  },
  {
    name: 'T_inv',
    inner: 'required',
    innerAs: 'raw',
    doc: 'A variable of the INVITE that a CANCEL is about: $T_inv($ru).',
    get: (call: C, args) => {
      const { msg, host } = call;
      if (!msg.isRequest || msg.methodId !== L.METHOD_CANCEL) return null;
      const number: number = host.core.x.tmFindCanceled(msg.at);
      const tx = number ? call.state.tm.table[number] : undefined;
      return tx ? withMessage(call, tx.msg, args.inner) : null;
    },
  },
  {
    name: 'T_branch',
    inner: 'required',
    doc: 'The branch at hand: $T_branch(flags), $T_branch(uri).',
    check: inner => (inner === 'flags' || inner === 'uri' ? undefined : `there is no $T_branch(${inner})`),
    get: (call: C, args) => {
      const branch = branchOf(call);
      return branch ? (args.inner === 'flags' ? branch.flags : branch.uri) : null;
    },
  },
  {
    name: 'T',
    inner: 'required',
    doc: 'The transaction: $T(id_index), $T(id_label), $T(reply_code), $T(reply_type).',
    check: inner =>
      ['id_index', 'id_label', 'id_label_n', 'reply_code', 'reply_type', 'branch_index'].includes(inner)
        ? undefined
        : `there is no $T(${inner})`,
    get: (call: C, args) =>
      args.inner === 'branch_index'
        ? branchIndex(call)
        : args.inner === 'reply_code'
          ? replyCode(call)
          : field(call, call.state.tm.of(call.msg.at), args.inner),
  },
];
