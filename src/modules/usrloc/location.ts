/**
 * All tables of one runtime: what does not depend on where the contacts are. memory-location.ts has them in the memory of this runtime, shared-location.ts in
 * memory that several workers share, stored-location.ts in the database and nowhere else. They are classes under this one, not something that it calls:
 * record() and put() run for each message.
 */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { type Awaitable, after, DbError } from '../../kemi/db.ts';
import type { ModuleHost, Timer } from '../../kemi/host.ts';
import type { Change } from './api.ts';
import { attempt, inTurn } from './attempt.ts';
import { exclusively, findContact, inOrder, isConnected, NoRoom } from './common.ts';
import { type Binding, Contact, CS_SYNC, FL_MEM, UserRecord } from './contact.ts';
import { DB_BACK, DB_ONLY, DB_READ, DB_THROUGH } from './db-mode.ts';
import type { Settings } from './params.ts';
import type { ContactTable, Registry } from './registry.ts';
import { storedOf, xavpOf } from './rows.ts';
import { Ruids } from './ruids.ts';
import type { Store, Write } from './store.ts';
import { contactOf } from './table.ts';

export abstract class Location<T extends ContactTable> implements Registry {
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
  readonly store: Store | undefined;
  /** the store, where contacts in memory go there too, before the answer or later */
  protected readonly written: Store | undefined;
  protected readonly host: ModuleHost;
  protected readonly ruids: Ruids;
  /** last task of each address of record that waits for a database */
  readonly #busy = new Map<ByteStr, Promise<unknown>>();
  readonly #onExpired: ((contact: Contact) => void)[] = [];
  #timer: Timer | undefined;
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
    this.shared = host.shared !== undefined;
    this.store = store;
    this.written = this.dbMode === DB_THROUGH || this.dbMode === DB_BACK ? store : undefined;
    this.host = host;
    this.ruids = new Ruids(host);
  }

  /** Only contacts in the memory of this runtime are kept so. */
  lookupKept(_table: ByteStr, _msg: number, _wants: number, _nowSec: number): Contact | undefined {
    return undefined;
  }

  keepLookup(_record: UserRecord, _contact: Contact, _dstUri: ByteStr | undefined): void {}

  /** What the constructors of the classes under this one end with. */
  protected begin(): void {
    const { host, settings } = this;
    const users = () => {
      let sum = 0;
      for (const table of this.tables.values()) sum += table.users;
      return sum;
    };
    host.stats.define('usrloc', 'registered_users', users, true);
    host.stats.define('usrloc', 'db_failures');
    for (const name of settings.preload) this.#preload(name);
    // one worker cleans up for all
    if ((host.shared?.worker ?? 0) === 0) this.#timer = host.every(settings.timerSec * 1000, () => void this.tick());
  }

  /** wall clock, seconds */
  now(): number {
    return Math.floor(this.host.now() / 1000);
  }

  // ---- tables

  abstract get tables(): ReadonlyMap<ByteStr, T>;
  abstract isOpen(table: ByteStr): boolean;
  protected table(name: ByteStr): T | undefined {
    return this.tables.get(name);
  }

  /** Opens a table with that name. @throws what the database throws, or a rejected promise */
  protected abstract openTable(name: ByteStr): Awaitable<void>;
  /** Takes in a contact that the database has. @param record whose it is, which may be new */
  protected abstract loaded(table: T, record: UserRecord, contact: Contact): void;

  #preload(name: ByteStr): void {
    const opened = this.#open(name);
    if (opened === false) throw new KemiError('KEMI_ERR_CONFIG', `Cannot preload table "${name}": it is not a name`);
    if (opened instanceof Promise) opened.catch(error => this.report(error, `Cannot load table ${name}`));
  }

  open(table: ByteStr): Awaitable<boolean> {
    if (this.isOpen(table)) return true;
    return attempt(
      () => this.#open(table),
      ok => ok,
      error => {
        this.report(error, `Cannot load table ${table}`);
        return false;
      },
    );
  }

  #open(name: ByteStr): Awaitable<boolean> {
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && after(this.openTable(name), () => true);
  }

  /** @param whole what has expired is counted for all workers together */
  protected defineStatistics(table: T, whole: boolean): void {
    const { stats } = this.host;
    stats.define('usrloc', `${table.name}_users`, () => table.users, true);
    stats.define('usrloc', `${table.name}_contacts`, () => table.contacts, true);
    stats.define('usrloc', `${table.name}_expires`, () => table.expired, whole);
  }

  /** What the database answers. @throws where it may not answer later */
  protected answer<R>(value: Awaitable<R>): Awaitable<R> {
    return value;
  }

  /** Takes in what the database has of a table, where the configuration wants that. */
  protected load(store: Store, table: T): Awaitable<void> {
    const { settings, dbMode } = this;
    if (dbMode === DB_ONLY || (!settings.load && dbMode !== DB_READ)) return;
    const { rowFormat, skipRemoteSocket, cleanTcp } = settings;
    return after(this.answer(store.attributes(table.name)), attributes =>
      after(this.answer(store.all(table.name)), rows => {
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
          const record = table.get(aor) ?? new UserRecord(table.name, aor);
          const contact = contactOf(record, ruid, xavps ? { ...binding, xavp: xavpOf(xavps) } : binding, CS_SYNC);
          contact.lastKeepalive = this.now();
          this.loaded(table, record, contact);
        }
        return this.answer(store.deleteRuids(table.name, connected));
      }),
    );
  }

  // ---- reading

  abstract record(table: ByteStr, aor: ByteStr): Awaitable<UserRecord | undefined>;
  abstract byRuid(table: ByteStr, ruid: ByteStr): Awaitable<Contact | undefined>;

  find(record: UserRecord, uri: ByteStr, callId: ByteStr, path: ByteStr | undefined): Contact | undefined {
    return findContact(record, uri, callId, path, this.settings.matchingMode);
  }

  // ---- changing

  exclusive<R>(table: ByteStr, aor: ByteStr, fn: () => Awaitable<R>): Awaitable<R> {
    const key = `${table} ${aor}`;
    const { shared } = this.host;
    return inOrder(this.#busy, key, shared ? () => exclusively(shared, key, fn) : fn);
  }

  /**
   * Makes changes take effect that the database knows of where it has to.
   * @param record whose contacts they are  @returns false when there is no room: nothing is changed then
   */
  protected abstract apply(table: T, record: UserRecord, writes: readonly Write[], memoryOnly: boolean): boolean;

  change(
    tableName: ByteStr,
    aor: ByteStr,
    given: UserRecord | undefined,
    changes: readonly Change[],
    memoryOnly = false,
  ): Awaitable<UserRecord | undefined | false> {
    const table = this.table(tableName);
    if (!table) return false;
    const record = given ?? new UserRecord(table.name, aor);
    const writes = changes.map((change): Write => {
      if (change.do !== 'insert') return change;
      const contact = new Contact(record, change.ruid ?? this.ruids.next(), change.binding);
      if (memoryOnly) contact.flags |= FL_MEM;
      return { do: 'insert', contact };
    });
    const failed = (error: unknown): false => {
      this.report(error, `Cannot store contacts of ${aor}`);
      return false;
    };
    const apply = (): UserRecord | undefined | false => {
      if (!this.apply(table, record, writes, memoryOnly)) return failed(new NoRoom());
      return record.size > 0 ? record : undefined;
    };
    const through = (this.dbMode === DB_THROUGH || this.dbMode === DB_ONLY) && !memoryOnly;
    const stored = through ? writes.filter(w => w.do !== 'delete' || !(w.contact.flags & FL_MEM)) : [];
    if (stored.length === 0) return apply();
    return attempt(() => this.store!.write(tableName, aor, stored), apply, failed);
  }

  put(
    tableName: ByteStr,
    aor: ByteStr,
    given: UserRecord | undefined,
    known: Contact | undefined,
    binding: Binding,
  ): UserRecord | undefined {
    const table = this.table(tableName)!;
    const record = given ?? new UserRecord(table.name, aor);
    const contact = known ?? new Contact(record, this.ruids.next(), binding);
    const write: Write = known ? { do: 'update', contact, binding } : { do: 'insert', contact };
    return this.apply(table, record, [write], false) ? record : undefined;
  }

  // ---- time

  onExpired(fn: (contact: Contact) => void): void {
    this.#onExpired.push(fn);
  }

  protected get hasListeners(): boolean {
    return this.#onExpired.length > 0;
  }

  protected tellExpired(contact: Contact): void {
    for (const fn of this.#onExpired) {
      try {
        fn(contact);
      } catch (error) {
        this.host.log.error({ err: error, aor: contact.record.aor }, 'A listener of expired contacts failed');
      }
    }
  }

  /** Removes the contacts that expired at `nowSec` or before. */
  protected abstract expireDue(table: T, nowSec: number): void;
  /** Removes contacts as if they had expired. */
  protected abstract expireWhere(table: T, gone: (contact: Contact) => boolean): void;
  /** Writes what the database does not know yet. @param all in one go; else other work comes between the transactions */
  protected abstract write(all: boolean): Awaitable<void>;
  /** how many contacts and removals the database does not know, and this runtime is to write */
  protected abstract get unwritten(): number;

  tick(): Awaitable<void> {
    const now = this.now();
    for (const table of this.tables.values()) {
      this.expireDue(table, now);
      if (this.#keepaliveSec > 0) this.#expireSilent(table, now - this.#keepaliveSec);
    }
    const { written } = this;
    if (!written) return;
    return after(this.write(false), () => {
      if (!this.settings.timerClean) return;
      return this.eachTable(table => written.deleteExpired(table.name, now), 'Cannot remove expired contacts');
    });
  }

  /** Removes contacts that were not alive since `sec`. */
  #expireSilent(table: T, sec: number): void {
    const flags = this.#keepaliveFlags;
    this.expireWhere(table, c => c.lastKeepalive < sec && (c.cflags & flags) === flags);
  }

  flush(): Awaitable<void> {
    return this.write(true);
  }

  async dispose(): Promise<void> {
    this.#timer?.cancel();
    await this.flush();
    const left = this.unwritten;
    if (left > 0) this.host.log.error({ left }, 'Contacts were not written to the database');
  }

  // ---- keepalives and connections

  abstract pingTargets(flags: number, part: number, parts: number): Awaitable<Contact[]>;
  abstract keepalive(ruid: ByteStr, roundTripUs?: number): boolean;

  setKeepaliveTimeout(seconds: number, flags = 0): void {
    this.#keepaliveSec = seconds;
    this.#keepaliveFlags = flags;
  }

  connectionClosed(id: number): void {
    if (!this.settings.handleLostTcp || id === 0) return;
    for (const table of this.tables.values()) this.expireWhere(table, c => c.connectionId === id);
  }

  rpcRuid(): ByteStr {
    return this.ruids.next('ulcx');
  }

  // ---- failures

  /** Does something with the database for each table in turn; what fails is reported. */
  protected eachTable(fn: (table: T) => Awaitable<unknown>, text: string): Awaitable<void> {
    return inTurn([...this.tables.values()], table =>
      attempt(
        () => fn(table),
        () => {},
        error => this.report(error, text),
      ),
    );
  }

  protected report(error: unknown, text: string): void {
    this.host.stats.add('usrloc', 'db_failures');
    const reason = error instanceof DbError ? error.reason : 'other';
    this.host.log.error({ err: error, reason }, error instanceof NoRoom ? `${text}: ${error.message}` : text);
  }
}
