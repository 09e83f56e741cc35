/** All tables of one runtime: in memory, in a database, or both (modparam db_mode). */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import { type Awaitable, after, DbError } from '../../kemi/db.ts';
import type { ModuleHost, Timer } from '../../kemi/host.ts';
import type { Change } from './api.ts';
import { isValid } from './api.ts';
import { attempt, inTurn } from './attempt.ts';
import { exclusively, findContact, inOrder, isConnected } from './common.ts';
import { type Binding, Contact, CS_GONE, CS_SYNC, FL_MEM, UserRecord } from './contact.ts';
import type { Settings } from './params.ts';
import type { Registry } from './registry.ts';
import { storedOf, xavpOf } from './rows.ts';
import { RuidIndex } from './ruid-index.ts';
import { Ruids } from './ruids.ts';
import type { Store, Write } from './store.ts';
import { assign, contactOf, place, replace, sorted, Table } from './table.ts';
import { WriteBack } from './write-back.ts';

export const DB_NONE = 0;
export const DB_THROUGH = 1;
export const DB_BACK = 2;
export const DB_ONLY = 3;
export const DB_READ = 4;

export class Location implements Registry {
  readonly shared: boolean;
  readonly settings: Settings;
  readonly natFlag: number;
  readonly useDomain: boolean;
  readonly xavpContact: ByteStr;
  readonly cseqDelay: number;
  readonly dbMode: number;
  readonly atOnce: boolean;
  /** set by registrar, which has the modparam: how RPC commands compare addresses of record */
  caseSensitive = false;
  readonly tables = new Map<ByteStr, Table>();
  readonly store: Store | undefined;
  readonly #host: ModuleHost;
  readonly #ruids: Ruids;
  readonly #byRuid = new RuidIndex(() => this.#contacts());
  readonly #opening = new Map<ByteStr, Promise<boolean>>();
  /** last task of each address of record that waits for a database */
  readonly #busy = new Map<ByteStr, Promise<unknown>>();
  readonly #onExpired: ((contact: Contact) => void)[] = [];
  /** what waits for the database in the modes 1 and 2 */
  readonly #writeBack: WriteBack | undefined;
  readonly #timer: Timer | undefined;
  #keepaliveSec = 0;
  #keepaliveFlags = 0;

