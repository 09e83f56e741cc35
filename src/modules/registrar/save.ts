/** save(): what a REGISTER does to the contacts of its address of record (RFC 3261 10.3). All of it happens, or nothing. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { type Awaitable, DbError } from '../../kemi/db.ts';
import { varsOf, XavpList } from '../pv/api.ts';
import { attempt, type Binding, type Change, type Contact, isValid, type UserRecord } from '../usrloc/api.ts';
import { type AorError, aorText, readAor, readToAor, wrongWith } from './aor.ts';
import {
  bodyOf,
  type ContactField,
  type Contacts,
  expiresHeader,
  hasOption,
  qOf,
  readContacts,
  secondsOf,
} from './contacts.ts';
import { methodSet } from './methods.ts';
import { OUTBOUND_OFF, OUTBOUND_REQUIRED, PATH_STRICT } from './params.ts';
import { pathOf } from './path.ts';
import { type Answer, accept, type Failure, keep, refuse, send } from './reply.ts';
import { listeningSocket } from './socket.ts';
import { type C, onMessage, onTable, type RegistrarState, withMessage } from './state.ts';
import { findKnown, INSERTED, MANY, NO_USER_AGENT, SAVE_EXACT_EXPIRES, saveUsual, UPDATED } from './usual.ts';

const SAVE_MEMORY = 1;
const SAVE_NO_REPLY = 2;
const SAVE_ONE_CONTACT = 4;
const SAVE_PREPARE = 16;

const DELETED = 3;
const FETCHED = 4;
const TOO_MANY = -2;
const FAILED = -1;

/** columns user_agent and callid of the table location */
const MAX_TEXT_BYTES = 255;
const MAX_REG_ID = 0x7fffffff;
/** contacts of one REGISTER: work grows with their square */
const MAX_FIELDS = 256;
const MAX_LIST_BYTES = 48 * 1024;
/** bytes of a contact in a reply beside its URIs */
const LIST_OVERHEAD = 160;

const AOR_FAILURES: Readonly<Record<AorError, Failure>> = {
  parse: 'aorParse',
  long: 'aorLong',
  unescape: 'aorUnescape',
};

/** One save() under way. */
class Save {
  readonly state: RegistrarState;
  readonly msg: SipMsg;
  readonly table: ByteStr;
  readonly flags: number;
  readonly now: number;
  outbound = false;
  path: ByteStr | undefined;
  pathReceived: ByteStr | undefined;
  callId = '';
  cseq = 0;
  /** what all contacts of the request share, made when the first is built */
  #shared: Omit<Binding, 'uri' | 'expires' | 'q' | 'methods' | 'received' | 'instance' | 'regId'> | undefined;
  #methods = 0;
  #received: ByteStr | undefined;
  #natted = 0;

  constructor(state: RegistrarState, msg: SipMsg, table: ByteStr, flags: number) {
    this.state = state;
    this.msg = msg;
    this.table = table;
    this.flags = flags;
    this.now = state.now();
  }

