/** Rows of the table `location` (version 9) and of `location_attrs`, and the contacts they stand for. */
import type { ByteStr } from '../../core/memory.ts';
import type { DbRow, DbValue } from '../../kemi/db.ts';
import { scalarOf, XavpList } from '../pv/api.ts';
import { ALL_METHODS, type Binding, type Contact, Q_NONE } from './contact.ts';

/** Columns whose names are modparams: the name here is Kamailio's default. */
export const COLUMNS = [
  'username',
  'domain',
  'contact',
  'expires',
  'q',
  'callid',
  'cseq',
  'methods',
  'flags',
  'cflags',
  'user_agent',
  'received',
  'socket',
  'path',
  'ruid',
  'instance',
  'reg_id',
  'server_id',
  'connection_id',
  'keepalive',
  'partition',
  'last_modified',
] as const;
export type Column = (typeof COLUMNS)[number];
export type ColumnNames = Readonly<Record<Column, string>>;

/** A row as it was read: whose contact it is, and what it says. */
export interface Stored {
  readonly aor: ByteStr;
  readonly ruid: ByteStr;
  readonly binding: Binding;
}

export interface RowFormat {
  readonly names: ColumnNames;
  readonly useDomain: boolean;
  /** expires and last_modified are seconds, not dates */
  readonly numericTimes: boolean;
  readonly natFlag: number;
  /** whether a socket, proto:address:port, is one of ours */
  readonly isOurSocket: (socket: ByteStr) => boolean;
}

/** seconds since 1970 of what stands for them in the Julian day that Kamailio's SQLite driver writes */
const JULIAN_1970 = 2440587.5;
const JULIAN_MAX = 6_000_000;
const DAY_SEC = 86400;

export function dateText(sec: number): ByteStr {
  const text = new Date(Math.min(sec, 253402300799) * 1000).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

/** Seconds since 1970 of a date, a number of seconds, or a Julian day; 0 for anything else. */
export function secondsOf(value: DbValue | undefined): number {
  if (typeof value === 'number')
    return value > 2_000_000 && value < JULIAN_MAX && !Number.isInteger(value)
      ? Math.round((value - JULIAN_1970) * DAY_SEC)
      : Math.max(0, Math.trunc(value));
  if (typeof value !== 'string' || value.length < 19) return 0;
  const number = (at: number, length: number) => Number(value.slice(at, at + length));
  const ms = Date.UTC(number(0, 4), number(5, 2) - 1, number(8, 2), number(11, 2), number(14, 2), number(17, 2));
  return ms > 0 ? Math.floor(ms / 1000) : 0;
}

export function splitAor(aor: ByteStr, useDomain: boolean): [user: ByteStr, domain: ByteStr | null] {
  if (!useDomain) return [aor, null];
  const at = aor.lastIndexOf('@');
  return at < 0 ? [aor, ''] : [aor.slice(0, at), aor.slice(at + 1)];
}

/** a time as the table has it */
export const timeValue = (format: RowFormat, sec: number): DbValue => (format.numericTimes ? sec : dateText(sec));

/** What a contact's row says, without the columns that tell whose it is. */
export function valuesOf(format: RowFormat, b: Binding): DbRow {
  const { names: n } = format;
  return {
    [n.contact]: b.uri,
    [n.expires]: timeValue(format, b.expires),
    [n.q]: b.q === Q_NONE ? -1 : b.q / 1000,
    [n.callid]: b.callId,
    [n.cseq]: b.cseq,
    [n.methods]: b.methods === ALL_METHODS ? null : b.methods >>> 0,
    [n.flags]: b.flags,
    [n.cflags]: b.cflags,
    [n.user_agent]: b.userAgent,
    [n.received]: b.received ?? null,
    [n.socket]: b.socket ?? null,
    [n.path]: b.path ?? null,
    [n.instance]: b.instance ?? null,
    [n.reg_id]: b.regId,
    [n.server_id]: b.serverId,
    [n.connection_id]: b.connectionId || -1,
    [n.keepalive]: format.natFlag && b.cflags & format.natFlag ? 1 : 0,
    [n.last_modified]: timeValue(format, b.lastModified),
  };
}

export function rowOf(format: RowFormat, aor: ByteStr, ruid: ByteStr, binding: Binding): DbRow {
  const { names: n } = format;
  const [user, domain] = splitAor(aor, format.useDomain);
  return {
    [n.ruid]: ruid,
    [n.username]: user,
    [n.domain]: domain,
    [n.partition]: 0,
    ...valuesOf(format, binding),
  };
}

const text = (value: DbValue | undefined): ByteStr | undefined =>
  value === null || value === undefined || value === '' ? undefined : String(value);
const number = (value: DbValue | undefined, absent = 0): number =>
  value === null || value === undefined ? absent : Number(value) || 0;

export function storedOf(format: RowFormat, row: DbRow): Stored {
  const { names: n } = format;
  const user = text(row[n.username]) ?? '';
  const q = number(row[n.q], -1);
  const socket = text(row[n.socket]);
  return {
    aor: format.useDomain ? `${user}@${text(row[n.domain]) ?? ''}` : user,
    ruid: text(row[n.ruid]) ?? '',
    binding: {
      uri: text(row[n.contact]) ?? '',
      expires: secondsOf(row[n.expires]),
      q: q < 0 ? Q_NONE : Math.min(1000, Math.round(q * 1000)),
      callId: text(row[n.callid]) ?? '',
      cseq: number(row[n.cseq]),
      methods: number(row[n.methods], ALL_METHODS) | 0,
      flags: number(row[n.flags]) >>> 0,
      cflags: number(row[n.cflags]) >>> 0,
      userAgent: text(row[n.user_agent]) ?? '',
      received: text(row[n.received]),
      socket: socket !== undefined && format.isOurSocket(socket) ? socket : undefined,
      path: text(row[n.path]),
      instance: text(row[n.instance]),
      regId: number(row[n.reg_id]),
      serverId: number(row[n.server_id]),
      connectionId: Math.max(0, number(row[n.connection_id])),
      lastModified: secondsOf(row[n.last_modified]),
      xavp: undefined,
    },
  };
}

/** aname, atype, avalue of location_attrs; atype 0 text, 1 integer */
export function attributeRows(format: RowFormat, aor: ByteStr, contact: Contact, xavp: XavpList): DbRow[] {
  const [username, domain] = splitAor(aor, format.useDomain);
  const out: DbRow[] = [];
  for (const { name, value } of xavp.items) {
    const scalar = value instanceof XavpList ? null : scalarOf(value);
    if (scalar === null) continue;
    out.push({
      ruid: contact.ruid,
      username,
      domain,
      aname: name,
      atype: typeof scalar === 'number' ? 1 : 0,
      avalue: String(scalar),
      last_modified: timeValue(format, contact.lastModified),
    });
  }
  return out;
}

/** Attributes read back: newest first, as they were. */
export function xavpOf(rows: readonly DbRow[]): XavpList {
  const list = new XavpList();
  for (const row of rows) {
    const value = row.avalue ?? '';
    list.append(String(row.aname ?? ''), row.atype === 1 ? Number(value) : String(value));
  }
  return list;
}
