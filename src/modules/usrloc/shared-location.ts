/**
 * Contacts that several workers share (db_mode 0, 1, 2, 4): they are in shared memory. A database has one writer for what is written later (the first worker): the
 * others leave the ruids of what they changed in a shared list. With db_mode 3 the database is what is shared: stored-location.ts.
 */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { Awaitable } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { Shared, SharedMap } from '../../kemi/shared/shared.ts';
import { isValid } from './api.ts';
import { NoRoom } from './common.ts';
import { type Contact, CS_DIRTY, CS_GONE, CS_NEW, CS_SYNC, FL_MEM, type UserRecord } from './contact.ts';
import { DB_BACK, DB_THROUGH } from './db-mode.ts';
import { Location } from './location.ts';
import type { Settings } from './params.ts';
import { SharedTable } from './shared-table.ts';
import type { Store, Write } from './store.ts';
import { changeRecord, place } from './table.ts';

/** contacts that one transaction writes */
const CHUNK = 200;

export class SharedLocation extends Location<SharedTable> {
  readonly #shared: Shared;
  readonly #tables = new Map<ByteStr, SharedTable>();
  /** tables that a worker has opened */
  readonly #names: SharedMap;
  /** table of each contact that the database does not know as it is, by ruid */
  readonly #unwritten: SharedMap;

  constructor(host: ModuleHost, shared: Shared, settings: Settings, store: Store | undefined) {
    super(host, settings, store);
    this.#shared = shared;
    this.#names = shared.map('usrloc.tables');
    this.#unwritten = shared.map('usrloc.unwritten');
    this.begin();
  }

  // ---- tables

  get tables(): ReadonlyMap<ByteStr, SharedTable> {
    // another worker may have opened one
    if (this.#names.size !== this.#tables.size) for (const name of this.#names.keys()) this.#add(name);
    return this.#tables;
  }

  protected override table(name: ByteStr): SharedTable | undefined {
    return this.#tables.get(name) ?? this.tables.get(name);
  }

  isOpen(table: ByteStr): boolean {
    return this.table(table) !== undefined;
  }

  protected openTable(name: ByteStr): void {
    this.#shared.exclusive('usrloc.tables', name, () => {
      if (!this.#names.get(name)) {
        const { store } = this;
        if (store) {
          this.answer(store.checkVersion(name));
          void this.load(store, new SharedTable(name, this.#shared));
        }
        this.#names.set(name, { value: 1, expiresMs: 0 });
      }
      this.#add(name);
    });
  }

  /** @throws KemiError KEMI_ERR_CONFIG for a database that answers later */
  protected override answer<R>(value: Awaitable<R>): R {
    if (!(value instanceof Promise)) return value;
    value.catch(() => {});
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      'Cannot share contacts among workers with this database: it answers later; use usrloc db_mode 0 or 3, or --workers 1',
    );
  }

  #add(name: ByteStr): void {
    if (this.#tables.has(name)) return;
    const table = new SharedTable(name, this.#shared);
    this.#tables.set(name, table);
    this.defineStatistics(table, true);
  }

  protected loaded(table: SharedTable, record: UserRecord, contact: Contact): void {
    place(record, contact, this.settings.newestFirst);
    if (!table.save(record, [contact], [])) throw new NoRoom();
  }

  // ---- reading

  record(table: ByteStr, aor: ByteStr): UserRecord | undefined {
    return this.table(table)?.get(aor);
  }

  byRuid(table: ByteStr, ruid: ByteStr): Contact | undefined {
    return this.table(table)?.byRuid(ruid);
  }

  // ---- changing

  /** Changes a record, which is the caller's own copy, and puts it back. */
  protected apply(table: SharedTable, record: UserRecord, writes: readonly Write[], memoryOnly: boolean): boolean {
    const came: Contact[] = [];
    const went: Contact[] = [];
    for (const write of writes) {
      const { contact } = write;
      const { flags } = contact;
      const { size } = record;
      changeRecord(record, write, this.settings.newestFirst);
      if (write.do === 'insert') {
        came.push(contact);
        if (this.dbMode === DB_THROUGH) contact.state = CS_SYNC;
      } else if (write.do === 'delete') {
        if (record.size < size) went.push(contact);
      } else if (memoryOnly) contact.flags = flags;
      else if (this.dbMode === DB_BACK && contact.state === CS_SYNC) contact.state = CS_DIRTY;
    }
    if (!table.save(record, came, went)) return false;
    if (this.dbMode === DB_BACK && !memoryOnly) for (const { contact } of writes) this.#toWrite(table, contact);
    for (const contact of went) contact.state = CS_GONE;
    return true;
  }

  /** The database shall learn of a contact, or that it is gone. */
  #toWrite(table: SharedTable, contact: Contact): void {
    if (!this.store || contact.flags & FL_MEM) return;
    if (!this.#unwritten.set(contact.ruid, { value: table.name, expiresMs: 0 }))
      this.report(new NoRoom(), `Cannot note a change of ${contact.record.aor} for the database`);
  }

  // ---- time

  protected expireDue(table: SharedTable, nowSec: number): void {
    for (const aor of table.due(nowSec)) this.#expire(table, aor, c => c.expires !== 0 && c.expires <= nowSec);
  }

  protected expireWhere(table: SharedTable, gone: (contact: Contact) => boolean): void {
    for (const { aor, contacts } of table.all()) if (contacts.some(gone)) this.#expire(table, aor, gone);
  }

  /** Takes the contacts out of a record that `gone` names, as they are now. */
  #expire(table: SharedTable, aor: ByteStr, gone: (contact: Contact) => boolean): void {
    const done = this.exclusive(table.name, aor, () => {
      const record = table.get(aor);
      const went = record?.contacts.filter(gone) ?? [];
      if (!record || went.length === 0) return;
      for (const contact of went) this.tellExpired(contact);
      for (const contact of went) record.remove(contact);
      if (!table.save(record, [], went)) return;
      table.countExpired(went.length);
      if (this.written) for (const contact of went) this.#toWrite(table, contact);
    });
    if (done instanceof Promise) done.catch(error => this.report(error, `Cannot expire contacts of ${aor}`));
  }