  /** @param uri in place of the To URI */
  run(uri: ByteStr | undefined): Awaitable<number> {
    const { state, msg } = this;
    const contacts = readContacts(msg);
    const wrong = contacts ? this.#check(contacts) : 'contactParse';
    if (wrong) return this.#refuse(wrong);
    const read = uri === undefined ? readToAor(msg, state.wants) : readAor(msg, uri, state.wants);
    const why = wrongWith(read);
    if (why !== undefined) return this.#refuse(AOR_FAILURES[why]);
    const aor = aorText(state, read);
    const work = (): Awaitable<number> =>
      attempt(
        () => state.usrloc.record(this.table, aor),
        record => withMessage(state.host, msg, () => this.#apply(aor, record, contacts!)),
        error => {
          if (!(error instanceof DbError)) throw error;
          state.host.log.error({ err: error, aor }, `Cannot read contacts of ${aor}`);
          return withMessage(state.host, msg, () => this.#refuse('store'));
        },
      );
    return state.usrloc.exclusive(this.table, aor, work);
  }

  /** What is wrong with the request whatever is stored. */
  #check(contacts: Contacts): Failure | undefined {
    const { state, msg } = this;
    const { contactMaxSize, outboundMode } = state.settings;
    if (contacts.count > MAX_FIELDS) return 'full';
    if (contacts.star) {
      if (contacts.count > 1) return 'starMore';
      if (expiresHeader(msg) !== 0) return 'starExpires';
    }
    for (const { uri, received } of contacts.fields)
      if (uri.length > contactMaxSize || (received !== undefined && received.length > contactMaxSize)) return 'tooLong';
    if (bodyOf(msg, L.HDR_EXPIRES) === '') return 'expiresParse';
    const required = hasOption(msg, L.HDR_REQUIRE, 'outbound');
    if (required && outboundMode === OUTBOUND_OFF) return 'outboundUnsupported';
    this.outbound = required || (outboundMode !== OUTBOUND_OFF && hasOption(msg, L.HDR_SUPPORTED, 'outbound'));
    if (outboundMode === OUTBOUND_REQUIRED && !this.outbound) return 'outboundRequired';
    return undefined;
  }

  #apply(aor: ByteStr, record: UserRecord | undefined, contacts: Contacts): Awaitable<number> {
    const { state, msg, flags } = this;
    if (contacts.count === 0) return this.#accept(record, FETCHED);
    msg.core.x.parseCseq(msg.at);
    this.cseq = msg.mem.u32(msg.at + L.M_CSEQ);
    this.callId = bodyOf(msg, L.HDR_CALL_ID) ?? '';
    const changes: Change[] = [];
    const result = contacts.star ? this.#planStar(record, changes) : this.#plan(record, contacts.fields, changes);
    if (typeof result === 'string') return this.#refuse(result, record);
    if (changes.length === 0) return this.#accept(record, result);
    const done = state.usrloc.change(this.table, aor, record, changes, (flags & SAVE_MEMORY) !== 0);
    return onMessage(state.host, msg, done, now => (now === false ? this.#refuse('store') : this.#accept(now, result)));
  }

  /** `Contact: *` takes all contacts away, unless one of this Call-ID is newer (RFC 3261 10.3 step 6). */
  #planStar(record: UserRecord | undefined, changes: Change[]): number | Failure {
    for (const contact of record?.contacts ?? []) {
      if (contact.callId === this.callId && this.cseq <= contact.cseq) return 'cseq';
      changes.push({ do: 'delete', contact });
    }
    return DELETED;
  }

  #plan(record: UserRecord | undefined, fields: readonly ContactField[], changes: Change[]): number | Failure {
    const { state, msg, flags } = this;
    if (this.callId.length > MAX_TEXT_BYTES) return 'callIdLong';
    const wrong = state.settings.usePath ? this.#readPath() : undefined;
    if (wrong) return wrong;
    const header = expiresHeader(msg);
    const given: { field: ContactField; expiresSec: number; regId: number; contact: Contact | undefined }[] = [];
    for (const field of fields) {
      const expiresSec = this.#expires(field, header);
      if (typeof expiresSec === 'string') return expiresSec;
      const regId = field.instance === undefined || field.regId === undefined ? 0 : Number(field.regId);
      if (
        field.regId !== undefined &&
        field.instance !== undefined &&
        !(/^\d+$/.test(field.regId) && regId > 0 && regId <= MAX_REG_ID)
      )
        return 'regId';
      given.push({ field, expiresSec, regId, contact: record && this.#known(record, field, regId) });
    }
    if (this.#tooMany(record, given)) return 'full';
    let result = INSERTED;
    for (const { field, expiresSec, regId, contact } of given) {
      if (changes.some(c => c.do !== 'delete' && this.#same(c, contact, field, regId))) continue; // the same twice
      const known = contact && !changes.some(c => c.do === 'delete' && c.contact === contact) ? contact : undefined;
      if (known && known.callId === this.callId && this.cseq <= known.cseq) {
        // a retransmission is answered as the first one was
        if (this.cseq < known.cseq || this.now - known.lastModified >= state.usrloc.cseqDelay) return 'cseq';
        continue;
      }
      if (expiresSec === 0) {
        if (!known) continue;
        changes.push({ do: 'delete', contact: known });
        result = DELETED;
        continue;
      }
      const binding = this.#binding(field, expiresSec, regId);
      if (typeof binding === 'string') return binding;
      changes.push(known ? { do: 'update', contact: known, binding } : { do: 'insert', binding });
      result = known ? UPDATED : INSERTED;
    }
    if (flags & SAVE_ONE_CONTACT)
      for (const contact of record?.contacts ?? [])
        if (!given.some(g => g.contact === contact)) changes.push({ do: 'delete', contact });
    return result;
  }

  #readPath(): Failure | undefined {
    const { state, msg } = this;
    const path = pathOf(msg);
    if (path === undefined) return undefined;
    if (path === 'parse') return 'pathParse';
    if (path === 'long') return 'pathLong';
    this.path = path.text;
    if (state.settings.pathUseReceived) this.pathReceived = path.received;
    const { pathMode } = state.settings;
    return pathMode === PATH_STRICT && !hasOption(msg, L.HDR_SUPPORTED, 'path') ? 'pathUnsupported' : undefined;
  }

  /** Seconds that a contact gets: its own, the header's or the default, within the limits; 0 takes it away. */
  #expires({ expires }: ContactField, header: number | undefined): number | Failure {
    const { settings, host } = this.state;
    const set = this.state.config('expires');
    const asked = typeof set === 'number' ? set : expires === undefined ? header : secondsOf(expires);
    if (asked === 0) return 0;
    let sec = asked ?? settings.defaultExpiresSec;
    const range = asked === undefined ? settings.defaultExpiresRange : settings.expiresRange;
    if (range > 0 && !(this.flags & SAVE_EXACT_EXPIRES)) sec -= Math.floor(((sec * range) / 100) * host.random());
    if (sec < settings.minExpiresSec) {
      if (settings.refuseBrief && asked !== undefined) return 'brief';
      sec = settings.minExpiresSec;
    }
    return settings.maxExpiresSec > 0 ? Math.min(sec, settings.maxExpiresSec) : sec;
  }

  #known(record: UserRecord, { instance, uri }: ContactField, regId: number): Contact | undefined {
    return findKnown(this.state.usrloc, record, uri, this.callId, this.path, instance, regId);
  }

  /** Whether a change of this request is about the same contact as another field of it. */
  #same(change: Change, contact: Contact | undefined, { uri, instance }: ContactField, regId: number): boolean {
    if (change.do !== 'insert') return contact !== undefined && change.contact === contact;
    const b = change.binding;
    return instance === undefined ? b.uri === uri : b.instance === instance && b.regId === regId;
  }

  #tooMany(
    record: UserRecord | undefined,
    given: readonly { field: ContactField; expiresSec: number; contact: Contact | undefined }[],
  ): boolean {
    const set = this.state.config('max_contacts');
    const most = typeof set === 'number' ? set : this.state.settings.maxContacts;
    const known = record?.contacts.length ?? 0;
    if (known + given.length > MANY && listBytes(record, given) > MAX_LIST_BYTES) return true;
    if (most <= 0) return false;
    let count = 0;
    for (const contact of record?.contacts ?? []) {
      if (!isValid(contact, this.now)) continue;
      if (this.flags & SAVE_ONE_CONTACT && !given.some(g => g.contact === contact)) continue;
      count++;
    }
    const before = count;
    for (const { expiresSec, contact } of given) {
      if (!contact && expiresSec > 0) count++;
      else if (contact && expiresSec === 0 && isValid(contact, this.now)) count--;
    }
    return count > most && count > before;
  }

