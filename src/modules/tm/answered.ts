/** What other modules hear of an answer. Nearly all of them ask for the code only, so the rest is made when it is asked for. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { ReplyEvent } from './api.ts';
import type { Branch, Transaction } from './transaction.ts';

export class Answered implements ReplyEvent {
  readonly tx: Transaction;
  readonly code: number;
  readonly branch: Branch | undefined;
  readonly #host: ModuleHost;
  readonly #reply: number;
  readonly #reason: ByteStr;

  /** @param reply address of the reply as it came, 0 when it is ours  @param reason phrase of one of ours */
  constructor(
    host: ModuleHost,
    tx: Transaction,
    code: number,
    reply: number,
    reason: ByteStr,
    branch: Branch | undefined,
  ) {
    this.#host = host;
    this.tx = tx;
    this.code = code;
    this.#reply = reply;
    this.#reason = reason;
    this.branch = branch;
  }

  get request(): SipMsg | undefined {
    const { msg } = this.tx;
    return msg ? this.#host.at(msg) : undefined;
  }

  get reply(): SipMsg | undefined {
    return this.#reply ? this.#host.at(this.#reply) : undefined;
  }

  get reason(): ByteStr {
    return this.reply?.reason ?? this.#reason;
  }
}
