/** modparams of registrar, and what they come to. */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { ModParam, ModParamValues } from '../../kemi/table.ts';
import { Q_NONE } from '../usrloc/api.ts';

export const PATH_OFF = 0;
export const PATH_LAZY = 1;
export const PATH_STRICT = 2;
export const OUTBOUND_OFF = 0;
export const OUTBOUND_ON = 1;
export const OUTBOUND_REQUIRED = 2;

const flag = (on: number, doc: string): ModParam => ({ type: 'int', default: on, min: 0, max: 1, doc });
const count = (value: number, doc: string, max = 0x7fffffff): ModParam => ({
  type: 'int',
  default: value,
  min: 0,
  max,
  doc,
});
const text = (value: string, doc: string): ModParam => ({ type: 'str', default: value, doc });

export const REGISTRAR_PARAMS: Readonly<Record<string, ModParam>> = {
  default_expires: count(3600, 'seconds of a contact that says none; not below min_expires'),
  default_expires_range: count(0, 'percent: default_expires is shortened by a random part of it, up to that much', 100),
  expires_range: count(0, 'percent: the same for seconds that a REGISTER asks for', 100),
  min_expires: count(60, 'fewest seconds of a contact, 0 any'),
  min_expires_mode: flag(0, 'fewer seconds are 0 raised to min_expires; 1 answered with 423'),
  max_expires: count(0, 'most seconds of a contact, 0 any; more are cut'),
  default_q: {
    type: 'int',
    default: 0,
    min: -1,
    max: 1000,
    doc: 'q of a contact that says none, times 1000; 0 and -1 leave it without one',
  },
  realm_prefix: text('', 'prefix that is taken off domains'),
  append_branches: flag(1, '1: lookup() makes branches of all contacts but the best; 0: it takes only that one'),
  case_sensitive: flag(0, 'whether users of different case are different'),
  received_avp: text('', '$avp(name) with the URI that the REGISTER really came from; as in nathelper'),
  received_param: text('received', 'parameter of the Contact in replies that shows it, empty for none'),
  max_contacts: count(0, 'most contacts of one address of record, 0 any; more are answered with 503'),
  retry_after: count(0, 'seconds of the Retry-After header in 5xx replies, 0 none'),
  sock_flag: {
    type: 'int',
    default: -1,
    min: -1,
    max: 31,
    doc: 'message flag: take the socket from the header sock_hdr_name; -1 never',
  },
  sock_hdr_name: text('', 'header with the socket, proto:address:port'),
  sock_mode: flag(0, 'which address is stored: 0 the one that is listened on, 1 the advertised one'),
  method_filtering: flag(0, '1: lookup() leaves out contacts that do not allow the method of an initial request'),
  use_path: flag(0, 'whether Path headers are kept and used (RFC 3327)'),
  path_mode: count(
    PATH_STRICT,
    'Path in the reply: 0 never; 1 when the phone supports path; 2 as 1, and refused with 420 when it does not',
    PATH_STRICT,
  ),
  path_use_received: flag(0, '1: the received parameter of the first Path is where the REGISTER came from'),
  path_check_local: flag(0, '1: lookup() passes over a first hop of the path that is ourselves'),
  reg_callid_avp: text('', '$avp(name): registered() looks for a contact with this Call-ID only'),
  xavp_cfg: text(
    '',
    'xavp with settings of one call: match_callid match_contact match_received rlf_bflags q expires max_contacts socket',
  ),
  xavp_rcd: text('', 'xavp that lookup() and registered() fill: ruid contact expires received path'),
  xavp_rcd_mask: count(0, 'what xavp_rcd leaves out: 1 ruid, 2 contact, 4 expires, 8 received, 16 path', 31),
  gruu_enabled: flag(1, 'whether contacts with an instance get pub-gruu and temp-gruu (RFC 5627)'),
  outbound_mode: count(OUTBOUND_OFF, 'RFC 5626: 0 not supported; 1 supported; 2 required', OUTBOUND_REQUIRED),
  regid_mode: flag(0, 'taken and not used: reg-id is kept whenever an instance comes with it, as Kamailio does'),
  flow_timer: count(0, 'seconds of the Flow-Timer header in replies, 0 none; needs outbound_mode'),
  contact_max_size: count(512, 'longest URI of a contact, bytes'),
  event_callback: text(
    '',
    'script function that is called with "usrloc:contact-expired"; $ulc(exp=>...) has the contact',
  ),
  lookup_filter_mode: flag(
    0,
    '1: only contacts with a branch flag of rlf_bflags. 2, only contacts whose connection is open, is not available',
  ),
  use_expired_contacts: flag(0, '1: contacts are used until the timer removes them'),
};

