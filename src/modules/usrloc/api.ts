/**
 * What other modules may use of module usrloc: records of contacts by table and address of record. `host.module<Usrloc>('usrloc')` gives it.
 *
 * Calls answer at once where contacts are in memory and the database answers at once (db_mode 0, SQLite); else they give a promise.
 */
import type { ByteStr } from '../../core/memory.ts';
import type { Awaitable } from '../../kemi/db.ts';
import type { Binding, Contact, UserRecord } from './contact.ts';

export { attempt, inTurn } from './attempt.ts';
export { ALL_METHODS, type Binding, type Contact, FL_MEM, Q_NONE, UserRecord } from './contact.ts';
export { DB_ONLY } from './db-mode.ts';

/** One change of a record. Changes are given together: all of them take effect, or none. */
export type Change =
  | { readonly do: 'insert'; readonly binding: Binding; readonly ruid?: ByteStr }
  | { readonly do: 'update'; readonly contact: Contact; readonly binding: Binding }
  | { readonly do: 'delete'; readonly contact: Contact };

export interface Usrloc {
  /** mask of the branch flag that marks contacts behind NAT (modparam nat_bflag), 0 when not set */
  readonly natFlag: number;
  /** whether an address of record has a domain part (modparam use_domain) */
  readonly useDomain: boolean;
  /** name of the xavp kept with each contact (modparam xavp_contact), '' none */
  readonly xavpContact: ByteStr;
  /** seconds in which a REGISTER with the same Call-ID and CSeq is a retransmission, 0 never */
  readonly cseqDelay: number;
  readonly dbMode: number;
  /** whether users of different case are different; registrar sets it */
  caseSensitive: boolean;
  /** Whether other workers have the same contacts: what is read and then changed must be inside exclusive(), put() too. */
  readonly shared: boolean;
  /** Whether put() may be called: contacts are in memory, and no database is asked before an answer. */
  readonly atOnce: boolean;
  /** Whether a table is open. */
  isOpen(table: ByteStr): boolean;
  /**
   * One insert or update where `atOnce` says that it may be.
   * @param table one that is open  @param known the contact to update; undefined inserts one  @param record what record() gave
   * @returns the record as it is now; undefined when there is no room for it
   */
  put(
    table: ByteStr,
    aor: ByteStr,
    record: UserRecord | undefined,
    known: Contact | undefined,
    binding: Binding,
  ): UserRecord | undefined;
  /** Opens a table; the first use of a name makes it. @returns false when it cannot be opened: no such table in the database, or not a name */
  open(table: ByteStr): Awaitable<boolean>;
  /**
   * The record with all its contacts, expired ones too. BORROWED: read it before the next change or `await`.
   * @throws {DbError}, or a promise rejected with it, with db_mode 3
   */
  record(table: ByteStr, aor: ByteStr): Awaitable<UserRecord | undefined>;
  /**
   * Sends a request to the contact that a lookup before found for its request URI: sets request URI, destination and branch flags.
   * @param table one that is open  @param msg address of the request  @param wants as core.x.lookupRead()
   * @returns the contact; undefined when no answer is kept: nothing is changed
   */
  lookupKept(table: ByteStr, msg: number, wants: number, nowSec: number): Contact | undefined;
  /**
   * Keeps an answer of lookup() until the record changes, where that makes sense.
   * @param dstUri where requests to the contact go first, undefined: to its URI
   */
  keepLookup(record: UserRecord, contact: Contact, dstUri: ByteStr | undefined): void;
  /** The contact with this ruid. @throws as record() */
  byRuid(table: ByteStr, ruid: ByteStr): Awaitable<Contact | undefined>;
  /** The stored contact that one of a REGISTER means, by matching_mode. */
  find(record: UserRecord, uri: ByteStr, callId: ByteStr, path: ByteStr | undefined): Contact | undefined;
  /**
   * Runs fn while nobody else changes this address of record: what record() says holds until change() is through. Only databases that answer later
   * make anybody wait.
   */
  exclusive<T>(table: ByteStr, aor: ByteStr, fn: () => Awaitable<T>): Awaitable<T>;
  /**
   * Changes a record, and what is stored of it (db_mode 1, 3: before the answer; 2: later). Call it inside exclusive().
   * @param record what record() gave; undefined when there is none, the first insert makes it
   * @param memoryOnly leaves the database alone; inserted contacts stay out of it for ever
   * @returns the record as it is now, undefined when it has no contact left; false when the store failed (logged, counted): nothing is changed then
   */
  change(
    table: ByteStr,
    aor: ByteStr,
    record: UserRecord | undefined,
    changes: readonly Change[],
    memoryOnly?: boolean,
  ): Awaitable<UserRecord | undefined | false>;
  /** Calls fn for each contact that expires, before it is removed. */
  onExpired(fn: (contact: Contact) => void): void;
  /**
   * Contacts of all tables for keepalives, expired ones left out.
   * @param flags branch flags that must be set, 0 any  @param part 0..parts-1: contacts are spread by their address of record
   */
  pingTargets(flags: number, part: number, parts: number): Awaitable<Contact[]>;
  /** From now on contacts whose keepalives stay unanswered for that long are removed; 0 never. @param flags branch flags that a contact must have, 0 any */
  setKeepaliveTimeout(seconds: number, flags?: number): void;
  /** A contact answered its keepalive. @param roundTripUs microseconds, 0 unknown @returns false when there is no such contact */
  keepalive(ruid: ByteStr, roundTripUs?: number): boolean;
  /** A connection is gone: with handle_lost_tcp its contacts go too. @param id as in L.M_CONID */
  connectionClosed(id: number): void;
}

/** Whether a contact is still to be used. @param nowSec wall clock, seconds */
export function isValid(contact: Contact, nowSec: number): boolean {
  return contact.expires === 0 || contact.expires > nowSec;
}
