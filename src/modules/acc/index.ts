/** KSR.acc: accounting of transactions, into the log and into a database. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { KemiError } from '../../errors.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { type Call, defineModule, exportsOf, type ModParam, type ModParamValues } from '../../kemi/table.ts';
import { answerTag, type ReplyEvent, type TmApi } from '../tm/api.ts';
import { Acc, type Event, parseComment, parseExtra, type Settings } from './acc.ts';

const kemi = exportsOf<Acc>();

function record(call: Call<Acc>, comment: ByteStr): Event | undefined {
  const parsed = parseComment(comment);
  if (parsed) return { request: call.msg, ...parsed, toTag: call.msg.to?.tag ?? '' };
  call.host.log.error({}, 'Cannot account a request: the comment is empty');
  return undefined;
}

function logRequest(call: Call<Acc>, comment: ByteStr): number {
  const event = record(call, comment);
  if (!event) return -1;
  call.state.log('request accounted', event);
  return 1;
}

function dbRequest(call: Call<Acc>, comment: ByteStr, table: ByteStr): number | Promise<number> {
  const event = record(call, comment);
  if (!event || table === '') return -1;
  const stored = call.state.store(table, event);
  return stored instanceof Promise ? stored.then(ok => (ok ? 1 : -1)) : stored ? 1 : -1;
}

const FIRST_FINAL = 200;
const FIRST_NEGATIVE = 300;

/** An answer, as records tell of it: its parts are read when a record is written. */
class Told implements Event {
  readonly request: SipMsg;
  readonly #event: ReplyEvent;

  constructor(request: SipMsg, event: ReplyEvent) {
    this.request = request;
    this.#event = event;
  }

  get code(): ByteStr {
    return String(this.#event.code);
  }

  get reason(): ByteStr {
    return this.#event.reason;
  }

  get toTag(): ByteStr {
    return this.#event.reply?.to?.tag ?? answerTag(this.request);
  }
}

/** Listens to the transactions. */
function attach(acc: Acc, host: ModuleHost, tm: TmApi): void {
  const { x } = host.core;
  const { flags } = acc;
  if (flags) {
    // Values are read from the request, whatever is being routed.
    const about = (event: ReplyEvent, fn: (told: Event, event: ReplyEvent) => void) => {
      const { request } = event;
      if (!request) return;
      const before: number = x.currentMsg();
      x.setMsg(request.at);
      try {
        fn(new Told(request, event), event);
      } finally {
        x.setMsg(before);
      }
    };
    const missed = (told: Event) => acc.missed(told);
    const answered = (told: Event, event: ReplyEvent) => {
      if (event.code >= FIRST_NEGATIVE) acc.missed(told);
      acc.answered(told, event.code, (event.reply?.contentLength ?? 0) > 0);
    };
    tm.on('failure', event => about(event, missed), { flags });
    const from = acc.settings.earlyMedia ? 0 : FIRST_FINAL;
    tm.on('response-out', event => about(event, answered), { flags, from });
  }
  if (acc.settings.reportAck)
    tm.on('e2e-ack', ({ tx, request }) => {
      const told = { request, code: String(tx.status), reason: '', toTag: request.to?.tag ?? '' };
      acc.acknowledged(told, request.u32(L.M_SFLAGS) | tx.flags);
    });
}

/** A column of the tables acc and missed_calls. */
const column = (name: string): ModParam => ({
  type: 'str',
  default: name,
  doc: `column of the tables, default ${name}`,
});
/** A message flag, 0..31; not set: never. */
const flag = (doc: string): ModParam => ({ type: 'int', min: 0, max: 31, doc });
const bool = (doc: string): ModParam => ({ type: 'int', default: 0, min: 0, max: 1, doc });

const COLUMNS = {
  acc_method_column: 'method',
  acc_from_tag_column: 'from_tag',
  acc_to_tag_column: 'to_tag',
  acc_callid_column: 'callid',
  acc_sip_code_column: 'sip_code',
  acc_sip_reason_column: 'sip_reason',
  acc_time_column: 'time',
} as const;

function settings(params: ModParamValues): Settings {
  const mask = (name: string) => (params[name] === undefined ? 0 : (1 << Number(params[name])) >>> 0);
  const extras = (name: string) => (params[name] ? parseExtra(name, String(params[name])) : []);
  const filter = String(params.failed_filter ?? '')
    .split(',')
    .filter(code => code.trim() !== '');
  for (const code of filter)
    if (!/^\s*[3-6]\d\d\s*$/.test(code))
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot use modparam acc.failed_filter: "${code}" is no code from 300 to 699`,
      );
  for (const name of ['cdr_enable', 'detect_direction', 'reason_from_hf'])
    if (Number(params[name] ?? 0) !== 0)
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot use modparam acc.${name}: it is not available in this version; set it to 0`,
      );
  const text = (name: keyof typeof COLUMNS) => String(params[name]);
  return {
    earlyMedia: params.early_media === 1,
    reportAck: params.report_ack === 1,
    reportCancels: params.report_cancels === 1,
    failedFlag: mask('failed_transaction_flag'),
    logFlag: mask('log_flag'),
    logMissedFlag: mask('log_missed_flag'),
    dbFlag: mask('db_flag'),
    dbMissedFlag: mask('db_missed_flag'),
    failedFilter: new Set(filter.map(Number)),
    logLevel: Number(params.log_level),
    logExtra: extras('log_extra'),
    dbExtra: extras('db_extra'),
    legs: extras('multi_leg_info'),
    dbUrl: params.db_url ? String(params.db_url) : undefined,
    tableAcc: String(params.db_table_acc),
    tableMissed: String(params.db_table_missed_calls),
    columns: {
      method: text('acc_method_column'),
      fromTag: text('acc_from_tag_column'),
      toTag: text('acc_to_tag_column'),
      callId: text('acc_callid_column'),
      code: text('acc_sip_code_column'),
      reason: text('acc_sip_reason_column'),
      time: text('acc_time_column'),
    },
    timeMode: Number(params.time_mode),
    timeAttr: String(params.time_attr),
    timeExten: String(params.time_exten),
    timeFormat: String(params.time_format),
  };
}

