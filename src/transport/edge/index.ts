/** `kemi-wasm/edge`: SIP in workerd, the runtime of edge workers. Re-exports only. */
export { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from './connections.ts';
export type { LogLevel, LogLine } from './log.ts';
export { OBJECT_URL, openObjectStorage } from './object-storage.ts';
export { EDGE_LIMITS, type Text, type WorkerOptions } from './options.ts';
export type { Env, ObjectState, ObjectStorage } from './platform.ts';
export { createWorker, type KemiWorker } from './worker.ts';
