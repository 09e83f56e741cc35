/** modparams of usrloc, and what they come to. */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { ModParam, ModParamValues } from '../../kemi/table.ts';
import { socketOf } from '../pv/api.ts';
import { COLUMNS, type Column, type ColumnNames, type RowFormat } from './rows.ts';
import { Store } from './store.ts';

export interface Settings {
  readonly natFlag: number;
  readonly useDomain: boolean;
  readonly xavpContact: ByteStr;
  readonly cseqDelay: number;
  readonly dbMode: number;
  readonly matchingMode: number;
  /** contacts by time, newest first; else by q */
  readonly newestFirst: boolean;
  readonly timerSec: number;
  /** slots of Kamailio's hash table: only for $ulc(x=>aorhash) and the order of ul.dump */
  readonly slots: number;
  readonly preload: readonly ByteStr[];
  readonly load: boolean;
  readonly skipRemoteSocket: boolean;
  readonly cleanTcp: boolean;
  readonly timerClean: boolean;
  readonly expiredDelaySec: number;
  readonly handleLostTcp: boolean;
  readonly rowFormat: RowFormat;
}

/** Names of the columns; the one for last_modified has no modparam, as in Kamailio. */
const RENAMED: Readonly<Partial<Record<Column, string>>> = { username: 'user_column' };
const columnParam = (column: Column): string => RENAMED[column] ?? `${column}_column`;

const flag = (doc: string, on = 0): ModParam => ({ type: 'int', default: on, min: 0, max: 1, doc });
const unused = (type: 'int' | 'str', why: string): ModParam => ({ type, doc: `not used: ${why}` });

export const USRLOC_PARAMS: Readonly<Record<string, ModParam>> = {
  nat_bflag: { type: 'int', default: -1, min: -1, max: 31, doc: 'branch flag that marks contacts behind NAT; -1 none' },
  ...Object.fromEntries(
    COLUMNS.filter(c => c !== 'last_modified').map(c => [
      columnParam(c),
      { type: 'str', default: c, doc: `name of the column ${c}` } satisfies ModParam,
    ]),
  ),
  use_domain: flag('1: an address of record is user@domain, 0: the user alone'),
  desc_time_order: flag('1: contacts by time, the newest first; 0: by q'),
  timer_interval: {
    type: 'int',
    default: 60,
    min: 1,
    max: 86400,
    doc: 'seconds between two runs of the timer, which removes expired contacts and writes back',
  },
  db_url: { type: 'str', default: '', doc: 'database of the modes 1 to 4: sqlite:///path/to/file' },
  db_mode: {
    type: 'int',
    default: 0,
    withDb: 1,
    min: 0,
    max: 4,
    doc: '0 memory only (1 is the default with --db); 1 each change is stored before it is answered; 2 changes are stored by the timer and at the end; 3 database only; 4 read at start only',
  },
  db_load: flag('whether contacts are read when a table is opened', 1),
  db_insert_update: flag('1: an insert of a ruid that is there already updates it'),
  matching_mode: {
    type: 'int',
    default: 0,
    min: 0,
    max: 3,
    doc: 'how a Contact finds the stored one: 0 URI; 1 URI and Call-ID; 2 URI and Path; 3 Call-ID',
  },
  cseq_delay: {
    type: 'int',
    default: 20,
    min: 0,
    doc: 'seconds in which a REGISTER with the same Call-ID and CSeq is a retransmission; 0 never',
  },
  fetch_rows: unused('int', 'a table is read in one piece'),
  hash_size: {
    type: 'int',
    default: 10,
    min: 0,
    max: 30,
    doc: "2^n slots: the order of ul.dump; this module's own tables need no size",
  },
  preload: { type: 'str', repeat: true, doc: 'table that is opened at start; others when a script first uses them' },
  db_update_as_insert: flag('1: updates are written as inserts'),
  db_check_update: flag('1: an update that finds no row becomes an insert'),
  timer_procs: unused('int', 'one thread does all'),
  xavp_contact: { type: 'str', default: '', doc: 'xavp kept with each contact, in table <location>_attrs too' },
  db_ops_ruid: flag('rows are found by 1 ruid; 0 address of record, contact and Call-ID', 1),
  handle_lost_tcp: flag('1: contacts go with the connection that they registered over'),
  close_expired_tcp: { type: 'int', default: 0, max: 0, doc: 'must be 0: connections are not closed from here' },
  expires_type: flag('times in the table: 0 dates, 1 seconds since 1970'),
  db_raw_fetch_type: unused('int', 'one kind of query serves all'),
  db_insert_null: unused('int', 'columns without a value are always written'),
  skip_remote_socket: flag('1: rows whose socket is none of ours are not loaded'),
  db_timer_clean: flag('1: the timer removes expired rows of modes 1 and 2'),
  rm_expired_delay: {
    type: 'int',
    default: 0,
    min: 0,
    doc: 'seconds that rows are kept after they expired, in db_mode 3',
  },
  server_id_filter: flag('1: only rows of this server (server_id 0) are read and removed'),
  version_table: flag('whether the layout of a table is checked in table version', 1),
  ka_mode: { type: 'int', default: 0, max: 0, doc: 'must be 0: keepalives are sent by module nathelper' },
  ka_method: unused('str', 'ka_mode is 0'),
  ka_from: unused('str', 'ka_mode is 0'),
  ka_domain: unused('str', 'ka_mode is 0'),
  ka_filter: unused('int', 'ka_mode is 0'),
  ka_timeout: unused('int', 'ka_mode is 0'),
  ka_loglevel: unused('int', 'ka_mode is 0'),
  ka_logmsg: unused('str', 'ka_mode is 0'),
  load_rank: unused('int', 'there are no processes'),
  db_clean_tcp: flag('1: contacts over TCP, TLS and WebSocket are removed at start'),
};

