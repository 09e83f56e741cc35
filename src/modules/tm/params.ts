/** Module parameters of tm: names and defaults are Kamailio's. Times are milliseconds. */
import type { ByteStr } from '../../core/memory.ts';
import type { ModParam, ModParamValues } from '../../kemi/table.ts';

const int = (value: number, doc: string, min = 0, max = 0x7fffffff): ModParam & { type: 'int' } => ({
  type: 'int',
  default: value,
  min,
  max,
  doc,
});
const flag = (value: 0 | 1, doc: string): ModParam & { type: 'int' } => int(value, doc, 0, 1);
const text = (doc: string, value?: ByteStr): ModParam & { type: 'str' } => ({
  type: 'str',
  ...(value !== undefined && { default: value }),
  doc,
});

export const MODPARAMS = {
  fr_timer: int(30_000, 'Without any answer a branch ends with 408 after so many ms; so does waiting for an ACK.', 1),
  fr_inv_timer: int(120_000, 'An INVITE with a provisional answer ends with 408 after so many ms.', 1),
  max_inv_lifetime: int(
    180_000,
    'An INVITE transaction has its final answer after so many ms, whatever its branches do.',
    1,
  ),
  max_noninv_lifetime: int(32_000, 'The same for other requests, ms.', 1),
  wt_timer: int(5000, 'How long a finished transaction absorbs late messages, ms.', 1),
  delete_timer: int(200, 'Taken and unused: a transaction is deleted when wt_timer ends.'),
  retr_timer1: int(500, 'First retransmission after so many ms; the interval doubles.', 1),
  retr_timer2: int(4000, 'Longest interval between retransmissions, ms.', 1),
  noisy_ctimer: flag(1, '0: an INVITE with one branch that never answered ends without a 408.'),
  restart_fr_on_each_reply: flag(1, '0: only the first provisional answer and higher ones restart fr_inv_timer.'),
  auto_inv_100: flag(1, 'Whether an INVITE is answered with 100 when it is relayed.'),
  auto_inv_100_reason: text('Reason phrase of that 100.', 'trying -- your call is important to us'),
  unix_tx_timeout: int(500, 'Taken and unused: there are no unix datagram sockets.'),
  aggregate_challenges: flag(1, 'Whether a 401 or 407 carries the challenges of all branches.'),
  reparse_invite: flag(1, 'Taken and unused: ACK and CANCEL are always made of the INVITE as sent.'),
  ac_extra_hdrs: text('Headers whose name begins so are taken from the INVITE into its ACK and CANCEL.', ''),
  blst_503: flag(0, 'Taken and unused: there is no blocklist.'),
  blst_503_def_timeout: int(0, 'Taken and unused.'),
  blst_503_min_timeout: int(0, 'Taken and unused.'),
  blst_503_max_timeout: int(3600, 'Taken and unused.'),
  blst_methods_add: int(1, 'Taken and unused.', -0x80000000),
  blst_methods_lookup: int(-9, 'Taken and unused.', -0x80000000),
  cancel_b_method: int(
    1,
    'Branches without any answer: 0 end at once, 1 are cancelled when one comes, 2 are cancelled at once.',
    0,
    2,
  ),
  reparse_on_dns_failover: flag(1, 'Taken and unused: a branch that fails over is written anew.'),
  on_sl_reply: text(
    'Callback for replies that belong to no transaction; it gets "tm:sl-reply" and may drop the reply.',
  ),
  contacts_avp: text('XAVP in which t_load_contacts() keeps the contacts.'),
  contact_flows_avp: text('XAVP for further flows of one instance.'),
  fr_timer_avp: text('AVP with fr_timer of one transaction, in seconds: $avp(name).'),
  fr_inv_timer_avp: text('AVP with fr_inv_timer of one transaction, in seconds: $avp(name).'),
  unmatched_cancel: int(0, 'A CANCEL for no INVITE of ours: 0 relayed statefully, 1 statelessly, 2 dropped.', 0, 2),
  ruri_matching: flag(1, 'Whether requests of RFC 2543 are matched by their request URI too.'),
  via1_matching: flag(1, 'Whether requests of RFC 2543 are matched by their top Via too.'),
  callid_matching: flag(0, 'Whether a reply must have the Call-ID of its transaction. A request always must.'),
  callid_cseq_matching: flag(0, 'Whether requests are matched by Call-ID and CSeq alone (not RFC 3261).'),
  pass_provisional_replies: flag(0, 'Whether local requests report provisional answers.'),
  default_code: int(500, 'Code of native cfg calls whose own is no number.', 400, 699),
  default_reason: text('Reason phrase of native cfg calls that give none.', 'Server Internal Error'),
  disable_6xx_block: flag(0, '1: a 6xx is an answer like others.'),
  local_ack_mode: int(
    0,
    'Where the ACK to a 2xx of a local INVITE goes: 0 by its Contact and Routes, 1 where the INVITE went, 2 where the 2xx came from.',
    0,
    2,
  ),
  failure_reply_mode: int(
    3,
    'Which answers count in serial forking: 0 all, 1 none of earlier steps, 2 none of the last step, 3 those of the newest step.',
    0,
    3,
  ),
  faked_reply_prio: int(
    0,
    'Added to the rank of an answer that we made up (408): above 0 received ones win.',
    -32_000,
    32_000,
  ),
  local_cancel_reason: flag(1, 'Whether CANCELs sent because of a final answer carry a Reason header.'),
  e2e_cancel_reason: flag(1, 'Whether the Reason of a received CANCEL is passed on.'),
  remap_503_500: flag(1, 'Whether a 503 is passed on as 500.'),
  failure_exec_mode: flag(0, '1: a request that cannot be sent runs the failure route, as after a timeout.'),
  dns_reuse_rcv_socket: flag(0, 'Taken and unused: the receiving socket is used when it fits.'),
  xavp_contact: text('Taken and unused: contacts carry no attributes of their own.'),
  event_callback: text('Callback for "tm:local-request".'),
  event_callback_lres_sent: text('Callback for "tm:local-response".'),
  relay_100: flag(0, 'Whether a 100 is passed on.'),
  rich_redirect: int(0, 'Taken and unused: a 3xx tells the URIs of branches and their q.', 0, 3),
  exec_time_check: int(5000, 'Taken and unused: a failure route that waits does not block.'),
  reply_relay_mode: flag(
    1,
    'Taken and unused: a 2xx that waited is passed on behind another final answer as any 2xx is.',
  ),
  enable_uac_fr: flag(0, 'Taken and unused: a local request has no failure route.'),
} as const satisfies Record<string, ModParam>;

type Name = keyof typeof MODPARAMS;
type ValueOf<N extends Name> = (typeof MODPARAMS)[N]['type'] extends 'int' ? number : ByteStr | undefined;
export type TmParams = { readonly [N in Name]: ValueOf<N> };

export function readParams(values: ModParamValues): TmParams {
  return values as unknown as TmParams;
}

/** Parameters that change nothing here although their value is not the default: the log says so, once. */
export function warnUnused(values: ModParamValues, warn: (name: string) => void): void {
  for (const [name, param] of Object.entries(MODPARAMS))
    if (param.doc.startsWith('Taken and unused') && values[name] !== (param as ModParam).default) warn(name);
}