  #binding(field: ContactField, expiresSec: number, regId: number): Binding | Failure {
    const shared = (this.#shared ??= this.#share());
    const set = this.state.config('q');
    const q = typeof set === 'number' ? set : (this.state.qOverride(this.msg) ?? this.#q(field));
    if (q === undefined || q > 1000 || q < -1) return 'q';
    const received = this.pathReceived ?? field.received ?? this.#received;
    return {
      ...shared,
      uri: field.uri,
      expires: this.now + expiresSec,
      q,
      methods: field.methods === undefined ? this.#methods : methodSet(this.msg, field.methods),
      received,
      cflags: this.#natted ? (shared.cflags | this.#natted) >>> 0 : shared.cflags,
      instance: field.instance,
      regId,
    };
  }

  #q({ q }: ContactField): number | undefined {
    return q === undefined ? this.state.settings.defaultQ : qOf(q);
  }

  #share() {
    const { state, msg } = this;
    const { host, usrloc } = state;
    const agent = bodyOf(msg, L.HDR_USER_AGENT) || NO_USER_AGENT;
    const attributes = usrloc.xavpContact ? varsOf(host).xavps.find(usrloc.xavpContact)?.value : undefined;
    this.#methods = msg.core.x.allowedMethods(msg.at);
    this.#received = state.receivedAvp();
    if (this.pathReceived !== undefined) this.#natted = usrloc.natFlag;
    return {
      callId: this.callId,
      cseq: this.cseq,
      flags: 0,
      cflags: msg.u32(L.M_BFLAGS),
      userAgent: agent.length > MAX_TEXT_BYTES ? NO_USER_AGENT : state.shared(agent),
      path: this.path,
      socket: this.#socket(),
      serverId: 0,
      connectionId: msg.u32(L.M_CONID),
      lastModified: this.now,
      xavp: attributes instanceof XavpList ? attributes.clone() : undefined,
    };
  }

  /** The socket that the REGISTER came in on, or that it names where the script allows it. */
  #socket(): ByteStr | undefined {
    const { state, msg } = this;
    const { sockFlag, sockHeader } = state.settings;
    const set = state.config('socket');
    const named =
      typeof set === 'string'
        ? set
        : sockHeader && sockFlag && msg.u32(L.M_SFLAGS) & sockFlag
          ? msg.named(sockHeader)[0]?.body
          : undefined;
    return (named && listeningSocket(state, named)) || state.sockets[msg.socket];
  }

  #accept(record: UserRecord | undefined, result: number): number {
    this.state.accepted++;
    const { state, msg } = this;
    return this.#answer(accept(state, msg, record, this.path, this.outbound), result);
  }

  #refuse(failure: Failure, record?: UserRecord): number {
    const { state, msg } = this;
    state.rejected++;
    state.host.log.debug({ failure }, 'A REGISTER was refused');
    return this.#answer(refuse(state, msg, failure, record, this.path), failure === 'full' ? TOO_MANY : FAILED);
  }

  #answer(answer: Answer, result: number): number {
    const { state, msg, flags } = this;
    if (msg.isReply) return result; // a registration that somebody else answered
    if (flags & SAVE_NO_REPLY) {
      keep(state, msg, answer, (flags & SAVE_PREPARE) !== 0);
      return result;
    }
    return send(state, msg, answer) === 1 ? result : FAILED;
  }
}

