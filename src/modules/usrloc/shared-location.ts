/**
 * All tables where several workers share them (db_mode 0, 1, 2, 4): contacts are in shared memory. A database has one writer for what is written later (the first
 * worker): the others leave the ruids of what they changed in a shared list. With db_mode 3 location.ts does it: there the database is what is shared.
 */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { type Awaitable, DbError } from '../../kemi/db.ts';
import type { ModuleHost, Timer } from '../../kemi/host.ts';
import type { Shared, SharedMap } from '../../kemi/shared/shared.ts';
import type { Change } from './api.ts';
import { isValid } from './api.ts';
import { attempt } from './attempt.ts';
import { exclusively, findContact, inOrder, isConnected } from './common.ts';
import { type Binding, Contact, CS_DIRTY, CS_GONE, CS_NEW, CS_SYNC, FL_MEM, UserRecord } from './contact.ts';
import { DB_BACK, DB_READ, DB_THROUGH } from './location.ts';
import type { Settings } from './params.ts';
import type { Registry } from './registry.ts';
import { storedOf, xavpOf } from './rows.ts';
import { Ruids } from './ruids.ts';
import { SharedTable } from './shared-table.ts';
import type { Store, Write } from './store.ts';
import { assign, contactOf, place, replace } from './table.ts';

/** contacts that one transaction writes */
const CHUNK = 200;

export class SharedLocation implements Registry {
  readonly shared = true;
  readonly settings: Settings;
  readonly natFlag: number;
  readonly useDomain: boolean;
  readonly xavpContact: ByteStr;
  readonly cseqDelay: number;
  readonly dbMode: number;
  readonly atOnce: boolean;
  caseSensitive = false;
  readonly store: Store | undefined;
  readonly #host: ModuleHost;
  readonly #shared: Shared;
  readonly #ruids: Ruids;
  readonly #tables = new Map<ByteStr, SharedTable>();
  /** tables that a worker has opened */
  readonly #names: SharedMap;
  /** table of each contact that the database does not know as it is, by ruid */
  readonly #unwritten: SharedMap;
  readonly #busy = new Map<ByteStr, Promise<unknown>>();
  readonly #onExpired: ((contact: Contact) => void)[] = [];
  readonly #timer: Timer | undefined;
  #keepaliveSec = 0;
  #keepaliveFlags = 0;

