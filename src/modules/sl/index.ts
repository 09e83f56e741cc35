/** KSR.sl: stateless replies (RFC 3261 8.2.6, 16.11). Replying is AssemblyScript: wasm/modules/sl.ts. */
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { COUNTERS, counterReader, forwardReply, STATS_RPC } from './sl.ts';

const kemi = exportsOf<undefined>();

export default defineModule<undefined>({
  name: 'sl',
  shares: true,
  modparams: {
    default_code: {
      type: 'int',
      default: 500,
      min: 100,
      max: 699,
      doc: 'Code of native cfg calls whose own is no number.',
    },
    default_reason: {
      type: 'str',
      default: 'Internal Server Error',
      doc: 'Reason phrase of native cfg calls that give none.',
    },
    bind_tm: {
      type: 'int',
      default: 1,
      doc: 'Whether send_reply() answers through a transaction when the request has one.',
    },
  },
  create: (host, params) => {
    host.core.x.slBindTm(Number(params.bind_tm));
    const read = counterReader(host);
    for (const { name, index } of COUNTERS) host.stats.define('sl', name, () => read(index));
    return undefined;
  },
  functions: [
    /**
     * KSR.sl.sl_send_reply(code, reason): send a stateless reply.
     * @param code 100..699
     * @param reason not empty
     * @returns 1 sent; -1 empty reason, code out of range, an ACK, a reply, or it could not be built or sent; -2 the message is to get no reply
     * Kamailio 6.x manual, module sl, sl_send_reply; deviations: a code out of range is refused
     */
    kemi('sl_send_reply', {
      native: [{ routes: ['request', 'event'] }, { name: 'sl_reply', routes: ['request', 'event'] }],
      params: ['int', 'str'],
      returns: 'int',
      wasm: 'slSendReply',
    }),
    /**
     * KSR.sl.send_reply(code, reason): reply through the transaction if there is one, else statelessly.
     * @param code 100..699
     * @param reason not empty
     * @returns 1 sent; -1 as sl_send_reply; -2 the message is to get no reply
     * Kamailio 6.x manual, module sl, send_reply; deviations: a code out of range is refused
     */
    kemi('send_reply', {
      native: { routes: ['request', 'failure', 'onreply', 'event', 'reply'] },
      params: ['int', 'str'],
      returns: 'int',
      wasm: 'slReplyAny',
    }),
    /**
     * KSR.sl.send_reply_mode(code, reason, mode): as send_reply(), and say how the connection is treated.
     * @param code 100..699
     * @param reason not empty
     * @param mode bits: 1 reply only over the connection that exists, 2 close it behind the reply
     * @returns as send_reply()
     * Kamailio 6.x manual, module sl, send_reply_mode; deviations: a code out of range is refused
     */
    kemi('send_reply_mode', { params: ['int', 'str', 'int'], returns: 'int', wasm: 'slSendReplyMode' }),
    /**
     * KSR.sl.sl_reply_error(): reply 500 with what went wrong.
     * @returns 1 sent; -1 as sl_send_reply; -2 the message is to get no reply, or had a final one; -3 the transaction answers with its own error later
     * Kamailio 6.x manual, module sl, sl_reply_error; deviations: -1, not 1, when nothing could be sent
     */
    kemi('sl_reply_error', {
      native: { routes: ['request', 'event'] },
      params: [],
      returns: 'int',
      wasm: 'slReplyError',
    }),
    /**
     * KSR.sl.send_reply_error(): reply 500 through the transaction if there is one, else statelessly.
     * @returns as sl_reply_error()
     * Kamailio 6.x manual, module sl, send_reply_error; deviations: -1, not 1, when nothing could be sent
     */
    kemi('send_reply_error', { params: [], returns: 'int', wasm: 'slReplyErrorAny' }),
    /**
     * KSR.sl.sl_forward_reply(code, reason): relay the reply at hand now, with another code or reason.
     * @param code of the same class, "" to keep it
     * @param reason "" to keep it
     * @returns 1 sent; -1 not a reply, another class, or it has no Via below ours, or it could not be sent
     * Kamailio 6.x manual, module sl, sl_forward_reply; deviations: none
     */
    kemi('sl_forward_reply', {
      native: { params: ['str?', 'str?'] },
      params: ['str', 'str'],
      returns: 'int',
      run: forwardReply,
    }),
  ],
  rpc: [STATS_RPC],
});
