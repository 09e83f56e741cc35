/** Answers to REGISTER: the list of contacts, what went wrong, and the headers of the extensions. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { qText } from '../../kemi/branches.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import { sendReply } from '../../kemi/reply.ts';
import { parseUri } from '../../kemi/uri.ts';
import { type Contact, isValid, Q_NONE, type UserRecord } from '../usrloc/api.ts';
import { hasOption } from './contacts.ts';
import { OUTBOUND_OFF, OUTBOUND_REQUIRED, PATH_LAZY } from './params.ts';
import type { RegistrarState } from './state.ts';

const REASONS: Readonly<Record<number, ByteStr>> = {
  200: 'OK',
  400: 'Bad Request',
  420: 'Bad Extension',
  421: 'Extension Required',
  423: 'Interval Too Brief',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
};

/** Code and text of each way in which a REGISTER fails. */
export const FAILURES = {
  contactParse: [400, 'Contact parse error'],
  starExpires: [400, '* used in contact and expires is not zero'],
  starMore: [400, '* used in contact and more than 1 contact'],
  expiresParse: [400, 'Expires parse error'],
  tooLong: [400, 'Contact/received too long'],
  aorParse: [400, 'Error while parsing AOR'],
  aorUnescape: [400, 'Error while unescaping username'],
  aorLong: [500, 'Address Of Record too long'],
  callIdLong: [400, 'Callid too long'],
  pathParse: [400, 'Path parse error'],
  pathLong: [400, 'Path too long'],
  pathUnsupported: [420, 'No support for found Path indicated'],
  outboundUnsupported: [420, 'No support for Outbound on server'],
  outboundRequired: [421, 'No support for Outbound indicated'],
  regId: [400, 'Invalid reg-id value'],
  q: [400, 'Invalid q param in contact'],
  brief: [423, 'Interval too brief'],
  cseq: [400, 'Invalid CSeq number'],
  full: [503, 'Too many registered contacts'],
  store: [500, 'Location table failure'],
} as const satisfies Record<string, readonly [number, string]>;
export type Failure = keyof typeof FAILURES;

/** What is to be answered; kept with the message for reg_send_reply(). */
export interface Answer {
  readonly code: number;
  /** header lines */
  readonly headers: ByteStr;
  /** the headers are with the message already */
  prepared: boolean;
}

const KEY = Symbol('registrar answer');
/** what a contact that never expires shows: the most that RFC 3261 20.10 allows */
const FOR_EVER_SEC = 0xffffffff;

/** `Contact: <uri>;expires=3600, ...`; '' when nobody is registered. */
function contactLine(state: RegistrarState, msg: SipMsg, record: UserRecord | undefined): ByteStr {
  if (!record) return '';
  const now = state.now();
  const { receivedParam, gruu } = state.settings;
  let gruus: ((contact: Contact) => ByteStr) | undefined;
  let line = '';
  for (const c of record.contacts) {
    if (!isValid(c, now)) continue;
    line += line === '' ? 'Contact: <' : ', <';
    line += c.uri;
    line += '>';
    if (c.q !== Q_NONE) line += `;q=${qText(c.q)}`;
    line += `;expires=${c.expires === 0 ? FOR_EVER_SEC : c.expires - now}`;
    if (c.received !== undefined && receivedParam) line += `;${receivedParam}="${c.received}"`;
    if (c.instance === undefined) continue;
    if (gruu && (gruus ??= gruuMaker(state, msg))) line += gruus(c);
    line += `;+sip.instance="${c.instance}"`;
    if (c.regId > 0) line += `;reg-id=${c.regId}`;
  }
  return line === '' ? '' : `${line}\r\n`;
}

