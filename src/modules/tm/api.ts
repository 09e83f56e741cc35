/** What other modules may use of tm: `host.module<TmApi>('tm')`. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { Branch, LocalReply, Transaction } from './transaction.ts';

export type { Branch, LocalReply, Transaction } from './transaction.ts';

/** An answer that goes out, or came in. */
export interface ReplyEvent {
  readonly tx: Transaction;
  /** the request, undefined when it was let go already (answers behind the final one) */
  readonly request: SipMsg | undefined;
  readonly code: number;
  readonly reason: ByteStr;
  /** the reply as it came; undefined when we made it ourselves (t_reply, timeouts, 487) */
  readonly reply: SipMsg | undefined;
  readonly branch: Branch | undefined;
}

export interface RequestEvent {
  readonly tx: Transaction;
  readonly request: SipMsg;
}

/** Which answers a listener of response-in, response-out and failure wants to hear of: for the others nothing is made. */
export interface Wanted {
  /** message flags: one of them is set for the request, which must be there yet; absent or 0: whatever is set */
  readonly flags?: number;
  /** lowest status; absent: 0 */
  readonly from?: number;
}

/**
 * request-in: a transaction was made. response-in: an answer came from a branch (after the script's reply route). response-out: an answer went to the caller,
 * each one; the first with code >= 200 is final. failure: a branch ended with a negative answer or a timeout while the caller has none yet (missed calls).
 * e2e-ack: the ACK to a 2xx (`request` is the ACK). e2e-cancel: a CANCEL came (`request` is the CANCEL). destroy: the transaction is gone.
 */
export interface TmEvents {
  'request-in': RequestEvent;
  'response-in': ReplyEvent;
  'response-out': ReplyEvent;
  failure: ReplyEvent;
  'e2e-ack': RequestEvent;
  'e2e-cancel': RequestEvent;
  destroy: { readonly tx: Transaction };
}

/** A request of our own. */
export interface LocalRequest {
  readonly method: ByteStr;
  readonly ruri: ByteStr;
  /** next hop; absent: the first Route in `headers`, else the request URI */
  readonly dstUri?: ByteStr;
  /** index of the socket to send from; absent: the first that fits */
  readonly socket?: number;
  /** header lines with CRLF; From and To must be there. Call-ID, CSeq, From tag, Max-Forwards and Content-Length are added when they are not */
  readonly headers: ByteStr;
  readonly body?: ByteStr;
}

export interface TmApi {
  /** Transaction of a message: a request that has one, or a reply that belongs to one. */
  current(msg: SipMsg): Transaction | undefined;
  /** Makes a transaction for the request at hand when it has none. @returns undefined when it is a retransmission or there are too many */
  obtain(msg: SipMsg): Transaction | undefined;
  /** Answers through the transaction. @returns 1, or -1 when there is none or it is answered */
  reply(msg: SipMsg, code: number, reason: ByteStr): number;
  /** Hears of events; the result stops it. Handlers must not throw and must not keep messages. @param wanted which answers, where the event is one */
  on<E extends keyof TmEvents>(event: E, fn: (event: TmEvents[E]) => void, wanted?: Wanted): () => void;
  /**
   * Sends a request of our own; `done` hears once: the final answer, or 408.
   * @returns false when it cannot be sent (no target, no socket, a header is missing, too many transactions); done is not called then
   */
  request(request: LocalRequest, done?: (reply: LocalReply) => void): boolean | Promise<boolean>;
}

/** bytes of a To tag of ours */
const TAG_BYTES = 41;

/** The To tag of answers that a transaction made itself: the request's own when it has one. */
export function answerTag(request: SipMsg): ByteStr {
  return request.to?.tag || request.mem.str(request.core.x.tmToTag(request.at), TAG_BYTES);
}
