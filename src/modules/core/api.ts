/** What other modules and the runtime may use of the core functions: where a URI leads, and forwarding of replies. */
export { NoTarget, protocolName, socketFor, type Target, targetOf } from './destination.ts';
export { forwardReply, secondVia } from './forward.ts';
export { PROTOCOLS } from './uri.ts';
