/**
 * One table of records in memory that several runtimes share: a record is one item, by its address of record, that ends when the first of its contacts does. What is
 * read is a copy; save() puts it back as a whole, so the others see all of a change or nothing.
 */
import type { ByteStr } from '../../core/memory.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import type { Shared, SharedMap } from '../../kemi/shared/shared.ts';
import type { Contact, UserRecord } from './contact.ts';
import { recordOf, textOf } from './record-text.ts';
import type { ContactTable } from './registry.ts';

/** for some hundred thousand users */
const BUCKETS = 131072;
const CONTACTS = 0;
const EXPIRED = 1;

export class SharedTable implements ContactTable {
  readonly name: ByteStr;
  readonly #records: SharedMap;
  /** address of record of each contact, by its ruid */
  readonly #ruids: SharedMap;
  readonly #counts: Int32Array<SharedArrayBuffer>;

  constructor(name: ByteStr, shared: Shared) {
    this.name = name;
    this.#records = shared.map(`usrloc ${name}`, BUCKETS);
    this.#ruids = shared.map(`usrloc.ruids ${name}`, BUCKETS);
    this.#counts = shared.ints(`usrloc ${name}`, 2);
  }

  get users(): number {
    return this.#records.size;
  }

  get contacts(): number {
    return Atomics.load(this.#counts, CONTACTS);
  }

  get expired(): number {
    return Atomics.load(this.#counts, EXPIRED);
  }

  countExpired(count: number): void {
    Atomics.add(this.#counts, EXPIRED, count);
  }

  get(aor: ByteStr): UserRecord | undefined {
    const text = this.#records.get(aor)?.value;
    return typeof text === 'string' ? recordOf(this.name, aor, text) : undefined;
  }

  byRuid(ruid: ByteStr): Contact | undefined {
    const aor = this.#ruids.get(ruid)?.value;
    return typeof aor === 'string' ? this.get(aor)?.contacts.find(c => c.ruid === ruid) : undefined;
  }

  /**
   * Puts a record back. The caller is alone with this address of record.
   * @param came,went contacts that are in it now, and are no more  @returns false when there is no room: nothing is changed
   */
  save(record: UserRecord, came: readonly Contact[], went: readonly Contact[]): boolean {
    const { aor } = record;
    for (const { ruid } of came)
      if (!this.#ruids.set(ruid, { value: aor, expiresMs: 0 })) {
        for (const contact of came) this.#ruids.delete(contact.ruid);
        return false;
      }
    if (record.size === 0) this.#records.delete(aor);
    else if (!this.#records.set(aor, { value: textOf(record), expiresMs: endOf(record) * 1000 })) {
      for (const contact of came) this.#ruids.delete(contact.ruid);
      return false;
    }
    for (const { ruid } of went) this.#ruids.delete(ruid);
    Atomics.add(this.#counts, CONTACTS, came.length - went.length);
    return true;
  }

  /** addresses of record that have a contact which expired at nowSec or before */
  due(nowSec: number): ByteStr[] {
    return this.#records.expired(nowSec * 1000);
  }

  /** Records as they are when each is looked at. @param part,parts only one of so many shares of them */
  *all(part = 0, parts = 1): Generator<UserRecord> {
    for (const aor of this.#records.keys(part, parts)) {
      const record = this.get(aor);
      if (record) yield record;
    }
  }

  bySlot(slots: number): UserRecord[] {
    const records: { record: UserRecord; slot: number }[] = [];
    for (const [aor, { value }] of this.#records.entries())
      records.push({ record: recordOf(this.name, aor, String(value)), slot: (coreHash(aor) & (slots - 1)) >>> 0 });
    return records.sort((a, b) => a.slot - b.slot).map(r => r.record);
  }
}

/** wall clock, seconds, when the first contact ends; 0 none does */
function endOf(record: UserRecord): number {
  let end = 0;
  for (const { expires } of record.contacts) if (expires !== 0 && (end === 0 || expires < end)) end = expires;
  return end;
}