  constructor(host: ModuleHost, settings: Settings, store: Store | undefined) {
    this.settings = settings;
    this.natFlag = settings.natFlag;
    this.useDomain = settings.useDomain;
    this.xavpContact = settings.xavpContact;
    this.cseqDelay = settings.cseqDelay;
    this.dbMode = settings.dbMode;
    this.atOnce = settings.dbMode !== DB_THROUGH && settings.dbMode !== DB_ONLY;
    this.store = store;
    this.#host = host;
    this.#ruids = new Ruids(host);
    if (store && (this.dbMode === DB_THROUGH || this.dbMode === DB_BACK))
      this.#writeBack = new WriteBack(host, store, (error, text) => this.#report(error, text));
    host.stats.define('usrloc', 'registered_users', () => this.#sum(t => t.records.size), true);
    host.stats.define('usrloc', 'db_failures');
    for (const name of settings.preload) this.#preload(name);
    this.shared = host.shared !== undefined;
    // one worker cleans up for all
    if ((host.shared?.worker ?? 0) === 0) this.#timer = host.every(settings.timerSec * 1000, () => void this.tick());
  }

  /** wall clock, seconds */
  now(): number {
    return Math.floor(this.#host.now() / 1000);
  }

  // ---- tables

  #preload(name: ByteStr): void {
    const opened = this.#open(name, true);
    if (opened === false) throw new KemiError('KEMI_ERR_CONFIG', `Cannot preload table "${name}": it is not a name`);
    if (opened instanceof Promise) opened.catch(error => this.#report(error, `Cannot load table ${name}`));
  }

  open(table: ByteStr): Awaitable<boolean> {
    if (this.tables.has(table)) return true;
    return attempt(
      () => this.#open(table, false),
      ok => ok,
      error => {
        this.#report(error, `Cannot load table ${table}`);
        return false;
      },
    );
  }

  /** @throws what the database throws, or a rejected promise */
  #open(name: ByteStr, preload: boolean): Awaitable<boolean> {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return false;
    const { store, settings } = this;
    const table = new Table(name, this.#byRuid, settings.newestFirst);
    const add = () => {
      this.tables.set(name, table);
      this.#defineStatistics(table);
      return true;
    };
    if (!store) return add();
    const busy = this.#opening.get(name);
    if (busy) return busy;
    const load = this.dbMode !== DB_ONLY && (settings.load || this.dbMode === DB_READ);
    const done = after(store.checkVersion(name), () => after(load ? this.#load(store, table) : undefined, add));
    if (!(done instanceof Promise)) return done;
    const opening = done.finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    if (preload) opening.catch(() => {});
    return opening;
  }

  #load(store: Store, table: Table): Awaitable<void> {
    const { rowFormat, skipRemoteSocket, cleanTcp } = this.settings;
    return after(store.attributes(table.name), attributes =>
      after(store.all(table.name), rows => {
        const connected: ByteStr[] = [];
        for (const row of rows) {
          const { aor, ruid, binding } = storedOf(rowFormat, row);
          if (!ruid || !binding.uri) continue;
          if (skipRemoteSocket && row[rowFormat.names.socket] && binding.socket === undefined) continue;
          if (cleanTcp && isConnected(binding)) {
            connected.push(ruid);
            continue;
          }
          const xavps = attributes.get(ruid);
          const record = table.records.get(aor) ?? new UserRecord(table.name, aor);
          const contact = contactOf(record, ruid, xavps ? { ...binding, xavp: xavpOf(xavps) } : binding, CS_SYNC);
          contact.lastKeepalive = this.now();
          table.insert(record, contact);
        }
        return store.deleteRuids(table.name, connected);
      }),
    );
  }

  #defineStatistics(table: Table): void {
    const { stats } = this.#host;
    stats.define('usrloc', `${table.name}_users`, () => table.records.size, true);
    stats.define('usrloc', `${table.name}_contacts`, () => table.contacts, true);
    stats.define('usrloc', `${table.name}_expires`, () => table.expired);
  }

  *#contacts(): Generator<Contact> {
    for (const table of this.tables.values()) yield* table.all();
  }

  #sum(of: (table: Table) => number): number {
    let sum = 0;
    for (const table of this.tables.values()) sum += of(table);
    return sum;
  }

  // ---- reading

  record(table: ByteStr, aor: ByteStr): Awaitable<UserRecord | undefined> {
    if (this.dbMode !== DB_ONLY) return this.tables.get(table)?.records.get(aor);
    return this.#stored(table, aor);
  }

