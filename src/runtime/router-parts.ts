/** What the router is made of: what it needs of the runtime that owns it, and what it counts. */
import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { Logger } from '../core/log.ts';
import type { ByteStr } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import type { ModuleHost, Socket } from '../kemi/host.ts';
import type { ReplyCounters } from '../kemi/statistics.ts';
import type { Targets } from '../kemi/targets.ts';
import type { Messages } from './messages.ts';
import type { Callbacks, Limits, SocketSend, StartTimer } from './options.ts';
import type { Owners } from './owners.ts';

/** Counters of the receive path, read by the statistics: those of every message are in the core. */
export function newCounters({ x, mem }: Core) {
  const counts: number = x.receivedArea();
  const counted = (which: number) => mem.view.getFloat64(counts + 8 * which, true);
  return {
    get requests() {
      return counted(L.RC_REQUESTS);
    },
    get replies() {
      return counted(L.RC_REPLIES);
    },
    bad: 0,
    get keepalives() {
      return counted(L.RC_KEEPALIVES);
    },
    get filteredAcks() {
      return counted(L.RC_ACKS);
    },
    tooBig: 0,
    overload: 0,
    scriptErrors: 0,
    traps: 0,
    instructionLimits: 0,
    memoryLimits: 0,
    sendErrors: 0,
    sent: 0,
    suspended: 0,
    abandoned: 0,
    handedOver: 0,
  };
}

/** What a module does with a message on its way, and the state that it is called with. */
export interface Hook<T = void> {
  readonly state: unknown;
  readonly run: (state: unknown, host: ModuleHost, msg: SipMsg) => T;
}

/** What the router needs of the runtime that owns it. */
export interface RouterParts {
  readonly core: Core;
  readonly log: Logger;
  readonly limits: Limits;
  readonly messages: Messages;
  readonly sockets: readonly Socket[];
  readonly callbacks: Callbacks;
  /** how each socket sends */
  readonly sends: readonly SocketSend[];
  readonly targets: Targets;
  readonly now: () => number;
  readonly after: StartTimer;
  /** replies go to the source port, whatever the Via says */
  readonly forceRport: boolean;
  /** counts replies by status and method */
  readonly replies: ReplyCounters;
  /** whether module sl is there, whose filter absorbs ACKs to our own stateless replies */
  readonly filtersAcks: boolean;
  /** who has the transactions, where several runtimes serve the same addresses */
  readonly owners: Owners | undefined;
  /** modules that may take requests before the script: true takes one */
  readonly onRequest: readonly Hook<boolean>[];
  /** modules that may take replies behind the reply route: true takes one */
  readonly onReplyIn: readonly Hook<boolean>[];
  /** modules that want to know when the route of a request with a transaction has ended */
  readonly afterRoute: readonly Hook[];
  /** modules that want to know of request routes that wait */
  readonly onWait: readonly ((at: number, waits: boolean) => void)[];
  /** answers through the current message's transaction */
  readonly answer: (code: number, reason: ByteStr) => boolean;
}