export function settingsOf(host: ModuleHost, p: ModParamValues): Settings {
  const on = (name: string) => p[name] !== 0;
  const number = (name: string) => Number(p[name]);
  const bit = number('nat_bflag');
  const natFlag = bit < 0 ? 0 : (1 << bit) >>> 0;
  const names = { last_modified: 'last_modified' } as Record<Column, string>;
  for (const column of COLUMNS) if (column !== 'last_modified') names[column] = String(p[columnParam(column)]);
  const preload = p.preload;
  return {
    natFlag,
    useDomain: on('use_domain'),
    xavpContact: String(p.xavp_contact ?? ''),
    cseqDelay: number('cseq_delay'),
    dbMode: number('db_mode'),
    matchingMode: number('matching_mode'),
    newestFirst: on('desc_time_order'),
    timerSec: number('timer_interval'),
    slots: 2 ** number('hash_size'),
    preload: Array.isArray(preload) ? preload.map(String) : [],
    load: on('db_load'),
    skipRemoteSocket: on('skip_remote_socket'),
    cleanTcp: on('db_clean_tcp'),
    timerClean: on('db_timer_clean'),
    expiredDelaySec: number('rm_expired_delay'),
    handleLostTcp: on('handle_lost_tcp'),
    rowFormat: {
      names: names as ColumnNames,
      useDomain: on('use_domain'),
      numericTimes: on('expires_type'),
      natFlag,
      isOurSocket: socket => socketOf(host, socket) !== undefined,
    },
  };
}

/** The database behind the modes that have one. @throws KemiError KEMI_ERR_CONFIG when there is none */
export function storeOf(host: ModuleHost, p: ModParamValues, settings: Settings): Store | undefined {
  if (settings.dbMode === 0) return undefined;
  const url = String(p.db_url ?? '');
  if (!url)
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot use usrloc db_mode ${settings.dbMode}: modparam db_url is not set`);
  return new Store({
    database: host.database(url),
    format: settings.rowFormat,
    byRuid: p.db_ops_ruid !== 0,
    insertUpdates: p.db_insert_update !== 0,
    updateInserts: p.db_update_as_insert !== 0,
    checkUpdate: p.db_check_update !== 0,
    checkVersion: p.version_table !== 0,
    serverId: p.server_id_filter !== 0 ? 0 : undefined,
    attributes: settings.xavpContact !== '',
  });
}
