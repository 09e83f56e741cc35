<<<<<<< HEAD
/** What other modules and the runtime may use of the core functions: where a URI leads, and forwarding of replies. */
export { NoTarget, protocolName, socketFor, type Target, targetOf } from './destination.ts';
=======
/** What others may use of this module. */
>>>>>>> 4b56d87 (List sanity, ipops and pike; the seam check knows the engine's import)
export { forwardReply } from './forward.ts';
export { PROTOCOLS } from './uri.ts';
