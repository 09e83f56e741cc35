/** What the module itself and its RPC commands ask of whatever keeps the contacts. */
import type { ByteStr } from '../../core/memory.ts';
import type { Awaitable } from '../../kemi/db.ts';
import type { Usrloc } from './api.ts';
import type { UserRecord } from './contact.ts';
import type { Settings } from './params.ts';
import type { Store } from './store.ts';

export interface ContactTable {
  readonly name: ByteStr;
  readonly users: number;
  readonly contacts: number;
  /** contacts that expired since the start */
  readonly expired: number;
  get(aor: ByteStr): UserRecord | undefined;
  /** Records in the order of Kamailio's hash table, for people. @param slots power of 2 */
  bySlot(slots: number): UserRecord[];
}

export interface Registry extends Usrloc {
  readonly settings: Settings;
  readonly store: Store | undefined;
  readonly tables: ReadonlyMap<ByteStr, ContactTable>;
  /** wall clock, seconds */
  now(): number;
  /** What the timer does: expired contacts go, what changed is written back. */
  tick(): Awaitable<void>;
  /** Writes all that the database does not know yet. */
  flush(): Awaitable<void>;
  /** a ruid for a contact that an RPC command adds */
  rpcRuid(): ByteStr;
  dispose(): Promise<void>;
}
