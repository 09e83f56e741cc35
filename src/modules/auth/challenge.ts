/** Challenges: 401 and 407 with what a client needs to make credentials (RFC 7616 3.3, RFC 8760 2.4). */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { sendReply } from '../../kemi/reply.ts';
import type { Call } from '../../kemi/table.ts';
import { type AuthState, algorithmsOf, ERROR, OK, type Side, stripped } from './api.ts';

/** flags of the challenge functions */
const QOP_AUTH = 1;
const QOP_AUTH_INT = 2;
const NO_500 = 4;
const STALE = 16;

/** no reply was sent, since the request gets none or it could not be sent */
const NOT_SENT = -3;
/** Longer ones make no sense, and a reply has to fit into a datagram. */
const MAX_REALM = 1024;

export interface ChallengeOptions {
  /** 'auth', 'auth-int', '' for none */
  readonly qop: ByteStr;
  readonly stale: boolean;
}

/**
 * The header fields of a challenge, one for each algorithm that is offered, the best first as they were configured.
 * @returns undefined when the realm cannot be written
 */
export function challengeHeaders(
  call: Call<AuthState>,
  side: Side,
  realm: ByteStr,
  { qop, stale }: ChallengeOptions,
): ByteStr | undefined {
  const { state, host, msg } = call;
  const plain = stripped(state, realm);
  // What needs an escape comes back in as many ways as there are clients.
  if (plain.length > MAX_REALM || !isQuotable(plain)) {
    host.log.error({ realm: plain.slice(0, 100) }, 'Cannot make a challenge: the realm is not text that can be quoted');
    return undefined;
  }
  const name = side === 'www' ? 'WWW-Authenticate' : 'Proxy-Authenticate';
  const rest = `${qop ? `, qop="${qop}"` : ''}${stale ? ', stale=true' : ''}`;
  const start = `${name}: Digest realm="${plain}", nonce="${state.nonces.issue(msg)}"${rest}`;
  const algorithms = algorithmsOf(state, host.perMessage);
  return (algorithms.length ? algorithms.map(a => `, algorithm=${a}`) : ['']).map(a => `${start}${a}\r\n`).join('');
}

function isQuotable(realm: ByteStr): boolean {
  for (const c of realm) if (c < ' ' || c === '\x7f' || c === '"' || c === '\\') return false;
  return true;
}

/** What the flags of the challenge functions ask for. */
export function challengeOptions(state: AuthState, flags: number): ChallengeOptions {
  const qop = flags & QOP_AUTH_INT ? 'auth-int' : flags & QOP_AUTH ? 'auth' : state.qop;
  return { qop, stale: (flags & STALE) !== 0 };
}

/** @returns 1 sent; -1 the challenge could not be made (500 was sent, unless flags say no); -3 nothing could be sent */
export function challenge(call: Call<AuthState>, side: Side, realm: ByteStr, flags: number): number {
  const { msg, state } = call;
  // RFC 3261 22.1: a CANCEL is not challenged, since it cannot be sent again; an ACK is not answered at all.
  if (!msg.isRequest || msg.methodId === L.METHOD_ACK || msg.methodId === L.METHOD_CANCEL) return NOT_SENT;
  const headers = challengeHeaders(call, side, realm, challengeOptions(state, flags));
  if (headers === undefined || !msg.addReplyHeader(headers)) {
    if (!(flags & NO_500)) sendReply(call, 500, 'Internal Server Error', state.stateless);
    return ERROR;
  }
  const [code, reason] =
    side === 'www' ? ([401, 'Unauthorized'] as const) : ([407, 'Proxy Authentication Required'] as const);
  const sent = sendReply(call, code, reason, state.stateless);
  return sent === 1 ? OK : NOT_SENT;
}
