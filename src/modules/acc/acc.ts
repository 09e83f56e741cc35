/** Accounting records: what is written when a transaction ends, into the log and into the database. No I/O of its own. */

import * as L from '../../core/gen/layout.gen.ts';
import { writes } from '../../core/log.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { clockOf, strftime } from '../../core/strftime.ts';
import { KemiError } from '../../errors.ts';
import type { Awaitable, DbCalls, DbRow, DbValue } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';

/** Columns of the database, in the order of a log line. */
export interface Columns {
  readonly method: string;
  readonly fromTag: string;
  readonly toTag: string;
  readonly callId: string;
  readonly code: string;
  readonly reason: string;
  readonly time: string;
}

export interface Settings {
  readonly earlyMedia: boolean;
  readonly reportAck: boolean;
  readonly reportCancels: boolean;
  /** bit masks of message flags, 0 not set */
  readonly failedFlag: number;
  readonly logFlag: number;
  readonly logMissedFlag: number;
  readonly dbFlag: number;
  readonly dbMissedFlag: number;
  /** codes that failed transactions are not accounted for */
  readonly failedFilter: ReadonlySet<number>;
  readonly logLevel: number;
  readonly logExtra: readonly Extra[];
  readonly dbExtra: readonly Extra[];
  readonly legs: readonly Extra[];
  readonly dbUrl: string | undefined;
  readonly tableAcc: string;
  readonly tableMissed: string;
  readonly columns: Columns;
  readonly timeMode: number;
  readonly timeAttr: string;
  readonly timeExten: string;
  readonly timeFormat: string;
}

/** `name=$pv` of log_extra and its like. */
export interface Extra {
  readonly name: string;
  readonly pv: ByteStr;
}

/** What one record says. The request it is about is the current message. */
export interface Event {
  readonly request: SipMsg;
  /** three digits; '' for a comment without a code */
  readonly code: ByteStr;
  readonly reason: ByteStr;
  /** of the answer; the request's own when it has one */
  readonly toTag: ByteStr;
}

/** legs of one record at most: an AVP with more values is cut off */
const MAX_LEGS = 64;

/**
 * Reads `name=$pv;name=$pv`.
 * @throws KemiError KEMI_ERR_CONFIG naming the parameter and what is wrong
 */
