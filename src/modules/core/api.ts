/** What other modules and the runtime may use of the core functions: where a URI leads, and forwarding of requests and replies. */

export { acceptAlias } from './alias.ts';
export {
  destinationOf,
  hostTarget,
  nextHopOf,
  nextHopsOf,
  replyHow,
  socketFor,
  targetOf,
  useOutboundConnection,
} from './destination.ts';
export { runEvent } from './event.ts';
export { forwardReply, forwardRequest, secondVia } from './forward.ts';
export { PROTOCOLS } from './uri.ts';
export { prefixFor, viaText } from './via.ts';
