/** Who sent a request, once an authentication module has verified its credentials: for accounting ($Au, $AU), is_user and the like. */
import type { ByteStr } from '../core/memory.ts';

export interface Verified {
  /** user name of the credentials up to its "@" */
  readonly user: ByteStr;
  /** behind the "@" of the user name, else the realm */
  readonly domain: ByteStr;
  /** position of the header with the credentials */
  readonly header: number;
}

const KEY = Symbol('verified');

/** @param perMessage of the host: of the message at hand */
export function setVerified(perMessage: Map<unknown, unknown>, verified: Verified): void {
  perMessage.set(KEY, verified);
}

/** @returns undefined when no credentials of the message at hand were verified */
export function verifiedOf(perMessage: ReadonlyMap<unknown, unknown>): Verified | undefined {
  return perMessage.get(KEY) as Verified | undefined;
}