export function parseExtra(param: string, text: ByteStr): Extra[] {
  const wrong = (what: string) =>
    new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot use modparam acc.${param}: ${what}; write name=$pv;name=$pv, a name has letters, digits and _`,
    );
  const extras: Extra[] = [];
  for (const part of text.split(';')) {
    if (part.trim() === '') continue;
    const match = /^\s*([A-Za-z_]\w*)\s*=\s*(\$\S.*?)\s*$/s.exec(part);
    if (!match) throw wrong(`"${part.trim()}" is no name=$pv`);
    extras.push({ name: match[1]!, pv: match[2]! });
  }
  if (extras.length === 0) throw wrong('it is empty');
  return extras;
}

export class Acc {
  readonly settings: Settings;
  readonly #host: ModuleHost;
  /** all message flags that ask for a record */
  readonly flags: number;
  readonly #level: 'error' | 'warn' | 'info' | 'debug';

  constructor(host: ModuleHost, settings: Settings) {
    this.#host = host;
    this.settings = settings;
    this.#level = levelOf(settings.logLevel);
    this.flags = settings.logFlag | settings.logMissedFlag | settings.dbFlag | settings.dbMissedFlag;
    host.stats.define('acc', 'log_records');
    host.stats.define('acc', 'db_records');
    host.stats.define('acc', 'db_errors');
  }

  /**
   * A transaction ended (or, with early_media, rings with a body): accounted when a flag asks for it.
   * @param early whether the answer is provisional and carries a body
   */
  answered(event: Event, code: number, early: boolean): void {
    const { settings } = this;
    if (code < 200 && !(early && settings.earlyMedia)) return;
    const flags = event.request.u32(L.M_SFLAGS);
    if (!settings.reportCancels && event.request.methodId === L.METHOD_CANCEL) return;
    if (code >= 300 && (!(flags & settings.failedFlag) || settings.failedFilter.has(code))) return;
    if (flags & settings.logFlag) this.log('transaction answered', event);
    if (flags & settings.dbFlag) void this.store(settings.tableAcc, event);
  }

  /** A call failed before its failure route: accounted as missed when a flag asks for it; the flag is taken away. */
  missed(event: Event): void {
    const { settings } = this;
    const flags = event.request.u32(L.M_SFLAGS);
    if (event.request.methodId !== L.METHOD_INVITE) return;
    if (flags & settings.logMissedFlag) this.log('call missed', event);
    if (flags & settings.dbMissedFlag) void this.store(settings.tableMissed, event);
    event.request.setU32(L.M_SFLAGS, flags & ~(settings.logMissedFlag | settings.dbMissedFlag));
  }

  /** The ACK to a 2xx passed by. `event.request` is the ACK, `flags` are those of its INVITE. */
  acknowledged(event: Event, flags: number): void {
    const { settings } = this;
    if (!settings.reportAck) return;
    if (flags & settings.logFlag) this.log('request acknowledged', event);
    if (flags & settings.dbFlag) void this.store(settings.tableAcc, event);
  }

  /** Writes one line into the log, unless the log takes no lines of that level. */
  log(what: string, event: Event): void {
    if (!writes(this.#host.log, this.#level)) return;
    const { request } = event;
    let line = `timestamp=${Math.floor(this.#host.now() / 1000)};method=${request.method};from_tag=${request.from?.tag ?? ''};to_tag=${event.toTag};call_id=${request.callId ?? ''};code=${event.code};reason=${event.reason}`;
    for (const { name, pv } of this.settings.logExtra) line += `;${name}=${this.#text(pv)}`;
    for (const leg of this.#legs()) for (const [name, value] of leg) line += `;${name}=${value ?? ''}`;
    this.#host.stats.add('acc', 'log_records');
    this.#host.log[this.#level]({}, `ACC: ${what}: ${line}`);
  }

  /**
   * Writes one row for each leg, one when there are none.
   * @returns whether all of it was stored; what was not is in the log, so that no record is lost
   */
  store(table: string, event: Event): boolean | Promise<boolean> {
    const { dbUrl } = this.settings;
    const base = this.#row(event);
    const legs = this.#legs();
    const rows = legs.length ? legs.map(leg => ({ ...base, ...Object.fromEntries(leg) })) : [base];
    const failed = (error: unknown): boolean => {
      this.#host.stats.add('acc', 'db_errors');
      const why = error instanceof Error ? error.message : String(error);
      this.#host.log.error({ table, rows, why }, `Cannot store an accounting record in table ${table}: ${why}`);
      return false;
    };
    const stored = (): boolean => {
      this.#host.stats.add('acc', 'db_records', rows.length);
      return true;
    };
    if (dbUrl === undefined) return failed('modparam db_url is not set');
    try {
      const db = this.#host.database(dbUrl);
      const first = rows[0]!;
      const done = rows.length === 1 ? db.insert(table, first) : db.transaction(tx => insertAll(tx, table, rows));
      return done instanceof Promise ? done.then(stored, failed) : stored();
    } catch (error) {
      return failed(error);
    }
  }

  #row(event: Event): DbRow {
    const { columns, dbExtra, timeMode, timeAttr, timeExten, timeFormat } = this.settings;
    const { request } = event;
    const ms = this.#host.now();
    const row: Record<string, DbValue> = {
      [columns.method]: request.method,
      [columns.fromTag]: request.from?.tag ?? '',
      [columns.toTag]: event.toTag,
      [columns.callId]: request.callId ?? '',
      [columns.code]: event.code,
      [columns.reason]: event.reason,
      [columns.time]: strftime('%Y-%m-%d %H:%M:%S', clockOf(ms, true)),
    };
    if (timeMode === 1) {
      row[timeAttr] = Math.floor(ms / 1000);
      row[timeExten] = Math.floor((ms % 1000) * 1000);
    } else if (timeMode === 2) row[timeAttr] = Math.floor(ms) / 1000;
    else if (timeMode > 2) row[timeAttr] = strftime(timeFormat, clockOf(ms, timeMode === 4));
    for (const { name, pv } of dbExtra) row[name] = this.#text(pv);
    return row;
  }

  /** The values of the leg parameters by index, up to the first index at which none has a value. */
  #legs(): [name: string, value: ByteStr | null][][] {
    const { legs } = this.settings;
    const all: [string, ByteStr | null][][] = [];
    if (legs.length === 0) return all;
    while (all.length < MAX_LEGS) {
      const leg = legs.map(({ name, pv }): [string, ByteStr | null] => {
        const value = this.#host.pv(`$(${pv.slice(1)}[${all.length}])`)?.get() ?? null;
        return [name, value === null ? null : String(value)];
      });
      if (leg.every(([, value]) => value === null)) break;
      all.push(leg);
    }
    return all;
  }

  #text(pv: ByteStr): ByteStr {
    const value = this.#host.pv(pv)?.get() ?? null;
    return value === null ? '' : String(value);
  }
}

/** Kamailio's levels, as the log functions of scripts map them. */
function levelOf(kamailio: number): 'error' | 'warn' | 'info' | 'debug' {
  if (kamailio < 0) return 'error';
  if (kamailio === 0) return 'warn';
  return kamailio < 3 ? 'info' : 'debug';
}

/** Reads the comment of the acc functions: three digits in front are the code. @returns undefined for an empty one */
export function parseComment(comment: ByteStr): { code: ByteStr; reason: ByteStr } | undefined {
  if (comment === '') return undefined;
  const code = /^\d{3}/.exec(comment)?.[0] ?? '';
  return { code, reason: comment.slice(code.length).replace(/^ +/, '') };
}

/** At once where the database answers at once: a transaction that waits is open to others. */
function insertAll(tx: DbCalls, table: string, rows: readonly DbRow[], from = 0): Awaitable<void> {
  for (let i = from; i < rows.length; i++) {
    const done = tx.insert(table, rows[i]!);
    if (done instanceof Promise) return done.then(() => insertAll(tx, table, rows, i + 1));
  }
}
