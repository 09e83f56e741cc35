/** What usrloc asks of the database: rows in, rows out. Which contacts are written when is location.ts. */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { type Awaitable, after, type Database, type DbCalls, type DbCondition, type DbRow } from '../../kemi/db.ts';
import { inTurn } from './attempt.ts';
import { type Binding, type Contact, FL_MEM } from './contact.ts';
import { attributeRows, COLUMNS, type RowFormat, rowOf, splitAor, timeValue, valuesOf } from './rows.ts';

/** layout of the table that this module knows */
const TABLE_VERSION = 9;

/** One write that a change needs. */
export type Write =
  | { readonly do: 'insert'; readonly contact: Contact }
  | { readonly do: 'update'; readonly contact: Contact; readonly binding: Binding }
  | { readonly do: 'delete'; readonly contact: Contact };

export interface StoreOptions {
  readonly database: Database;
  readonly format: RowFormat;
  /** rows are found by ruid; else by address of record, contact and Call-ID */
  readonly byRuid: boolean;
  readonly insertUpdates: boolean;
  readonly updateInserts: boolean;
  readonly checkUpdate: boolean;
  readonly checkVersion: boolean;
  /** only rows of this server are read and cleaned; undefined all */
  readonly serverId: number | undefined;
  readonly attributes: boolean;
}

export class Store {
  readonly #o: StoreOptions;

  constructor(options: StoreOptions) {
    this.#o = options;
  }

  /** @throws KemiError KEMI_ERR_CONFIG when the table's layout is another one */
  checkVersion(table: ByteStr): Awaitable<void> {
    if (!this.#o.checkVersion) return;
    return after(this.#o.database.tableVersion(table), version => {
      if (version !== TABLE_VERSION)
        throw new KemiError(
          'KEMI_ERR_CONFIG',
          `Cannot use table ${table}: its version is ${version ?? 'not listed'}, not ${TABLE_VERSION}`,
        );
    });
  }

