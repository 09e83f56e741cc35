/** One table of records in memory, such as `location`. */
import type { ByteStr } from '../../core/memory.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import { type Binding, Contact, CS_GONE, kept, type UserRecord } from './contact.ts';
import type { LookupCache } from './lookup-cache.ts';
import type { ContactTable } from './registry.ts';
import type { RuidIndex } from './ruid-index.ts';
import type { Write } from './store.ts';
import { ExpiryWheel } from './wheel.ts';

/** Sets everything that a REGISTER says; who it is stays. @param renamed the URI too: it was found by its instance */
export function assign(contact: Contact, b: Binding, renamed: boolean): void {
  if (renamed) contact.uri = kept(b.uri);
  contact.expires = b.expires;
  contact.q = b.q;
  if (contact.callId !== b.callId) contact.callId = kept(b.callId);
  contact.cseq = b.cseq;
  contact.flags = b.flags;
  contact.cflags = b.cflags;
  contact.methods = b.methods;
  contact.userAgent = b.userAgent;
  contact.received = kept(b.received);
  contact.path = kept(b.path);
  contact.socket = b.socket;
  contact.serverId = b.serverId;
  contact.connectionId = b.connectionId;
  contact.lastModified = b.lastModified;
  contact.lastKeepalive = b.lastModified;
  contact.xavp = b.xavp;
  if (b.instance !== undefined) {
    contact.instance = kept(b.instance);
    contact.regId = b.regId;
  }
}

/** Puts a contact among the others: newest first, or behind those with the same or a higher q. */
export function place(record: UserRecord, contact: Contact, newestFirst: boolean): void {
  let at = newestFirst ? 0 : record.size;
  if (at > 0) {
    const { contacts } = record;
    while (at > 0 && contacts[at - 1]!.q < contact.q) at--;
  }
  record.insert(at, contact);
}

/** Where a contact stands after a change: newest first, else it moves only when the order by q asks for it. */
export function replace(record: UserRecord, contact: Contact, newestFirst: boolean, oldQ: number): void {
  if (record.size < 2 || (!newestFirst && contact.q === oldQ)) return;
  if (!newestFirst) {
    const { contacts } = record;
    const at = contacts.indexOf(contact);
    const { q } = contact;
    if ((contacts[at - 1]?.q ?? q) >= q && (contacts[at + 1]?.q ?? q) <= q) return;
  }
  record.remove(contact);
  place(record, contact, newestFirst);
}

/** Makes a change of a record that only the caller has; whether contacts are known elsewhere does not matter. */
export function changeRecord(record: UserRecord, write: Write, newestFirst: boolean): void {
  const { contact } = write;
  if (write.do === 'insert') place(record, contact, newestFirst);
  else if (write.do === 'delete') record.remove(contact);
  else {
    const { q } = contact;
    assign(contact, write.binding, write.binding.instance !== undefined);
    replace(record, contact, newestFirst, q);
  }
}

export class Table implements ContactTable {
  readonly name: ByteStr;
  /** of all tables, from 1 */
  readonly number: number;
  readonly records = new Map<ByteStr, UserRecord>();
  readonly #byRuid: RuidIndex;
  readonly #lookups: LookupCache;
  readonly #newestFirst: boolean;
  readonly #wheel = new ExpiryWheel();
  contacts = 0;
  expired = 0;

  /** @param byRuid contacts of all tables  @param lookups answers of all tables */
  constructor(name: ByteStr, number: number, byRuid: RuidIndex, lookups: LookupCache, newestFirst: boolean) {
    this.name = name;
    this.number = number;
    this.#byRuid = byRuid;
    this.#lookups = lookups;
    this.#newestFirst = newestFirst;
  }

  get users(): number {
    return this.records.size;
  }

  get(aor: ByteStr): UserRecord | undefined {
    return this.records.get(aor);
  }

  insert(record: UserRecord, contact: Contact): void {
    if (record.answer) this.#lookups.forget(record);
    contact.record = record;
    place(record, contact, this.#newestFirst);
    if (record.size === 1) this.records.set(record.aor, record);
    this.#wheel.add(contact);
    this.#byRuid.set(contact.ruid, contact);
    this.contacts++;
  }

  update(contact: Contact, binding: Binding): void {
    if (contact.record.answer) this.#lookups.change(contact, binding);
    const { q } = contact;
    assign(contact, binding, binding.instance !== undefined);
    replace(contact.record, contact, this.#newestFirst, q);
    this.#wheel.move(contact);
  }

  remove(contact: Contact): void {
    const { record } = contact;
    if (record.answer) this.#lookups.forget(record);
    if (!record.remove(contact)) return;
    if (record.size === 0) this.records.delete(record.aor);
    this.#wheel.remove(contact);
    this.#byRuid.delete(contact.ruid);
    contact.state = CS_GONE;
    this.contacts--;
  }

  /** contacts that expired at nowSec or before */
  due(nowSec: number): Contact[] {
    return this.#wheel.due(nowSec);
  }

  *all(): Generator<Contact> {
    for (const record of this.records.values()) yield* record.contacts;
  }

  /** Records in the order of Kamailio's hash table, for people. @param slots power of 2 */
  bySlot(slots: number): UserRecord[] {
    const keyed = [...this.records.values()].map(record => ({
      record,
      slot: (coreHash(record.aor) & (slots - 1)) >>> 0,
    }));
    return keyed.sort((a, b) => a.slot - b.slot).map(k => k.record);
  }
}

/** A record read from the database, for one call. */
export function sorted(contacts: readonly Contact[], record: UserRecord, newestFirst: boolean): UserRecord {
  const inOrder = newestFirst ? [...contacts].sort((a, b) => a.lastModified - b.lastModified) : contacts;
  for (const contact of inOrder) place(record, contact, newestFirst);
  return record;
}

/** A contact of this record from what is stored of it. */
export function contactOf(record: UserRecord, ruid: ByteStr, binding: Binding, state: number): Contact {
  const contact = new Contact(record, ruid, binding);
  contact.state = state;
  return contact;
}