/** Parameters pub-gruu and temp-gruu (RFC 5627 3.2) when the phone knows them. */
function gruuMaker(state: RegistrarState, msg: SipMsg): (contact: Contact) => ByteStr {
  const to = hasOption(msg, L.HDR_SUPPORTED, 'gruu') ? msg.to?.uri : undefined;
  const host = to && parseUri(state.host.core, to)?.host;
  if (!to || !host || /["\\\s]/.test(to)) return () => '';
  const end = to.search(/[;?]/);
  const base = end < 0 ? to : to.slice(0, end);
  return c => {
    const urn = c.instance!.replace(/^<|>$/g, '');
    return `;pub-gruu="${base};gr=${urn}";temp-gruu="sip:${c.ruid}-${hashText(c.record.aor)}@${host};gr"`;
  };
}

/** the hash of an address of record in temp-gruus: hex, backwards */
export function hashText(aor: ByteStr): ByteStr {
  let out = '';
  for (let hash = coreHash(aor); hash > 0; hash = Math.floor(hash / 16)) out += (hash % 16).toString(16);
  return out;
}

/** Headers of RFC 5626 in a 200. */
function outboundLines({ settings }: RegistrarState, outbound: boolean): ByteStr {
  const { outboundMode, flowTimerSec } = settings;
  if (outboundMode === OUTBOUND_OFF) return '';
  const lines =
    outboundMode === OUTBOUND_REQUIRED ? ['Require', 'Supported'] : ['Supported', ...(outbound ? ['Require'] : [])];
  const text = lines.map(name => `${name}: outbound\r\n`).join('');
  return flowTimerSec > 0 && (outbound || outboundMode === OUTBOUND_REQUIRED)
    ? `${text}Flow-Timer: ${flowTimerSec}\r\n`
    : text;
}

/** A 200. @param path what was stored of the Path headers @param outbound whether the phone supports RFC 5626 */
export function accept(
  state: RegistrarState,
  msg: SipMsg,
  record: UserRecord | undefined,
  path: ByteStr | undefined,
  outbound: boolean,
): Answer {
  const { pathMode } = state.settings;
  const shown = path !== undefined && pathMode >= PATH_LAZY && hasOption(msg, L.HDR_SUPPORTED, 'path');
  const headers = contactLine(state, msg, record) + (shown ? `Path: ${path}\r\n` : '') + outboundLines(state, outbound);
  return { code: 200, headers, prepared: false };
}

/** @param record whose contacts the answer lists  @param path of the request, for a 420 */
export function refuse(
  state: RegistrarState,
  msg: SipMsg,
  failure: Failure,
  record?: UserRecord,
  path?: ByteStr,
): Answer {
  const [code, text] = FAILURES[failure];
  let headers = contactLine(state, msg, record);
  if (failure === 'pathUnsupported') headers += `Unsupported: path\r\nPath: ${path}\r\n`;
  else if (failure === 'outboundUnsupported') headers += 'Unsupported: outbound\r\n';
  else if (failure === 'outboundRequired') headers += 'Require: outbound\r\n';
  else if (failure === 'brief') headers += `Min-Expires: ${state.settings.minExpiresSec}\r\n`;
  headers += `P-Registrar-Error: ${text}\r\n`;
  const { retryAfterSec } = state.settings;
  if (code >= 500 && retryAfterSec > 0) headers += `Retry-After: ${retryAfterSec}\r\n`;
  return { code, headers, prepared: false };
}

/** Keeps the answer for reg_send_reply(). @param prepare its headers go into any reply from now on */
export function keep(state: RegistrarState, msg: SipMsg, answer: Answer, prepare: boolean): void {
  state.host.perMessage.set(KEY, answer);
  if (prepare) prepareHeaders(msg, answer);
}

function prepareHeaders(msg: SipMsg, answer: Answer): boolean {
  if (answer.prepared || answer.headers === '') return true;
  answer.prepared = true;
  return msg.addReplyHeader(answer.headers);
}

/** @returns as reg_send_reply() */
export function sendKept(state: RegistrarState, msg: SipMsg): number {
  const answer = state.host.perMessage.get(KEY) as Answer | undefined;
  if (answer) return send(state, msg, answer);
  state.host.log.error({}, 'Cannot send the reply of save(): save() was not called for this message');
  return -1;
}

/** @returns 1 sent, -1 not */
export function send(state: RegistrarState, msg: SipMsg, answer: Answer): number {
  const { host } = state;
  if (!prepareHeaders(msg, answer)) {
    logFull(state);
    return -1;
  }
  return sendReply({ state, host, msg }, answer.code, REASONS[answer.code] ?? 'Error') === 1 ? 1 : -1;
}

/** Whether a 200 says no more of a contact than its URI, which is that of the REGISTER, and when it ends. */
export function isPlain({ settings }: RegistrarState, contact: Contact, uri: ByteStr): boolean {
  return (
    contact.uri === uri &&
    contact.q === Q_NONE &&
    contact.instance === undefined &&
    (contact.received === undefined || settings.receivedParam === '')
  );
}

/** accept() and send() with one contact that isPlain(), by the core. @param uriAt,uriLength where the message has its URI  @returns 1 sent, -1 not */
export function answerPlain(
  state: RegistrarState,
  msg: SipMsg,
  uriAt: number,
  uriLength: number,
  seconds: number,
): number {
  const sent: number = msg.core.x.registerAnswer(msg.at, uriAt, uriLength, seconds);
  if (sent !== 0) return sent;
  logFull(state);
  return -1;
}

function logFull({ host }: RegistrarState): void {
  host.log.error({}, 'Cannot answer REGISTER: the memory of the message is full');
}
