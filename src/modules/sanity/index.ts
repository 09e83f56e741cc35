/** KSR.sanity: syntax checks of a message, and the replies that broken ones get. */
import type { ByteStr } from '../../core/memory.ts';
import { sendReply } from '../../kemi/reply.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { CHECKS, type Failure } from './checks.ts';

interface State {
  readonly checks: number;
  readonly uris: number;
  readonly noReply: boolean;
  readonly supported: ReadonlySet<ByteStr>;
  /** key of the last failure in the per-message store */
  readonly key: object;
}

const kemi = exportsOf<State>();
/** what sanity_reply says when no check failed */
const NO_FAILURE: Failure = { code: 500, reason: 'Server Sanity Failure' };

function check(call: Call<State>, mask: number, uris: number): number {
  const { msg, state } = call;
  if (msg.core.x.sanityPasses(msg.at, mask, uris)) return 1;
  const input = { msg, uris, supported: state.supported };
  for (const [bit, run] of CHECKS) {
    const failure = mask & bit ? run(input) : undefined;
    if (!failure) continue;
    call.host.log.debug({ check: bit, id: msg.id }, `Sanity check ${bit} failed: ${failure.reason || 'not digest'}`);
    if (!failure.reason) return -1;
    call.host.perMessage.set(state.key, failure);
    if (!state.noReply) answer(call, failure);
    return -1;
  }
  return 1;
}

function answer(call: Call<State>, failure: Failure): number {
  if (failure.header && call.msg.isRequest) call.msg.addReplyHeader(failure.header);
  return sendReply(call, failure.code, failure.reason);
}

export default defineModule<State>({
  name: 'sanity',
  shares: true,
  modparams: {
    default_checks: { type: 'int', default: 3047, doc: 'checks of sanity_check_defaults: a sum of bits' },
    uri_checks: { type: 'int', default: 7, doc: 'URIs that sanity_check_defaults parses: a sum of bits' },
    proxy_require: { type: 'str', doc: 'option tags that are supported, between commas' },
    autodrop: {
      type: 'int',
      default: 1,
      doc: 'accepted for old configs: a check called from KEMI never ends the script',
    },
    noreply: { type: 'int', default: 0, doc: '1: checks send no reply, sanity_reply does' },
  },
  create: (_host, params) => ({
    checks: Number(params.default_checks),
    uris: Number(params.uri_checks),
    noReply: Number(params.noreply) !== 0,
    supported: new Set(
      String(params.proxy_require ?? '')
        .split(',')
        .map(tag => tag.trim())
        .filter(tag => tag),
    ),
    key: {},
  }),
  functions: [
    /**
     * KSR.sanity.sanity_check(checks, uris): checks a message; a request that fails gets a reply that says why, unless modparam noreply is set.
     * @param checks sum of 1 SIP version, 2 scheme of the request URI, 4 required headers, 32 CSeq method, 64 CSeq number, 128 Content-Length, 256 Expires,
     * 512 Proxy-Require, 1024 URIs parse, 2048 credentials are digest and whole, 4096 one tag in From and To, 8192 digest credentials are whole, 16384 top
     * Via; 8 and 16 do nothing
     * @param uris what 1024 looks at, sum of 1 request URI, 2 From, 4 To, 8 Contact
     * @returns 1 passed; -1 failed
     * Kamailio 6.x manual, module sanity, sanity_check; codes and texts observed on 5.6.3
     */
    kemi('sanity_check', {
      native: { routes: ['request', 'onreply', 'event', 'reply'] },
      params: ['int', 'int'],
      returns: 'int',
      quick: 'sanityQuick',
      run: (call, checks, uris) => check(call, checks, uris),
    }),
    /**
     * KSR.sanity.sanity_check_defaults(): checks a message for what the modparams default_checks and uri_checks say.
     * @returns 1 passed; -1 failed
     * Kamailio 6.x manual, module sanity, sanity_check
     */
    kemi('sanity_check_defaults', {
      native: { name: 'sanity_check', routes: ['request', 'onreply', 'event', 'reply'] },
      params: [],
      returns: 'int',
      run: call => check(call, call.state.checks, call.state.uris),
    }),
    /**
     * KSR.sanity.sanity_reply(): with modparam noreply, sends the reply for the check that failed; 500 when none did.
     * @returns 1 sent, or nothing to do: noreply is not set, the message is a reply or an ACK; -1 it could not be sent
     * Kamailio 6.x manual, module sanity, sanity_reply; observed on 5.6.3
     */
    kemi('sanity_reply', {
      native: { routes: ['request', 'onreply', 'event', 'reply'] },
      params: [],
      returns: 'int',
      run: call => {
        if (!call.state.noReply) return 1;
        const failure = (call.host.perMessage.get(call.state.key) as Failure | undefined) ?? NO_FAILURE;
        const isAck = call.msg.isRequest && call.msg.method === 'ACK';
        return !call.msg.isRequest || isAck || answer(call, failure) > 0 ? 1 : -1;
      },
    }),
  ],
});