/** Bytes that the contacts of a record and new ones take in a reply, at most. */
function listBytes(
  record: UserRecord | undefined,
  given: readonly { field: ContactField; expiresSec: number; contact: Contact | undefined }[],
): number {
  let bytes = 0;
  const add = (uri: ByteStr, received: ByteStr | undefined, instance: ByteStr | undefined) => {
    bytes +=
      LIST_OVERHEAD + uri.length + (received?.length ?? 0) + (instance === undefined ? 0 : 2 * instance.length + 256);
  };
  for (const { uri, received, instance } of record?.contacts ?? []) add(uri, received, instance);
  let more = false;
  for (const { field, expiresSec, contact } of given) {
    if (contact || expiresSec === 0) continue;
    more = true;
    add(field.uri, field.received, field.instance);
  }
  return more ? bytes : 0;
}

/** @param uri in place of the To URI */
export function save(call: C, table: ByteStr, flags: number, uri?: ByteStr): Awaitable<number> {
  const done = uri === undefined ? saveUsual(call.state, call.msg, table, flags) : undefined;
  if (typeof done === 'number') return done;
  const { state, host, msg } = call;
  const own: C = { state, host, msg };
  const rest = () => onTable(own, table, FAILED, FAILED, () => new Save(state, msg, table, flags).run(uri));
  return done === undefined ? rest() : onMessage(host, msg, done, result => result ?? rest());
}