  /** @throws what the database throws */
  #stored(table: ByteStr, aor: ByteStr): Awaitable<UserRecord | undefined> {
    return after(this.store!.ofAor(table, aor), rows => after(this.#contactsOf(table, rows), c => c[0]?.record));
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
        after(this.store!.attributes(table, contact.ruid), found => {
          const xavps = found.get(contact.ruid);
          if (xavps) contact.xavp = xavpOf(xavps);
        }),
      ),
      () => all,
    );
  }

  byRuid(table: ByteStr, ruid: ByteStr): Awaitable<Contact | undefined> {
    if (this.dbMode !== DB_ONLY) {
      const contact = this.#byRuid.get(ruid);
      return contact?.record.domain === table ? contact : undefined;
    }
    return after(this.store!.ofRuid(table, ruid), rows =>
      after(this.#contactsOf(table, rows), contacts => contacts[0]),
    );
  }

  find(record: UserRecord, uri: ByteStr, callId: ByteStr, path: ByteStr | undefined): Contact | undefined {
    return findContact(record, uri, callId, path, this.settings.matchingMode);
  }

  // ---- changing

  exclusive<T>(table: ByteStr, aor: ByteStr, fn: () => Awaitable<T>): Awaitable<T> {
    const store = this.dbMode === DB_THROUGH || this.dbMode === DB_ONLY;
    if (!store) return fn();
    const key = `${table} ${aor}`;
    const { shared } = this.#host;
    return inOrder(this.#busy, key, shared ? () => exclusively(shared, key, fn) : fn);
  }

  change(
    tableName: ByteStr,
    aor: ByteStr,
    given: UserRecord | undefined,
    changes: readonly Change[],
    memoryOnly = false,
  ): Awaitable<UserRecord | undefined | false> {
    const table = this.tables.get(tableName);
    if (!table) return false;
    const record = given ?? new UserRecord(table.name, aor);
    const writes: Write[] = [];
    for (const change of changes) {
      if (change.do !== 'insert') {
        writes.push(change);
        continue;
      }
      const contact = new Contact(record, change.ruid ?? this.#ruids.next(), change.binding);
      if (memoryOnly) contact.flags |= FL_MEM;
      writes.push({ do: 'insert', contact });
    }
    const apply = (): Awaitable<UserRecord | undefined | false> => {
      for (const write of writes) this.#apply(table, write, memoryOnly);
      return record.size > 0 ? record : undefined;
    };
    const through = (this.dbMode === DB_THROUGH || this.dbMode === DB_ONLY) && !memoryOnly;
    const stored = through ? writes.filter(w => w.do !== 'delete' || !(w.contact.flags & FL_MEM)) : [];
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

  isOpen(table: ByteStr): boolean {
    return this.tables.has(table);
  }

  put(
    tableName: ByteStr,
    aor: ByteStr,
    given: UserRecord | undefined,
    known: Contact | undefined,
    binding: Binding,
  ): UserRecord {
    const table = this.tables.get(tableName)!;
    const record = given ?? new UserRecord(table.name, aor);
    const contact = known ?? new Contact(record, this.#ruids.next(), binding);
    if (this.dbMode !== DB_NONE)
      this.#apply(table, known ? { do: 'update', contact, binding } : { do: 'insert', contact }, false);
    else if (known) table.update(contact, binding);
    else table.insert(record, contact);
    return record;
  }

  #apply(table: Table, write: Write, memoryOnly: boolean): void {
    const { contact } = write;
    if (this.dbMode === DB_ONLY) {
      this.#applyTo(contact.record, write);
      return;
    }
    if (write.do === 'insert') {
      table.insert(contact.record, contact);
      if (this.dbMode === DB_THROUGH) contact.state = CS_SYNC;
    } else if (write.do === 'delete') {
      const { state } = contact;
      table.remove(contact);
      if (this.dbMode === DB_BACK && !memoryOnly) this.#writeBack?.removed(table, contact, state);
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
    if (this.dbMode === DB_BACK && !memoryOnly) this.#writeBack?.changed(table, contact);
  }

  /** the same on a record that was read for this call */
  #applyTo(record: UserRecord, write: Write): void {
    const { newestFirst } = this.settings;
    const { contact } = write;
    const { q } = contact;
    if (write.do === 'insert') place(record, contact, newestFirst);
    else if (write.do === 'delete') record.remove(contact);
    else {
      assign(contact, write.binding, write.binding.instance !== undefined);
      replace(record, contact, newestFirst, q);
    }
  }

  // ---- time

  onExpired(fn: (contact: Contact) => void): void {
    this.#onExpired.push(fn);
  }

  /** What the timer does: expired contacts go, what changed is written back. */
  tick(): Awaitable<void> {
    if (this.dbMode === DB_ONLY) return this.#cleanStored();
    const now = this.now();
    for (const table of this.tables.values()) {
      for (const contact of table.due(now)) this.#expire(table, contact);
      if (this.#keepaliveSec > 0) this.#expireSilent(table, now - this.#keepaliveSec);
    }
    const writeBack = this.#writeBack;
    if (!writeBack) return;
    return after(writeBack.flush(false), () => {
      if (!this.settings.timerClean) return;
      const clean = (table: Table) => this.store!.deleteExpired(table.name, now);
      return this.#reported(() => inTurn([...this.tables.values()], clean), 'Cannot remove expired contacts');
    });
  }

  #expire(table: Table, contact: Contact): void {
    this.#tellExpired(contact);
    const { state } = contact;
    if (state === CS_GONE) return;
    table.remove(contact);
    table.expired++;
    this.#writeBack?.removed(table, contact, state);
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

  /** Removes contacts that were not alive since `sec`. */
  #expireSilent(table: Table, sec: number): void {
    const flags = this.#keepaliveFlags;
    const silent: Contact[] = [];
    for (const c of table.all()) if (c.lastKeepalive < sec && (c.cflags & flags) === flags) silent.push(c);
    for (const contact of silent) this.#expire(table, contact);
  }

  #cleanStored(): Awaitable<void> {
    const store = this.store!;
    const sec = this.now() - this.settings.expiredDelaySec;
    const clean = (table: Table) =>
      after(this.#onExpired.length > 0 ? store.expired(table.name, sec) : [], rows =>
        after(this.#contactsOf(table.name, rows), contacts =>
          after(store.deleteExpired(table.name, sec), count => {
            table.expired += count;
            for (const contact of contacts) this.#tellExpired(contact);
          }),
        ),
      );
    return this.#reported(() => inTurn([...this.tables.values()], clean), 'Cannot remove expired contacts');
  }

  /** Writes all that the database does not know yet. */
  flush(): Awaitable<void> {
    return this.#writeBack?.flush(true);
  }

  async dispose(): Promise<void> {
    this.#timer?.cancel();
    await this.flush();
    const left = this.#writeBack?.size ?? 0;
    if (left > 0) this.#host.log.error({ left }, 'Contacts were not written to the database');
  }

  // ---- keepalives and connections

  pingTargets(flags: number, part: number, parts: number): Awaitable<Contact[]> {
    const now = this.now();
    const wanted = (c: Contact) =>
      (c.cflags & flags) === flags && isValid(c, now) && (parts <= 1 || coreHash(c.record.aor) % parts === part);
    const out: Contact[] = [];
    if (this.dbMode !== DB_ONLY) {
      for (const table of this.tables.values()) for (const c of table.all()) if (wanted(c)) out.push(c);
      return out;
    }
    const read = (table: Table) =>
      after(this.store!.all(table.name), rows =>
        after(this.#contactsOf(table.name, rows), contacts => {
          for (const c of contacts) if (wanted(c)) out.push(c);
        }),
      );
    return after(
      this.#reported(() => inTurn([...this.tables.values()], read), 'Cannot read contacts'),
      () => out,
    );
  }

  setKeepaliveTimeout(seconds: number, flags = 0): void {
    this.#keepaliveSec = seconds;
    this.#keepaliveFlags = flags;
  }

  keepalive(ruid: ByteStr, roundTripUs = 0): boolean {
    const contact = this.#byRuid.get(ruid);
    if (!contact) return false;
    contact.lastKeepalive = this.now();
    contact.roundTripUs = roundTripUs;
    return true;
  }

  connectionClosed(id: number): void {
    if (!this.settings.handleLostTcp || this.dbMode === DB_ONLY || id === 0) return;
    for (const table of this.tables.values()) {
      const lost = [...table.all()].filter(c => c.connectionId === id);
      for (const contact of lost) this.#expire(table, contact);
    }
  }

  /** a ruid for a contact that an RPC command adds */
  rpcRuid(): ByteStr {
    return this.#ruids.next('ulcx');
  }

  // ---- failures

  #reported(make: () => Awaitable<unknown>, text: string): Awaitable<void> {
    return attempt(
      make,
      () => {},
      error => this.#report(error, text),
    );
  }

  #report(error: unknown, text: string): void {
    this.#host.stats.add('usrloc', 'db_failures');
    const reason = error instanceof DbError ? error.reason : 'other';
    this.#host.log.error({ err: error, reason }, text);
  }
}