export interface Settings {
  readonly defaultExpiresSec: number;
  readonly defaultExpiresRange: number;
  readonly expiresRange: number;
  readonly minExpiresSec: number;
  readonly refuseBrief: boolean;
  readonly maxExpiresSec: number;
  readonly defaultQ: number;
  readonly realmPrefix: ByteStr;
  readonly appendBranches: boolean;
  readonly caseSensitive: boolean;
  readonly receivedAvp: ByteStr;
  readonly receivedParam: ByteStr;
  readonly maxContacts: number;
  readonly retryAfterSec: number;
  /** mask, 0 none */
  readonly sockFlag: number;
  readonly sockHeader: ByteStr;
  readonly advertised: boolean;
  readonly methodFiltering: boolean;
  readonly usePath: boolean;
  readonly pathMode: number;
  readonly pathUseReceived: boolean;
  readonly pathCheckLocal: boolean;
  readonly regCallidAvp: ByteStr;
  readonly xavpCfg: ByteStr;
  readonly xavpRcd: ByteStr;
  readonly xavpRcdMask: number;
  readonly gruu: boolean;
  readonly outboundMode: number;
  readonly flowTimerSec: number;
  readonly contactMaxSize: number;
  readonly eventCallback: ByteStr;
  /** lookup() by branch flags */
  readonly flagFilter: boolean;
  readonly useExpired: boolean;
}

/** @throws KemiError KEMI_ERR_CONFIG for modparams that do not go together */
export function settingsOf(p: ModParamValues): Settings {
  const on = (name: string) => p[name] !== 0;
  const number = (name: string) => Number(p[name]);
  const str = (name: string): ByteStr => String(p[name] ?? '');
  for (const name of ['received_avp', 'reg_callid_avp'])
    if (str(name) && !/^\$avp\(.+\)$/.test(str(name)))
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot set modparam registrar.${name} to "${str(name)}": it is no $avp(name)`,
      );
  if (number('flow_timer') > 0 && number('outbound_mode') === OUTBOUND_OFF)
    throw new KemiError('KEMI_ERR_CONFIG', 'Cannot set modparam registrar.flow_timer: outbound_mode is 0');
  const q = number('default_q');
  const bit = number('sock_flag');
  return {
    defaultExpiresSec: Math.max(number('default_expires'), number('min_expires')),
    defaultExpiresRange: number('default_expires_range'),
    expiresRange: number('expires_range'),
    minExpiresSec: number('min_expires'),
    refuseBrief: on('min_expires_mode'),
    maxExpiresSec: number('max_expires'),
    defaultQ: q <= 0 ? Q_NONE : q,
    realmPrefix: str('realm_prefix').toLowerCase(),
    appendBranches: on('append_branches'),
    caseSensitive: on('case_sensitive'),
    receivedAvp: str('received_avp'),
    receivedParam: str('received_param'),
    maxContacts: number('max_contacts'),
    retryAfterSec: number('retry_after'),
    sockFlag: bit < 0 ? 0 : (1 << bit) >>> 0,
    sockHeader: str('sock_hdr_name'),
    advertised: on('sock_mode'),
    methodFiltering: on('method_filtering'),
    usePath: on('use_path'),
    pathMode: number('path_mode'),
    pathUseReceived: on('path_use_received'),
    pathCheckLocal: on('path_check_local'),
    regCallidAvp: str('reg_callid_avp'),
    xavpCfg: str('xavp_cfg'),
    xavpRcd: str('xavp_rcd'),
    xavpRcdMask: number('xavp_rcd_mask'),
    gruu: on('gruu_enabled'),
    outboundMode: number('outbound_mode'),
    flowTimerSec: number('flow_timer'),
    contactMaxSize: number('contact_max_size'),
    eventCallback: str('event_callback'),
    flagFilter: on('lookup_filter_mode'),
    useExpired: on('use_expired_contacts'),
  };
}