  constructor(host: ModuleHost, shared: Shared, settings: Settings, store: Store | undefined) {
    this.settings = settings;
    this.natFlag = settings.natFlag;
    this.useDomain = settings.useDomain;
    this.xavpContact = settings.xavpContact;
    this.cseqDelay = settings.cseqDelay;
    this.dbMode = settings.dbMode;
    this.atOnce = settings.dbMode !== DB_THROUGH;
    this.store = store;
    this.#host = host;
    this.#shared = shared;
    this.#ruids = new Ruids(host);
    this.#names = shared.map('usrloc.tables');
    this.#unwritten = shared.map('usrloc.unwritten');
    const users = () => [...this.tables.values()].reduce((sum, t) => sum + t.users, 0);
    host.stats.define('usrloc', 'registered_users', users, true);
    host.stats.define('usrloc', 'db_failures');
    for (const name of settings.preload)
      if (!this.#open(name)) throw new KemiError('KEMI_ERR_CONFIG', `Cannot preload table "${name}": it is not a name`);
    if (shared.worker === 0) this.#timer = host.every(settings.timerSec * 1000, () => void this.tick());
  }

  now(): number {
    return Math.floor(this.#host.now() / 1000);
  }

  // ---- tables

  get tables(): ReadonlyMap<ByteStr, SharedTable> {
    // another worker may have opened one
    if (this.#names.size !== this.#tables.size) for (const name of this.#names.keys()) this.#add(name);
    return this.#tables;
  }

  #table(name: ByteStr): SharedTable | undefined {
    return this.#tables.get(name) ?? this.tables.get(name);
  }

  isOpen(table: ByteStr): boolean {
    return this.#table(table) !== undefined;
  }

  open(name: ByteStr): boolean {
    if (this.isOpen(name)) return true;
    try {
      return this.#open(name);
    } catch (error) {
      this.#report(error, `Cannot load table ${name}`);
      return false;
    }
  }

  /** @throws what the database throws */
  #open(name: ByteStr): boolean {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return false;
    return this.#shared.exclusive('usrloc.tables', name, () => {
      if (!this.#names.get(name)) {
        this.#load(new SharedTable(name, this.#shared));
        this.#names.set(name, { value: 1, expiresMs: 0 });
      }
      this.#add(name);
      return true;
    });
  }

  #add(name: ByteStr): void {
    if (this.#tables.has(name)) return;
    const table = new SharedTable(name, this.#shared);
    this.#tables.set(name, table);
    const { stats } = this.#host;
    stats.define('usrloc', `${name}_users`, () => table.users, true);
    stats.define('usrloc', `${name}_contacts`, () => table.contacts, true);
    stats.define('usrloc', `${name}_expires`, () => table.expired, true);
  }

  #load(table: SharedTable): void {
    const { store, settings } = this;
    if (!store) return;
    atOnce(store.checkVersion(table.name));
    if (!settings.load && this.dbMode !== DB_READ) return;
    const attributes = atOnce(store.attributes(table.name));
    const connected: ByteStr[] = [];
    const { rowFormat, skipRemoteSocket, cleanTcp } = settings;
    for (const row of atOnce(store.all(table.name))) {
      const { aor, ruid, binding } = storedOf(rowFormat, row);
      if (!ruid || !binding.uri) continue;
      if (skipRemoteSocket && row[rowFormat.names.socket] && binding.socket === undefined) continue;
      if (cleanTcp && isConnected(binding)) {
        connected.push(ruid);
        continue;
      }
      const xavps = attributes.get(ruid);
      const record = table.get(aor) ?? new UserRecord(table.name, aor);
      const contact = contactOf(record, ruid, xavps ? { ...binding, xavp: xavpOf(xavps) } : binding, CS_SYNC);
      contact.lastKeepalive = this.now();
      place(record, contact, settings.newestFirst);
      if (!table.save(record, [contact], [])) throw full();
    }
    atOnce(store.deleteRuids(table.name, connected));
  }

  // ---- reading

  record(table: ByteStr, aor: ByteStr): UserRecord | undefined {
    return this.#table(table)?.get(aor);
  }

  byRuid(table: ByteStr, ruid: ByteStr): Contact | undefined {
    return this.#table(table)?.byRuid(ruid);
  }

  find(record: UserRecord, uri: ByteStr, callId: ByteStr, path: ByteStr | undefined): Contact | undefined {
    return findContact(record, uri, callId, path, this.settings.matchingMode);
  }

  // ---- changing

  exclusive<T>(table: ByteStr, aor: ByteStr, fn: () => Awaitable<T>): Awaitable<T> {
    const key = `${table} ${aor}`;
    return inOrder(this.#busy, key, () => exclusively(this.#shared, key, fn));
  }

  change(
    tableName: ByteStr,
    aor: ByteStr,
    given: UserRecord | undefined,
    changes: readonly Change[],
    memoryOnly = false,
  ): Awaitable<UserRecord | undefined | false> {
    const table = this.#table(tableName);
    if (!table) return false;
    const record = given ?? new UserRecord(table.name, aor);
    const writes = changes.map((change): Write => {
      if (change.do !== 'insert') return change;
      const contact = new Contact(record, change.ruid ?? this.#ruids.next(), change.binding);
      if (memoryOnly) contact.flags |= FL_MEM;
      return { do: 'insert', contact };
    });
    const apply = (): UserRecord | undefined | false => {
      if (this.#apply(table, record, writes, memoryOnly)) return record.size > 0 ? record : undefined;
      this.#report(full(), `Cannot store contacts of ${aor}`);
      return false;
    };
    const stored =
      this.dbMode === DB_THROUGH && !memoryOnly
        ? writes.filter(w => w.do !== 'delete' || !(w.contact.flags & FL_MEM))
        : [];
    if (stored.length === 0) return apply();
    return attempt(
      () => this.store!.write(tableName, aor, stored),
      apply,
      error => {
        this.#report(error, `Cannot store contacts of ${aor}`);
        return false;
      },
    );
  }

  put(
    tableName: ByteStr,
    aor: ByteStr,
    given: UserRecord | undefined,
    known: Contact | undefined,
    binding: Binding,
  ): UserRecord | undefined {
    const table = this.#table(tableName)!;
    const record = given ?? new UserRecord(table.name, aor);
    const contact = known ?? new Contact(record, this.#ruids.next(), binding);
    const write: Write = known ? { do: 'update', contact, binding } : { do: 'insert', contact };
    return this.#apply(table, record, [write], false) ? record : undefined;
  }

  /** Changes a record, which is the caller's own copy, and puts it back. @returns false when there is no room */
  #apply(table: SharedTable, record: UserRecord, writes: readonly Write[], memoryOnly: boolean): boolean {
    const { newestFirst } = this.settings;
    const came: Contact[] = [];
    const went: Contact[] = [];
    for (const write of writes) {
      const { contact } = write;
      if (write.do === 'insert') {
        place(record, contact, newestFirst);
        came.push(contact);
        if (this.dbMode === DB_THROUGH) contact.state = CS_SYNC;
      } else if (write.do === 'delete') {
        if (record.remove(contact)) went.push(contact);
      } else {
        const { q, flags } = contact;
        assign(contact, write.binding, write.binding.instance !== undefined);
        if (memoryOnly) contact.flags = flags;
        else if (this.dbMode === DB_BACK && contact.state === CS_SYNC) contact.state = CS_DIRTY;
        replace(record, contact, newestFirst, q);
      }
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
      this.#report(full(), `Cannot note a change of ${contact.record.aor} for the database`);
  }

  // ---- time

  onExpired(fn: (contact: Contact) => void): void {
    this.#onExpired.push(fn);
  }

  tick(): Awaitable<void> {
    const now = this.now();
    for (const table of this.tables.values()) {
      for (const aor of table.due(now)) this.#expire(table, aor, c => c.expires !== 0 && c.expires <= now);
      if (this.#keepaliveSec > 0) this.#expireSilent(table, now - this.#keepaliveSec);
    }
    if (!this.store || (this.dbMode !== DB_THROUGH && this.dbMode !== DB_BACK)) return;
    this.flush();
    if (!this.settings.timerClean) return;
    for (const table of this.tables.values())
      this.#reported(() => this.store!.deleteExpired(table.name, now), 'Cannot remove expired contacts');
  }

  /** Takes the contacts out of a record that `gone` names, as they are now. */
  #expire(table: SharedTable, aor: ByteStr, gone: (contact: Contact) => boolean): void {
    const done = this.exclusive(table.name, aor, () => {
      const record = table.get(aor);
      const went = record?.contacts.filter(gone) ?? [];
      if (!record || went.length === 0) return;
      for (const contact of went) this.#tellExpired(contact);
      for (const contact of went) record.remove(contact);
      if (!table.save(record, [], went)) return;
      table.countExpired(went.length);
      if (this.dbMode === DB_THROUGH || this.dbMode === DB_BACK)
        for (const contact of went) this.#toWrite(table, contact);
    });
    if (done instanceof Promise) done.catch(error => this.#report(error, `Cannot expire contacts of ${aor}`));
  }

  #tellExpired(contact: Contact): void {
    for (const fn of this.#onExpired) {
      try {
        fn(contact);
      } catch (error) {
        this.#host.log.error({ err: error, aor: contact.record.aor }, 'A listener of expired contacts failed');
      }
    }
  }

  #expireSilent(table: SharedTable, sec: number): void {
    const flags = this.#keepaliveFlags;
    const silent = (c: Contact) => c.lastKeepalive < sec && (c.cflags & flags) === flags;
    for (const { aor, contacts } of table.all()) if (contacts.some(silent)) this.#expire(table, aor, silent);
  }

  /** Writes to the database what workers left for it; one that fails is kept for the next time. */
  flush(): Awaitable<void> {
    const { store } = this;
    if (!store || this.#shared.worker !== 0) return;
    for (let left = this.#unwritten.keys(); left.length > 0; left = left.slice(CHUNK))
      if (!this.#flushSome(store, left.slice(0, CHUNK))) return;
  }

  #flushSome(store: Store, ruids: readonly ByteStr[]): boolean {
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
      const table = this.#table(name)!;
      const found = list.map(ruid => table.byRuid(ruid));
      const contacts = found.filter(c => c !== undefined);
      const gone = list.filter((_ruid, i) => !found[i]);
      try {
        atOnce(store.sync(name, contacts, gone));
        for (const contact of contacts) this.#written(table, contact);
      } catch (error) {
        ok = false;
        this.#report(error, `Cannot write contacts of table ${name}; they are kept for the next time`);
        for (const ruid of list) this.#unwritten.set(ruid, { value: name, expiresMs: 0 });
      }
    }
    return ok;
  }

  /** The database has a contact, unless it changed meanwhile. */
  #written(table: SharedTable, { ruid, record: { aor } }: Contact): void {
    void this.exclusive(table.name, aor, () => {
      const record = table.get(aor);
      const contact = record?.contacts.find(c => c.ruid === ruid);
      if (!record || !contact || this.#unwritten.get(ruid)) return;
      if (contact.state !== CS_NEW && contact.state !== CS_DIRTY) return;
      contact.state = CS_SYNC;
      table.save(record, [], []);
    });
  }

  async dispose(): Promise<void> {
    this.#timer?.cancel();
    if (this.#shared.worker !== 0) return;
    await this.flush();
    const left = this.store ? this.#unwritten.size : 0;
    if (left > 0) this.#host.log.error({ left }, 'Contacts were not written to the database');
  }

  // ---- keepalives and connections

  pingTargets(flags: number, part: number, parts: number): Contact[] {
    const now = this.now();
    const out: Contact[] = [];
    for (const table of this.tables.values())
      for (const { contacts } of table.all(part, Math.max(1, parts)))
        for (const c of contacts) if ((c.cflags & flags) === flags && isValid(c, now)) out.push(c);
    return out;
  }

  setKeepaliveTimeout(seconds: number, flags = 0): void {
    this.#keepaliveSec = seconds;
    this.#keepaliveFlags = flags;
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

  connectionClosed(id: number): void {
    if (!this.settings.handleLostTcp || id === 0) return;
    const lost = (c: Contact) => c.connectionId === id;
    for (const table of this.tables.values())
      for (const { aor, contacts } of table.all()) if (contacts.some(lost)) this.#expire(table, aor, lost);
  }

  rpcRuid(): ByteStr {
    return this.#ruids.next('ulcx');
  }

  // ---- failures

  #reported(make: () => Awaitable<unknown>, text: string): void {
    try {
      atOnce(make());
    } catch (error) {
      this.#report(error, text);
    }
  }

  #report(error: unknown, text: string): void {
    this.#host.stats.add('usrloc', 'db_failures');
    const reason = error instanceof DbError ? error.reason : 'other';
    this.#host.log.error({ err: error, reason }, reason === 'full' ? `${text}: ${FULL}` : text);
  }
}

const FULL = 'the memory that workers share is full; --limits shared=MiB makes it larger';
const full = () => new DbError('full', FULL);

/** The answer of a database that answers at once. @throws KemiError KEMI_ERR_CONFIG when it is another one */
function atOnce<T>(value: Awaitable<T>): T {
  if (!(value instanceof Promise)) return value;
  value.catch(() => {});
  throw new KemiError(
    'KEMI_ERR_CONFIG',
    'Cannot share contacts among workers with this database: it answers later; use usrloc db_mode 0 or 3, or --workers 1',
  );
}
