/**
 * save() of what most phones send: one contact that comes or stays, read by the core in one go (wasm/modules/registrar.ts). It comes to what save.ts would
 * do with the same request, with a fifth of the steps; all else is left to that one, before anything was changed.
 */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { type Awaitable, DbError } from '../../kemi/db.ts';
import { type Binding, UserRecord } from '../usrloc/api.ts';
import { accept, send } from './reply.ts';
import { type RegistrarState, withMessage } from './state.ts';

export const SAVE_EXACT_EXPIRES = 8;
export const INSERTED = 1;
export const UPDATED = 2;
/** what is stored for a phone that does not say what it is */
export const NO_USER_AGENT = 'n/a';
/** from so many contacts on it is looked whether a reply can list them all: a datagram holds 64 KiB */
export const MANY = 32;

// what registerRead() gives
const R_AOR = 0;
const R_URI = 8;
const R_CALL_ID = 16;
const R_USER_AGENT = 24;
const R_SECONDS = 32;
const R_CSEQ = 36;
const R_ALLOW = 40;
const R_ALLOW_IS = 44;
const NEW = 0;
const KNOWN = 1;

/** @returns as save(); undefined when the request is none of the usual, or asks for what is refused: nothing was done */
export function saveUsual(
  state: RegistrarState,
  msg: SipMsg,
  table: ByteStr,
  flags: number,
): Awaitable<number | undefined> {
  const { settings, usrloc } = state;
  if (!state.usual || (flags | SAVE_EXACT_EXPIRES) !== SAVE_EXACT_EXPIRES || !usrloc.isOpen(table)) return undefined;
  const { mem } = msg;
  const read: number = msg.core.x.registerRead(msg.at, state.wants);
  if (read === 0) return undefined;
  const asked = mem.i32(read + R_SECONDS);
  if (asked === 0 || mem.u32(read + R_URI + 4) > settings.contactMaxSize) return undefined;
  const aor = mem.str(mem.u32(read + R_AOR), mem.u32(read + R_AOR + 4));
  const uri = mem.str(mem.u32(read + R_URI), mem.u32(read + R_URI + 4));
  const callId = mem.str(mem.u32(read + R_CALL_ID), mem.u32(read + R_CALL_ID + 4));
  const cseq = mem.u32(read + R_CSEQ);
  const agentLength = mem.u32(read + R_USER_AGENT + 4);
  const agent = agentLength === 0 ? NO_USER_AGENT : mem.str(mem.u32(read + R_USER_AGENT), agentLength);
  const allow = mem.i32(read + R_ALLOW);
  const allowIs = mem.u32(read + R_ALLOW_IS);

  const store = (): number | undefined => {
    const record = usrloc.record(table, aor);
    if (record !== undefined && !(record instanceof UserRecord)) return undefined;
    const known = record && usrloc.find(record, { uri, callId, path: undefined });
    if (known ? known.callId === callId && cseq <= known.cseq : settings.maxContacts > 0) return undefined;
    if (record && record.contacts.length >= MANY) return undefined;

    const now = state.now();
    let seconds = asked < 0 ? settings.defaultExpiresSec : asked;
    if (seconds < settings.minExpiresSec) seconds = settings.minExpiresSec;
    if (settings.maxExpiresSec > 0 && seconds > settings.maxExpiresSec) seconds = settings.maxExpiresSec;
    const binding: Binding = {
      uri,
      expires: now + seconds,
      q: state.qOverride(msg) ?? settings.defaultQ,
      callId,
      cseq,
      flags: 0,
      cflags: msg.u32(L.M_BFLAGS),
      methods: allowIs === KNOWN ? allow : allowIs === NEW ? state.allow.learn(msg) : state.allow.of(msg),
      userAgent: state.shared(agent),
      received: state.receivedAvp(),
      path: undefined,
      socket: state.sockets[msg.socket],
      instance: undefined,
      regId: 0,
      serverId: 0,
      connectionId: msg.u32(L.M_CONID),
      lastModified: now,
      xavp: undefined,
    };
    const put = usrloc.put(table, aor, record, known, binding);
    if (!put) return undefined;
    state.accepted++;
    const answer = accept(state, msg, put, undefined, false);
    return send(state, msg, answer) === 1 ? (known ? UPDATED : INSERTED) : -1;
  };
  if (!usrloc.shared) return store();
  try {
    return usrloc.exclusive(table, aor, () => withMessage(state.host, msg, store));
  } catch (error) {
    // another worker is busy with it for too long: save.ts says so
    if (error instanceof DbError) return undefined;
    throw error;
  }
}