export default defineModule<Acc>({
  name: 'acc',
  shares: true,
  modparams: {
    early_media: bool('1: provisional answers with a body are accounted, too'),
    failed_transaction_flag: flag('message flag: account the transaction when it fails (300 and above)'),
    failed_filter: { type: 'str', doc: 'codes, comma-separated, for which failed transactions are not accounted' },
    report_ack: bool('1: the ACK to a 2xx is accounted, too'),
    report_cancels: bool('1: CANCELs are accounted, too'),
    detect_direction: bool('only 0 is available'),
    multi_leg_info: {
      type: 'str',
      doc: 'name=$avp(x);... of the legs of a call: one more set of values for each value',
    },
    log_level: { type: 'int', default: 1, min: -3, max: 3, doc: 'level of the lines, Kamailio numbers: 1 is notice' },
    log_facility: { type: 'str', doc: 'taken and ignored: there is one log' },
    log_flag: flag('message flag: account the transaction in the log'),
    log_missed_flag: flag('message flag: account a failed call in the log; taken away when that was done'),
    log_extra: { type: 'str', doc: 'name=$pv;name=$pv: more values of a line' },
    db_flag: flag('message flag: account the transaction in the database'),
    db_missed_flag: flag('message flag: account a failed call in the database; taken away when that was done'),
    db_table_acc: { type: 'str', default: 'acc', doc: 'table of transactions' },
    db_table_missed_calls: { type: 'str', default: 'missed_calls', doc: 'table of failed calls' },
    db_url: { type: 'str', doc: 'database; without one nothing is stored' },
    db_extra: { type: 'str', doc: 'column=$pv;column=$pv: more columns of a row' },
    db_insert_mode: { type: 'int', default: 0, min: 0, max: 2, doc: 'taken and ignored: rows are written at once' },
    acc_method_column: column(COLUMNS.acc_method_column),
    acc_from_tag_column: column(COLUMNS.acc_from_tag_column),
    acc_to_tag_column: column(COLUMNS.acc_to_tag_column),
    acc_callid_column: column(COLUMNS.acc_callid_column),
    acc_sip_code_column: column(COLUMNS.acc_sip_code_column),
    acc_sip_reason_column: column(COLUMNS.acc_sip_reason_column),
    acc_time_column: column(COLUMNS.acc_time_column),
    time_mode: {
      type: 'int',
      default: 0,
      min: 0,
      max: 4,
      doc: 'more columns for the time: 1 seconds and microseconds, 2 seconds with a fraction, 3 local time as text, 4 UTC as text',
    },
    time_attr: { type: 'str', default: 'time_attr', doc: 'column of time_mode 1 to 4' },
    time_exten: { type: 'str', default: 'time_exten', doc: 'column of the microseconds of time_mode 1' },
    time_format: { type: 'str', default: '%Y-%m-%d %H:%M:%S', doc: 'strftime format of time_mode 3 and 4' },
    reason_from_hf: bool('only 0 is available'),
    acc_prepare_always: bool('taken and ignored: flags are looked at when a transaction ends'),
    acc_prepare_flag: flag('taken and ignored: flags are looked at when a transaction ends'),
    clone_msg: { type: 'int', default: 1, min: 0, max: 1, doc: 'taken and ignored' },
    acc_extra_nullable: bool('taken and ignored: an extra without a value is empty text'),
    cdr_enable: bool('only 0 is available: it needs module dialog'),
  },
  create: (host, params) => {
    const acc = new Acc(host, settings(params));
    if (acc.settings.dbFlag || acc.settings.dbMissedFlag) {
      if (acc.settings.dbUrl === undefined)
        throw new KemiError(
          'KEMI_ERR_CONFIG',
          'Cannot use modparam acc.db_flag: set acc.db_url, too, or start with --db FILE',
        );
      // A database that does not open stops the start, not the first call.
      host.database(acc.settings.dbUrl);
    }
    const tm = host.module<TmApi>('tm');
    if (tm) attach(acc, host, tm);
    return acc;
  },
  functions: [
    /**
     * KSR.acc.acc_log_request(comment): write an accounting line for the request at hand.
     * @param comment "404 Not Found": code and reason; without three digits in front all of it is the reason
     * @returns 1 written; -1 the comment is empty
     * Kamailio 6.x manual, module acc, acc_log_request; deviations: none
     */
    kemi('acc_log_request', { params: ['str'], returns: 'int', run: logRequest }),
    /**
     * KSR.acc.acc_db_request(comment, table): store an accounting row for the request at hand.
     * @param comment as for acc_log_request()
     * @param table name of a table with the columns of table acc
     * @returns 1 stored; -1 no db_url, an empty comment or table, or it could not be stored (the log has the row then)
     * Kamailio 6.x manual, module acc, acc_db_request; deviations: without db_url -1, where Kamailio crashes
     */
    kemi('acc_db_request', { params: ['str', 'str'], returns: 'int', async: true, run: dbRequest }),
    /**
     * KSR.acc.acc_request(comment, table): acc_log_request(), and acc_db_request() where there is a database.
     * @param comment as for acc_log_request()
     * @param table as for acc_db_request()
     * @returns 1 done; -1 as the two
     * Kamailio 6.x manual, module acc, acc_request; deviations: without db_url only the line is written
     */
    kemi('acc_request', {
      params: ['str', 'str'],
      returns: 'int',
      async: true,
      run: (call: Call<Acc>, comment, table) => {
        const logged = logRequest(call, comment);
        return logged < 0 || call.state.settings.dbUrl === undefined ? logged : dbRequest(call, comment, table);
      },
    }),
  ],
});
