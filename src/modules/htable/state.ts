/** What htable keeps for one runtime. */
import type { ByteStr } from '../../core/memory.ts';
import { eventRoute } from '../../kemi/event-route.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { Call, ModParamValues } from '../../kemi/table.ts';
import { type Definition, parseDefinition } from './definition.ts';
import { Iterators } from './iterator.ts';
import { Patterns } from './match.ts';
import { type ItemStore, MemoryStore } from './store.ts';
import { Table, type Value } from './table.ts';

export class HtableState {
  readonly tables = new Map<ByteStr, Table>();
  readonly iterators = new Iterators();
  readonly patterns = new Patterns();
  /** the item that an expired event is about */
  record: { key: ByteStr; value: Value } | undefined;
  readonly #host: ModuleHost;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(host: ModuleHost, params: ModParamValues) {
    this.#host = host;
    const max = Number(params.max_entries ?? 0);
    for (const text of (params.htable as ByteStr[] | undefined) ?? []) {
      const definition = parseDefinition(text);
      this.tables.set(definition.name, new Table(definition, storeOf(host, definition), () => host.now(), max));
    }
    if (params.db_url)
      host.log.warn({ dbUrl: params.db_url }, 'htable has no database in this version: db_url is not used');
    const callback = String(params.event_callback ?? '');
    // one worker tells of the start, and of what expired
    if ((host.shared?.worker ?? 0) !== 0) return;
    if (callback || host.native) host.after(0, () => this.#event(callback, 'htable:mod-init'));
    const intervalMs = Math.max(Number(params.timer_interval ?? 20), 1) * 1000;
    if ([...this.tables.values()].some(table => table.definition.autoExpireSec))
      host.every(intervalMs, () => this.#sweep(callback));
  }

  /** A table that cannot take more is said once a second, not once a message. */
  complainFull(table: Table): void {
    const now = this.#host.monotonic();
    if (now - this.#complainedMs < 1000) return;
    this.#complainedMs = now;
    this.#host.log.error(
      { table: table.name, items: table.size },
      `htable "${table.name}" is full: modparam max_entries`,
    );
  }

  #sweep(callback: ByteStr): void {
    for (const table of this.tables.values())
      for (const item of table.expire()) {
        if (!callback && !this.#host.native) continue;
        this.record = item;
        this.#event(callback, `htable:expired:${table.name}`);
        this.record = undefined;
      }
  }

  #event(callback: ByteStr, name: ByteStr): void {
    const route = eventRoute(this.#host, callback, name);
    if (route) this.#host.runRoute(route, name);
  }
}

/** most buckets of a shared table: they take memory of their own */
const MOST_BUCKETS = 65536;

function storeOf({ shared }: ModuleHost, { name, slots }: Definition): ItemStore {
  return shared ? shared.map(`htable ${name}`, Math.min(slots, MOST_BUCKETS)) : new MemoryStore();
}

/** The table of that name; logs when there is none. */
export function tableOf(call: Call<HtableState>, name: ByteStr): Table | undefined {
  const table = call.state.tables.get(name);
  if (!table) call.host.log.error({ table: name }, `Cannot find htable "${name}"`);
  return table;
}

/** Writes; logs when the table is full. */
export function write(call: Call<HtableState>, table: Table, key: ByteStr, value: Value, liveSec = 0): boolean {
  const done = table.set(key, value, liveSec);
  if (!done) call.state.complainFull(table);
  return done;
}
