/** Contacts in the memory of this runtime (db_mode 0, 1, 2, 4), with or without a database behind them. */
import type { ByteStr } from '../../core/memory.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import { type Awaitable, after } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { isValid } from './api.ts';
import { type Binding, Contact, CS_GONE, CS_SYNC, UserRecord } from './contact.ts';
import { DB_BACK, DB_NONE, DB_THROUGH } from './db-mode.ts';
import { Location } from './location.ts';
import { LookupCache } from './lookup-cache.ts';
import type { Settings } from './params.ts';
import { RuidIndex } from './ruid-index.ts';
import type { Store, Write } from './store.ts';
import { assign, Table } from './table.ts';
import { WriteBack } from './write-back.ts';

export class MemoryLocation extends Location<Table> {
  readonly tables = new Map<ByteStr, Table>();
  readonly #byRuid = new RuidIndex(() => this.#all());
  readonly #lookups: LookupCache;
  /** tables that were opened, or tried to be */
  #opened = 0;
  readonly #opening = new Map<ByteStr, Promise<void>>();
  /** what waits for the database in the modes 1 and 2 */
  readonly #writeBack: WriteBack | undefined;

  constructor(host: ModuleHost, settings: Settings, store: Store | undefined) {
    super(host, settings, store);
    this.#lookups = new LookupCache(host.core);
    if (this.written) this.#writeBack = new WriteBack(host, this.written, (error, text) => this.report(error, text));
    this.begin();
  }

  *#all(): Generator<Contact> {
    for (const table of this.tables.values()) yield* table.all();
  }

  // ---- tables

  isOpen(table: ByteStr): boolean {
    return this.tables.has(table);
  }

  protected openTable(name: ByteStr): Awaitable<void> {
    const { store } = this;
    const table = new Table(name, ++this.#opened, this.#byRuid, this.#lookups, this.settings.newestFirst);
    const add = () => {
      this.tables.set(name, table);
      this.defineStatistics(table, false);
    };
    if (!store) return add();
    const busy = this.#opening.get(name);
    if (busy) return busy;
    const done = after(store.checkVersion(name), () => after(this.load(store, table), add));
    if (!(done instanceof Promise)) return;
    const opening = done.finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return opening;
  }

  protected loaded(table: Table, record: UserRecord, contact: Contact): void {
    table.insert(record, contact);
  }

  // ---- reading

  record(table: ByteStr, aor: ByteStr): UserRecord | undefined {
    return this.tables.get(table)?.records.get(aor);
  }

  override lookupKept(table: ByteStr, msg: number, wants: number, nowSec: number): Contact | undefined {
    const { number } = this.tables.get(table)!;
    return this.#lookups.contact(this.host.core.x.lookupKept(msg, number, wants, nowSec));
  }

  override keepLookup(record: UserRecord, contact: Contact, dstUri: ByteStr | undefined): void {
    const table = this.tables.get(record.domain);
    if (table && record.size === 1) this.#lookups.keep(table.number, record, contact, dstUri);
  }

  byRuid(table: ByteStr, ruid: ByteStr): Contact | undefined {
    const contact = this.#byRuid.get(ruid);
    return contact?.record.domain === table ? contact : undefined;
  }

  // ---- changing

  override exclusive<R>(table: ByteStr, aor: ByteStr, fn: () => Awaitable<R>): Awaitable<R> {
    // in the other modes nobody waits between reading and changing
    return this.dbMode === DB_THROUGH ? super.exclusive(table, aor, fn) : fn();
  }

  /** As the one of all places, without a list: it runs for each REGISTER. */
  override put(
    tableName: ByteStr,
    aor: ByteStr,
    given: UserRecord | undefined,
    known: Contact | undefined,
    binding: Binding,
  ): UserRecord | undefined {
    if (this.dbMode !== DB_NONE) return super.put(tableName, aor, given, known, binding);
    const table = this.tables.get(tableName)!;
    if (given && known) {
      table.update(known, binding);
      return given;
    }
    const record = given ?? new UserRecord(table.name, aor);
    table.insert(record, new Contact(record, this.ruids.next(), binding));
    return record;
  }

  protected apply(table: Table, _record: UserRecord, writes: readonly Write[], memoryOnly: boolean): boolean {
    for (const write of writes) this.#apply(table, write, memoryOnly);
    return true;
  }

  #apply(table: Table, write: Write, memoryOnly: boolean): void {
    const { contact } = write;
    const later = this.dbMode === DB_BACK && !memoryOnly ? this.#writeBack : undefined;
    if (write.do === 'insert') {
      table.insert(contact.record, contact);
      if (this.dbMode === DB_THROUGH) contact.state = CS_SYNC;
    } else if (write.do === 'delete') {
      const { state } = contact;
      table.remove(contact);
      later?.removed(table, contact, state);
      return;
    } else if (contact.state === CS_GONE) {
      // it expired while the database was asked
      assign(contact, write.binding, true);
      table.insert(contact.record, contact);
      contact.state = CS_SYNC;
    } else {
      const { flags } = contact;
      table.update(contact, write.binding);
      if (memoryOnly) contact.flags = flags;
    }
    later?.changed(table, contact);
  }

  // ---- time

  protected expireDue(table: Table, nowSec: number): void {
    for (const contact of table.due(nowSec)) this.#expire(table, contact);
  }

  protected expireWhere(table: Table, gone: (contact: Contact) => boolean): void {
    const contacts: Contact[] = [];
    for (const contact of table.all()) if (gone(contact)) contacts.push(contact);
    for (const contact of contacts) this.#expire(table, contact);
  }

  #expire(table: Table, contact: Contact): void {
    this.tellExpired(contact);
    const { state } = contact;
    if (state === CS_GONE) return;
    table.remove(contact);
    table.expired++;
    this.#writeBack?.removed(table, contact, state);
  }

  protected write(all: boolean): Awaitable<void> {
    return this.#writeBack?.flush(all);
  }

  protected get unwritten(): number {
    return this.#writeBack?.size ?? 0;
  }

  // ---- keepalives

  pingTargets(flags: number, part: number, parts: number): Contact[] {
    const now = this.now();
    const out: Contact[] = [];
    for (const c of this.#all())
      if ((c.cflags & flags) === flags && isValid(c, now) && (parts <= 1 || coreHash(c.record.aor) % parts === part))
        out.push(c);
    return out;
  }

  keepalive(ruid: ByteStr, roundTripUs = 0): boolean {
    const contact = this.#byRuid.get(ruid);
    if (!contact) return false;
    contact.lastKeepalive = this.now();
    contact.roundTripUs = roundTripUs;
    return true;
  }
}