  /** What workers left for the database; what fails is kept for the next time. */
  protected write(): void {
    const { store } = this;
    if (!store || this.#shared.worker !== 0) return;
    for (let left = this.#unwritten.keys(); left.length > 0; left = left.slice(CHUNK))
      if (!this.#writeSome(store, left.slice(0, CHUNK))) return;
  }

  protected get unwritten(): number {
    return this.store && this.#shared.worker === 0 ? this.#unwritten.size : 0;
  }

  #writeSome(store: Store, ruids: readonly ByteStr[]): boolean {
    const byTable = new Map<ByteStr, ByteStr[]>();
    for (const ruid of ruids) {
      const name = this.#unwritten.get(ruid)?.value;
      // before it is read: what changes from now on is noted again
      if (typeof name !== 'string' || !this.#unwritten.delete(ruid)) continue;
      const list = byTable.get(name);
      if (list) list.push(ruid);
      else byTable.set(name, [ruid]);
    }
    let ok = true;
    for (const [name, list] of byTable) {
      const table = this.table(name)!;
      const found = list.map(ruid => table.byRuid(ruid));
      const contacts = found.filter(c => c !== undefined);
      const gone = list.filter((_ruid, i) => !found[i]);
      try {
        this.answer(store.sync(name, contacts, gone));
        for (const contact of contacts) this.#known(table, contact);
      } catch (error) {
        ok = false;
        this.report(error, `Cannot write contacts of table ${name}; they are kept for the next time`);
        for (const ruid of list) this.#unwritten.set(ruid, { value: name, expiresMs: 0 });
      }
    }
    return ok;
  }

  /** The database has a contact, unless it changed meanwhile. */
  #known(table: SharedTable, { ruid, record: { aor } }: Contact): void {
    void this.exclusive(table.name, aor, () => {
      const record = table.get(aor);
      const contact = record?.contacts.find(c => c.ruid === ruid);
      if (!record || !contact || this.#unwritten.get(ruid)) return;
      if (contact.state !== CS_NEW && contact.state !== CS_DIRTY) return;
      contact.state = CS_SYNC;
      table.save(record, [], []);
    });
  }

  // ---- keepalives

  pingTargets(flags: number, part: number, parts: number): Contact[] {
    const now = this.now();
    const out: Contact[] = [];
    for (const table of this.tables.values())
      for (const { contacts } of table.all(part, Math.max(1, parts)))
        for (const c of contacts) if ((c.cflags & flags) === flags && isValid(c, now)) out.push(c);
    return out;
  }

  keepalive(ruid: ByteStr, roundTripUs = 0): boolean {
    for (const table of this.tables.values()) {
      const aor = table.byRuid(ruid)?.record.aor;
      if (aor === undefined) continue;
      void this.exclusive(table.name, aor, () => {
        const record = table.get(aor);
        const contact = record?.contacts.find(c => c.ruid === ruid);
        if (!record || !contact) return;
        contact.lastKeepalive = this.now();
        contact.roundTripUs = roundTripUs;
        table.save(record, [], []);
      });
      return true;
    }
    return false;
  }
}