  #select(table: ByteStr, where: DbCondition[]): Awaitable<DbRow[]> {
    const { database, format, serverId } = this.#o;
    if (serverId !== undefined) where.push({ column: format.names.server_id, value: serverId });
    return database.select(
      table,
      COLUMNS.map(c => format.names[c]),
      where,
    );
  }

  all(table: ByteStr): Awaitable<DbRow[]> {
    return this.#select(table, []);
  }

  /** rows of one address of record */
  ofAor(table: ByteStr, aor: ByteStr): Awaitable<DbRow[]> {
    return this.#select(table, this.#aorIs(aor));
  }

  ofRuid(table: ByteStr, ruid: ByteStr): Awaitable<DbRow[]> {
    return this.#select(table, [{ column: this.#o.format.names.ruid, value: ruid }]);
  }

  /** rows that expired before `sec`; such that never expire are not among them */
  expired(table: ByteStr, sec: number): Awaitable<DbRow[]> {
    return this.#select(table, this.#expiredAt(sec));
  }

  /** rows that are valid at `sec` */
  async counts(table: ByteStr, sec: number): Promise<{ users: number; contacts: number; expired: number }> {
    const { names, useDomain } = this.#o.format;
    const columns = useDomain ? [names.username, names.domain] : [names.username];
    const live = await this.#o.database.select(table, columns, [
      { column: names.expires, op: '>', value: this.#time(sec) },
    ]);
    const forever = await this.#o.database.select(table, columns, [{ column: names.expires, value: this.#time(0) }]);
    const gone = await this.#o.database.select(table, [names.ruid], this.#expiredAt(sec));
    const rows = [...live, ...forever];
    return {
      users: new Set(rows.map(row => columns.map(c => String(row[c])).join('@'))).size,
      contacts: rows.length,
      expired: gone.length,
    };
  }

  deleteExpired(table: ByteStr, sec: number): Awaitable<number> {
    const { database, format, serverId } = this.#o;
    const where = this.#expiredAt(sec);
    if (serverId !== undefined) where.push({ column: format.names.server_id, value: serverId });
    return database.delete(table, where);
  }

  deleteRuids(table: ByteStr, ruids: readonly ByteStr[], db: DbCalls = this.#o.database): Awaitable<void> {
    return inTurn(ruids, ruid =>
      after(db.delete(table, [{ column: this.#o.format.names.ruid, value: ruid }]), () =>
        this.#deleteAttributes(db, table, ruid),
      ),
    );
  }

  /** Attributes of contacts, by ruid. */
  attributes(table: ByteStr, ruid?: ByteStr): Awaitable<Map<ByteStr, DbRow[]>> {
    if (!this.#o.attributes) return new Map();
    const where = ruid === undefined ? [] : [{ column: 'ruid', value: ruid }];
    return after(this.#o.database.select(`${table}_attrs`, ['ruid', 'aname', 'atype', 'avalue'], where), rows => {
      const out = new Map<ByteStr, DbRow[]>();
      for (const row of rows) {
        const list = out.get(String(row.ruid));
        if (list) list.push(row);
        else out.set(String(row.ruid), [row]);
      }
      return out;
    });
  }

  /** Writes take effect together. @throws DbError, or a promise rejected with it */
  write(table: ByteStr, aor: ByteStr, writes: readonly Write[]): Awaitable<void> {
    const [only] = writes;
    if (!only) return;
    if (writes.length === 1 && !this.#o.attributes) return this.#write(this.#o.database, table, aor, only);
    return this.#o.database.transaction(tx => inTurn(writes, w => this.#write(tx, table, aor, w)));
  }

  /** Inserts or replaces contacts, and takes others away, together. */
  sync(table: ByteStr, contacts: readonly Contact[], gone: readonly ByteStr[]): Awaitable<void> {
    const { database, format } = this.#o;
    return database.transaction(tx =>
      after(this.deleteRuids(table, gone, tx), () =>
        inTurn(contacts, c =>
          after(tx.replace(table, rowOf(format, c.record.aor, c.ruid, c), [format.names.ruid]), () =>
            this.#replaceAttributes(tx, table, c.record.aor, c, c),
          ),
        ),
      ),
    );
  }

  #write(db: DbCalls, table: ByteStr, aor: ByteStr, w: Write): Awaitable<void> {
    const { format, insertUpdates, updateInserts, checkUpdate } = this.#o;
    const { contact } = w;
    if (w.do === 'insert') {
      const row = rowOf(format, aor, contact.ruid, contact);
      const done = insertUpdates ? db.replace(table, row, [format.names.ruid]) : db.insert(table, row);
      return after(done, () => this.#insertAttributes(db, table, aor, contact, contact));
    }
    if (w.do === 'delete')
      return after(db.delete(table, this.#contactIs(aor, contact)), () =>
        this.#deleteAttributes(db, table, contact.ruid),
      );
    const row = rowOf(format, aor, contact.ruid, w.binding);
    // it was in memory only, and shall be stored from now on
    if (contact.flags & FL_MEM)
      return after(db.replace(table, row, [format.names.ruid]), () =>
        this.#replaceAttributes(db, table, aor, contact, w.binding),
      );
    if (updateInserts)
      return after(db.insert(table, row), () => this.#replaceAttributes(db, table, aor, contact, w.binding));
    return after(db.update(table, valuesOf(format, w.binding), this.#contactIs(aor, contact)), changed =>
      after(changed === 0 && checkUpdate ? db.insert(table, row) : undefined, () =>
        this.#replaceAttributes(db, table, aor, contact, w.binding),
      ),
    );
  }

  #deleteAttributes(db: DbCalls, table: ByteStr, ruid: ByteStr): Awaitable<void> {
    if (!this.#o.attributes) return;
    return after(db.delete(`${table}_attrs`, [{ column: 'ruid', value: ruid }]), () => {});
  }

  #insertAttributes(db: DbCalls, table: ByteStr, aor: ByteStr, contact: Contact, { xavp }: Binding): Awaitable<void> {
    if (!this.#o.attributes || !xavp) return;
    const rows = attributeRows(this.#o.format, aor, contact, xavp);
    return inTurn(rows, row => db.insert(`${table}_attrs`, row));
  }

  #replaceAttributes(db: DbCalls, table: ByteStr, aor: ByteStr, contact: Contact, binding: Binding): Awaitable<void> {
    return after(this.#deleteAttributes(db, table, contact.ruid), () =>
      this.#insertAttributes(db, table, aor, contact, binding),
    );
  }

  #time(sec: number): DbCondition['value'] {
    return timeValue(this.#o.format, sec);
  }

  #expiredAt(sec: number): DbCondition[] {
    const column = this.#o.format.names.expires;
    return [
      { column, op: '<=', value: this.#time(sec) },
      { column, op: '!=', value: this.#time(0) },
    ];
  }

  #aorIs(aor: ByteStr): DbCondition[] {
    const { names, useDomain } = this.#o.format;
    const [user, domain] = splitAor(aor, useDomain);
    const out: DbCondition[] = [{ column: names.username, value: user }];
    if (useDomain) out.push({ column: names.domain, value: domain });
    return out;
  }

  /** the row as it is stored now */
  #contactIs(aor: ByteStr, contact: Contact): DbCondition[] {
    const { names } = this.#o.format;
    if (this.#o.byRuid) return [{ column: names.ruid, value: contact.ruid }];
    return [
      ...this.#aorIs(aor),
      { column: names.contact, value: contact.uri },
      { column: names.callid, value: contact.callId },
    ];
  }
}
