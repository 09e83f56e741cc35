/** What the database does not know yet: contacts that changed (db_mode 2), and such that were removed and are still there (db_mode 1 and 2). */
import type { ByteStr } from '../../core/memory.ts';
import type { Awaitable } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { attempt } from './attempt.ts';
import { type Contact, CS_DIRTY, CS_GONE, CS_NEW, CS_SYNC, FL_MEM } from './contact.ts';
import type { Store } from './store.ts';
import type { Table } from './table.ts';

/** contacts and removals that one transaction takes: others wait that long */
const CHUNK = 200;

export class WriteBack {
  readonly #host: ModuleHost;
  readonly #store: Store;
  readonly #failed: (error: unknown, text: string) => void;
  readonly #dirty = new Map<Contact, Table>();
  readonly #gone = new Map<ByteStr, Table>();
  #flushing: Promise<void> | undefined;

  constructor(host: ModuleHost, store: Store, failed: (error: unknown, text: string) => void) {
    this.#host = host;
    this.#store = store;
    this.#failed = failed;
  }

  /** contacts and removals that wait */
  get size(): number {
    return this.#gone.size + this.#dirty.size;
  }

  /** A contact is new, or was changed. */
  changed(table: Table, contact: Contact): void {
    if (contact.flags & FL_MEM) return;
    if (contact.state === CS_SYNC) contact.state = CS_DIRTY;
    this.#dirty.set(contact, table);
  }

  /** A contact was removed that the database may know. @param state what it was before */
  removed(table: Table, contact: Contact, state: number): void {
    const waiting = this.#dirty.delete(contact);
    if (contact.flags & FL_MEM || (state === CS_NEW && waiting)) return;
    this.#gone.set(contact.ruid, table);
  }

  /** @param all in one go; else other work comes between the transactions */
  flush(all: boolean): Awaitable<void> {
    if (this.#flushing) return all ? this.#flushing.then(() => this.flush(true)) : undefined;
    if (this.size === 0) return;
    const done = this.#flushChunk(all);
    if (!(done instanceof Promise)) return;
    this.#flushing = done.finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  #flushChunk(all: boolean): Awaitable<void> {
    const gone = [...take(this.#gone, CHUNK)];
    const table = gone[0]?.[1] ?? this.#dirty.values().next().value;
    if (!table) return;
    const ruids = gone.filter(([, t]) => t === table).map(([ruid]) => ruid);
    const taken = [...take(this.#dirty, CHUNK - ruids.length)].filter(([, t]) => t === table).map(([c]) => c);
    for (const ruid of ruids) this.#gone.delete(ruid);
    for (const contact of taken) this.#dirty.delete(contact);
    // removed from memory only (flag 1 of save)
    const contacts = taken.filter(c => c.state !== CS_GONE);
    return attempt(
      () => this.#store.sync(table.name, contacts, ruids),
      () => {
        for (const c of contacts) if (c.state !== CS_GONE) c.state = this.#dirty.has(c) ? CS_DIRTY : CS_SYNC;
        if (this.size === 0) return;
        if (all) return this.#flushChunk(true);
        this.#host.after(0, () => void this.flush(false));
      },
      error => {
        this.#failed(error, `Cannot write contacts of table ${table.name}; they are kept for the next time`);
        for (const ruid of ruids) this.#gone.set(ruid, table);
        for (const c of contacts) if (c.state !== CS_GONE) this.#dirty.set(c, table);
      },
    );
  }
}

function* take<K, V>(from: ReadonlyMap<K, V>, most: number): Generator<[K, V]> {
  if (most <= 0) return;
  let left = most;
  for (const entry of from) {
    yield entry;
    if (--left === 0) return;
  }
}
