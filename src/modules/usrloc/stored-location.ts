/** Contacts that are in the database and nowhere else (db_mode 3): records are read for one call. Workers share them there. */
import type { ByteStr } from '../../core/memory.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import { type Awaitable, after } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { isValid } from './api.ts';
import { inTurn } from './attempt.ts';
import { type Contact, CS_SYNC, UserRecord } from './contact.ts';
import { Location } from './location.ts';
import type { Settings } from './params.ts';
import type { ContactTable } from './registry.ts';
import { storedOf, xavpOf } from './rows.ts';
import type { Store, Write } from './store.ts';
import { changeRecord, contactOf, sorted } from './table.ts';

/** What is known of a table without asking the database. */
class StoredTable implements ContactTable {
  readonly name: ByteStr;
  readonly users = 0;
  readonly contacts = 0;
  expired = 0;

  constructor(name: ByteStr) {
    this.name = name;
  }

  get(): undefined {
    return undefined;
  }

  bySlot(): UserRecord[] {
    return [];
  }
}

export class StoredLocation extends Location<StoredTable> {
  readonly tables = new Map<ByteStr, StoredTable>();
  readonly #store: Store;

  constructor(host: ModuleHost, settings: Settings, store: Store) {
    super(host, settings, store);
    this.#store = store;
    this.begin();
  }

  isOpen(table: ByteStr): boolean {
    return this.tables.has(table);
  }

  protected openTable(name: ByteStr): Awaitable<void> {
    return after(this.#store.checkVersion(name), () => {
      if (this.tables.has(name)) return; // while the database was asked
      const table = new StoredTable(name);
      this.tables.set(name, table);
      this.defineStatistics(table, false);
    });
  }

  protected loaded(): void {}

  // ---- reading

  record(table: ByteStr, aor: ByteStr): Awaitable<UserRecord | undefined> {
    return after(this.#store.ofAor(table, aor), rows => after(this.#contactsOf(table, rows), c => c[0]?.record));
  }

  byRuid(table: ByteStr, ruid: ByteStr): Awaitable<Contact | undefined> {
    return after(this.#store.ofRuid(table, ruid), rows =>
      after(this.#contactsOf(table, rows), contacts => contacts[0]),
    );
  }

  /** Contacts that rows stand for, with records of their own. */
  #contactsOf(table: ByteStr, rows: Awaited<ReturnType<Store['all']>>): Awaitable<Contact[]> {
    const records = new Map<ByteStr, { record: UserRecord; contacts: Contact[] }>();
    const all: Contact[] = [];
    for (const row of rows) {
      const { aor, ruid, binding } = storedOf(this.settings.rowFormat, row);
      let of = records.get(aor);
      if (!of) records.set(aor, (of = { record: new UserRecord(table, aor), contacts: [] }));
      const contact = contactOf(of.record, ruid, binding, CS_SYNC);
      of.contacts.push(contact);
      all.push(contact);
    }
    for (const { record, contacts } of records.values()) sorted(contacts, record, this.settings.newestFirst);
    if (!this.xavpContact) return all;
    return after(
      inTurn(all, contact =>
        after(this.#store.attributes(table, contact.ruid), found => {
          const xavps = found.get(contact.ruid);
          if (xavps) contact.xavp = xavpOf(xavps);
        }),
      ),
      () => all,
    );
  }

  // ---- changing

  protected apply(_table: StoredTable, record: UserRecord, writes: readonly Write[]): boolean {
    for (const write of writes) changeRecord(record, write, this.settings.newestFirst);
    return true;
  }

  // ---- time

  override tick(): Awaitable<void> {
    const store = this.#store;
    const sec = this.now() - this.settings.expiredDelaySec;
    return this.eachTable(
      table =>
        after(this.hasListeners ? store.expired(table.name, sec) : [], rows =>
          after(this.#contactsOf(table.name, rows), contacts =>
            after(store.deleteExpired(table.name, sec), count => {
              table.expired += count;
              for (const contact of contacts) this.tellExpired(contact);
            }),
          ),
        ),
      'Cannot remove expired contacts',
    );
  }

  protected expireDue(): void {}
  /** handle_lost_tcp and keepalives are for contacts in memory. */
  protected expireWhere(): void {}
  protected write(): void {}

  protected get unwritten(): number {
    return 0;
  }

  // ---- keepalives

  pingTargets(flags: number, part: number, parts: number): Awaitable<Contact[]> {
    const now = this.now();
    const out: Contact[] = [];
    const read = (table: StoredTable) =>
      after(this.#store.all(table.name), rows =>
        after(this.#contactsOf(table.name, rows), contacts => {
          for (const c of contacts)
            if (
              (c.cflags & flags) === flags &&
              isValid(c, now) &&
              (parts <= 1 || coreHash(c.record.aor) % parts === part)
            )
              out.push(c);
        }),
      );
    return after(this.eachTable(read, 'Cannot read contacts'), () => out);
  }

  keepalive(): boolean {
    return false;
  }
}
